"""Any layer of a model as its output: the same file, with one more output."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from pyplugin._native import lib
from pyplugin.errors import ModelError
from pyplugin.models.card import OutputTensor
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.graphs.onnx import OnnxNetwork
from pyplugin.models.graphs.onnx_file import OnnxFile
from pyplugin.models.graphs.source import UntranslatedError, graph_of
from pyplugin.models.model import Model
from pyplugin.models.receptive_fields import UnitFields, unit_fields, whole_window
from pyplugin.models.tflite_file import TfliteFile
from pyplugin.support.arrays import Float32
from pyplugin.support.spelling import nearest

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
    ('layers', {'embedding': slice(0, 64, None), 'logits': slice(64, 71, None)})
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
    output = _new_name(model)
    data = file.with_joined(output, names)
    columns, begin = {}, 0
    for name, size in zip(names, sizes, strict=True):
        columns[name] = slice(begin, begin + size)
        begin += size
    return LayerOutput(_with_output(model, data, output, begin), output, columns)


@dataclass(frozen=True)
class UnitOutput:
    """A model with an output that has the values of one layer, unit by unit.

    Attributes
    ----------
    model
        The model with that output.
    output
        Its name.
    kind
        The operator that gives the layer.
    fields
        The units, and the mel frames that their values depend on.
    """

    model: Model
    output: str
    kind: str
    fields: UnitFields
    _shape: tuple[int, ...]

    def activations(self, rows: Float32) -> Float32:
        """Return the output of n windows, (n, size), as (n, positions in time, units).

        Of the values of a unit at one position, at several bands, it is the greatest.
        """
        values = rows.reshape(len(rows), *self._shape[1:])
        time, units = self.fields.time, self.fields.units
        kept = {units} if time is None else {time, units}
        others = tuple(axis for axis in range(1, values.ndim) if axis not in kept)
        values = values.max(axis=others, keepdims=True)
        order = [0, *others, *([] if time is None else [time]), units]
        return np.reshape(values.transpose(order), (len(rows), *self.fields.first.shape))


def with_units(model: Model, layer: str) -> UnitOutput:
    """Return a model that also returns a layer, of which the units can be distinguished.

    Parameters
    ----------
    model
        The model, which is not changed.
    layer
        One of those that ``tagnode models layers`` lists.

    Raises
    ------
    ModelError
        There is no such layer, it is too large or does not depend on the input, or the package that
        holds the schema of ``.tflite`` files is missing.

    Examples
    --------
    >>> from pyplugin.models import registry
    >>> made = with_units(registry.load("scene"), "layer_3")
    >>> made.fields.first.shape, int(made.fields.frames[0])
    ((117, 48), 9)
    """
    if "onnx" in model.card.model_types:
        return _of_onnx(model, layer)
    fields, file = unit_fields(model.data, layer), TfliteFile(model.data)
    shape = fields.shape
    window = (1, 1)
    if len(shape) == 4 and fields.units == 3:
        height, width = (1 if axis == fields.time else shape[axis] for axis in (1, 2))
        window = (height, width)
        shape = (1, shape[1] // window[0], shape[2] // window[1], shape[3])
    output, size = _new_name(model), _size(layer, shape)
    data = file.with_greatest(output, layer, window)
    return UnitOutput(
        _with_output(model, data, output, size), output, file.kind_of(layer), fields, shape
    )


def _of_onnx(model: Model, layer: str) -> UnitOutput:
    """Return the same of an ``.onnx`` file, whose operators may be known to onnxruntime only."""
    file = OnnxFile(model.data)
    kinds = {each.name: each for each in file.layers}
    if layer not in kinds:
        raise ModelError(f"The network has no layer {layer!r}; {nearest(layer, kinds)}")
    found = kinds[layer]
    output, size = _new_name(model), _size(layer, found.shape)
    try:
        known = tflite_of(graph_of(OnnxNetwork(model.data), {_NAME: layer}))
    except UntranslatedError:
        fields = whole_window(found.shape, model.card.patch_frames)
    else:
        fields = unit_fields(known, _NAME, channels_first=True)
    made = _with_output(model, file.with_output(output, layer), output, size)
    return UnitOutput(made, output, found.kind, fields, fields.shape)


def _size(layer: str, shape: Sequence[int]) -> int:
    """Return the number of values, unless they are too many for a node."""
    size = math.prod(shape)
    if size > MOST_VALUES:
        raise ModelError(
            f"A node returns at most {MOST_VALUES} values of a layer; {layer} has {size}: choose a "
            "later layer."
        )
    return size


def _new_name(model: Model) -> str:
    output = _NAME
    while output in {each.name for each in model.card.outputs}:
        output += "_"
    return output


def _with_output(model: Model, data: bytes, name: str, size: int) -> Model:
    """Return the model of another file, which has one more output."""
    extra = OutputTensor(name, "float", (1, size), "embeddings")
    card = structs.replace(
        model.card,
        schema=structs.replace(model.card.schema, outputs=(*model.card.outputs, extra)),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    return Model(model.name, model.path, card, data)
