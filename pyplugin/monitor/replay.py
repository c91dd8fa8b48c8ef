"""The alarms that rules would have raised in a time that is in the log."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pyplugin.monitor.alarms import AlarmBook, Change
from pyplugin.monitor.bins import LENGTH
from pyplugin.monitor.columns import SECOND, Columns, Rows
from pyplugin.monitor.rules import Rule
from pyplugin.monitor.storage import BinRows, Log
from pyplugin.support.arrays import Float32


def replayed(
    log: Log, station: str, columns: Columns, rules: list[Rule], start: int, end: int
) -> Iterator[Change]:
    """Yield the changes of alarms that these rules give for a time in the log.

    The log has means of ten seconds, so a time is right to ten seconds, and what lasts for less may
    be missed.

    Parameters
    ----------
    columns
        What the rules compare; a column that the log has not is not measured.
    start, end
        Milliseconds of UTC.
    """
    book = AlarmBook(rules, columns.index("station.down"), columns.names)
    last = start
    for part in log.bins(start, end, station):
        rows = _rows(part, columns)
        yield from book.push(rows)
        last = int(rows.times[-1])
    for timer in book.timers:
        if timer.standing.opened is not None:
            yield Change(timer.rule.name, "closed", last, timer.standing.start or last, last, "end")


def _rows(part: BinRows, columns: Columns) -> Rows:
    """Return the bins as rows of a second, each ten times."""
    count = len(part.starts)
    values = np.full((count, len(columns.names)), np.nan, np.float32)
    places = {name: index for index, name in enumerate(part.layout.names)}
    for index, name in enumerate(columns.names):
        if name in places:
            values[:, index] = part.means[:, places[name]]
    starts = np.array(part.starts, np.int64)
    ends = starts[:, np.newaxis] + SECOND * np.arange(1, LENGTH + 1)
    repeated: Float32 = np.repeat(values, LENGTH, axis=0)
    return Rows(ends.ravel(), repeated, np.full((count * LENGTH, 1), np.nan, np.float32))
