"""Ten seconds of a station's values in a byte each: what `replay` and the pages' curves read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from pyplugin.monitor.columns import SECOND, STATES, Columns, Rows
from pyplugin.monitor.records import Bin
from pyplugin.node.signals import SIGNALS
from pyplugin.support.arrays import Float32

LENGTH = 10
"""Seconds of a bin."""

_UNKNOWN = 255  # the byte of what was not measured
_STEPS = 254

_SCALES = {  # least and most value by unit
    "dBFS": (-120.0, 7.0),
    "dBTP": (-120.0, 7.0),
    "LUFS": (-120.0, 7.0),
    "dB": (-60.0, 67.0),
    "Hz": (0.0, 12700.0),
    "BPM": (0.0, 254.0),
    "s": (0.0, 25400.0),
    "": (0.0, 1.0),
}


def _scale(name: str, labels: Sequence[str]) -> tuple[float, float]:
    if name in labels:
        return 0.0, 1.0
    if name in STATES:
        return _SCALES[STATES[name][0]]
    about = SIGNALS[name.partition(".")[2]]
    if about.unit == "" and about.low < 0:
        return -1.0, 1.0
    return _SCALES[about.unit]


@dataclass(frozen=True)
class Layout:
    """What the bytes of a bin stand for: the means of all columns, then the labels' maxima.

    Attributes
    ----------
    names
        Columns.
    low, high
        Values of the bytes 0 and 254; 255 stands for what was not measured.
    labels
        How many of the columns, the first ones, are labels.

    Examples
    --------
    >>> layout = Layout.of(Columns(("tag.scene.speech",)))
    >>> layout == Layout.parse(layout.text)
    True
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    labels: int

    @classmethod
    def of(cls, columns: Columns) -> Layout:
        """Return the layout for these columns."""
        scales = [_scale(name, columns.labels) for name in columns.names]
        low, high = zip(*scales, strict=True)
        return cls(columns.names, low, high, len(columns.labels))

    @property
    def text(self) -> str:
        """The layout as JSON, as the log keeps it."""
        return json.dumps(
            {"names": self.names, "low": self.low, "high": self.high, "labels": self.labels}
        )

    @classmethod
    def parse(cls, text: str) -> Layout:
        """Return the layout that was written as JSON."""
        content = json.loads(text)
        names, low, high = (tuple(content[key]) for key in ("names", "low", "high"))
        return cls(names, low, high, content["labels"])

    @cached_property
    def _scales(self) -> tuple[Float32, Float32]:
        places = [*range(len(self.names)), *range(self.labels)]
        low = np.array(self.low, np.float32)[places]
        return low, np.array(self.high, np.float32)[places] - low

    def pack(self, values: Float32) -> bytes:
        """Return the bytes of rows, (n, columns)."""
        known = ~np.isnan(values)
        counts = known.sum(axis=0)
        sums = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
        means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        tops = np.where(known, values, -np.inf)[:, : self.labels].max(axis=0)
        tops = np.where(np.isinf(tops), np.nan, tops)
        low, span = self._scales
        both = (np.concatenate([means, tops]) - low) / span
        steps = np.clip(np.rint(both * _STEPS), 0, _STEPS)
        return np.where(np.isnan(steps), _UNKNOWN, steps).astype(np.uint8).tobytes()

    def unpack(self, packed: Sequence[bytes]) -> tuple[Float32, Float32]:
        """Return the means, (n, columns), and the labels' maxima, (n, labels), of bins."""
        low, span = self._scales
        raw = np.frombuffer(b"".join(packed), np.uint8).reshape(len(packed), len(low))
        values: Float32 = low + span * (raw.astype(np.float32) / np.float32(_STEPS))
        values[raw == _UNKNOWN] = np.nan
        return values[:, : len(self.names)], values[:, len(self.names) :]


class Binner:
    """Collects rows into bins.

    Parameters
    ----------
    layout
        Of the bins.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._start = 0
        self._rows: list[Float32] = []

    def push(self, rows: Rows) -> list[Bin]:
        """Take rows; return the bins that are complete."""
        bins: list[Bin] = []
        length = LENGTH * SECOND
        starts = (rows.times - 1) // length * length
        edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):
            if begin == end:
                continue
            start = int(starts[begin])
            if start != self._start:
                bins += self.end()
                self._start = start
            self._rows.append(rows.values[begin:end])
        return bins

    def end(self) -> list[Bin]:
        """Return the bin that is not complete, if there is one."""
        if not self._rows:
            return []
        values = np.concatenate(self._rows)
        self._rows = []
        return [Bin(self._start, len(values), self.layout.pack(values))]
