"""Workers of a Dask cluster: on this machine, or any that a scheduler has.

Every worker needs the same version of tagnode, and reads recordings by the same paths or addresses;
models and heads are sent to it once.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Any

from pyplugin.catalogue.processes import DEATHS, cores
from pyplugin.catalogue.records import FoundRecording, Outcome, Problem
from pyplugin.catalogue.setup import Setup
from pyplugin.errors import PypluginError
from pyplugin.support.closing import Closing
from pyplugin.support.optional import need
from pyplugin.support.spelling import counted

LOCAL = "local"
"""Stands for a cluster on this machine instead of an address."""

AHEAD = 2
"""Tasks for each worker that are submitted at a time."""

_CONNECT = 20.0  # seconds
_LOOK = 5.0  # seconds between two looks at whether the scheduler is there, and how many workers
_CONFIG = {  # of a scheduler of ours: a task that ended a worker comes back to us at once
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.admin.log-length": 100,
}


class Cluster(Closing):
    """Workers of a Dask cluster that analyse recordings.

    A task that ends a worker is divided into its recordings, and one of these that ends another is
    reported and left out.

    Parameters
    ----------
    setup
        Models and heads.
    scheduler
        Address of a scheduler, such as ``tcp://head:8786``; :data:`LOCAL` for a cluster on this
        machine.
    workers
        Processes of a local cluster; ``None`` for one a core.
    memory
        Megabytes that a worker of a local cluster may use.

    Attributes
    ----------
    workers : int
        Tasks that can run at a time.

    Raises
    ------
    PypluginError
        Dask is not installed, there is no scheduler, it has no workers, or workers of another
        version.
    """

    def __init__(
        self,
        setup: Setup,
        scheduler: str = LOCAL,
        workers: int | None = None,
        *,
        memory: int | None = None,
    ) -> None:
        self._name = f"tagnode-{id(setup):x}-{time.time_ns():x}"
        self._scheduler, self._lost = scheduler, False
        self._deaths: Counter[str] = Counter()
        with contextlib.ExitStack() as stack:
            self._client = _connected(stack, scheduler, workers, memory)
            self.workers = self._count()
            if scheduler != LOCAL:
                _check_workers(self._client, scheduler)
            from pyplugin.catalogue.cluster_worker import Models

            self._client.register_plugin(Models(setup, self._name))
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Leave the scheduler, or end the local cluster; what is under way is not done."""
        if not self._lost:
            with contextlib.suppress(Exception):  # the scheduler has just gone
                self._client.unregister_worker_plugin(self._name)
        self._stack.close()

    def _count(self) -> int:
        threads: dict[str, int] = self._client.nthreads()
        return max(sum(threads.values()), 1)

    def run(self, tasks: Iterable[list[FoundRecording]]) -> Iterator[Outcome]:
        """Yield what becomes of the recordings of all tasks, in the order in which they are done.

        Raises
        ------
        PypluginError
            The scheduler goes away, or all workers do.
        """
        from pyplugin.catalogue.cluster_worker import analyse

        for task, future in self.gather(tasks, analyse, self._name):
            if future.status == "finished":
                yield from future.result()
            else:
                yield from self._failed(task, future.exception())

    def gather(
        self, tasks: Iterable[Any], work: Callable[..., Any], *first: Any
    ) -> Iterator[tuple[Any, Any]]:
        """Submit a function for each task, some ahead, and yield tasks with their futures.

        Parameters
        ----------
        tasks
            Taken as workers are free.
        work
            Gets `first` and a task.
        first
            Its first arguments.
        """
        distributed = _distributed()
        pending, self._again = iter(tasks), deque[Any]()
        active: dict[Any, Any] = {}
        looked = time.monotonic()
        while True:
            while len(active) < AHEAD * self.workers:
                task = self._again.popleft() if self._again else next(pending, None)
                if task is None:
                    break
                active[self._client.submit(work, *first, task, pure=False)] = task
            if not active:
                return
            try:
                done = distributed.wait(list(active), _LOOK, "FIRST_COMPLETED").done
            except distributed.TimeoutError:
                done = set()
            except distributed.CancelledError:
                raise self._gone() from None
            if time.monotonic() > looked + _LOOK:
                looked = time.monotonic()
                self._look()
            for future in done:
                if future.status in ("cancelled", "lost"):
                    raise self._gone()
                yield active.pop(future), future

    def _look(self) -> None:
        try:
            self.workers = self._count()
        except (OSError, TimeoutError, ValueError, RuntimeError):
            raise self._gone() from None

    def _gone(self) -> PypluginError:
        self._lost = True
        failure = PypluginError(
            f"The scheduler {self._scheduler} has gone away. What is done is kept: start it again, "
            "and give the same command."
        )
        failure.exit_code = 1
        return failure

    def _failed(self, task: list[FoundRecording], error: BaseException) -> Iterator[Outcome]:
        killed = isinstance(error, _distributed().KilledWorker)
        if killed and len(task) > 1:
            self._deaths.update(found.path for found in task)
            self._again.extend([found] for found in task)
            return
        for found in task:
            self._deaths[found.path] += 1
            if not killed:
                why = Problem("unexpected", f"unexpected {type(error).__name__}: {error}")
                yield Outcome(found, why)
            elif self._deaths[found.path] < DEATHS:
                self._again.append([found])
            else:
                ended = f"'{found.path}' ended {counted(DEATHS, 'worker')}; it is left out"
                yield Outcome(found, Problem("worker", ended))


def _distributed() -> Any:
    return need("distributed", package="distributed", extra="cluster", purpose="A cluster")


def _connected(
    stack: contextlib.ExitStack, scheduler: str, workers: int | None, memory: int | None
) -> Any:
    distributed = _distributed()
    if scheduler == LOCAL:
        dask = need("dask", package="dask", extra="cluster", purpose="A cluster")
        stack.enter_context(dask.config.set(_CONFIG))
        cluster = distributed.LocalCluster(
            n_workers=workers or cores(),
            threads_per_worker=1,
            memory_limit=None if memory is None else memory << 20,
            dashboard_address="127.0.0.1:0",  # what it serves stays on this machine
            silence_logs=50,
        )
        return stack.enter_context(distributed.Client(stack.enter_context(cluster)))
    try:
        return stack.enter_context(distributed.Client(scheduler, timeout=_CONNECT))
    except (OSError, TimeoutError, ValueError) as error:
        failure = PypluginError(
            f"There is no scheduler at {scheduler}; start one with 'dask scheduler', or leave out "
            "--scheduler to use this machine."
        )
        failure.exit_code = 1
        raise failure from error


def _ours() -> str:
    return version("tagnode")


def _check_workers(client: Any, scheduler: str) -> None:
    """Raise unless there are workers, and all have this version."""
    ours = _ours()
    try:
        found = client.run(version, "tagnode")
    except Exception as error:
        raise PypluginError(
            f"The workers of {scheduler} cannot analyse recordings ({error}); install tagnode "
            f"{ours} there."
        ) from error
    if not found:
        raise PypluginError(f"The scheduler {scheduler} has no workers; start some: dask worker.")
    others = sorted({each for each in found.values() if each != ours})
    if others:
        raise PypluginError(
            f"{counted(sum(each != ours for each in found.values()), 'worker')} of {scheduler} "
            f"{'have' if len(others) > 1 else 'has'} tagnode {' and '.join(others)}, and this is "
            f"tagnode {ours}; install the same version everywhere."
        )
