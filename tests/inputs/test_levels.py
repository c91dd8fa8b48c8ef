"""Levels that cannot be right."""

import numpy as np
import pytest
from helpers import music, noise

import pyplugin
from pyplugin.inputs.levels import LevelCheck

RATE = 16000


def notes(samples: np.ndarray, size: int = 4096) -> list[str]:
    check = LevelCheck()
    for at in range(0, samples.shape[1], size):
        check.add(samples[:, at : at + size].astype(np.float32))
    return list(check.notes().values())


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01, 3.0])
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_gets_no_note(gain, channels):
    assert notes(gain * music(2, RATE, channels)) == []
    assert notes(gain * noise(channels, 2 * RATE)) == []
    one_sided = music(2, RATE, 2) * np.array([[1.0], [0.0]])
    assert notes(one_sided) == []


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (32768 * music(2, RATE, 2), "times full scale"),
        ((music(2, RATE, 1) * 32767).astype("<i2").astype(float), "times full scale"),
        (0.5 + 0.01 * noise(1, 2 * RATE), "a constant (DC)"),
        (music(2, RATE, 1) * np.array([[1.0], [-1.0]]), "cancel each other"),
        (1e-5 * music(2, RATE, 2), "too low"),
        (np.zeros((2, RATE)), "digital silence"),
    ],
)
def test_what_cannot_be_right_gets_one(samples, words):
    found = notes(samples)
    assert len(found) == 1
    assert words in found[0]


def test_nothing_and_what_is_no_number_get_none():
    assert LevelCheck().notes() == {}
    assert notes(np.where(np.arange(RATE) % 100 == 0, np.nan, 0.1 * noise(1, RATE)[0])[None]) == []


def test_a_result_carries_them():
    result = pyplugin.tag(32768.0 * music(3, RATE, 1), RATE)
    assert "times full scale" in result.notes[0]
    assert pyplugin.tag(music(3, RATE, 1), RATE).notes == []


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8])
def test_integers_are_scaled(dtype):
    """What libsndfile reads from the file that it wrote is what we make of the integers."""
    import io

    import soundfile

    subtype = {np.int16: "PCM_16", np.int32: "PCM_32", np.uint8: "PCM_U8"}[dtype]
    x = 0.5 * music(3, RATE, 1)
    file = io.BytesIO()
    soundfile.write(file, x.T, RATE, subtype, format="WAV")
    file.seek(0)
    expected = soundfile.read(file, dtype="float32", always_2d=True)[0].T
    top = 2.0 ** (8 * np.dtype(dtype).itemsize - 1)
    zero = 128 if dtype is np.uint8 else 0
    integers = (np.round(expected.astype(np.float64) * top) + zero).astype(dtype)
    found = pyplugin.tag(integers, RATE)
    np.testing.assert_allclose(found.activations, pyplugin.tag(expected, RATE).activations)


@pytest.mark.parametrize("dtype", [bool, np.complex64, np.int64, object])
def test_other_types_are_refused_without_wrong_advice(dtype):
    with pytest.raises(pyplugin.AudioError) as raised:
        pyplugin.tag(np.ones(RATE, dtype), RATE)
    assert "32768" not in str(raised.value)
    assert "int16, int32, uint8" in str(raised.value)
