"""Server-sent events: what happens now, to any number of clients, none of which can hold it up."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

_KEPT = 256  # events that a client that comes back may have missed
_WAITING = 256  # events that wait for a client at most; one that is slower is disconnected
_PING = 15.0  # seconds


class EventHub:
    r"""Sends events to clients.

    Parameters
    ----------
    last
        Number of the event before the first. Of a server it is the time: then all events of a
        server that was started anew come after those that a client had.

    Examples
    --------
    >>> hub = EventHub()
    >>> hub.send("alarm", {"rule": "silence"})
    >>> hub.missed(0)
    ['id: 1\nevent: alarm\ndata: {"rule": "silence"}\n\n']
    """

    def __init__(self, last: int = 0) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clients: set[asyncio.Queue[str | None]] = set()
        self._lock = threading.Lock()
        self._recent: deque[tuple[int, str]] = deque(maxlen=_KEPT)
        self._last = last

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serve clients on this event loop."""
        self._loop = loop

    def send(self, kind: str, content: dict[str, Any], *, keep: bool = True) -> None:
        """Send an event; from any thread.

        Parameters
        ----------
        keep
            Whether a client that comes back receives it too; not what the next one replaces.
        """
        text = f"event: {kind}\ndata: {json.dumps(content)}\n\n"
        with self._lock:
            if keep:
                self._last += 1
                text = f"id: {self._last}\n{text}"
                self._recent.append((self._last, text))
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spread, text)

    def _spread(self, text: str | None) -> None:
        for client in list(self._clients):
            if client.full():  # it is too slow: its stream ends
                self._clients.discard(client)
                while not client.empty():
                    client.get_nowait()
                client.put_nowait(None)
            else:
                client.put_nowait(text)

    def missed(self, last: int) -> list[str]:
        """Return the events after one that a client had, as far as they are kept."""
        with self._lock:
            return [text for number, text in self._recent if number > last]

    async def stream(self, last: int | None) -> AsyncIterator[str]:
        """Yield events to a client until it goes or the service ends."""
        client: asyncio.Queue[str | None] = asyncio.Queue(_WAITING)
        self._clients.add(client)
        try:
            yield "retry: 3000\n\n"
            for text in self.missed(last) if last is not None else []:
                yield text
            while True:
                try:
                    event: str | None = await asyncio.wait_for(client.get(), _PING)
                except (asyncio.TimeoutError, TimeoutError):
                    yield ": ping\n\n"
                    continue
                if event is None:
                    return
                yield event
        finally:
            self._clients.discard(client)

    def close(self) -> None:
        """End all streams: a server waits for them."""
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._spread, None)
