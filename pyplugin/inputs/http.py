"""Audio over HTTP and HTTPS, with the titles of SHOUTcast and Icecast.

Python's own client with a time limit on every read, redirects to HTTP and HTTPS only, certificates
checked, proxies by the environment.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from pyplugin._native import VERSION
from pyplugin.errors import StreamError
from pyplugin.inputs.icy import IcyReader
from pyplugin.inputs.playlists import without_password

TIMEOUT = 10.0
"""Seconds without a byte after which a connection counts as broken."""

_CONTAINERS = {  # FFmpeg's names by media type, where a stream may begin in mid-frame
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/x-mpeg": "mp3",
    "audio/aac": "aac",
    "audio/aacp": "aac",
    "audio/x-aac": "aac",
    "audio/ogg": "ogg",
    "application/ogg": "ogg",
    "audio/flac": "flac",
    "video/mp2t": "mpegts",
}
_PLAYLISTS = (
    "audio/x-mpegurl",
    "audio/mpegurl",
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "audio/x-scpls",
    "application/pls+xml",
    "application/xspf+xml",
)


class _Response(http.client.HTTPResponse):
    """Also understands the status line of SHOUTcast 1, ``ICY 200 OK``."""

    def _read_status(self) -> tuple[str, int, str]:
        line = self.fp.readline(65537)
        if not line:
            raise http.client.RemoteDisconnected("the server closed the connection")
        version, _, rest = line.decode("latin-1").rstrip("\r\n").partition(" ")
        status, _, reason = rest.partition(" ")
        if not (version == "ICY" or version.startswith("HTTP/")) or not status.isdigit():
            raise http.client.BadStatusLine(line.decode("latin-1", "replace"))
        return ("HTTP/1.0" if version == "ICY" else version), int(status), reason.strip()


class Sockets:
    """The sockets of connections, so that another thread can end what waits for them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self.interrupted = False

    def add(self, each: socket.socket) -> None:
        """Keep a socket; once interrupted, it ends at once."""
        with self._lock:
            self._open.append(each)
        if self.interrupted:
            self.interrupt()

    def interrupt(self) -> None:
        """End every wait, now and from now on."""
        self.interrupted = True
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):  # below TLS, which another thread uses
                    socket.socket.shutdown(each, socket.SHUT_RDWR)

    def forget(self) -> None:
        """Keep none of those so far."""
        with self._lock:
            self._open.clear()


class _Opening:
    """Keeps its socket where another thread finds it."""

    def __init__(self, *args: Any, sockets: Sockets, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sockets = sockets

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        self._sockets.add(self.sock)  # type: ignore[attr-defined]


class _Http(_Opening, http.client.HTTPConnection):
    response_class = _Response


class _Https(_Opening, http.client.HTTPSConnection):
    response_class = _Response


class _HttpHandler(urllib.request.HTTPHandler):
    def __init__(self, sockets: Sockets) -> None:
        super().__init__()
        self._sockets = sockets

    def http_open(self, request: Any) -> Any:
        return self.do_open(functools.partial(_Http, sockets=self._sockets), request)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, sockets: Sockets) -> None:
        self._checked = ssl.create_default_context()
        super().__init__(context=self._checked)
        self._sockets = sockets

    def https_open(self, request: Any) -> Any:
        made = functools.partial(_Https, sockets=self._sockets)
        return self.do_open(made, request, context=self._checked)


