"""Catalogues: throughput of one and two processes and of Dask, memory, and the index."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import soundfile

from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO

if TYPE_CHECKING:
    from pyplugin.catalogue.building import Engine
    from pyplugin.catalogue.setup import Setup

FILES, LONG = 80, 2000
BASES = 6  # of each format; the others are copies
FORMATS = {".mp3": "libmp3lame", ".m4a": "aac", ".flac": "", ".ogg": ""}
EMBEDDINGS, SIZE = 100_000, 200
TASKS, LONG_TASKS = 2_000, 100_000
MEMORY = 250  # MiB a worker at most
SPEED_UP, EFFICIENCY, OVERHEAD = 1.9, 0.95, 0.05


def measure(*, long: bool = False) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder / "music", LONG if long else FILES)
        figures = _built(folder)
    return [*figures, _index(), *_tasks(LONG_TASKS if long else TASKS)]


def _make(folder: Path, count: int) -> None:
    """Write recordings of 30 to 240 s."""
    folder.mkdir()
    demo, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    rng = np.random.default_rng(0)
    bases = []
    for suffix, codec in FORMATS.items():
        for number in range(BASES):
            seconds = float(rng.uniform(30, 240))
            start = int(rng.integers(len(demo)))
            mono = np.resize(np.roll(demo[:, 0], -start), int(seconds * rate))
            samples = np.stack([mono, 0.8 * mono], axis=1)
            path = folder / f"base-{number}{suffix}"
            _encode(path, codec, samples, rate)
            bases.append(path)
    for number in range(len(bases), count):
        base = bases[number % len(bases)]
        shutil.copyfile(base, folder / f"{number}{base.suffix}")


def _encode(path: Path, codec: str, samples: np.ndarray, rate: int) -> None:
    if not codec:
        with soundfile.SoundFile(path, "w", rate, 2) as file:
            for at in range(0, len(samples), rate):  # libvorbis fails on more at once
                file.write(samples[at : at + rate])
        return
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate, layout="stereo")
        stream.bit_rate = 192_000
        for at in range(0, len(samples), 1152):
            part = np.ascontiguousarray(samples[at : at + 1152].T)
            frame = av.AudioFrame.from_ndarray(part, "fltp", "stereo")
            frame.sample_rate, frame.pts = rate, at
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _built(folder: Path) -> list[Figure]:
    from pyplugin.catalogue.building import build
    from pyplugin.catalogue.cluster import Cluster
    from pyplugin.catalogue.processes import ProcessPool
    from pyplugin.catalogue.setup import Setup

    setup = Setup.of(["scene"], embeddings=True)
    cores = min(2, len(os.sched_getaffinity(0)))
    music = folder / "music"
    audio = 0.0

    def alone() -> None:
        nonlocal audio
        audio = _analysed(music, setup)

    def built(name: str, engine: Callable[[], Engine]) -> Callable[[], object]:
        return lambda: build([str(music)], folder / name, setup, lambda made: engine())

    plain = _used(alone)
    one = _used(built("one", lambda: ProcessPool(setup, 1)))
    peaks: list[float] = []

    class Watched(ProcessPool):
        def close(self) -> None:
            peaks.extend(_status(worker.process.pid, "VmHWM") for worker in self._running)
            super().close()

    two = _used(built("two", lambda: Watched(setup, cores)))
    dask = _used(built("dask", lambda: Cluster(setup, workers=cores)))
    speed = [
        Row("decoding and node alone, a core", audio / plain.wall),
        Row("1 process", audio / one.wall),
        Row(f"{cores} processes", audio / two.wall),
        Row(f"Dask, {cores} processes", audio / dask.wall),
    ]
    ratios = [
        Row("time of 2 processes, of half of 1", 2 * two.wall / one.wall, limit=2 / SPEED_UP),
        Row("processor of 1 process, of both alone", one.cpu / plain.cpu, limit=1 / EFFICIENCY),
        Row("processor of Dask, of the process pool", dask.cpu / two.cpu, limit=1 + OVERHEAD),
    ]
    return [
        Figure("catalogue", "speed, scene with signals and embedding", "x real time", speed),
        Figure("catalogue", "what is lost", "ratio", ratios),
        Figure("catalogue", "memory", "MiB", [Row("a worker, at most", max(peaks), limit=MEMORY)]),
    ]


def _analysed(folder: Path, setup: Setup) -> float:
    """Analyse all recordings here; return the seconds of audio."""
    from pyplugin.catalogue.analysis import Analyser

    with Analyser(setup) as analyser:
        return sum(analyser.analyse(str(path)).duration for path in sorted(folder.iterdir()))


@dataclass(frozen=True)
class Used:
    """Seconds, of the clock and of processors, of this process and those that it started."""

    wall: float
    cpu: float


def _used(work: Callable[[], object]) -> Used:
    wall, cpu = time.perf_counter(), _processor()
    work()
    return Used(time.perf_counter() - wall, _processor() - cpu)


def _processor() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(each.ru_utime + each.ru_stime for each in map(resource.getrusage, kinds))


def _index() -> Figure:
    from pyplugin.catalogue.similar import new_index, unit

    rng = np.random.default_rng(0)
    middles = rng.normal(size=(500, SIZE))

    def draw(count: int) -> np.ndarray:
        near = middles[rng.integers(len(middles), size=count)]
        return unit((near + 0.8 * rng.normal(size=(count, SIZE))).astype(np.float32))

    rows, queries = draw(EMBEDDINGS), draw(300)
    index = new_index(SIZE)
    begun = time.perf_counter()
    index.add(np.arange(len(rows), dtype=np.uint64), rows)
    adding = time.perf_counter() - begun
    found, taken = 0, 0.0
    for query in queries:
        exact = set(np.argsort(-(rows @ query))[:10].tolist())
        begun = time.perf_counter()
        keys = index.search(query, 10).keys
        taken += time.perf_counter() - begun
        found += len(exact & set(map(int, keys)))
    missed = 1 - found / (10 * len(queries))
    return Figure(
        "catalogue",
        f"similar among {EMBEDDINGS}, {SIZE} values each",
        "ms",
        [
            Row("a query", taken / len(queries) * 1e3, limit=5.0),
            Row("missed of the 10 nearest, %", 100 * missed, limit=5.0),
            Row("making the index, s", adding),
        ],
    )


def nothing(task: int) -> int:
    return task


def _tasks(count: int) -> list[Figure]:
    """Return the time of the scheduler for a task that does nothing, and how its memory grows."""
    from pyplugin.catalogue.cluster import Cluster
    from pyplugin.catalogue.setup import Setup

    with Cluster(Setup.of(), workers=2) as cluster:
        for _ in cluster.gather(range(200), nothing):
            pass
        sizes, begun, used = [], time.perf_counter(), time.process_time()
        for done, _ in enumerate(cluster.gather(range(count), nothing), 1):
            if done % (count // 10) == 0:
                sizes.append(_status("self", "VmRSS"))
        taken, used = time.perf_counter() - begun, time.process_time() - used
    milliseconds = taken / count * 1e3
    return [
        Figure(
            "catalogue",
            f"{count} tasks that do nothing, through a scheduler of Dask",
            "ms",
            [
                Row("a task", milliseconds, limit=0.02 * 60e3),
                Row("a task, of the processor of scheduler and client", used / count * 1e3),
            ],
        ),
        Figure(
            "catalogue",
            "memory of scheduler and client",
            "MiB",
            [
                Row("after a tenth of the tasks", sizes[0]),
                Row("after a half", sizes[4]),
                Row("after all", sizes[-1]),
            ],
        ),
    ]


def _status(process: int | str, field: str) -> float:
    """Return a size that the kernel states of a process, in MiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) / 1024
    return float("nan")
