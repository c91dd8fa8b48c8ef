"""TensorFlow's ``GraphDef``, read and written: nodes with their operator, inputs and attributes.

The file may have a library of functions; :func:`read_nodes` puts their nodes where they are called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs import wire
from pyplugin.models.graphs.wire import array_of, content, fields, integer, numbers, real, text
from pyplugin.support.arrays import Array

MOST_NODES = 50_000
FLOAT, STRING, BOOL = 1, 7, 10
TYPES = {1: "f4", 2: "f8", 3: "i4", 4: "u1", 6: "i1", 9: "i8", 10: "?", 19: "f2"}
"""numpy's types by the numbers of TensorFlow's."""

VARIABLES = ("VarHandleOp", "VariableV2", "Variable")
"""Operators that hold what a checkpoint has."""

_VALUES = {5: "f4", 6: "f8", 7: "i4", 10: "i8", 11: "i8"}  # fields of a tensor, by number
_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_DEEPEST_CALL = 16
_NOTHING = memoryview(b"")


@dataclass
class Attribute:
    """A value beside a node; one field is used, which one depends on its name.

    `message` is how it stands in the file.
    """

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
    message: memoryview = _NOTHING


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
    results: list[tuple[str, int]] = field(default_factory=list)  # name and type
    nodes: list[GraphNode] = field(default_factory=list)
    returned: dict[str, str] = field(default_factory=dict)


def node_of(reference: str) -> str:
    """Return the name of the node that a reference is to.

    Examples
    --------
    >>> node_of("conv:y:0"), node_of("^init")
    ('conv', 'init')
    """
    return reference.lstrip("^").split(":")[0]


def number_of(reference: str) -> int:
    """Return which output of a node a reference is to.

    Examples
    --------
    >>> number_of("split:2"), number_of("conv")
    (2, 0)
    """
    found = re.search(r":(\d{1,6})$", reference)
    return int(found[1]) if found else 0


def is_control(reference: str) -> bool:
    """Return whether a reference is to the end of a node, not to a value."""
    return reference.startswith("^")


# ---- reading


def read_nodes(data: memoryview) -> list[GraphNode]:
    """Return the nodes of a graph; those of functions instead of the calls of them.

    A node of a function is named after the call: ``call/node``. The call becomes an ``IdentityN``
    of the results.

    Raises
    ------
    ModelError
        It is damaged, not a graph, or too large.
    """
    nodes: list[GraphNode] = []
    functions: dict[str, _Function] = {}
    for number, value in fields(data):
        if number == 1:
            nodes.append(_node(content(value)))
        elif number == 2:
            functions |= dict(_library(content(value)))
    if not nodes or any(not node.name or not node.op for node in nodes):
        raise ModelError("The file is not a graph of TensorFlow.")
    made: list[GraphNode] = []
    _expand(nodes, functions, made, 0)
    return made


def _expand(
    nodes: Iterable[GraphNode],
    functions: Mapping[str, _Function],
    made: list[GraphNode],
    depth: int,
) -> None:
    for node in nodes:
        if len(made) >= MOST_NODES:
            raise ModelError(f"The graph has more than {MOST_NODES} nodes.")
        function = functions.get(node.attribute("f").function) if node.op in _CALLS else None
        given = [each for each in node.inputs if not is_control(each)]
        if function is None or depth == _DEEPEST_CALL or len(function.arguments) != len(given):
            made.append(node)
            continue
        renamed = _renamed(node.name, dict(zip(function.arguments, given, strict=True)))
        inner = (
            replace(
                each,
                name=f"{node.name}/{each.name}",
                inputs=[renamed(source) for source in each.inputs if not is_control(source)],
            )
            for each in function.nodes
        )
        _expand(inner, functions, made, depth + 1)
        kinds = b"".join(wire.number_field(6, kind) for _, kind in function.results)
        results = [renamed(function.returned.get(name, "")) for name, _ in function.results]
        types = Attribute(message=memoryview(wire.bytes_field(1, kinds)))
        made.append(GraphNode(node.name, "IdentityN", results, {"T": types}))


def _renamed(call: str, arguments: Mapping[str, str]) -> Callable[[str], str]:
    def renamed(reference: str) -> str:
        name = node_of(reference)
        if name in arguments:
            return arguments[name]
        return f"{call}/{name}:{number_of(reference)}"

    return renamed


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
                key, result = pair_of(content(inner))
                function.returned[text(key)] = text(result)
        yield name, function


def _signature(message: memoryview, function: _Function) -> str:
    name = ""
    for number, value in fields(message):
        if number == 1:
            name = text(value)
        elif number in (2, 3):
            entry = dict(fields(content(value)))
            stated = text(entry.get(1, _NOTHING))
            if number == 2:
                function.arguments.append(stated)
            else:
                function.results.append((stated, integer(entry.get(3, FLOAT))))
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
            name, content_of = pair_of(content(value))
            node.attributes[text(name)] = _attribute(content_of)
    return node


def pair_of(message: memoryview) -> tuple[memoryview, memoryview]:
    """Return key and value of an entry of a map."""
    entry = dict(fields(message))
    return content(entry.get(1, _NOTHING)), content(entry.get(2, _NOTHING))


def _attribute(message: memoryview) -> Attribute:
    made = Attribute(message=message)
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
            made.function = text(pair_of(content(value))[0])
    return made


def _sizes(message: memoryview) -> list[int]:
    sizes = []
    for number, value in fields(message):
        if number == 2:
            size = [integer(inner) for part, inner in fields(content(value)) if part == 1]
            sizes.append(size[0] if size else 0)
    return sizes


def tensor_of(message: memoryview | Array | None) -> Array:
    """Return the values of a ``TensorProto``.

    Raises
    ------
    ModelError
        It is damaged, or of another type than numbers.
    """
    if isinstance(message, np.ndarray):
        return message
    if message is None:
        raise ModelError("a constant without a value")
    kind, raw = "", None
    shape: list[int] = []
    parts: list[Array] = []
    for number, value in fields(message):
        if number == 1:
            kind = TYPES.get(integer(value), "")
        elif number == 2:
            shape = _sizes(content(value))
        elif number == 4:
            raw = content(value) or None
        elif number in _VALUES:
            parts.append(numbers(value, _VALUES[number]))
    if not kind:
        raise ModelError("a constant of a type that is not known here")
    return array_of(kind, shape, raw, parts, repeats=True)


def texts_of(message: memoryview) -> list[str]:
    """Return the values of a ``TensorProto`` of texts."""
    return [text(value) for number, value in fields(message) if number == 8]


# ---- writing


def written(nodes: Iterable[GraphNode]) -> bytes:
    """Return the file of some nodes, which a reader of files made."""
    return b"".join(wire.bytes_field(1, _node_bytes(node)) for node in nodes)


def _node_bytes(node: GraphNode) -> bytes:
    parts = [wire.bytes_field(1, node.name), wire.bytes_field(2, node.op)]
    parts += [wire.bytes_field(3, each) for each in node.inputs if not is_control(each)]
    for name, value in node.attributes.items():
        if not name.startswith("_"):  # hints, some of which name functions
            entry = wire.bytes_field(1, name) + wire.bytes_field(2, value.message)
            parts.append(wire.bytes_field(5, entry))
    return b"".join(parts)


def constant_node(name: str, values: Array) -> GraphNode:
    """Return a node that is a constant.

    Examples
    --------
    >>> node = constant_node("two", np.float32(2))
    >>> node.op, tensor_of(node.attribute("value").message[2:]).tolist()
    ('Const', 2.0)
    """
    values = np.asarray(values)
    number = next(number for number, kind in TYPES.items() if np.dtype(kind) == values.dtype)
    sizes = b"".join(wire.bytes_field(2, wire.number_field(1, size)) for size in values.shape)
    raw = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    tensor = wire.number_field(1, number) + wire.bytes_field(2, sizes) + wire.bytes_field(4, raw)
    return GraphNode(
        name,
        "Const",
        [],
        {
            "dtype": type_attribute(number),
            "value": Attribute(tensor=values, message=memoryview(wire.bytes_field(8, tensor))),
        },
    )


def type_attribute(number: int) -> Attribute:
    """Return an attribute with one of TensorFlow's types."""
    return Attribute(kind=number, message=memoryview(wire.number_field(6, number)))