class HttpResource:
    """The body of an HTTP response as a byte stream.

    Parameters
    ----------
    url
        ``http://…`` or ``https://…``; a user and password in it are sent as basic authentication.
    timeout
        Seconds without a byte after which it counts as broken.
    on_title
        Called with each title in the stream, not decoded.
    headers
        Further headers of the request.
    sockets
        Where to keep its socket, for :meth:`Sockets.interrupt`.

    Attributes
    ----------
    url : str
        After redirects.
    name : str
        Of the station, as it states it; may be empty.
    container : str or None
        FFmpeg's name of the format by the media type; ``None`` where it says nothing.
    length : int or None
        Bytes of a file; ``None`` of a broadcast.
    broadcast : bool
        It has the headers of Icecast or SHOUTcast.
    live : bool
        It has no end, as far as its headers show.
    playlist : bool
        It is a playlist by its media type.

    Raises
    ------
    StreamError
        No connection, a status other than success, a certificate that is not valid.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout: float = TIMEOUT,
        on_title: Any = None,
        headers: dict[str, str] | None = None,
        sockets: Sockets | None = None,
    ) -> None:
        self._what = without_password(url)
        self._sockets = Sockets() if sockets is None else sockets
        self._timeout = timeout
        self._response = self._open(url, timeout, {"Icy-MetaData": "1", **(headers or {})})
        stated = self._response.headers
        self.url: str = self._response.url
        self.name = _text(stated.get("icy-name", ""))
        kind = stated.get_content_type() if "content-type" in stated else ""
        self.playlist = kind in _PLAYLISTS
        self.container = _CONTAINERS.get(kind)
        length = stated.get("content-length", "")
        self.length = int(length) if length.isdigit() else None
        self.broadcast = any(name.lower().startswith(("icy-", "ice-")) for name in stated)
        self.live = self.broadcast or self.length is None
        interval = stated.get("icy-metaint", "")
        self._left = self.length
        self._icy = IcyReader(
            self._read, int(interval) if interval.isdigit() else 0, on_title or (lambda raw: None)
        )

    def _open(self, url: str, timeout: float, headers: dict[str, str]) -> Any:
        parts = urllib.parse.urlsplit(url)
        user, at, host = parts.netloc.rpartition("@")
        if at:
            url = urllib.parse.urlunsplit(parts._replace(netloc=host))
            login = urllib.parse.unquote(user).encode()
            headers["Authorization"] = f"Basic {base64.b64encode(login).decode()}"
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(),
            urllib.request.UnknownHandler(),
            _HttpHandler(self._sockets),
            _HttpsHandler(self._sockets),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPRedirectHandler(),
            urllib.request.HTTPErrorProcessor(),
        ):
            opener.add_handler(handler)
        try:
            quoted = urllib.parse.quote(url, safe="%/:=&?~#+!$,;'@()*[]")
            request = urllib.request.Request(
                quoted, headers={"User-Agent": f"tagnode/{VERSION}", **headers}
            )
            return opener.open(request, timeout=timeout)
        except Exception as error:
            raise StreamError(f"{self._what}: {self._reason(error)}.") from error

    def _reason(self, error: BaseException) -> str:
        """Return what went wrong, as a clause."""
        if self._sockets.interrupted:
            return "it was closed"
        if isinstance(error, urllib.error.HTTPError):
            error.close()
            if 300 <= error.code < 400:
                target = error.headers.get("location", "")
                scheme = urllib.parse.urlsplit(target).scheme
                if scheme not in ("", "http", "https"):
                    return f"it redirects to {target}, which is not HTTP"
                return "it redirects in a circle"
            return f"the server answers {error.code} {error.reason}".rstrip()
        if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
            return self._reason(error.reason)
        if isinstance(error, urllib.error.URLError) and "url type" in str(error.reason):
            return "it leads to an address that is not HTTP"
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {error.verify_message}"
        if isinstance(error, ssl.SSLError):
            return f"the encryption fails: {error.reason or error}"
        if isinstance(error, TimeoutError):
            return f"nothing arrived for {self._timeout:g} s"
        if isinstance(error, socket.gaierror):
            return "there is no host of this name, or no network"
        if isinstance(error, (http.client.BadStatusLine, http.client.LineTooLong)):
            return "the server does not answer in HTTP"
        if isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
            return (getattr(error, "strerror", None) or "the server closed the connection").lower()
        if isinstance(error, OSError):
            return (error.strerror or str(error)).lower()
        return str(error) or type(error).__name__

    def _read(self, size: int) -> bytes:
        try:
            data: bytes = self._response.read1(size)
        except Exception as error:
            raise StreamError(f"{self._what}: {self._reason(error)}.") from error
        if self._left is not None:
            self._left -= len(data)
            if not data and self._left > 0 and not self.live:
                raise StreamError(
                    f"{self._what}: it ended {self._left} bytes short of the {self.length} that "
                    "the server announced."
                )
        return data

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes as they arrive; none at the end.

        Raises
        ------
        StreamError
            Nothing arrived in time, or the connection broke.
        """
        return self._icy.read(size)

    def close(self) -> None:
        """Close the connection. Closing twice is harmless."""
        self._response.close()
        self._sockets.forget()


def _text(header: str) -> str:
    """Return a header's text, which stations send in UTF-8 though it counts as Latin-1."""
    try:
        return header.encode("latin-1").decode("utf-8").strip()
    except UnicodeError:
        return header.strip()
