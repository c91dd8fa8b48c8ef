"""Speech that is made to sing."""

import numpy as np
import pytest

from pyplugin.training.singing import synthesise_singing


@pytest.mark.parametrize("seed", range(4))
def test_singing_is_longer_than_speech_and_repeatable(seed: int) -> None:
    random = np.random.default_rng(seed)
    t = np.arange(3 * 22050) / 22050
    pulses = (np.diff(np.floor(110 * t + 2 * np.sin(2 * np.pi * 1.5 * t)), prepend=0) > 0) * 1.0
    formants = np.convolve(pulses, np.exp(-np.arange(200) / 20) * np.cos(np.arange(200) / 5))
    speech = formants[: len(t)] * np.maximum(np.sin(2 * np.pi * 4 * t), 0) * 0.2
    song = synthesise_singing(speech.astype(np.float32), 22050, random)
    assert np.isfinite(song).all()
    assert np.abs(song).max() == pytest.approx(0.5, abs=1e-3)
    assert len(song) > 1.2 * len(speech)
    np.testing.assert_array_equal(
        song, synthesise_singing(speech.astype(np.float32), 22050, np.random.default_rng(seed))
    )
