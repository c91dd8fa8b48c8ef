"""ONNX networks for tests, written by the package onnx; modules that import this need it."""

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs onnx")
runtime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
RNG = np.random.default_rng(7)


def network(nodes, shape, arrays=(), *, opset=17, outputs=("y",)) -> bytes:
    """Return a file of nodes (op, inputs, outputs, attributes) on the input ``x``."""
    made = [onnx.helper.make_node(op, i, o, **rest) for op, i, o, rest in nodes]
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        made,
        "test",
        [onnx.helper.make_tensor_value_info("x", kind, shape)],
        [onnx.helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in dict(arrays).items()],
    )
    opsets = [onnx.helper.make_opsetid("", opset)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9).SerializeToString()


def array(*shape):
    return RNG.normal(size=shape).astype("f4")
