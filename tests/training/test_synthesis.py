"""Synthetic percussion and notes have the sound of their labels."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from pyplugin import melspectrogram
from pyplugin.training.augment import mel_power
from pyplugin.training.synthesis import (
    RATE,
    SECONDS,
    synthesise_noise,
    synthesise_notes,
    synthesise_percussion,
)

SEEDS = range(40)
pytestmark = pytest.mark.xdist_group("synthesis")  # for the sounds are synthesised once


@cache
def sounds(make: Callable[[np.random.Generator], np.ndarray]) -> list[np.ndarray]:
    """Return a sound for each seed."""
    return [make(np.random.default_rng(seed)) for seed in SEEDS]


def loudness(samples: np.ndarray) -> np.ndarray:
    return mel_power(melspectrogram(samples, RATE)).sum(axis=1)


def flatness(samples: np.ndarray) -> float:
    """Geometric over arithmetic mean of the power spectrum, in dB, of the loud half of frames."""
    frames = samples[: len(samples) // 2048 * 2048].reshape(-1, 2048) * np.hanning(2048)
    power = np.abs(np.fft.rfft(frames)) ** 2 + 1e-12
    loud = power[power.sum(axis=1) >= np.median(power.sum(axis=1))]
    each = np.exp(np.log(loud).mean(axis=1)) / loud.mean(axis=1)
    return 10.0 * float(np.log10(np.median(each)))


@pytest.mark.parametrize("make", [synthesise_percussion, synthesise_notes])
def test_a_seed_gives_one_sound_of_full_length(make) -> None:
    for samples in sounds(make):
        assert samples.shape == (round(RATE * SECONDS),)
        assert np.isfinite(samples).all()
        assert 0.3 < np.abs(samples).max() < 1.0
    np.testing.assert_array_equal(samples, make(np.random.default_rng(SEEDS[-1])))
    assert not np.array_equal(samples, make(np.random.default_rng(1000)))


def test_percussion_consists_of_strokes_and_held_notes_are_steady() -> None:
    """Loud frames over the middle one: struck sounds are silent most of the time."""
    ratios = []
    for make in (synthesise_percussion, synthesise_notes):
        sorted_loudness = [np.sort(loudness(samples)) for samples in sounds(make)]
        ratios.append([float(np.median(each[-20:] / np.median(each))) for each in sorted_loudness])
    struck, held = (np.median(each) for each in ratios)
    assert struck > 5.0
    assert held < 3.0


def test_held_notes_are_tonal() -> None:
    found = [flatness(samples) for samples in sounds(synthesise_notes)]
    assert np.mean(np.array(found) < -10.0) > 0.95


def test_noise_is_steady_and_goes_on() -> None:
    for samples in sounds(synthesise_noise):
        assert samples.shape == (round(RATE * SECONDS),)
        assert np.abs(samples).max() == pytest.approx(0.5, abs=1e-3)
        level = loudness(samples)[5:-5]
        slow = np.convolve(level, np.ones(62) / 62, "valid")
        assert slow.min() > 0.02 * slow.max()
    assert np.median([flatness(samples) for samples in sounds(synthesise_noise)]) > -10.0
