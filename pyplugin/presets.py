"""Presets: TOML files that say which descriptors move which parameters of which effects.

::

    [preset]
    name = "duck-under-voice"
    description = "…"
    model = "musicnn-mtt"        # and hop, in seconds; both optional

    [[effect]]                   # in chain order
    id = "gain"
    type = "gain"                # a pedalboard effect, in snake_case; its parameters follow
    gain_db = 0

    [[map]]
    source = "tag.vocal"         # or a list: their sum counts
    target = "gain.gain_db"
    threshold = 0.3              # a gate; without it the descriptor itself, 0 to 1
    min = 0
    max = -12
    attack = 0.2                 # seconds
    release = 1.0
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pyplugin.errors import PresetError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Effect", "Map", "Preset", "nearest", "parse_preset", "read_preset", "shipped_presets"]

CURVES = ("lin", "log", "exp")


class Lines:
    """Finds the line of a key in the n-th table of a name, which TOML's parser does not tell."""

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
        """Return an error that names the line of ``key``, or of the table where it has none."""
        line = self._find(table, index, key)
        where = f"{self.where}, line {line}" if line else self.where
        return PresetError(f"{where}: {problem}")


@dataclass(frozen=True)
class Effect:
    """One effect of the chain: a pedalboard class by its name in snake_case, and its parameters."""

    id: str
    type: str
    parameters: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Map:
    """One mapping: descriptor, threshold, envelope, curve, parameter. Times in seconds.

    Attributes
    ----------
    sources
        Descriptors; of several their sum counts, since near synonyms share the evidence.
    target
        ``effect-id.parameter``.
    min, max
        The parameter at 0 and at 1; ``min`` may be the larger.
    curve
        ``"lin"``, ``"log"`` (even ratios, for frequencies; ``min`` and ``max`` above 0), ``"exp"``.
    threshold
        With it the source is a gate: 1 from there up, 0 below. Without it the value itself counts.
    invert
        1 - x.
    attack, release
        Time constants of the rise and the fall.
    """

    sources: tuple[str, ...]
    target: str
    min: float
    max: float
    curve: str = "lin"
    threshold: float | None = None
    invert: bool = False
    attack: float = 0.05
    release: float = 0.5


@dataclass(frozen=True)
class Preset:
    """A checked preset. ``model`` and ``hop`` (seconds) are ``None`` where it does not say.

    ``lines`` finds where in the file something stands, for messages.
    """

    name: str
    description: str
    effects: tuple[Effect, ...]
    maps: tuple[Map, ...]
    model: str | None = None
    hop: float | None = None
    lines: Lines = field(default_factory=lambda: Lines("", "preset"), repr=False, compare=False)


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that suggests what was meant, or lists what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(given, names, 1, 0.5)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}."


def shipped_folder() -> Path:
    """Return the folder of the presets that come with the package."""
    here = Path(__file__).resolve().parent
    installed = here / "_data" / "presets"
    return installed if installed.is_dir() else here.parent / "presets"


def shipped_presets() -> dict[str, Path]:
    """Return the presets that come with the package, by name."""
    return {path.stem: path for path in sorted(shipped_folder().glob("*.toml"))}


def read_preset(name_or_path: str | Path) -> Preset:
    """Read a preset that comes with the package, by name, or any by its path.

    Raises
    ------
    PresetError
        No such preset, or something in it is wrong: the message names the line.
    """
    given, shipped = str(name_or_path), shipped_presets()
    path = shipped.get(given) or Path(given)
    if path.suffix != ".toml" or not path.is_file():
        if path.suffix == ".toml":
            raise PresetError(f"There is no preset file {given}.")
        raise PresetError(f"There is no preset {given!r}; {nearest(given, shipped)}")
    try:
        return parse_preset(path.read_text(encoding="utf-8"), path.name)
    except (OSError, UnicodeDecodeError) as error:
        raise PresetError(f"{given} cannot be read as text: {error}.") from error


def parse_preset(text: str, where: str = "preset") -> Preset:
    """Parse and check the text of a preset; ``where`` stands in front of messages.

    Effects and parameters are checked when the chain is built, sources when the model is known.
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
            name, 0, None, f"write [[{name}]], in double brackets: there may be several."
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
        raise lines.error(name, index, key, f"{key} {given}; a text in quotes is expected.")
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
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
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
    known = {f.name for f in fields(Map)} - {"sources"} | {"source"}
    _check_keys(table, known, lines, "map", index)
    source = table.get("source")
    sources = tuple(source) if isinstance(source, list) else (source,)
    if not sources or not all(isinstance(item, str) and item for item in sources):
        raise lines.error(
            "map", index, "source", "source must be a descriptor's name, or a list of them."
        )
    values = {
        key: _number(table, key, lines, "map", index)
        for key in ("min", "max", "threshold", "attack", "release")
        if key in table or key in ("min", "max")
    }
    curve = table.get("curve", "lin")
    if curve not in CURVES:
        raise lines.error(
            "map", index, "curve", f"there is no curve {curve!r}; {nearest(str(curve), CURVES)}"
        )
    invert = table.get("invert", False)
    if not isinstance(invert, bool):
        raise lines.error(
            "map", index, "invert", f"invert is {invert!r}; true or false is expected."
        )
    return Map(
        sources=sources,
        target=_word(table, "target", lines, "map", index),
        curve=curve,
        invert=invert,
        **values,
    )


def _check_ids(effects: tuple[Effect, ...], maps: tuple[Map, ...], lines: Lines) -> None:
    ids = [effect.id for effect in effects]
    for index, effect in enumerate(effects):
        if effect.id in ids[:index]:
            raise lines.error(
                "effect", index, "id", f"two effects have the id {effect.id!r}; give one another."
            )
    targets: set[str] = set()
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
        if item.target in targets:
            raise lines.error(
                "map", index, "target", f"{item.target} is moved twice; keep one map."
            )
        targets.add(item.target)
