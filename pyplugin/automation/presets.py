"""Presets: TOML files that map descriptors to parameters of effects.

::

    [preset]
    name = "duck-under-voice"
    description = "…"
    model = "scene"              # and hop, in seconds; both optional
    stems = "spleeter-2stems"    # a model of stems; this one by default

    [[effect]]                   # in chain order
    id = "gain"
    type = "gain"                # a pedalboard effect, in snake_case; its parameters follow
    gain_db = 0
    stem = "vocals"              # optional: only this stem passes through the effect

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

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from pyplugin.automation.knobs import COMBINES, KNOBS, Knob, Knobs, markdown
from pyplugin.automation.sources import Source
from pyplugin.errors import PresetError
from pyplugin.support.descriptors import KINDS, is_signal, kind_of
from pyplugin.support.documents import DocumentError, parse_toml
from pyplugin.support.shipped import shipped
from pyplugin.support.spelling import alternatives, nearest
from pyplugin.support.toml_lines import line_of

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
    >>> print(key_table().splitlines()[3])  # doctest: +ELLIPSIS
    | `threshold` | Value at which the gate opens. | any number, in ... | no gate |
    """
    defaults = dict.fromkeys(GATES, "no gate") | dict.fromkeys(REQUIRED, "none; required")
    return markdown(KEYS.values(), "key", defaults)


class Lines:
    """Makes errors that name a line of a preset."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where = text, where

    def error(self, table: str, index: int, key: str | None, problem: str) -> PresetError:
        """Return an error with the line of ``key``, or of the table where it is absent."""
        line = line_of(self.text, table, index, key)
        where = f"{self.where}, line {line}" if line else self.where
        return PresetError(f"{where}: {problem}")


@dataclass(frozen=True)
class Effect:
    """One effect of the chain: a class of pedalboard in snake_case, and its parameters.

    With a stem, only that stem of the recording passes through it.
    """

    id: str
    type: str
    parameters: dict[str, float] = field(default_factory=dict)
    stem: str | None = None


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
    stems
        Name of a model of stems; ``None`` if not set.
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
    stems: str | None = None
    lines: Lines = field(default_factory=lambda: Lines("", "preset"), repr=False, compare=False)

    @property
    def descriptors(self) -> list[str]:
        """Names of the descriptors of all maps, in their order."""
        return [name for item in self.maps for name in item.source.descriptors]

    @property
    def uses_stems(self) -> bool:
        """Whether it needs the recording's stems, for an effect or as a source."""
        named = any(kind_of(name) == "stem" for name in self.descriptors)
        return named or any(effect.stem is not None for effect in self.effects)


def names_labels(preset: Preset) -> bool:
    """Return whether a preset needs a model."""
    return not all(map(is_signal, preset.descriptors))


def shipped_folder() -> Path:
    """Return the folder of the presets in the package."""
    return shipped("presets")


