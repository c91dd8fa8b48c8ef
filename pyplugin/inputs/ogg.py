"""The links of a chained Ogg stream, each as a file of its own.

Stations that send Vorbis, Opus or FLAC in Ogg begin a new link with each track, maybe with another
sample rate or number of channels, which FFmpeg's reader does not follow.

References
----------
RFC 3533, The Ogg Encapsulation Format Version 0.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO, Protocol

_HEADER = 27  # bytes of a page before its segment table
_BEGINS = 2  # flag of the first page of a logical stream


class Readable(Protocol):
    """Anything that gives bytes in order."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""


class _Pages:
    def __init__(self, file: Readable) -> None:
        self._file = file
        self._bytes = b""
        self._next: bytes | None = None

    def _fill(self, size: int) -> bool:
        while len(self._bytes) < size:
            data = self._file.read(max(4096, size - len(self._bytes)))
            if not data:
                return False
            self._bytes += data
        return True

    def peek(self) -> bytes | None:
        """Return the next page, which stays; ``None`` at the end."""
        if self._next is None:
            self._next = self._page()
        return self._next

    def take(self) -> None:
        self._next = None

    def _page(self) -> bytes | None:
        while self._fill(_HEADER):
            start = self._bytes.find(b"OggS")
            if start != 0:  # lost bytes: go on at the next page
                self._bytes = self._bytes[start if start > 0 else -3 :]
                if start < 0 and not self._fill(len(self._bytes) + 1):
                    return None
                continue
            segments = self._bytes[26]
            if not self._fill(_HEADER + segments):
                return None
            size = _HEADER + segments + sum(self._bytes[_HEADER : _HEADER + segments])
            if not self._fill(size):
                return None
            page, self._bytes = self._bytes[:size], self._bytes[size:]
            return page
        return None


class _Link:
    """The pages up to the next one that begins a stream after others have begun."""

    def __init__(self, pages: _Pages) -> None:
        self._pages = pages
        self._bytes = b""
        self._begun = False
        self.ended = False

    def read(self, size: int) -> bytes:
        if not self._bytes and not self.ended:
            page = self._pages.peek()
            begins = page is not None and bool(page[5] & _BEGINS)
            if page is None or (begins and self._begun):
                self.ended = True
            else:
                self._begun = self._begun or not begins
                self._pages.take()
                self._bytes = page
        data, self._bytes = self._bytes[:size], self._bytes[size:]
        return data


def links(file: Readable) -> Iterator[Readable]:
    r"""Yield the links of an Ogg stream; what a caller leaves unread of one is skipped.

    Examples
    --------
    >>> import io
    >>> def page(flags, body):
    ...     return b"OggS\0" + bytes([flags]) + bytes(20) + bytes([1, len(body)]) + body
    >>> stream = page(2, b"a") + page(0, b"b") + page(2, b"c") + page(4, b"d")
    >>> [link.read(99)[-1:] for link in links(io.BytesIO(stream))]
    [b'a', b'c']
    """
    pages = _Pages(file)
    while pages.peek() is not None:
        link = _Link(pages)
        yield link
        while link.read(65536):
            pass


def is_chained(file: BinaryIO) -> bool:
    """Return whether a file is Ogg with more than one link; its position stays.

    Examples
    --------
    >>> import io
    >>> is_chained(io.BytesIO(b"RIFF"))
    False
    """
    start = file.tell()
    try:
        if file.read(4) != b"OggS":
            return False
        file.seek(start)
        begun = False
        while len(header := file.read(_HEADER)) == _HEADER and header[:4] == b"OggS":
            begins = bool(header[5] & _BEGINS)
            if begins and begun:
                return True
            begun = begun or not begins
            file.seek(sum(file.read(header[26])), io.SEEK_CUR)
        return False
    finally:
        file.seek(start)
