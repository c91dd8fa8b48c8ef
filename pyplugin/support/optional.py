"""Optional dependencies, imported on first use."""

from importlib import import_module
from typing import Any

from pyplugin.errors import PypluginError


def install(extra: str) -> str:
    """Return the command that installs an extra.

    Examples
    --------
    >>> install("audio")
    "pip install 'tagnode[audio]'"
    """
    return f"pip install 'tagnode[{extra}]'"


def need(
    module: str, *, package: str, extra: str, purpose: str, error: type[Exception] = PypluginError
) -> Any:
    """Import a module, or raise an error with the command that installs it.

    Parameters
    ----------
    module
        Name of the module.
    package, extra
        Its name on PyPI, and the extra of tagnode that installs it.
    purpose
        Subject of the message, such as ``"MIDI"``.
    error
        Class of the exception.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    PypluginError
        The module is missing, or it cannot be loaded.

    Examples
    --------
    >>> need("math", package="math", extra="all", purpose="Arithmetic").sqrt(9.0)
    3.0
    """
    try:
        return import_module(module)
    except (ImportError, OSError) as reason:  # OSError: a shared library is missing
        raise error(
            f"{purpose} needs {package}, which cannot be loaded ({reason}): {install(extra)}."
        ) from reason
