"""Presets: TOML files that map descriptors to parameters of effects.

::

    [preset]
    name = "duck-under-voice"
    description = "…"
    model = "scene"              # and hop, in seconds; both optional

    [[effect]]                   # in chain order
    id = "gain"
    type = "gain"                # a pedalboard effect, in snake_case; its parameters follow
    gain_db = 0

    [[map]]
    source = "tag.speech"        # or a list, which is summed; or signal.loudness_momentary …
    target = "gain.gain_db"      # several maps may have one target, combine = "sum" or "max"
    threshold = 0.3              # a gate, open above; below = …: open below
    hysteresis = 0.1             # distance at which it closes
    min = 0
    max = -12
    attack = 0.2                 # seconds
    hold = 0.5
    release = 1.0
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyplugin.automation.knobs import COMBINES, KNOBS, Knob, Knobs, markdown
from pyplugin.automation.sources import Source
from pyplugin.errors import PresetError
from pyplugin.support.descriptors import KINDS, is_signal, kind_of
from pyplugin.support.shipped import shipped
from pyplugin.support.spelling import alternatives, nearest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Effect", "Map", "Preset", "locate", "parse_preset", "read_preset", "shipped_presets"]

ID_PATTERN = "[A-Za-z0-9_-]+"
GATES = {"threshold": "above", "below": "below"}
"""Keys of a map that make its source a gate, and the gate of each."""

REQUIRED = ("min", "max")
"""Knobs that a map has to set."""


def _keys() -> Iterator[Knob]:
    for knob in KNOBS.values():
        if knob.name == "threshold":
            yield knob
            yield replace(knob, name="below", meaning="Value at and below which the gate is open.")
        elif knob.name != "gate":
            yield knob


KEYS: dict[str, Knob] = {knob.name: knob for knob in _keys()}
"""Keys of a map that set a knob: the knobs, with :data:`GATES` in place of ``gate``."""


def key_table() -> str:
    """Return :data:`KEYS` as a Markdown table; ``python -m pyplugin.automation.presets`` prints it.

    Examples
    --------
    >>> print(key_table().splitlines()[2])  # doctest: +ELLIPSIS
    | `threshold` | Value at which the gate opens. | any number, in ... | no gate |
    """
    return markdown(
        KEYS.values(),
        "key",
        {**dict.fromkeys(GATES, "no gate"), **dict.fromkeys(REQUIRED, "none; required")},
    )


class Lines:
    """Finds the line of a key in the n-th table of a name; the TOML parser does not report it."""

    def __init__(self, text: str, where: str) -> None:
        self.rows = text.splitlines()
        self.where = where

    def _find(self, table: str, index: int, key: str | None = None) -> int:
        header = re.compile(rf"\s*\[\[?\s*{re.escape(table)}\s*\]?\]") if table else None
        seen, found = -1, 0
        for number, row in enumerate(self.rows, 1):
            if header is not None and header.match(row):
                seen, found = seen + 1, number
                if seen == index and key is None:
                    return number
            elif re.match(r"\s*\[", row) and seen == index:
                break
            elif (
                key is not None
                and (seen == index or header is None)
                and re.match(rf"\s*\"?{re.escape(key)}\"?\s*[=.]", row)
            ):
                return number
        return found

    def error(self, table: str, index: int, key: str | None, problem: str) -> PresetError:
        """Return an error with the line of ``key``, or of the table where it is absent."""
        line = self._find(table, index, key)
        where = f"{self.where}, line {line}" if line else self.where
        return PresetError(f"{where}: {problem}")


@dataclass(frozen=True)
class Effect:
    """One effect of the chain: a class of pedalboard in snake_case, and its parameters."""

    id: str
    type: str
    parameters: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Map:
    """One mapping: a source with its knobs, and the parameter that it automates.

    Attributes
    ----------
    source
        Descriptors and knobs; see :class:`pyplugin.automation.sources.Source`.
    target
        ``effect-id.parameter``.
    combine
        How the maps of one target are combined: ``"sum"`` or ``"max"``; ``None`` if not set.
    """

    source: Source
    target: str
    combine: str | None = None


@dataclass(frozen=True)
class Preset:
    """A checked preset.

    Attributes
    ----------
    name, description
        Of the preset; for the user.
    effects
        The chain, in order.
    maps
        Sources and targets.
    model, hop
        Name of a model, and seconds between two results; ``None`` if not set.
    lines
        Finds lines of the file, for messages.

    Examples
    --------
    >>> preset = read_preset("duck-under-voice")
    >>> preset.model, preset.maps[0].target
    ('scene', 'bed.gain_db')
    """

    name: str
    description: str
    effects: tuple[Effect, ...]
    maps: tuple[Map, ...]
    model: str | None = None
    hop: float | None = None
    lines: Lines = field(default_factory=lambda: Lines("", "preset"), repr=False, compare=False)

    @property
    def descriptors(self) -> list[str]:
        """Names of the descriptors of all maps, in their order."""
        return [name for item in self.maps for name in item.source.descriptors]


def names_labels(preset: Preset) -> bool:
    """Return whether a preset needs a model."""
    return not all(map(is_signal, preset.descriptors))


def shipped_folder() -> Path:
    """Return the folder of the presets in the package."""
    return shipped("presets")


def shipped_presets() -> dict[str, Path]:
    """Return the presets in the package, by name."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.toml"))}


