"""Outside runtimes: both give the same answers through the same worker."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import music
from msgspec import structs

import pyplugin
from pyplugin import Node
from pyplugin.node import runtimes

OUTSIDE = [
    name
    for name, version in runtimes.installed().items()
    if version is not None and runtimes.OUTSIDE[name].suffix == ".tflite"
]


@pytest.mark.parametrize("runtime", OUTSIDE)
def test_answers_are_the_models(probe, runtime):
    x = music(3, 16000)
    result = pyplugin.tag(x, 16000, model=probe.model, runtime=runtime, embedding="dense")
    mel = pyplugin.melspectrogram(x, 16000)
    np.testing.assert_allclose(result.activations, probe.activations(mel)[::10], atol=1e-5)
    np.testing.assert_allclose(result.embeddings, probe.dense(mel)[::10], atol=1e-4)


@pytest.mark.parametrize("runtime", OUTSIDE)
def test_musicnn_is_the_same_as_in_the_runtimes_own_interpreter(musicnn, runtime):
    if runtime == "litert":
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tflite_runtime.interpreter import Interpreter
    x = music(7, 16000)
    result = pyplugin.tag(x, 16000, model=musicnn, runtime=runtime, embedding="penultimate")
    interpreter = Interpreter(model_content=musicnn.data, num_threads=1)
    runner = interpreter.get_signature_runner()
    mel = pyplugin.melspectrogram(x, 16000)
    for index, start in enumerate(np.round(result.times * 62.5).astype(int)):
        expected = runner(mel=mel[np.newaxis, start : start + 187])
        np.testing.assert_allclose(result.activations[index], expected["activations"][0], atol=1e-5)
        np.testing.assert_allclose(result.embeddings[index], expected["penultimate"][0], atol=1e-4)


@pytest.mark.parametrize("runtime", OUTSIDE)
def test_nodes_come_and_go(probe, runtime):
    for _ in range(20):
        with Node(16000, 1, 4096, model=probe.model, runtime=runtime, offline=True) as node:
            node.process(music(0.2, 16000)[:, :3200])


@pytest.mark.parametrize("runtime", runtimes.OUTSIDE)
def test_a_runtime_that_is_not_installed_says_how_to_get_it(monkeypatch, probe, runtime):
    monkeypatch.setattr(runtimes, "installed", lambda: dict.fromkeys(runtimes.OUTSIDE))
    outside, model = runtimes.OUTSIDE[runtime], probe.model
    if outside.suffix == ".onnx":
        model = replace(model, card=structs.replace(model.card, model_types=("onnx",)))
    for named in (runtime, None) if outside.suffix == ".onnx" else (runtime,):
        with pytest.raises(pyplugin.ModelError, match=rf"pip install 'tagnode\[{outside.extra}\]'"):
            Node(16000, 1, 512, model=model, runtime=named)


def test_no_runtime_at_all_names_both(monkeypatch, probe):
    monkeypatch.setattr(runtimes, "installed", lambda: dict.fromkeys(runtimes.OUTSIDE))
    with pytest.raises(pyplugin.ModelError, match="ai-edge-litert or tflite-runtime"):
        Node(16000, 1, 512, model=probe.model)


SPOILT = {
    "an output is missing": lambda signature: signature.outputs.pop(),
    "the input is missing": lambda signature: signature.inputs.clear(),
    "two outputs share a name": lambda signature: setattr(
        signature.outputs[0], "name", signature.outputs[1].name
    ),
    "two names are of one output": lambda signature: setattr(
        signature.outputs[0], "tensorIndex", signature.outputs[1].tensorIndex
    ),
    "a name is empty": lambda signature: setattr(signature.outputs[1], "name", b""),
    "a name has a zero": lambda signature: setattr(signature.outputs[1], "name", b"a\0b"),
    "there is no such graph": lambda signature: setattr(signature, "subgraphIndex", 1),
}


@pytest.mark.skipif("litert" not in OUTSIDE, reason="needs ai-edge-litert")
@pytest.mark.parametrize("spoilt", [None, *SPOILT])
def test_signatures_that_do_not_name_every_tensor_are_refused(probe, spoilt):
    from ai_edge_litert import schema_py_generated as schema

    flatbuffers = pytest.importorskip("flatbuffers")
    tree = schema.ModelT.InitFromPackedBuf(probe.model.data)
    if spoilt:
        SPOILT[spoilt](tree.signatureDefs[0])
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(tree.Pack(builder), b"TFL3")
    model = replace(probe.model, data=bytes(builder.Output()))
    if spoilt is None:
        Node(16000, 1, 512, model=model, runtime="litert").close()
        return
    with pytest.raises(pyplugin.ModelError, match="first signature does not name every input"):
        Node(16000, 1, 512, model=model, runtime="litert")


# ---- onnxruntime


@pytest.fixture(scope="module")
def onnx_probe(probe):
    """The probe as an .onnx file."""
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Flatten", ["mel"], ["flat"]),
        helper.make_node("Gemm", ["flat", "weights", "bias"], ["dense"], transB=1),
        helper.make_node("Sigmoid", ["dense"], ["activations"]),
    ]
    card = probe.model.card
    shapes = {each.name: each.shape for each in (*card.inputs, *card.outputs)}
    values = {
        name: helper.make_tensor_value_info(name, kind, shape) for name, shape in shapes.items()
    }
    arrays = {"weights": probe.weights, "bias": probe.bias}
    graph = helper.make_graph(
        nodes,
        "probe",
        [values.pop("mel")],
        list(values.values()),
        [onnx.numpy_helper.from_array(value, name) for name, value in arrays.items()],
    )
    data = helper.make_model(graph, ir_version=9).SerializeToString()
    return replace(probe.model, card=structs.replace(card, model_types=("onnx",)), data=data)


def test_onnxruntime_gives_the_models_answers(probe, onnx_probe):
    x = music(3, 16000)
    result = pyplugin.tag(x, 16000, model=onnx_probe, embedding="dense")
    mel = pyplugin.melspectrogram(x, 16000)
    np.testing.assert_allclose(result.activations, probe.activations(mel)[::10], atol=1e-5)
    np.testing.assert_allclose(result.embeddings, probe.dense(mel)[::10], atol=1e-4)
    with Node(16000, 1, 512, model=onnx_probe) as node:
        assert node.runtime == "onnxruntime"


def test_a_node_has_models_of_both_kinds(probe, onnx_probe):
    x = music(3, 16000)
    renamed = replace(onnx_probe, card=structs.replace(onnx_probe.card, name="other"))
    with Node(16000, 1, 4096, model=[probe.model, renamed], offline=True) as node:
        frames = [node.process(x[:, first : first + 4096]) for first in range(0, 40960, 4096)]
    values = np.concatenate([frame.values for frame in frames])
    half = values.shape[1] // 2
    assert len(values) > 10
    np.testing.assert_allclose(values[:, half:], values[:, :half], atol=1e-5)


def test_onnx_nodes_come_and_go(onnx_probe, capfd):
    for _ in range(20):
        with Node(16000, 1, 4096, model=onnx_probe, offline=True) as node:
            node.process(music(0.2, 16000)[:, :3200])
    assert capfd.readouterr() == ("", "")


def test_onnx_models_that_are_not_their_cards_are_refused(onnx_probe):
    card = onnx_probe.card
    first, second = card.outputs
    longer = structs.replace(first, shape=(1, 4))
    labels = (*card.labels, "more")
    schema = structs.replace(card.schema, outputs=(longer, second))
    wrong = replace(onnx_probe, card=structs.replace(card, schema=schema, labels=labels))
    with pytest.raises(pyplugin.ModelError, match="output activations is not what its card has"):
        Node(16000, 1, 512, model=wrong)
    for size in (0, 10, len(onnx_probe.data) // 2):
        with pytest.raises(pyplugin.ModelError, match="onnxruntime could not read the model"):
            Node(16000, 1, 512, model=replace(onnx_probe, data=onnx_probe.data[:size]))
