"""The JSON Schema of cards, from the structures that read them."""

import inspect
import re
from typing import Any

import msgspec

from pyplugin.models import card as module
from pyplugin.models.card import Card

_FIELD = re.compile(r"^(\w[\w, ]*?)(?: : .*)?$")


def card_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) of a card.

    It covers the checks of :func:`pyplugin.models.card.parse_card` that depend on a single field.

    Examples
    --------
    >>> card_schema()["$defs"]["Card"]["required"]
    ['name', 'model_types', 'schema', 'inference', 'patch_frames', 'default_hop', 'sha256']
    """
    (reference,), parts = msgspec.json.schema_components([Card])
    for name, part in parts.items():
        kind = getattr(module, name)
        about, meanings = documented(kind)
        part["description"] = about
        names = {field.encode_name: field.name for field in msgspec.structs.fields(kind)}
        for field, content in part["properties"].items():
            meaning = meanings.get(names.get(field, field))
            if meaning:
                content["description"] = meaning
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$comment": f"msgspec {msgspec.__version__}",
        "title": "tagnode card",
        **reference,
        "$defs": parts,
    }


def documented(kind: type) -> tuple[str, dict[str, str]]:
    """Return the first sentence of a structure's docstring, and what it says of each attribute.

    Examples
    --------
    >>> about, meanings = documented(Card)
    >>> about, meanings["embedding"]
    ("A model's card.", 'Name of the output that is used where one embedding is wanted.')
    """
    text = inspect.cleandoc(kind.__doc__ or "")
    about, _, rest = text.partition("\n\n")
    meanings: dict[str, str] = {}
    section = re.search(r"^Attributes\n-+\n(.*?)(?=\n\n|\Z)", rest, re.MULTILINE | re.DOTALL)
    names: list[str] = []
    for line in section[1].splitlines() if section else []:
        heading = _FIELD.match(line)
        if heading:
            names = heading[1].split(", ")
        for name in [] if heading else names:
            meanings[name] = f"{meanings.get(name, '')} {line.strip()}".strip()
    return " ".join(about.split()), meanings
