"""Float networks inline: LiteRT's answers, whole windows bit for bit, and refusals."""

import re
import time
from hashlib import sha256

import numpy as np
import pytest
from helpers import music, published_weights
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_runs import streamed, whole_windows, with_card
from msgspec import structs
from sharing import build_missing

import pyplugin
from pyplugin import Node
from pyplugin._native import lib, text
from pyplugin.models import registry
from pyplugin.models.importing import import_file
from pyplugin.models.structs import card_struct
from pyplugin.models.tflite import GraphWriter, Tensor
from pyplugin.node.runtimes import open_model

TOLERANCE = 1e-5  # of the greatest value, or of 1
ACTIVATIONS = ("ELU", "RELU", "RELU6", "TANH", "LOGISTIC", "HARD_SWISH", "EXP")


def check_near(ours, theirs):
    """Compare to the precision of the largest value, from which small ones may come."""
    largest = max(1, *(np.abs(b).max() for b in theirs))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=TOLERANCE * largest)


class Network:
    """A float network under construction, with random weights."""

    def __init__(self, patch: int, bands: int, seed: int) -> None:
        self.graph, self.random = GraphWriter(), np.random.default_rng(seed)
        self.patch, self.bands, self.layers = patch, bands, 0
        self.mel = self.graph.input("mel", (1, patch, bands))
        self.x = self.graph.reshape("image", self.mel, (1, patch, bands, 1))

    def constant(self, *shape: int, spread: float = 1.0) -> Tensor:
        self.layers += 1
        values = self.random.normal(0, spread, shape).astype(np.float32)
        return self.graph.constant(f"c{self.layers}", values)

    def conv(self, high: int, wide: int, channels: int, **options) -> None:
        spread = (high * wide * self.x.shape[3]) ** -0.5
        filters = self.constant(channels, high, wide, self.x.shape[3], spread=spread)
        bias = self.constant(channels)
        self.x = self.graph.conv_2d(f"l{self.layers}", self.x, filters, bias, **options)

    def depthwise(self, size: int, each: int) -> None:
        channels = self.x.shape[3] * each
        filters, bias = (
            self.constant(1, size, size, channels, spread=1 / size),
            self.constant(channels),
        )
        shape = (*self.x.shape[:3], channels)
        self.x = self.graph.depthwise(
            f"l{self.layers}", self.x, filters, bias, each=each, shape=shape, padding="same"
        )

    def affine(self) -> None:
        """Scale and shift of each channel, as batch normalisation leaves them."""
        channels = self.x.shape[3]
        self.x = self.graph.mul(f"m{self.layers}", self.x, self.constant(1, 1, 1, channels))
        self.x = self.graph.add(f"a{self.layers}", self.x, self.constant(1, 1, 1, channels))

    def function(self, kind: str) -> None:
        options = ("HardSwish", {}) if kind == "HARD_SWISH" else None
        self.x = self.graph.operator(f"f{self.layers}", kind, [self.x], self.x.shape, options)

    def finish(self, name: str = "tiny") -> registry.Model:
        channels = self.x.shape[3]
        flat = self.graph.reshape("flat", self.graph.mean("mean", self.x, (1, 2)), (1, channels))
        weights, bias = self.constant(4, channels), self.constant(4)
        dense = self.graph.fully_connected("dense", flat, weights, bias)
        outputs = {"activations": self.graph.logistic("activations", dense), "dense": dense}
        data = self.graph.finish({"mel": self.mel}, outputs, description=name)
        return with_card(name, data, self.patch, self.bands, 4)


@st.composite
def networks(draw) -> registry.Model:
    """Draw convolutions of every kind, wide and narrow, before and after a change of rate."""
    made = Network(draw(st.integers(12, 50)), draw(st.integers(4, 20)), draw(st.integers(0, 999)))
    channels = st.sampled_from((1, 5, 8, 16, 33, 70))
    made.conv(
        draw(st.integers(1, 6)),
        draw(st.integers(1, 4)),
        draw(channels),
        padding=draw(st.sampled_from(("same", "valid"))),
        stride=(draw(st.sampled_from((1, 1, 2))), draw(st.integers(1, 2))),
        relu=draw(st.booleans()),
    )
    if draw(st.booleans()):
        made.affine()
    made.function(draw(st.sampled_from(ACTIVATIONS)))
    if draw(st.booleans()):
        made.depthwise(3, draw(st.integers(1, 2)))
    if draw(st.booleans()):  # one column, as of convolutions over time alone
        made.x = made.graph.max_pool_2d("narrow", made.x, (1, made.x.shape[2]))
    made.conv(draw(st.integers(1, 4)), 1, draw(channels), padding="same", relu=True)
    if draw(st.booleans()):
        made.affine()
    return made.finish()


@settings(max_examples=30, deadline=None)
@given(model=networks(), share=st.floats(0.02, 1), sizes=st.lists(st.integers(1, 3000), min_size=1))
def test_a_stream_has_the_bits_of_whole_windows(musicnn, model, share, sizes):
    patch = model.card.patch_frames
    hop = max(round(share * patch), 1)
    x = music((patch + 3 * hop + 20) * 0.016, 16000)
    mel = pyplugin.melspectrogram(x, 16000, model.card.front_end)
    whole = whole_windows(model, mel, hop)
    check_near(whole, whole_windows(model, mel, hop, "litert"))
    values, embeddings = streamed(model, x, hop * 0.016, sizes, offline=True)
    assert len(values) >= 2
    np.testing.assert_array_equal(values, whole[0][: len(values)])
    np.testing.assert_array_equal(embeddings, whole[1][: len(values)])


