"""The server, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path

from pyplugin.monitor.config import Settings
from pyplugin.monitor.times import now_ms
from pyplugin.monitor.web.app import Control, Parts, make_app
from pyplugin.monitor.web.events import EventHub
from pyplugin.monitor.web.follower import Follower
from pyplugin.monitor.web.listening import Relay
from pyplugin.monitor.web.views import Views
from pyplugin.web.access import access_to
from pyplugin.web.serving import Serving

_LOOK = 1.0  # seconds between two looks at the states


class WebServer:
    """Serves pages, API and metrics.

    Parameters
    ----------
    settings
        Address and folder.
    control
        The service.
    report
        Takes a sentence for a person.
    zone
        Of the times on the pages, instead of the machine's time zone.

    Raises
    ------
    ConfigError
        The address is in use, or there is no such address.
    """

    def __init__(
        self,
        settings: Settings,
        control: Control,
        report: Callable[[str], object],
        zone: tzinfo | None = None,
    ) -> None:
        assert settings.listen is not None
        self.host, port = settings.listen
        self.hub = EventHub(now_ms())
        self._follower = Follower(control.status, self.hub)
        self._relay = Relay()
        access = access_to(self.host, settings.data, report, base_url=settings.base_url)
        folder = Path(settings.data)
        views = Views(folder, control, self._follower, zone)
        app = make_app(Parts(folder, control, self.hub, access, views, self._relay))
        self._serving = Serving(
            *(app, self.host, port),
            extra="monitor",
            remedy="change 'listen' in [monitor]",
            begun=self._begin,
        )
        self.port = self._serving.port

    def start(self) -> None:
        """Begin to serve."""
        self._serving.start()

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self.hub.attach(loop)
        self._looks = loop.create_task(self._look())

    async def _look(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # a state that cannot be read ends no page
                self._follower.look()
            await asyncio.sleep(_LOOK)

    @property
    def address(self) -> str:
        """Where the pages are, for a person on this machine or, of all addresses, on any."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._serving.alive

    def stop(self) -> None:
        """End, clients of events included."""
        self.hub.close()
        self._relay.stop()
        self._serving.stop()
