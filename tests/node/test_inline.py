"""The inline runtime: LiteRT's answers, whole windows bit for bit, in slices that are paid for."""

from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
from helpers import music, with_patch
from hypothesis import given, settings
from hypothesis import strategies as st
from inline_runs import streamed, whole_windows, with_card
from msgspec import structs
from sharing import build_missing

import pyplugin
from pyplugin import Node
from pyplugin.models import registry
from pyplugin.models.card import InputTensor, OutputTensor, Schema
from pyplugin.models.quantisation import activation_quantisation, quantise_weights
from pyplugin.models.tflite import GraphWriter, Tensor

MODELS = ("musicnn-mtt", "musicnn-msd", "vgg-mtt", "vgg-msd")


@pytest.fixture(scope="module")
def models(musicnn):
    """The four networks in int8; those that are missing are built."""
    build_missing(*MODELS)
    return {name: registry.load(name) for name in MODELS}


def tiny_model(
    *, patch: int, bands: int, height: int, width: int, same: bool, pad: int, second: int, seed: int
) -> registry.Model:
    """A small int8 network of MusiCNN's kind: convolutions, maxima over bands, then over time."""
    random = np.random.default_rng(seed)
    graph = GraphWriter()
    levels = activation_quantisation(-1.0, 6.0)

    def convolved(name: str, x: Tensor, high: int, wide: int, channels: int, padding) -> Tensor:
        kernel = random.normal(
            0, 1 / np.sqrt(high * wide * x.shape[3]), (high, wide, x.shape[3], channels)
        )
        weights = quantise_weights(kernel, random.normal(0, 0.3, channels), x.quantisation)
        filters = graph.constant(f"{name}/f", weights.filters, weights.filter_quantisation)
        bias = graph.constant(f"{name}/b", weights.bias, weights.bias_quantisation)
        y = activation_quantisation(-3.0, 3.0)
        return graph.conv_2d(name, x, filters, bias, padding=padding, quantisation=y)

    mel = graph.input("mel", (1, patch, bands))
    image = graph.quantise("image", graph.reshape("r", mel, (1, patch, bands, 1)), levels)
    padded = graph.pad("pad", image, ((0, 0), (pad, pad), (0, 0), (0, 0))) if pad else image
    one = convolved("one", padded, height, width, 5, "same" if same else "valid")
    one = graph.max_pool_2d("one/max", one, (1, one.shape[2]))
    two = convolved("two", one, second, 1, 7, "same")
    features = graph.dequantise("features", two)
    pooled = graph.concatenation(
        "pooled",
        [
            graph.max_pool_2d("max", features, (two.shape[1], 1)),
            graph.mean("mean", features, (1, 2)),
        ],
        axis=3,
    )
    flat = graph.reshape("flat", pooled, (1, 14))
    weights = graph.constant("w", random.normal(0, 1, (4, 14)).astype(np.float32))
    dense = graph.fully_connected(
        "dense", flat, weights, graph.constant("b", np.zeros(4, np.float32))
    )
    outputs = {"activations": graph.logistic("activations", dense), "dense": dense}
    data = graph.finish({"mel": mel}, outputs, description="tiny")
    return with_card("tiny", data, patch, bands, 4)


tiny_models = st.builds(
    tiny_model,
    patch=st.integers(8, 60),
    bands=st.integers(5, 24),
    height=st.integers(1, 7),
    width=st.integers(1, 5),
    same=st.booleans(),
    pad=st.integers(0, 4),
    second=st.integers(1, 7),
    seed=st.integers(0, 1000),
)


@settings(max_examples=40, deadline=None)
@given(
    model=tiny_models, share=st.floats(0.01, 1), sizes=st.lists(st.integers(1, 3000), min_size=1)
)
def test_shared_columns_change_no_bit_whatever_the_hop_and_the_blocks(musicnn, model, share, sizes):
    patch = model.card.patch_frames
    hop = max(round(share * patch), 1)
    x = music((patch + 3 * hop + 20) * 0.016, 16000)
    mel = pyplugin.melspectrogram(x, 16000, model.card.front_end)
    activations, dense = whole_windows(model, mel, hop)
    values, embeddings = streamed(model, x, hop * 0.016, sizes)
    assert len(values) >= 2
    np.testing.assert_array_equal(values, activations[: len(values)])
    np.testing.assert_array_equal(embeddings, dense[: len(values)])


