"""The server on a thread, and the token of those that are not on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import secrets
import socket
import threading
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path

from pyplugin.errors import ConfigError
from pyplugin.monitor.config import Settings
from pyplugin.monitor.times import now_ms
from pyplugin.monitor.web.access import Access, host_of
from pyplugin.monitor.web.app import Control, Parts, make_app
from pyplugin.monitor.web.events import EventHub
from pyplugin.monitor.web.follower import Follower
from pyplugin.monitor.web.listening import Relay
from pyplugin.monitor.web.views import Views
from pyplugin.support.optional import need

_TOKEN = "token"
_LOOK = 1.0  # seconds between two looks at the states
_LOCAL = ("localhost", "127.0.0.1", "::1")


def is_loopback(host: str) -> bool:
    """Return whether only this machine can connect to an address.

    Examples
    --------
    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def token_of(folder: str, report: Callable[[str], object]) -> str:
    """Return the token, which is made and reported at the first start.

    Raises
    ------
    ConfigError
        It can be neither read nor written.
    """
    path = Path(folder) / _TOKEN
    try:
        if path.exists():
            return path.read_text(encoding="ascii").strip()
        token = secrets.token_urlsafe(24)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{token}\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The token in '{path}' cannot be used: {error}.") from error
    report(f"The token of the API is {token}; it is kept in {path} and not shown again.")
    return token


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
        uvicorn = need("uvicorn", package="uvicorn", extra="monitor", purpose="The API")
        self.host, self.port = settings.listen
        self.hub = EventHub(now_ms())
        self._follower = Follower(control.status, self.hub)
        self._relay = Relay()
        local = is_loopback(self.host)
        hosts: list[str] = []
        if local:
            hosts = [*_LOCAL, *filter(None, [host_of(settings.base_url)])]
        access = Access("" if local else token_of(settings.data, report), hosts)
        folder = Path(settings.data)
        views = Views(folder, control, self._follower, zone)
        app = make_app(Parts(folder, control, self.hub, access, views, self._relay))
        config = uvicorn.Config(
            app,
            host=self.host,
            port=self.port,
            log_level="error",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=3,
            limit_concurrency=200,
            h11_max_incomplete_event_size=16384,
        )
        self._server = uvicorn.Server(config)
        try:
            family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
            self._socket = socket.create_server((self.host, self.port), family=family)
        except OSError as error:
            raise ConfigError(
                f"The address {self.host}:{self.port} cannot be listened at: "
                f"{(error.strerror or str(error)).lower()}; change 'listen' in [monitor]."
            ) from error
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def _run(self) -> None:
        async def serve() -> None:
            self.hub.attach(asyncio.get_running_loop())
            looks = asyncio.create_task(self._look())
            await self._server.serve([self._socket])
            looks.cancel()

        with contextlib.suppress(Exception):
            asyncio.run(serve())

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
        return self._thread.is_alive()

    def stop(self) -> None:
        """End, clients of events included."""
        self.hub.close()
        self._relay.stop()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(10.0)
        self._socket.close()
