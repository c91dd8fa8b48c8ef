"""Starts: cards that lack what running needs, such as Essentia's.

:func:`parse_start` reads one and names what is missing; :meth:`Start.completed` makes a card of it.
"""

from collections.abc import Iterator, Mapping
from typing import Any, get_type_hints

import msgspec
from msgspec import Struct

from pyplugin.errors import ModelError
from pyplugin.models.card import Card, Labels, Text, card_of
from pyplugin.models.checking import absent, converted, decoded, explain, with_line


class StartTensor(Struct, frozen=True, rename={"purpose": "output_purpose"}):
    """An input or output as Essentia's cards describe it; the shape may be wrong."""

    name: Text
    type: str = "float"
    shape: tuple[int | str, ...] = ()
    op: str = ""
    description: str = ""
    purpose: str = ""


class StartSchema(Struct, frozen=True):
    """Inputs and outputs as Essentia's cards describe them."""

    inputs: tuple[StartTensor, ...] = ()
    outputs: tuple[StartTensor, ...] = ()


class StartModel(Struct, frozen=True):
    """The model whose embedding a classifier takes."""

    model_name: str = ""
    algorithm: str = ""
    link: str = ""


class StartInference(Struct, frozen=True):
    """Essentia's algorithm, whose name implies the front-end."""

    sample_rate: int | None = None
    algorithm: str = ""
    embedding_model: StartModel | None = None


class Start(Struct, rename={"labels": "classes"}):
    """A card as far as it goes: one of Essentia's, or one of ours.

    Unknown keys stay in `content`.

    Attributes
    ----------
    name, type, link, version, description, author : str
    labels : tuple of str
    schema : StartSchema
        As it is written: Essentia's shapes can be wrong, and can hold ``"batch_size"``.
    inference : StartInference
    missing : tuple of str
        A sentence for each field of a card that running needs and that is not there, or not as it
        must be.
    content : dict
        The whole JSON object.
    """

    name: Text
    type: str = ""
    link: str = ""
    version: str | int | float = ""
    description: str = ""
    author: str = ""
    labels: Labels = ()
    schema: StartSchema = StartSchema()
    inference: StartInference = StartInference()
    missing: tuple[str, ...] = ()
    content: dict[str, Any] = {}

    def completed(self, **fields: Any) -> Card:
        """Return the card with further fields, or others instead of those that it has.

        Parameters
        ----------
        **fields
            By their names in the JSON: ``license``, ``classes``, ``patch_frames`` ...; values as
            JSON or as parts of cards. Keys of `content` that no card has are left out.

        Raises
        ------
        ModelError
            A field is missing, unknown or out of range.
        """
        known = {field.encode_name for field in msgspec.structs.fields(Card)}
        kept = {key: value for key, value in self.content.items() if key in known}
        return card_of({**kept, **{k: msgspec.to_builtins(v) for k, v in fields.items()}})


def parse_start(text: str, where: str = "") -> Start:
    """Read a card that need not be complete, such as Essentia's.

    Parameters
    ----------
    text : str
        JSON. Keys that begin with ``//`` are comments.
    where : str
        The file, for messages.

    Raises
    ------
    ModelError
        The text is not JSON, it has no name, or a field that has a meaning in a card is of another
        type.

    Examples
    --------
    >>> start = parse_start('{"name": "mood", "type": "classifier", "classes": ["sad"]}')
    >>> start.labels
    ('sad',)
    >>> print(start.missing[0])
    The card has no field 'model_types', such as ["tflite-int8"].
    """
    try:
        content = decoded(text)
        start = converted(content, Start)
    except ModelError as error:
        raise with_line(error, text, where) from None
    start.content = content
    start.missing = tuple(_missing(content))
    return start


def _missing(content: Mapping[str, Any]) -> Iterator[str]:
    types = get_type_hints(Card, include_extras=True)
    for field in msgspec.structs.fields(Card):
        key = field.encode_name
        if key in content:
            try:
                msgspec.convert(content[key], types[field.name])
            except msgspec.ValidationError as error:
                yield explain(str(error), content, Card, key)
        elif field.required:
            yield absent(Card, [key])
