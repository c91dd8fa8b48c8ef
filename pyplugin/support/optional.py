"""Libraries that only some installations have: loaded when first needed."""

from importlib import import_module
from typing import Any

from pyplugin.errors import PypluginError

__all__ = ["need"]


def need(
    module: str,
    *,
    package: str,
    extra: str,
    purpose: str,
    error: type[PypluginError] = PypluginError,
) -> Any:
    """Import a module, or say how to get it.

    Parameters
    ----------
    module
        Its name in Python.
    package, extra
        What to install: its name on PyPI, and the extra of pyplugin that brings it.
    purpose
        What needs it, to begin the sentence with.
    error
        What to raise.

    Raises
    ------
    PypluginError
        It is missing, or cannot be loaded.
    """
    try:
        return import_module(module)
    except (ImportError, OSError) as reason:  # OSError: a library below it is missing
        raise error(
            f"{purpose} needs {package}, which cannot be loaded ({reason}): "
            f"pip install 'pyplugin[{extra}]'."
        ) from reason
