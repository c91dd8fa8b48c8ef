"""ONNX files that are kept, against onnxruntime."""

import numpy as np
import pytest
from onnx_networks import array, network, onnx, runtime

from pyplugin.errors import ModelError
from pyplugin.models.graphs import onnx_file
from pyplugin.models.graphs.onnx_file import OnnxFile, read_interface
from pyplugin.models.graphs.source import OpenShapeError

RNG = np.random.default_rng(41)
NODES = [
    ("MatMul", ["x", "w"], ["m"], {}),
    ("Hardmax", ["m"], ["h"], {}),
    ("Add", ["m", "h"], ["a"], {}),
    ("ReduceMean", ["a"], ["r"], {"axes": [1]}),
    ("Softmax", ["r"], ["s"], {}),
    ("Squeeze", ["s", "axis"], ["y"], {}),
]


def whole(shape=(1, 20, 8), **rest):
    arrays = {"w": array(shape[-1], 3), "axis": np.array([1])}
    return network(NODES, shape, arrays, **rest)


def run(data, x):
    session = runtime.InferenceSession(data)
    (given,) = session.get_inputs()
    return given, dict(
        zip(
            [each.name for each in session.get_outputs()],
            session.run(None, {given.name: x}),
            strict=True,
        )
    )


def test_shapes_and_kinds_are_found():
    file = OnnxFile(whole())
    assert file.inputs == {"x": (1, 20, 8)}
    assert file.outputs == {"y": (1, 3)}
    assert file.kinds["Hardmax"] == 1
    assert file.end_kind("y") == "Softmax"
    layers = {layer.name: (layer.kind, layer.shape) for layer in file.layers}
    assert layers["h"] == ("Hardmax", (1, 20, 3))
    assert file.end_kind("x") == ""


@pytest.mark.parametrize("shape", [(1, 20, 8), (1, 8, 20), (1, 1, 20, 8)])
def test_the_form_for_a_node_gives_the_same(shape):
    data = network([*NODES[:-1], ("Identity", ["s"], ["y"], {})], shape, {"w": array(shape[-1], 3)})
    file = OnnxFile(data)
    outputs = {"activations": "y", "embedding": "m"}
    adapted = file.adapted(20, 8, outputs, description="net")
    inputs, ends = read_interface(adapted)
    rows = int(np.prod(shape[:-1]))
    assert inputs == {"mel": (1, 20, 8)}
    assert ends["embedding"] == (1, rows * 3)
    onnx.checker.check_model(onnx.load_model_from_string(adapted))
    patch = RNG.normal(size=(1, 20, 8)).astype("f4")
    x = (patch.transpose(0, 2, 1) if shape == (1, 8, 20) else patch).reshape(shape)
    _, want = run(data, x)
    given, got = run(adapted, patch)
    assert given.shape == [1, 20, 8]
    np.testing.assert_allclose(got["tagnode/activations"], want["y"].reshape(1, -1), atol=1e-6)


def test_files_before_version_4_list_their_arrays_as_inputs():
    model = onnx.load_model_from_string(whole())
    model.ir_version = 3
    model.opset_import[0].version = 13
    for each in model.graph.initializer:
        kind = onnx.helper.make_tensor_value_info(each.name, each.data_type, list(each.dims))
        model.graph.input.append(kind)
    file = OnnxFile(model.SerializeToString())
    adapted = file.adapted(20, 8, {"activations": "y"})
    x = RNG.normal(size=(1, 20, 8)).astype("f4")
    np.testing.assert_allclose(
        onnx_outputs(adapted, x)[0], onnx_outputs(model.SerializeToString(), x)[0], atol=1e-6
    )


def onnx_outputs(data, x):
    session = runtime.InferenceSession(data)
    name = next(each.name for each in session.get_inputs() if each.name in ("x", "tagnode/mel"))
    return session.run(None, {name: x})


def test_frames_that_are_left_open():
    data = whole(("batch", "time", 8))
    with pytest.raises(OpenShapeError):
        OnnxFile(data)
    assert OnnxFile(data, 20).outputs == {"y": (1, 3)}


def test_what_onnxruntime_cannot_run_is_said():
    own = network([("Mine", ["x"], ["y"], {"domain": "org.mine"})], (1, 3))
    with pytest.raises(ModelError, match=r"onnxruntime cannot run the network: .*org\.mine"):
        OnnxFile(own)
    with pytest.raises(ModelError, match="no layer 'z'"):
        OnnxFile(whole()).adapted(20, 8, {"activations": "z"})


def test_arrays_in_other_files_are_refused_wherever_they_are():
    def outside(name):
        tensor = onnx.numpy_helper.from_array(array(3), name)
        onnx.external_data_helper.set_external_data(tensor, "../secret")
        tensor.ClearField("raw_data")
        return tensor

    inner = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["o"], ["i"])],
        "inner",
        [],
        [onnx.helper.make_tensor_value_info("i", onnx.TensorProto.FLOAT, (3,))],
        [outside("o")],
    )
    data = network(
        [("If", ["c"], ["z"], {"then_branch": inner, "else_branch": inner}), NODES[0]],
        (1, 20, 8),
        {"c": np.array(True), "w": array(8, 3)},
        outputs=("z",),
    )
    with pytest.raises(ModelError, match="another file"):
        OnnxFile(data)


def test_without_onnxruntime_its_command_is_named(monkeypatch):
    monkeypatch.setattr(onnx_file, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'tagnode\[onnx\]'"):
        OnnxFile(whole())


def test_control_flow_that_never_ends_is_stopped(monkeypatch):
    monkeypatch.setattr(onnx_file, "_SECONDS", 3.0)
    helper, kind = onnx.helper, onnx.TensorProto
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["again"]),
            helper.make_node("Identity", ["state"], ["next"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", kind.INT64, ()),
            helper.make_tensor_value_info("go", kind.BOOL, ()),
            helper.make_tensor_value_info("state", kind.FLOAT, (1, 3)),
        ],
        [
            helper.make_tensor_value_info("again", kind.BOOL, ()),
            helper.make_tensor_value_info("next", kind.FLOAT, (1, 3)),
        ],
    )
    data = network([("Loop", ["", "c", "x"], ["y"], {"body": body})], (1, 3), {"c": np.array(True)})
    with pytest.raises(ModelError, match="took more than 3 s"):
        OnnxFile(data)
