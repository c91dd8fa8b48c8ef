"""The reference of the formats: cards, presets, and what outputs send."""

from __future__ import annotations

import json
import socket
from html import escape
from typing import Any

from pythonosc.osc_bundle import OscBundle

from pyplugin.automation.schema import preset_schema
from pyplugin.models import registry
from pyplugin.models.schema import card_schema
from pyplugin.node.node import State
from pyplugin.node.signals import SIGNALS
from pyplugin.outputs import json_lines
from pyplugin.outputs.osc import Osc
from pyplugin.outputs.output import DescriptorFrame

__all__ = ["card", "json_line", "midi", "osc", "preset"]


# ---- cards


def card() -> str:
    """Return a table for each part of a card, and the JSON Schema."""
    schema = card_schema()
    components = schema["$defs"]
    parts = [_struct_table("Card", components)]
    parts += [
        f"## {name}\n\n{_struct_table(name, components)}" for name in components if name != "Card"
    ]
    text = json.dumps(schema, indent=1)
    parts.append(f'??? note "JSON Schema of a card"\n\n{_indented(_fence("json", text))}')
    return "\n\n".join(parts)


def _struct_table(name: str, components: dict[str, Any]) -> str:
    component = components[name]
    rows = [component["description"], "", "| field | type | required | |", "|---|---|---|---|"]
    for field, schema in component["properties"].items():
        required = "yes" if field in component.get("required", ()) else ""
        meaning = schema.get("description")
        rows.append(f"| `{field}` | {_type(schema)} | {required} | {_cell(meaning)} |")
    return "\n".join(rows)


def _type(schema: dict[str, Any]) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        if "prefixItems" in schema:
            return "[" + ", ".join(_type(each) for each in schema["prefixItems"]) + "]"
        return f"list of {_type(schema.get('items') or {})}"
    if kind == "object":
        inner = schema.get("additionalProperties")
        return f"object of {_type(inner)}" if isinstance(inner, dict) else "object"
    return {"integer": "whole number", "string": "text", "boolean": "`true`, `false`"}.get(
        kind, kind
    ) + _limits(schema)


def _limits(schema: dict[str, Any]) -> str:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    beyond = "more than " if "exclusiveMinimum" in schema else ""
    if low is not None and high is not None:
        return f", {beyond}{_number(low)} to {_number(high)}"
    if low is not None:
        return f", {beyond}{_number(low)}" + ("" if beyond else " or more")
    return f", up to {_number(high)}" if high is not None else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


# ---- presets


def preset() -> str:
    """Return the keys of a preset, and the parameters of every effect with their limits."""
    schema = preset_schema()
    properties = schema["properties"]
    parts = ["## `[preset]`", _schema_table(properties["preset"])]
    parts += ["## `[[map]]`", _schema_table(properties["map"]["items"])]
    parts += [
        "## `[[effect]]`",
        "`type` is one of the effects below; `id` a name for it, where its type does not suffice. "
        "The other keys are parameters of the effect.",
        "| type | parameters |",
    ]
    rows = ["| type | parameters |", "|---|---|"]
    for case in properties["effect"]["items"]["allOf"]:
        then = case["then"]["properties"]
        parameters = [
            f"`{name}` {_limits(each).removeprefix(', ')}".strip()
            for name, each in then.items()
            if name not in ("id", "type")
        ]
        rows.append(f"| `{then['type']['const']}` | {', '.join(parameters)} |")
    parts[-1] = "\n".join(rows)
    return "\n\n".join(parts)


def _schema_table(schema: dict[str, Any]) -> str:
    rows = ["| key | type | required | |", "|---|---|---|---|"]
    for name, each in schema["properties"].items():
        required = "yes" if name in schema["required"] else ""
        rows.append(f"| `{name}` | {_type(each)} | {required} | {_cell(each.get('description'))} |")
    return "\n".join(rows)


# ---- what outputs send


def _frame() -> DescriptorFrame:
    labels = registry.info("scene").labels
    return DescriptorFrame(
        time=2.031,
        start=0.0,
        end=2.0,
        source="USB Audio",
        state=State.FRESH,
        tags={"scene": {label: round(0.9 / 2**n, 3) for n, label in enumerate(labels)}},
        signals={"rms_db": -21.5, "onset": 3.25},
        parameters={"gain.gain_db": -12.0},
        heads={"voice": {"voice": 0.875, "instrumental": 0.125}},
    )


def json_line() -> str:
    """Return a line of JSON Lines, indented."""
    return _fence("json", json.dumps(json.loads(json_lines.json_line(_frame())), indent=1))


def osc() -> str:
    """Return the addresses and values that one frame is sent as."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        output = Osc(f"127.0.0.1:{receiver.getsockname()[1]}")
        output.write_frame(_frame())
        output.close()
        bundle = OscBundle(receiver.recv(65536))
    lines = [f"{message.address} {message.params[0]:g}" for message in bundle]
    return _fence("text", "\n".join(lines))


def midi() -> str:
    """Return the names that controllers can be assigned to."""
    frame = _frame()
    names = [*frame.activations, *(f"signal.{name}" for name in SIGNALS), *frame.parameters]
    return _fence("text", "\n".join(names))


def _fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _cell(text: str | None) -> str:
    return escape(" ".join((text or "").split()), quote=False).replace("|", "&#124;")
