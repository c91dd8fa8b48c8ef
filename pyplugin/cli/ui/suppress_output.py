"""Opens a model before the work begins, so that what can fail fails now."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyplugin.node.plan import Plan

_BANNER = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


@contextmanager
def without_banner() -> Iterator[None]:
    """Hold back what is written to stderr; pass it on without the line that LiteRT always writes.

    LiteRT writes it once a process and has no switch for it. Where there is no place to hold text,
    all of it is shown.
    """
    held, terminal = _memory(), None
    try:
        with suppress(OSError):
            terminal = os.dup(2)
            if held is not None:
                os.dup2(held, 2)
        yield
    finally:
        if terminal is not None:
            os.dup2(terminal, 2)
            os.close(terminal)
        if held is not None:
            _pass_on(held)


def _memory() -> int | None:
    """Return a descriptor of a file without a name, in memory where the system has such."""
    with suppress(OSError):
        if hasattr(os, "memfd_create"):
            return os.memfd_create("stderr")
    with suppress(OSError), tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
    return None


def _pass_on(held: int) -> None:
    os.lseek(held, 0, os.SEEK_SET)
    with os.fdopen(held, "rb") as lines, suppress(OSError):
        for line in lines:
            if line.strip() != _BANNER:
                os.write(2, line)


def check_plan(plan: Plan) -> None:
    """Open the models of a plan once; raises what building its nodes would raise later."""
    with without_banner():
        plan.check()
