"""Loudness by class of what was on air, by hour if asked for, from segments and scores in the log.

The integrated loudness of a segment is in the log as EBU R 128 measures it. Where its scores are
still kept, they say how it is spread over the hours; otherwise it counts as even.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin.monitor.bins import LENGTH
from pyplugin.monitor.columns import SECOND
from pyplugin.monitor.segments import CLASSES, OFF, SILENCE, Loudness
from pyplugin.monitor.storage import Log
from pyplugin.monitor.times import local

PROGRAMME = "programme"
"""Everything but silence and what is off air: what the others are compared with."""

_SHORT = "signal.loudness_short"
_QUIET = (CLASSES[OFF], CLASSES[SILENCE])

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def loudness_by_class(
    log: Log,
    start: int,
    end: int,
    station: str | None = None,
    *,
    hourly: bool = False,
    zone: tzinfo | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the integrated loudness of each class and of the programme, by station.

    Parameters
    ----------
    start, end
        Milliseconds of UTC.
    hourly
        Whether each hour has rows of its own, instead of one set for the whole time.
    zone
        Whose hours those are; the machine's time zone without.

    Yields
    ------
    dict
        ``station, start, end, kind, seconds, loudness, difference``: ``kind`` is a class of
        :data:`pyplugin.monitor.segments.CLASSES` or :data:`PROGRAMME`, ``loudness`` in LUFS, and
        ``difference`` in LU against the programme of the whole time.
    """
    names = [row["name"] for row in log.stations()] if station is None else [station]
    for name in names:
        pieces = list(_pieces(log, name, start, end))
        if not pieces:
            continue
        whole = _integrated(pieces)
        parts = _hours(pieces, zone) if hourly else [(start, end, pieces)]
        for first, last, inside in parts:
            yield _row(name, (first, last), PROGRAMME, inside, whole)
            inside.sort(key=lambda piece: CLASSES.index(piece.kind))
            for kind, of_kind in groupby(inside, key=lambda piece: piece.kind):
                yield _row(name, (first, last), kind, list(of_kind), whole)


@dataclass(frozen=True)
class _Piece:
    """A part of a segment: when each of its moments was, how long it lasted and how loud it was."""

    kind: str
    times: Ints
    seconds: Floats
    levels: Floats


def _pieces(log: Log, station: str, start: int, end: int) -> Iterator[_Piece]:
    times, levels = _scores(log, station, start, end)
    for segment in log.segments(start, end, station):
        kind, loudness = segment["kind"], segment["loudness"]
        if kind in _QUIET or loudness is None:
            continue
        first, last = max(segment["start"], start), min(segment["end"], end)
        inside = slice(*np.searchsorted(times, [first, last - LENGTH * SECOND + 1]))
        if inside.stop - inside.start < 3:
            yield _even(kind, first, last, loudness)
            continue
        seconds = np.full(inside.stop - inside.start, (last - first) / 1000)
        seconds /= len(seconds)
        shape = levels[inside]
        of_scores = _gated(shape, seconds)
        if of_scores is None:
            yield _even(kind, first, last, loudness)
        else:  # as loud as the segment, which was measured in blocks of 0.4 s
            yield _Piece(kind, times[inside], seconds, shape + loudness - of_scores)


def _even(kind: str, start: int, end: int, loudness: float) -> _Piece:
    """Return a piece that is as loud at its end as at its beginning, a moment for each minute."""
    count = max(1, round((end - start) / 60_000))
    times = start + (end - start) * np.arange(count) // count
    seconds = np.full(count, (end - start) / 1000 / count)
    return _Piece(kind, times.astype(np.int64), seconds, np.full(count, float(loudness)))


def _scores(log: Log, station: str, start: int, end: int) -> tuple[Ints, Floats]:
    """Return the beginnings of the bins and their short-term loudness, where there is one."""
    times: list[Ints] = []
    levels: list[Floats] = []
    for part in log.bins(start, end, station):
        if _SHORT in part.layout.names:
            level = part.means[:, part.layout.names.index(_SHORT)].astype(np.float64)
            known = ~np.isnan(level)
            times.append(np.array(part.starts, np.int64)[known])
            levels.append(level[known])
    if not times:
        return np.empty(0, np.int64), np.empty(0)
    return np.concatenate(times), np.concatenate(levels)


def _gated(levels: Floats, seconds: Floats) -> float | None:
    meter = Loudness()
    meter.add(np.repeat(levels, np.maximum(1, np.rint(seconds)).astype(np.int64)))
    return meter.integrated


def _integrated(pieces: list[_Piece]) -> float | None:
    levels = np.concatenate([piece.levels for piece in pieces])
    return _gated(levels, np.concatenate([piece.seconds for piece in pieces]))


def _hours(pieces: list[_Piece], zone: tzinfo | None) -> Iterator[tuple[int, int, list[_Piece]]]:
    """Yield begin and end of each local hour that has something, and the pieces in it."""
    first = min(int(piece.times[0]) for piece in pieces)
    last = max(int(piece.times[-1]) for piece in pieces)
    begin = local(first, zone).replace(minute=0, second=0, microsecond=0)
    at = round(begin.timestamp() * 1000)
    while at <= last:
        after = at + round(timedelta(hours=1) / timedelta(milliseconds=1))
        inside = []
        for piece in pieces:
            here = (piece.times >= at) & (piece.times < after)
            if here.any():
                inside.append(
                    _Piece(piece.kind, piece.times[here], piece.seconds[here], piece.levels[here])
                )
        if inside:
            yield at, after, inside
        at = after


def _row(
    station: str, span: tuple[int, int], kind: str, pieces: list[_Piece], whole: float | None
) -> dict[str, Any]:
    loudness = _integrated(pieces)
    known = loudness is not None and whole is not None
    return {
        "station": station,
        "start": span[0],
        "end": span[1],
        "kind": kind,
        "seconds": round(sum(float(piece.seconds.sum()) for piece in pieces)),
        "loudness": None if loudness is None else round(loudness, 1),
        "difference": round(loudness - whole, 1) if known else None,  # type: ignore[operator]
    }
