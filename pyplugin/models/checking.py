"""Checking JSON against typed structures, with errors as sentences that name the field."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
from msgspec import Struct

from pyplugin.errors import ModelError

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
        place = repr(_joined([*steps, field[2]]))
        has = "has no field" if field[1] == "missing required" else "has an unknown field"
        return f"The card {has} {place}."
    given = content
    for step in steps:
        given = given[int(step[1:-1]) if step.startswith("[") else step]
    shown = repr(given)
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    choices = _choices(kind, steps)
    expected = f"one of {', '.join(choices)}" if choices else _expected(what)
    if path.endswith("[...]"):
        expected = f"each of its values to be {expected}"
    return f"The card's {_joined(steps)!r} is {shown}; expected {expected}."


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
