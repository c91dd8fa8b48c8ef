"""Follows the states of the stations: events of what changes, and the minutes that are not written.

Scores are committed once a minute, which is what the log holds; a page shows the last second.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyplugin.monitor.bins import LENGTH
from pyplugin.monitor.columns import LOUDNESS, SECOND
from pyplugin.monitor.times import now_ms
from pyplugin.monitor.web.events import EventHub

CELLS = 60
"""Cells of ten seconds that are kept and shown: ten minutes."""

State = Mapping[str, Any]
"""How a station is, as the service's ``status()`` returns it."""


def state_of(status: State) -> str:
    """Return one word for how a station is: ``paused``, ``off air`` or ``on air``.

    One that sends nothing outside its hours on air is paused.

    Examples
    --------
    >>> state_of({"paused": False, "scheduled": True, "down": True})
    'off air'
    >>> state_of({"paused": False, "scheduled": False, "down": True})
    'paused'
    """
    if status["paused"] or (status["down"] and not status["scheduled"]):
        return "paused"
    return "off air" if status["down"] else "on air"


def result_of(status: State) -> dict[str, Any]:
    """Return what a page shows of a station each second."""
    values = status["values"]
    down = state_of(status) != "on air"
    return {
        "station": status["station"],
        "state": state_of(status),
        "on_air": status["on_air"],
        "since": status["since"],
        "title": status["title"],
        "alarms": list(status["alarms"]),
        "loudness": None if down else _rounded(values.get("signal.loudness_short"), 1),
        "momentary": None if down else _rounded(values.get(LOUDNESS), 1),
        "peak": None if down else _rounded(values.get("signal.true_peak_db"), 1),
        "labels": {} if down else labels_of(values),
    }


def labels_of(values: Mapping[str, float]) -> dict[str, float]:
    """Return the activations among a station's values, by full name."""
    return {
        name: round(value, 3)
        for name, value in values.items()
        if name.startswith(("tag.", "head.")) and math.isfinite(value)
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)


@dataclass
class Cell:
    """Ten seconds of a station.

    Attributes
    ----------
    start
        Milliseconds of UTC.
    kind
        The class that was on air last in it; empty if none is known.
    """

    start: int
    kind: str = ""
    _sums: dict[str, float] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, labels: Mapping[str, float]) -> None:
        """Take what is known now."""
        self.kind = kind
        for name, value in labels.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    @property
    def means(self) -> dict[str, float]:
        """Mean by label."""
        return {name: total / self._counts[name] for name, total in self._sums.items()}


class Follower:
    """Looks at the states, and sends what changed.

    Parameters
    ----------
    status
        Returns the state of each station.
    hub
        Takes the events: ``result`` of all stations at each look, ``title`` and ``state`` where
        they change.
    now
        Milliseconds of UTC.
    """

    def __init__(
        self,
        status: Callable[[], Sequence[State]],
        hub: EventHub,
        now: Callable[[], int] = now_ms,
    ) -> None:
        self._status, self._hub, self._now = status, hub, now
        self._cells: dict[str, deque[Cell]] = {}
        self._before: dict[str, dict[str, Any]] = {}

    def look(self) -> None:
        """Look once, and send what changed."""
        now = self._now()
        results = [result_of(status) for status in self._status()]
        for each in results:
            self._fill(now, each)
            self._compare(now, each)
        self._forget(each["station"] for each in results)
        self._hub.send("result", {"time": now, "stations": results}, keep=False)

    def _fill(self, now: int, result: dict[str, Any]) -> None:
        cells = self._cells.setdefault(result["station"], deque(maxlen=CELLS + 1))
        start = now // (LENGTH * SECOND) * LENGTH * SECOND
        if not cells or cells[-1].start != start:
            cells.append(Cell(start))
        off = result["state"] != "on air"
        cells[-1].add("off air" if off else result["on_air"], result["labels"])

    def _compare(self, now: int, result: dict[str, Any]) -> None:
        name = result["station"]
        before = self._before.get(name)
        self._before[name] = result
        about = {"station": name, "time": now}
        if before is None:
            return
        if before["title"] != result["title"]:
            self._hub.send("title", {**about, "title": result["title"]})
        seen = ("state", "on_air", "since")
        if any(before[key] != result[key] for key in seen):
            self._hub.send("state", {**about, **{key: result[key] for key in seen}})

    def _forget(self, kept: Iterable[str]) -> None:
        names = set(kept)
        for name in [name for name in self._before if name not in names]:
            del self._before[name], self._cells[name]

    def cells(self, station: str) -> list[Cell]:
        """Return the cells of a station since the service began, oldest first."""
        return list(self._cells.get(station, ()))
