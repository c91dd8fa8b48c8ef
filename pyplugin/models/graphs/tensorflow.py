"""TensorFlow's frozen graphs (``.pb``), without TensorFlow.

A file is a ``GraphDef``: nodes with their operator, inputs and attributes, and a library of
functions, which calls are replaced by. Switches are decided by their constants; that a network is
not in training is one of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graph import Amounts, GraphBuilder, Value, constant
from pyplugin.models.graphs.source import OpenShapeError, in_order, input_shape
from pyplugin.models.graphs.wire import content, fields, integer, numbers, real, text
from pyplugin.support.arrays import Array

_MOST_NODES = 50_000
_DEEPEST_CALL = 16
_FLOAT, _BOOL = 1, 10
_TYPES = {1: "f4", 2: "f8", 3: "i4", 4: "u1", 6: "i1", 9: "i8", 10: "?", 19: "f2"}
_VALUES = {5: "f4", 6: "f8", 7: "i4", 10: "i8", 11: "i8"}  # fields of a tensor, by number


@dataclass
class Attribute:
    """A value beside a node; one field is used, which one depends on its name."""

    text: str = ""
    integer: int = 0
    real: float = 0.0
    flag: bool = False
    kind: int = 0
    shape: list[int] = field(default_factory=list)
    tensor: memoryview | Array | None = None
    integers: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    function: str = ""


_NONE = Attribute()


@dataclass
class GraphNode:
    """A node of a graph or of a function."""

    name: str = ""
    op: str = ""
    inputs: list[str] = field(default_factory=list)
    attributes: dict[str, Attribute] = field(default_factory=dict)

    def attribute(self, name: str) -> Attribute:
        """Return an attribute; its fields are empty where the node has none of that name."""
        return self.attributes.get(name, _NONE)


@dataclass
class _Function:
    arguments: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    nodes: list[GraphNode] = field(default_factory=list)
    returned: dict[str, str] = field(default_factory=dict)


class FrozenGraph:
    """A :class:`pyplugin.models.graphs.source.NetworkSource` of a frozen graph.

    Parameters
    ----------
    data
        The file.
    frames
        Size of a dimension of an input, besides the batch, that the file leaves open.

    Raises
    ------
    ModelError
        It is damaged, not a graph, or has no float input of a known shape.
    """

    framework = "tensorflow"
    title = ""

    def __init__(self, data: bytes, frames: int | None = None) -> None:
        self._start(*_graph(memoryview(data)), frames)

    @classmethod
    def of_nodes(cls, nodes: list[GraphNode], frames: int | None = None) -> FrozenGraph:
        """Return the graph of nodes that were read from another format."""
        made = cls.__new__(cls)
        made._start(nodes, {}, frames)
        return made

    def _start(
        self, nodes: list[GraphNode], functions: dict[str, _Function], frames: int | None
    ) -> None:
        self._functions = functions
        self.builder = GraphBuilder()
        self.inputs: dict[str, Value] = {}
        self._scope = _Scope(self, nodes, {})
        self.batch = 1  # of the file; here it is always 1
        unknown: tuple[str, list[int]] | None = None
        for node in nodes:
            if node.op != "Placeholder" or node.attribute("dtype").kind != _FLOAT:
                continue
            sizes = node.attribute("shape").shape
            self.batch = max([self.batch, *sizes[:1]])
            shape = input_shape(sizes, frames)
            if shape is not None:
                self.inputs[node.name] = self.builder.input(node.name, shape)
            else:
                unknown = (node.name, sizes)
        if not self.inputs:
            if unknown is not None:
                raise OpenShapeError(*unknown)
            raise ModelError("The graph has no float input.")
        named = [node for node in nodes if node.op not in _SILENT]
        self.names = [name for node in named for name in self._results_of(node)]
        calls = {node.name for node in named if len(self._results_of(node)) > 1}
        read = {
            each.removesuffix(":0") if _node_of(each) in calls else _node_of(each)
            for node in nodes
            for each in node.inputs
        }
        self.ends = [name for name in self.names if name not in read]

    def _results_of(self, node: GraphNode) -> list[str]:
        """Return the names of a node's results: a call of a function may have several."""
        function = self._functions.get(node.attribute("f").function)
        if function is None or node.op not in _CALLS:
            return [node.name]
        rest = range(1, len(function.results))
        return [node.name, *(f"{node.name}:{number}" for number in rest)]

    def kind(self, name: str) -> str:
        """Return TensorFlow's name of a layer's operator."""
        return self._scope.nodes[_node_of(name)].op

    def value(self, name: str) -> Value:
        """Return the result of a layer."""
        return self._scope.value(name)


