"""Values of parameters over time, from descriptors or from curves.

``Automation``
    One parameter with one source or several, computed in C; independent of block sizes.
``Curve``
    Values of a parameter over time.
``AutomatedParameter``, ``Mover``
    All automated parameters of a board, each with its sources or curve.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin._native import created, ffi, lib
from pyplugin.automation.knobs import COMBINES, Knobs
from pyplugin.automation.sources import Combined, Source
from pyplugin.errors import PresetError
from pyplugin.node.signals import SIGNALS
from pyplugin.support.arrays import Float32
from pyplugin.support.descriptors import accepted_names, measured_of, signal_name, unknown
from pyplugin.support.results import Curve
from pyplugin.support.spelling import alternatives

if TYPE_CHECKING:
    from pyplugin.automation.effects import Target


TOLERANCE = 0.001
"""Largest deviation of a parameter between two settings, as a share of its range."""

FINE = 64
"""Samples between two positions at which parameters may be set; the first is 0."""

_AT_ONCE = 65536  # samples planned in one call
_AHEAD = 65536  # samples by which known values are pushed ahead
_RENEWAL = 8192  # samples between two exact settings, as in tagnode_automation_plan()

_PUSHES = 128
"""Changes per second that may wait for their delay; more than there are mel frames."""


Event = tuple[int, float]
"""A position in samples, and the value there."""


class Automation:
    """One parameter: takes values of its descriptors at positions, returns the parameter.

    Positions are in samples and never decrease.

    Parameters
    ----------
    knobs
        One :class:`Knobs` for each source; ``low`` and ``high`` of ``None`` are 0 and 1.
    sample_rate
        Of the positions, Hz.
    combine
        ``"sum"`` or ``"max"``, see :class:`pyplugin.automation.sources.Combined`.

    Raises
    ------
    PresetError
        A knob out of range.

    See Also
    --------
    Mover : Several parameters, set on their targets.

    Examples
    --------
    >>> automation = Automation([Knobs(attack=1.0, max=10)], 48000)
    >>> automation.push(0, 0, 0.0)
    >>> automation.push(0, 480, 1.0)
    >>> round(automation.at(480 + 48000), 2)  # 63 % after one attack
    6.32
    """

    def __init__(self, knobs: Sequence[Knobs], sample_rate: int, *, combine: str = "sum") -> None:
        if combine not in COMBINES:
            raise PresetError(f"combine is {combine!r}; {alternatives(COMBINES)} is expected.")
        mappings = ffi.new("tagnode_mapping[]", [each.mapping()[0] for each in knobs])
        delay = max((each.delay for each in knobs), default=0.0)
        room, how = 4096 + int(_PUSHES * delay), COMBINES.index(combine)
        create, destroy = lib.tagnode_automation_create, lib.tagnode_automation_destroy
        given = (mappings, len(knobs), how, sample_rate, room)
        self.state = created("tagnode_automation", create, destroy, *given, error=PresetError)

    def push(self, mapping: int, position: int, value: float) -> None:
        """Set the descriptor of a source to ``value`` from ``position`` on."""
        lib.tagnode_automation_push(self.state, mapping, position, value)

    def at(self, position: int) -> float:
        """Return the parameter at ``position``."""
        return float(lib.tagnode_automation_at(self.state, position))


def curve(values: npt.ArrayLike, rate: float) -> Curve:
    """Return a curve from equally spaced values.

    Parameters
    ----------
    values
        (n,), in the parameter's unit; the first is at 0 s.
    rate
        Values per second, above 0.

    Raises
    ------
    PresetError
        The rate is not above 0.

    Examples
    --------
    >>> curve([0.2, 0.9, 0.2], rate=0.5).times
    array([0., 2., 4.])
    """
    points = np.asarray(values, np.float64)
    if not rate > 0:
        raise PresetError(f"The rate of a curve is {rate:g} values a second; above 0 is expected.")
    return Curve(np.arange(points.size, dtype=np.float64) / rate, points)


class CurvePath:
    """A :class:`Curve` with times in samples, interpolated linearly.

    Raises
    ------
    PresetError
        It is empty, has not one value for each time, times that decrease, or non-finite numbers.

    Examples
    --------
    >>> CurvePath("gain.gain_db", Curve(np.array([0.0, 1.0]), np.array([0.0, -6.0])), 1000).at(500)
    -3.0
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
                f"The curve of {name} is not finite at index {bad[0]}; fill gaps first, with "
                "numpy.interp for example."
            )
        if np.any(np.diff(times) < 0):
            raise PresetError(f"The times of the curve of {name} decrease; sort them.")
        self._positions = times * sample_rate
        self._values = values
        self._tolerance = TOLERANCE * float(np.ptp(values))

    def at(self, position: int) -> float:
        """Return the value at ``position``."""
        return float(np.interp(position, self._positions, self._values))

    def due(self, position: int, until: int, grid: int, last: float | None) -> list[Event]:
        """Return the multiples of ``grid`` at which it has changed from ``last``, with values."""
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
    """The value of a source: the sum of ``columns`` of the tags or of the signals.

    The kind is ``"tag"``, ``"signal"``, or ``"stem."`` with the name of a stem: its signals.
    """

    kind: str
    columns: tuple[int, ...]


