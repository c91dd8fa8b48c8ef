"""A station's stream, passed on as it comes: a browser may take nothing from another host."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import urllib.parse
from collections.abc import AsyncIterator

from pyplugin.errors import AudioError, StreamError
from pyplugin.inputs.http import HttpResource, Sockets
from pyplugin.inputs.playlists import entries, is_hls, is_url, playlist_text, without_password
from pyplugin.inputs.sniffing import is_playlist

_MOST = 4  # streams that are passed on at once
_BLOCK = 8192  # bytes
_PLAYLIST = 1 << 20  # bytes
_DEPTH = 3  # playlists that name playlists

_TYPES = {"mp3": "audio/mpeg", "aac": "audio/aac", "ogg": "audio/ogg", "flac": "audio/flac"}


class Broadcast:
    """An open stream.

    Parameters
    ----------
    url
        ``http://…`` or ``https://…``, of a stream or of a playlist.

    Raises
    ------
    AudioError
        It cannot be opened, or is nothing that a browser plays as it comes.
    """

    def __init__(self, url: str) -> None:
        self._sockets = Sockets()
        self._resource, self._first = self._open(url, 0)
        self.media_type = _TYPES.get(self._resource.container or "", "")
        if not self.media_type:
            self.close()
            raise StreamError(
                f"{without_password(url)} is not sent as MP3, AAC, Ogg or FLAC; open its own "
                "address in a player."
            )

    def _open(self, url: str, depth: int) -> tuple[HttpResource, bytes]:
        scheme = urllib.parse.urlsplit(url).scheme
        if scheme not in ("http", "https"):
            raise StreamError(f"{without_password(url)} is not HTTP; open it in a player.")
        resource = HttpResource(url, sockets=self._sockets)
        with contextlib.ExitStack() as stack:
            stack.callback(resource.close)
            first = resource.read(_BLOCK)
            if not (resource.playlist or is_playlist(first)):
                stack.pop_all()
                return resource, first
            while len(first) < _PLAYLIST and (more := resource.read(_BLOCK)):
                first += more
        text = playlist_text(first)
        if is_hls(text) or depth == _DEPTH:
            raise StreamError(f"{without_password(url)} is HLS; open it in a player.")
        return self._open(entries(text, resource.url)[0], depth + 1)

    def read(self) -> bytes:
        """Return what arrives next; nothing at the end.

        Raises
        ------
        StreamError
            The connection broke, or was closed.
        """
        first, self._first = self._first, b""
        return first or self._resource.read(_BLOCK)

    def interrupt(self) -> None:
        """End a wait in another thread, now and from now on."""
        self._sockets.interrupt()

    def close(self) -> None:
        """Close the connection. Closing twice is harmless."""
        self._resource.close()


class Relay:
    """Passes streams on, a few at a time; another connection to the station for each."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Broadcast] = set()
        self._opening = 0  # connections that are being made count, too
        self._stopped = False

    def open(self, url: str) -> Broadcast:
        """Open a stream.

        Raises
        ------
        AudioError
            It cannot be opened, or there are too many.
        """
        if not is_url(url):
            raise StreamError("This station has no address to listen to.")
        with self._lock:
            if self._stopped or self._opening + len(self._open) >= _MOST:
                raise AudioError(f"{_MOST} streams are listened to already; stop one of them.")
            self._opening += 1
        try:
            broadcast = Broadcast(url)
            with self._lock:
                self._open.add(broadcast)
        finally:
            with self._lock:
                self._opening -= 1
        return broadcast

    async def blocks(self, broadcast: Broadcast) -> AsyncIterator[bytes]:
        """Yield what arrives until either side ends."""
        try:
            while True:
                with contextlib.suppress(StreamError):
                    block = await asyncio.to_thread(broadcast.read)
                    if block:
                        yield block
                        continue
                return
        finally:
            with self._lock:
                self._open.discard(broadcast)
            broadcast.interrupt()
            broadcast.close()

    def stop(self) -> None:
        """End all of them."""
        with self._lock:
            self._stopped = True
            streams = list(self._open)
        for each in streams:
            each.interrupt()
