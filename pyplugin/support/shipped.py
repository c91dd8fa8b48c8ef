"""Data files of the package: in ``_data`` if it is installed, else in the source tree."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """Return the folder of data files with this name: ``models``, ``presets`` or ``plugins``.

    It need not exist: an installation may lack it.

    Examples
    --------
    >>> shipped("presets").name
    'presets'
    """
    installed = _PACKAGE / "_data" / name
    if installed.is_dir():
        return installed
    return _PACKAGE.parent / ("build/plugins" if name == "plugins" else name)
