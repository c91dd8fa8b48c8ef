"""Open a model before any work, so that errors are reported early, and hide LiteRT's banner."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from pyplugin._native import card_struct
from pyplugin.models.registry import Model
from pyplugin.node.runtimes import open_model

__all__ = ["try_model"]

_BANNER = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU."


@contextmanager
def _without_banner() -> Iterator[None]:
    """Redirect stderr, and write all but LiteRT's banner to it at the end.

    LiteRT writes the banner once per process and has no option to disable it.
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
    """Open and close a model once; raises the errors that :class:`pyplugin.Node` would raise later.

    Parameters
    ----------
    model
        The model to open.
    runtime
        Name of its runtime; ``None`` for the one that a node would choose.

    Raises
    ------
    ModelError
        The runtime is missing, or it cannot run the model.
    """
    with _without_banner():
        open_model(model, card_struct(model.card), runtime).close()
