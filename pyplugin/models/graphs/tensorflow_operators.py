"""Translations of TensorFlow's operators, for :mod:`pyplugin.models.graphs.tensorflow`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graph import Amounts, GraphBuilder, Value, constant
from pyplugin.models.graphs.graphdef import BOOL, FLOAT, TYPES, VARIABLES, GraphNode, tensor_of
from pyplugin.models.graphs.wire import MOST_VALUES
from pyplugin.support.arrays import Array


class TensorflowNetwork(Protocol):
    """What a translation needs of the network: where its steps are collected, and the inputs.

    `batch` is that of the file; here it is always 1.
    """

    builder: GraphBuilder
    inputs: dict[str, Value]
    batch: int


Result = Value | tuple[Value | None, ...]
_Translate = Callable[[TensorflowNetwork, GraphNode, list[Value]], Result]


def _whole(value: Value) -> list[int]:
    """Return the numbers of a constant of integers."""
    if value.constant is None:
        raise ModelError("a shape or an axis depends on the input")
    return [int(each) for each in np.asarray(value.constant).reshape(-1)]


def _known(value: Value) -> Array:
    if value.constant is None:
        raise ModelError("an operand that depends on the input")
    return value.constant


def _placeholder(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    if node.name in graph.inputs:
        return graph.inputs[node.name]
    if node.attribute("dtype").kind == BOOL:
        return constant(False)
    raise ModelError("an input that is not float")


def _fused_norm(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Result:
    epsilon = node.attribute("epsilon").real if "epsilon" in node.attributes else 1e-4
    if "is_training" not in node.attributes or node.attribute("is_training").flag:
        raise ModelError("a batch norm in training")
    x, (gamma, beta, mean, variance) = inputs[0], [_known(each) for each in inputs[1:5]]
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    shift = beta - mean * scale
    build, axis = graph.builder, _channel_axis(node)
    shape = [1] * len(x.shape)
    shape[axis] = -1
    scale, shift = scale.reshape(shape), shift.reshape(shape)
    y = build.binary("mul", x, constant(scale.astype(np.float32)))
    return (build.binary("add", y, constant(shift.astype(np.float32))), *[None] * 5)


def _bias(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    x, bias = inputs
    if _channel_axis(node) == 1 and len(x.shape) == 4 and bias.constant is not None:
        bias = constant(bias.constant.reshape(1, -1, 1, 1))
    return graph.builder.binary("add", x, bias)


def _conv(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    return _as_image(graph, node, inputs[0], lambda x: _convolved(graph, node, x, inputs[1]))


def _convolved(graph: TensorflowNetwork, node: GraphNode, x: Value, kernel: Value) -> Value:
    weights = _known(kernel)
    groups = 1
    if "Depthwise" in node.op:
        groups = weights.shape[2]
        weights = weights.reshape(*weights.shape[:2], 1, -1)
    elif x.shape[3] != weights.shape[2]:
        groups = x.shape[3] // max(weights.shape[2], 1)
    return graph.builder.conv(
        x,
        weights,
        stride=_pair(node, "strides"),
        dilation=_pair(node, "dilations"),
        padding=_padding(node),
        groups=groups,
    )


def _pool(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    kind = "max_pool" if node.op.startswith("Max") else "mean_pool"
    size, stride = _pair(node, "ksize"), _pair(node, "strides")

    def pooled(x: Value) -> Value:
        return graph.builder.pool(kind, x, size, stride=stride, padding=_padding(node))

    return _as_image(graph, node, inputs[0], pooled)


def _as_image(
    graph: TensorflowNetwork, node: GraphNode, x: Value, operate: Callable[[Value], Value]
) -> Value:
    """Run an operator on channels last, whatever the node's layout."""
    if _channel_axis(node) != 1:
        return operate(x)
    build = graph.builder
    return build.transpose(operate(build.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))


