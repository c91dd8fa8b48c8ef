"""Pedalboard's built-in effects by name, with the parameters that can be moved."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from pyplugin.errors import PypluginError
from pyplugin.presets import Preset, nearest

if TYPE_CHECKING:
    from pedalboard import Pedalboard, Plugin

__all__ = ["Target", "build_board", "effect_types", "parameters_of"]


def _pedalboard() -> Any:
    try:
        import pedalboard
    except ImportError as error:
        raise PypluginError(
            "Effects need pedalboard, which is not installed: pip install 'pyplugin[effects]'."
        ) from error
    return pedalboard


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def effect_types() -> dict[str, type[Plugin]]:
    """Return pedalboard's built-in effects that have parameters, by name in snake_case."""
    pedalboard = _pedalboard()
    containers = (pedalboard.PluginContainer, pedalboard.ExternalPlugin)
    found = {}
    for name, kind in inspect.getmembers(pedalboard, inspect.isclass):
        if issubclass(kind, pedalboard.Plugin) and not issubclass(kind, containers):
            try:
                instance = kind()
            except (TypeError, RuntimeError, ValueError):
                continue  # abstract, or needs a file
            if parameters_of(instance):
                found[_snake_case(name)] = kind
    return found


def parameters_of(effect: Plugin) -> list[str]:
    """Return the names of an effect's numeric parameters."""
    names = [
        name
        for name, member in inspect.getmembers(type(effect))
        if isinstance(member, property) and not name.startswith(("_", "is_"))
    ]
    values = {name: getattr(effect, name) for name in names}
    return [
        name
        for name, value in values.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    ]


class Target:
    """One parameter of one effect."""

    def __init__(self, effect: Plugin, parameter: str) -> None:
        self._effect = effect
        self._parameter = parameter

    def set(self, value: float) -> None:
        """Move it.

        Raises
        ------
        ValueError
            The effect refuses the value.
        """
        setattr(self._effect, self._parameter, value)


def build_board(preset: Preset) -> tuple[Pedalboard, list[Target]]:
    """Build the chain of a preset and find the parameter that each map moves.

    Raises
    ------
    PresetError
        An effect or a parameter that does not exist, or a value that it refuses; the ends of each
        map's range are tried.
    """
    types = effect_types()
    plugins: dict[str, Plugin] = {}
    for index, effect in enumerate(preset.effects):
        if effect.type not in types:
            problem = f"there is no effect {effect.type!r}; {nearest(effect.type, types)}"
            raise preset.lines.error("effect", index, "type", problem)
        plugins[effect.id] = types[effect.type]()
        for name, value in effect.parameters.items():
            _try(plugins[effect.id], name, (value,), preset, ("effect", index, name))
    targets = []
    for index, item in enumerate(preset.maps):
        effect_id, _, parameter = item.target.partition(".")
        plugin = plugins[effect_id]
        ends = (item.min, item.max)
        _try(plugin, parameter, ends, preset, ("map", index, "target"))
        targets.append(Target(plugin, parameter))
    return _pedalboard().Pedalboard(list(plugins.values())), targets


def _try(
    plugin: Plugin,
    name: str,
    values: tuple[float, ...],
    preset: Preset,
    place: tuple[str, int, str],
) -> None:
    """Set a parameter to each value, so that what an effect refuses is known beforehand."""
    known = parameters_of(plugin)
    kind = _snake_case(type(plugin).__name__)
    if name not in known:
        problem = f"{kind} has no parameter {name!r}; {nearest(name, known)}"
        raise preset.lines.error(*place, problem)
    for value in values:
        try:
            setattr(plugin, name, value)
        except (ValueError, TypeError, RuntimeError) as error:
            problem = f"{kind} refuses {name} = {value:g}: {error}"
            raise preset.lines.error(*place, problem) from error
