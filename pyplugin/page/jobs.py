"""Recordings that the server analyses: a bounded queue, one at a time."""

from __future__ import annotations

import queue
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.errors import PypluginError

Work = Callable[["Job", Callable[[float], object]], dict[str, Any]]

_WAITING = 8  # jobs that wait at most
_KEPT = 16  # jobs whose results are kept


class FullError(PypluginError):
    """The queue is full."""


@dataclass
class Job:
    """A recording to analyse.

    Attributes
    ----------
    model
        Of the menu.
    name
        Of the recording, for people.
    path
        Its file, which is deleted afterwards.
    id
        Random, so that nobody else can ask for it.
    progress
        Share that is done, 0 to 1.
    result
        Once it is done.
    problem
        Why it failed; empty if it did not.
    """

    model: str
    name: str
    path: Path
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    progress: float = 0.0
    result: dict[str, Any] | None = None
    problem: str = ""

    @property
    def done(self) -> bool:
        """Whether it has a result or a problem."""
        return self.result is not None or bool(self.problem)


class Jobs:
    """Analyses recordings on a thread of its own.

    Parameters
    ----------
    work
        Returns the result of a job; called with it and with what takes its progress.

    Examples
    --------
    >>> jobs = Jobs(lambda job, report: {"name": job.name})
    >>> job = jobs.add(Job("scene", "song.ogg", Path("/nonexistent")))
    >>> jobs.close()
    >>> jobs.find(job.id).result
    {'name': 'song.ogg'}
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._queue: queue.Queue[Job | None] = queue.Queue(_WAITING)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="analysis", daemon=True)
        self._thread.start()

    def add(self, job: Job) -> Job:
        """Queue a job.

        Raises
        ------
        FullError
            As many jobs wait as may.
        """
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            raise FullError(
                f"{_WAITING} recordings are waiting already; try again in a minute."
            ) from None
        with self._lock:
            self._jobs[job.id] = job
            for old in [each for each in self._jobs.values() if each.done][:-_KEPT]:
                del self._jobs[old.id]
        return job

    def find(self, identity: str) -> Job | None:
        """Return a job, as long as it is kept."""
        with self._lock:
            return self._jobs.get(identity)

    def _run(self) -> None:
        while (job := self._queue.get()) is not None:
            self._do(job)

    def _do(self, job: Job) -> None:
        def report(share: float) -> None:
            job.progress = share

        try:
            job.result = self._work(job, report)
        except PypluginError as error:
            job.problem = str(error)
        except Exception as error:
            job.problem = f"The analysis failed: {error}."
        finally:
            job.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Finish what is queued, and end."""
        self._queue.put(None)
        self._thread.join(60.0)