def _reduced(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    kinds = {"Mean": "mean", "Max": "reduce_max", "Min": "reduce_min", "Sum": "sum"}
    keep = node.attribute("keep_dims").flag
    if node.op == "Prod":
        axes = tuple(_whole(inputs[1]))
        return constant(np.prod(_known(inputs[0]), axis=axes, keepdims=keep))
    return graph.builder.reduce(kinds[node.op], inputs[0], _whole(inputs[1]), keep=keep)


def _matmul(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    x, y = inputs
    if node.attribute("transpose_b").flag or node.attribute("adj_y").flag:
        y = graph.builder.transpose(y, [*range(len(y.shape) - 2), -1, -2])
    if node.attribute("transpose_a").flag or node.attribute("adj_x").flag:
        x = graph.builder.transpose(x, [*range(len(x.shape) - 2), -1, -2])
    return graph.builder.matmul(x, y)


def _binary(kind: str) -> _Translate:
    def translate(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
        return graph.builder.binary(kind, *inputs)

    return translate


def _unary(kind: str) -> _Translate:
    return lambda graph, node, inputs: graph.builder.unary(kind, inputs[0])


def _reshape(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    shape = _whole(inputs[1])
    if graph.batch > 1 and shape[:1] == [graph.batch] and -1 not in shape:
        shape[0] = inputs[0].size // max(math.prod(shape[1:]), 1)
    return graph.builder.reshape(inputs[0], shape)


def _squeeze(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    shape = inputs[0].shape
    alone = [axis for axis, size in enumerate(shape) if size == 1]
    gone = {axis % len(shape) for axis in node.attribute("squeeze_dims").integers or alone}
    left = [size for axis, size in enumerate(shape) if axis not in gone]
    return graph.builder.reshape(inputs[0], left)


def _expand(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    (axis,) = _whole(inputs[1])
    shape = list(inputs[0].shape)
    shape.insert(axis + len(shape) + 1 if axis < 0 else axis, 1)
    return graph.builder.reshape(inputs[0], shape)


def _concat(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    if node.op == "Concat":
        (axis,), parts = _whole(inputs[0]), inputs[1:]
    else:
        (axis,), parts = _whole(inputs[-1]), inputs[:-1]
    return graph.builder.concat(parts, axis)


def _pack(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    axis = node.attribute("axis").integer
    axis += len(inputs[0].shape) + 1 if axis < 0 else 0
    shape = [*inputs[0].shape[:axis], 1, *inputs[0].shape[axis:]]
    return graph.builder.concat([graph.builder.reshape(x, shape) for x in inputs], axis)


def _pad(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    around = np.asarray(_known(inputs[1])).reshape(-1, 2)
    if len(inputs) > 2 and np.any(_known(inputs[2])):
        raise ModelError("padding with other values than 0")
    return graph.builder.pad(inputs[0], tuple((int(a), int(b)) for a, b in around))


def _split(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Result:
    if node.op == "Split":
        (axis,), x = _whole(inputs[0]), inputs[1]
        count = node.attribute("num_split").integer
        if not 1 <= count <= x.shape[axis]:
            raise ModelError(f"{count} parts of {x.shape[axis]}")
        sizes = [x.shape[axis] // count] * count
    else:
        x, sizes, (axis,) = inputs[0], _whole(inputs[1]), _whole(inputs[2])
    parts, start = [], 0
    axis %= len(x.shape)
    for size in sizes:
        size = x.shape[axis] - start if size < 0 else size
        ranges = [(0, each, 1) for each in x.shape]
        ranges[axis] = (start, start + size, 1)
        parts.append(graph.builder.slice(x, ranges))
        start += size
    return tuple(parts)


def _strided(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    x, begin, end, step = inputs[0], *(_whole(each) for each in inputs[1:4])
    masks = {
        name: node.attribute(f"{name}_mask").integer
        for name in ("begin", "end", "shrink_axis", "new_axis", "ellipsis")
    }

    def is_set(mask: str, place: int) -> bool:
        return bool(masks[mask] >> place & 1)

    added = sum(is_set("new_axis", place) for place in range(len(begin)))
    gaps = sum(is_set("ellipsis", place) for place in range(len(begin)))
    sizes, ranges, left = list(x.shape), [], []
    rest = len(sizes) - (len(begin) - added - gaps)  # axes that no place names

    def keep(count: int) -> None:
        for size in [sizes.pop(0) for _ in range(count)]:
            ranges.append((0, size, 1))
            left.append(size)

    for place in range(len(begin)):
        if is_set("ellipsis", place):
            keep(rest)
            continue
        if is_set("new_axis", place):
            left.append(1)
            continue
        size = sizes.pop(0)
        if is_set("shrink_axis", place):
            start = begin[place] % size
            ranges.append((start, start + 1, 1))
            continue
        first = None if is_set("begin", place) else begin[place]
        last = None if is_set("end", place) else end[place]
        start, stop, each = slice(first, last, step[place]).indices(size)
        if each < 0:
            raise ModelError("a slice that goes backwards")
        ranges.append((start, stop, each))
        left.append(len(range(start, stop, each)))
    keep(len(sizes))
    return graph.builder.reshape(graph.builder.slice(x, ranges), left)


def _slice(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    begin, size = _whole(inputs[1]), _whole(inputs[2])
    shape = inputs[0].shape
    sizes = zip(shape, begin, size, strict=True)
    ranges = [(first, whole if n < 0 else first + n, 1) for whole, first, n in sizes]
    return graph.builder.slice(inputs[0], ranges)


def _gather(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    axis = _whole(inputs[2])[0] if len(inputs) > 2 else 0
    table, places = _known(inputs[0]), _known(inputs[1])
    if places.size * table.size > MOST_VALUES:
        raise ModelError(f"{places.size} of an array of shape {list(table.shape)}")
    return constant(np.take(table, places, axis=axis))


def _switch(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Result:
    taken = bool(_known(inputs[1]).reshape(()))
    return (None, inputs[0]) if taken else (inputs[0], None)


def _cast(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    if inputs[0].constant is None:
        if node.attribute("DstT").kind != FLOAT:
            raise ModelError("a conversion to another type than float")
        return inputs[0]
    return constant(inputs[0].constant.astype(TYPES[node.attribute("DstT").kind]))


def _filled(shape: list[int], value: Array) -> Value:
    if min(shape, default=0) < 0 or math.prod(shape) > MOST_VALUES:
        raise ModelError(f"an array whose size cannot be: {shape}")
    return constant(np.full(shape, value.reshape(())))


def _range(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    first, end, step = (_known(each).reshape(()) for each in inputs)
    if not 0 <= (float(end) - float(first)) / float(step) <= MOST_VALUES:
        raise ModelError(f"a range from {first} to {end} by {step}")
    return constant(np.arange(first.item(), end.item(), step.item(), dtype=first.dtype))


def _sparse(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    where, shape, values, default = (_known(each) for each in inputs)
    dense = np.array(_filled([int(n) for n in shape.reshape(-1)], default).constant)
    dense[tuple(np.atleast_2d(where.reshape(len(where), -1)).T)] = values
    return constant(dense)


def _fused(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    """Translate what a converter joined: a product, then a bias and an activation."""
    first = _conv if "Conv" in node.op else _matmul
    value, rest = first(graph, node, inputs[:2]), inputs[2:]
    for name in node.attribute("fused_ops").texts:
        if name == "BiasAdd":
            value, rest = _bias(graph, node, [value, rest[0]]), rest[1:]
        elif name in _ACTIVATIONS:
            value = graph.builder.unary(_ACTIVATIONS[name], value)
        else:
            raise ModelError(f"the joined operator {name} is not known here")
    return value


_ACTIVATIONS = {"Relu": "relu", "Relu6": "relu6", "Elu": "elu", "Sigmoid": "sigmoid"}


def _variable(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
    raise ModelError("a variable whose values are not in the file or its checkpoint")


def _folded(function: Callable[..., Any]) -> _Translate:
    """Return the translation of an operator on constants only."""

    def translate(graph: TensorflowNetwork, node: GraphNode, inputs: list[Value]) -> Value:
        return constant(function(*(_known(each) for each in inputs)))

    return translate


OPERATORS: dict[str, _Translate] = {
    "Placeholder": _placeholder,
    "PlaceholderWithDefault": lambda graph, node, inputs: inputs[0],
    "Const": lambda graph, node, inputs: constant(tensor_of(node.attribute("value").tensor)),
    "FusedBatchNorm": _fused_norm,
    "FusedBatchNormV2": _fused_norm,
    "FusedBatchNormV3": _fused_norm,
    "BiasAdd": _bias,
    "Conv2D": _conv,
    "DepthwiseConv2dNative": _conv,
    "_FusedMatMul": _fused,
    "_FusedConv2D": _fused,
    "FusedDepthwiseConv2dNative": _fused,
    "MaxPool": _pool,
    "AvgPool": _pool,
    "Mean": _reduced,
    "Max": _reduced,
    "Min": _reduced,
    "Sum": _reduced,
    "Prod": _reduced,
    "MatMul": _matmul,
    "BatchMatMul": _matmul,
    "BatchMatMulV2": _matmul,
    "Reshape": _reshape,
    "Squeeze": _squeeze,
    "ExpandDims": _expand,
    "Transpose": lambda g, node, inputs: g.builder.transpose(inputs[0], _whole(inputs[1])),
    "ConcatV2": _concat,
    "Concat": _concat,
    "Pack": _pack,
    "Pad": _pad,
    "PadV2": _pad,
    "Split": _split,
    "SplitV": _split,
    "StridedSlice": _strided,
    "Slice": _slice,
    "GatherV2": _gather,
    "Gather": _gather,
    "Softmax": lambda graph, node, inputs: graph.builder.softmax(inputs[0]),
    "LeakyRelu": lambda graph, node, inputs: graph.builder.leaky_relu(
        inputs[0], node.attribute("alpha").real if "alpha" in node.attributes else 0.2
    ),
    "Switch": _switch,
    "Cast": _cast,
    "Shape": lambda graph, node, inputs: constant(np.array(inputs[0].shape, np.int32)),
    "Range": _range,
    "Equal": _folded(np.equal),
    "Where": _folded(lambda x: np.argwhere(x).astype(np.int64)),
    "Fill": lambda graph, node, inputs: _filled(_whole(inputs[0]), _known(inputs[1])),
    "Floor": _folded(np.floor),
    "FloorDiv": _folded(np.floor_divide),
    "SparseToDense": _sparse,
    **dict.fromkeys(VARIABLES, _variable),
    **{
        name: _binary(kind)
        for name, kind in {
            "Add": "add",
            "AddV2": "add",
            "Sub": "sub",
            "Mul": "mul",
            "RealDiv": "div",
            "Div": "div",
            "Maximum": "maximum",
            "Minimum": "minimum",
            "SquaredDifference": "squared_difference",
        }.items()
    },
    **{
        name: _unary(kind)
        for name, kind in {
            "Relu": "relu",
            "Relu6": "relu6",
            "Elu": "elu",
            "Sigmoid": "sigmoid",
            "Tanh": "tanh",
            "Exp": "exp",
            "Log": "log",
            "Sqrt": "sqrt",
            "Rsqrt": "rsqrt",
            "Square": "square",
            "Abs": "abs",
            "Neg": "neg",
        }.items()
    },
    **dict.fromkeys(
        ("Identity", "StopGradient", "Snapshot", "PreventGradient", "CheckNumerics", "EnsureShape"),
        lambda graph, node, inputs: inputs[0],
    ),
    "IdentityN": lambda graph, node, inputs: tuple(inputs),
}
"""Translations by TensorFlow's names."""


def _channel_axis(node: GraphNode) -> int:
    return 1 if node.attribute("data_format").text == "NCHW" else -1


def _pair(node: GraphNode, name: str) -> tuple[int, int]:
    """Return the numbers for height and width."""
    four = node.attribute(name).integers or [1, 1, 1, 1]
    first = 2 if _channel_axis(node) == 1 else 1
    return four[first], four[first + 1]


def _padding(node: GraphNode) -> Amounts | str:
    name = node.attribute("padding").text
    if name == "EXPLICIT":
        amounts = node.attribute("explicit_paddings").integers
        first = 4 if _channel_axis(node) == 1 else 2
        return tuple((amounts[i], amounts[i + 1]) for i in (first, first + 2))
    return name.lower()
