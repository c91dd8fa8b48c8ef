"""The values that a station gives every second: what rules compare and the log keeps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pyplugin.node.signals import SIGNALS
from pyplugin.support.arrays import Float32
from pyplugin.support.descriptors import accepted_names, signal_name
from pyplugin.support.spelling import nearest

SECOND = 1000
"""Milliseconds of a row."""

STATES: dict[str, tuple[str, str]] = {
    "station.down": ("", "1 while no audio arrives"),
    "station.title_age": ("s", "seconds since the title changed"),
    "station.fallback": ("", "1 while the server sends a replacement"),
    "station.title_alone": ("", "1 once the title changed and the sound did not"),
}
"""Unit and meaning of the values that describe the connection."""

PEAKS = ("peak_db", "true_peak_db", "flux", "onset", "silence")
"""Signals of which a row has the largest value; of others it has the mean."""

LOUDNESS = "signal.loudness_momentary"


@dataclass(frozen=True)
class Columns:
    """The columns of a station's rows.

    Attributes
    ----------
    labels
        Full names of the labels of its models and heads.

    Examples
    --------
    >>> columns = Columns(("tag.scene.speech", "tag.scene.music"))
    >>> columns.names[0], columns.index("music"), columns.names[columns.index("rms_db")]
    ('tag.scene.speech', 1, 'signal.rms_db')
    """

    labels: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All columns, in order."""
        return (*self.labels, *map(signal_name, SIGNALS), *STATES)

    @cached_property
    def accepted(self) -> dict[str, int]:
        """Column by every accepted name, full and short."""
        places = {name: index for index, name in enumerate(self.names)}
        short = {name: places[full] for name, full in accepted_names(self.labels).items()}
        short |= {name.partition(".")[2]: place for name, place in short.items() if "tag." in name}
        short |= {name.partition(".")[2]: places[name] for name in self.names[len(self.labels) :]}
        return short | places

    def index(self, name: str) -> int:
        """Return the column that a name stands for.

        Raises
        ------
        ValueError
            There is none; the sentence has the nearest name.
        """
        try:
            return self.accepted[name]
        except KeyError:
            wanted = nearest(name, self.accepted)
            raise ValueError(f"there is no label and no signal {name!r}; {wanted}") from None

    def is_label(self, column: int) -> bool:
        """Return whether a column is an activation, from 0 to 1."""
        return column < len(self.labels)


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of a station.

    Attributes
    ----------
    times
        (n,) int64: the end of each row in milliseconds of UTC.
    values
        (n, columns) float32; NaN where nothing was measured.
    momentary
        (n, m) float32: all momentary loudnesses of each row in LUFS; NaN where there are fewer.
    """

    times: np.ndarray
    values: Float32
    momentary: Float32

    def __len__(self) -> int:
        return len(self.times)

    def part(self, start: int, stop: int) -> Rows:
        """Return some of the rows."""
        some = slice(start, stop)
        return Rows(self.times[some], self.values[some], self.momentary[some])


class RowMaker:
    """Makes rows of the labels and signals that arrive in between.

    Parameters
    ----------
    columns
        What a row has.
    """

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._first_signal = len(columns.labels)
        self._peaks = np.array([name in PEAKS for name in SIGNALS])
        self._loudness = list(SIGNALS).index(LOUDNESS.partition(".")[2])
        self._begin()

    def _begin(self) -> None:
        self._labels: list[Sequence[float]] = []
        self._signals: list[Float32] = []

    def add_labels(self, values: Sequence[float]) -> None:
        """Take one result: a value for each label."""
        self._labels.append(values)

    def add_signals(self, values: Float32) -> None:
        """Take one signal frame."""
        self._signals.append(values)

    def row(self, time: int, states: Mapping[str, float]) -> Rows:
        """Return what arrived since the last call as one row.

        Parameters
        ----------
        time
            Its end in milliseconds of UTC.
        states
            Value by name of :data:`STATES`.
        """
        values = np.full(len(self._columns.names), np.nan, np.float32)
        momentary = np.full((1, 12), np.nan, np.float32)
        if self._labels:
            values[: self._first_signal] = np.mean(self._labels, axis=0)
        if self._signals:
            signals = np.array(self._signals)
            taken = np.where(self._peaks, signals.max(axis=0), signals.mean(axis=0))
            values[self._first_signal : self._first_signal + len(SIGNALS)] = taken
            loudness = signals[-momentary.shape[1] :, self._loudness]
            momentary[0, : len(loudness)] = loudness
        for name, value in states.items():
            values[self._columns.index(name)] = value
        self._begin()
        return Rows(np.array([time], np.int64), values[np.newaxis], momentary)


def joined(rows: Iterable[Rows]) -> Rows:
    """Return rows that follow each other as one."""
    parts = list(rows)
    return Rows(
        np.concatenate([part.times for part in parts]),
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.momentary for part in parts]),
    )


def runs(values: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield start and stop of each run of equal neighbours.

    Examples
    --------
    >>> list(runs(np.array([True, True, False])))
    [(0, 2), (2, 3)]
    """
    if not len(values):
        return
    edges = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts = [0, *edges.tolist()]
    yield from zip(starts, [*starts[1:], len(values)], strict=True)
