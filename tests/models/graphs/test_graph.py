"""Networks in numpy against the definitions of their operators, written out."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graph import GraphBuilder, constant, same_padding

RNG = np.random.default_rng(3)


def ran(build, *arrays):
    """Build a graph of one output on inputs of these shapes and run it."""
    builder = GraphBuilder()
    inputs = [builder.input(f"x{i}", array.shape) for i, array in enumerate(arrays)]
    graph = builder.finish({"y": build(builder, *inputs)})
    return graph.run(*arrays)["y"], graph


@settings(max_examples=60)
@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    padding=st.sampled_from(["same", "valid", ((1, 0), (2, 1))]),
)
def test_a_convolution_is_the_sum_of_its_products(sizes, kernel, stride, dilation, padding):
    height, width, channels = sizes
    x = RNG.normal(size=(1, *sizes)).astype("f4")
    weights = RNG.normal(size=(kernel[0], kernel[1], channels, kernel[2])).astype("f4")
    bias = RNG.normal(size=kernel[2]).astype("f4")
    options = {"stride": stride, "dilation": dilation, "padding": padding}
    reach = [(kernel[i] - 1) * dilation[i] + 1 for i in range(2)]
    around = {"valid": ((0, 0), (0, 0)), "same": same_padding((height, width), reach, stride)}
    amounts = around.get(padding, padding) if isinstance(padding, str) else padding
    left = [(sizes[i] + sum(amounts[i]) - reach[i]) // stride[i] + 1 for i in range(2)]
    if min(left) < 1:
        with pytest.raises(ModelError, match="does not fit"):
            ran(lambda build, v: build.conv(v, weights, bias, **options), x)
        return
    got, _ = ran(lambda build, v: build.conv(v, weights, bias, **options), x)
    padded = np.pad(x.astype("f8"), ((0, 0), *amounts, (0, 0)))
    assert got.shape == (1, *left, kernel[2])
    for row, column in itertools.product(*map(range, left)):
        total = bias.astype("f8").copy()
        for i, j in itertools.product(range(kernel[0]), range(kernel[1])):
            at = (row * stride[0] + i * dilation[0], column * stride[1] + j * dilation[1])
            total += padded[0, at[0], at[1]] @ weights[i, j].astype("f8")
        assert got[0, row, column] == pytest.approx(total, abs=1e-4)


def test_pools_leave_the_padding_out():
    x = -np.arange(1, 10, dtype="f4").reshape(1, 3, 3, 1)
    got, _ = ran(lambda b, v: b.pool("max_pool", v, (2, 2), stride=(2, 2), padding="same"), x)
    assert got.ravel().tolist() == [-1, -3, -7, -9]
    got, _ = ran(lambda b, v: b.pool("mean_pool", v, (2, 2), stride=(2, 2), padding="same"), x)
    assert got.ravel().tolist() == [-3, -4.5, -7.5, -9]


def test_groups_see_their_own_channels_only():
    x = RNG.normal(size=(1, 4, 4, 6)).astype("f4")
    weights = RNG.normal(size=(3, 3, 2, 9)).astype("f4")
    got, _ = ran(lambda b, v: b.conv(v, weights, groups=3), x)
    for group in range(3):
        part = x[..., 2 * group : 2 * group + 2]
        own = slice(3 * group, 3 * group + 3)
        alone, _ = ran(lambda b, v, own=own: b.conv(v, weights[..., own]), part)
        np.testing.assert_allclose(got[..., own], alone, atol=1e-5)
    weights = RNG.normal(size=(3, 3, 1, 12)).astype("f4")  # depthwise, two a channel
    got, graph = ran(lambda b, v: b.conv(v, weights, groups=6), x)
    assert [step.kind for step in graph.steps] == ["depthwise"]
    for channel in range(6):
        own = slice(2 * channel, 2 * channel + 2)
        alone, _ = ran(lambda b, v, own=own: b.conv(v, weights[..., own]), x[..., [channel]])
        np.testing.assert_allclose(got[..., own], alone, atol=1e-5)


def test_a_norm_after_a_convolution_goes_into_its_weights():
    x = RNG.normal(size=(1, 5, 5, 2)).astype("f4")
    weights = RNG.normal(size=(3, 3, 2, 4)).astype("f4")
    scale, shift = RNG.normal(size=(2, 4)).astype("f4")

    def build(b, v):
        y = b.binary("mul", b.conv(v, weights), constant(scale))
        return b.binary("add", y, constant(shift.reshape(1, 1, 1, 4)))

    got, graph = ran(build, x)
    assert [step.kind for step in graph.steps] == ["conv"]
    plain, _ = ran(lambda b, v: b.conv(v, weights), x)
    np.testing.assert_allclose(got, plain * scale + shift, atol=1e-5)


def test_turns_that_meet_cancel():
    x = RNG.normal(size=(1, 3, 6, 5)).astype("f4")  # channels first
    weights = RNG.normal(size=(3, 3, 3, 3)).astype("f4")
    bias = RNG.normal(size=(1, 3, 1, 1)).astype("f4")

    def convolved(b, v):
        y = b.conv(b.transpose(v, (0, 2, 3, 1)), weights, padding="same")
        return b.transpose(y, (0, 3, 1, 2))

    def build(b, v):
        y = b.unary("relu", b.binary("add", convolved(b, v), constant(bias)))
        y = b.pad(y, ((0, 0), (0, 0), (1, 0), (0, 1)))
        y = b.concat([convolved(b, y), b.unary("relu", convolved(b, y))], 1)
        return b.reduce("mean", y, (2, 3), keep=True)

    got, graph = ran(build, x)
    assert [step.kind for step in graph.steps].count("transpose") <= 2

    def plain(v):
        y = np.moveaxis(v, 1, 3)
        y, _ = ran(lambda b, u: b.conv(u, weights, padding="same"), y)
        return np.moveaxis(y, 3, 1)

    y = np.maximum(plain(x) + bias, 0)
    y = plain(np.pad(y, ((0, 0), (0, 0), (1, 0), (0, 1))))
    y = np.concatenate([y, np.maximum(y, 0)], 1).mean(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(got, y, atol=1e-5)


@given(order=st.permutations(range(4)), again=st.permutations(range(4)))
def test_turns_in_a_row_are_one(order, again):
    x = RNG.normal(size=(2, 3, 4, 5)).astype("f4")
    got, graph = ran(lambda b, v: b.transpose(b.transpose(v, order), again), x)
    np.testing.assert_array_equal(got, x.transpose(order).transpose(again))
    assert len(graph.steps) <= 1


def test_what_depends_on_constants_alone_is_computed():
    builder = GraphBuilder()
    y = builder.binary("add", constant(np.ones(3)), builder.unary("square", constant([1.0, 2, 3])))
    assert y.constant.tolist() == [2, 5, 10]


def test_what_no_output_needs_is_left_out():
    builder = GraphBuilder()
    x, other = builder.input("x", (1, 2)), builder.input("other", (1, 2))
    builder.unary("relu", other)
    graph = builder.finish({"y": builder.unary("tanh", x)})
    assert list(graph.inputs) == ["x"]
    assert [step.kind for step in graph.steps] == ["tanh"]


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.reshape(x, (7,)),
        lambda b, x: b.dense(x, np.ones((3, 2))),
        lambda b, x: b.conv(x, np.ones((1, 1, 1, 1))),
        lambda b, x: b.binary("add", x, constant(np.ones(3))),
        lambda b, x: b.transpose(x, (0, 0)),
        lambda b, x: b.matmul(x, x),
        lambda b, x: b.concat([x, b.input("y", (2, 3))], 0),
        lambda b, x: b.pool("max_pool", x, (1, 1), stride=(1, 1)),
        lambda b, x: b.binary("add", x, constant(np.broadcast_to(0.0, (1 << 20, 1 << 9, 1)))),
    ],
)
def test_shapes_that_do_not_suit_are_refused(build):
    builder = GraphBuilder()
    with pytest.raises(ModelError):
        build(builder, builder.input("x", (1, 2)))


def test_multiplications_are_counted():
    builder = GraphBuilder()
    x = builder.input("x", (1, 8, 8, 2))
    y = builder.conv(x, np.ones((3, 3, 2, 4)))  # 36 positions of 72
    y = builder.conv(y, np.ones((3, 3, 1, 4)), groups=4)  # 16 positions of 36
    y = builder.dense(builder.reshape(y, (1, 64)), np.ones((64, 5)))
    assert builder.finish({"y": y}).multiplications == 36 * 72 + 16 * 36 + 320


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.input("large", (1, 1 << 28)),
        lambda b, x: b.conv(x, np.ones((1, 1, 8, 8)), stride=(0, 1)),
        lambda b, x: b.conv(x, np.ones((1, 1, 8, 8)), dilation=(1 << 40, 1)),
        lambda b, x: b.pool("max_pool", x, (1, 1), stride=(1, 1 << 31)),
        lambda b, x: b.leaky_relu(x, 1e300),
        lambda b, x: b.conv(b.input("wide", (1, 1, 1, 8192)), np.ones((1, 1, 2, 2)), groups=4097),
    ],
)
def test_sizes_that_cannot_be_are_refused(build):
    builder = GraphBuilder()
    with pytest.raises(ModelError, match=r"cannot be|too large|cannot convolve"):
        build(builder, builder.input("x", (1, 9, 9, 8)))


@pytest.mark.parametrize("amounts", [((0, 0), (-1, 0)), ((0, 0), (1 << 56, -(1 << 56)))])
def test_padding_that_cuts_off_is_refused(amounts):
    builder = GraphBuilder()
    x = builder.input("x", (1, 8, 8, 1))
    with pytest.raises(ModelError, match=r"padding of .* cannot be"):
        builder.pad(x, ((0, 0), *amounts, (0, 0)))
    with pytest.raises(ModelError, match=r"padding of .* cannot be"):
        builder.conv(x, np.ones((2, 2, 1, 1)), None, padding=amounts)


def test_what_depends_on_the_input_is_not_empty():
    builder = GraphBuilder()
    x = builder.input("x", (1, 8))
    with pytest.raises(ModelError, match="is empty"):
        builder.slice(x, [(0, 1, 1), (5, 5, 1)])
