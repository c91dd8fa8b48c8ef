"""Raw samples, formats that change in mid-stream, and failures of decoders."""

import contextlib
import io
import types

import numpy as np
import pytest
import soundfile
from helpers import music, noise
from hypothesis import given
from hypothesis import strategies as st
from stream_server import encoded, sweep

from pyplugin.errors import AudioError
from pyplugin.inputs.decoding import (
    FORMATS,
    Piece,
    RawFormat,
    decode,
    decoder_failures,
    looks_random,
    one_format,
    steady,
)
from pyplugin.inputs.input import Event

RATE = 44100


def pieces(data: bytes, **options) -> list[Piece]:
    return [each for each in decode(io.BytesIO(data), "It", **options) if isinstance(each, Piece)]


def joined(found: list[Piece]) -> np.ndarray:
    return np.concatenate([piece.samples for piece in found], axis=1)


# ---- raw samples


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_raw_samples_against_libsndfile(name, channels, tmp_path):
    """Written by libsndfile as a headerless file, read by us."""
    x = 0.5 * noise(channels, 5000, channels)
    subtype = {"u8": "PCM_U8", "s16le": "PCM_16", "s16be": "PCM_16", "s32le": "PCM_32"}
    endian = "BIG" if name == "s16be" else "LITTLE"
    path = tmp_path / "x.dat"
    soundfile.write(path, x.T, 8000, subtype.get(name, "FLOAT"), endian, "RAW")
    found = joined(pieces(path.read_bytes(), raw=RawFormat(8000, channels, name)))
    expected, _ = soundfile.read(
        path,
        dtype="float32",
        samplerate=8000,
        channels=channels,
        format="RAW",
        subtype=subtype.get(name, "FLOAT"),
        endian=endian,
        always_2d=True,
    )
    np.testing.assert_array_equal(found, expected.T)


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=50))
def test_samples_arrive_in_any_portions(sizes):
    data = noise(2, 400, 1).T.astype("<f4").tobytes()
    left = [*sizes, *([50] * 100)]

    class Portions:
        def __init__(self) -> None:
            self.file = io.BytesIO(data)

        def read(self, size: int) -> bytes:
            return self.file.read(min(size, left.pop(0)))

    raw = RawFormat(8000, 2, "f32le")
    found = [each for each in decode(Portions(), "It", raw=raw) if isinstance(each, Piece)]
    assert joined(found).T.astype("<f4").tobytes() == data


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((4000, 1, "u8"), "4000"),
        ((8000, 0, "u8"), "channels"),
        ((8000, 9, "u8"), "9"),
        ((8000, 1, "s16"), "did you mean 's16"),
    ],
)
def test_impossible_raw_formats(arguments, words):
    with pytest.raises(AudioError, match=words):
        RawFormat(*arguments)


def test_a_stream_that_ends_within_a_sample():
    items = list(decode(io.BytesIO(bytes(44103)), "It", raw=RawFormat(8000)))
    assert "3 of its 4 bytes" in items[-1].message


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_sound_does_not_look_random(channels, seed):
    loud = np.clip(4 * music(2, RATE, channels), -1, 1).astype(np.float32)
    assert not looks_random(loud)
    assert not looks_random(0.5 * noise(channels, RATE, seed))
    assert not looks_random(np.zeros((channels, RATE), np.float32))


@pytest.mark.parametrize(
    ("actual", "stated"),
    [
        ("<f4", RawFormat(RATE, 2, "s16le")),
        ("<f4", RawFormat(RATE, 1, "u8")),
        (">i2", RawFormat(RATE, 2, "s16le")),
        ("<i2", RawFormat(RATE, 2, "s16be")),
        ("<i2", RawFormat(RATE, 2, "f32le")),
        ("mp3", RawFormat(RATE, 2, "s16le")),
        ("aes", RawFormat(RATE, 2, "s16le")),
    ],
)
def test_an_impossible_level_is_noticed(actual, stated):
    x = music(4, RATE, 2)
    if actual == "mp3":  # its frames overwritten, so that it is no container
        data = encoded(x, RATE, "mp3", "libmp3lame")[4000:].replace(b"\xff", b"\x5a") * 8
    elif actual == "aes":
        data = np.random.default_rng(0).bytes(400000)
    else:
        full = 1 if actual == "<f4" else 32767
        data = (x.T * full).astype(actual).tobytes()
    items = list(decode(io.BytesIO(data), "It", raw=stated))
    notes = [item.message for item in items if isinstance(item, Event)]
    assert any("look random" in note for note in notes)


