"""The links of chained Ogg streams."""

import io

import numpy as np
import pytest
import soundfile
from stream_server import encoded, sweep

from pyplugin.inputs.decoding import Piece, decode
from pyplugin.inputs.input import Event
from pyplugin.inputs.ogg import is_chained, links

RATE = 48000


def link(seconds: float, rate: int, channels: int, codec: str, **tags: str) -> bytes:
    samples = sweep(seconds, rate, channels)
    if codec != "vorbis":
        return encoded(samples, rate, "ogg", codec, **tags)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, channels, format="OGG") as output:
        for name, text in tags.items():
            setattr(output, name, text)
        output.write(samples.T)
    return file.getvalue()


def read_all(file, size: int = 1000) -> bytes:
    parts = []
    while part := file.read(size):
        parts.append(part)
    return b"".join(parts)


class Trickle(io.RawIOBase):
    """Gives few bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(min(size, 77))


@pytest.mark.parametrize("codec", ["vorbis", "libopus", "flac"])
def test_links_are_the_files_that_were_joined(codec):
    parts = [link(1.5, RATE, 1, codec), link(1.0, RATE, 2, codec), link(0.5, RATE, 1, codec)]
    assert [read_all(each) for each in links(Trickle(b"".join(parts)))] == parts
    assert is_chained(io.BytesIO(b"".join(parts)))
    assert not any(is_chained(io.BytesIO(part)) for part in parts)


def test_what_is_not_read_of_a_link_is_skipped():
    parts = [link(1.0, RATE, 1, "libopus"), link(1.0, RATE, 2, "libopus")]
    first = [each.read(4) for each in links(io.BytesIO(b"".join(parts)))]
    assert first == [b"OggS", b"OggS"]


def test_lost_bytes_are_skipped():
    data = link(2.0, RATE, 1, "vorbis")
    second = data.index(b"OggS", 1)
    assert b"".join(read_all(each) for each in links(io.BytesIO(b"lost" + data))) == data
    assert read_all(next(links(io.BytesIO(data[:second] + b"xOgg" + data[second:])))) == data


@pytest.mark.parametrize(
    ("codec", "formats"),
    [
        ("vorbis", [(44100, 2), (22050, 1), (44100, 1)]),
        ("libopus", [(48000, 2), (48000, 1), (48000, 2)]),
        ("flac", [(44100, 1), (96000, 2), (8000, 1)]),
    ],
)
def test_every_link_is_decoded_in_its_own_format_with_its_title(codec, formats):
    data = b"".join(
        link(1.0, rate, channels, codec, title=f"Song {number}", artist="A")
        for number, (rate, channels) in enumerate(formats)
    )
    items = list(decode(io.BytesIO(data), "The stream"))
    titles = [item.title for item in items if isinstance(item, Event)]
    assert titles == ["A - Song 0", "A - Song 1", "A - Song 2"]
    found: list[tuple[int, int]] = []
    lengths: list[float] = []
    for piece in (item for item in items if isinstance(item, Piece)):
        setup = (piece.sample_rate, len(piece.samples))
        if not found or found[-1] != setup:
            found.append(setup)
            lengths.append(0.0)
        lengths[-1] += piece.samples.shape[1] / piece.sample_rate
    assert found == formats
    assert np.allclose(lengths, 1.0, atol=0.03)
