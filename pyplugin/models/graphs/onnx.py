"""ONNX networks (``.onnx``), without onnxruntime.

Images have their channels first in ONNX; they are turned where an operator needs it, and turns that
meet cancel each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graph import Amounts, GraphBuilder, Value, constant, same_padding
from pyplugin.models.graphs.source import (
    DAMAGE,
    OpenShapeError,
    UntranslatedError,
    in_order,
    input_shape,
)
from pyplugin.models.graphs.wire import (
    MOST_VALUES,
    array_of,
    bytes_field,
    content,
    fields,
    integer,
    number_field,
    numbers,
    real,
    text,
)
from pyplugin.support.arrays import Array

FLOAT, INT64 = 1, 7
_TYPES = {1: "f4", 2: "u1", 3: "i1", 6: "i4", 7: "i8", 9: "?", 10: "f2", 11: "f8"}
_VALUES = {4: "f4", 5: "i8", 7: "i8", 10: "f8"}
_MOST_NODES = 50_000


@dataclass
class _Attribute:
    real: float = 0.0
    integer: int = 0
    text: str = ""
    tensor: Array | None = None
    integers: list[int] = field(default_factory=list)
    graph: bool = False


_NONE = _Attribute()


@dataclass
class _Node:
    op: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    attributes: dict[str, _Attribute] = field(default_factory=dict)

    def attribute(self, name: str) -> _Attribute:
        return self.attributes.get(name, _NONE)

    def integer(self, name: str, default: int) -> int:
        return self.attributes[name].integer if name in self.attributes else default

    def integers(self, name: str, default: list[int]) -> list[int]:
        return self.attributes[name].integers if name in self.attributes else default


class OnnxNetwork:
    """A :class:`pyplugin.models.graphs.source.NetworkSource` of an ``.onnx`` file.

    Parameters
    ----------
    data
        The file.
    frames
        Size of a dimension of the input that the file leaves open.

    Raises
    ------
    ModelError
        It is damaged, not ONNX, or has no float input of a known shape.

    Attributes
    ----------
    stated
        Shapes of the outputs as the file states them; 0 where a size is left open.
    """

    framework = "onnx"
    title = ""

    def __init__(self, data: bytes, frames: int | None = None) -> None:
        self.builder = GraphBuilder()
        self.inputs: dict[str, Value] = {}
        self._values: dict[str, Value] = {}
        self._nodes: list[_Node] = []
        self.ends: list[str] = []
        self.stated: dict[str, tuple[int, ...]] = {}
        given: list[tuple[str, int, list[int]]] = []
        for number, value in fields(memoryview(data)):
            if number == 7:
                self._read(content(value), given)
        self._made = {name: node for node in self._nodes for name in node.outputs if name}
        unknown: tuple[str, list[int]] | None = None
        for name, kind, sizes in given:
            if name in self._values or kind != FLOAT:
                continue
            shape = input_shape(sizes, frames)
            if shape is None:
                unknown = (name, sizes)
            else:
                self._values[name] = self.inputs[name] = self.builder.input(name, shape)
        if not self.inputs:
            if unknown is not None:
                raise OpenShapeError(*unknown)
            raise ModelError("The file is not an ONNX network with a float input.")
        self.names = list(self._made)

    def _read(self, graph: memoryview, given: list[tuple[str, int, list[int]]]) -> None:
        for number, value in fields(graph):
            if number == 1:
                self._nodes.append(_node(content(value)))
            elif number == 5:
                name, array = _tensor(content(value))
                self._values[name] = constant(array)
            elif number == 11:
                given.append(_input(content(value)))
            elif number == 12:
                name, _, sizes = _input(content(value))
                self.ends.append(name)
                self.stated[name] = tuple(sizes)
            if len(self._nodes) > _MOST_NODES:
                raise ModelError(f"The network has more than {_MOST_NODES} nodes.")

    def kind(self, name: str) -> str:
        """Return ONNX' name of a layer's operator."""
        return self._made[name].op

    def sources(self, name: str) -> list[str]:
        """Return the names of what a layer reads."""
        return self._made[name].inputs

    def value(self, name: str) -> Value:
        """Return the result of a layer."""
        for each in in_order(name, self._values, self._needed):
            self._compute(self._made[each], each)
        return self._values[name]

    def _needed(self, name: str) -> list[str]:
        if name not in self._made:
            raise ModelError(f"The network has no value {name!r}, which a layer reads.")
        return [each for each in self._made[name].inputs if each]

    def _compute(self, node: _Node, name: str) -> None:
        translate = OPERATORS.get(node.op)
        if translate is None or any(each.graph for each in node.attributes.values()):
            raise UntranslatedError(f"The operator {node.op} (layer {name!r}) is not known here.")
        if node.op == "Clip" and node.inputs[1:2] == [""]:
            node = replace(node, op="Min", inputs=[node.inputs[0], *node.inputs[2:3]])
            translate = OPERATORS["Min"]
        if "" in node.inputs:
            raise UntranslatedError(f"Layer {name!r} ({node.op}) leaves an input out.")
        inputs = [self._values[each] for each in node.inputs]
        try:
            result = translate(self.builder, node, inputs)
        except ModelError as error:
            raise UntranslatedError(f"Layer {name!r} ({node.op}): {error}") from None
        except DAMAGE as error:
            raise ModelError(f"Layer {name!r} ({node.op}) is damaged ({error}).") from error
        results = result if isinstance(result, list) else [result]
        for output, value in zip(node.outputs, results, strict=False):
            self._values[output] = value
        if name not in self._values:
            raise UntranslatedError(f"Layer {name!r} ({node.op}) has no such output here.")


# ---- operators

_Translate = Callable[[GraphBuilder, _Node, list[Value]], "Value | list[Value]"]


def _known(value: Value) -> Array:
    if value.constant is None:
        raise ModelError("an operand that depends on the input")
    return value.constant


def _whole(value: Value) -> list[int]:
    return [int(each) for each in _known(value).reshape(-1)]


def _image(build: GraphBuilder, x: Value) -> tuple[Value, bool]:
    """Return an array with channels last, as an image, and whether it has one axis only."""
    if len(x.shape) == 3:
        x = build.reshape(x, (*x.shape, 1))
        return build.transpose(x, (0, 2, 3, 1)), True
    if len(x.shape) != 4:
        raise ModelError(f"an array of shape {list(x.shape)} where an image is expected")
    return build.transpose(x, (0, 2, 3, 1)), False


def _back(build: GraphBuilder, x: Value, *, one_axis: bool) -> Value:
    x = build.transpose(x, (0, 3, 1, 2))
    return build.reshape(x, x.shape[:3]) if one_axis else x


def _pair(node: _Node, name: str) -> tuple[int, int]:
    given = node.integers(name, [1, 1])
    return (given[0], 1) if len(given) == 1 else (given[0], given[1])


def _padding(node: _Node, x: Value, reach: tuple[int, int], stride: tuple[int, int]) -> Amounts:
    how = node.attribute("auto_pad").text or "NOTSET"
    if how in ("SAME_UPPER", "SAME_LOWER"):
        amounts = same_padding(x.shape[1:3], reach, stride)
        return amounts if how == "SAME_UPPER" else tuple((b, a) for a, b in amounts)
    given = node.integers("pads", [0, 0, 0, 0])
    if how == "VALID":
        given = [0] * len(given)
    if len(given) == 2:
        return ((given[0], given[1]), (0, 0))
    return ((given[0], given[2]), (given[1], given[3]))


def _conv(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    weights = _known(inputs[1])
    x, one_axis = _image(build, inputs[0])
    if one_axis:
        weights = weights[..., None]
    kernel = weights.transpose(2, 3, 1, 0)
    stride, dilation = _pair(node, "strides"), _pair(node, "dilations")
    height, width = ((kernel.shape[i] - 1) * dilation[i] + 1 for i in range(2))
    y = build.conv(
        x,
        kernel,
        _known(inputs[2]) if len(inputs) > 2 else None,
        stride=stride,
        dilation=dilation,
        padding=_padding(node, x, (height, width), stride),
        groups=node.integer("group", 1),
    )
    return _back(build, y, one_axis=one_axis)


def _pool(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    if node.integer("ceil_mode", 0) or _pair(node, "dilations") != (1, 1):
        raise ModelError("a pool that rounds up or skips elements")
    x, one_axis = _image(build, inputs[0])
    size, stride = _pair(node, "kernel_shape"), _pair(node, "strides")
    kind = "max_pool" if node.op == "MaxPool" else "mean_pool"
    padding = _padding(node, x, size, stride)
    if kind == "mean_pool" and node.integer("count_include_pad", 0) and any(map(any, padding)):
        raise ModelError("a mean that counts the padding")
    y = build.pool(kind, x, size, stride=stride, padding=padding)
    return _back(build, y, one_axis=one_axis)


def _everywhere(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    kind = "reduce_max" if node.op == "GlobalMaxPool" else "mean"
    return build.reduce(kind, inputs[0], range(2, len(inputs[0].shape)), keep=True)


def _gemm(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    kernel = _known(inputs[1]) * (node.attribute("alpha").real if "alpha" in node.attributes else 1)
    if node.integer("transA", 0):
        raise ModelError("a transposed input")
    kernel = kernel.T if node.integer("transB", 0) else kernel
    beta = node.attribute("beta").real if "beta" in node.attributes else 1
    bias = np.broadcast_to(_known(inputs[2]) * beta, kernel.shape[1:]) if len(inputs) > 2 else None
    return build.dense(inputs[0], kernel, bias)


def _norm(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    gamma, beta, mean, variance = (_known(each).astype(np.float64) for each in inputs[1:5])
    epsilon = node.attribute("epsilon").real if "epsilon" in node.attributes else 1e-5
    scale = gamma / np.sqrt(variance + epsilon)
    shape = (1, -1, *[1] * (len(inputs[0].shape) - 2))
    y = build.binary("mul", inputs[0], constant(scale.astype("f4").reshape(shape)))
    shift = (beta - mean * scale).astype("f4").reshape(shape)
    return build.binary("add", y, constant(shift))


def _reduced(kind: str) -> _Translate:
    def translate(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
        axes = _whole(inputs[1]) if len(inputs) > 1 else node.integers("axes", [])
        axes = axes or list(range(len(inputs[0].shape)))
        return build.reduce(kind, inputs[0], axes, keep=bool(node.integer("keepdims", 1)))

    return translate


def _reshape(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    shape = _whole(inputs[1])
    sizes = [inputs[0].shape[axis] if size == 0 else size for axis, size in enumerate(shape)]
    return build.reshape(inputs[0], sizes)


def _flatten(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    axis = node.integer("axis", 1)
    return build.reshape(inputs[0], (int(np.prod(inputs[0].shape[:axis])), -1))


def _squeeze(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    shape = inputs[0].shape
    given = _whole(inputs[1]) if len(inputs) > 1 else node.integers("axes", [])
    alone = [axis for axis, size in enumerate(shape) if size == 1]
    gone = {axis % len(shape) for axis in given or alone}
    return build.reshape(inputs[0], [n for axis, n in enumerate(shape) if axis not in gone])


def _unsqueeze(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    given = _whole(inputs[1]) if len(inputs) > 1 else node.integers("axes", [])
    rank = len(inputs[0].shape) + len(given)
    shape = list(inputs[0].shape)
    for axis in sorted(each % rank for each in given):
        shape.insert(axis, 1)
    return build.reshape(inputs[0], shape)


def _transpose(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    rank = len(inputs[0].shape)
    return build.transpose(inputs[0], node.integers("perm", list(range(rank))[::-1]))


def _softmax(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    axis, rank = node.integer("axis", -1), len(inputs[0].shape)
    if axis % rank != rank - 1:
        raise ModelError("a softmax over another axis than the last")
    return build.softmax(inputs[0])


def _pad(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    given = _whole(inputs[1]) if len(inputs) > 1 else node.integers("pads", [])
    if (node.attribute("mode").text or "constant") != "constant" or (
        len(inputs) > 2 and np.any(_known(inputs[2]))
    ):
        raise ModelError("padding with other values than 0")
    half = len(given) // 2
    return build.pad(inputs[0], tuple(zip(given[:half], given[half:], strict=True)))


def _slice(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    starts, ends = _whole(inputs[1]), _whole(inputs[2])
    axes = _whole(inputs[3]) if len(inputs) > 3 else list(range(len(starts)))
    steps = _whole(inputs[4]) if len(inputs) > 4 else [1] * len(starts)
    ranges = [(0, size, 1) for size in inputs[0].shape]
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if step < 1:
            raise ModelError("a slice that goes backwards")
        ranges[axis] = slice(start, end, step).indices(inputs[0].shape[axis])
    return build.slice(inputs[0], ranges)


def _split(build: GraphBuilder, node: _Node, inputs: list[Value]) -> list[Value]:
    axis = node.integer("axis", 0) % len(inputs[0].shape)
    size = inputs[0].shape[axis]
    given = _whole(inputs[1]) if len(inputs) > 1 else node.integers("split", [])
    sizes = given or [size // len(node.outputs)] * len(node.outputs)
    parts, start = [], 0
    for each in sizes:
        ranges = [(0, n, 1) for n in inputs[0].shape]
        ranges[axis] = (start, start + each, 1)
        parts.append(build.slice(inputs[0], ranges))
        start += each
    return parts


def _clip(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    y = inputs[0]
    limits = [float(_known(each).reshape(())) for each in inputs[1:]]
    if not limits:
        limits = [node.attribute(name).real for name in ("min", "max") if name in node.attributes]
    for kind, limit in zip(("maximum", "minimum"), limits, strict=False):
        y = build.binary(kind, y, constant(np.float32(limit)))
    return y


def _constant(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    given = node.attributes
    if "value" in given and given["value"].tensor is not None:
        return constant(given["value"].tensor)
    if "value_float" in given:
        return constant(np.float32(given["value_float"].real))
    if "value_int" in given:
        return constant(np.int64(given["value_int"].integer))
    if "value_ints" in given:
        return constant(np.array(given["value_ints"].integers, np.int64))
    raise ModelError("a constant of a type that is not known here")


def _gather(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    axis = node.integer("axis", 0)
    if inputs[0].constant is not None:
        table, places = inputs[0].constant, _known(inputs[1]).astype(int)
        if places.size * table.size > MOST_VALUES:
            raise ModelError(f"{places.size} of an array of shape {list(table.shape)}")
        return constant(np.take(table, places, axis=axis))
    axis %= len(inputs[0].shape)
    (index,) = _whole(inputs[1])
    index %= inputs[0].shape[axis]
    ranges = [(0, size, 1) for size in inputs[0].shape]
    ranges[axis] = (index, index + 1, 1)
    y = build.slice(inputs[0], ranges)
    if inputs[1].shape:
        return y
    return build.reshape(y, [n for each, n in enumerate(y.shape) if each != axis])


def _cast(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    kind = _TYPES.get(node.integer("to", 0), "")
    if inputs[0].constant is not None and kind:
        return constant(inputs[0].constant.astype(kind))
    if kind != "f4":
        raise ModelError("a conversion to another type than float")
    return inputs[0]


def _binary(kind: str) -> _Translate:
    return lambda build, node, inputs: build.binary(kind, *inputs)


def _unary(kind: str) -> _Translate:
    return lambda build, node, inputs: build.unary(kind, inputs[0])


def _power(build: GraphBuilder, node: _Node, inputs: list[Value]) -> Value:
    exponent = float(_known(inputs[1]).reshape(()))
    if exponent not in (2.0, 0.5):
        raise ModelError(f"a power of {exponent:g}")
    return build.unary("square" if exponent == 2.0 else "sqrt", inputs[0])


OPERATORS: dict[str, _Translate] = {
    "Conv": _conv,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "GlobalMaxPool": _everywhere,
    "GlobalAveragePool": _everywhere,
    "Gemm": _gemm,
    "MatMul": lambda build, node, inputs: build.matmul(*inputs),
    "BatchNormalization": _norm,
    "ReduceMean": _reduced("mean"),
    "ReduceMax": _reduced("reduce_max"),
    "ReduceMin": _reduced("reduce_min"),
    "ReduceSum": _reduced("sum"),
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Softmax": _softmax,
    "Pad": _pad,
    "Slice": _slice,
    "Split": _split,
    "Clip": _clip,
    "Concat": lambda build, node, inputs: build.concat(inputs, node.integer("axis", 0)),
    "Constant": _constant,
    "Gather": _gather,
    "Cast": _cast,
    "Pow": _power,
    "Shape": lambda build, node, inputs: constant(np.array(inputs[0].shape, np.int64)),
    "LeakyRelu": lambda build, node, inputs: build.leaky_relu(
        inputs[0], node.attribute("alpha").real if "alpha" in node.attributes else 0.01
    ),
    **{
        name: _binary(kind)
        for name, kind in {
            "Add": "add",
            "Sub": "sub",
            "Mul": "mul",
            "Div": "div",
            "Max": "maximum",
            "Min": "minimum",
        }.items()
    },
    **{
        name: _unary(kind)
        for name, kind in {
            "Relu": "relu",
            "Elu": "elu",
            "Sigmoid": "sigmoid",
            "Tanh": "tanh",
            "Exp": "exp",
            "Log": "log",
            "Sqrt": "sqrt",
            "Abs": "abs",
            "Neg": "neg",
        }.items()
    },
    **dict.fromkeys(("Identity", "Dropout"), lambda build, node, inputs: inputs[0]),
}
"""Translations by ONNX' names."""


