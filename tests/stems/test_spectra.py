"""Spectra against numpy's with scipy's window, and back."""

import numpy as np
import pytest
import scipy.signal

from pyplugin.errors import AudioError
from pyplugin.models.card import Spectra
from pyplugin.stems.spectra import InverseTransform, Transform

SPLEETER = Spectra(sample_rate=44100, frame=4096, hop=1024, bins=1024, channels=2)


def test_spectra_are_numpys_after_a_frame_of_zeros():
    noise = np.random.default_rng(1).normal(0, 0.2, (2, 30000)).astype(np.float32)
    got = Transform(SPLEETER, 44100, 2).process(noise)
    padded = np.pad(noise.astype(np.float64), ((0, 0), (4096, 0)))
    window = scipy.signal.get_window("hann", 4096)
    for index in range(len(got)):
        want = np.fft.rfft(padded[:, index * 1024 : index * 1024 + 4096] * window).T
        np.testing.assert_allclose(got[index], want, atol=2e-5)
    assert len(got) == (30000 + 4096 - 4096) // 1024 + 1


@pytest.mark.parametrize("frame", [1024, 4096])
def test_there_and_back_is_exact_to_a_millionth(frame):
    settings = Spectra(sample_rate=44100, frame=frame, hop=frame // 4, bins=64, channels=2)
    noise = np.random.default_rng(2).uniform(-1, 1, (2, 40000)).astype(np.float32)
    forward, back = Transform(settings, 44100, 2), InverseTransform(settings, 44100, 2)
    parts = [back.process(forward.process(noise[:, at : at + 777])) for at in range(0, 40000, 777)]
    got = np.concatenate(parts, axis=1)
    assert got.shape[1] > 40000 - 2 * frame
    np.testing.assert_allclose(got, noise[:, : got.shape[1]], atol=1e-6)


def test_what_is_not_finite_is_counted():
    broken = np.zeros((1, 5000), np.float32)
    broken[0, [5, 70, 900]] = np.nan, np.inf, -np.inf
    transform = Transform(SPLEETER, 44100, 1)
    assert not transform.process(broken).any()
    assert transform.replaced == 3


def test_a_wrong_rate_or_channel_count_is_refused():
    with pytest.raises(AudioError, match="sample rate is 4000 Hz"):
        Transform(SPLEETER, 4000, 2)
    with pytest.raises(AudioError, match="9 channels"):
        InverseTransform(SPLEETER, 44100, 9)
