"""Networks written as .tflite and as heads: LiteRT and C against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.models import heads
from pyplugin.models.graphs.graph import REDUCTIONS, UNARY, GraphBuilder, constant
from pyplugin.models.graphs.lowering import stages_of, tflite_of

interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs LiteRT")
RNG = np.random.default_rng(5)


def litert(data: bytes, x: np.ndarray) -> list[np.ndarray]:
    made = interpreter.Interpreter(model_content=data, num_threads=1)
    made.allocate_tensors()
    made.set_tensor(made.get_input_details()[0]["index"], x)
    made.invoke()
    return [made.get_tensor(each["index"]) for each in made.get_output_details()]


def check(build, shape, *, tolerance=1e-5):
    builder = GraphBuilder()
    x = RNG.uniform(0.1, 2, shape).astype("f4")
    graph = builder.finish({"y": build(builder, builder.input("x", shape))})
    want = graph.run(x)["y"]
    (got,) = litert(tflite_of(graph), x)
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("kind", UNARY)
def test_operators_on_each_element(kind):
    check(lambda b, x: b.unary(kind, b.binary("sub", x, constant(np.float32(0.05)))), (1, 3, 4, 2))


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("keep", [False, True])
def test_reductions(kind, keep):
    check(lambda b, x: b.reduce(kind, x, (1, -1), keep=keep), (1, 3, 4, 2))


@pytest.mark.parametrize(
    "kind", ["add", "sub", "mul", "div", "maximum", "minimum", "squared_difference"]
)
def test_operators_on_two_arrays(kind):
    other = RNG.uniform(0.1, 2, (4, 1)).astype("f4")
    check(lambda b, x: b.binary(kind, x, constant(other)), (1, 3, 4, 2))
    check(lambda b, x: b.binary(kind, x, b.unary("relu", x)), (1, 3, 4, 2))
    check(lambda b, x: b.binary(kind, constant(other), x), (1, 3, 4, 2))


@settings(max_examples=40)
@given(
    padding=st.sampled_from(["same", "valid", ((1, 0), (2, 1)), ((0, 0), (1, 1))]),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.integers(1, 2),
    groups=st.sampled_from([1, 2, 4]),
)
def test_convolutions(padding, stride, kernel, dilation, groups):
    weights = RNG.normal(size=(*kernel, 4 // groups, 8)).astype("f4")
    pair = (dilation, dilation) if stride == (1, 1) else (1, 1)
    check(
        lambda b, x: b.conv(
            x, weights, np.arange(8), padding=padding, stride=stride, dilation=pair, groups=groups
        ),
        (1, 9, 8, 4),
        tolerance=1e-4,
    )


@settings(max_examples=30)
@given(
    kind=st.sampled_from(["max_pool", "mean_pool"]),
    padding=st.sampled_from(["same", "valid", ((1, 0), (1, 1))]),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
)
def test_pools(kind, padding, stride):
    if kind == "mean_pool" and not isinstance(padding, str):
        return
    check(
        lambda b, x: b.pool(kind, b.unary("neg", x), (2, 3), stride=stride, padding=padding),
        (1, 9, 8, 2),
    )


def test_shapes():
    check(lambda b, x: b.transpose(x, (0, 3, 1, 2)), (1, 3, 4, 2))
    check(lambda b, x: b.reshape(x, (1, 4, -1)), (1, 3, 4, 2))
    check(lambda b, x: b.pad(x, ((0, 0), (1, 2), (0, 3), (0, 0))), (1, 3, 4, 2))
    check(lambda b, x: b.slice(x, [(0, 1, 1), (1, 3, 1), (0, 4, 2), (1, 2, 1)]), (1, 3, 4, 2))
    check(lambda b, x: b.concat([x, b.unary("relu", x)], 2), (1, 3, 4, 2))
    check(lambda b, x: b.softmax(b.leaky_relu(b.unary("neg", x), 0.2)), (1, 3, 4, 2))
    check(lambda b, x: b.dense(x, RNG.normal(size=(2, 3)), np.arange(3)), (1, 3, 4, 2))


# ---- heads


def test_a_chain_on_an_embedding_is_a_head(tmp_path):
    first, second = RNG.normal(size=(8, 5)), RNG.normal(size=(5, 3))
    builder = GraphBuilder()
    x = builder.input("x", (1, 8))
    y = builder.binary("mul", builder.unary("relu", x), constant(np.arange(8, dtype="f4")))
    y = builder.binary("sub", builder.binary("add", y, constant(np.float32(2))), constant([1.0]))
    y = builder.unary("tanh", builder.dense(y, first, np.arange(5)))
    graph = builder.finish({"y": builder.softmax(builder.dense(y, second))})
    stages = stages_of(graph)
    assert [type(stage).__name__ for stage in stages] == ["Dense", "Affine", "Dense", "Dense"]
    head = heads.Head("mine", ("a", "b", "c"), "scene", "embedding", 8, False, stages)
    heads.save(head, tmp_path / "mine.head")  # C checks it
    embedding = RNG.normal(size=(1, 8))
    want = np.maximum(embedding, 0) * np.arange(8) + 1
    want = np.exp(np.tanh(want @ first + np.arange(5)) @ second)
    np.testing.assert_allclose(heads.run(head, embedding), want / want.sum(), atol=1e-6)
    np.testing.assert_allclose(graph.run(embedding)["y"], want / want.sum(), atol=1e-6)


def test_other_networks_are_no_heads():
    def made(build, shape=(1, 8)):
        builder = GraphBuilder()
        x = builder.input("x", shape)
        return stages_of(builder.finish({"y": build(builder, x)}))

    assert made(lambda b, x: b.binary("add", x, b.unary("relu", x))) is None
    assert made(lambda b, x: b.unary("elu", b.dense(x, np.eye(8)))) is None
    assert made(lambda b, x: b.unary("relu", x), (1, 4, 8)) is None
    assert made(lambda b, x: b.binary("maximum", x, constant(np.float32(1)))) is None
    assert made(lambda b, x: b.slice(x, [(0, 1, 1), (0, 4, 1)])) is None


def test_a_number_is_no_vector_of_a_head():
    builder = GraphBuilder()
    x = builder.input("x", (1, 4))
    y = builder.reshape(builder.reduce("mean", x, (0, 1), keep=False), ())
    assert stages_of(builder.finish({"y": y})) is None
