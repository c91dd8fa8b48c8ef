"""HTTP Live Streaming: a playlist that is read again and again, and the segments that it names.

A segment is read whole before it is decoded, so that one that fails can be tried again; each is
used once, by its number. Segments that expired before they were read are gaps of known length.

References
----------
RFC 8216, HTTP Live Streaming.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from pyplugin.errors import StreamError
from pyplugin.inputs.decoding import Piece, decode
from pyplugin.inputs.http import HttpResource
from pyplugin.inputs.input import Event
from pyplugin.inputs.playlists import playlist_text, without_password
from pyplugin.support.optional import need

_TRIES = 3  # for a segment
_LARGEST = 64 << 20  # bytes of a segment
_BEHIND = 3  # segments from the end at which a broadcast begins, as RFC 8216 asks for
_PLAYLIST = 4 << 20  # bytes

Fetch = Callable[..., HttpResource]


class HlsReader:
    """Decodes an HLS broadcast or recording.

    Parameters
    ----------
    url
        Of the playlist, a master or a media playlist.
    fetch
        Opens a URL, with further headers if any; raises :class:`StreamError`.
    wait
        Waits for so many seconds; returns ``True`` to give up.
    timeout
        Seconds without a new segment, beyond three of them, after which it counts as broken.

    Attributes
    ----------
    live : bool
        Its playlist has no end yet; known once pieces are read.
    continues : bool
        The next piece follows the last one of an earlier attempt, or a gap that was reported.
    """

    def __init__(
        self, url: str, fetch: Fetch, wait: Callable[[float], bool], *, timeout: float
    ) -> None:
        self._m3u8 = need("m3u8", package="m3u8", extra="audio", purpose="HLS", error=StreamError)
        self._url, self._fetch, self._wait, self._timeout = url, fetch, wait, timeout
        self._what = without_password(url)
        self._next: int | None = None  # number of the segment to read
        self._longest = 0.0
        self._title = ""
        self._range_end = ("", 0)  # address and byte at which the last range ended
        self.live = True
        self.continues = False

    # ---- playlists

    def _load(self, url: str) -> Any:
        text = playlist_text(self._bytes(url, _PLAYLIST))
        if not text.lstrip().startswith("#EXTM3U"):
            raise StreamError(f"{self._what}: it is no HLS playlist any more.")
        return self._m3u8.loads(text, uri=url)

    def _bytes(self, url: str, most: int, headers: dict[str, str] | None = None) -> bytes:
        resource = self._fetch(url, headers=headers)
        try:
            parts, size = [], 0
            while data := resource.read(65536):
                size += len(data)
                if size > most:
                    raise StreamError(f"{self._what}: {url} has more than {most >> 20} MB.")
                parts.append(data)
            return b"".join(parts)
        finally:
            resource.close()

    def _media(self) -> tuple[str, Any]:
        """Return address and content of the media playlist."""
        url = self._url
        for _ in range(_TRIES):
            playlist = self._load(url)
            if not playlist.is_variant:
                return url, playlist
            url = _audio_of(playlist)
        raise StreamError(f"{self._what}: its playlists name each other.")

    # ---- segments

    def _segments(self) -> Iterator[Any]:
        """Yield segments as they appear, and gaps."""
        url, playlist = self._media()
        advanced = time.monotonic()
        while True:
            self.live = not playlist.is_endlist
            segments = playlist.segments
            first = playlist.media_sequence or 0
            end = first + len(segments)
            self._longest = max([self._longest, *(each.duration or 0.0 for each in segments)])
            if self._next is None:
                self._next = max(first, end - _BEHIND) if self.live else first
            elif end < self._next:
                self._next = None
                self.continues = False
                raise StreamError(f"{self._what}: its playlist began anew.")
            if self._next < first:
                lost = (first - self._next) * self._longest
                yield lost
                self._next = first
            for number in range(self._next, end):
                advanced = time.monotonic()
                self._next = number + 1
                yield segments[number - first]
            if not self.live:
                return
            limit = self._timeout + 3 * self._longest
            if time.monotonic() - advanced > limit:
                raise StreamError(f"{self._what}: no new segment for {limit:.0f} s.")
            target = playlist.target_duration or self._longest or 2.0
            if self._wait(max(0.5, target / 2)):
                raise StreamError(f"{self._what}: it was closed.")
            playlist = self._load(url)

    def _segment(self, segment: Any) -> bytes | None:
        """Return a segment's bytes; ``None`` if they cannot be had."""
        if segment.key is not None and segment.key.method not in (None, "NONE"):
            raise StreamError(f"{self._what}: it is encrypted, which is not supported.")
        headers = self._range(segment.absolute_uri, segment.byterange)
        for attempt in range(_TRIES):
            try:
                return self._bytes(segment.absolute_uri, _LARGEST, headers)
            except StreamError:
                if attempt + 1 < _TRIES and self._wait(0.3):
                    raise
        return None

    def _range(self, url: str, byterange: str | None) -> dict[str, str] | None:
        """Return the header for ``length@offset``; without an offset it follows the last range."""
        if not byterange:
            return None
        length, _, offset = byterange.partition("@")
        before = self._range_end[1] if self._range_end[0] == url else 0
        start = int(offset) if offset else before
        self._range_end = (url, start + int(length))
        return {"Range": f"bytes={start}-{start + int(length) - 1}"}

    def pieces(self) -> Iterator[Piece | Event]:
        """Yield the audio from the live edge on, or from where an earlier attempt ended."""
        segments = _Ahead(self._segments())
        rate = 44100
        while (segment := segments.next()) is not None:
            if isinstance(segment, float):
                yield _gap(segment, rate)
                continue
            run = _Run(self, segment, segments)
            for piece in decode(run, self._what):
                yield from run.events(rate)
                if isinstance(piece, Piece):
                    rate = piece.sample_rate
                yield piece
                self.continues = True
            yield from run.events(rate)

    def title_of(self, segment: Any) -> Event | None:
        """Return the title that a segment carries, if it is a new one."""
        title = (segment.title or "").strip()
        if title and title != self._title:
            self._title = title
            return Event("title", f"Title: {title}", title=title)
        return None


