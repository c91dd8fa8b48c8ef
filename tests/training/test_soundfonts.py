"""Percussion that is played from SoundFonts: strokes out of silence, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest

from pyplugin import melspectrogram
from pyplugin.errors import PypluginError
from pyplugin.training.augment import mel_power
from pyplugin.training.soundfonts import RATE, render_percussion
from pyplugin.training.synthesis import SECONDS

SEEDS = range(6)


def test_a_seed_renders_one_sound_of_full_length(soundfont: Path) -> None:
    first = render_percussion(soundfont, np.random.default_rng(0))
    for seed in SEEDS:
        samples = render_percussion(soundfont, np.random.default_rng(seed))
        assert samples.shape == (round(RATE * SECONDS),)
        assert np.abs(samples).max() == pytest.approx(0.5, abs=0.001)
    again = render_percussion(soundfont, np.random.default_rng(0))
    np.testing.assert_array_equal(again, first)
    assert not np.array_equal(samples, first)


def test_percussion_consists_of_strokes(soundfont: Path) -> None:
    ratios = []
    for seed in SEEDS:
        samples = render_percussion(soundfont, np.random.default_rng(seed))
        loud = np.sort(mel_power(melspectrogram(samples, RATE)).sum(axis=1))
        ratios.append(float(np.median(loud[-20:] / max(np.median(loud), 1e-9))))
    assert np.median(ratios) > 5.0


def test_an_invalid_soundfont_is_reported(soundfont: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.sf2"
    bad.write_bytes(b"RIFF")
    with pytest.raises(PypluginError, match=r"bad\.sf2"):
        render_percussion(bad, np.random.default_rng(0))
