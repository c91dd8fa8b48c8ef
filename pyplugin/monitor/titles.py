"""What the log knows of titles besides their words: when the sound changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from pyplugin.monitor.changes import AFTER, BEFORE, LEAST, STEP, Features
from pyplugin.monitor.storage import BinRows, Log


def with_changes(tracks: Iterable[dict[str, Any]], log: Log) -> Iterator[dict[str, Any]]:
    """Yield titles with ``change``: seconds from the title to the strongest change of sound.

    Parameters
    ----------
    tracks
        Rows of :meth:`pyplugin.monitor.storage.Log.tracks`.
    log
        With the scores; ``change`` is ``None`` where the sound did not change, or nothing is known.

    Yields
    ------
    dict
        The row, with ``change`` and ``compared``: whether the scores of the time are there.
    """
    for track in tracks:
        start, end = track["start"] - BEFORE - STEP, track["start"] + AFTER + 2 * STEP
        found = [
            each for part in log.bins(start, end, track["station"]) for each in _differences(part)
        ]
        strongest = max(found, key=lambda each: each[1], default=None)
        change = None
        if strongest is not None and strongest[1] > LEAST:
            change = round((strongest[0] - track["start"]) / 1000)
        yield {**track, "change": change, "compared": bool(found)}


def _differences(part: BinRows) -> Iterator[tuple[int, float]]:
    """Yield the middle of each bin and how the sound after it differs from that before it."""
    features = Features(part.layout.names)
    for place in range(1, len(part.starts) - 1):
        first, middle, last = part.starts[place - 1 : place + 2]
        if last - first == 2 * STEP:
            difference = features.difference(part.means[place - 1], part.means[place + 1])
            if np.isfinite(difference):
                yield middle + STEP // 2, difference
