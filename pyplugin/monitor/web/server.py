"""The server, on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable

from pyplugin.errors import ConfigError
from pyplugin.monitor.config import Settings
from pyplugin.monitor.web.app import Control, make_app
from pyplugin.monitor.web.events import EventHub
from pyplugin.support.optional import need
from pyplugin.web.access import access_to


class WebServer:
    """Serves API and metrics.

    Parameters
    ----------
    settings
        Address and folder.
    control
        The service.
    report
        Takes a sentence for a person.

    Raises
    ------
    ConfigError
        The address is in use, or there is no such address.
    """

    def __init__(
        self, settings: Settings, control: Control, report: Callable[[str], object]
    ) -> None:
        assert settings.listen is not None
        uvicorn = need("uvicorn", package="uvicorn", extra="monitor", purpose="The API")
        self.host, self.port = settings.listen
        self.hub = EventHub()
        access = access_to(self.host, settings.data, report, base_url=settings.base_url)
        app = make_app(settings.data, control, self.hub, access)
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
            await self._server.serve([self._socket])

        with contextlib.suppress(Exception):
            asyncio.run(serve())

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End, clients of events included."""
        self.hub.close()
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(10.0)
        self._socket.close()