# ---- the file


def _node(message: memoryview) -> _Node:
    node = _Node()
    for number, value in fields(message):
        if number == 1:
            node.inputs.append(text(value))
        elif number == 2:
            node.outputs.append(text(value))
        elif number == 4:
            node.op = text(value)
        elif number == 5:
            name, attribute = _attribute(content(value))
            node.attributes[name] = attribute
    return node


def _attribute(message: memoryview) -> tuple[str, _Attribute]:
    name, made = "", _Attribute()
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number == 2:
            made.real = real(value)
        elif number == 3:
            made.integer = integer(value)
        elif number == 4:
            made.text = text(value)
        elif number == 5:
            made.tensor = _tensor(content(value))[1]
        elif number == 6:
            made.graph = True
        elif number == 8:
            made.integers += numbers(value, "i8").tolist()
    return name, made


def _tensor(message: memoryview) -> tuple[str, Array]:
    name, kind, shape, raw = "", "", [], None
    parts: list[Array] = []
    for number, value in fields(message):
        if number == 1:
            shape += numbers(value, "i8").tolist()
        elif number == 2:
            kind = _TYPES.get(integer(value), "")
        elif number in _VALUES:
            parts.append(numbers(value, _VALUES[number]))
        elif number == 8:
            name = text(value)
        elif number == 9:
            raw = content(value)
        elif number == 13:
            raise ModelError("The network's arrays are in another file; save it as one file.")
    if not kind:
        return name, np.zeros(0)  # of a type that no operator here takes
    try:
        return name, array_of(kind, shape, raw, parts)
    except ModelError as error:
        raise ModelError(f"The array {name!r} is damaged: {error}.") from None


def _input(message: memoryview) -> tuple[str, int, list[int]]:
    """Return name, type and shape of an input or output; 0 where a size is not stated."""
    name, kind = "", 0
    sizes: list[int] = []
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number == 2:
            for part, inner in fields(content(value)):
                if part == 1:
                    kind, sizes = _tensor_type(content(inner))
    return name, kind, sizes


def _tensor_type(message: memoryview) -> tuple[int, list[int]]:
    kind = 0
    sizes: list[int] = []
    for number, value in fields(message):
        if number == 1:
            kind = integer(value)
        elif number == 2:
            for part, inner in fields(content(value)):
                if part == 1:
                    size = [integer(v) for n, v in fields(content(inner)) if n == 1]
                    sizes.append(size[0] if size else 0)
    return kind, sizes


def value_of(name: str, shape: Sequence[int] | None) -> bytes:
    """Return what a file has of a float input or output; an output need not have a shape."""
    if shape is None:
        return bytes_field(1, name)
    sizes = b"".join(bytes_field(1, number_field(1, size)) for size in shape)
    tensor = number_field(1, FLOAT) + bytes_field(2, sizes)
    return bytes_field(1, name) + bytes_field(2, bytes_field(1, tensor))
