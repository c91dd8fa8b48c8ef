"""Integers for reals: what they must hold, and how far they may be off."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.models.layers import Block, live_channels
from pyplugin.models.quantisation import activation_quantisation, quantise_weights, to_int8

reals = st.floats(-1e4, 1e4, width=32).filter(lambda x: abs(x) > 1e-4)


@given(reals, reals, st.floats(0, 1))
def test_a_value_in_range_comes_back_within_half_a_step(a: float, b: float, where: float) -> None:
    low, high = min(a, b), max(a, b)
    q = activation_quantisation(low, high)
    value = low + where * (high - low)
    back = float(q.scale[0]) * (int(to_int8(np.array([value]), q)[0]) - q.zero_point)
    # The range itself shifts by up to half a step, so that 0 is met.
    assert abs(back - value) <= 1.001 * float(q.scale[0])


@given(reals, reals)
def test_zero_is_exact(a: float, b: float) -> None:
    q = activation_quantisation(min(a, b), max(a, b))
    assert int(to_int8(np.zeros(1), q)[0]) == q.zero_point


def test_infinities_saturate() -> None:
    q = activation_quantisation(-1.0, 1.0)
    assert to_int8(np.array([-np.inf, np.inf]), q).tolist() == [-128, 127]


def test_minute_weights_beside_a_large_bias_keep_the_bias() -> None:
    kernel = np.full((1, 1, 1, 2), 1e-12)
    bias = np.array([3.0, 0.0])
    weights = quantise_weights(kernel, bias, activation_quantisation(-1.0, 1.0))
    back = weights.bias * weights.bias_quantisation.scale.astype(np.float64)
    np.testing.assert_allclose(back, bias, atol=1e-6)


def test_channels_without_weights_are_zeros() -> None:
    weights = quantise_weights(np.zeros((2, 2, 1, 3)), np.zeros(3), activation_quantisation(0, 1))
    assert not weights.filters.any()
    assert np.isfinite(weights.filter_quantisation.scale).all()


def block(seed: int, channels: int = 6) -> Block:
    random = np.random.default_rng(seed)
    positive = random.random(channels) < 0.5
    bound = random.standard_normal(channels)
    return Block(
        random.standard_normal((2, 3, 4, channels)) * 10.0 ** random.uniform(-8, 1, channels),
        random.standard_normal(channels),
        np.where(positive, bound, -np.inf),
        np.where(positive, np.inf, bound),
    )


def applied(layer: Block, x: np.ndarray) -> np.ndarray:
    return np.clip(
        np.einsum("nhwc,hwco->no", x, layer.kernel) + layer.bias, layer.lower, layer.upper
    )


@given(st.integers(0, 1000))
def test_no_input_within_the_bound_moves_a_channel_beyond_its_reach(seed: int) -> None:
    layer = block(seed)
    x = np.random.default_rng(seed).uniform(-2, 2, (100, 2, 3, 4))
    x[:6] = 2 * np.sign(np.moveaxis(layer.kernel, -1, 0))  # the worst there is
    moved = np.abs(applied(layer, x) - layer.at_rest()).max(axis=0)
    assert (moved <= layer.reach(2.0) * (1 + 1e-9) + 1e-12).all()


@given(st.integers(0, 1000))
def test_leaving_out_starved_channels_moves_no_reader(seed: int) -> None:
    layer, reader = block(seed), block(seed + 1)
    reader = Block(
        np.random.default_rng(seed).standard_normal((1, 1, 6, 5)) * 1e-2,
        reader.bias[:5],
        np.full(5, -np.inf),
        np.full(5, np.inf),
    )
    live = live_channels(layer, reader.sensitivity(), bound=2.0)
    x = np.random.default_rng(seed).uniform(-2, 2, (50, 2, 3, 4))
    middle = applied(layer, x)[:, None, None, :]
    fewer = applied(layer.with_outputs(live), x)[:, None, None, :]
    difference = applied(reader, middle) - applied(reader.with_inputs(live, layer.at_rest()), fewer)
    assert np.abs(difference).max() <= 3e-5 * (~live).sum() + 1e-12


@given(st.integers(0, 1000))
def test_rescaling_divides_the_outputs(seed: int) -> None:
    layer, random = block(seed), np.random.default_rng(seed)
    inputs = random.uniform(0.5, 2, 4)
    outputs = random.uniform(0.5, 2, 6) * random.choice([-1, 1], 6)
    x = random.standard_normal((20, 2, 3, 4))
    found = applied(layer.rescaled(inputs, outputs), x / inputs)
    np.testing.assert_allclose(found, applied(layer, x) / outputs, rtol=1e-9, atol=1e-12)
