"""Files that were joined by ``cat``."""

import io

import numpy as np
import pytest
import soundfile

from pyplugin.inputs.files import AudioReader, load
from pyplugin.inputs.joined import joined_parts


def written(frequency: float, rate: int, channels: int, kind: str, seconds: float = 1.0) -> bytes:
    t = np.arange(round(seconds * rate)) / rate
    x = np.tile(0.4 * np.sin(2 * np.pi * frequency * t), (channels, 1))
    file = io.BytesIO()
    soundfile.write(file, x.T, rate, "PCM_16", format=kind)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF", "WAVEX"])
@pytest.mark.parametrize(
    "formats", [[(44100, 1), (44100, 1)], [(44100, 2), (22050, 1), (48000, 2)]]
)
def test_all_parts_are_read_at_the_format_of_the_first(kind, formats):
    pitches = (500, 1000, 2000)
    parts = [
        written(pitch, rate, channels, kind)
        for pitch, (rate, channels) in zip(pitches, formats, strict=False)
    ]
    assert len(joined_parts(io.BytesIO(b"".join(parts)))) == len(parts)
    samples, rate = load(b"".join(parts))
    assert (rate, len(samples)) == formats[0]
    assert samples.shape[1] / rate == pytest.approx(len(parts), abs=0.01)
    for number, pitch in enumerate(pitches[: len(parts)]):
        middle = samples[0, int((number + 0.25) * rate) : int((number + 0.75) * rate)]
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
        assert np.argmax(spectrum) * 2 == pytest.approx(pitch, abs=4)


def test_two_mp3_in_a_row_are_not_damaged(tmp_path):
    file = io.BytesIO()
    soundfile.write(file, np.zeros(44100), 44100, format="MP3")
    tag = b"ID3\x04\0\0\0\0\0\x0aTIT2\0\0\0\0\0\0"
    (tmp_path / "a.mp3").write_bytes((tag + file.getvalue()) * 2)
    with AudioReader(tmp_path / "a.mp3") as reader:
        seconds = sum(block.shape[1] for block in reader) / reader.sample_rate
        assert reader.warnings == []
    assert seconds == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("tail", [b"", b"\0", b"junk at the end", b"TAG" + bytes(125)])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF"])
def test_one_file_is_one_part(kind, tail):
    data = written(500, 8000, 1, kind) + tail
    assert joined_parts(io.BytesIO(data)) == [(0, len(data))]
