"""The application of ``tagnode serve``: the files of the page, and what browsers cannot analyse."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from pyplugin.page.jobs import FullError, Job, Jobs
from pyplugin.page.results import analyse
from pyplugin.page.site import MOST_MB, POLICY, STATIC, Choice, about
from pyplugin.support.optional import need
from pyplugin.support.shipped import shipped
from pyplugin.web.access import Access, Guard

PRIVATE = ("/api/", "/models/", "/songs/", "/site.json")
"""Beginnings of the paths to what is the user's: all but the files of the page itself."""

_POLL = 0.1  # seconds between two events of progress


class Page:
    """The page of songs: an ASGI application, and the thread that analyses.

    Parameters
    ----------
    menu
        Models that it offers.
    songs
        Recordings that it offers.
    access
        Who may use it.
    most_mb
        Megabytes of the largest recording that is taken.

    Attributes
    ----------
    app : starlette.applications.Starlette

    Raises
    ------
    PypluginError
        starlette is not installed.
    """

    def __init__(
        self,
        menu: Sequence[Choice],
        songs: Sequence[Path] = (),
        access: Access | None = None,
        *,
        most_mb: int = MOST_MB,
    ) -> None:
        applications = need(
            "starlette.applications", package="starlette", extra="page", purpose="The page"
        )
        from starlette.middleware import Middleware
        from starlette.routing import Mount, Route
        from starlette.staticfiles import StaticFiles

        self._menu = {choice.id: choice for choice in menu}
        self._songs = list(songs)
        self._most = most_mb
        self._folder = tempfile.TemporaryDirectory(prefix="tagnode-")
        self._jobs = Jobs(self._analyse)
        routes: list[Any] = [
            Route("/", self._file(STATIC / "index.html")),
            Route("/site.json", self._site),
            Route("/models/{name}.tagnode", self._model),
            Route("/songs/{number:int}", self._song),
            Route("/api/v1/analyse", self._take, methods=["POST"]),
            Route("/api/v1/jobs/{id}/events", self._events),
            Route("/api/v1/jobs/{id}", self._result),
            Route("/healthz", self._health),
        ]
        if shipped("browser").is_dir():
            routes.append(Mount("/tagnode", StaticFiles(directory=shipped("browser"))))
        routes.append(Mount("/", StaticFiles(directory=STATIC)))
        guard = Middleware(Guard, access=access or Access(), policy=POLICY)
        self.app = applications.Starlette(routes=routes, middleware=[guard])

    def close(self) -> None:
        """Finish the recordings that wait, and delete what was uploaded."""
        self._jobs.close()
        self._folder.cleanup()

    def _analyse(self, job: Job, report: Callable[[float], object]) -> dict[str, Any]:
        choice = self._menu[job.model]
        return analyse(job.path, choice.model, choice.head, report)

    @staticmethod
    def _file(path: Path) -> Callable[[Any], Any]:
        def endpoint(request: Any) -> Any:
            from starlette.responses import FileResponse

            return FileResponse(path)

        return endpoint

    def _site(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        site = about(list(self._menu.values()), self._songs, server=True, most_mb=self._most)
        return JSONResponse(site, headers={"Cache-Control": "no-cache"})

    def _health(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        return JSONResponse({"ok": True})

    def _model(self, request: Any) -> Any:
        from starlette.responses import Response

        choice = self._menu.get(request.path_params["name"])
        data = None if choice is None else choice.container
        if data is None:
            return _problem("There is no such model.", 404)
        return Response(data, media_type="application/octet-stream")

    def _song(self, request: Any) -> Any:
        from starlette.responses import FileResponse

        number = request.path_params["number"]
        if number >= len(self._songs) or not self._songs[number].is_file():
            return _problem("There is no such song.", 404)
        return FileResponse(self._songs[number])  # whole, or the Range that is asked for

    async def _take(self, request: Any) -> Any:
        """Take a recording as the body of a request, and queue it."""
        from starlette.requests import ClientDisconnect
        from starlette.responses import JSONResponse

        model = request.query_params.get("model", "")
        name = request.query_params.get("name", "recording")[:200]
        if model not in self._menu:
            return _problem(f"There is no model {model[:80]!r}.", 404)
        with tempfile.NamedTemporaryFile(dir=self._folder.name, delete=False) as file:
            path = Path(file.name)
            size = 0
            try:
                async for part in request.stream():
                    size += len(part)
                    if size > self._most * 1_000_000:
                        path.unlink()
                        return _problem(f"A recording may have {self._most} MB at most.", 413)
                    file.write(part)
            except ClientDisconnect:
                path.unlink()
                return _problem("The upload was cut off.", 400)
        if size == 0:
            path.unlink()
            return _problem("The recording is empty.", 400)
        try:
            job = self._jobs.add(Job(model, name, path))
        except FullError as error:
            path.unlink()
            return _problem(str(error), 503)
        return JSONResponse({"job": job.id}, 202)

    def _result(self, request: Any) -> Any:
        from starlette.responses import JSONResponse

        job = self._jobs.find(request.path_params["id"])
        if job is None:
            return _problem("There is no such analysis; it may have been long ago.", 404)
        if job.problem:
            return _problem(job.problem.replace(str(job.path), job.name), 422)
        if job.result is None:
            return JSONResponse({"progress": job.progress}, 202)
        return JSONResponse(job.result)

    def _events(self, request: Any) -> Any:
        from starlette.responses import StreamingResponse

        job = self._jobs.find(request.path_params["id"])
        if job is None:
            return _problem("There is no such analysis; it may have been long ago.", 404)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_progress(job), media_type="text/event-stream", headers=headers)


def _problem(sentence: str, status: int) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse({"error": sentence}, status)


async def _progress(job: Job) -> AsyncIterator[str]:
    last = -1.0
    while not job.done:
        if job.progress != last:
            last = job.progress
            yield f"event: progress\ndata: {json.dumps(round(last, 4))}\n\n"
        await asyncio.sleep(_POLL)
    yield "event: done\ndata: 1\n\n"
