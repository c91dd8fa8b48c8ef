"""Networks in int8 against the same in float, by LiteRT and by our own runtime."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.models.graphs.graph import GraphBuilder, constant
from pyplugin.models.graphs.int8 import quantised, with_bounds
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.tflite_file import TfliteFile

interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT")
RNG = np.random.default_rng(29)
FRAMES, BANDS = 24, 16


def litert(data: bytes, mel: np.ndarray) -> np.ndarray:
    made = interpreter.Interpreter(model_content=data, num_threads=1)
    made.allocate_tensors()
    made.set_tensor(made.get_input_details()[0]["index"], mel[None])
    made.invoke()
    return made.get_tensor(made.get_output_details()[0]["index"])


def normed(b, x, channels):
    """A batch norm whose scale has both signs."""
    y = b.binary("mul", x, constant(RNG.normal(size=channels).astype("f4")))
    return b.binary("add", y, constant(RNG.normal(size=channels).astype("f4")))


def convolved(b, x, channels, *, activation="relu", **options):
    kernel = RNG.normal(size=(3, 3, x.shape[3], channels)) / np.sqrt(9 * x.shape[3])
    return b.unary(activation, b.conv(x, kernel, RNG.normal(size=channels) / 9, **options))


def network(*, activation="relu"):
    b = GraphBuilder()
    x = b.reshape(b.input("mel", (1, FRAMES, BANDS)), (1, FRAMES, BANDS, 1))
    y = normed(b, convolved(b, x, 6, activation=activation, padding="same"), 6)
    y = b.pool("max_pool", y, (2, 2), stride=(2, 2))
    depth = RNG.normal(size=(3, 3, 1, 6)) / 3
    y = b.unary("relu6", b.conv(y, depth, groups=6, padding="same"))
    left, right = convolved(b, y, 4, padding=((1, 1), (2, 0))), convolved(b, y, 5, padding="same")
    y = normed(b, convolved(b, b.concat([left, right], 3), 8), 8)
    y = b.reduce("mean", y, (1, 2), keep=False)
    return b.finish({"activations": b.softmax(b.dense(y, RNG.normal(size=(8, 3))))})


def patches(count):
    return RNG.normal(size=(count, FRAMES, BANDS)).astype("f4")


@settings(max_examples=20)
@given(st.sampled_from(["relu", "relu6", "elu"]))
def test_bounds_change_nothing(activation):
    from pyplugin.models.graphs.int8 import _plain

    graph = network(activation=activation)
    bounded = with_bounds(graph)
    kinds = [step.kind for step in bounded.steps]
    assert kinds.count("relu") + kinds.count("relu6") == 0
    assert kinds.count("mul") == (1 if activation == "elu" else 0)
    mel = patches(1)[0]
    want = graph.run(mel)["activations"]
    got = _plain(bounded, bounded.outputs).run(mel)["activations"]
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "relu6", "elu"])
def test_an_int8_network_is_near_its_float_one(activation):
    graph = network(activation=activation)
    made = quantised(graph, [patches(20), patches(12)], ("a", "b", "c"))
    assert set(made.drift.per_label) == {"a", "b", "c"}
    held = patches(20)
    differences = [litert(made.data, mel) - litert(tflite_of(graph), mel) for mel in held]
    mean, most = np.abs(differences).mean(), np.abs(differences).max()
    assert mean < 0.02
    assert made.drift.float_mean_abs_diff == pytest.approx(mean, abs=0.01)
    assert most < 0.1
    file = TfliteFile(made.data)
    assert file.kinds["CONV_2D"] == 4
    assert len(made.data) < len(tflite_of(graph)) + 6000
    sizes = {layer.name: layer for layer in file.layers}
    assert sizes["activations"].shape == (1, 3)


def test_a_network_without_convolutions_stays_float():
    b = GraphBuilder()
    x = b.reshape(b.input("mel", (1, 4, 4)), (1, 16))
    graph = b.finish({"activations": b.softmax(b.dense(x, RNG.normal(size=(16, 3))))})
    assert quantised(graph, [RNG.normal(size=(8, 4, 4)).astype("f4")], ("a", "b", "c")) is None


def test_a_maximum_that_reaches_past_the_edge():
    b = GraphBuilder()
    x = b.reshape(b.input("mel", (1, FRAMES, BANDS)), (1, FRAMES, BANDS, 1))
    y = b.pool("max_pool", convolved(b, x, 4), (3, 3), stride=(2, 2), padding=((1, 1), (1, 1)))
    y = b.reduce("mean", convolved(b, y, 4), (1, 2), keep=False)
    graph = b.finish({"activations": b.softmax(b.dense(y, RNG.normal(size=(4, 3))))})
    made = quantised(graph, [patches(20)], ("a", "b", "c"))
    assert made.drift.float_mean_abs_diff < 0.02