# ---- containers


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "AIFF"])
def test_a_container_on_a_pipe_is_exact(kind):
    file = io.BytesIO()
    x = np.round(noise(2, RATE, 1) * 32767) / 32768
    soundfile.write(file, x.T, RATE, "PCM_16", format=kind)
    file.seek(0)
    expected = soundfile.read(io.BytesIO(file.getvalue()), dtype="float32")[0].T
    found = pieces(file.getvalue(), raw=RawFormat())
    assert {piece.sample_rate for piece in found} == {RATE}
    np.testing.assert_array_equal(joined(found), expected)


@pytest.mark.parametrize(
    ("first", "second"),
    [((44100, 2), (22050, 1)), ((22050, 1), (44100, 2)), ((44100, 1), (44100, 2))],
)
def test_mp3_that_changes_its_format(first, second):
    """As where Icecast moves listeners to a fallback: no frame of a third format."""
    data = b"".join(
        encoded(sweep(3, rate, channels), rate, "mp3", "libmp3lame", bit_rate=48000)
        for rate, channels in (first, second, first)
    )
    items = list(decode(io.BytesIO(data), "It", container="mp3"))
    found = [each for each in items if isinstance(each, Piece)]
    formats = [(piece.sample_rate, len(piece.samples)) for piece in found]
    changes = [each for n, each in enumerate(formats) if n == 0 or each != formats[n - 1]]
    assert changes == [first, second, first]
    seconds = sum(piece.samples.shape[1] / piece.sample_rate for piece in found)
    assert seconds == pytest.approx(9, abs=0.4)


def frames(*setups: str):
    return iter(
        types.SimpleNamespace(
            format=types.SimpleNamespace(name="fltp"),
            layout=types.SimpleNamespace(name=setup),
            sample_rate=8000,
            samples=10,
        )
        for setup in setups
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("aaa", "aaa"),
        ("aabaa", "aa-aa"),
        ("aabb", "aabb"),
        ("aabcc", "aa-cc"),
        ("ab", "ab"),
        ("aabbaa", "aabbaa"),
        ("", ""),
    ],
)
def test_a_lone_frame_of_another_format_is_a_gap(given, kept):
    found = steady(frames(*given))
    shown = "".join("-" if isinstance(each, Event) else each.layout.name for each in found)
    assert shown == kept


def test_later_formats_are_converted_to_the_first():
    x = sweep(1, 48000, 2)
    parts = [Piece(x, 48000, None, "stereo"), Piece(sweep(1, 24000, 1), 24000, None, "mono")]
    found = np.concatenate(list(one_format([*parts, parts[0]])), axis=1)
    assert found.shape[0] == 2
    assert found.shape[1] == pytest.approx(3 * 48000, abs=100)
    np.testing.assert_array_equal(found[:, :48000], x)


# ---- failures


@pytest.mark.parametrize(
    "error",
    [IndexError("x"), ValueError(), MemoryError(), UnicodeDecodeError("utf-8", b"", 0, 1, "y")],
)
def test_whatever_a_decoder_raises_is_an_audio_error(error):
    with pytest.raises(AudioError, match=r"^It cannot be decoded: "), decoder_failures("It"):
        raise error


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "before its first byte"),
        (b"<!DOCTYPE html><html>", "web page"),
        (bytes(20000), "cannot be decoded"),
        (b"fLaC" + bytes(20000), "cannot be decoded"),
        (b"OggS" + bytes(20000), "cannot be decoded"),
        (b"RIFF" + bytes(20000), "cannot be decoded"),
        (b"\xff\xfb\x90\x00" * 5000, "cannot be decoded"),
        (b"#EXTM3U\nfile:///etc/passwd", "cannot be decoded"),
    ],
)
def test_what_is_no_audio(data, words):
    with pytest.raises(AudioError, match=words):
        pieces(data)


@given(data=st.binary(max_size=4000), magic=st.sampled_from([b"", b"OggS\0", b"ID3\3", b"fLaC\0"]))
def test_any_bytes_are_audio_or_an_audio_error(data, magic):
    with contextlib.suppress(AudioError):
        pieces(magic + data)
