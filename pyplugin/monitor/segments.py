"""What was on air from when to when: classes that are stable, and their loudness."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pyplugin.monitor.columns import LOUDNESS, SECOND, Columns, Rows, runs
from pyplugin.support.arrays import Float32

CLASSES = ("off air", "silence", "speech", "speech over music", "music", "other")
"""What a segment can be; the position is the number that the log keeps, so only the end grows."""

OFF, SILENCE, SPEECH, OVER, MUSIC, OTHER = range(len(CLASSES))

_SMOOTHED = 5  # seconds of which the mean is judged
_ON, _OFF = 0.6, 0.35  # activations at which a label begins and ends to count
_SILENT = -60.0  # LUFS, momentary
_SHORTEST = {OFF: 2, SILENCE: 2}  # seconds that a class lasts before a segment begins
_SHORT = 8  # of other classes
_BED = 30  # of speech with and without music after each other: a bed comes and goes

_GATE = -70.0  # LUFS: absolute gate of EBU R 128
_BINS = 800  # of 0.1 LU, from the gate up


class Loudness:
    """Gated loudness of a time, from its momentary loudnesses (ITU-R BS.1770-4).

    Examples
    --------
    >>> meter = Loudness()
    >>> meter.add(np.array([-23.0, -23.0, -80.0]))
    >>> round(meter.integrated, 1)
    -23.0
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, np.int64)

    def add(self, momentary: npt.ArrayLike) -> None:
        """Take momentary loudnesses in LUFS; NaN counts as nothing."""
        values = np.asarray(momentary, np.float64).ravel()
        values = values[values >= _GATE]
        places = np.clip(((values - _GATE) * 10).astype(np.int64), 0, _BINS - 1)
        self._counts += np.bincount(places, minlength=_BINS)

    @property
    def integrated(self) -> float | None:
        """In LUFS; ``None`` without anything above the gate."""
        levels = _GATE + 0.05 + 0.1 * np.arange(_BINS)
        powers = 10 ** (levels / 10)
        total = self._counts.sum()
        if not total:
            return None
        relative = 10 * np.log10((self._counts * powers).sum() / total) - 10
        kept = np.where(levels > relative, self._counts, 0)
        return float(10 * np.log10((kept * powers).sum() / kept.sum()))


@dataclass
class Segment:
    """A time in which one thing was on air.

    Attributes
    ----------
    kind
        Number of :data:`CLASSES`.
    start, end
        Milliseconds of UTC; ``end`` is that of the last row so far.
    sums, counts
        Of the labels, for their means.
    loudness
        Of its momentary loudnesses.
    """

    kind: int
    start: int
    end: int
    sums: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]
    loudness: Loudness = field(default_factory=Loudness)

    @property
    def means(self) -> list[float | None]:
        """Mean of each label; ``None`` where it was not measured."""
        return [
            round(float(total) / int(count), 3) if count else None
            for total, count in zip(self.sums, self.counts, strict=True)
        ]


