"""The server, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

from pyplugin.monitor.config import Settings
from pyplugin.monitor.web.app import Control, make_app
from pyplugin.monitor.web.events import EventHub
from pyplugin.web.access import access_to
from pyplugin.web.serving import Serving


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
        self.host, port = settings.listen
        self.hub = EventHub()
        access = access_to(self.host, settings.data, report, base_url=settings.base_url)
        app = make_app(settings.data, control, self.hub, access)
        self._serving = Serving(
            app,
            self.host,
            port,
            extra="monitor",
            remedy="change 'listen' in [monitor]",
            begun=self.hub.attach,
        )
        self.port = self._serving.port

    def start(self) -> None:
        """Begin to serve."""
        self._serving.start()

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._serving.alive

    def stop(self) -> None:
        """End, clients of events included."""
        self.hub.close()
        self._serving.stop()
