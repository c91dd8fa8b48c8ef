"""Jobs in a few processes: each job is done once, and Ctrl-C ends all of them."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from threadpoolctl import threadpool_limits

from pyplugin.errors import PypluginError

Job = TypeVar("Job")
Result = TypeVar("Result")

MOST = 2
"""Processes at most: each may hold a teacher and the buffers of a recording."""

_AHEAD = 4  # jobs a process that are handed out at once


def default_jobs() -> int:
    """Return the number of processes to use: those of the machine, at most `MOST`."""
    return min(MOST, os.cpu_count() or 1)


def run_jobs(
    work: Callable[[Job], Result],
    jobs: Iterable[Job],
    *,
    processes: int,
    prepare: Callable[..., object] | None = None,
    given: tuple[object, ...] = (),
) -> Iterator[tuple[Job, Result]]:
    """Do jobs, and yield each with its result, in the order in which they are done.

    Parameters
    ----------
    work : callable
        A function of a module, which takes a job.
    jobs : iterable
    processes : int
        1: this process does the work.
    prepare : callable, optional
        A function of a module, called once in each process with `given`.
    given : tuple, optional

    Raises
    ------
    PypluginError
        A process has ended by itself, for lack of memory for example, or `work` raises it.
    """
    if processes <= 1:
        if prepare is not None:
            prepare(*given)
        for job in jobs:
            yield job, work(job)
        return
    # Spawned, not forked: a fork would copy locks that threads of this process may hold.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, context, _begin, (prepare, given))
    try:
        yield from _results(pool, work, jobs, processes * _AHEAD)
    except BrokenProcessPool as error:
        raise PypluginError(
            "A process that computes training data has ended by itself, probably for lack of "
            "memory. Close other programs and run the command again; finished work is kept in the "
            "folder of --cache."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _results(
    pool: ProcessPoolExecutor, work: Callable[[Job], Result], jobs: Iterable[Job], most: int
) -> Iterator[tuple[Job, Result]]:
    pending: dict[Future[Result], Job] = {}
    for job in jobs:
        pending[pool.submit(work, job)] = job
        if len(pending) >= most:
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield pending.pop(future), future.result()
    for future, job in pending.items():
        yield job, future.result()


def _begin(prepare: Callable[..., object] | None, given: tuple[object, ...]) -> None:
    """Prepare a process: the parent handles Ctrl-C, and one thread is enough."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)
    if prepare is not None:
        prepare(*given)
