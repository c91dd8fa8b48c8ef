"""Recordings and arrays as blocks."""

import numpy as np
import pytest
import soundfile
from helpers import noise

from pyplugin.errors import AudioError
from pyplugin.inputs import recording
from pyplugin.inputs.recording import Recording

RATE = 22050


@pytest.fixture(params=["file", "array"])
def opened(request, tmp_path, monkeypatch):
    """The same 2500 stereo samples as a file and as an array, in blocks of 1000."""
    monkeypatch.setattr(recording, "BLOCK", 1000)
    samples = noise(2, 2500)
    path = tmp_path / "a.wav"
    soundfile.write(path, samples.T, RATE, subtype="PCM_16")
    given = (path,) if request.param == "file" else (samples, RATE)
    with Recording(*given) as made:
        yield made


def test_blocks_are_the_samples_in_order(opened):
    blocks = list(opened)
    assert [block.shape for block in blocks] == [(2, 1000), (2, 1000), (2, 500)]
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), noise(2, 2500))


def test_the_format_is_known_before_the_first_block(opened):
    assert (opened.sample_rate, opened.channels) == (RATE, 2)
    assert opened.duration == pytest.approx(2500 / RATE)


def test_the_share_is_that_of_the_blocks_so_far(opened):
    shares = [(opened.read_samples, opened.position) for _ in opened]
    assert shares == [(1000, pytest.approx(0.4)), (2000, pytest.approx(0.8)), (2500, 1.0)]


def test_a_flat_array_is_one_channel():
    made = Recording(np.zeros(10), 16000)
    assert (made.flat, made.channels) == (True, 1)
    assert not Recording(np.zeros((1, 10)), 16000).flat


def test_the_notes_of_a_truncated_file_are_there_at_the_end(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, noise(1, 200_000).T, RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Recording(path) as made:
        assert made.notes == []
        list(made)
    assert "may be cut short" in made.notes[0]


@pytest.mark.parametrize(
    ("audio", "rate", "words"),
    [
        ("a.wav", 16000, "own sample rate"),
        ("missing.wav", None, r"missing\.wav"),
        (np.zeros(10), None, "sample_rate in Hz"),
        (np.zeros(10), 7999, "8000"),
        (np.zeros((9, 10)), 16000, "8 channels"),
        (np.zeros((1, 2, 3)), 16000, "shape"),
        (np.zeros(10, int), 16000, "int64"),
    ],
)
def test_invalid_arguments_are_rejected(audio, rate, words):
    with pytest.raises(AudioError, match=words):
        Recording(audio, rate)


def test_no_samples_are_an_error_at_the_end():
    with pytest.raises(AudioError, match="0 samples"):
        list(Recording(np.zeros(0), 16000))
