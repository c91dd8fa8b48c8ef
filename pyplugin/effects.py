"""Pedalboard's built-in effects by name, with the parameters that can be moved."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from pyplugin.errors import PresetError, PypluginError
from pyplugin.presets import Effect, Map, nearest

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


def _build(effect: Effect, types: dict[str, type[Plugin]]) -> Plugin:
    if effect.type not in types:
        raise PresetError(
            f"line {effect.line}: there is no effect {effect.type!r}; {nearest(effect.type, types)}"
        )
    plugin = types[effect.type]()
    known = parameters_of(plugin)
    for name, value in effect.parameters.items():
        _check_parameter(effect, name, known, effect.line)
        _try(plugin, name, value, effect.line)
    return plugin


def _check_parameter(effect: Effect, name: str, known: list[str], line: int) -> None:
    if name not in known:
        raise PresetError(
            f"line {line}: {effect.type} has no parameter {name!r}; {nearest(name, known)}"
        )


def _try(plugin: Plugin, name: str, value: float, line: int) -> None:
    try:
        setattr(plugin, name, value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise PresetError(f"line {line}: {name} = {value:g} is refused: {error}") from error


def build_board(
    effects: tuple[Effect, ...], maps: tuple[Map, ...]
) -> tuple[Pedalboard, list[Target]]:
    """Build the chain of a preset and find the parameter that each map moves.

    Raises
    ------
    PresetError
        An effect or a parameter that does not exist, or a value that it refuses; the ends of each
        map's range are tried.
    """
    types = effect_types()
    plugins = {effect.id: _build(effect, types) for effect in effects}
    by_id = {effect.id: effect for effect in effects}
    targets = []
    for item in maps:
        effect_id, _, parameter = item.target.partition(".")
        plugin = plugins[effect_id]
        _check_parameter(by_id[effect_id], parameter, parameters_of(plugin), item.line)
        at_rest = getattr(plugin, parameter)
        for end in (item.min, item.max):
            _try(plugin, parameter, end, item.line)
        setattr(plugin, parameter, at_rest)
        targets.append(Target(plugin, parameter))
    return _pedalboard().Pedalboard(list(plugins.values())), targets
