"""Effects of pedalboard: the built-in ones by name, and the parameters of a board as targets.

``effect_types``, ``build_board``
    From a preset to a chain.
``in_row``, ``leaves``, ``effects_of``
    The effects of a chain, which may be nested: in series, all of them, by name.
``Target``
    One parameter: its range, and how it is set.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pyplugin.automation.presets import Preset
from pyplugin.errors import PresetError
from pyplugin.support.arrays import Float64
from pyplugin.support.optional import need
from pyplugin.support.spelling import nearest, snake_case

if TYPE_CHECKING:
    from pedalboard import Pedalboard, Plugin


RESTARTING = frozenset({("BrickwallLimiter", "lookahead_ms"), ("MP3Compressor", "vbr_quality")})
"""Effects and parameters whose change starts the effect anew, and loses the audio within it."""

_FAR = 1e6  # a parameter that accepts this counts as unlimited
_STEPS = 60  # of the bisection that finds a limit


def load_pedalboard() -> Any:
    """Return the module; raise an error with the command that installs it where it is missing."""
    return need("pedalboard", package="pedalboard", extra="effects", purpose="An effect")


def effect_types() -> dict[str, type[Plugin]]:
    """Return pedalboard's built-in effects that have parameters, by name in snake_case."""
    pedalboard = load_pedalboard()
    containers = (pedalboard.PluginContainer, pedalboard.ExternalPlugin)
    found = {}
    for name, kind in inspect.getmembers(pedalboard, inspect.isclass):
        if issubclass(kind, pedalboard.Plugin) and not issubclass(kind, containers):
            try:
                instance = kind()
            except (TypeError, RuntimeError, ValueError):
                continue  # abstract, or needs a file
            if parameters_of(instance):
                found[snake_case(name)] = kind
    return found


def _is_external(effect: Plugin) -> bool:
    return hasattr(effect, "parameters")


def parameters_of(effect: Plugin) -> list[str]:
    """Return the parameters of an effect that can be automated: numbers, and switches of VST3."""
    if _is_external(effect):
        return [
            name
            for name, each in effect.parameters.items()
            if each.type in (float, bool) and each.is_automatable
        ]
    names = [
        name
        for name, member in inspect.getmembers(type(effect))
        if isinstance(member, property) and not name.startswith(("_", "is_"))
    ]
    kinds = {name: type(getattr(effect, name)) for name in names}
    return [name for name, kind in kinds.items() if kind in (int, float)]


def _accepts(effect: Plugin, parameter: str, value: float) -> bool:
    try:
        setattr(effect, parameter, value)
    except (ValueError, TypeError, RuntimeError):
        return False
    return True


def _limit(effect: Plugin, parameter: str, start: float, far: float) -> float:
    """Return the value nearest to ``far`` that the effect accepts; infinity for ``far`` itself."""
    if _accepts(effect, parameter, far):
        return math.copysign(math.inf, far)
    inside, outside = start, far
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        if _accepts(effect, parameter, middle):
            inside = middle
        else:
            outside = middle
    for rounded in (round(inside, 6), float(f"{inside:.5g}")):
        if _accepts(effect, parameter, rounded):
            return rounded
    return inside


def range_of(effect: Plugin, parameter: str) -> tuple[float, float]:
    """Return the lowest and highest value that a parameter accepts; infinite without a limit.

    Pedalboard's own effects do not report their limits: they are found by bisection, on another
    instance where possible, otherwise on this one, whose value is restored.

    Examples
    --------
    >>> from pedalboard import Reverb
    >>> range_of(Reverb(), "room_size")
    (0.0, 1.0)
    """
    if _is_external(effect):
        values, _ = _scale(effect.parameters[parameter])
        return float(values[0]), float(values[-1])
    now = getattr(effect, parameter)
    try:
        trial = type(effect)()
    except (TypeError, RuntimeError, ValueError):
        trial = effect
    start = getattr(trial, parameter)
    try:
        return _limit(trial, parameter, start, -_FAR), _limit(trial, parameter, start, _FAR)
    finally:
        if trial is effect:
            setattr(effect, parameter, now)


