"""Views of files: a range of bytes against slices of them, headers against the samples put in."""

import io
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.inputs.files import load
from pyplugin.inputs.parts import Part, whole, with_padding

SAMPLES = np.random.default_rng(0).integers(-20000, 20000, 4000)
RATE_80_BIT = struct.pack(">HQ", 0x400B, 0xFA00 << 48)  # 8000 Hz, as AIFF has it


def chunk(name: bytes, body: bytes, order: str = "<", *, pad: bool = True) -> bytes:
    padding = b"\0" if pad and len(body) % 2 else b""
    return name + struct.pack(f"{order}I", len(body)) + body + padding


def wav(before: bytes = b"", between: bytes = b"", after: bytes = b"") -> bytes:
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    body = before + form + between + chunk(b"data", SAMPLES.astype("<i2").tobytes()) + after
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def aiff(before: bytes = b"", between: bytes = b"") -> bytes:
    form = chunk(b"COMM", struct.pack(">hIh", 1, len(SAMPLES), 16) + RATE_80_BIT, ">")
    samples = chunk(b"SSND", bytes(8) + SAMPLES.astype(">i2").tobytes(), ">")
    body = before + form + between + samples
    return b"FORM" + struct.pack(">I", len(body) + 4) + b"AIFF" + body


def unpadded(size: int, order: str = "<", name: bytes = b"JUNK") -> bytes:
    return chunk(name, bytes(range(65, 65 + size)), order, pad=False)


@pytest.mark.parametrize(
    "recording",
    [
        wav(before=unpadded(3)),
        wav(between=unpadded(11, name=b"LIST")),
        wav(before=unpadded(3), between=unpadded(5, name=b"fact") + unpadded(33, name=b"bext")),
        wav(before=chunk(b"JUNK", b"abc") + unpadded(3)),
        wav(after=unpadded(11, name=b"LIST") + unpadded(7, name=b"id3 ")),
        wav(before=chunk(b"JUNK", b"abc")),
        aiff(before=unpadded(5, ">", b"ANNO")),
        aiff(between=unpadded(7, ">", b"NAME")),
        aiff(before=chunk(b"ANNO", b"abc", ">")),
    ],
)
def test_chunks_of_odd_length_are_read_with_and_without_padding(recording):
    samples, rate = load(recording)
    assert rate == 8000
    assert np.array_equal(np.rint(samples[0] * 32768), SAMPLES)


def test_only_a_header_that_lacks_padding_is_mended():
    for complete in (wav(), aiff(), wav(before=chunk(b"JUNK", b"abc")), b"fLaC", b"", b"RIFF"):
        file = io.BytesIO(b"xy" + complete)
        file.seek(2)
        assert with_padding(file) is None
        assert file.tell() == 2
    file = io.BytesIO(b"xy" + wav(before=unpadded(3)))
    file.seek(2)
    padded = with_padding(file)
    assert file.tell() == 2
    assert padded.read() == wav(before=chunk(b"JUNK", b"ABC"))


def test_a_header_that_ends_before_its_samples_is_left():
    for end in range(12, 60):
        assert with_padding(io.BytesIO(wav(before=unpadded(3))[:end])) is None or end >= 55


@given(
    data=st.binary(min_size=1, max_size=60),
    head=st.binary(max_size=10),
    bounds=st.tuples(st.integers(0, 60), st.integers(0, 60)),
    moves=st.lists(st.tuples(st.integers(-70, 70), st.sampled_from([0, 1, 2]), st.integers(0, 70))),
)
def test_a_part_reads_as_its_bytes_do(data, head, bounds, moves):
    start, end = sorted(min(bound, len(data)) for bound in bounds)
    part, expected = Part(io.BytesIO(data), start, end, head), head + data[start:end]
    at = 0
    for offset, whence, count in moves:
        at = max((0, at, len(expected))[whence] + offset, 0)
        assert part.seek(offset, whence) == part.tell() == at
        assert part.read(count) == expected[at : at + count]
        at += len(expected[at : at + count])


def test_the_whole_of_a_file_begins_at_its_position():
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert whole(file).read() == b"456789"
