"""The original MusiCNN as the frozen TensorFlow graph (.pb) that Essentia runs.

Graph and weights come out of the wheel of musicnn 0.1.0. TensorFlow is not needed for it: a .meta
file is a MetaGraphDef message, a frozen graph is its GraphDef with the variables made constants,
and both are plain protocol buffers (`graph.proto`, `node_def.proto`, `tensor.proto` there).
"""

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyplugin.models import registry
from pyplugin.models.importers.musicnn_wheel import WHEEL, read_network
from pyplugin.models.layers import Variables

INPUT = "model/Placeholder"  # the names that Essentia's own models have
OUTPUT = "model/Sigmoid"

# Field numbers.
META_GRAPH = 2
GRAPH_NODE, GRAPH_VERSIONS = 1, 4
NODE_NAME, NODE_OP, NODE_INPUT, NODE_ATTRIBUTE = 1, 2, 3, 5
MAP_KEY, MAP_VALUE = 1, 2
VALUE_TYPE, VALUE_SHAPE, VALUE_TENSOR = 6, 7, 8
TENSOR_TYPE, TENSOR_SHAPE, TENSOR_CONTENT = 1, 2, 4
SHAPE_DIMENSION, DIMENSION_SIZE = 2, 1
FLOAT = 1  # DT_FLOAT

IGNORED = (b"_class", b"_output_shapes")  # of the training only


@dataclass
class Node:
    """A NodeDef: one operation."""

    name: str
    op: str
    inputs: list[str]
    attributes: dict[bytes, bytes]

    def packed(self) -> bytes:
        message = _bytes(NODE_NAME, self.name.encode()) + _bytes(NODE_OP, self.op.encode())
        message += b"".join(_bytes(NODE_INPUT, name.encode()) for name in self.inputs)
        for key, value in self.attributes.items():
            message += _bytes(NODE_ATTRIBUTE, _bytes(MAP_KEY, key) + _bytes(MAP_VALUE, value))
        return message


def write_musicnn(folder: Path) -> Path:
    """Write the network of `musicnn-mtt` into the folder."""
    path = folder / "musicnn-mtt.pb"
    path.write_bytes(frozen(WHEEL.find(None, registry.data_folder(), print), "MTT_musicnn"))
    return path


def frozen(wheel: Path, folder: str) -> bytes:
    """Return one network as a GraphDef from INPUT, mel frames (n, 187, 96), to OUTPUT.

    Only inference is kept, so that Essentia does not pay for the switches of the training.
    """
    with zipfile.ZipFile(wheel) as archive:
        meta = archive.read(f"musicnn/{folder}/.meta")
    fields = list(_fields(next(value for field, value in _fields(meta) if field == META_GRAPH)))
    nodes = {n.name: n for n in (_node(value) for field, value in fields if field == GRAPH_NODE)}
    versions = b"".join(_bytes(f, value) for f, value in fields if f == GRAPH_VERSIONS)
    weights = read_network(wheel, folder)
    graph, waiting = {}, [OUTPUT]
    while waiting:
        node = nodes[waiting.pop()]
        if node.name in graph:
            continue
        _only_inference(node, weights)
        graph[node.name] = node
        waiting += [name.split(":")[0] for name in node.inputs]
    (source,) = (node.name for node in graph.values() if node.op == "Placeholder")
    for node in graph.values():
        node.inputs = [INPUT if name == source else name for name in node.inputs]
    graph[source].name = INPUT
    return b"".join(_bytes(GRAPH_NODE, node.packed()) for node in graph.values()) + versions


def _only_inference(node: Node, weights: Variables) -> None:
    node.inputs = [name for name in node.inputs if not name.startswith("^")]
    if node.op == "Merge":  # of the branches (not training, training)
        node.op, node.inputs = "Identity", node.inputs[:1]
        del node.attributes[b"N"]
    elif node.op in ("Switch", "RefSwitch"):  # the value, whether training
        node.op, node.inputs = "Identity", node.inputs[:1]
    elif node.op == "VariableV2":
        node.op, node.attributes = "Const", _constant(weights[node.name])
    elif node.op == "Placeholder":
        shape = b"".join(
            _bytes(SHAPE_DIMENSION, _number(DIMENSION_SIZE, size)) for size in (-1, 187, 96)
        )
        node.attributes[b"shape"] = _bytes(VALUE_SHAPE, shape)


def _constant(value: np.ndarray) -> dict[bytes, bytes]:
    shape = b"".join(_bytes(SHAPE_DIMENSION, _number(DIMENSION_SIZE, size)) for size in value.shape)
    tensor = _number(TENSOR_TYPE, FLOAT) + _bytes(TENSOR_SHAPE, shape)
    tensor += _bytes(TENSOR_CONTENT, np.ascontiguousarray(value, "<f4").tobytes())
    return {b"dtype": _number(VALUE_TYPE, FLOAT), b"value": _bytes(VALUE_TENSOR, tensor)}


def _node(message: bytes) -> Node:
    node = Node("", "", [], {})
    for field, value in _fields(message):
        if field == NODE_NAME:
            node.name = value.decode()
        elif field == NODE_OP:
            node.op = value.decode()
        elif field == NODE_INPUT:
            node.inputs.append(value.decode())
        elif field == NODE_ATTRIBUTE:
            entry = dict(_fields(value))
            if entry[MAP_KEY] not in IGNORED:
                node.attributes[entry[MAP_KEY]] = entry.get(MAP_VALUE, b"")
    return node


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and content of the fields that have a length; none of the others is needed."""
    at = 0
    while at < len(message):
        tag, at = _read_number(message, at)
        kind = tag & 7
        if kind == 0:
            _, at = _read_number(message, at)
        elif kind == 2:
            size, at = _read_number(message, at)
            yield tag >> 3, message[at : at + size]
            at += size
        else:
            at += 8 if kind == 1 else 4


def _read_number(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _write_number(value: int) -> bytes:
    value &= (1 << 64) - 1  # two's complement
    written = bytearray()
    while value >= 128:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _number(field: int, value: int) -> bytes:
    return _write_number(field << 3) + _write_number(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _write_number(field << 3 | 2) + _write_number(len(value)) + value
