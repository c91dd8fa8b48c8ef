"""Files that are whole or not there: written beside their place, then moved into it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pyplugin.errors import PypluginError

__all__ = ["check_writable", "replacing"]


def check_writable(path: Path, error: type[PypluginError] = PypluginError) -> None:
    """Raise where a file cannot be written at ``path``, before any work is done for it."""
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise error(f"{path} is a folder; add the name of a file.")
    if not place.parent.is_dir():
        raise error(f"{path} cannot be written: its folder does not exist; make it first.")
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise error(f"{path} cannot be written: its folder is closed to you; choose another.")


@contextmanager
def replacing(path: str | Path, error: type[PypluginError] = PypluginError) -> Iterator[Path]:
    """Give a place beside ``path`` to write to, which becomes ``path`` on success.

    On any exception it is removed, and whatever stood at ``path`` stays. A link is followed.

    Raises
    ------
    PypluginError
        (or ``error``) The folder is missing or not writable, ``path`` is a folder, or the system
        refused to write.
    """
    check_writable(Path(path), error)
    place = Path(os.path.realpath(path))
    partial = place.with_name(f".{place.stem}.{secrets.token_hex(4)}.part{place.suffix}")
    try:
        yield partial
        partial.replace(place)
    except OSError as reason:
        raise error(f"{path} cannot be written: {reason.strerror or reason}.") from reason
    finally:
        partial.unlink(missing_ok=True)
