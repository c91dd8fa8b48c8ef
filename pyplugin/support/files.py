"""Files that are whole or not there: written beside their place, then moved into it."""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from pyplugin.errors import PypluginError

__all__ = ["check_writable", "replacing", "sentence"]


def sentence(error: OSError) -> str:
    """Return what the system says was wrong, in lower case, to stand within a sentence."""
    return (error.strerror or str(error)).lower()


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def _no_room(reason: OSError) -> bool:
    """Tell whether what was written did not fit; numpy says so without a number."""
    return reason.errno in _NO_ROOM or (type(reason) is OSError and reason.errno is None)


def check_writable(
    path: str | os.PathLike[str], *, error: type[PypluginError] = PypluginError
) -> None:
    """Raise ``error`` where no file can be written at `path`, before any work is done for it."""
    with contextlib.suppress(_TriedError), replacing(path, error=error):
        raise _TriedError


class _TriedError(Exception):
    """Leaves `replacing` without replacing anything."""


@contextlib.contextmanager
def replacing(
    path: str | os.PathLike[str], *, error: type[PypluginError] = PypluginError
) -> Iterator[Path]:
    """Give a new, empty, hidden file beside `path`, and move it there on success.

    On any exception it is removed and whatever stood at `path` stays. A link is followed: the file
    that it names is replaced.

    Parameters
    ----------
    path
        Where the complete file shall be.
    error
        What to raise when the folder is missing or not writable, `path` is a folder, or what is
        written does not fit.

    Yields
    ------
    pathlib.Path
        The file to write.
    """
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        if place.is_dir():
            raise error(f"'{path}' is a folder; add the name of a file")
        temporary.open("xb").close()
    except FileNotFoundError:
        raise error(f"'{path}' cannot be written: its folder does not exist; make it") from None
    except OSError as reason:
        raise error(f"'{path}' cannot be written: {sentence(reason)}; choose another") from reason
    try:
        yield temporary
        try:
            temporary.replace(place)
        except OSError as reason:
            raise error(f"'{path}' cannot be replaced: {sentence(reason)}") from reason
    except BaseException as reason:
        temporary.unlink(missing_ok=True)
        if isinstance(reason, OSError) and _no_room(reason):
            raise error(f"'{path}' cannot be written: {sentence(reason)}; make room") from reason
        raise
