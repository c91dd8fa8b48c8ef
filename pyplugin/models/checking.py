"""Checking JSON against typed structures, with errors as sentences that name the field."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct

from pyplugin.errors import ModelError
from pyplugin.models.folders import shipped_folder
from pyplugin.support.json_lines import line_in_json

SIZE_LIMIT = 1 << 20  # characters of a card; ours have about 6000

Kind = TypeVar("Kind")


def decoded(text: str) -> dict[str, Any]:
    """Return the JSON object of a text.

    Raises
    ------
    ModelError
        It is too large, too deep, or not a JSON object.
    """
    if len(text) > SIZE_LIMIT:
        raise ModelError(f"The card is larger than a card may be ({SIZE_LIMIT} characters).")
    try:
        content = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise ModelError(f"Not a card: {error}.") from None
    if not isinstance(content, dict):
        raise ModelError("Not a card: it must be a JSON object.")
    return content


_FIELD = re.compile(
    r"The card(?:'s| has(?: no field| an unknown field)?) '(?P<path>[^']*)'", re.DOTALL
)
_BYTE = re.compile(r" \(byte (?P<byte>\d+)\)")


def with_line(error: ModelError, text: str, where: str = "") -> ModelError:
    r"""Return an error about a card with the line that it is about.

    Parameters
    ----------
    error
        Of `decoded`, `converted`, or with a sentence that begins as theirs.
    text
        The card.
    where
        The file, for the message.

    Examples
    --------
    >>> text = '{"name": "a",\n "version": 2}'
    >>> print(with_line(ModelError("The card's 'version' is 2; expected text."), text, "a.json"))
    a.json, line 2: The card's 'version' is 2; expected text.
    """
    sentence, line = str(error), 0
    byte, field = _BYTE.search(sentence), _FIELD.match(sentence)
    if byte is not None:
        line = text.encode()[: int(byte["byte"])].count(b"\n") + 1
        sentence = sentence.replace(byte[0], "")
    elif field is not None:
        steps = [name or int(number) for name, number in _STEP.findall(f".{field['path']}")]
        line = line_in_json(text, steps)
    places = [where] * bool(where) + [f"line {line}"] * bool(line)
    begin = ", ".join(places)
    return ModelError(f"{begin}: {sentence}" if begin else sentence)


def converted(content: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """Return a structure with the content of a JSON object.

    Raises
    ------
    ModelError
        A field is missing, unknown or out of range; the message names it.
    """
    try:
        return msgspec.convert(content, kind)
    except msgspec.ValidationError as error:
        raise ModelError(explain(str(error), content, kind)) from None


_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "array": "a list",
    "object": "an object",
    "bool": "true or false",
    "null": "null",
}


def explain(message: str, content: Any, kind: type[Any], begin: str = "") -> str:
    """Return a sentence for an error that msgspec found.

    Parameters
    ----------
    message : str
        Of a :class:`msgspec.ValidationError`.
    content : object
        What was checked, as decoded from JSON.
    kind : type
        What it was checked against.
    begin : str
        The field of `content` that was checked, where it was one only.

    Returns
    -------
    str
        It names the field by its path, what was given and what is expected.

    Examples
    --------
    >>> class Point(msgspec.Struct):
    ...     x: int
    >>> try:
    ...     msgspec.convert({"x": "left"}, Point)
    ... except msgspec.ValidationError as error:
    ...     explain(str(error), {"x": "left"}, Point)
    "The card's 'x' is 'left'; expected a whole number."
    """
    match = _MESSAGE.fullmatch(message)
    what, path = (match["what"], match["path"] or "") if match else (message, "")
    steps = [begin] if begin else []
    steps += [name or f"[{number}]" for name, number in _STEP.findall(path)]
    field = re.search(r"(missing required|unknown) field `(.*)`", what, re.DOTALL)
    if field is not None:
        if field[1] == "missing required":
            return absent(kind, [*steps, field[2]])
        return f"The card has an unknown field {_joined([*steps, field[2]])!r}."
    given = content
    for step in steps:
        given = given[int(step[1:-1]) if step.startswith("[") else step]
    shown = repr(given)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    choices = _choices(kind, steps)
    expected = f"one of {', '.join(choices)}" if choices else _expected(what)
    if path.endswith("[...]"):
        expected = f"each of its values to be {expected}"
    elif not choices:
        expected += _such_as(kind, steps)
    return f"The card's {_joined(steps)!r} is {shown}; expected {expected}."


def absent(kind: type[Any], steps: list[str]) -> str:
    """Return the sentence on a field that is missing."""
    return f"The card has no field {_joined(steps)!r}{_such_as(kind, steps)}."


@cache
def _example() -> Any:
    """Return the content of a card that is right."""
    return json.loads((shipped_folder() / "scene.json").read_text(encoding="utf-8"))


def _such_as(kind: type[Any], steps: list[str]) -> str:
    """Return what stands at a place in the example, as the end of a sentence."""
    tag = kind.__struct_config__.tag if issubclass(kind, Struct) else None
    place = _example()["inference"] if tag is not None else _example()
    for step in steps:
        if step.startswith("["):
            place = place[0] if isinstance(place, list) and place else None
        else:
            place = place.get(step) if isinstance(place, dict) else None
    shown = json.dumps(place, ensure_ascii=False)
    return f", such as {shown}" if place is not None and len(shown) <= 60 else ""


def _joined(steps: list[str]) -> str:
    return ".".join(steps).replace(".[", "[")


def _expected(what: str) -> str:
    """Return what msgspec expected, in words."""
    found = re.search(r"Expected (.*?)(?:, got .*)?$", what, re.DOTALL)
    if found is None:
        return f"another value ({what.lower()})"
    words = found[1].replace("matching", "that matches")
    words = re.sub(" of length ([<>]=)", r" whose length is \1", words)
    for sign, limit in ((">=", "at least"), ("<=", "at most")):
        words = words.replace(f"length is {sign}", f"length is {limit}")
        words = words.replace(f" {sign}", f" of {limit}")
    return re.sub(
        r"`([a-z |]+)`",
        lambda kinds: " or ".join(_KINDS.get(kind, kind) for kind in kinds[1].split(" | ")),
        words,
    )


def _choices(kind: Any, steps: list[str]) -> list[str]:
    """Return the values that may stand at a place, where they are a few words."""
    kinds = [kind]
    for step in steps:
        kinds = [inner for each in kinds for inner in _inner(each, step)]
    return [str(value) for each in kinds for value in _literals(each)]


def _inner(kind: Any, step: str) -> Iterator[Any]:
    """Yield the types that a field, or an item, of a type may have."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        if step == kind.__struct_config__.tag_field:
            yield Literal[kind.__struct_config__.tag]
        hints = get_type_hints(kind, include_extras=True)
        for field in msgspec.structs.fields(kind):
            if field.encode_name == step:
                yield hints[field.name]
        return
    for argument in get_args(kind):
        if step.startswith("[") and get_args(kind)[-1] is Ellipsis:
            yield argument
        else:
            yield from _inner(argument, step)


def _literals(kind: Any) -> Iterator[Any]:
    arguments = get_args(kind)
    if getattr(kind, "__origin__", None) is Literal:
        yield from arguments
    elif arguments and arguments[-1] is not Ellipsis:  # Annotated; not a list of words
        for argument in arguments:
            yield from _literals(argument)
