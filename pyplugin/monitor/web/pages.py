"""The pages: one document for all of them, which a module of its own fills, and the sign-in."""

from __future__ import annotations

import html
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from pyplugin.web.access import COOKIE, Access

STATIC = Path(__file__).parent / "static"
"""The documents, modules and styles, served as they are."""

_BODY = 4096  # bytes of a form


@dataclass(frozen=True)
class MonitorPage:
    """A page.

    Attributes
    ----------
    name
        Of its view, its module and its JSON.
    title
        For a person.
    path
        Its address.
    """

    name: str
    title: str
    path: str


PAGES = (
    MonitorPage("live", "Live", "/"),
    MonitorPage("log", "Log", "/log"),
    MonitorPage("day", "Day", "/day"),
    MonitorPage("alarms", "Alarms", "/alarms"),
    MonitorPage("health", "Health", "/health"),
)
"""All pages, in the order of the navigation."""


def document(page: MonitorPage, *, signed_in: bool) -> str:
    """Return the document of a page.

    Parameters
    ----------
    signed_in
        Whether there is somebody to sign out.

    Examples
    --------
    >>> '<script type="module" src="static/log.js">' in document(PAGES[1], signed_in=False)
    True
    """
    links = "\n".join(_link(each, current=each is page) for each in PAGES)
    leave = '<form method="post" action="sign-out"><button>Sign out</button></form>'
    return _filled(
        "page.html",
        **{"name": page.name, "title": page.title, "links": links},
        leave=leave if signed_in else "",
    )


def _link(page: MonitorPage, *, current: bool) -> str:
    address = page.path.removeprefix("/") or "./"
    mark = ' aria-current="page"' if current else ""
    return f'<a href="{address}"{mark}>{page.title}</a>'


def _filled(file: str, **values: str) -> str:
    return Template((STATIC / file).read_text(encoding="utf-8")).substitute(values)


def page_routes(access: Access) -> list[Any]:
    """Return the routes of the pages, of their files, and of signing in and out."""
    from starlette.responses import HTMLResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    def shown(page: MonitorPage) -> Callable[[Any], Any]:
        def endpoint(request: Any) -> Any:
            return HTMLResponse(document(page, signed_in=bool(access.token)))

        return endpoint

    return [
        *(Route(page.path, shown(page)) for page in PAGES),
        *_sign_in_routes(access),
        Mount("/static", _revalidated(StaticFiles(directory=STATIC))),
    ]


def _revalidated(app: Any) -> Any:
    """Return an application whose files a browser asks for anew, as the next version may differ."""

    async def serve(scope: Any, receive: Any, send: Any) -> None:
        async def send_on(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"cache-control", b"no-cache"))
            await send(message)

        await app(scope, receive, send_on)

    return serve


def _sign_in_routes(access: Access) -> list[Any]:
    from starlette.responses import HTMLResponse, RedirectResponse
    from starlette.routing import Route

    def form(page: str, sentence: str = "", status: int = 200) -> Any:
        fault = f'<p class="fault" role="alert">{html.escape(sentence)}</p>' if sentence else ""
        return HTMLResponse(_filled("sign-in.html", page=html.escape(page), fault=fault), status)

    async def sign_in(request: Any) -> Any:
        if not access.token:
            return RedirectResponse("./", 303)
        if request.method != "POST":
            return form(_page(request.query_params.get("page", "")))
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _BODY:
                return form("", f"The form has more than {_BODY} bytes.", 413)
        fields = dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))
        page = _page(fields.get("page", ""))
        if not access.is_token(fields.get("token", "").strip()):
            sentence = "This is not the token; it is in the file 'token' of the monitor's folder."
            return form(page, sentence, 401)
        response = RedirectResponse(page or "./", 303)
        access.sign_in(response, secure=request.url.scheme == "https")
        return response

    async def sign_out(request: Any) -> Any:
        response = RedirectResponse("sign-in", 303)
        response.set_cookie(COOKIE, "", max_age=0, path=None, httponly=True, samesite="strict")
        return response

    return [
        Route("/sign-in", sign_in, methods=["GET", "POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    ]


def _page(given: str) -> str:
    """Return an address of ours, relative to where one signs in; the first page for others."""
    return given if f"/{given}" in {page.path for page in PAGES} else ""