@pytest.fixture(scope="module")
def musicnn_float(musicnn):
    build_missing("musicnn-mtt")
    return registry.load("musicnn-mtt-float")


def test_musicnn_in_float_equals_litert_and_its_stream(musicnn_float):
    x = music(5, 16000)
    mel = pyplugin.melspectrogram(x, 16000)
    whole = whole_windows(musicnn_float, mel, 30)
    check_near(whole, whole_windows(musicnn_float, mel, 30, "litert"))
    values, embeddings = streamed(musicnn_float, x, 0.48, (441, 3000))
    assert len(values) > 2
    np.testing.assert_array_equal(values, whole[0][: len(values)])
    np.testing.assert_array_equal(embeddings, whole[3][: len(values)])


def test_instruction_sets_that_fuse_are_equal_and_others_near(musicnn_float, monkeypatch):
    mel = pyplugin.melspectrogram(music(3.2, 16000), 16000)
    expected = whole_windows(musicnn_float, mel, 187)
    portable = text(lib.tagnode_model_instruction_set()) == "portable"
    for isa in ("avx2", "avxvnni", "avx512", "neon", "neondot", "portable"):
        monkeypatch.setenv("TAGNODE_ISA", isa)
        found = whole_windows(musicnn_float, mel, 187)
        if isa == "portable" or portable:
            check_near(found, expected)
            continue
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("file", ["tempocnn/deeptemp_k16.h5", "deepsound/model.json"])
def test_published_networks_equal_litert_and_stream(tmp_path, monkeypatch, file):
    weights = published_weights()
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    model = registry.load(import_file(weights / file).name)
    card = model.card
    rate = card.front_end.sample_rate
    x = music(1.5 * card.patch_frames * card.front_end.hop / rate, rate)
    mel = pyplugin.melspectrogram(x, rate, card.front_end)
    hop = card.patch_frames // 5
    whole = whole_windows(model, mel, hop)
    check_near(whole, whole_windows(model, mel, hop, "litert"))
    seconds = hop * card.front_end.hop / rate
    with Node(rate, 1, 4096, model=model, hop=seconds, runtime="inline") as node:
        frames = [node.process(x[:, at : at + 999]) for at in range(0, x.shape[1], 999)]
        assert node.counters["late"] == 0
    values = np.concatenate([f.values[f.state == pyplugin.State.FRESH] for f in frames])
    assert len(values) >= 2
    np.testing.assert_array_equal(values, whole[0][: len(values)])


def halved(data: bytes) -> bytes:
    """Return the model with its float constants in half precision, each before a DEQUANTIZE."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    from pyplugin.models.tflite import file_of

    model = schema.ModelT.InitFromPackedBuf(data)
    (graph,) = model.subgraphs
    model.operatorCodes.append(schema.OperatorCodeT(6, version=1, builtinCode=6))
    for index, tensor in enumerate(list(graph.tensors)):
        content = model.buffers[tensor.buffer].data
        if tensor.type != schema.TensorType.FLOAT32 or content is None or len(content) == 0:
            continue
        values = np.frombuffer(bytes(content), np.float32).astype(np.float16)
        model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
        half = schema.TensorT(
            shape=tensor.shape, type=schema.TensorType.FLOAT16, buffer=tensor.buffer, name=b"half"
        )
        tensor.buffer = 0
        graph.tensors.append(half)
        restored = schema.OperatorT(
            opcodeIndex=len(model.operatorCodes) - 1,
            inputs=[len(graph.tensors) - 1],
            outputs=[index],
        )
        graph.operators.insert(0, restored)
    return file_of(model)


def test_weights_of_half_precision_equal_litert(musicnn):
    made = Network(20, 8, 3)
    made.conv(3, 3, 200, padding="same", relu=True)
    model = made.finish()
    data = halved(model.data)
    assert len(data) < 0.8 * len(model.data)
    card = structs.replace(model.card, sha256=sha256(data).hexdigest())
    model = registry.Model("half", model.path, card, data)
    mel = np.random.default_rng(8).normal(0, 1, (50, 8)).astype(np.float32)
    check_near(whole_windows(model, mel, 10), whole_windows(model, mel, 10, "litert"))


@pytest.fixture(scope="module")
def heavy():
    """Two thousand million multiply-adds, of which windows share none."""
    made = Network(96, 64, 4)
    made.conv(3, 3, 256, padding="same", stride=(2, 2), relu=True)
    for _ in range(2):
        made.conv(3, 3, 256, padding="same", relu=True)
    return made.finish("heavy")


def test_a_model_too_heavy_for_its_hop_is_refused_with_both_times(musicnn, heavy):
    with pytest.raises(pyplugin.ModelError, match="too heavy for the inline runtime") as caught:
        Node(16000, 1, 512, model=heavy, hop=0.016, runtime="inline")
    sentence = str(caught.value)
    work, gives = (float(text) for text in re.findall(r"([\d.e-]+) s", sentence))
    assert gives == 0.016
    assert sentence.endswith("choose a longer hop, or the worker runtime.")
    opened = open_model(heavy, card_struct(heavy.card), "inline")
    started = time.process_time()
    opened.run(np.zeros((96, 64), np.float32), [4, 4])
    taken = time.process_time() - started  # of one window, and of packing its weights
    opened.close()
    assert 0.3 * taken < work < 3 * taken


def test_it_runs_where_it_has_the_time(musicnn, heavy):
    for options in ({"hop": 0.016, "offline": True}, {"hop": 60.0}):
        with Node(16000, 1, 512, model=heavy, runtime="inline", **options) as node:
            assert node.runtime == "inline"