_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_SILENT = {"Const", "NoOp", "Placeholder", "PlaceholderWithDefault", "Assert", "SaveV2"}


class _Scope:
    """Nodes whose results can be asked for: those of the graph, or of one call of a function."""

    def __init__(
        self,
        graph: FrozenGraph,
        nodes: Iterable[GraphNode],
        arguments: dict[str, Value],
        depth: int = 0,
    ) -> None:
        self.graph, self.depth = graph, depth
        self.nodes = {node.name: node for node in nodes}
        self._results: dict[str, tuple[Value | None, ...]] = {
            name: (value,) for name, value in arguments.items()
        }

    def value(self, reference: str) -> Value:
        """Return what a reference stands for: ``name``, ``name:1`` or ``name:output:0``."""
        value = self._at(reference)
        if value is None:
            raise ModelError(f"The layer {_node_of(reference)!r} is never reached.")
        return value

    def _at(self, reference: str) -> Value | None:
        name, number = _node_of(reference), _number_of(reference)
        self._run(name)
        results = self._results[name]
        if number >= len(results):
            raise ModelError(f"The layer {name!r} has no output {number}.")
        return results[number]

    def _run(self, wanted: str) -> None:
        """Compute a node after those that it needs."""
        for name in in_order(wanted, self._results, self._needed):
            self._results[name] = self._result(self.nodes[name])

    def _needed(self, name: str) -> list[str]:
        if name not in self.nodes:
            raise ModelError(f"The graph has no node {name!r}, which another one reads.")
        return [_node_of(each) for each in self.nodes[name].inputs if not each.startswith("^")]

    def _result(self, node: GraphNode) -> tuple[Value | None, ...]:
        inputs = [self._at(each) for each in node.inputs if not each.startswith("^")]
        if node.op == "Merge":
            live = [each for each in inputs if each is not None]
            return (live[0], None) if len(live) == 1 else (None, None)
        if any(each is None for each in inputs):
            return (None,) * 8
        values = [each for each in inputs if each is not None]
        if node.op in _CALLS:
            return self._called(node, values)
        translate = OPERATORS.get(node.op)
        if translate is None:
            raise ModelError(f"The operator {node.op} (layer {node.name!r}) is not known here.")
        try:
            result = translate(self.graph, node, values)
        except ModelError as error:
            raise ModelError(f"Layer {node.name!r} ({node.op}): {error}") from None
        except (IndexError, KeyError, ValueError, TypeError, OverflowError) as error:
            raise ModelError(f"Layer {node.name!r} ({node.op}) is damaged ({error}).") from error
        return result if isinstance(result, tuple) else (result,)

    def _called(self, node: GraphNode, values: Sequence[Value]) -> tuple[Value | None, ...]:
        name = node.attribute("f").function
        function = self.graph._functions.get(name)
        if function is None or self.depth >= _DEEPEST_CALL:
            raise ModelError(f"The function {name!r} of layer {node.name!r} cannot be called.")
        arguments = dict(zip(function.arguments, values, strict=True))
        scope = _Scope(self.graph, function.nodes, arguments, self.depth + 1)
        return tuple(scope.value(function.returned[each]) for each in function.results)