class _Ahead:
    """An iterator that one item can be returned to."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self._held: list[Any] = []

    def next(self) -> Any:
        return self._held.pop() if self._held else next(self._items, None)

    def put_back(self, item: Any) -> None:
        self._held.append(item)


class _Run:
    """Segments that one decoder reads, one after another."""

    def __init__(self, reader: HlsReader, first: Any, segments: _Ahead) -> None:
        self._reader, self._segments = reader, segments
        self._init = first.init_section
        self._bytes = b""
        self._lost: list[float] = []
        self._events: list[Event] = []
        self._ended = False
        if self._init is not None:
            headers = reader._range(self._init.absolute_uri, self._init.byterange)
            self._bytes = reader._bytes(self._init.absolute_uri, _LARGEST, headers)
        self._take(first)

    def _take(self, segment: Any) -> None:
        data = self._reader._segment(segment)
        title = self._reader.title_of(segment)
        if title is not None:
            self._events.append(title)
        if data is None:
            self._lost.append(segment.duration or 0.0)
        else:
            self._bytes += data

    def read(self, size: int) -> bytes:
        while not self._bytes and not self._ended:
            segment = self._segments.next()
            if segment is None:
                self._ended = True
            elif isinstance(segment, float):
                self._lost.append(segment)
            elif segment.discontinuity or _other(segment.init_section, self._init):
                self._segments.put_back(segment)
                self._ended = True
            else:
                self._take(segment)
        data, self._bytes = self._bytes[:size], self._bytes[size:]
        return data

    def events(self, rate: int) -> Iterator[Event]:
        """Yield what happened since the last call."""
        lost, self._lost = self._lost, []
        events, self._events = self._events, []
        yield from events
        for seconds in lost:
            yield _gap(seconds, rate)


def _gap(seconds: float, rate: int) -> Event:
    return Event("gap", f"{seconds:.1f} s of segments are missing.", samples=round(seconds * rate))


def _other(a: Any, b: Any) -> bool:
    keys = [each and (each.absolute_uri, each.byterange) for each in (a, b)]
    return keys[0] != keys[1]


def _audio_of(master: Any) -> str:
    """Return the address of the best audio of a master playlist: without pictures if there is."""
    variants = master.playlists
    audio = [each for each in variants if not _has_video(each.stream_info)]
    if audio:
        return str(max(audio, key=lambda each: each.stream_info.bandwidth or 0).absolute_uri)
    renditions = [each for each in master.media if each.type == "AUDIO" and each.uri]
    if renditions:
        chosen = [each for each in renditions if each.default == "YES"] or renditions
        return str(chosen[0].absolute_uri)
    return str(min(variants, key=lambda each: each.stream_info.bandwidth or 0).absolute_uri)


def _has_video(info: Any) -> bool:
    codecs = (info.codecs or "").lower()
    return bool(info.resolution) or any(
        name in codecs for name in ("avc", "hvc", "hev", "vp0", "av01")
    )
