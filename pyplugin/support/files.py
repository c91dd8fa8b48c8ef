"""Atomic files: written under a temporary name, then renamed."""

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from pyplugin.errors import PypluginError

PathLike = str | os.PathLike[str]


def sentence(error: OSError) -> str:
    """Return the reason of an operating system error in lower case, for use within a sentence.

    Examples
    --------
    >>> sentence(FileNotFoundError(2, "No such file or directory"))
    'no such file or directory'
    """
    return (error.strerror or str(error)).lower()


_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def _no_room(reason: OSError) -> bool:
    """Return whether there was no space left; numpy raises a plain OSError without errno."""
    return reason.errno in _NO_ROOM or (type(reason) is OSError and reason.errno is None)


def check_writable(path: PathLike, *, error: type[PypluginError] = PypluginError) -> None:
    """Raise ``error`` if no file can be written at `path`; call this before long work.

    Parameters
    ----------
    path
        The file to write later. It is not created or changed.
    error
        Class of the exception.

    Raises
    ------
    PypluginError
        The folder is missing or not writable, or `path` is a folder.
    """
    with contextlib.suppress(_TriedError), replacing(path, error=error):
        raise _TriedError


class _TriedError(Exception):
    """Ends `replacing` without replacing the file."""


@contextlib.contextmanager
def replacing(path: PathLike, *, error: type[PypluginError] = PypluginError) -> Iterator[Path]:
    """Yield a new, empty, hidden file beside `path`, and rename it to `path` on success.

    On any exception it is removed, and an existing file at `path` is kept. If `path` is a symbolic
    link, its target is replaced.

    Parameters
    ----------
    path
        The final file.
    error
        Class of the exception to raise.

    Yields
    ------
    pathlib.Path
        The file to write.

    Raises
    ------
    PypluginError
        The folder is missing or not writable, `path` is a folder, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "result.txt") as partial:
    ...     _ = partial.write_text("complete")
    >>> (folder / "result.txt").read_text()
    'complete'
    """
    place = Path(os.path.realpath(path))
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(4)}.part")
    try:
        if place.is_dir():
            raise error(f"'{path}' is a folder; add the name of a file")
        temporary.open("xb").close()
    except FileNotFoundError:
        raise error(f"'{path}' cannot be written: its folder does not exist; create it") from None
    except OSError as reason:
        raise error(
            f"'{path}' cannot be written: {sentence(reason)}; choose another folder"
        ) from reason
    try:
        yield temporary
        try:
            temporary.replace(place)
        except OSError as reason:
            raise error(f"'{path}' cannot be replaced: {sentence(reason)}") from reason
    except BaseException as reason:
        temporary.unlink(missing_ok=True)
        if isinstance(reason, OSError) and _no_room(reason):
            raise error(
                f"'{path}' cannot be written: {sentence(reason)}; free some space"
            ) from reason
        raise


def write_file(path: PathLike, data: bytes, error: type[PypluginError] = PypluginError) -> Path:
    """Write a file as `replacing` does, and return its path.

    Raises
    ------
    error
        The file cannot be written.
    """
    with replacing(path, error=error) as temporary:
        try:
            temporary.write_bytes(data)
        except OSError as reason:
            raise error(f"{path} cannot be written: {sentence(reason)}.") from reason
    return Path(path)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; may raise OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
