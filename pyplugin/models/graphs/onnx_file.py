"""ONNX files that are kept as they are, for onnxruntime: their layers, and the form for a node.

The counterpart of :mod:`pyplugin.models.tflite_file` for networks with operators that are not known
here. What shapes their results have is found by running them once, in a process of its own, see
:mod:`pyplugin.models.graphs.onnx_process`.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec

from pyplugin.errors import ModelError
from pyplugin.models.card import ModelType
from pyplugin.models.graphs.onnx import INT64, OnnxNetwork, value_of
from pyplugin.models.graphs.source import NetworkLayer
from pyplugin.models.graphs.wire import bytes_field, content, fields, number_field, text
from pyplugin.support.apart import run_apart
from pyplugin.support.optional import install
from pyplugin.support.spelling import nearest

_SECONDS = 120.0
_MEMORY = 4 << 30
_OURS = "tagnode/"  # before names of values that are added
_DEEPEST = 16

Shapes = dict[str, tuple[int, ...]]


class OnnxFile:
    """A file that has been read.

    Parameters
    ----------
    data
        The file.
    frames
        Size of a dimension of the input that the file leaves open.

    Attributes
    ----------
    inputs, outputs
        Shapes by name, in the file's order; outputs that are float.
    kinds
        How many operators of each kind there are.
    layers
        The float results of all operators, in the order of the file.

    Raises
    ------
    ModelError
        It is damaged, has arrays in other files, onnxruntime is not installed or cannot run it.
    """

    framework = "onnx"
    model_type: ModelType = "onnx"

    def __init__(self, data: bytes, frames: int | None = None) -> None:
        if find_spec("onnxruntime") is None:
            raise ModelError(f"It can be kept for onnxruntime: {install('onnx')}.")
        self._data, self._network = data, OnnxNetwork(data, frames)
        for graph in _graphs(memoryview(data)):
            for tensor in graph:
                if any(number in (13, 14) for number, _ in fields(tensor)):
                    raise ModelError("The network's arrays are in another file; save it as one.")
        self.inputs = {name: value.shape for name, value in self._network.inputs.items()}
        names, kind = self._network.names, self._network.kind
        self.kinds = dict(Counter(map(kind, names)))
        shapes = self._run(names)
        self.layers = [
            NetworkLayer(name, kind(name), shapes[name]) for name in names if name in shapes
        ]
        self.outputs = {name: shapes[name] for name in self._network.ends if name in shapes}

    def end_kind(self, name: str) -> str:
        """Return the operator that gives a layer; of one in another shape, the operator before."""
        for _ in range(len(self._network.names)):
            if name not in self._network.names:
                return ""
            kind = self._network.kind(name)
            if kind not in ("Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Cast"):
                return kind
            name = self._network.sources(name)[0]
        return ""

    def _run(self, names: Sequence[str]) -> Shapes:
        """Return the shapes of those results that are float, by running the network once."""
        found = run_apart(
            "pyplugin.models.graphs.onnx_process",
            {"inputs": self.inputs},
            {"network.onnx": self._changed(self.inputs, names)},
            what="The network in onnxruntime",
            seconds=_SECONDS,
            memory=_MEMORY,
            error=ModelError,
        )
        return {name: tuple(shape) for name, shape in found.items()}

    def adapted(
        self, frames: int, bands: int, outputs: Mapping[str, str], *, description: str = ""
    ) -> bytes:
        """Return the file with the input ``mel``, (1, frames, bands), and these float outputs.

        Parameters
        ----------
        frames, bands
            Of a patch.
        outputs
            Layers by the names of the outputs, which have the shape (1, n).
        description
            Kept in the file.

        Raises
        ------
        ModelError
            There is no such layer, or the network has several inputs.
        """
        if len(self.inputs) != 1:
            raise ModelError(
                f"The network has {len(self.inputs)} inputs; one is expected, mel frames."
            )
        shapes = {layer.name: layer.shape for layer in self.layers}
        for name in outputs.values():
            if name not in shapes:
                raise ModelError(f"The network has no layer {name!r}; {nearest(name, shapes)}")
        ((source, shape),) = self.inputs.items()
        mel, given = f"{_OURS}mel", (1, frames, bands)
        before, value = [], mel
        if [size for size in shape if size > 1] != [size for size in given[1:] if size > 1]:
            value = f"{_OURS}turned"
            before.append(_node("Transpose", [mel], value, perm=(0, 2, 1)))
        before += _reshape(value, shape, source)
        after: list[bytes] = []
        for public, name in outputs.items():
            after += _reshape(name, (1, math.prod(shapes[name])), f"{_OURS}{public}")
        ends = {f"{_OURS}{name}": (1, math.prod(shapes[of])) for name, of in outputs.items()}
        return self._changed({mel: given}, ends, before, after, description)

    def with_output(self, output: str, layer: str) -> bytes:
        """Return a file that `adapted` wrote with one more output: a layer as (1, n).

        Parameters
        ----------
        output
            Name of the output.
        layer
            One of `layers`.

        Raises
        ------
        ModelError
            There is no such layer.
        """
        shapes = {each.name: each.shape for each in self.layers}
        if layer not in shapes:
            raise ModelError(f"The network has no layer {layer!r}; {nearest(layer, shapes)}")
        name, flat = f"{_OURS}{output}", (1, math.prod(shapes[layer]))
        ends = {**self._network.stated, name: flat}
        return self._changed(self.inputs, ends, (), _reshape(layer, flat, name))

    def _changed(
        self,
        inputs: Mapping[str, Sequence[int]],
        outputs: Sequence[str] | Mapping[str, Sequence[int]],
        before: Sequence[bytes] = (),
        after: Sequence[bytes] = (),
        description: str | None = None,
    ) -> bytes:
        """Return the file with other inputs and outputs, and fields around those of its graph."""
        made = []
        for number, value in fields(memoryview(self._data)):
            if number == 7:
                graph = [bytes_field(11, value_of(name, shape)) for name, shape in inputs.items()]
                graph += before
                for part, inner in fields(content(value)):
                    given = part == 11 and _name(content(inner)) in self.inputs
                    if not given and part not in (12, 13):  # outputs, what is known of others
                        graph.append(_field(part, inner))
                graph += after
                shapes = outputs if isinstance(outputs, Mapping) else dict.fromkeys(outputs)
                graph += [bytes_field(12, value_of(name, shape)) for name, shape in shapes.items()]
                made.append(bytes_field(7, b"".join(graph)))
            elif number != 6 or description is None:
                made.append(_field(number, value))
        if description is not None:
            made.append(bytes_field(6, description))
        return b"".join(made)


def read_interface(data: bytes) -> tuple[Shapes, Shapes]:
    """Return names and shapes of the inputs and of the outputs that `OnnxFile.adapted` wrote.

    Raises
    ------
    ModelError
        The file is damaged.
    """
    network = OnnxNetwork(data)
    inputs = {name.removeprefix(_OURS): value.shape for name, value in network.inputs.items()}
    return inputs, {name.removeprefix(_OURS): size for name, size in network.stated.items()}


def _name(value: memoryview) -> str:
    return next((text(inner) for part, inner in fields(value) if part == 1), "")


def _field(number: int, value: int | memoryview) -> bytes:
    return number_field(number, value) if isinstance(value, int) else bytes_field(number, value)


def _node(kind: str, inputs: Sequence[str], output: str, **integers: Sequence[int]) -> bytes:
    """Return an operator as a field of a graph."""
    parts = [bytes_field(1, name) for name in inputs]
    parts += [bytes_field(2, output), bytes_field(4, kind)]
    for name, values in integers.items():
        numbers = b"".join(number_field(8, value) for value in values)
        parts.append(bytes_field(5, bytes_field(1, name) + numbers + number_field(20, 7)))
    return bytes_field(1, b"".join(parts))


def _reshape(value: str, shape: Sequence[int], result: str) -> list[bytes]:
    """Return a change of shape as fields of a graph: the operator and its constant."""
    table = f"{result}/{_OURS}shape"
    numbers = b"".join(number_field(7, size) for size in shape)
    tensor = number_field(1, len(shape)) + number_field(2, INT64) + numbers + bytes_field(8, table)
    return [_node("Reshape", [value, table], result), bytes_field(5, tensor)]


def _graphs(model: memoryview) -> Iterator[list[memoryview]]:
    """Yield the arrays of each graph and function of a file, those within operators too."""
    for number, value in fields(model):
        if number == 7:
            yield from _within(content(value), 5, 1, 0)
        elif number == 25:
            yield from _within(content(value), 0, 7, 0)


def _within(graph: memoryview, arrays: int, nodes: int, depth: int) -> Iterator[list[memoryview]]:
    """Yield the arrays of a graph, by the numbers of its fields."""
    if depth > _DEEPEST:
        raise ModelError(f"The network has operators within operators, more than {_DEEPEST} deep.")
    tensors: list[memoryview] = []
    for number, value in fields(graph):
        if number == arrays:
            tensors.append(content(value))
        elif number == 15 and arrays:
            tensors += [content(inner) for part, inner in fields(content(value)) if part < 3]
        elif number == nodes:
            for part, inner in fields(content(value)):
                if part != 5:
                    continue
                for kind, held in fields(content(inner)):
                    if kind in (5, 10):
                        tensors.append(content(held))
                    elif kind in (6, 11):
                        yield from _within(content(held), 5, 1, depth + 1)
    yield tensors