def pooling_alone(patch: int, bands: int) -> registry.Model:
    """A float network that only takes maxima of 5 mel frames, so its first operation has edges."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    from op_models import OpModel

    graph, shape = OpModel(), (1, patch, bands, 1)
    options = schema.Pool2DOptionsT(
        schema.Padding.SAME, strideW=1, strideH=1, filterWidth=1, filterHeight=5
    )
    mel, y = graph.tensor(shape, "float32"), graph.tensor(shape, "float32")
    graph.op("MAX_POOL_2D", [mel], y, options)
    data, size = graph.finish([mel], [y]), patch * bands
    base = registry.load("musicnn-mtt")
    card = structs.replace(
        base.card,
        name="pooling",
        labels=tuple(f"{n}" for n in range(size)),
        schema=Schema(
            (InputTensor("mel", "float", (1, patch, bands)),),
            (OutputTensor("activations", "float", (1, size), "predictions"),),
        ),
        inference=structs.replace(base.card.front_end, bands=bands),
        patch_frames=patch,
        embedding="",
        sha256=sha256(data).hexdigest(),
    )
    return registry.Model("pooling", base.path, card, data)


def test_edges_of_the_first_operation_are_computed(musicnn):
    mel = np.random.default_rng(4).normal(0, 1, (70, 12)).astype(np.float32)
    (ours,) = whole_windows(pooling_alone(20, 12), mel, 10)
    for number, values in enumerate(ours):
        patch = mel[10 * number : 10 * number + 20]
        wider = np.pad(patch, ((2, 2), (0, 0)), constant_values=-np.inf)
        expected = np.max([wider[row : row + 20] for row in range(5)], axis=0)
        np.testing.assert_array_equal(values, expected.ravel())


@settings(max_examples=25, deadline=None)
@given(model=tiny_models)
def test_small_networks_equal_litert(musicnn, model):
    mel = pyplugin.melspectrogram(music(1.2, 16000), 16000, model.card.front_end)
    ours = whole_windows(model, mel, 7)
    theirs = whole_windows(model, mel, 7, "litert")
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def varied_model(patch: int = 20, bands: int = 6) -> registry.Model:
    """A network of operators of other people's graphs, with a constant that differs over time."""
    random = np.random.default_rng(5)
    graph = GraphWriter()
    shape, half = (1, patch, bands, 1), (1, patch, bands // 2, 1)

    def constant(name: str, size: tuple[int, ...]) -> Tensor:
        return graph.constant(name, random.uniform(0.5, 2, size).astype(np.float32))

    def integers(name: str, values: tuple[int, ...]) -> Tensor:
        return graph.constant(name, np.array(values, np.int32))

    mel = graph.input("mel", (1, patch, bands))
    image = graph.reshape("r", mel, shape)
    padded = graph.pad("pad", image, ((0, 0), (1, 1), (0, 0), (0, 0)))
    highest = graph.max_pool_2d("highest", padded, (3, 1), stride=(1, 1))
    scaled = graph.operator("scaled", "DIV", [highest, constant("s", (1, 1, bands, 1))], shape)
    moved = graph.operator("moved", "DIV", [scaled, constant("m", shape)], shape)
    squared = ("SquaredDifference", {})
    apart = graph.operator("apart", "SQUARED_DIFFERENCE", [moved, scaled], shape, squared)
    root = graph.operator("root", "SQRT", [apart], shape)
    limits = [integers("first", (0,) * 4), integers("end", half), integers("step", (1,) * 4)]
    part = graph.operator("part", "STRIDED_SLICE", [root, *limits], half, ("StridedSlice", {}))
    stacked = ("Pack", {"valuesCount": 2, "axis": 3})
    both = graph.operator("both", "PACK", [part, part], (*half[:3], 2, 1), stacked)
    features = graph.reshape("features", both, shape)
    flat = graph.reshape("flat", graph.mean("mean", features, (1,)), (1, bands))
    outputs = {"activations": graph.logistic("activations", flat), "dense": flat}
    data = graph.finish({"mel": mel}, outputs, description="varied")
    return with_card("varied", data, patch, bands, bands)


def test_a_constant_that_differs_over_time_keeps_its_place_in_each_window(musicnn):
    model = varied_model()
    x = music(1.5, 16000)
    mel = pyplugin.melspectrogram(x, 16000, model.card.front_end)
    ours = whole_windows(model, mel, 3)
    for a, b in zip(ours, whole_windows(model, mel, 3, "litert"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
    values, dense = streamed(model, x, 3 * 0.016, (441,))
    assert len(values) > 10
    np.testing.assert_array_equal(values, ours[0][: len(values)])
    np.testing.assert_array_equal(dense, ours[1][: len(values)])


@pytest.mark.parametrize("name", MODELS)
def test_real_models_equal_litert_on_real_music(models, clips, name):
    for clip in ("drum-loop", "sung-pop", "classical-strings"):
        results = [
            pyplugin.tag(
                clips / f"{clip}.ogg", model=models[name], runtime=runtime, embedding="logits"
            )
            for runtime in ("inline", "litert")
        ]
        np.testing.assert_allclose(results[0].activations, results[1].activations, atol=1e-5)
        np.testing.assert_allclose(results[0].embeddings, results[1].embeddings, atol=1e-4)


@pytest.mark.parametrize("hop", [1, 6, 31, 62, 93, 100, 186, 187])
def test_musicnn_shares_columns_bit_for_bit(models, hop):
    model = models["musicnn-mtt"]
    x = music((187 + 2 * hop + 140) * 0.016, 16000)
    mel = pyplugin.melspectrogram(x, 16000)[: 187 + 2 * hop]
    activations, _, _, penultimate = whole_windows(model, mel, hop)
    values, embeddings = streamed(model, x, hop * 0.016)
    count = min(len(values), len(activations))
    assert count >= 2
    np.testing.assert_array_equal(values[:count], activations[:count])
    np.testing.assert_array_equal(embeddings[:count], penultimate[:count])


@pytest.mark.parametrize("sizes", [(1,), (17,), (64,), (441,), (8192,), (65536,), (3, 5000, 1, 77)])
def test_musicnn_in_any_blocks_is_the_same_bit_for_bit_and_never_late(models, sizes):
    x = music(6, 16000) if sizes != (1,) else music(4.2, 16000)
    expected, _ = streamed(models["musicnn-mtt"], music(6, 16000), 0.25)
    values, _ = streamed(models["musicnn-mtt"], x, 0.25, sizes)
    assert len(values) >= 3
    np.testing.assert_array_equal(values, expected[: len(values)])


@pytest.mark.parametrize("isa", ["portable", "avx2", "avxvnni", "avx512", "neon", "neondot"])
def test_every_instruction_set_gives_the_same_bits(models, monkeypatch, isa):
    """A name that this machine does not have stands for its default, which must agree as well."""
    model = models["musicnn-mtt"]
    mel = pyplugin.melspectrogram(music(3.5, 16000), 16000)
    expected = whole_windows(model, mel, 30)
    monkeypatch.setenv("TAGNODE_ISA", isa)
    for a, b in zip(whole_windows(model, mel, 30), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_is_the_default_of_int8_models_and_others_go_to_the_worker(models, probe):
    with Node(16000, 1, 512, model=models["musicnn-mtt"]) as node:
        assert node.runtime == "inline"
    with Node(16000, 1, 512, model=probe.model) as node:
        assert node.runtime == "litert"


def test_live_and_offline_are_the_same(models):
    x = music(5, 16000)
    live, _ = streamed(models["musicnn-msd"], x, 0.5, offline=False)
    offline, _ = streamed(models["musicnn-msd"], x, 0.5, offline=True)
    np.testing.assert_array_equal(live, offline)


def test_reset_in_the_middle_of_a_window_equals_a_new_node(models):
    x = music(5, 16000)
    with Node(16000, 1, 8192, model=models["musicnn-mtt"], hop=0.3) as node:
        first = (
            node.process(x[:, :8192]),
            [node.process(x[:, i : i + 640]) for i in range(8192, 80000, 640)],
        )
        node.process(x[:, :5000])
        node.reset()
        again = (
            node.process(x[:, :8192]),
            [node.process(x[:, i : i + 640]) for i in range(8192, 80000, 640)],
        )
    for a, b in zip([first[0], *first[1]], [again[0], *again[1]], strict=True):
        np.testing.assert_array_equal(a.values, b.values)
        np.testing.assert_array_equal(a.emitted, b.emitted)


def test_a_damaged_or_foreign_model_is_refused(models, probe):
    model = models["musicnn-mtt"]
    for data in (b"", model.data[:100], model.data[: len(model.data) // 2], b"x" * 5000):
        with pytest.raises(pyplugin.ModelError):
            Node(16000, 1, 512, model=replace(model, data=data), runtime="inline")
    wrong = replace(model, card=with_patch(model.card, 186))
    with pytest.raises(pyplugin.ModelError, match="186"):
        Node(16000, 1, 512, model=wrong, runtime="inline")
    graph = GraphWriter()
    mel = graph.input("mel", (1, 20, 6))
    sine = graph.operator("sine", "SIN", [mel], mel.shape)
    data = graph.finish({"mel": mel}, {"activations": sine}, description="sine")
    with pytest.raises(pyplugin.ModelError, match=r"SIN, .*worker runtime"):
        Node(16000, 1, 512, model=with_card("sine", data, 20, 6, 4), runtime="inline")
