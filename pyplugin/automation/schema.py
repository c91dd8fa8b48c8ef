"""The JSON Schema of presets, from the same tables that check them."""

from __future__ import annotations

import math
from importlib.metadata import version
from typing import Any

from pyplugin.automation.effects import effect_types, parameters_of, range_of
from pyplugin.automation.presets import COMBINE, CURVES, ID_PATTERN
from pyplugin.support.descriptors import KINDS

__all__ = ["preset_schema"]

_SECONDS = {"type": "number", "minimum": 0, "maximum": 600}

_GATES = ("threshold", "below")

_KNOBS: dict[str, dict[str, Any]] = {
    "threshold": {
        "type": "number",
        "description": "A gate: 1 from here up. In the descriptor's unit.",
    },
    "below": {"type": "number", "description": "A gate: 1 from here down."},
    "hysteresis": {
        "type": "number",
        "minimum": 0,
        "description": "How far back over its threshold a gate lets go.",
    },
    "low": {"type": "number", "description": "Without a gate: what counts as 0."},
    "high": {"type": "number", "description": "Without a gate: what counts as 1."},
    "invert": {"type": "boolean", "description": "1 - x."},
    "hold": {**_SECONDS, "description": "Seconds that a value stays when it begins to fall."},
    "delay": {**_SECONDS, "description": "Seconds by which all of it comes later."},
    "attack": {**_SECONDS, "description": "Time constant of a rise, in seconds."},
    "release": {**_SECONDS, "description": "Time constant of a fall, in seconds."},
    "depth": {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
        "description": "Share of the way from min to max.",
    },
    "curve": {"enum": list(CURVES), "description": "log: even ratios, min and max above 0."},
    "min": {"type": "number", "description": "The parameter at 0."},
    "max": {"type": "number", "description": "The parameter at 1."},
}


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


def _effects() -> dict[str, Any]:
    types = effect_types()
    ident = {"type": "string", "pattern": f"^{ID_PATTERN}$"}
    cases = []
    for name, kind in types.items():
        parameters = {each: _parameter(kind, each) for each in parameters_of(kind())}
        cases.append(
            {
                "if": {"properties": {"type": {"const": name}}},
                "then": {
                    "properties": {"id": ident, "type": {"const": name}, **parameters},
                    "additionalProperties": False,
                },
            }
        )
    return {
        "type": "array",
        "minItems": 1,
        "description": "Effects of pedalboard, in the order of the chain.",
        "items": {
            "type": "object",
            "required": ["type"],
            "properties": {"id": ident, "type": {"enum": list(types)}},
            "allOf": cases,
        },
    }


def _maps() -> dict[str, Any]:
    descriptor = {"type": "string", "pattern": rf"^({'|'.join(KINDS)})\..+$"}
    return {
        "type": "array",
        "minItems": 1,
        "description": "What moves what.",
        "items": {
            "type": "object",
            "required": ["source", "target", "min", "max"],
            "properties": {
                "source": {
                    "description": "A descriptor, or several whose sum counts.",
                    "anyOf": [
                        descriptor,
                        {"type": "array", "minItems": 1, "items": descriptor},
                    ],
                },
                "target": {
                    "type": "string",
                    "pattern": f"^{ID_PATTERN}\\..+$",
                    "description": "effect-id.parameter",
                },
                "combine": {
                    "enum": list(COMBINE),
                    "description": "How several maps of one target go together.",
                },
                **_KNOBS,
            },
            "additionalProperties": False,
            "not": {
                "anyOf": [
                    {"required": ["threshold", "below"]},
                    *({"required": [gate, end]} for gate in _GATES for end in ("low", "high")),
                ]
            },
        },
    }


def preset_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema, 2020-12) that a preset's TOML follows.

    It covers all that :func:`pyplugin.automation.presets.parse_preset` and the effects check
    without looking at another part of the file.
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
                    "description": {
                        "type": "string",
                        "pattern": "\\S",
                        "description": "When to use it.",
                    },
                    "model": {
                        "type": "string",
                        "pattern": "\\S",
                        "description": "The model whose labels it names.",
                    },
                    "hop": {
                        "type": "number",
                        "exclusiveMinimum": 0,
                        "description": "Seconds between two answers of the model.",
                    },
                },
            },
            "effect": _effects(),
            "map": _maps(),
        },
    }
