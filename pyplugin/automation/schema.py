"""The JSON Schema of presets, from the same tables that check them."""

import math
from importlib.metadata import version
from typing import Any

from pyplugin.automation.effects import effect_types, parameters_of, range_of
from pyplugin.automation.knobs import COMBINES, Knob
from pyplugin.automation.presets import GATES, ID_PATTERN, KEYS, REQUIRED
from pyplugin.support.descriptors import KINDS

_UNITS = {
    "s": " In seconds.",
    "descriptor": " In the descriptor's unit.",
    "parameter": " In the parameter's unit.",
}


def _knob(knob: Knob) -> dict[str, Any]:
    about = {"description": knob.meaning + _UNITS.get(knob.unit, "")}
    if knob.kind == "choice":
        return {"enum": list(knob.choices), **about}
    if knob.kind == "toggle":
        return {"type": "boolean", **about}
    limits = {"minimum": knob.low, "maximum": knob.high}
    finite = {key: limit for key, limit in limits.items() if math.isfinite(limit)}
    return {"type": "number", **finite, **about}


def _word(description: str) -> dict[str, Any]:
    return {"type": "string", "pattern": "\\S", "description": description}


def _parameter(kind: Any, name: str) -> dict[str, Any]:
    low, high = range_of(kind(), name)
    found: dict[str, Any] = {"type": "number"}
    if 0 < low < 1e-9:
        found["exclusiveMinimum"] = 0
    elif math.isfinite(low):
        found["minimum"] = low
    if math.isfinite(high):
        found["maximum"] = high
    return found


_STEM = _word("Only this stem of the recording passes through the effect.")


def _effects() -> dict[str, Any]:
    types = effect_types()
    ident = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
    cases = []
    for name, kind in types.items():
        parameters = {each: _parameter(kind, each) for each in parameters_of(kind())}
        properties = {"id": ident, "type": {"const": name}, "stem": _STEM, **parameters}
        then = {"properties": properties, "additionalProperties": False}
        cases.append({"if": {"properties": {"type": {"const": name}}}, "then": then})
    return {
        "type": "array",
        "minItems": 1,
        "description": "Effects of pedalboard, in chain order.",
        "items": {
            "type": "object",
            "required": ["type"],
            "properties": {"id": ident, "type": {"enum": list(types)}, "stem": _STEM},
            "allOf": cases,
        },
    }


def _maps() -> dict[str, Any]:
    descriptor = {"type": "string", "pattern": rf"^({'|'.join(KINDS)})\..+$"}
    return {
        "type": "array",
        "minItems": 1,
        "description": "Sources and the parameters that they automate.",
        "items": {
            "type": "object",
            "required": ["source", "target", *REQUIRED],
            "properties": {
                "source": {
                    "description": "A descriptor, or a list, which is summed.",
                    "anyOf": [descriptor, {"type": "array", "minItems": 1, "items": descriptor}],
                },
                "target": {
                    "type": "string",
                    "pattern": f"^{ID_PATTERN}\\..+$",
                    "description": "effect-id.parameter",
                },
                "combine": {
                    "enum": list(COMBINES),
                    "description": "How several maps of one target are combined.",
                },
                **{key: _knob(knob) for key, knob in KEYS.items()},
            },
            "additionalProperties": False,
            "not": {
                "anyOf": [
                    {"required": list(GATES)},
                    *({"required": [gate, end]} for gate in GATES for end in ("low", "high")),
                ]
            },
        },
    }


def preset_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) of a preset.

    It covers the checks of :func:`pyplugin.automation.presets.parse_preset` and of the effects
    that depend on a single key.

    Examples
    --------
    >>> preset_schema()["required"]
    ['preset', 'effect', 'map']
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"pedalboard {version('pedalboard')}",
        "title": "pyplugin preset",
        "type": "object",
        "required": ["preset", "effect", "map"],
        "additionalProperties": False,
        "properties": {
            "preset": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "pattern": "\\S"},
                    "description": _word("When to use it."),
                    "model": _word("The model that the labels belong to."),
                    "stems": _word("The model of the stems."),
                    "hop": {
                        "type": "number",
                        "exclusiveMinimum": 0,
                        "description": "Seconds between two results of the model.",
                    },
                },
            },
            "effect": _effects(),
            "map": _maps(),
        },
    }
