"""What the log of four stations writes to the disk: python -m benchmarks.log_writes DAYS COMMIT.

Time is made up, the database is real. The kernel counts what goes to the disk (`write_bytes` in
/proc/self/io) once it is flushed. In a real day it flushes a file 30 s after the first change since
the last time; here the files are flushed at such times of the log.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from pyplugin.inputs.input import Event
from pyplugin.monitor.columns import Columns, Rows
from pyplugin.monitor.config import Settings, StationConfig
from pyplugin.monitor.rules import default_rules
from pyplugin.monitor.station import columns_of, plan_of
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.writer import Item, LogWriter

STATIONS = 4
BEGIN = 1_700_000_040_000  # a whole minute
STEP, TITLE, SEGMENT, GAP, FLUSH = 10, 210, 90, 8640, 30  # seconds


def written() -> int:
    """Return the bytes that this process has sent to the disk."""
    line = next(line for line in open("/proc/self/io") if line.startswith("write_bytes"))  # noqa: SIM115, PTH123
    return int(line.split()[1])


def some_rows(columns: Columns, random: np.random.Generator, number: int) -> Rows:
    """Return the rows of ten seconds, in which speech and music take turns."""
    times = BEGIN + 1000 * (STEP * number + np.arange(1, STEP + 1))
    values = random.random((STEP, len(columns.names)), np.float32)
    music = (times // 1000 - BEGIN // 1000) // SEGMENT % 2 == 0
    values[:, columns.index("speech")] = np.where(music, 0.05, 0.95)
    values[:, columns.index("music")] = np.where(music, 0.95, 0.05)
    values[:, columns.index("loudness_momentary")] = -20 + random.standard_normal(STEP)
    for name in ("presence", "correlation"):
        values[:, columns.index(name)] = 0.9
    for name in ("station.down", "repetition", "channel_gap_db"):
        values[:, columns.index(name)] = 0
    return Rows(times, values, np.full((STEP, 10), -20, np.float32))


def megabytes_a_day(folder: Path, days: float, commit: int = 60) -> tuple[float, float]:
    """Return what is written a day, and by how much the database grows, in MB."""
    writer = LogWriter(Settings(str(folder)), lambda *about: None)
    columns = columns_of(plan_of(StationConfig("x", command="x")))
    random = np.random.default_rng(1)
    logs = [StationLog(columns, default_rules("any", columns, ())) for _ in range(STATIONS)]
    layout = writer.store.layout(logs[0].layout)
    numbers = [writer.store.station(f"FM {n}", "x", "any", time=0) for n in range(STATIONS)]
    files = [writer.store.path, writer.store.path.with_name(writer.store.path.name + "-wal")]

    def flush() -> None:
        for path in files:
            if path.exists():
                with path.open("rb+") as file:
                    os.fsync(file)

    before = written()
    changed: int | None = None  # seconds; when the first change was that is not flushed
    for at in range(round(days * 86400 / STEP)):
        end = BEGIN + 1000 * STEP * (at + 1)
        if changed is not None and at * STEP - changed >= FLUSH:
            flush()
            changed = None
        count = writer.store._database.total_changes
        for number, log in zip(numbers, logs, strict=True):
            records = log.push(some_rows(columns, random, at))
            if at * STEP % TITLE < STEP:
                records += log.event(end, Event("title", "", title=f"The Band {at} - A Song {at}"))
            if at * STEP % GAP < STEP:
                records += log.event(end, Event("gap", "3.0 s are missing.", 132_300))
            writer._take(Item(number, layout, records))
            if (at + 1) * STEP % commit == 0:
                writer._take(Item(number, layout, log.snapshot(end)))
        if (at + 1) * STEP % commit == 0:
            writer._commit_scores()
        if changed is None and writer.store._database.total_changes > count:
            changed = at * STEP
    size = writer.store.bytes
    writer.store.close()
    flush()
    return (written() - before) / 1e6 / days, size / 1e6 / days


if __name__ == "__main__":
    out = Path("bench-output")  # on a disk: /tmp may be in memory
    out.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as name:
        flushed, grown = megabytes_a_day(Path(name), float(sys.argv[1]), int(sys.argv[2]))
    print(f"{flushed:.2f} {grown:.2f}")