def routes_of(combined: Combined, descriptors: Sequence[str]) -> tuple[list[Route], list[Knobs]]:
    """Find the descriptors of each source, and set ``low`` and ``high`` where they are not set.

    Parameters
    ----------
    combined
        The sources.
    descriptors
        Full names of the labels of models and heads, in the order of the columns.

    Raises
    ------
    PresetError
        A descriptor that does not exist, or a sum of descriptors with different units.

    Examples
    --------
    >>> routes, knobs = routes_of(Combined((Source(("signal.rms_db",)),)), [])
    >>> routes[0].kind, knobs[0].low
    ('signal', -60.0)
    """
    column_of = {name: column for column, name in enumerate(descriptors)}
    known = {name: column_of[full] for name, full in accepted_names(descriptors).items()}
    signals = {signal_name(name): column for column, name in enumerate(SIGNALS)}
    routes, knobs = [], []
    for source in combined.sources:
        names = [_measured(name, signals) or name for name in source.descriptors]
        for name, found in zip(source.descriptors, names, strict=True):
            if found not in known and found not in signals:
                raise PresetError(unknown(name, descriptors, signals))
        measured = [name in signals for name in names]
        if any(measured) and not all(measured):
            raise PresetError(
                f"{' + '.join(map(repr, source.descriptors))}: labels and signals have different "
                "units and cannot be added; give the parameter two sources."
            )
        units = {SIGNALS[name.partition(".")[2]].unit for name in names if measured[0]}
        if len(units) > 1:
            raise PresetError(
                f"{' + '.join(source.descriptors)}: signals of different units cannot be added; "
                "give the parameter two sources."
            )
        columns = {**known, **signals}
        kinds = {_track(name) for name in source.descriptors}
        if len(kinds) > 1:
            raise PresetError(
                f"{' + '.join(source.descriptors)}: signals of different stems cannot be added; "
                "give the parameter two sources."
            )
        routes.append(Route(kinds.pop(), tuple(columns[name] for name in names)))
        knobs.append(_ranged(source))
    return routes, knobs


def _measured(name: str, signals: Mapping[str, int]) -> str | None:
    """Return the name of a stem's signal without the stem, if there is such a signal."""
    found = measured_of(name)
    plain = signal_name(found[1]) if found is not None else ""
    return plain if plain in signals else None


def _track(name: str) -> str:
    found = measured_of(name)
    if found is None:
        return "tag"
    return f"stem.{found[0]}" if found[0] else "signal"


def _ranged(source: Source) -> Knobs:
    knobs = source.knobs
    low, high = 0.0, 1.0
    measured = measured_of(source.descriptors[0])
    if measured is not None:
        about = SIGNALS[measured[1]]
        low, high = about.low, about.high
    low = low if knobs.low is None else knobs.low
    return replace(knobs, low=low, high=high if knobs.high is None else knobs.high)


