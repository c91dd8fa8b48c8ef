"""Augmentation: what is done to mel powers is what would be done to samples."""

import numpy as np
import pytest
from helpers import music

from pyplugin import melspectrogram
from pyplugin.training import augment

RATE = 16000


@pytest.mark.parametrize("decibels", [-40.0, -6.0, 12.0])
def test_a_gain_of_powers_is_a_gain_of_samples(decibels: float) -> None:
    x = music(2.0, RATE)
    louder = melspectrogram(x * np.float32(10 ** (decibels / 20)), RATE)
    power = augment.mel_power(melspectrogram(x, RATE)) * np.float32(10 ** (decibels / 10))
    np.testing.assert_allclose(augment.log_mel(power), louder, atol=2e-5)


def test_powers_of_noises_add_up() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(0, 0.1, (2, 1, 10 * RATE)).astype(np.float32)
    together = augment.mel_power(melspectrogram(a + b, RATE)).mean(axis=0)
    apart = [augment.mel_power(melspectrogram(each, RATE)).mean(axis=0) for each in (a, b)]
    np.testing.assert_allclose(together[1:-1], sum(apart)[1:-1], rtol=0.15)


def test_band_frequencies_are_those_of_librosa() -> None:
    librosa = pytest.importorskip("librosa", reason="needs librosa")
    wanted = librosa.mel_frequencies(98, fmin=0.0, fmax=8000.0)[1:-1]
    np.testing.assert_allclose(augment.band_frequencies(), wanted, rtol=1e-6)


def test_noise_has_the_mean_and_spread_of_noise() -> None:
    made = augment.coloured_noise(1, 4000, np.random.default_rng(0))[0]
    white = np.random.default_rng(1).normal(0, 0.1, 64 * RATE).astype(np.float32)
    measured = augment.mel_power(melspectrogram(white, RATE))[4:-4]
    assert made.mean() == pytest.approx(1.0, rel=1e-3)
    spread = [each.std(axis=0) / each.mean(axis=0) for each in (made, measured)]
    assert np.median(spread[0] / spread[1]) == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("seed", range(4))
def test_a_room_keeps_length_and_direct_sound_and_then_decays(seed: int) -> None:
    click = np.zeros(2 * RATE, np.float32)
    click[100] = 1.0
    wet = augment.add_reverberation(click, RATE, np.random.default_rng(seed))
    assert wet.shape == click.shape
    assert wet[100] == pytest.approx(1.0, abs=1e-4)
    assert np.abs(wet[:100]).max() < 1e-5
    tail = np.add.reduceat(wet[101:].astype(np.float64) ** 2, [0, RATE // 2, RATE])
    assert 0.05 < tail.sum() < 2.5  # of the direct sound: -12 to +3 dB, and some
    assert tail[0] > 10 * tail[1]
    assert tail[1] > 10 * tail[2] or tail[1] < 1e-12  # what rounding leaves


@pytest.mark.parametrize("seed", range(8))
def test_a_codec_keeps_the_spectrum(seed: int) -> None:
    pytest.importorskip("av", reason="needs av: pip install 'tagnode[audio]'")
    x = music(3.0, 22050, seed=seed)[0]
    apply_codec, rate = augment.apply_codec(x, 22050, np.random.default_rng(seed))
    assert apply_codec.dtype == np.float32
    assert len(apply_codec) / rate == pytest.approx(3.0, abs=0.2)
    before, after = (
        melspectrogram(each, at)[20:150] for each, at in ((x, 22050), (apply_codec, rate))
    )
    loud = before.mean(axis=0) > 1.0
    assert loud.sum() > 5
    assert np.abs(before.mean(axis=0) - after.mean(axis=0))[loud].mean() < 0.3  # 3 dB


def test_band_limits_attenuate_high_bands_and_amplify_none() -> None:
    gains = augment.band_limits(500, np.random.default_rng(0))
    assert gains.max() <= 1.0
    assert 0.3 < (gains[:, -1] < 0.1).mean() < 0.7
    middle = (augment.band_frequencies() > 800) & (augment.band_frequencies() < 1500)
    assert gains[:, middle].min() > 0.5