def locate(name_or_path: str | Path) -> Path:
    """Return the file of a preset: one in the package by name, or any by its path.

    Raises
    ------
    PresetError
        There is no such preset.
    """
    given, shipped = str(name_or_path), shipped_presets()
    path = shipped.get(given) or Path(given)
    if path.suffix != ".toml" or not path.is_file():
        if path.suffix == ".toml":
            raise PresetError(f"There is no preset file {given}.")
        raise PresetError(f"There is no preset {given!r}; {nearest(given, shipped)}")
    return path


def read_preset(name_or_path: str | Path) -> Preset:
    """Read a preset: one in the package by name, or any by its path.

    Raises
    ------
    PresetError
        No such preset, or an error in it: the message names the line.
    """
    path = locate(name_or_path)
    try:
        return parse_preset(path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise PresetError(f"{name_or_path} cannot be read as text: {error}.") from error


def parse_preset(text: str, where: str = "preset") -> Preset:
    """Parse and check the text of a preset.

    Effects and parameters are checked when the chain is built, sources when the model is known.

    Parameters
    ----------
    text
        TOML.
    where
        Name of the file, for messages.

    Raises
    ------
    PresetError
        An error in the text: the message names the line.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PresetError(f"{where} is not TOML: {error}.") from error
    lines = Lines(text, where)
    _check_keys(data, {"preset", "effect", "map"}, lines, "", 0)
    head = data.get("preset")
    if not isinstance(head, dict):
        raise PresetError(f"{where} has no table [preset] with a name.")
    _check_keys(head, {"name", "description", "model", "hop"}, lines, "preset", 0)
    effects = tuple(_effect(t, i, lines) for i, t in enumerate(_tables(data, "effect", lines)))
    maps = tuple(_map(t, i, lines) for i, t in enumerate(_tables(data, "map", lines)))
    _check_ids(effects, maps, lines)
    hop = _number(head, "hop", lines, "preset", 0) if "hop" in head else None
    if hop is not None and not 0 < hop < math.inf:
        problem = f"hop is {hop:g} s; seconds above 0 are expected."
        raise lines.error("preset", 0, "hop", problem)
    return Preset(
        name=_word(head, "name", lines, "preset", 0),
        description=_word(head, "description", lines, "preset", 0) if "description" in head else "",
        effects=effects,
        maps=maps,
        model=_word(head, "model", lines, "preset", 0) if "model" in head else None,
        hop=hop,
        lines=lines,
    )


def _tables(data: Mapping[str, Any], name: str, lines: Lines) -> list[dict[str, Any]]:
    tables = data.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise lines.error(
            name, 0, None, f"write [[{name}]] in double brackets; there may be several."
        )
    if not tables:
        raise lines.error("preset", 0, None, f"there is no [[{name}]]; at least one is expected.")
    return tables


def _check_keys(
    table: Mapping[str, Any], known: set[str], lines: Lines, name: str, index: int
) -> None:
    for key in table:
        if key not in known:
            raise lines.error(name, index, key, f"unknown key {key!r}; {nearest(key, known)}")


def _word(table: Mapping[str, Any], key: str, lines: Lines, name: str, index: int) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        given = "is missing" if value is None else f"is {value!r}"
        raise lines.error(name, index, key, f"{key} {given}; a string in quotes is expected.")
    return value


def _number(table: Mapping[str, Any], key: str, lines: Lines, name: str, index: int) -> float:
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        given = "is missing" if value is None else f"is {value!r}"
        raise lines.error(name, index, key, f"{key} {given}; a number is expected.")
    return float(value)


def _effect(table: dict[str, Any], index: int, lines: Lines) -> Effect:
    kind = _word(table, "type", lines, "effect", index)
    name = _word(table, "id", lines, "effect", index) if "id" in table else kind
    if not re.fullmatch(ID_PATTERN, name):
        raise lines.error(
            "effect", index, "id", f"id {name!r} may hold letters, digits, - and _ only."
        )
    parameters = {
        key: _number(table, key, lines, "effect", index)
        for key in table
        if key not in ("id", "type")
    }
    return Effect(name, kind, parameters)


def _map(table: dict[str, Any], index: int, lines: Lines) -> Map:
    _check_keys(table, {"source", "target", "combine", *KEYS}, lines, "map", index)
    source = table.get("source")
    descriptors = tuple(source) if isinstance(source, list) else (source,)
    if not descriptors or not all(isinstance(item, str) and item for item in descriptors):
        raise lines.error(
            "map", index, "source", "source must be a descriptor's name, or a list of them."
        )
    for name in descriptors:
        if kind_of(name) is None:
            begins = ", ".join(f"{kind}." for kind in KINDS)
            problem = f"{name!r} is not a descriptor; they begin with {begins}"
            raise lines.error("map", index, "source", f"{problem}: tag.vocal, signal.rms_db.")
    target = _word(table, "target", lines, "map", index)
    combine = table.get("combine")
    if combine is not None and combine not in COMBINES:
        problem = f"combine is {combine!r}; {alternatives(COMBINES)} is expected."
        raise lines.error("map", index, "combine", problem)
    return Map(Source(descriptors, _knobs(table, index, lines)), target, combine)


def _knobs(table: dict[str, Any], index: int, lines: Lines) -> Knobs:
    for key in REQUIRED:
        _number(table, key, lines, "map", index)
    knobs: dict[str, Any] = {}
    for key in table:
        if key in KEYS:
            try:
                knobs[key] = KEYS[key].check(table[key])
            except PresetError as error:
                raise lines.error("map", index, key, str(error)) from error
    gates = [key for key in GATES if key in knobs]
    if len(gates) > 1:
        problem = "below and threshold are two gates; keep one."
        raise lines.error("map", index, "below", problem)
    for key in gates:
        knobs["threshold"] = knobs.pop(key)
        knobs["gate"] = GATES[key]
    if "hysteresis" in knobs and "gate" not in knobs:
        problem = "hysteresis needs a gate; add threshold or below."
        raise lines.error("map", index, "hysteresis", problem)
    for key in ("low", "high"):
        if key in knobs and "gate" in knobs:
            problem = f"a gate has no {key}; it is 0 or 1."
            raise lines.error("map", index, key, problem)
    return Knobs(**knobs)


def _check_ids(effects: tuple[Effect, ...], maps: tuple[Map, ...], lines: Lines) -> None:
    ids = [effect.id for effect in effects]
    for index, effect in enumerate(effects):
        if effect.id in ids[:index]:
            raise lines.error(
                "effect", index, "id", f"two effects have the id {effect.id!r}; give one another."
            )
    combined: dict[str, str] = {}
    for index, item in enumerate(maps):
        effect_id, dot, parameter = item.target.partition(".")
        if not dot or not parameter:
            raise lines.error(
                "map", index, "target", f"target {item.target!r} must be effect-id.parameter."
            )
        if effect_id not in ids:
            raise lines.error(
                "map",
                index,
                "target",
                f"there is no effect {effect_id!r}; {nearest(effect_id, ids)}",
            )
        if item.combine is not None and item.combine != combined.setdefault(
            item.target, item.combine
        ):
            problem = f"the maps of {item.target} are combined in two ways; keep one."
            raise lines.error("map", index, "combine", problem)


if __name__ == "__main__":
    print(key_table())
