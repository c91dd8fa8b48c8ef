"""ONNX networks against onnxruntime."""

import numpy as np
import pytest
from onnx_networks import array, network, onnx, runtime

from pyplugin.errors import ModelError
from pyplugin.models.graphs.onnx import OPERATORS, OnnxNetwork
from pyplugin.models.graphs.source import OpenShapeError, graph_of, layers_of

RNG = np.random.default_rng(7)


def check(nodes, shape=(1, 3, 8, 6), arrays=(), *, frames=None, **rest):
    data = network(nodes, shape, arrays, **rest)
    source = OnnxNetwork(data, frames)
    x = RNG.uniform(0.1, 1, source.inputs["x"].shape).astype("f4")
    (want,) = runtime.InferenceSession(data).run(["y"], {"x": x})
    got = graph_of(source, {"y": "y"}).run(x)["y"]
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=2e-5, rtol=2e-5)


ONE = {
    "Relu": {},
    "Elu": {},
    "Sigmoid": {},
    "Tanh": {},
    "Exp": {},
    "Log": {},
    "Sqrt": {},
    "Abs": {},
    "Neg": {},
    "LeakyRelu": {"alpha": 0.3},
    "Softmax": {"axis": -1},
    "GlobalMaxPool": {},
    "GlobalAveragePool": {},
    "Flatten": {"axis": 2},
    "Transpose": {"perm": [0, 2, 3, 1]},
    "ReduceMean": {"axes": [2, 3], "keepdims": 0},
    "ReduceMax": {"axes": [-1]},
    "ReduceMin": {},
    "MaxPool": {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 0]},
    "AveragePool": {"kernel_shape": [2, 2], "strides": [2, 1], "auto_pad": "SAME_UPPER"},
    "Identity": {},
    "Dropout": {},
}


@pytest.mark.parametrize("op", ONE)
def test_operators_of_one_array(op):
    check([(op, ["x"], ["y"], ONE[op])])


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
def test_operators_of_two_arrays(op):
    check([(op, ["x", "w"], ["y"], {})], arrays={"w": array(3, 1, 1) + 3})
    check([("Neg", ["x"], ["n"], {}), (op, ["x", "n"], ["y"], {})])


@pytest.mark.parametrize(
    ("op", "arrays"),
    [
        ("ReduceSum", {"a": np.array([1, 3])}),
        ("Reshape", {"a": np.array([0, -1, 6])}),
        ("Unsqueeze", {"a": np.array([1, -1])}),
        ("Pad", {"a": np.array([0, 0, 1, 2, 0, 0, 0, 3])}),
        ("Slice", {"a": np.array([1, 0]), "b": np.array([8, 5]), "c": np.array([2, 3])}),
        ("Clip", {"a": np.float32(0.2), "b": np.float32(0.5)}),
        ("Pow", {"a": np.float32(2)}),
        ("Gather", {"a": np.int64(2)}),
        ("MatMul", {"a": array(6, 5)}),
        ("BatchNormalization", {key: np.abs(array(3)) for key in "abcd"}),
    ],
)
def test_operators_with_constants(op, arrays):
    rest = {"axis": 2} if op == "Gather" else {}
    check([(op, ["x", *arrays], ["y"], rest)], arrays=arrays)


def test_inputs_that_are_left_out():
    check([("Clip", ["x", "", "a"], ["y"], {})], arrays={"a": np.float32(0.5)})
    check([("Clip", ["x", "a"], ["y"], {})], arrays={"a": np.float32(0.5)})
    arrays = {"a": np.array([1]), "b": np.array([5]), "d": np.array([2])}
    data = network([("Slice", ["x", "a", "b", "", "d"], ["y"], {})], (8, 6), arrays)
    with pytest.raises(ModelError, match="leaves an input out"):
        OnnxNetwork(data).value("y")


def test_squeeze_split_and_constant():
    check([("Squeeze", ["x", "a"], ["y"], {})], (1, 3, 1, 6), {"a": np.array([2])})
    nodes = [
        ("Split", ["x"], ["a", "b", "c"], {"axis": 1}),
        ("Concat", ["c", "a", "b"], ["d"], {"axis": 2}),
        ("Constant", [], ["one"], {"value": onnx.numpy_helper.from_array(array(6))}),
        ("Add", ["d", "one"], ["y"], {}),
    ]
    check(nodes)


@pytest.mark.parametrize(
    "rest",
    [
        {},
        {"strides": [2, 1], "pads": [1, 2, 0, 1]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
        {"auto_pad": "SAME_LOWER"},
        {"dilations": [2, 1], "pads": [2, 0, 2, 0]},
    ],
)
@pytest.mark.parametrize("groups", [1, 3])
def test_convolutions(rest, groups):
    arrays = {"w": array(6, 3 // groups, 3, 3), "b": array(6)}
    check([("Conv", ["x", "w", "b"], ["y"], {"group": groups, **rest})], arrays=arrays)
    arrays = {"w": array(6, 3 // groups, 3)}
    one = {
        key: value[: len(value) // 2] if "pads" not in key else [1, 0]
        for key, value in rest.items()
        if key != "auto_pad"
    }
    check([("Conv", ["x", "w"], ["y"], {"group": groups, **one})], (1, 3, 9), arrays)


def test_a_network_with_frames_that_are_left_open():
    arrays = {"w": array(4, 1, 3, 3), "k": array(4, 2), "b": array(2)}
    nodes = [
        ("Unsqueeze", ["x", "axis"], ["i"], {}),
        ("Conv", ["i", "w"], ["c"], {"pads": [1, 1, 1, 1]}),
        ("Relu", ["c"], ["r"], {}),
        ("GlobalAveragePool", ["r"], ["g"], {}),
        ("Flatten", ["g"], ["f"], {}),
        ("Gemm", ["f", "k", "b"], ["l"], {"alpha": 0.5, "beta": 2.0}),
        ("Softmax", ["l"], ["y"], {}),
    ]
    arrays["axis"] = np.array([1])
    check(nodes, ("batch", "time", 12), arrays, frames=20)
    data = network(nodes, ("batch", "time", 12), arrays)
    with pytest.raises(OpenShapeError, match=r"x: \[\?, \?, 12\].*--patch"):
        OnnxNetwork(data)
    layers = {layer.name: layer for layer in layers_of(OnnxNetwork(data, 20))}
    assert (layers["g"].kind, layers["g"].shape) == ("GlobalAveragePool", (1, 4, 1, 1))


def test_operators_that_are_not_known_are_named():
    with pytest.raises(ModelError, match="Hardmax"):
        OnnxNetwork(network([("Hardmax", ["x"], ["y"], {})], (1, 3))).value("y")
    body = onnx.helper.make_graph([], "b", [], [])
    nodes = [("If", ["c"], ["y"], {"then_branch": body, "else_branch": body})]
    with pytest.raises(ModelError, match="If"):
        OnnxNetwork(network(nodes, (1, 3), {"c": np.array(True)})).value("y")
    assert "Loop" not in OPERATORS


def test_cut_files_are_refused_or_equal():
    arrays = {"w": array(4, 2)}
    data = network([("MatMul", ["x", "w"], ["y"], {})], (1, 4), arrays)
    for end in range(len(data)):
        try:
            graph_of(OnnxNetwork(data[:end]), {"y": "y"})
        except ModelError:
            continue
        assert end > len(data) - 40  # what follows the graph: the version of the operators
