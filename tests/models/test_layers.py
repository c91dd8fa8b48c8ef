"""Blocks of convolution, ReLU and batch norm: folded, pruned and rescaled."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.models.layers import Block, live_channels


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
