"""Measure time and memory, and find installed peers."""

import importlib
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import version
from benchmarks.report import Figure

EXTRA = "pip install 'tagnode[bench]'"


def installed(peer: str) -> bool:
    """Return whether a package is installed; `essentia` must include TensorFlow."""
    return version(peer) is not None


def missing(*peers: str) -> list[str]:
    """Return a note for each package that is not installed."""
    return [f"left out: {p} is not installed: {EXTRA}" for p in peers if not installed(p)]


def best_seconds(
    calls: Mapping[str, Callable[[], object]], rounds: int, warm_up: int = 2
) -> dict[str, float]:
    """Return the least wall time of each call; calls are interleaved to share the noise."""
    best = dict.fromkeys(calls, float("inf"))
    for turn in range(warm_up + rounds):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            taken = time.perf_counter() - started
            if turn >= warm_up:
                best[name] = min(best[name], taken)
    return best


def alone(benchmark: str, *, long: bool) -> list[Figure]:
    """Run a benchmark in a new process, so that memory is measured separately."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as executor:
        return executor.submit(_measure, benchmark, long).result()


def _measure(benchmark: str, long: bool) -> list[Figure]:
    figures: list[Figure] = importlib.import_module(f"benchmarks.{benchmark}").measure(long=long)
    return figures


@dataclass(frozen=True)
class Usage:
    """The resources used by a process."""

    wall: float  # s
    first_line: float  # s until its first line of output
    cpu: float  # s, user and system
    peak: float  # MiB resident
    output: str


def run(arguments: Sequence[str | Path], *, one_core: bool = False) -> Usage:
    """Run this Python with the arguments; ``one_core`` keeps all of its threads on one core."""
    command = [sys.executable, *map(str, arguments)]
    cores = os.sched_getaffinity(0)
    before = _children_cpu()
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as errors:
        if one_core:
            os.sched_setaffinity(0, {max(cores)})  # inherited
        try:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        finally:
            os.sched_setaffinity(0, cores)
        with process, _PeakMemory(process.pid) as memory:
            assert process.stdout is not None
            line = process.stdout.readline()
            first_line = time.perf_counter() - started
            output = line + process.stdout.read()
        wall = time.perf_counter() - started
        if process.returncode != 0:
            errors.seek(0)
            raise RuntimeError(f"{' '.join(command)} failed:\n{errors.read()}")
    return Usage(wall, first_line, _children_cpu() - before, memory.peak, output)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _PeakMemory:
    """Reads the peak memory of a process from the kernel; rusage includes its parent's."""

    def __init__(self, process: int) -> None:
        self.peak = 0.0
        self._status = Path(f"/proc/{process}/status")
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "_PeakMemory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            try:
                status = self._status.read_text(encoding="ascii")
            except OSError:
                return
            for line in status.splitlines():
                if line.startswith("VmHWM:"):
                    self.peak = max(self.peak, int(line.split()[1]) / 1024)
