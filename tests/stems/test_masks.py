"""Shares of the mix against their formula."""

import numpy as np
import pytest

from pyplugin.models.card import Spectra
from pyplugin.stems.masks import magnitudes_of, shared_spectra


def example(stems, exponent=2.0, seed=1):
    settings = Spectra(
        sample_rate=44100, frame=256, hop=64, bins=100, channels=2, exponent=exponent
    )
    rng = np.random.default_rng(seed)
    mix = (rng.normal(size=(7, 129, 2)) + 1j * rng.normal(size=(7, 129, 2))).astype(np.complex64)
    masks = rng.uniform(0, 1, (stems, 9, 100, 2)).astype(np.float32)
    return settings, mix, masks


@pytest.mark.parametrize("stems", [2, 5])
@pytest.mark.parametrize("exponent", [2.0, 1.0, 0.7])
@pytest.mark.parametrize("above", ["zeros", "average"])
def test_shares_follow_the_formula(stems, exponent, above):
    settings, mix, masks = example(stems, exponent)
    got = shared_spectra(masks, mix, settings, above)
    powers = (masks[:, :7].astype(np.float64) * np.abs(mix[:, :100])) ** exponent
    shares = (powers + 1e-10 / stems) / (powers.sum(axis=0) + 1e-10)
    rest = shares.mean(axis=2, keepdims=True) if above == "average" else 0 * shares[:, :, :1]
    whole = np.concatenate([shares, np.repeat(rest, 29, axis=2)], axis=2)
    np.testing.assert_allclose(got, whole * mix, atol=1e-5)


def test_the_stems_add_up_to_the_mix():
    settings, mix, masks = example(3)
    np.testing.assert_allclose(
        shared_spectra(masks, mix, settings, "average").sum(axis=0), mix, atol=1e-5
    )
    silent = np.zeros_like(mix)
    assert not shared_spectra(masks, silent, settings, "average").any()


def test_magnitudes_are_those_of_the_lowest_bins():
    settings, mix, _ = example(2)
    out = np.full((9, 100, 2), 7, np.float32)
    magnitudes_of(mix, settings, out)
    np.testing.assert_allclose(out[:7], np.abs(mix[:, :100]), rtol=1e-6)
    assert (out[7:] == 7).all()
