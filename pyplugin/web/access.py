"""Who may use a web server of ours, and what its pages may load."""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.errors import ConfigError

_TOKEN = "token"
_LOCAL = ("localhost", "127.0.0.1", "::1")

POLICY = (
    "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'self'"
)
"""What our pages may load, as a Content-Security-Policy: nothing comes from elsewhere."""

HEADERS = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Of every response; no other page shows ours."""

_ENCODED = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


@dataclass
class Access:
    """Who may use the API.

    Attributes
    ----------
    token
        What a request must carry; empty on loopback, where none is needed.
    hosts
        Values of ``Host`` that are answered, without ports; empty for any.
    guarded
        How the paths begin that need the token; ``/healthz`` never does.
    """

    token: str = ""
    hosts: Sequence[str] = field(default_factory=tuple)
    guarded: str = "/"


class Guard:
    """Refuses what is not for us: other hosts, other origins, no token; adds :data:`HEADERS`.

    Parameters
    ----------
    app
        The ASGI application.
    access
        Who may use it.
    """

    def __init__(self, app: Any, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from starlette.requests import Request
        from starlette.responses import JSONResponse

        request = Request(scope)
        refused = self._refused(request)
        if refused is not None:
            status, sentence = refused
            await JSONResponse({"error": sentence}, status)(scope, receive, send)
            return

        async def send_with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_ENCODED]
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _refused(self, request: Any) -> tuple[int, str] | None:
        host = _host_of(f"//{request.headers.get('host', '')}")
        if self._access.hosts and host not in self._access.hosts:
            return 421, f"This server does not answer for the host {host!r}."
        origin = request.headers.get("origin")
        if request.method not in ("GET", "HEAD") and origin and _host_of(origin) != host:
            return 403, f"Requests of {origin} are not taken."
        path = request.url.path
        if self._access.token and path.startswith(self._access.guarded) and path != "/healthz":
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            given = given or request.query_params.get("token", "")
            if not hmac.compare_digest(given.encode(), self._access.token.encode()):
                return 401, "A token is needed: 'Authorization: Bearer TOKEN'."
        return None


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


def access_to(
    host: str,
    folder: str,
    report: Callable[[str], object],
    *,
    base_url: str = "",
    guarded: str = "/",
) -> Access:
    """Return who may use a server: on loopback any program here, elsewhere who has the token.

    Parameters
    ----------
    host
        The address that it listens at.
    folder
        Where its token is kept.
    report
        Takes the sentence with a new token.
    base_url
        The address under which a proxy on this machine offers it; empty for none.
    guarded
        As in :class:`Access`.

    Raises
    ------
    ConfigError
        As :func:`token_of`.
    """
    if not is_loopback(host):
        return Access(token_of(folder, report), guarded=guarded)
    behind = _host_of(base_url) if base_url else ""
    return Access("", [*_LOCAL, behind] if behind else _LOCAL)


def _host_of(url: str) -> str:
    try:
        return urllib.parse.urlsplit(url).hostname or ""
    except ValueError:
        return ""
