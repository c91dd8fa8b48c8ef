"""The log as CSV files, for programs that read no SQLite."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyplugin.monitor.storage import Log, iso
from pyplugin.support.cells import guarded
from pyplugin.support.files import not_written, replacing

_TIMES = ("start", "end", "opened", "closed", "acknowledged", "time")


def export_log(
    log: Log, folder: Path, start: int, end: int, station: str | None = None
) -> Iterator[tuple[Path, int]]:
    """Write ``segments.csv``, ``tracks.csv``, ``alarms.csv`` and ``events.csv``.

    Times are local, with their offset from UTC.

    Parameters
    ----------
    start, end
        Milliseconds of UTC.

    Yields
    ------
    tuple
        Each file and its number of rows.

    Raises
    ------
    PypluginError
        A file cannot be written.
    """
    for name in ("segments", "tracks", "alarms", "events"):
        path = folder / f"{name}.csv"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            count = _write(path, getattr(log, name)(start, end, station))
        except OSError as error:
            raise not_written(path, error) from error
        yield path, count


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            if not count:
                writer.writerow(row)
            writer.writerow(_cell(key, value) for key, value in row.items())
            count += 1
    return count


def _cell(key: str, value: Any) -> str:
    if key in _TIMES:
        return iso(value)
    if isinstance(value, dict):
        return json.dumps(value)
    return "" if value is None else guarded(str(value))
