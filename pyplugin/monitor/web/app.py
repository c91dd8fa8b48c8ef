"""The application: its routes, and who may use them."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from pyplugin.monitor.loudness import loudness_by_class
from pyplugin.monitor.schema import StorageError
from pyplugin.monitor.storage import Log, iso
from pyplugin.monitor.titles import with_changes
from pyplugin.monitor.web.events import EventHub
from pyplugin.monitor.web.metrics import Collector, exposition
from pyplugin.support.cells import guarded
from pyplugin.support.optional import need
from pyplugin.web.access import Access, Guard

_MOST_ROWS = 10_000  # rows of one answer
_LONGEST = 366 * 86_400_000  # milliseconds of one question
_BODY = 10_000  # bytes of a POST


class Control(Protocol):
    """What the API can ask of the service."""

    def status(self) -> Sequence[dict[str, Any]]:
        """Return the state of each station."""

    def counters(self) -> dict[str, float]:
        """Return counters by name."""

    def problem(self) -> str:
        """Return why the service is not well; empty if it is."""

    def acknowledge(self, alarm: int, note: str) -> bool:
        """Mark an alarm as seen; return whether there is one of that number."""

    def pause(self, station: str, *, paused: bool) -> bool:
        """Stop listening to a station, or begin again; return whether there is one."""


class _BadRequestError(Exception):
    """The question cannot be answered; the sentence has the reason."""


def make_app(folder: str, control: Control, hub: EventHub, access: Access) -> Any:
    """Return the application.

    Parameters
    ----------
    folder
        Of the database.
    control
        The service.
    hub
        What its events come from.
    access
        Who may use it.

    Raises
    ------
    PypluginError
        starlette is not installed.
    """
    applications = need(
        "starlette.applications", package="starlette", extra="monitor", purpose="The API"
    )
    from starlette.middleware import Middleware
    from starlette.requests import Request
    from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
    from starlette.routing import Route

    def answer(read: Callable[[Log, Request], Any]) -> Callable[[Request], Response]:
        """Return an endpoint that reads the log; starlette runs it on a thread."""

        def endpoint(request: Request) -> Response:
            try:
                with Log(folder) as log:
                    return JSONResponse(_finite(read(log, request)))
            except _BadRequestError as error:
                return JSONResponse({"error": str(error)}, 400)
            except StorageError as error:
                return JSONResponse({"error": str(error)}, 503)

        return endpoint

    def rows(name: str) -> Callable[[Log, Request], list[dict[str, Any]]]:
        def read(log: Log, request: Request) -> list[dict[str, Any]]:
            return _some(getattr(log, name)(*_span(request), _station(request)))

        return read

    def tracks(log: Log, request: Request) -> list[dict[str, Any]]:
        return list(with_changes(rows("tracks")(log, request), log))

    def bins(log: Log, request: Request) -> dict[str, Any]:
        station = _station(request)
        if station is None:
            raise _BadRequestError("bins are of one station: give ?station=NAME.")
        start, end = _span(request)
        if end - start > _MOST_ROWS * 10_000:
            raise _BadRequestError("At most 100,000 s of bins are given at once; ask for less.")
        parts = [
            {"names": part.layout.names, "starts": part.starts, "means": part.means.tolist()}
            for part in log.bins(start, end, station)
        ]
        return {"station": station, "seconds": 10, "parts": parts}

    def loudness(log: Log, request: Request) -> list[dict[str, Any]]:
        hourly = request.query_params.get("hourly", "") in ("1", "true")
        return _some(loudness_by_class(log, *_span(request), _station(request), hourly=hourly))

    def log_csv(request: Request) -> Response:
        try:
            with Log(folder) as log:
                text = _csv(log.segments(*_span(request), _station(request)))
        except _BadRequestError as error:
            return JSONResponse({"error": str(error)}, 400)
        except StorageError as error:
            return JSONResponse({"error": str(error)}, 503)
        headers = {"Content-Disposition": 'attachment; filename="log.csv"'}
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    def status(request: Request) -> Response:
        return JSONResponse(_finite(list(control.status())))

    def health(request: Request) -> Response:
        problem = control.problem()
        return JSONResponse({"ok": not problem, "problem": problem}, 503 if problem else 200)

    collector = Collector(control.status, control.counters)

    def metrics(request: Request) -> Response:
        return PlainTextResponse(
            exposition(collector), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    async def stream(request: Request) -> Response:
        last = request.headers.get("last-event-id", "")
        events = hub.stream(int(last) if last.isdigit() else None)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(events, media_type="text/event-stream", headers=headers)

    async def acknowledge(request: Request) -> Response:
        note = ""
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > _BODY:
                return JSONResponse({"error": f"The note has more than {_BODY} bytes."}, 413)
        note = body.decode("utf-8", "replace")
        found = control.acknowledge(request.path_params["alarm"], note)
        return JSONResponse({"ok": found}, 200 if found else 404)

    async def pause(request: Request) -> Response:
        paused = request.url.path.endswith("/pause")
        found = control.pause(request.path_params["station"], paused=paused)
        return JSONResponse({"ok": found}, 200 if found else 404)

    api = "/api/v1"
    routes = [
        Route(f"{api}/status", status),
        Route(f"{api}/stations", answer(lambda log, request: log.stations())),
        Route(f"{api}/segments", answer(rows("segments"))),
        Route(f"{api}/tracks", answer(tracks)),
        Route(f"{api}/alarms", answer(rows("alarms"))),
        Route(f"{api}/events", answer(rows("events"))),
        Route(f"{api}/days", answer(lambda log, request: _some(log.days(_station(request))))),
        Route(f"{api}/bins", answer(bins)),
        Route(f"{api}/loudness", answer(loudness)),
        Route(f"{api}/log.csv", log_csv),
        Route(f"{api}/stream", stream),
        Route(f"{api}/alarms/{{alarm:int}}/ack", acknowledge, methods=["POST"]),
        Route(f"{api}/stations/{{station}}/pause", pause, methods=["POST"]),
        Route(f"{api}/stations/{{station}}/resume", pause, methods=["POST"]),
        Route("/healthz", health),
        Route("/metrics", metrics),
    ]
    return applications.Starlette(routes=routes, middleware=[Middleware(Guard, access=access)])


def _span(request: Any) -> tuple[int, int]:
    now = round(time.time() * 1000)
    start = _number(request, "from", now - 86_400_000)
    end = _number(request, "to", now + 60_000)
    if not 0 <= end - start <= _LONGEST:
        raise _BadRequestError("'from' and 'to' are milliseconds of UTC, at most a year apart.")
    return start, end


def _number(request: Any, name: str, default: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise _BadRequestError(f"{name} is {text[:40]!r}; milliseconds of UTC are expected.")
    return int(text)


def _station(request: Any) -> str | None:
    name: str | None = request.query_params.get("station")
    return name


def _some(rows: Iterator[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row, _ in zip(rows, range(_MOST_ROWS), strict=False)]


def _finite(content: Any) -> Any:
    """Return it with ``None`` for numbers that JSON lacks."""
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, (list, tuple)):
        return [_finite(each) for each in content]
    return content


def _csv(segments: Iterator[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["station", "start", "end", "on air", "LUFS"])
    for row in segments:
        loudness = "" if row["loudness"] is None else row["loudness"]
        times = [iso(row["start"]), iso(row["end"])]
        writer.writerow([guarded(row["station"]), *times, row["kind"], loudness])
    return text.getvalue()
