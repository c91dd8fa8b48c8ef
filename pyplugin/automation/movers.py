"""Parameters on their way: from descriptors, in time, to values.

``Automation``
    One parameter, moved by one source or several, in C. Exact in time, whatever the blocks.
``Curve``
    How a parameter moved, or how it shall.
``Lane``, ``Mover``
    All the parameters of a board, each with what moves it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin._native import check, ffi, lib, message
from pyplugin.automation.knobs import COMBINES, Knobs
from pyplugin.automation.sources import Combined, Source
from pyplugin.errors import PresetError
from pyplugin.node.signals import SIGNALS
from pyplugin.support.descriptors import accepted_names, is_signal, signal_name, unknown
from pyplugin.support.results import Curve
from pyplugin.support.spelling import alternatives

if TYPE_CHECKING:
    from pyplugin.automation.effects import Target

__all__ = ["Automation", "Curve", "Lane", "Mover", "Route", "curve", "routes_of"]

TOLERANCE = 0.001
"""Share of its range by which a parameter may be off between two settings."""

FINE = 64
"""Samples between two positions at which parameters may be set, from 0 on."""

_AT_ONCE = 65536  # samples that are planned in one call
_AHEAD = 65536  # samples by which what is known beforehand is told ahead
_RENEWAL = 8192  # samples after which a value is made exact, as in C

_PUSHES = 128
"""Changes a second that may wait for their delay: more than there are mel frames."""


class Automation:
    """One parameter: values of its descriptors go in at positions, the parameter comes out.

    Parameters
    ----------
    knobs
        One :class:`Knobs` for each source; ``low`` and ``high`` of ``None`` are 0 and 1.
    sample_rate
        That positions count in, Hz.
    combine
        ``"sum"`` or ``"max"``, see :class:`pyplugin.automation.sources.Combined`.

    Raises
    ------
    PresetError
        A knob out of range.
    """

    def __init__(self, knobs: Sequence[Knobs], sample_rate: int, *, combine: str = "sum") -> None:
        why, pointer = message(), ffi.new("tagnode_automation **")
        if combine not in COMBINES:
            raise PresetError(f"combine is {combine!r}; {alternatives(COMBINES)} is expected.")
        mappings = ffi.new("tagnode_mapping[]", [each.mapping()[0] for each in knobs])
        delay = max((each.delay for each in knobs), default=0.0)
        status = lib.tagnode_automation_create(
            mappings,
            len(knobs),
            COMBINES.index(combine),
            sample_rate,
            4096 + int(_PUSHES * delay),
            pointer,
            why,
        )
        check(status, why, PresetError)
        self.state = ffi.gc(pointer[0], lib.tagnode_automation_destroy)

    def push(self, mapping: int, position: int, value: float) -> None:
        """From ``position`` on the descriptor of a source has ``value``; do not go back."""
        lib.tagnode_automation_push(self.state, mapping, position, value)

    def at(self, position: int) -> float:
        """Return the parameter at ``position``; do not go back."""
        return float(lib.tagnode_automation_at(self.state, position))


def curve(values: npt.ArrayLike, rate: float) -> Curve:
    """Return a curve of ``values`` (n,), ``rate`` of them a second from the beginning on."""
    points = np.asarray(values, np.float64)
    if not rate > 0:
        raise PresetError(f"The rate of a curve is {rate:g} values a second; above 0 is expected.")
    return Curve(np.arange(points.size, dtype=np.float64) / rate, points)


class CurvePath:
    """A :class:`Curve` as a path in samples.

    Raises
    ------
    PresetError
        It is empty, not one value for each time, not in order, or not numbers.
    """

    def __init__(self, name: str, given: Curve, sample_rate: int) -> None:
        times, values = np.asarray(given.times, float), np.asarray(given.values, float)
        if values.ndim != 1 or times.shape != values.shape or values.size == 0:
            raise PresetError(
                f"The curve of {name} has times of shape {times.shape} and values of shape "
                f"{values.shape}; (n,) and (n,) are expected."
            )
        bad = np.flatnonzero(~(np.isfinite(values) & np.isfinite(times)))
        if bad.size:
            raise PresetError(
                f"The curve of {name} is not a number at index {bad[0]}; fill gaps first, with "
                "numpy.interp say."
            )
        if np.any(np.diff(times) < 0):
            raise PresetError(f"The times of the curve of {name} go back; sort them.")
        self._positions = times * sample_rate
        self._values = values
        self._tolerance = TOLERANCE * float(np.ptp(values))

    def at(self, position: int) -> float:
        """Return its value at ``position``."""
        return float(np.interp(position, self._positions, self._values))

    def due(
        self, position: int, until: int, grid: int, last: float | None
    ) -> list[tuple[int, float]]:
        """Return at which multiples of ``grid`` it has moved from ``last``, and where to."""
        at = np.arange(-(-position // grid) * grid, until, grid)
        found = []
        values = np.interp(at, self._positions, self._values)
        for begin, value in zip(at.tolist(), values.tolist(), strict=True):
            moved = last is None or abs(value - last) > self._tolerance
            if moved or (begin % _RENEWAL == 0 and value != last):
                found.append((begin, value))
                last = value
        return found


@dataclass(frozen=True)
class Route:
    """Where a source's value comes from: the sum of ``columns`` of the tags or of the signals."""

    kind: str  # "tag" or "signal"
    columns: tuple[int, ...]


