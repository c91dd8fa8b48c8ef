"""Whether the sound changed when the title did: another piece, voice or kind of sound.

Means of ten seconds are compared with those of the ten seconds after the next, so a change is known
to some ten seconds. Parts of a song may differ as much as two songs do: what can be relied on is
that the sound did *not* change.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from pyplugin.monitor.bins import LENGTH
from pyplugin.monitor.columns import SECOND, Columns, Rows
from pyplugin.support.arrays import Float32

BEFORE, AFTER = 30_000, 120_000
"""Milliseconds around a title in which the sound should change."""

LEAST = 0.8
"""Difference from which on the sound counts as changed."""

_SCALES = {  # root of the mean square of the difference between neighbours within a piece of music
    "tag.scene.speech": 0.15,
    "tag.scene.singing": 0.15,
    "tag.scene.music": 0.15,
    "tag.scene.drums": 0.2,
    "tag.scene.tonal": 0.1,
    "tag.scene.noise": 0.1,
    "tag.scene.voice": 0.15,
    "signal.brightness_hz": 0.5,  # octaves
    "signal.flatness": 0.012,
    "signal.flux": 0.055,
    "signal.percussive": 0.06,
    "signal.crest_db": 0.9,
}
_BRIGHTNESS = "signal.brightness_hz"
_DOWN = "station.down"
STEP = LENGTH * SECOND
"""Milliseconds of the means."""


class Features:
    """What of a station's columns is compared.

    Parameters
    ----------
    names
        Of the columns.

    Examples
    --------
    >>> features = Features(Columns(("tag.scene.music",)).names)
    >>> quiet, loud = np.zeros((2, len(features.names)), np.float32)
    >>> loud[0] = 1.0  # music
    >>> bool(features.difference(quiet, loud) > LEAST)
    True
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        found = [name for name in _SCALES if name in self.names]
        self._columns = [self.names.index(name) for name in found]
        self._scales = np.array([_SCALES[name] for name in found])
        self._octaves = [place for place, name in enumerate(found) if name == _BRIGHTNESS]
        self._down = self.names.index(_DOWN) if _DOWN in self.names else None

    def difference(self, before: Float32, after: Float32) -> float:
        """Return how different two times are, from their means, (columns,); 1 is usual in music.

        Infinite where one of them is not known, or nothing was on air.
        """
        if self._down is not None and max(before[self._down], after[self._down]) > 0:
            return float("inf")
        pair = np.array([before[self._columns], after[self._columns]], np.float64)
        pair[:, self._octaves] = np.log2(np.maximum(pair[:, self._octaves], 50))
        steps = (pair[1] - pair[0]) / self._scales
        known = steps[~np.isnan(steps)]
        return float(np.sqrt(np.mean(known**2))) if len(known) else float("inf")


class TitleWatch:
    """Says of each row whether the title has changed and the sound has not.

    Parameters
    ----------
    columns
        Of the rows.
    """

    def __init__(self, columns: Columns) -> None:
        self._features = Features(columns.names)
        self._start: int | None = None  # of the bin that is not complete
        self._rows: list[Float32] = []
        self._means: deque[tuple[int, Float32]] = deque(maxlen=3)
        self._since: int | None = None  # the sound has been the same from here on
        self._titled: int | None = None
        self._alone = False

    def title(self, time: int, *, another: bool) -> None:
        """Note a title; ``another`` if it follows a different one."""
        self._titled, self._alone = (time if another else None), False

    def push(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Take rows; return for each, (n,), whether the title changed alone."""
        found = np.empty(len(rows), np.bool_)
        starts = (rows.times - 1) // STEP * STEP
        edges = [0, *(np.flatnonzero(np.diff(starts)) + 1).tolist(), len(rows)]
        for begin, end in pairwise(edges):
            if begin == end:
                continue
            if starts[begin] != self._start:
                self._complete()
                self._start = int(starts[begin])
            self._rows.append(rows.values[begin:end].copy())
            found[begin:end] = self._alone
        return found

    def _complete(self) -> None:
        if self._start is None:
            return
        values = np.concatenate(self._rows)
        self._rows = []
        known = ~np.isnan(values)
        sums = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
        counts = known.sum(axis=0)
        means = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        self._means.append((self._start, means.astype(np.float32)))
        end = self._start + STEP
        if self._changed():
            self._since = self._start
            self._alone = False
        if self._titled is not None and self._since is not None and end >= self._titled + AFTER:
            self._alone = self._since <= self._titled - BEFORE

    def _changed(self) -> bool:
        """Return whether the sound of the last bin is another than that before the last but one."""
        if self._since is None or len(self._means) < 3:
            return self._since is None
        (first, before), _, (last, after) = self._means
        return last - first != 2 * STEP or self._features.difference(before, after) > LEAST
