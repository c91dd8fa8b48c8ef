"""Networks of TensorFlow.js, written by hand after its documentation."""

import base64
import json

import numpy as np
import pytest

from pyplugin.errors import ModelError
from pyplugin.models.graphs.source import graph_of
from pyplugin.models.graphs.tfjs import read_tfjs

RNG = np.random.default_rng(17)


def written(topology, arrays, *, quantised=False):
    """Return model.json and the file of the arrays, in two pieces."""
    entries, content = [], b""
    for name, array in arrays.items():
        entry = {"name": name, "shape": list(array.shape), "dtype": array.dtype.name}
        if quantised and array.dtype.kind == "f":
            low, scale = float(array.min()), float(np.ptp(array)) / 255
            entry["quantization"] = {"min": low, "scale": scale, "dtype": "uint8"}
            array = np.rint((array - low) / scale).astype("u1")
        content += array.tobytes()
        entries.append(entry)
    half = len(content) // 2
    files = {"a.bin": content[:half], "b.bin": content[half:]}
    manifest = [{"paths": list(files), "weights": entries}]
    return json.dumps({"modelTopology": topology, "weightsManifest": manifest}), files


def text(value: str) -> dict:
    return {"s": base64.b64encode(value.encode()).decode()}


@pytest.mark.parametrize("quantised", [False, True])
def test_a_graph_model(quantised):
    kernel, bias = (RNG.normal(size=shape).astype("f4") for shape in ((4, 3), (3,)))
    shape = {"shape": {"dim": [{"size": "-1"}, {"size": "4"}]}}
    joined = [base64.b64encode(each.encode()).decode() for each in ("BiasAdd", "Relu")]
    nodes = [
        {"name": "x", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}, "shape": shape}},
        {"name": "k", "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}},
        {"name": "b", "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}},
        {
            "name": "d",
            "op": "_FusedMatMul",
            "input": ["x", "k", "b"],
            "attr": {"fused_ops": {"list": {"s": joined}}, "transpose_b": {"b": False}},
        },
        {"name": "y", "op": "Softmax", "input": ["d"], "attr": {"T": {"type": "DT_FLOAT"}}},
    ]
    content, files = written({"node": nodes}, {"k": kernel, "b": bias}, quantised=quantised)
    source = read_tfjs(content, files.__getitem__)
    x = RNG.normal(size=(1, 4)).astype("f4")
    want = np.exp(np.maximum(x @ kernel + bias, 0))
    got = graph_of(source, {"y": "y"}).run(x)["y"]
    np.testing.assert_allclose(got, want / want.sum(), atol=0.02 if quantised else 1e-6)


def test_a_joined_depthwise_convolution():
    kernel = RNG.normal(size=(3, 3, 2, 1)).astype("f4")
    shape = {"shape": {"dim": [{"size": str(size)} for size in (-1, 5, 5, 2)]}}
    ones = {"list": {"i": ["1", "1", "1", "1"]}}
    joined = {"list": {"s": [base64.b64encode(b"Relu").decode()]}}
    nodes = [
        {"name": "x", "op": "Placeholder", "attr": {"dtype": {"type": "DT_FLOAT"}, "shape": shape}},
        {"name": "k", "op": "Const", "attr": {}},
        {
            "name": "y",
            "op": "FusedDepthwiseConv2dNative",
            "input": ["x", "k"],
            "attr": {"strides": ones, "padding": text("VALID"), "fused_ops": joined},
        },
    ]
    content, files = written({"node": nodes}, {"k": kernel})
    x = RNG.normal(size=(1, 5, 5, 2)).astype("f4")
    got = graph_of(read_tfjs(content, files.__getitem__), {"y": "y"}).run(x)["y"]
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))
    want = np.einsum("bhwcij,ijc->bhwc", windows, kernel[..., 0])
    np.testing.assert_allclose(got, np.maximum(want, 0), atol=1e-5)


def test_a_layers_model_with_a_layer_at_each_step():
    kernel = RNG.normal(size=(3, 2)).astype("f4")
    inner = {"class_name": "Dense", "config": {"name": "dense", "units": 2, "use_bias": False}}
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, None, 3]}},
        {
            "class_name": "TimeDistributed",
            "config": {"name": "each", "layer": inner},
            "inbound_nodes": [[["x", 0, 0, {}]]],
        },
    ]
    topology = {"model_config": {"class_name": "Model", "config": {"layers": layers}}}
    content, files = written(topology, {"dense/kernel": kernel})
    source = read_tfjs(content, files.__getitem__, 5)
    x = RNG.normal(size=(1, 5, 3)).astype("f4")
    np.testing.assert_allclose(graph_of(source, {"y": "each"}).run(x)["y"], x @ kernel, atol=1e-6)


def test_damage_is_an_error():
    content, files = written({"node": []}, {"k": np.zeros((4, 3), "f4")})
    with pytest.raises(ModelError, match="cut off"):
        read_tfjs(content, lambda name: files[name][:-1])
    for bad in ("", "[]", "{}", '{"modelTopology": 3, "weightsManifest": []}'):
        with pytest.raises(ModelError):
            read_tfjs(bad, files.__getitem__)
    assert text("NHWC") == {"s": "TkhXQw=="}
