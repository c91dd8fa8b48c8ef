"""Titles within an HTTP stream: the protocol of SHOUTcast and Icecast.

After every ``icy-metaint`` bytes of audio comes a byte with the length of a block of text in units
of 16 bytes, then the block: ``StreamTitle='Artist - Title';StreamUrl='';`` and zeros.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from pyplugin.errors import PypluginError
from pyplugin.support.optional import need

_FIELD = re.compile(rb"StreamTitle='(.*?)'(?:;\s*(?:StreamUrl|\w+)=|;?\s*\Z)", re.DOTALL)


def stream_title(block: bytes) -> bytes | None:
    """Return the title of a block, as the station encodes it; ``None`` if it has none.

    Examples
    --------
    >>> stream_title(b"StreamTitle='Guns N' Roses - Don't Cry';StreamUrl='';")
    b"Guns N' Roses - Don't Cry"
    >>> stream_title(b"StreamUrl='http://radio.example';") is None
    True
    """
    found = _FIELD.search(block.rstrip(b"\0"))
    return found[1].strip() if found else None


class TextDecoder:
    """Decodes the titles of one station, which state no charset.

    UTF-8 where they are valid UTF-8; otherwise ``charset`` where it is given; otherwise the charset
    that fits all titles so far: Windows-1252 for text in which most letters are ASCII.

    Parameters
    ----------
    charset
        Of titles that are not UTF-8; ``None`` to detect it.

    Examples
    --------
    >>> decode = TextDecoder()
    >>> decode("Björk - Jóga".encode("latin-1")), decode(b"Sm&#246;rg&amp;s")
    ('Björk - Jóga', 'Smörg&s')
    """

    _ENOUGH = 4096  # bytes of titles that are kept for detection
    _WESTERN = 30  # bytes beyond ASCII below which Latin script counts as Western European

    def __init__(self, charset: str | None = None) -> None:
        self._charset = charset
        self._texts = b""

    def __call__(self, raw: bytes) -> str:
        """Return a title; references such as ``&#246;`` (Icecast's) are resolved."""
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError:
            self._texts = (self._texts + raw + b"\n")[-self._ENOUGH :]
            text = raw.decode(self._charset or self._detect(), "replace")
        return " ".join(html.unescape(text).split())

    def _detect(self) -> str:
        high = sum(byte >= 0x80 for byte in self._texts)
        low = sum(chr(byte).isalpha() for byte in self._texts if byte < 0x80)
        if high < 0.5 * (high + low) and high < self._WESTERN:
            return "cp1252"
        try:
            chardet = need("chardet", package="chardet", extra="audio", purpose="Titles")
        except PypluginError:
            return "cp1252"
        return chardet.detect(self._texts)["encoding"] or "cp1252"


class IcyReader:
    """Audio without the blocks of text in it.

    Parameters
    ----------
    read
        Takes a number of bytes, returns at most so many; none at the end.
    interval
        Bytes of audio between two blocks; 0 for a stream without blocks.
    on_title
        Called with each title, not decoded.

    Examples
    --------
    >>> import io
    >>> stream = io.BytesIO(b"aud" + bytes([1]) + b"StreamTitle='x';" + b"io!" + bytes([0]))
    >>> titles = []
    >>> reader = IcyReader(stream.read, 3, titles.append)
    >>> reader.read(99) + reader.read(99), titles
    (b'audio!', [b'x'])
    """

    def __init__(
        self, read: Callable[[int], bytes], interval: int, on_title: Callable[[bytes], object]
    ) -> None:
        self._read, self._interval, self._on_title = read, interval, on_title
        self._left = interval

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes of audio; none at the end."""
        if self._interval == 0:
            return self._read(size)
        if self._left == 0:
            length = self._exactly(1)
            block = self._exactly(16 * length[0]) if length else b""
            title = stream_title(block)
            if title is not None:
                self._on_title(title)
            self._left = self._interval
        data = self._read(min(size, self._left))
        self._left -= len(data)
        return data

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size and (part := self._read(size)):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
