"""Other people's .tflite files in the form of a node's models: LiteRT before and after."""

import numpy as np
import pytest
from helpers import published_weights

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.graphs.graph import GraphBuilder
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.tflite import read_signature, schema_modules
from pyplugin.models.tflite_file import TfliteFile

interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT")
RNG = np.random.default_rng(19)


def litert(data: bytes, x: np.ndarray) -> dict[str, np.ndarray]:
    made = interpreter.Interpreter(model_content=data, num_threads=1)
    made.allocate_tensors()
    made.set_tensor(made.get_input_details()[0]["index"], x)
    made.invoke()
    return {each["name"]: made.get_tensor(each["index"]) for each in made.get_output_details()}


def network(shape) -> bytes:
    builder = GraphBuilder()
    x = builder.input("picture", shape)
    y = builder.conv(builder.reshape(x, (1, *shape[1:3], 1)), RNG.normal(size=(3, 3, 1, 4)))
    y = builder.reduce("mean", builder.unary("relu", y), (1, 2), keep=False)
    y = builder.softmax(builder.dense(y, RNG.normal(size=(4, 3))))
    return tflite_of(builder.finish({"classes": y}))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda model: setattr(model.subgraphs[0].tensors[0], "shape", None),
        lambda model: setattr(model, "buffers", None),
        lambda model: setattr(model, "operatorCodes", model.operatorCodes[:0]),
        lambda model: setattr(model.subgraphs[0].tensors[0], "shape", [-(1 << 31), 1, 1]),
    ],
)
def test_damage_is_an_error(spoil):
    schema, flatbuffers = schema_modules()
    model = schema.ModelT.InitFromPackedBuf(bytearray(network((1, 12, 8))))
    spoil(model)
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), b"TFL3")
    with pytest.raises(ModelError):
        TfliteFile(bytes(builder.Output())).adapted(12, 8, {"activations": "classes"})


def test_int8_is_known_by_the_operators(tmp_path):
    """Also where the input itself is int8, so that nothing is quantised."""
    schema, flatbuffers = schema_modules()
    model = schema.ModelT.InitFromPackedBuf(bytearray(network((1, 12, 8))))
    assert TfliteFile(network((1, 12, 8))).model_type == "tflite-float32"
    for tensor in model.subgraphs[0].tensors:
        tensor.type = schema.TensorType.INT8
    builder = flatbuffers.Builder(1 << 12)
    builder.Finish(model.Pack(builder), b"TFL3")
    file = TfliteFile(bytes(builder.Output()))
    assert "QUANTIZE" not in file.kinds
    assert file.model_type == "tflite-int8"


@pytest.mark.parametrize("shape", [(1, 12, 8), (1, 12, 8, 1), (1, 8, 12), (1, 8, 12, 1)])
def test_the_input_becomes_mel_frames(shape):
    data = network(shape)
    file = TfliteFile(data)
    (means,) = [layer.name for layer in file.layers if layer.kind == "MEAN"]
    made = file.adapted(12, 8, {"activations": "classes", "embedding": means})
    assert read_signature(made) == (
        {"mel": (1, 12, 8)},
        {"activations": (1, 3), "embedding": (1, 4)},
    )
    mel = RNG.normal(size=(1, 12, 8)).astype("f4")
    given = np.moveaxis(mel, 1, 2) if shape[1] == 8 else mel
    (want,) = litert(data, given.reshape(shape)).values()
    got = litert(made, mel)
    np.testing.assert_array_equal(got["activations"], want)
    assert got["embedding"].shape == (1, 4)


def test_an_int8_layer_becomes_a_float_output():
    model = registry.load("scene")
    file = TfliteFile(model.data)
    layer = [each for each in file.layers if each.kind == "CONV_2D"][-1]
    made = file.adapted(125, 96, {"activations": "activations", "last": layer.name})
    x = RNG.uniform(0, 3, size=(1, 125, 96)).astype("f4")
    got, want = litert(made, x), litert(model.data, x)
    np.testing.assert_array_equal(got["activations"], want["activations"])
    steps = np.unique(np.diff(np.unique(got["last"])).round(5))
    assert got["last"].size == np.prod(layer.shape)
    assert np.allclose(steps / steps[0], np.rint(steps / steps[0]), atol=1e-2)  # int8's steps


def test_kinds_layers_and_ends():
    file = TfliteFile(network((1, 12, 8)))
    assert file.inputs == {"picture": (1, 12, 8)}
    assert file.kinds["CONV_2D"] == 1
    assert file.end_kind("classes") == "SOFTMAX"
    with pytest.raises(ModelError, match="no layer 'clases'; did you mean 'classes'"):
        file.adapted(12, 8, {"activations": "clases"})
    with pytest.raises(ModelError, match=r"\[1, 12, 8\]; 12 mel frames of 9 bands"):
        file.adapted(12, 9, {"activations": "classes"})


def test_damaged_files_are_refused():
    data = network((1, 12, 8))
    for end in range(0, len(data), 97):
        with pytest.raises(ModelError):
            TfliteFile(data[:end])
    rng = np.random.default_rng(1)
    for _ in range(200):
        damaged = bytearray(data)
        for at in rng.integers(8, len(data), 4):
            damaged[at] = rng.integers(256)
        try:
            TfliteFile(bytes(damaged)).adapted(12, 8, {"activations": "classes"})
        except ModelError:
            continue


def test_yamnet_of_others_gives_the_same_in_a_nodes_form():
    data = (published_weights() / "yamnet" / "yamnet_spectra_in.tflite").read_bytes()
    file = TfliteFile(data)
    (name,) = file.outputs
    assert file.kinds["SPLIT"] == 1
    made = file.adapted(96, 64, {"activations": name})
    assert "SPLIT" not in TfliteFile(made).kinds
    x = RNG.normal(-3, 2, size=(1, 96, 64)).astype("f4")
    (want,) = litert(data, x).values()
    np.testing.assert_array_equal(litert(made, x)["activations"], want)
