"""Who may use a web server of ours: hosts, origins, and the token of other addresses."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.errors import ConfigError

COOKIE = "tagnode_pages"
"""Name of the cookie of a browser that has given the token."""

_SIGNED_IN = 30 * 86400  # seconds
_OPEN = ("/healthz", "/sign-in")  # addresses that need no token
_OPEN_FOLDER = "/static/"

_TOKEN = "token"
_LOCAL = ("localhost", "127.0.0.1", "::1")

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'"
"""What pages may load, a Content-Security-Policy: nothing comes from, or goes to, another host."""


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
        Beginnings of the paths that need the token; a few of :class:`Guard` never do.
    now
        Seconds since 1970.
    """

    token: str = ""
    hosts: Sequence[str] = field(default_factory=tuple)
    guarded: tuple[str, ...] = ("/",)
    now: Callable[[], float] = time.time

    def is_token(self, given: str) -> bool:
        """Return whether this is the token."""
        return hmac.compare_digest(given.encode(), self.token.encode())

    def cookie(self) -> str:
        """Return the value of a cookie that stands for the token for thirty days.

        Examples
        --------
        >>> access = Access("secret", now=lambda: 0.0)
        >>> access.is_cookie(access.cookie()), access.is_cookie("2592000.x")
        (True, False)
        >>> Access("other", now=lambda: 0.0).is_cookie(access.cookie())
        False
        """
        return self._signed(str(int(self.now()) + _SIGNED_IN))

    def _signed(self, until: str) -> str:
        content = f"pages until {until}".encode()
        return f"{until}.{hmac.new(self.token.encode(), content, hashlib.sha256).hexdigest()}"

    def is_cookie(self, value: str) -> bool:
        """Return whether this is a cookie of ours that still counts."""
        until, dot, _ = value.partition(".")
        if not dot or not until.isascii() or not until.isdigit() or len(until) > 15:
            return False
        right = hmac.compare_digest(value.encode(), self._signed(until).encode())
        return right and self.now() < int(until)

    def sign_in(self, response: Any, *, secure: bool) -> None:
        """Give a response the cookie, for the folder that it is in: a proxy may add one."""
        options = {"httponly": True, "samesite": "strict", "path": None, "secure": secure}
        response.set_cookie(COOKIE, self.cookie(), max_age=_SIGNED_IN, **options)


def host_of(url: str) -> str:
    """Return the host in a URL, without port; empty if there is none."""
    try:
        return urllib.parse.urlsplit(url).hostname or ""
    except ValueError:
        return ""


class Guard:
    """Refuses what is not for us: other hosts, other origins, no token.

    Parameters
    ----------
    app
        What is guarded.
    access
        Who may use it.
    pages
        Addresses that are pages: without a token, they lead to where one signs in.
    policy
        What the pages may load, besides what is theirs.
    """

    def __init__(
        self, app: Any, access: Access, pages: Sequence[str] = (), policy: str = POLICY
    ) -> None:
        self._app, self._access, self._pages = app, access, tuple(pages)
        headers = {
            "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
        }
        self._headers = [(name.lower().encode(), text.encode()) for name, text in headers.items()]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request, with headers that keep other hosts out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        from starlette.requests import Request

        async def send_guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *self._headers]}
            await send(message)

        refused = self._refused(Request(scope))
        await (refused or self._app)(scope, receive, send_guarded)

    def _refused(self, request: Any) -> Any:
        """Return the response that refuses a request; ``None`` where it is answered."""
        from starlette.responses import JSONResponse, RedirectResponse

        host = host_of(f"//{request.headers.get('host', '')}")
        if self._access.hosts and host not in self._access.hosts:
            sentence = f"This server does not answer for the host {host!r}."
            return JSONResponse({"error": sentence}, 421)
        origin = request.headers.get("origin")
        if request.method not in ("GET", "HEAD"):
            site = request.headers.get("sec-fetch-site", "same-origin")
            if (origin and host_of(origin) != host) or site not in ("same-origin", "none"):
                sentence = f"Requests of {origin or 'other sites'} are not taken."
                return JSONResponse({"error": sentence}, 403)
        if self._may(request):
            return None
        if request.url.path in self._pages:
            page = request.url.path.removeprefix("/")
            return RedirectResponse(f"sign-in?page={urllib.parse.quote(page)}", 303)
        return JSONResponse(
            {"error": "A token is needed: ?token=TOKEN or 'Authorization: Bearer TOKEN'."}, 401
        )

    def _may(self, request: Any) -> bool:
        path = request.url.path
        if not self._access.token or path in _OPEN or path.startswith(_OPEN_FOLDER):
            return True
        if not path.startswith(self._access.guarded):
            return True
        cookie = request.cookies.get(COOKIE, "")
        if cookie and self._access.is_cookie(cookie):
            return True
        if path in self._pages:  # a token in their address would stay in the browser's history
            return False
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return self._access.is_token(given or request.query_params.get("token", ""))


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
        path.parent.mkdir(parents=True, exist_ok=True)
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
    guarded: tuple[str, ...] = ("/",),
) -> Access:
    """Return who may use a server: on loopback any program here, elsewhere who has the token.

    Parameters
    ----------
    host
        The address that it listens at.
    folder
        Where its token is kept; it is made.
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
    return Access("", [*_LOCAL, *filter(None, [host_of(base_url)])], guarded)
