"""The application: its routes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pyplugin.errors import PypluginError
from pyplugin.monitor.loudness import loudness_by_class
from pyplugin.monitor.schema import StorageError
from pyplugin.monitor.storage import Log, iso
from pyplugin.monitor.titles import with_changes
from pyplugin.monitor.web import questions
from pyplugin.monitor.web.events import EventHub
from pyplugin.monitor.web.listening import Relay
from pyplugin.monitor.web.metrics import Collector, exposition
from pyplugin.monitor.web.pages import PAGES, page_routes
from pyplugin.monitor.web.questions import BadRequestError, span
from pyplugin.monitor.web.views import MOST_ROWS, States, Views
from pyplugin.support.cells import guarded
from pyplugin.support.optional import need
from pyplugin.web.access import Access, Guard

_BODY = 10_000  # bytes of a POST

API = "/api/v1"
"""First part of the API's addresses."""


class Control(States, Protocol):
    """What the API can ask of the service."""

    def acknowledge(self, alarm: int, note: str) -> bool:
        """Mark an alarm as seen; return whether there is one of that number."""

    def pause(self, station: str, *, paused: bool) -> bool:
        """Stop listening to a station, or begin again; return whether there is one."""

    def address(self, station: str) -> str:
        """Return the URL of a station's stream, with its password; empty where it has none."""


@dataclass
class Parts:
    """What the application is made of.

    Attributes
    ----------
    folder
        Of the database.
    control
        The service.
    hub
        What its events come from.
    access
        Who may use it.
    views
        The pages' content.
    relay
        Passes streams on.
    """

    folder: Path
    control: Control
    hub: EventHub
    access: Access
    views: Views
    relay: Relay


def make_app(parts: Parts) -> Any:
    """Return the application.

    Raises
    ------
    PypluginError
        starlette is not installed.
    """
    applications = need(
        "starlette.applications", package="starlette", extra="monitor", purpose="The API"
    )
    from starlette.middleware import Middleware

    guard = Middleware(Guard, access=parts.access, pages=[page.path for page in PAGES])
    routes = [*_log_routes(parts), *_state_routes(parts), *_action_routes(parts)]
    routes += page_routes(parts.access)
    return applications.Starlette(routes=routes, middleware=[guard])


Read = Callable[[Log, questions.Query], Any]
"""Returns what is asked for, of the log."""


