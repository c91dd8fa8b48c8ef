"""The chunks with the highest activations, of any amount of audio in constant memory."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pyplugin.explain.activations import Activations
from pyplugin.support.arrays import Bools, Float32, Float64, Int64


@dataclass(frozen=True)
class Chunk:
    """A moment of a recording that excites a unit.

    Attributes
    ----------
    recording
        Its number, from 0.
    value
        The activation.
    first, last
        Mel frames of the recording that it depends on.
    curve
        (m, 2) float: the activations around it, with the mel frame in the middle of what each
        depends on.
    """

    recording: int
    value: float
    first: int
    last: int
    curve: Float64

    @property
    def centre(self) -> float:
        """The mel frame in the middle."""
        return (self.first + self.last) / 2


class BestChunks:
    """Keeps the chunks with the highest activations of each unit.

    Of the activations less than a chunk apart in one recording, the highest one counts, or the
    first of equal ones, so that one moment is one chunk. What is kept does not depend on how the
    activations are divided.

    Parameters
    ----------
    lengths
        (units,) Mel frames of a chunk.
    top
        How many chunks of a unit are kept.

    Examples
    --------
    >>> frames = np.arange(6)[:, None]
    >>> best = BestChunks([2], top=2)
    >>> values = np.array([[1.0], [5.0], [4.0], [2.0], [0.0], [3.0]], np.float32)
    >>> best.add(0, Activations(values, frames, frames))
    >>> best.end()
    >>> [(chunk.first, chunk.value) for chunk in best.of(0)]
    [(1, 5.0), (5, 3.0)]
    """

    def __init__(self, lengths: Sequence[int] | Int64, top: int) -> None:
        self.lengths = np.asarray(lengths, np.int64)
        self.top = top
        units = len(self.lengths)
        self._kept: list[list[tuple[float, int, Chunk]]] = [[] for _ in range(units)]
        self._least = np.full(units, -np.inf)  # of the kept ones, once there are enough
        self._order = 0
        self.statistics = Statistics(units)
        self._begin(-1)

    def _begin(self, recording: int) -> None:
        units = len(self.lengths)
        self._recording = recording
        self._value = np.full(units, -np.inf, np.float32)
        self._first, self._last = np.zeros(units, np.int64), np.zeros(units, np.int64)
        self._history: deque[tuple[float, Float32]] = deque()

    def add(self, recording: int, part: Activations) -> None:
        """Take the next activations of a recording; those of another one begin after `end`."""
        if recording != self._recording:
            self._begin(recording)
        self.statistics.add(part.values)
        values = np.where(np.isfinite(part.values), part.values, -np.inf)
        for centre, value, first, last in zip(
            part.centres, values, part.first, part.last, strict=True
        ):
            apart = first + last - self._first - self._last >= 2 * self.lengths
            self._finish(apart)
            better = apart | (value > self._value)
            self._value = np.where(better, value, self._value)
            self._first = np.where(better, first, self._first)
            self._last = np.where(better, last, self._last)
            self._history.append((float(centre), value))
            while self._history[0][0] < centre - 2 * self.lengths.max():
                self._history.popleft()

    def end(self) -> None:
        """Take note that a recording is complete."""
        self._finish(np.ones(len(self.lengths), np.bool_))
        self._begin(-1)

    def of(self, unit: int) -> list[Chunk]:
        """Return the chunks of a unit, the highest activation first."""
        return [chunk for _, _, chunk in sorted(self._kept[unit], key=lambda item: item[:2])[::-1]]

    def _finish(self, units: Bools) -> None:
        """Keep what is highest in its neighbourhood, if it is among the best."""
        for unit in np.flatnonzero(units & (self._value > self._least)):
            kept = self._kept[unit]
            chunk = Chunk(
                self._recording,
                float(self._value[unit]),
                int(self._first[unit]),
                int(self._last[unit]),
                self._curve(int(unit)),
            )
            self._order += 1
            item = (chunk.value, -self._order, chunk)
            (heapq.heappush if len(kept) < self.top else heapq.heapreplace)(kept, item)
            if len(kept) == self.top:
                self._least[unit] = kept[0][0]

    def _curve(self, unit: int) -> Float64:
        middle = (self._first[unit] + self._last[unit]) / 2
        reach = self.lengths[unit] / 2
        near = [(at, row[unit]) for at, row in self._history if abs(at - middle) <= reach]
        return np.array(near, np.float64).reshape(-1, 2)


@dataclass(frozen=True)
class Spread:
    """Least, greatest, mean and standard deviation of the activations of a unit."""

    least: float
    greatest: float
    mean: float
    deviation: float


class Statistics:
    """The spread of each unit's activations.

    Parameters
    ----------
    units
        How many.

    Examples
    --------
    >>> found = Statistics(1)
    >>> found.add(np.array([[1.0], [3.0]], np.float32))
    >>> found.of(0)
    Spread(least=1.0, greatest=3.0, mean=2.0, deviation=1.0)
    """

    def __init__(self, units: int) -> None:
        self._least = np.full(units, np.inf)
        self._greatest = np.full(units, -np.inf)
        self._count = np.zeros(units, np.int64)
        self._mean, self._squares = np.zeros(units), np.zeros(units)

    def add(self, values: Float32) -> None:
        """Take activations, (n, units); those that are not finite do not count."""
        for row in values.astype(np.float64):  # Welford's: one by one, it is as exact as two passes
            finite = np.isfinite(row)
            row = np.where(finite, row, self._mean)
            self._count += finite
            step = row - self._mean
            self._mean = self._mean + step / np.maximum(self._count, 1)
            self._squares += step * (row - self._mean)
            self._least = np.where(finite, np.minimum(self._least, row), self._least)
            self._greatest = np.where(finite, np.maximum(self._greatest, row), self._greatest)

    def of(self, unit: int) -> Spread:
        """Return the spread of a unit; of one without activations it is from inf to -inf."""
        deviation = (self._squares[unit] / max(self._count[unit], 1)) ** 0.5
        found = (self._least[unit], self._greatest[unit], self._mean[unit], deviation)
        return Spread(*map(float, found))