@dataclass(frozen=True)
class AutomatedParameter:
    """One parameter with its sources or its curve.

    Attributes
    ----------
    name
        ``effect.parameter``.
    path
        Values over time.
    target
        The parameter that is set; ``None`` where its value is only reported.
    routes, knobs
        One for each source; none for a curve.
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
    ) -> AutomatedParameter:
        """Return a parameter that is automated by descriptors.

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
    """Automated parameters: takes descriptors at positions, returns values and sets targets.

    Positions never decrease. Descriptors that are known beforehand have no effect before their
    position, so offline and live processing give the same values.

    Parameters
    ----------
    parameters
        The parameters.
    known
        Descriptors that are known beforehand: (position, value) for each route of each parameter,
        in order of position.

    See Also
    --------
    pyplugin.automation.chains.mover_of : The mover of a preset, without targets.

    Examples
    --------
    >>> label = Combined((Source(("tag.speech",)).scale(0, -12).attack(0),))
    >>> names = ["tag.scene.speech"]
    >>> mover = Mover([AutomatedParameter.of_sources("gain.gain_db", label, names, 48000)])
    >>> mover.push("tag", 0, np.array([0.5], np.float32))
    >>> mover.values(0)
    [-6.0]
    """

    def __init__(
        self,
        parameters: Sequence[AutomatedParameter],
        known: Iterable[Iterable[Event]] = (),
    ) -> None:
        self.parameters = list(parameters)
        self._automated: list[Target | None] = []
        self._curves: list[tuple[CurvePath, Target | None]] = []
        states, given = [], iter(known)
        self._known: list[tuple[Automation, int, Iterator[Event]]] = []
        for parameter in parameters:
            if parameter.target is not None:
                parameter.target.forget()
            if isinstance(parameter.path, CurvePath):
                self._curves.append((parameter.path, parameter.target))
                continue
            states.append(parameter.path.state)
            self._automated.append(parameter.target)
            for index in range(len(parameter.routes)):
                self._known.append((parameter.path, index, iter(next(given, ()))))
        self._next = [next(events, None) for _, _, events in self._known]
        self._pushed_until = -1
        self._last: list[float | None] = [None] * len(self._curves)
        self._states = ffi.new("tagnode_automation *[]", states)
        self._row: list[float] = []

    def uses(self, kind: str) -> bool:
        """Return whether any parameter depends on ``"tag"`` or ``"signal"`` descriptors."""
        return any(route.kind == kind for each in self.parameters for route in each.routes)

    def push(self, kind: str, position: int, row: Float32) -> None:
        """Set the tags or the signals, ``row``, from ``position`` on."""
        for parameter in self.parameters:
            for index, route in enumerate(parameter.routes):
                if route.kind == kind:
                    assert isinstance(parameter.path, Automation)
                    value = row[list(route.columns)].sum(dtype=np.float64)
                    parameter.path.push(index, position, float(value))

    def _push_known(self, until: int) -> None:
        """Push the known descriptors up to ``until`` and about a second further."""
        if until <= self._pushed_until:
            return
        self._pushed_until = until + _AHEAD
        for number, (automation, index, events) in enumerate(self._known):
            event = self._next[number]
            while event is not None and event[0] <= self._pushed_until:
                automation.push(index, *event)
                event = next(events, None)
            self._next[number] = event

    def values(self, position: int) -> list[float]:
        """Return the values at ``position``, in the order of the parameters."""
        self._push_known(position)
        return [parameter.path.at(position) for parameter in self.parameters]

    def set(self, position: int) -> None:
        """Set all targets to their exact values at ``position``."""
        for parameter, value in zip(self.parameters, self.values(position), strict=True):
            if parameter.target is not None:
                parameter.target.set(value)

    def steps(self, position: int, until: int, most: int) -> Iterator[tuple[int, int]]:
        """Set the targets in steps from ``position`` to ``until``, in samples.

        Targets are set at multiples of :data:`FINE`, or of ``most`` if that is less, from the
        descriptors up to there; block sizes make no difference.

        Yields
        ------
        tuple
            Begin and end of a step, at most ``most`` samples long, after its targets were set.
        """
        while position < until:
            end = min(until, position + _AT_ONCE)
            yield from self._planned(position, end, most)
            position = end

    def _planned(self, position: int, until: int, most: int) -> Iterator[tuple[int, int]]:
        self._push_known(until)
        grid, count = min(FINE, most), len(self._automated)
        room = (until - position) // grid + 2
        positions = ffi.new("int64_t[]", room)
        values = ffi.new("float[]", room * max(count, 1))
        steps = ffi.new("tagnode_steps *", (grid, most // grid * grid, TOLERANCE))
        made = lib.tagnode_automation_plan(
            self._states, count, position, until, steps, positions, values, room
        )
        begins = ffi.unpack(positions, made)
        planned = ffi.unpack(values, made * count) if count else []
        rows = {at: planned[i * count : (i + 1) * count] for i, at in enumerate(begins)}
        curves = self._due(position, until, grid)
        if curves:
            begins = sorted({*begins, *curves})
        for begin, end in zip(begins, [*begins[1:], until], strict=True):
            row = rows.get(begin, self._row)
            if row != self._row:
                self._set(row)
            for target, value in curves.get(begin, ()):
                target.set(value)
            yield begin, end

    def _set(self, row: list[float]) -> None:
        self._row = row
        for target, value in zip(self._automated, row, strict=True):
            if target is not None and value != target.last:
                target.set(value)

    def _due(self, position: int, until: int, grid: int) -> dict[int, list[tuple[Target, float]]]:
        """Return the positions at which curves change their targets."""
        found: dict[int, list[tuple[Target, float]]] = {}
        for index, (path, target) in enumerate(self._curves):
            if target is None:
                continue
            for begin, value in path.due(position, until, grid, self._last[index]):
                found.setdefault(begin, []).append((target, value))
                self._last[index] = value
        return found
