"""Data files of the package: in ``_data`` if it is installed, else in the source tree."""

from pathlib import Path

_BUILT = {
    "plugins": "build/plugins",
    "browser": "build/web/tagnode",
}  # by `make plugins`, `make web`
_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """Return a folder of data files: ``models``, ``presets``, ``plugins`` or ``browser``.

    It need not exist: an installation may lack it.

    Examples
    --------
    >>> shipped("presets").name
    'presets'
    """
    installed = _PACKAGE / "_data" / name
    if installed.is_dir():
        return installed
    return _PACKAGE.parent / _BUILT.get(name, name)