def _scale(parameter: Any) -> tuple[Float64, Float64]:
    """Return the displayed values of an external parameter, ascending, and its raw ones, 0 to 1.

    Pedalboard reads the text at every thousandth. Where several are equal, as in a stepped
    parameter, the middle one is used; the ends are 0 and 1.
    """
    raws = [(low + high - 1 / 1000) / 2 for low, high in parameter.ranges]
    raws[0], raws[-1] = 0.0, 1.0
    shown = [float(value) for value in parameter.ranges.values()]
    rows = [row for row in zip(shown, raws, strict=True) if math.isfinite(row[0])]  # not "-inf"
    table = np.array(sorted(rows))
    return table[:, 0], table[:, 1]


class Target:
    """One parameter of one effect.

    Attributes
    ----------
    name
        ``effect.parameter``.
    effect
        The effect itself.
    low, high
        Range, in the parameter's unit; infinite where there is no limit. A switch is off at 0 and
        on at 1.
    last
        The value that was set last, before it was clamped.

    Examples
    --------
    >>> from pedalboard import Gain
    >>> gain = Gain()
    >>> Target("gain.gain_db", gain, "gain_db").set(-6)
    >>> gain.gain_db
    -6.0
    """

    def __init__(self, name: str, effect: Plugin, parameter: str) -> None:
        self.name = name
        self.effect = effect
        self.low, self.high = range_of(effect, parameter)
        self._parameter = parameter
        self.last: float | None = None
        self._clamped = False
        self._external = effect.parameters[parameter] if _is_external(effect) else None
        if self._external is not None:
            self._values, self._raws = _scale(self._external)

    def forget(self) -> None:
        """Assume that the parameter was changed elsewhere: the next value is set in any case."""
        self.last = None

    def set(self, value: float) -> None:
        """Set the value; one out of range is clamped, with one warning."""
        if value == self.last:
            return
        self.last = value
        if not self.low <= value <= self.high:
            if not self._clamped:
                self._clamped = True
                warnings.warn(
                    f"{self.name} would be {value:g}; it accepts {self.low:g} to {self.high:g} and "
                    "is clamped.",
                    stacklevel=2,
                )
            value = min(max(value, self.low), self.high)
        if self._external is None:
            setattr(self.effect, self._parameter, value)
        elif self._external.type is bool:
            self._external.raw_value = float(value >= 0.5)
        else:
            self._external.raw_value = float(np.interp(value, self._values, self._raws))


def in_row(plugin: Plugin) -> Iterator[Plugin]:
    """Yield the effects in series; a ``Mix`` counts as one."""
    return _parts(plugin, load_pedalboard().Chain)


def leaves(plugin: Plugin) -> Iterator[Plugin]:
    """Yield all effects within a chain or ``Mix``, nested ones included.

    Raises
    ------
    PresetError
        A chain that contains itself.
    """
    return _parts(plugin, load_pedalboard().PluginContainer)


def _parts(plugin: Plugin, container: Any, around: tuple[Plugin, ...] = ()) -> Iterator[Plugin]:
    if not isinstance(plugin, container):
        yield plugin
        return
    if any(plugin is each for each in around):
        raise PresetError("The board contains itself; remove the inner one.")
    for part in plugin:
        if part is not None:
            yield from _parts(part, container, (*around, plugin))


def effects_of(board: Plugin, ids: Mapping[str, Plugin] | None = None) -> dict[str, Plugin]:
    """Return the effects of a chain and of chains within it, by name.

    The name is the class in snake_case, with ``_2`` for the second one in the order of the chain;
    ``ids`` replaces the names of some.

    Raises
    ------
    PresetError
        An id for an effect that is not in the chain, an id that is another effect's name, two ids
        for one effect, or an effect that is in the chain twice.

    Examples
    --------
    >>> from pedalboard import Gain, Pedalboard, Reverb
    >>> list(effects_of(Pedalboard([Gain(), Reverb(), Gain()])))
    ['gain', 'reverb', 'gain_2']
    """
    effects = list(leaves(board))
    found: dict[str, Plugin] = {}
    for effect in effects:
        kind, number = snake_case(type(effect).__name__), 1
        name = kind
        if any(effect is each for each in found.values()):
            raise PresetError(f"The same {kind} is in the board twice; create a second one.")
        while name in found:
            number += 1
            name = f"{kind}_{number}"
        found[name] = effect
    for name, effect in (ids or {}).items():
        if not any(effect is each for each in effects):
            raise PresetError(f"The effect with the id {name!r} is not in the board.")
        if name in found and found[name] is not effect:
            raise PresetError(f"The id {name!r} is the name of another effect; give another.")
    named = {id(effect): name for name, effect in (ids or {}).items()}
    if len(named) < len(ids or {}):
        raise PresetError("An effect has two ids; give one.")
    return {named.get(id(effect), name): effect for name, effect in found.items()}