def routes_of(combined: Combined, descriptors: Sequence[str]) -> tuple[list[Route], list[Knobs]]:
    """Find the descriptors of each source, and fill in what its knobs leave open.

    Parameters
    ----------
    combined
        The sources.
    descriptors
        What models and heads name, ``tag.<model>.<label>`` and ``head.<name>.<label>``, in the
        order of the columns.

    Raises
    ------
    PresetError
        No such descriptor; says which is nearest.
    """
    column_of = {name: column for column, name in enumerate(descriptors)}
    known = {name: column_of[full] for name, full in accepted_names(descriptors).items()}
    signals = {signal_name(name): column for column, name in enumerate(SIGNALS)}
    routes, knobs = [], []
    for source in combined.sources:
        for name in source.descriptors:
            if name not in known and name not in signals:
                raise PresetError(unknown(name, descriptors, signals))
        measured = [name in signals for name in source.descriptors]
        if any(measured) and not all(measured):
            raise PresetError(
                f"{' + '.join(map(repr, source.descriptors))}: labels and signals have different "
                "units and cannot be added up; give the parameter two sources."
            )
        units = {SIGNALS[name.partition(".")[2]].unit for name in source.descriptors if measured[0]}
        if len(units) > 1:
            raise PresetError(
                f"{' + '.join(source.descriptors)}: signals of different units cannot be added up; "
                "give the parameter two sources."
            )
        columns = {**known, **signals}
        kind = "signal" if measured[0] else "tag"
        routes.append(Route(kind, tuple(columns[name] for name in source.descriptors)))
        knobs.append(_ranged(source))
    return routes, knobs


def _ranged(source: Source) -> Knobs:
    knobs = source.knobs
    low, high = 0.0, 1.0
    if is_signal(source.descriptors[0]):
        about = SIGNALS[source.descriptors[0].removeprefix("signal.")]
        low, high = about.low, about.high
    return replace(
        knobs,
        low=low if knobs.low is None else knobs.low,
        high=high if knobs.high is None else knobs.high,
    )


@dataclass(frozen=True)
class Lane:
    """One parameter and what moves it. Without a ``target`` it is only told, not set.

    ``routes`` and ``knobs`` have one entry for each mapping of the automation; none for a curve.
    """

    name: str
    path: Automation | CurvePath
    target: Target | None = None
    routes: tuple[Route, ...] = ()
    knobs: tuple[Knobs, ...] = ()

    @classmethod
    def of_sources(
        cls,
        name: str,
        combined: Combined,
        descriptors: Sequence[str],
        sample_rate: int,
        target: Target | None = None,
    ) -> Lane:
        """Make the lane of a parameter that descriptors move.

        Raises
        ------
        PresetError
            A descriptor that does not exist, a knob out of range.
        """
        routes, knobs = routes_of(combined, descriptors)
        try:
            automation = Automation(knobs, sample_rate, combine=combined.combine)
        except PresetError as error:
            raise PresetError(f"{name}: {error}") from error
        return cls(name, automation, target, tuple(routes), tuple(knobs))