class Segmenter:
    """Finds segments in rows.

    Speech and music count while their mean over five seconds is high, with hysteresis; a class
    that does not last for eight seconds (silence and no signal: two, a bed under speech: thirty)
    makes no segment. A segment begins where its class began.

    Parameters
    ----------
    columns
        Of the rows; their labels should have speech and music.
    """

    def __init__(self, columns: Columns) -> None:
        self._labels = len(columns.labels)
        self._speech, self._music = (
            [column for name, column in columns.accepted.items() if name in names]
            for names in (("speech",), ("music", "singing"))
        )
        self._loudness = columns.index(LOUDNESS)
        self._down = columns.index("station.down")
        self._past = np.full((_SMOOTHED - 1, 2), np.nan, np.float32)
        self._on = [False, False]
        self._waiting: list[tuple[int, Rows]] = []  # of a class that may not last
        self.current: Segment | None = None

    def push(self, rows: Rows) -> list[Segment]:
        """Take rows; return the segments that ended."""
        ended: list[Segment] = []
        if not len(rows):
            return ended
        kinds = self._kinds(rows)
        for start, stop in runs(kinds):
            self._take(int(kinds[start]), rows.part(start, stop), ended)
        return ended

    def _take(self, kind: int, rows: Rows, ended: list[Segment]) -> None:
        current = self.current
        if current is None:
            self.current = current = self._new(kind, rows)
        if kind == current.kind:
            for _, before in self._waiting:  # too short: part of what goes on
                self._extend(current, before)
            self._waiting.clear()
            self._extend(current, rows)
            return
        self._waiting.append((kind, rows))
        same = self._same_at_end()
        if not self._lasts(same, current.kind):
            return
        for _, before in self._waiting[: len(self._waiting) - len(same)]:
            self._extend(current, before)
        ended.append(current)
        self.current = made = self._new(kind, same[0][1])
        for _, part in same:
            self._extend(made, part)
        self._waiting.clear()

    def _same_at_end(self) -> list[tuple[int, Rows]]:
        """Return the last parts that wait, as far as they are of one class."""
        first = len(self._waiting)
        while first and self._waiting[first - 1][0] == self._waiting[-1][0]:
            first -= 1
        return self._waiting[first:]

    def _lasts(self, parts: list[tuple[int, Rows]], current: int) -> bool:
        seconds = sum(len(rows) for _, rows in parts)
        kind = parts[0][0]
        bed = {kind, current} == {SPEECH, OVER}
        return seconds >= (_BED if bed else _SHORTEST.get(kind, _SHORT))

    def _new(self, kind: int, rows: Rows) -> Segment:
        start = int(rows.times[0]) - SECOND
        return Segment(
            *(kind, start, start), np.zeros(self._labels), np.zeros(self._labels, np.int64)
        )

    def _extend(self, segment: Segment, rows: Rows) -> None:
        labels = rows.values[:, : self._labels]
        known = ~np.isnan(labels)
        segment.sums += np.where(known, labels, 0).sum(axis=0, dtype=np.float64)
        segment.counts += known.sum(axis=0)
        segment.loudness.add(rows.momentary)
        segment.end = int(rows.times[-1])

    def _kinds(self, rows: Rows) -> npt.NDArray[np.int64]:
        """Return the class of each row by itself."""
        speech, music = self._smoothed(rows)
        talks = self._hysteresis(0, speech)
        plays = self._hysteresis(1, music)
        kinds = np.select([talks & plays, talks, plays], [OVER, SPEECH, MUSIC], OTHER)
        kinds[rows.values[:, self._loudness] < _SILENT] = SILENCE
        kinds[rows.values[:, self._down] > 0.5] = OFF
        return kinds

    def _smoothed(self, rows: Rows) -> tuple[Float32, Float32]:
        """Return the means of speech and of music over the last seconds."""
        pair = np.full((len(rows), 2), np.nan, np.float32)
        for place, chosen in enumerate((self._speech, self._music)):
            if chosen:
                pair[:, place] = rows.values[:, chosen].max(axis=1)
        line = np.concatenate([self._past, pair])
        self._past = line[len(line) - (_SMOOTHED - 1) :]
        known = ~np.isnan(line)
        values, count = np.where(known, line, 0), len(rows)
        sums = sum(values[shift : shift + count] for shift in range(_SMOOTHED))
        counts = sum(known[shift : shift + count].astype(np.float32) for shift in range(_SMOOTHED))
        means = sums / np.maximum(counts, 1)
        return means[:, 0], means[:, 1]

    def _hysteresis(self, which: int, values: Float32) -> npt.NDArray[np.bool_]:
        made = np.empty(len(values), np.bool_)
        state = self._on[which]
        for index, value in enumerate(values.tolist()):
            state = value > (_OFF if state else _ON)
            made[index] = state
        self._on[which] = state
        return made

    def end(self) -> Segment | None:
        """End the segment that lasts, as at a stop; return it."""
        current, self.current = self.current, None
        if current is not None:
            for _, before in self._waiting:
                self._extend(current, before)
        self._waiting.clear()
        return current
