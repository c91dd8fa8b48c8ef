"""Workers on this machine: a process a core, each with one thread and one copy of the models."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import IO

from pyplugin.catalogue.records import FoundRecording, Outcome, Problem
from pyplugin.catalogue.setup import Setup
from pyplugin.catalogue.worker import ONE_THREAD
from pyplugin.errors import PypluginError
from pyplugin.support.closing import Closing
from pyplugin.support.spelling import counted

DEATHS = 2
"""Workers that may end over a recording; it is reported and left out then."""

_GRACE = 5.0  # seconds for a worker to end by itself


def cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    log: IO[bytes]
    ready: bool = False
    task: deque[FoundRecording] = field(default_factory=deque)  # what has no outcome yet

    def end(self) -> None:
        self.connection.close()
        try:
            self.process.wait(0 if self.process.poll() is not None else _GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class ProcessPool(Closing):
    """Processes of this machine that analyse recordings.

    A worker that ends takes nothing with it but the recording that it was at: that one is tried
    once more by another worker.

    Parameters
    ----------
    setup
        Models and heads.
    workers
        Number of processes; ``None`` for one a core.
    memory
        Megabytes that a worker may use; ``None`` for no limit.
    """

    def __init__(
        self, setup: Setup, workers: int | None = None, *, memory: int | None = None
    ) -> None:
        self._setup, self._memory = setup, memory
        self.workers = workers or cores()
        self._running: list[_Worker] = []
        self._deaths: Counter[str] = Counter()

    def close(self) -> None:
        """End the workers; what they were at is not done."""
        for worker in self._running:
            worker.process.terminate()
        while self._running:
            self._running.pop().end()

    def run(self, tasks: Iterable[list[FoundRecording]]) -> Iterator[Outcome]:
        """Yield what becomes of the recordings of all tasks, in the order in which they are done.

        A task is taken when a worker is free, so no more than one for each is under way.

        Raises
        ------
        PypluginError
            The workers cannot be started.
        """
        pending = iter(tasks)
        again: deque[list[FoundRecording]] = deque()
        while True:
            while len(self._running) < self.workers:
                self._running.append(self._started())
            for worker in self._running:
                if worker.ready and not worker.task:
                    self._give(worker, again.popleft() if again else next(pending, []))
            if all(worker.ready and not worker.task for worker in self._running):
                return
            by_connection = {worker.connection: worker for worker in self._running}
            for connection in wait(list(by_connection)):
                worker = by_connection[connection]  # type: ignore[index]
                try:
                    answer = worker.connection.recv()
                except (EOFError, OSError):
                    yield from self._buried(worker, again)
                    continue
                if not worker.ready:
                    worker.ready = True
                else:
                    worker.task.popleft()
                    yield answer

    def _started(self) -> _Worker:
        ours, theirs = socket.socketpair()
        log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "pyplugin.catalogue.worker", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env={**os.environ, **ONE_THREAD},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # an interrupt of the terminal is for us
            )
        worker = _Worker(process, Connection(ours.detach()), log)
        try:
            worker.connection.send((self._setup, self._memory))
        except OSError:
            self._refuse(worker)
        return worker

    def _give(self, worker: _Worker, task: list[FoundRecording]) -> None:
        if task:
            worker.task.extend(task)
            try:
                worker.connection.send(task)
            except OSError:
                return  # it has ended, which reading from it shows

    def _buried(self, worker: _Worker, again: deque[list[FoundRecording]]) -> Iterator[Outcome]:
        """Put aside a worker that has ended, and put back what it had left."""
        if not worker.ready:
            self._refuse(worker)
        self._running.remove(worker)
        worker.end()
        if not worker.task:
            return
        suspect = worker.task[0]
        self._deaths[suspect.path] += 1
        if self._deaths[suspect.path] >= DEATHS:
            worker.task.popleft()
            yield Outcome(suspect, Problem("worker", _ended(suspect, worker.process.returncode)))
        if worker.task:
            again.append([worker.task[0]])
            if len(worker.task) > 1:
                again.append(list(worker.task)[1:])

    def _refuse(self, worker: _Worker) -> None:
        worker.process.wait()
        worker.log.seek(0)
        lines = worker.log.read().decode(errors="replace").strip().splitlines()
        why = f": {lines[-1]}" if lines else ""
        worker.end()
        raise PypluginError(f"The workers of this build cannot be started{why}")


def _ended(found: FoundRecording, status: int) -> str:
    how = f"signal {-status}" if status < 0 else f"the status {status}"
    return (
        f"'{found.path}' ended {counted(DEATHS, 'worker')}, the last one by {how}; it is left out"
    )