class Mover:
    """Parameters on their way: takes descriptors at positions, gives and sets values.

    Positions are asked in order. What is known beforehand counts no sooner than what comes live:
    both give the same values at the same positions.

    Parameters
    ----------
    lanes
        The parameters.
    story
        What is known beforehand: for each route of each lane, in order, (position, value) that do
        not go back.
    """

    def __init__(
        self, lanes: Sequence[Lane], story: Iterable[Iterable[tuple[int, float]]] = ()
    ) -> None:
        self.lanes = list(lanes)
        self._moved: list[Target | None] = []
        self._drawn: list[tuple[CurvePath, Target | None]] = []
        states, known = [], iter(story)
        self._story: list[tuple[Automation, int, Iterator[tuple[int, float]]]] = []
        for lane in lanes:
            if lane.target is not None:
                lane.target.forget()
            if isinstance(lane.path, CurvePath):
                self._drawn.append((lane.path, lane.target))
                continue
            states.append(lane.path.state)
            self._moved.append(lane.target)
            for index in range(len(lane.routes)):
                self._story.append((lane.path, index, iter(next(known, ()))))
        self._next = [next(events, None) for _, _, events in self._story]
        self._told = -1
        self._last: list[float | None] = [None] * len(self._drawn)
        self._states = ffi.new("tagnode_automation *[]", states)
        self._row: list[float] = []

    def uses(self, kind: str) -> bool:
        """Tell whether any lane listens to ``"tag"`` or to ``"signal"``."""
        return any(route.kind == kind for lane in self.lanes for route in lane.routes)

    def push(self, kind: str, position: int, row: npt.NDArray[np.float32]) -> None:
        """Say what the tags or the signals are from ``position`` on."""
        for lane in self.lanes:
            for index, route in enumerate(lane.routes):
                if route.kind == kind:
                    assert isinstance(lane.path, Automation)
                    value = row[list(route.columns)].sum(dtype=np.float64)
                    lane.path.push(index, position, float(value))

    def _tell(self, until: int) -> None:
        """Push what is known beforehand, up to ``until`` and some seconds further."""
        if until <= self._told:
            return
        self._told = until + _AHEAD
        for number, (automation, index, events) in enumerate(self._story):
            event = self._next[number]
            while event is not None and event[0] <= self._told:
                automation.push(index, *event)
                event = next(events, None)
            self._next[number] = event

    def values(self, position: int) -> list[float]:
        """Return the parameters at ``position``, in the order of the lanes."""
        self._tell(position)
        return [lane.path.at(position) for lane in self.lanes]

    def set(self, position: int) -> None:
        """Set the targets to what they are at ``position``, exactly."""
        for lane, value in zip(self.lanes, self.values(position), strict=True):
            if lane.target is not None:
                lane.target.set(value)

    def steps(self, position: int, until: int, most: int) -> Iterator[tuple[int, int]]:
        """Set the targets, step by step from ``position`` to ``until``.

        Targets are set at multiples of :data:`FINE`, and of ``most`` where that is less, by what
        counts up to there: blocks make no difference.

        Yields
        ------
        tuple
            Where a step begins and ends, once the targets are what they are in it; ``most``
            samples at most.
        """
        while position < until:
            end = min(until, position + _AT_ONCE)
            yield from self._planned(position, end, most)
            position = end

    def _planned(self, position: int, until: int, most: int) -> Iterator[tuple[int, int]]:
        self._tell(until)
        grid, count = min(FINE, most), len(self._moved)
        room = (until - position) // grid + 2
        positions = ffi.new("int64_t[]", room)
        values = ffi.new("float[]", room * max(count, 1))
        steps = ffi.new("tagnode_steps *", (grid, most // grid * grid, TOLERANCE))
        made = lib.tagnode_automation_plan(
            self._states, count, position, until, steps, positions, values, room
        )
        begins = ffi.unpack(positions, made)
        planned = ffi.unpack(values, made * count) if count else []
        rows = [planned[step * count : (step + 1) * count] for step in range(made)]
        if self._drawn:
            yield from self._with_drawn(begins, rows, self._due(position, until, grid), until)
            return
        for begin, end, row in zip(begins, [*begins[1:], until], rows, strict=True):
            if row != self._row:
                self._set(row)
            yield begin, end

    def _set(self, row: list[float]) -> None:
        self._row = row
        for target, value in zip(self._moved, row, strict=True):
            if target is not None and value != target.last:
                target.set(value)

    def _with_drawn(
        self,
        begins: list[int],
        rows: list[list[float]],
        drawn: dict[int, list[tuple[Target, float]]],
        until: int,
    ) -> Iterator[tuple[int, int]]:
        """Set what descriptors and what curves move."""
        planned = dict(zip(begins, rows, strict=True))
        begins = sorted({*begins, *drawn})
        for begin, end in zip(begins, [*begins[1:], until], strict=True):
            if begin in planned:
                self._set(planned[begin])
            for target, value in drawn.get(begin, ()):
                target.set(value)
            yield begin, end

    def _due(self, position: int, until: int, grid: int) -> dict[int, list[tuple[Target, float]]]:
        """Return where drawn curves move their targets."""
        found: dict[int, list[tuple[Target, float]]] = {}
        for index, (path, target) in enumerate(self._drawn):
            if target is None:
                continue
            for begin, value in path.due(position, until, grid, self._last[index]):
                found.setdefault(begin, []).append((target, value))
                self._last[index] = value
        return found
