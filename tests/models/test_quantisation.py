"""Integers for reals: what they must hold, and how far they may be off."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

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
