"""A web server on a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Callable
from typing import Any

from pyplugin.errors import ConfigError
from pyplugin.support.optional import need


class Serving:
    """Serves an application.

    Parameters
    ----------
    app
        The ASGI application.
    host, port
        Where it listens; port 0 is any free one.
    extra
        The extra of tagnode that installs uvicorn.
    remedy
        What to do if the address cannot be used.
    begun
        Called with the event loop on its thread.

    Attributes
    ----------
    port : int
        The one it has.

    Raises
    ------
    ConfigError
        The address is in use, or there is no such address.
    PypluginError
        uvicorn is not installed.
    """

    def __init__(
        self,
        app: Any,
        host: str,
        port: int,
        *,
        extra: str,
        remedy: str,
        begun: Callable[[asyncio.AbstractEventLoop], object] | None = None,
    ) -> None:
        uvicorn = need("uvicorn", package="uvicorn", extra=extra, purpose="The web server")
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="error",
            lifespan="off",
            access_log=False,
            timeout_graceful_shutdown=3,
            limit_concurrency=200,
            h11_max_incomplete_event_size=16384,
        )
        self._server = uvicorn.Server(config)
        self._begun = begun
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            self._socket = socket.create_server((host, port), family=family)
        except OSError as error:
            number = error.errno or 0  # below 0 for names that are not known
            reason = os.strerror(number) if number > 0 else error.strerror or str(error)
            raise ConfigError(
                f"The address {host}:{port} cannot be listened at: {reason.lower()}; {remedy}."
            ) from error
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def _run(self) -> None:
        async def serve() -> None:
            if self._begun is not None:
                self._begun(asyncio.get_running_loop())
            await self._server.serve([self._socket])

        with contextlib.suppress(Exception):
            asyncio.run(serve())

    @property
    def alive(self) -> bool:
        """Whether it serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End; streams that never end by themselves must be ended before."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(10.0)
        self._socket.close()
