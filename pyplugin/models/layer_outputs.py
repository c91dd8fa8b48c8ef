"""Any layer of a model as its output: the same file, with one more output."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from pyplugin._native import lib
from pyplugin.errors import ModelError
from pyplugin.models.card import OutputTensor
from pyplugin.models.model import Model
from pyplugin.models.tflite_file import TfliteFile

_NAME = "layers"
MOST_VALUES: int = lib.TAGNODE_MAX_SIZE
"""Floats of an output of a node's model."""


@dataclass(frozen=True)
class LayerOutput:
    """A model with an output that has the values of some layers, one after the other.

    Attributes
    ----------
    model
        The model with that output.
    output
        Its name.
    columns
        Which of its values are those of each layer, by the layer's name.
    """

    model: Model
    output: str
    columns: dict[str, slice]


def with_layers(model: Model, names: Sequence[str]) -> LayerOutput:
    """Return a model that also returns these layers.

    Parameters
    ----------
    model
        The model, which is not changed.
    names
        At least one of the card's outputs, or of the layers that ``tagnode models layers`` lists.

    Raises
    ------
    ModelError
        There is no such layer, one is named twice, they are too large, or the package that holds
        the schema of ``.tflite`` files is missing.

    Examples
    --------
    >>> from pyplugin.models import registry
    >>> made = with_layers(registry.load("scene"), ["embedding", "logits"])
    >>> made.output, made.columns
    ('layers', {'embedding': slice(0, 64, None), 'logits': slice(64, 70, None)})
    """
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ModelError(f"The layer {name!r} is named twice; name it once.")
    outputs = {output.name: output for output in model.card.outputs}
    if len(names) == 1 and names[0] in outputs:
        name = names[0]
        return LayerOutput(model, name, {name: slice(0, outputs[name].size)})
    file = TfliteFile(model.data)
    sizes = [file.size_of(name) for name in names]
    if sum(sizes) > MOST_VALUES:
        listed = " and ".join(f"{n} ({size})" for n, size in zip(names, sizes, strict=True))
        raise ModelError(
            f"A node returns at most {MOST_VALUES} values of layers; {listed} has more: choose a "
            "later layer, or fewer."
        )
    output = _NAME
    while output in outputs:
        output += "_"
    data = file.with_joined(output, names)
    columns, begin = {}, 0
    for name, size in zip(names, sizes, strict=True):
        columns[name] = slice(begin, begin + size)
        begin += size
    extra = OutputTensor(output, "float", (1, begin), "embeddings")
    card = structs.replace(
        model.card,
        schema=structs.replace(model.card.schema, outputs=(*model.card.outputs, extra)),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return LayerOutput(Model(model.name, model.path, card, data), output, columns)
