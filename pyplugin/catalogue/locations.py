"""Where recordings are: local files, and whatever fsspec opens (S3, HTTP, ZIP and others)."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from pyplugin.errors import PypluginError
from pyplugin.inputs.files import Source
from pyplugin.support.optional import need

_BLOCK = 1 << 20  # bytes that are hashed at once
_AHEAD = 1 << 20  # bytes of a remote file that are fetched at once


@dataclass(frozen=True)
class OpenedRecording:
    """A recording to decode.

    Attributes
    ----------
    source
        What :class:`Recording` takes.
    content
        Returns the hash of what was read and the rest; ``None`` of a local file, which is read
        again (from the cache of the system).
    """

    source: Source
    content: Callable[[], str] | None = None


def is_remote(path: str) -> bool:
    """Return whether a path is an address that fsspec opens.

    Examples
    --------
    >>> is_remote("s3://bucket/a.mp3"), is_remote("/music/a.mp3")
    (True, False)
    """
    return "://" in path


@contextlib.contextmanager
def opened(path: str) -> Iterator[OpenedRecording]:
    """Yield a recording; one that is not local is streamed, and hashed on its way."""
    if not is_remote(path):
        yield OpenedRecording(path)
        return
    system, inside = file_system(path)
    whole = path.startswith(("http://", "https://")) and not system.info(inside).get("partial")
    options = {"block_size": 0} if whole else {"block_size": _AHEAD, "cache_type": "readahead"}
    with system.open(inside, "rb", **options) as file:
        reader = HashingReader(file, seekable=not whole)
        yield OpenedRecording(cast("BinaryIO", reader), reader.content)


def file_system(path: str) -> tuple[Any, str]:
    """Return fsspec's file system of an address, and the path in it.

    Raises
    ------
    PypluginError
        fsspec, or the package for this protocol, is not installed, or there is no such protocol.
    """
    fsspec = need("fsspec", package="fsspec", extra="cluster", purpose="Reading an address")
    try:
        system, inside = fsspec.core.url_to_fs(path)
    except (ImportError, ValueError) as error:
        raise PypluginError(f"'{path}' cannot be opened: {error}") from error
    return system, inside


class HashingReader(io.RawIOBase):
    """A file that hashes what is read of it, once, in the order of the file.

    Parameters
    ----------
    file
        Open for reading.
    seekable
        It can be sought in; a server may not allow that.

    Examples
    --------
    >>> reader = HashingReader(io.BytesIO(b"a recording"))
    >>> reader.read(2), reader.content()[:8]
    (b'a ', '42bcb964')
    """

    def __init__(self, file: Any, *, seekable: bool = True) -> None:
        self._file, self._seekable = file, seekable
        self._at = 0
        self._digest = hashlib.blake2b(digest_size=16)
        self._hashed = 0
        self.name = getattr(file, "full_name", None) or getattr(file, "path", "")

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def seekable(self) -> bool:
        """Return whether it can be sought in."""
        return self._seekable

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        if not self._seekable:
            raise io.UnsupportedOperation("the server sends it from the beginning only")
        self._at = int(self._file.seek(offset, whence))
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        at = self._at
        data = bytes(self._file.read(size))
        self._at += len(data)
        if at <= self._hashed < at + len(data):
            self._digest.update(data[self._hashed - at :])
            self._hashed = at + len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def content(self) -> str:
        """Return the hash of the whole file; what was not read is read."""
        if self.seekable():
            self.seek(self._hashed)
        while self.read(_BLOCK):
            pass
        return self._digest.hexdigest()


def content_of(path: str) -> str:
    """Return the hash of a file's content; may raise OSError."""
    if is_remote(path):
        with opened(path) as file:
            assert file.content is not None
            return file.content()
    digest = hashlib.blake2b(digest_size=16)
    with Path(path).open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def mtime_of(path: str) -> tuple[int, int | None]:
    """Return size and time of change, in microseconds, of a recording; may raise OSError."""
    if is_remote(path):
        system, inside = file_system(path)
        system.invalidate_cache()
        return remote_state(system.info(inside))
    status = os.stat(path)  # noqa: PTH116 - names of any bytes
    return status.st_size, status.st_mtime_ns // 1000


def remote_state(info: dict[str, Any]) -> tuple[int, int | None]:
    """Return size and time of change of what fsspec says about a file.

    A size that a server does not state is -1.
    """
    size = -1 if info.get("size") is None else int(info["size"])
    for key in ("LastModified", "last_modified", "mtime", "modified", "date_time"):
        value = info.get(key)
        if value is None:
            continue
        if isinstance(value, (int, float)):
            return size, round(value * 1e6)
        if isinstance(value, tuple):  # of a ZIP archive: local time without a zone
            import calendar

            return size, calendar.timegm((*value, 0, 0, 0)) * 1_000_000
        if hasattr(value, "timestamp"):
            return size, round(value.timestamp() * 1e6)
    return size, None
