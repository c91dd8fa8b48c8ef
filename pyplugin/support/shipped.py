"""Files that come with the package: in ``_data`` where it is installed, in the tree otherwise."""

from pathlib import Path

__all__ = ["shipped"]

_PACKAGE = Path(__file__).resolve().parents[1]


def shipped(name: str) -> Path:
    """Return the folder of what comes with the package: ``models``, ``presets``, ``plugins``.

    It need not exist: an installation may lack it.
    """
    installed = _PACKAGE / "_data" / name
    if installed.is_dir():
        return installed
    return _PACKAGE.parent / ("build/plugins" if name == "plugins" else name)
