"""Protocol buffers written by hand, after the encoding that protobuf.dev documents."""

import struct

import numpy as np


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])


def number(key: int, value: int) -> bytes:
    return varint(key << 3) + varint(value)


def data(key: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return varint(key << 3 | 2) + varint(len(content)) + content


def real(key: int, value: float) -> bytes:
    return varint(key << 3 | 5) + struct.pack("<f", value)


# ---- graphs of TensorFlow (graph.proto, node_def.proto, attr_value.proto, tensor.proto)


def shape(sizes) -> bytes:
    return b"".join(data(2, number(1, size)) for size in sizes)


def node(name: str, op: str, *inputs: str, **attributes: bytes) -> bytes:
    return data(1, node_body(name, op, *inputs, **attributes))


def node_body(name: str, op: str, *inputs: str, **attributes: bytes) -> bytes:
    body = data(1, name) + data(2, op) + b"".join(data(3, each) for each in inputs)
    for key, value in attributes.items():
        body += data(5, data(1, key) + data(2, value))
    return body


def placeholder(name: str, sizes) -> bytes:
    return node(name, "Placeholder", dtype=number(6, 1), shape=data(7, shape(sizes)))


def const(name: str, values) -> bytes:
    array = np.asarray(values)
    kind = {"float32": 1, "int32": 3, "bool": 10}[array.dtype.name]
    tensor = number(1, kind) + data(2, shape(array.shape)) + data(4, array.tobytes())
    return node(name, "Const", dtype=number(6, kind), value=data(8, tensor))


def head_graph(weights, bias, *, last: str = "Softmax") -> bytes:
    """One dense layer on an embedding, as Essentia's classifiers have two."""
    weights = np.asarray(weights, np.float32)
    return b"".join(
        [
            placeholder("model/Placeholder", (-1, len(weights))),
            const("kernel", weights),
            const("bias", np.asarray(bias, np.float32)),
            node("read", "Identity", "kernel"),
            node("model/MatMul", "MatMul", "model/Placeholder", "read"),
            node("model/BiasAdd", "BiasAdd", "model/MatMul", "bias"),
            node(f"model/{last}", last, "model/BiasAdd"),
        ]
    )