def find_target(name: str, effects: Mapping[str, Plugin]) -> Target:
    """Return the parameter ``effect.parameter``.

    Raises
    ------
    PresetError
        No such effect or parameter, or it is not a number; the message lists the known ones.
    """
    effect_name, dot, parameter = name.rpartition(".")
    if not dot:
        raise PresetError(f"{name!r}: 'effect.parameter' is expected, with {_listed(effects)}.")
    if effect_name not in effects:
        raise PresetError(
            f"{name!r}: the board has no effect {effect_name!r}, but {_listed(effects)}."
        )
    effect = effects[effect_name]
    known = parameters_of(effect)
    if parameter not in known:
        other = hasattr(effect, parameter)
        problem = "is not a number that can be automated" if other else "does not exist"
        raise PresetError(f"{name!r}: {parameter!r} {problem}; {effect_name} has {_listed(known)}.")
    if (type(effect).__name__, parameter) in RESTARTING:
        raise PresetError(
            f"{name!r}: every change of {parameter} starts the effect anew, which silences it; it "
            "cannot be automated."
        )
    return Target(name, effect, parameter)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"


def build_board(preset: Preset) -> tuple[Pedalboard, dict[str, Target]]:
    """Build the chain of a preset; return it with the targets of its maps, by name.

    Effects of stems are in it too; `boards_of` divides them.

    Raises
    ------
    PresetError
        An effect or a parameter that does not exist, or a value that it rejects; ``min`` and
        ``max`` of each map are tried.
    """
    types, error = effect_types(), preset.lines.error
    plugins: dict[str, Plugin] = {}
    for index, effect in enumerate(preset.effects):
        if effect.type not in types:
            problem = f"there is no effect {effect.type!r}; {nearest(effect.type, types)}"
            raise error("effect", index, "type", problem)
        plugins[effect.id] = types[effect.type]()
        for name, value in effect.parameters.items():
            _try(plugins[effect.id], name, (value,), partial(error, "effect", index, name))
    targets: dict[str, Target] = {}
    for index, item in enumerate(preset.maps):
        effect_id, _, parameter = item.target.partition(".")
        plugin, knobs = plugins[effect_id], item.source.knobs
        kept = getattr(plugin, parameter, None)
        _try(plugin, parameter, (knobs.min, knobs.max), partial(error, "map", index, "target"))
        setattr(plugin, parameter, kept)
        targets.setdefault(item.target, Target(item.target, plugin, parameter))
    return load_pedalboard().Pedalboard(list(plugins.values())), targets


def boards_of(preset: Preset, board: Pedalboard) -> tuple[Pedalboard, dict[str, Pedalboard]]:
    """Divide the effects of a preset: those of the sum, and those of each stem.

    Parameters
    ----------
    preset
        Whose effects name the stems.
    board
        What `build_board` returned for it.
    """
    made = load_pedalboard().Pedalboard
    chains: dict[str | None, list[Plugin]] = {None: []}
    for effect, plugin in zip(preset.effects, board, strict=True):
        chains.setdefault(effect.stem, []).append(plugin)
    whole = made(chains.pop(None))
    return whole, {stem: made(chain) for stem, chain in chains.items() if stem is not None}


_Fail = Callable[[str], PresetError]


def _try(plugin: Plugin, name: str, values: tuple[float, ...], fail: _Fail) -> None:
    """Set a parameter to each value, so that rejected values are reported before processing."""
    known = parameters_of(plugin)
    kind = snake_case(type(plugin).__name__)
    if name not in known:
        raise fail(f"{kind} has no parameter {name!r}; {nearest(name, known)}")
    for value in values:
        try:
            setattr(plugin, name, value)
        except (ValueError, TypeError, RuntimeError) as error:
            raise fail(f"{kind} rejects {name} = {value:g}: {error}") from error
