"""Views of open files: a range of one, and a RIFF or IFF header with the padding that it lacks."""

from __future__ import annotations

import io
import struct
from typing import BinaryIO

_LONGEST_HEADER = 1 << 24
_SAMPLES = (b"data", b"SSND")


class Part(io.RawIOBase):
    """A range of bytes of a file, as a file; other bytes may stand before it.

    A position before the start is the start: libsndfile seeks there in damaged files.

    Examples
    --------
    >>> part = Part(io.BytesIO(b"0123456789"), 2, 6)
    >>> part.read(3), part.tell(), part.seek(-1, io.SEEK_END), part.read()
    (b'234', 3, 3, b'5')
    >>> Part(io.BytesIO(b"0123456789"), 2, 6, b"ab").read()
    b'ab2345'
    """

    def __init__(self, file: BinaryIO, start: int, end: int, head: bytes = b"") -> None:
        self._file, self._head = file, head
        self._before = start - len(head)
        self._size = len(head) + end - start
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into a buffer; return the number of bytes."""
        wanted = min(len(buffer), max(self._size - self._at, 0))
        data = self._head[self._at : self._at + wanted]
        if len(data) < wanted:
            self._file.seek(self._before + self._at + len(data))
            data += self._file.read(wanted - len(data))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; return the position within the part."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        """Return the position within the part."""
        return self._at


def whole(file: BinaryIO) -> Part:
    """Return the file from its position to its end; its position stays."""
    start = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(start)
    return Part(file, start, end)


def with_padding(file: BinaryIO) -> Part | None:
    r"""Return a WAV or AIFF file with its chunks padded to even lengths before the samples.

    Some writers leave the padding out, and decoders then lose their place. ``None`` where nothing
    is missing, or where the file is of another kind.

    Examples
    --------
    >>> chunks = b"JUNK" + struct.pack("<I", 3) + b"abc" + b"data" + struct.pack("<I", 2) + b"xy"
    >>> with_padding(io.BytesIO(b"RIFF" + struct.pack("<I", 25) + b"WAVE" + chunks)).read()[12:24]
    b'JUNK\x03\x00\x00\x00abc\x00'
    """
    start = file.tell()
    try:
        head = file.read(12)
        if head[:4] not in (b"RIFF", b"FORM") or head[8:] not in (b"WAVE", b"AIFF", b"AIFC"):
            return None
        order = "<I" if head[:4] == b"RIFF" else ">I"
        missing = 0
        while len(head) < _LONGEST_HEADER:
            chunk = file.read(8)
            if len(chunk) < 8 or chunk[:4] in _SAMPLES:
                break
            (size,) = struct.unpack(order, chunk[4:])
            body = file.read(min(size, _LONGEST_HEADER))
            head += chunk + body
            if size % 2:
                padded = file.read(1) == b"\0"
                file.seek(0 if padded else -1, io.SEEK_CUR)
                head += b"\0"
                missing += not padded
        if missing == 0 or len(chunk) < 8 or chunk[:4] not in _SAMPLES:
            return None
        (size,) = struct.unpack(order, head[4:8])
        head = head[:4] + struct.pack(order, min(size + missing, 2**32 - 1)) + head[8:]
        samples = file.tell() - len(chunk)
        return Part(file, samples, file.seek(0, io.SEEK_END), head)
    finally:
        file.seek(start)
