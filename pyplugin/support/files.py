"""Atomic files: written under a temporary name, synced, then renamed.

What is no regular file is written to as it is: devices, FIFOs, open descriptors, and ``-``, which
is standard output (`pyplugin.support.special`).
"""

import contextlib
import errno
import functools
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from pyplugin.errors import PypluginError
from pyplugin.support.special import check_special, is_special, open_special, write_all

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

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
    if is_special(path):
        try:
            check_special(path)
        except OSError as reason:
            raise error(f"'{path}' cannot be written: {sentence(reason)}") from reason
        return
    with contextlib.suppress(_TriedError), replacing(path, error=error):
        raise _TriedError


class _TriedError(Exception):
    """Ends `replacing` without replacing the file."""


@contextlib.contextmanager
def replacing(path: PathLike, *, error: type[PypluginError] = PypluginError) -> Iterator[Path]:
    """Yield a new, empty, hidden file beside `path`, and rename it to `path` on success.

    On any exception it is removed, and an existing file at `path` is kept. If `path` is a symbolic
    link, its target is replaced. The new file has the mode and, where permitted, the owner of the
    old one, and is on the disk before it gets the name. A device, a FIFO or an open descriptor is
    not replaced: it receives the data on success, as standard output does for ``-``.

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
    ReaderGoneError
        The reader of a pipe or FIFO has closed it.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "result.txt") as partial:
    ...     _ = partial.write_text("complete")
    >>> (folder / "result.txt").read_text()
    'complete'
    """
    with _special(path, error) if is_special(path) else _regular(path, error) as temporary:
        yield temporary


def not_written(
    path: PathLike, reason: OSError, error: type[PypluginError] = PypluginError
) -> PypluginError:
    """Return the error on an output that failed during the work: exit status 1."""
    advice = "; free some space" if _no_room(reason) else ""
    failure = error(f"'{path}' cannot be written: {sentence(reason)}{advice}")
    failure.exit_code = 1
    return failure


@contextlib.contextmanager
def _special(path: PathLike, error: type[PypluginError]) -> Iterator[Path]:
    with scratch_file() as temporary:
        yield temporary
        try:
            with temporary.open("rb") as source, open_special(path) as target:
                while block := source.read(1 << 20):
                    write_all(target, block)
        except OSError as reason:
            raise not_written(path, reason, error) from reason


@contextlib.contextmanager
def scratch_file() -> Iterator[Path]:
    """Yield an empty file for data on its way; in memory where there is no temporary folder."""
    try:
        folder = tempfile.mkdtemp(prefix="pyplugin-")
    except OSError:
        if not hasattr(os, "memfd_create"):
            raise
        number = os.memfd_create("pyplugin")
        try:
            yield Path(f"/proc/self/fd/{number}")
        finally:
            os.close(number)
        return
    try:
        yield Path(folder, "data")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _regular(path: PathLike, error: type[PypluginError]) -> Iterator[Path]:
    part = PartFile(path, error)
    try:
        yield part.temporary
        part.publish()
    except BaseException as reason:
        part.discard()
        if isinstance(reason, OSError) and _no_room(reason):
            raise not_written(path, reason, error) from reason
        raise
    part.stream.close()


class PartFile:
    """A hidden file beside a regular one, which it replaces when it is published.

    It is locked while this process lives, so that others can remove what a dead one left behind.

    Parameters
    ----------
    path
        The final file, or a link to it.
    error
        Class of the exceptions to raise.

    Attributes
    ----------
    place : Path
        The final file.
    temporary : Path
        The hidden file.
    stream : binary file
        Open for writing on it, unbuffered; it stays open when the file is published.
    """

    def __init__(self, path: PathLike, error: type[PypluginError] = PypluginError) -> None:
        self._path, self._error = path, error
        self.place = Path(os.path.realpath(path))
        try:
            if self.place.is_dir():
                raise error(f"'{path}' is a folder; add the name of a file")
            self._old = _status(self.place)
            _sweep(self.place.parent)
            self.temporary, self.stream = _new_part(self.place, self._old)
        except FileNotFoundError:
            raise error(
                f"'{path}' cannot be written: its folder does not exist; create it"
            ) from None
        except (OSError, ValueError) as reason:
            why = sentence(reason) if isinstance(reason, OSError) else str(reason)
            raise error(f"'{path}' cannot be written: {why}; choose another folder") from reason

    def publish(self) -> None:
        """Give the file its mode, owner and name, once its data are on the disk.

        Raises
        ------
        OSError
            The data could not be written.
        PypluginError
            The file could not be renamed.
        """
        if self._old is not None:
            _take_owner(self.temporary, self._old)
        with self.temporary.open("rb") as written:  # a library may have made another file
            os.fsync(written.fileno())
        try:
            self.temporary.replace(self.place)
        except OSError as reason:
            raise self._error(f"'{self._path}' cannot be replaced: {sentence(reason)}") from reason
        _sync_folder(self.place.parent)

    def discard(self) -> None:
        """Remove the file."""
        self.temporary.unlink(missing_ok=True)
        self.stream.close()


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


_PART = re.compile(r"\..*\.[0-9a-f]{8}\.part", re.DOTALL)


def _new_part(place: Path, old: os.stat_result | None) -> tuple[Path, BinaryIO]:
    """Create and lock a hidden file beside a place; its name is cut to what the folder allows."""
    try:
        longest = os.pathconf(place.parent, "PC_NAME_MAX")
    except (AttributeError, OSError, ValueError):
        longest = 255
    stem = os.fsencode(place.name)[: max(longest - len("..01234567.part"), 1)]
    mode = 0o666 if old is None else stat.S_IMODE(old.st_mode) & 0o666 | stat.S_IWUSR
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0)
    while True:
        name = f".{stem.decode(errors='ignore')}.{secrets.token_hex(4)}.part"
        temporary = place.with_name(name)
        stream = os.fdopen(os.open(temporary, flags, mode), "r+b", buffering=0)
        lock(stream)
        if os.fstat(stream.fileno()).st_nlink:  # not swept before it was locked
            return temporary, stream
        stream.close()


def lock(stream: BinaryIO) -> bool:
    """Lock an open file until it is closed; return ``False`` if another process holds it.

    Where there are no locks it returns ``True``.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@functools.lru_cache(maxsize=256)
def _sweep(folder: Path) -> None:
    """Remove the hidden files that dead processes of this user left in a folder; once is enough."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _PART.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _sweep_file(Path(entry.path))


def _sweep_file(path: Path) -> None:
    with path.open("rb") as stream:
        if os.fstat(stream.fileno()).st_uid == os.geteuid():
            fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink()


def _take_owner(path: Path, old: os.stat_result) -> None:
    """Give a new file the owner of the old one, where that is permitted, and its mode."""
    mode = stat.S_IMODE(old.st_mode)
    new = path.stat()
    if hasattr(os, "chown") and (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        try:
            os.chown(path, old.st_uid, old.st_gid)
        except OSError:
            mode &= 0o777  # set-user-id is for the owner it was set by
            with contextlib.suppress(OSError):
                os.chown(path, -1, old.st_gid)
    with contextlib.suppress(OSError):
        path.chmod(mode)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every system opens folders
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


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
            raise not_written(path, reason, error) from reason
    return Path(path)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal; may raise OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
