"""Opens a model before the work begins, so that what can fail fails now."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pyplugin.models.registry import Model
from pyplugin.models.structs import card_struct
from pyplugin.node.runtimes import open_model

__all__ = ["try_model"]

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


def try_model(model: Model, runtime: str | None) -> None:
    """Open a model with its runtime once; raises what :class:`pyplugin.Node` would raise later."""
    with _without_banner():
        open_model(model, card_struct(model.card), runtime).close()