def shipped_presets() -> dict[str, Path]:
    """Return the presets in the package, by name."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.toml"))}


def stem_presets() -> dict[str, Path]:
    """Return the presets in the package that use stems, by name: for ``render`` only."""
    return {path.stem: path for path in sorted((shipped_folder() / "stems").glob("*.toml"))}


def locate(name_or_path: str | Path) -> Path:
    """Return the file of a preset: one in the package by name, or any by its path.

    Raises
    ------
    PresetError
        There is no such preset.
    """
    given, shipped = str(name_or_path), {**shipped_presets(), **stem_presets()}
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
        data = parse_toml(text)
    except DocumentError as error:
        raise PresetError(f"{where} is not TOML: {error}.") from error
    lines = Lines(text, where)
    _Table(data, lines).check_keys("preset", "effect", "map")
    if not isinstance(data.get("preset"), dict):
        raise PresetError(f"{where} has no table [preset] with a name.")
    head = _Table(data["preset"], lines, "preset")
    head.check_keys("name", "description", "model", "hop", "stems")
    effects = tuple(map(_effect, _tables(data, "effect", lines)))
    maps = tuple(map(_map, _tables(data, "map", lines)))
    _check_ids(effects, maps, lines)
    hop = head.number("hop") if "hop" in head.values else None
    if hop is not None and not 0 < hop < math.inf:
        raise head.error("hop", f"hop is {hop:g} s; seconds above 0 are expected.")
    return Preset(
        name=head.word("name"),
        description=head.word("description") if "description" in head.values else "",
        effects=effects,
        maps=maps,
        model=head.word("model") if "model" in head.values else None,
        hop=hop,
        stems=head.word("stems") if "stems" in head.values else None,
        lines=lines,
    )


@dataclass(frozen=True)
class _Table:
    """One table of a preset, whose errors name its lines."""

    values: Mapping[str, Any]
    lines: Lines
    name: str = ""
    index: int = 0

    def error(self, key: str | None, problem: str) -> PresetError:
        return self.lines.error(self.name, self.index, key, problem)

    def check_keys(self, *known: str) -> None:
        for key in self.values:
            if key not in known:
                raise self.error(key, f"unknown key {key!r}; {nearest(key, known)}")

    def word(self, key: str) -> str:
        value = self.values.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._wrong(key, "a string in quotes")
        return value

    def number(self, key: str) -> float:
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._wrong(key, "a number")
        return float(value)

    def _wrong(self, key: str, expected: str) -> PresetError:
        value = self.values.get(key)
        given = "is missing" if value is None else f"is {value!r}"
        return self.error(key, f"{key} {given}; {expected} is expected.")


def _tables(data: Mapping[str, Any], name: str, lines: Lines) -> list[_Table]:
    tables = data.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problem = f"write [[{name}]] in double brackets; there may be several."
        raise lines.error(name, 0, None, problem)
    if not tables:
        raise lines.error("preset", 0, None, f"there is no [[{name}]]; at least one is expected.")
    return [_Table(table, lines, name, index) for index, table in enumerate(tables)]


def _effect(table: _Table) -> Effect:
    kind = table.word("type")
    name = table.word("id") if "id" in table.values else kind
    if not re.fullmatch(ID_PATTERN, name):
        raise table.error("id", f"id {name!r} may hold letters, digits, - and _ only.")
    names = (key for key in table.values if key not in ("id", "type", "stem"))
    stem = table.word("stem") if "stem" in table.values else None
    return Effect(name, kind, {key: table.number(key) for key in names}, stem)


def _map(table: _Table) -> Map:
    table.check_keys("source", "target", "combine", *KEYS)
    source = table.values.get("source")
    descriptors = tuple(source) if isinstance(source, list) else (source,)
    if not descriptors or not all(isinstance(item, str) and item for item in descriptors):
        raise table.error("source", "source must be a descriptor's name, or a list of them.")
    for name in descriptors:
        if kind_of(name) is None:
            begins = ", ".join(f"{kind}." for kind in KINDS)
            problem = f"{name!r} is not a descriptor; they begin with {begins}"
            raise table.error("source", f"{problem}: tag.vocal, signal.rms_db.")
    target = table.word("target")
    combine = table.values.get("combine")
    if combine is not None and combine not in COMBINES:
        problem = f"combine is {combine!r}; {alternatives(COMBINES)} is expected."
        raise table.error("combine", problem)
    return Map(Source(descriptors, _knobs(table)), target, combine)


def _knobs(table: _Table) -> Knobs:
    for key in REQUIRED:
        table.number(key)
    knobs: dict[str, Any] = {}
    for key, value in table.values.items():
        if key in KEYS:
            try:
                knobs[key] = KEYS[key].check(value)
            except PresetError as error:
                raise table.error(key, str(error)) from error
    gates = [key for key in GATES if key in knobs]
    if len(gates) > 1:
        raise table.error("below", "below and threshold are two gates; keep one.")
    for key in gates:
        knobs["threshold"] = knobs.pop(key)
        knobs["gate"] = GATES[key]
    if "hysteresis" in knobs and "gate" not in knobs:
        raise table.error("hysteresis", "hysteresis needs a gate; add threshold or below.")
    for key in ("low", "high"):
        if key in knobs and "gate" in knobs:
            raise table.error(key, f"a gate has no {key}; it is 0 or 1.")
    return Knobs(**knobs)


def _check_ids(effects: tuple[Effect, ...], maps: tuple[Map, ...], lines: Lines) -> None:
    ids = [effect.id for effect in effects]
    for index, name in enumerate(ids):
        if name in ids[:index]:
            problem = f"two effects have the id {name!r}; give one another."
            raise lines.error("effect", index, "id", problem)
    combined: dict[str, str] = {}
    for index, item in enumerate(maps):
        error = partial(lines.error, "map", index)
        effect_id, dot, parameter = item.target.partition(".")
        if not dot or not parameter:
            raise error("target", f"target {item.target!r} must be effect-id.parameter.")
        if effect_id not in ids:
            raise error("target", f"there is no effect {effect_id!r}; {nearest(effect_id, ids)}")
        combine = item.combine
        if combine is not None and combine != combined.setdefault(item.target, combine):
            problem = f"the maps of {item.target} are combined in two ways; keep one."
            raise error("combine", problem)


if __name__ == "__main__":
    print(key_table())