# ---- operators

Result = Value | tuple[Value | None, ...]
_Translate = Callable[[FrozenGraph, GraphNode, list[Value]], Result]


def _whole(value: Value) -> list[int]:
    """Return the numbers of a constant of integers."""
    if value.constant is None:
        raise ModelError("a shape or an axis depends on the input")
    return [int(each) for each in np.asarray(value.constant).reshape(-1)]


def _known(value: Value) -> Array:
    if value.constant is None:
        raise ModelError("an operand that depends on the input")
    return value.constant


def _placeholder(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    if node.name in graph.inputs:
        return graph.inputs[node.name]
    if node.attribute("dtype").kind == _BOOL:
        return constant(False)
    raise ModelError("an input that is not float")


def _fused_norm(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Result:
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


def _bias(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    x, bias = inputs
    if _channel_axis(node) == 1 and len(x.shape) == 4 and bias.constant is not None:
        bias = constant(bias.constant.reshape(1, -1, 1, 1))
    return graph.builder.binary("add", x, bias)


def _conv(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    return _as_image(graph, node, inputs[0], lambda x: _convolved(graph, node, x, inputs[1]))


def _convolved(graph: FrozenGraph, node: GraphNode, x: Value, kernel: Value) -> Value:
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


def _pool(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    kind = "max_pool" if node.op.startswith("Max") else "mean_pool"
    size, stride = _pair(node, "ksize"), _pair(node, "strides")

    def pooled(x: Value) -> Value:
        return graph.builder.pool(kind, x, size, stride=stride, padding=_padding(node))

    return _as_image(graph, node, inputs[0], pooled)


def _as_image(
    graph: FrozenGraph, node: GraphNode, x: Value, operate: Callable[[Value], Value]
) -> Value:
    """Run an operator on channels last, whatever the node's layout."""
    if _channel_axis(node) != 1:
        return operate(x)
    build = graph.builder
    return build.transpose(operate(build.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2))


def _reduced(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    kinds = {"Mean": "mean", "Max": "reduce_max", "Min": "reduce_min", "Sum": "sum"}
    keep = node.attribute("keep_dims").flag
    if node.op == "Prod":
        axes = tuple(_whole(inputs[1]))
        return constant(np.prod(_known(inputs[0]), axis=axes, keepdims=keep))
    return graph.builder.reduce(kinds[node.op], inputs[0], _whole(inputs[1]), keep=keep)


def _matmul(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    x, y = inputs
    if node.attribute("transpose_b").flag or node.attribute("adj_y").flag:
        y = graph.builder.transpose(y, [*range(len(y.shape) - 2), -1, -2])
    if node.attribute("transpose_a").flag or node.attribute("adj_x").flag:
        x = graph.builder.transpose(x, [*range(len(x.shape) - 2), -1, -2])
    return graph.builder.matmul(x, y)


def _binary(kind: str) -> _Translate:
    def translate(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
        return graph.builder.binary(kind, *inputs)

    return translate


def _unary(kind: str) -> _Translate:
    return lambda graph, node, inputs: graph.builder.unary(kind, inputs[0])


def _reshape(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    shape = _whole(inputs[1])
    if graph.batch > 1 and shape[:1] == [graph.batch] and -1 not in shape:
        shape[0] = inputs[0].size // max(math.prod(shape[1:]), 1)
    return graph.builder.reshape(inputs[0], shape)


def _squeeze(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    shape = inputs[0].shape
    alone = [axis for axis, size in enumerate(shape) if size == 1]
    gone = {axis % len(shape) for axis in node.attribute("squeeze_dims").integers or alone}
    left = [size for axis, size in enumerate(shape) if axis not in gone]
    return graph.builder.reshape(inputs[0], left)


def _expand(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    (axis,) = _whole(inputs[1])
    shape = list(inputs[0].shape)
    shape.insert(axis + len(shape) + 1 if axis < 0 else axis, 1)
    return graph.builder.reshape(inputs[0], shape)


def _concat(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    if node.op == "Concat":
        (axis,), parts = _whole(inputs[0]), inputs[1:]
    else:
        (axis,), parts = _whole(inputs[-1]), inputs[:-1]
    return graph.builder.concat(parts, axis)


def _pack(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    axis = node.attribute("axis").integer
    axis += len(inputs[0].shape) + 1 if axis < 0 else 0
    shape = [*inputs[0].shape[:axis], 1, *inputs[0].shape[axis:]]
    return graph.builder.concat([graph.builder.reshape(x, shape) for x in inputs], axis)


def _pad(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    around = np.asarray(_known(inputs[1])).reshape(-1, 2)
    if len(inputs) > 2 and np.any(_known(inputs[2])):
        raise ModelError("padding with other values than 0")
    return graph.builder.pad(inputs[0], tuple((int(a), int(b)) for a, b in around))


def _split(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Result:
    if node.op == "Split":
        (axis,), x = _whole(inputs[0]), inputs[1]
        count = node.attribute("num_split").integer
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


def _strided(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
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


def _slice(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    begin, size = _whole(inputs[1]), _whole(inputs[2])
    shape = inputs[0].shape
    sizes = zip(shape, begin, size, strict=True)
    ranges = [(first, whole if n < 0 else first + n, 1) for whole, first, n in sizes]
    return graph.builder.slice(inputs[0], ranges)


def _gather(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    axis = _whole(inputs[2])[0] if len(inputs) > 2 else 0
    return constant(np.take(_known(inputs[0]), _known(inputs[1]), axis=axis))


def _switch(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Result:
    taken = bool(_known(inputs[1]).reshape(()))
    return (None, inputs[0]) if taken else (inputs[0], None)


def _cast(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    if inputs[0].constant is None:
        if node.attribute("DstT").kind != _FLOAT:
            raise ModelError("a conversion to another type than float")
        return inputs[0]
    return constant(inputs[0].constant.astype(_TYPES[node.attribute("DstT").kind]))


def _sparse(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
    where, shape, values, default = (_known(each) for each in inputs)
    dense = np.full(tuple(int(n) for n in shape.reshape(-1)), default.reshape(()))
    dense[tuple(np.atleast_2d(where.reshape(len(where), -1)).T)] = values
    return constant(dense)


def _fused(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
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


def _folded(function: Callable[..., Any]) -> _Translate:
    """Return the translation of an operator on constants only."""

    def translate(graph: FrozenGraph, node: GraphNode, inputs: list[Value]) -> Value:
        return constant(function(*(_known(each) for each in inputs)))

    return translate


OPERATORS: dict[str, _Translate] = {
    "Placeholder": _placeholder,
    "PlaceholderWithDefault": lambda graph, node, inputs: inputs[0],
    "Const": lambda graph, node, inputs: constant(_tensor(node.attribute("value").tensor)),
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
    "Range": _folded(np.arange),
    "Equal": _folded(np.equal),
    "Where": _folded(lambda x: np.argwhere(x).astype(np.int64)),
    "Fill": _folded(lambda shape, value: np.full(tuple(shape), value)),
    "Floor": _folded(np.floor),
    "FloorDiv": _folded(np.floor_divide),
    "SparseToDense": _sparse,
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


# ---- the file


def _graph(data: memoryview) -> tuple[list[GraphNode], dict[str, _Function]]:
    nodes: list[GraphNode] = []
    functions: dict[str, _Function] = {}
    for number, value in fields(data):
        if number == 1:
            nodes.append(_node(content(value)))
        elif number == 2:
            functions |= dict(_library(content(value)))
        if len(nodes) > _MOST_NODES:
            raise ModelError(f"The graph has more than {_MOST_NODES} nodes.")
    if not nodes or any(not node.name or not node.op for node in nodes):
        raise ModelError("The file is not a frozen graph of TensorFlow.")
    return nodes, functions


def _library(message: memoryview) -> Iterator[tuple[str, _Function]]:
    for number, value in fields(message):
        if number != 1:
            continue
        name, function = "", _Function()
        for part, inner in fields(content(value)):
            if part == 1:
                name = _signature(content(inner), function)
            elif part == 3:
                function.nodes.append(_node(content(inner)))
            elif part == 4:
                key, result = _pair_of_texts(content(inner))
                function.returned[key] = result
        yield name, function


def _signature(message: memoryview, function: _Function) -> str:
    name = ""
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number in (2, 3):
            names = [text(inner) for part, inner in fields(content(value)) if part == 1]
            (function.arguments if number == 2 else function.results).extend(names[:1])
    return name


def _node(message: memoryview) -> GraphNode:
    node = GraphNode()
    for number, value in fields(message):
        if number == 1:
            node.name = text(value)
        elif number == 2:
            node.op = text(value)
        elif number == 3:
            node.inputs.append(text(value))
        elif number == 5:
            entry = dict(fields(content(value)))
            name, value = (content(entry.get(key, memoryview(b""))) for key in (1, 2))
            node.attributes[text(name)] = _attribute(value)
    return node


def _pair_of_texts(message: memoryview) -> tuple[str, str]:
    entry = dict(fields(message))
    empty = memoryview(b"")
    return text(entry.get(1, empty)), text(entry.get(2, empty))


def _node_of(reference: str) -> str:
    return reference.lstrip("^").split(":")[0]


def _number_of(reference: str) -> int:
    found = re.search(r":(\d+)$", reference)
    return int(found[1]) if found else 0


def _attribute(message: memoryview) -> Attribute:
    made = Attribute()
    for number, value in fields(message):
        if number == 1:
            for part, inner in fields(content(value)):
                if part == 2:
                    made.texts.append(text(inner))
                elif part == 3:
                    made.integers += numbers(inner, "i8").tolist()
        elif number == 2:
            made.text = text(value)
        elif number == 3:
            made.integer = integer(value)
        elif number == 4:
            made.real = real(value)
        elif number == 5:
            made.flag = bool(integer(value))
        elif number == 6:
            made.kind = integer(value)
        elif number == 7:
            made.shape = _sizes(content(value))
        elif number == 8:
            made.tensor = content(value)
        elif number == 10:
            made.function = _pair_of_texts(content(value))[0]
    return made


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


def _sizes(message: memoryview) -> list[int]:
    sizes = []
    for number, value in fields(message):
        if number == 2:
            size = [integer(inner) for part, inner in fields(content(value)) if part == 1]
            sizes.append(size[0] if size else 0)
    return sizes


def _tensor(message: memoryview | Array | None) -> Array:
    """Return the values of a ``TensorProto``."""
    if isinstance(message, np.ndarray):
        return message
    if message is None:
        raise ModelError("a constant without a value")
    kind, shape, raw = "", [], b""
    parts: list[Array] = []
    for number, value in fields(message):
        if number == 1:
            kind = _TYPES.get(integer(value), "")
        elif number == 2:
            shape = _sizes(content(value))
        elif number == 4:
            raw = bytes(content(value))
        elif number in _VALUES:
            parts.append(numbers(value, _VALUES[number]))
    if not kind:
        raise ModelError("a constant of a type that is not known here")
    count = int(np.prod(shape, dtype=np.float64))
    if raw:
        return np.frombuffer(raw, np.dtype(kind).newbyteorder("<")).reshape(shape)
    if count == 0:
        return np.zeros(shape, kind)
    values = np.concatenate(parts) if parts else np.zeros(1)
    if len(values) == 0 or len(values) > max(count, 1) or count > 1 << 27:
        raise ModelError("a constant whose size is not that of its shape")
    filled = np.concatenate([values, np.repeat(values[-1:], count - len(values))])
    return filled[:count].astype(kind).reshape(shape)