def _answer(folder: Path, read: Read, respond: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return an endpoint that reads the log; starlette runs it on a thread."""
    from starlette.responses import JSONResponse

    def endpoint(request: Any) -> Any:
        try:
            with Log(folder) as log:
                return respond(read(log, request.query_params))
        except BadRequestError as error:
            return JSONResponse({"error": str(error)}, 400)
        except StorageError as error:
            return JSONResponse({"error": str(error)}, 503)

    return endpoint


def _log_routes(parts: Parts) -> list[Any]:
    """Return the routes that read the log: rows of its tables, and what the pages show."""
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    def json(path: str, read: Read) -> Any:
        def respond(found: Any) -> Any:
            return JSONResponse(_finite(found))

        return Route(path, _answer(parts.folder, read, respond))

    def log_csv(text: str) -> Any:
        headers = {"Content-Disposition": 'attachment; filename="log.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    def tracks(log: Log, query: questions.Query) -> list[dict[str, Any]]:
        return list(with_changes(_rows("tracks")(log, query), log))

    return [
        *(json(f"{API}/{name}", _rows(name)) for name in ("segments", "alarms", "events")),
        json(f"{API}/stations", lambda log, query: log.stations()),
        json(f"{API}/tracks", tracks),
        json(f"{API}/days", lambda log, query: _some(log.days(questions.station(query)))),
        json(f"{API}/bins", _bins),
        json(f"{API}/loudness", _loudness),
        Route(f"{API}/log.csv", _answer(parts.folder, _csv, log_csv)),
        *(json(f"/{page.name}.json", getattr(parts.views, page.name)) for page in PAGES),
    ]


def _state_routes(parts: Parts) -> list[Any]:
    """Return the routes of the states, the metrics and the events."""
    from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
    from starlette.routing import Route

    control = parts.control
    collector = Collector(control.status, control.counters)

    def status(request: Any) -> Any:
        return JSONResponse(_finite(list(control.status())))

    def health(request: Any) -> Any:
        problem = control.problem()
        return JSONResponse({"ok": not problem, "problem": problem}, 503 if problem else 200)

    def metrics(request: Any) -> Any:
        return PlainTextResponse(
            exposition(collector), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    async def stream(request: Any) -> Any:
        last = request.headers.get("last-event-id", "")
        events = parts.hub.stream(int(last) if last.isascii() and last.isdigit() else None)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    return [
        Route(f"{API}/status", status),
        Route(f"{API}/stream", stream),
        Route("/healthz", health),
        Route("/metrics", metrics),
    ]


def _action_routes(parts: Parts) -> list[Any]:
    """Return the routes that change something, and those of sound."""
    from starlette.responses import FileResponse, JSONResponse, StreamingResponse
    from starlette.routing import Route

    control = parts.control

    async def acknowledge(request: Any) -> Any:
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _BODY:
                return JSONResponse({"error": f"The note has more than {_BODY} bytes."}, 413)
        note, alarm = body.decode("utf-8", "replace"), request.path_params["alarm"]
        found = control.acknowledge(alarm, note)
        if found:
            parts.hub.send("acknowledged", {"alarm": alarm, "note": note})
        return JSONResponse({"ok": found}, 200 if found else 404)

    async def pause(request: Any) -> Any:
        paused = request.url.path.endswith("/pause")
        found = control.pause(request.path_params["station"], paused=paused)
        return JSONResponse({"ok": found}, 200 if found else 404)

    def clip(request: Any) -> Any:
        with Log(parts.folder) as log:
            name = log.clip(request.path_params["alarm"])
        path = parts.folder / "clips" / name
        if not name or not path.is_file():
            return JSONResponse({"error": "There is no clip of this alarm."}, 404)
        return FileResponse(path, media_type="audio/ogg")

    def audio(request: Any) -> Any:
        try:
            broadcast = parts.relay.open(control.address(request.path_params["station"]))
        except PypluginError as error:
            return JSONResponse({"error": str(error)}, 502)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        blocks = parts.relay.blocks(broadcast)
        return StreamingResponse(blocks, media_type=broadcast.media_type, headers=headers)

    return [
        Route(f"{API}/alarms/{{alarm:int}}/ack", acknowledge, methods=["POST"]),
        Route(f"{API}/alarms/{{alarm:int}}/clip", clip),
        Route(f"{API}/stations/{{station}}/audio", audio),
        Route(f"{API}/stations/{{station}}/pause", pause, methods=["POST"]),
        Route(f"{API}/stations/{{station}}/resume", pause, methods=["POST"]),
    ]


def _rows(name: str) -> Callable[[Log, questions.Query], list[dict[str, Any]]]:
    def read(log: Log, query: questions.Query) -> list[dict[str, Any]]:
        return _some(getattr(log, name)(*span(query), questions.station(query)))

    return read


def _bins(log: Log, query: questions.Query) -> dict[str, Any]:
    station = questions.station(query)
    if station is None:
        raise BadRequestError("bins are of one station: give ?station=NAME.")
    start, end = span(query)
    if end - start > MOST_ROWS * 10_000:
        raise BadRequestError("At most 100,000 s of bins are given at once; ask for less.")
    parts = [
        {"names": part.layout.names, "starts": part.starts, "means": part.means.tolist()}
        for part in log.bins(start, end, station)
    ]
    return {"station": station, "seconds": 10, "parts": parts}


def _loudness(log: Log, query: questions.Query) -> list[dict[str, Any]]:
    hourly = query.get("hourly", "") in ("1", "true")
    return _some(loudness_by_class(log, *span(query), questions.station(query), hourly=hourly))


def _some(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row, _ in zip(rows, range(MOST_ROWS), strict=False)]


def _finite(content: Any) -> Any:
    """Return it with ``None`` for numbers that JSON lacks."""
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(each) for each in content]
    return content


def _csv(log: Log, query: questions.Query) -> str:
    kind = questions.kind(query)
    segments: Iterator[dict[str, Any]] = log.segments(*span(query), questions.station(query))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["station", "start", "end", "on air", "LUFS"])
    for row in segments:
        if kind not in (None, row["kind"]):
            continue
        loudness = "" if row["loudness"] is None else row["loudness"]
        times = [iso(row["start"]), iso(row["end"])]
        writer.writerow([guarded(row["station"]), *times, row["kind"], loudness])
    return text.getvalue()
