"""Raw samples from a pipe, as ffmpeg writes them."""

import os
import threading

import numpy as np
import pytest

from pyplugin.errors import AudioError
from pyplugin.inputs.pipes import FORMATS, PipeInput


def pipe(data: bytes, pieces: list[int]) -> int:
    """Return the reading end of a pipe into which the data comes piece by piece."""
    reading, writing = os.pipe()

    def write() -> None:
        at = 0
        with os.fdopen(writing, "wb", buffering=0) as stream:
            for size in [*pieces, len(data)]:
                stream.write(data[at : at + size])
                at += size

    threading.Thread(target=write).start()
    return reading


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("pieces", [[], [1, 3, 5, 700, 2]])
def test_raw_samples_arrive_as_ffmpeg_writes_them(name, pieces):
    av = pytest.importorskip("av")
    tone = (0.7 * np.sin(np.arange(3000) / 7)).astype(np.float32)
    both = np.stack([tone, -tone / 2])
    coded = {"u8": "u8", "s16le": "s16", "s32le": "s32", "f32le": "flt", "s16be": "s16"}[name]
    frame = av.AudioFrame.from_ndarray(both, format="fltp", layout="stereo")
    frame.sample_rate = 48000
    written = av.AudioResampler(coded, "stereo", 48000).resample(frame)[0].to_ndarray()
    data = (written.byteswap() if name == "s16be" else written).tobytes()
    source = PipeInput(pipe(data, pieces), 48000, 2, name, block=512)
    parts = []
    while (block := source.read(1.0)) is not None:
        parts.append(block)
        assert block.shape[1] <= 512
    step = {"u8": 2 / 256, "s16le": 2 / 65536, "s16be": 2 / 65536}.get(name, 1e-7)
    np.testing.assert_allclose(np.concatenate(parts, axis=1), both, atol=step)
    assert source.events() == []
    assert source.read(1.0) is None


def test_nothing_within_the_time_is_an_empty_block():
    reading, writing = os.pipe()
    source = PipeInput(reading, 8000, 2, "s16le")
    assert source.read(0.01).shape == (2, 0)
    os.write(writing, bytes(6))
    assert source.read(1.0).shape == (2, 1)
    os.close(writing)
    assert source.read(1.0) is None
    (event,) = source.events()
    assert "2 of its 4 bytes" in event.message
    assert source.events() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((4000, 2, "s16le"), "4000 Hz"),
        ((44100, 9, "s16le"), "9 channels"),
        ((44100, 2, "s16"), "did you mean 's16"),
    ],
)
def test_a_format_that_is_not_possible_gets_a_sentence(arguments, words):
    with pytest.raises(AudioError, match=words):
        PipeInput(0, *arguments)


def test_a_sound_file_is_refused():
    source = PipeInput(pipe(b"RIFF0000WAVEfmt ", []), 44100, 2, "s16le")
    with pytest.raises(AudioError, match="decode it first"):
        source.read(1.0)
