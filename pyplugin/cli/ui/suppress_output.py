"""Opens a model before the work begins, so that what can fail fails now."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pyplugin.node.plan import Plan

_BANNER = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


@contextmanager
def _without_banner() -> Iterator[None]:
    """Hold back what is written to stderr; pass it on without the line that LiteRT always writes.

    LiteRT writes it once a process and has no switch for it.
    """
    with tempfile.TemporaryFile() as held:
        terminal = os.dup(2)
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            held.seek(0)
            for line in held:
                if line.strip() != _BANNER:
                    os.write(2, line)


def check_plan(plan: Plan) -> None:
    """Open the models of a plan once; raises what building its nodes would raise later."""
    with _without_banner():
        plan.check()
