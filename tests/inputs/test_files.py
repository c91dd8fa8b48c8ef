"""Reading recordings, against soundfile in one go, the wave module and FFmpeg's own counts."""

import io
import os
import subprocess
import sys
import threading
import wave
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from helpers import needs_permissions, noise, tone, without_privileges
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_server import serving

from pyplugin.errors import AudioError
from pyplugin.inputs.files import AudioReader, load, same_file
from pyplugin.outputs.audio_files import AudioWriter

soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
av = pytest.importorskip("av", reason="needs av")

RATE = 44100


def encode(
    path: Path,
    samples: np.ndarray,
    codec: str,
    rate: int = RATE,
    *,
    muxer: dict[str, str] | None = None,
    encoder: dict[str, str] | None = None,
) -> Path:
    """Writes samples, shape (channels, n), with FFmpeg in the container that the suffix names."""
    layout = {1: "mono", 2: "stereo"}[len(samples)]
    with av.open(path, "w", options=muxer) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout, options=encoder)
        stream.bit_rate = 128_000
        size = 1000
        for start in range(0, samples.shape[1], size):
            block = np.ascontiguousarray(samples[:, start : start + size])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate = rate
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def blocks_of(path: Path, block: int = 65536) -> tuple[list[np.ndarray], list[str]]:
    with AudioReader(path, block=block) as reader:
        return list(reader), reader.warnings


def frequency(samples: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
@pytest.mark.parametrize(
    ("name", "subtype"),
    [
        ("a.wav", "PCM_U8"),
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "FLOAT"),
        ("a.flac", "PCM_16"),
        ("a.ogg", "VORBIS"),
        ("a.aiff", "PCM_24"),
        ("a.caf", "PCM_16"),
    ],
)
def test_concatenated_blocks_equal_the_whole_file_in_soundfile(tmp_path, name, subtype, channels):
    path = tmp_path / name
    soundfile.write(path, 0.5 * noise(channels, 40_000).T, RATE, subtype=subtype)
    expected, _ = soundfile.read(path, dtype="float32", always_2d=True)

    blocks, warnings = blocks_of(path, 7_000)

    assert np.array_equal(np.concatenate(blocks, axis=1), expected.T)
    assert [block.shape[1] for block in blocks] == [7_000] * 5 + [5_000]
    assert warnings == []


def test_a_16_bit_wav_has_the_samples_that_the_wave_module_wrote(tmp_path):
    steps = np.random.default_rng(1).integers(-(2**15), 2**15, (5_000, 2)).astype("<i2")
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((2, 2, 22050, 0, "NONE", ""))
        file.writeframes(steps.tobytes())

    samples, rate = load(tmp_path / "a.wav")

    assert rate == 22050
    assert np.array_equal(samples * 2**15, steps.T)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("sounds")
    soundfile.write(folder / "a.flac", noise(2, 30_000).T, RATE)
    return {
        "soundfile": folder / "a.flac",
        "av": encode(folder / "a.mka", noise(2, 30_000), "flac"),
    }


@pytest.mark.parametrize("decoder", ["soundfile", "av"])
@given(block=st.integers(1, 70_000))
@settings(max_examples=30, deadline=None)
def test_the_block_size_does_not_change_the_samples(sounds, decoder, block):
    block = max(block, 50)  # a block of 1 is the next test, once
    blocks, _ = blocks_of(sounds[decoder], block)

    assert all(array.shape == (2, block) for array in blocks[:-1])
    assert 1 <= blocks[-1].shape[1] <= block
    assert all(array.dtype == np.float32 and array.flags.c_contiguous for array in blocks)
    assert np.array_equal(np.concatenate(blocks, axis=1), noise(2, 30_000))


@pytest.mark.parametrize("decoder", ["soundfile", "av"])
def test_blocks_of_one_sample(sounds, decoder):
    blocks, _ = blocks_of(sounds[decoder], 1)
    assert len(blocks) == 30_000
    assert np.array_equal(np.concatenate(blocks, axis=1), noise(2, 30_000))


@pytest.mark.parametrize("decoder", ["soundfile", "av"])
def test_blocks_are_independent_arrays(sounds, decoder):
    with AudioReader(sounds[decoder], block=1_000) as reader:
        first = next(reader)
        kept = first.copy()
        for block in reader:
            block[:] = 9.0
    assert np.array_equal(first, kept)


def test_attributes_of_a_lossless_file(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(2, 22050).T, RATE)
    with AudioReader(tmp_path / "a.wav") as reader:
        assert (reader.sample_rate, reader.channels, reader.frames) == (RATE, 2, 22050)
        assert reader.duration == 0.5
        assert reader.format == "WAV (PCM_16)"


@pytest.mark.parametrize(
    ("name", "codec", "rate", "slack"),
    [
        ("a.mp3", "libmp3lame", 44100, 0),
        ("a.mp3", "libmp3lame", 16000, 0),
        ("a.m4a", "aac", 44100, 1024),
        ("a.mp4", "aac", 48000, 1024),
        ("a.aac", "aac", 44100, 2048),
        ("a.wma", "wmav2", 44100, 4096),
        ("a.opus", "libopus", 48000, 0),
        ("a.webm", "libopus", 48000, 960),
        ("a.mka", "pcm_s16le", 32000, 0),
        ("a.mkv", "ac3", 44100, 2048),
    ],
)
def test_compressed_formats_keep_length_level_and_pitch(tmp_path, name, codec, rate, slack):
    path = encode(tmp_path / name, tone(3 * rate, rate), codec, rate)

    with AudioReader(path, block=10_000) as reader:
        samples = np.concatenate(list(reader), axis=1)
        assert (reader.sample_rate, reader.channels) == (rate, 1)
        assert reader.duration is None or abs(reader.duration - 3.0) < 0.1
        assert reader.warnings == []

    assert abs(samples.shape[1] - 3 * rate) <= slack
    middle = samples[0, rate : 2 * rate]
    assert frequency(middle, rate) == pytest.approx(440, abs=1)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_first_audio_track_of_a_video_is_read_and_may_be_shorter_than_the_video(tmp_path, name):
    with av.open(tmp_path / name, "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 64
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        for _ in range(75):
            picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
            container.mux(video.encode(picture))
        for start in range(0, RATE, 1024):
            block = tone(RATE)[:, start : start + 1024].copy()
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="mono")
            frame.sample_rate = RATE
            frame.pts = start
            container.mux(audio.encode(frame))
        container.mux([*video.encode(None), *audio.encode(None)])

    samples, rate = load(tmp_path / name)  # a warning of it being cut short is an error here

    assert rate == RATE
    assert abs(samples.shape[1] - RATE) <= 2048
    assert frequency(samples[0, 8192:40960], rate) == pytest.approx(440, abs=2)


@pytest.mark.parametrize(("channels", "rate"), [(2, RATE), (1, 48000)])
def test_a_stream_that_changes_midway_keeps_its_first_channels_and_rate(tmp_path, channels, rate):
    first = encode(tmp_path / "1.aac", tone(RATE), "aac")
    second = encode(tmp_path / "2.aac", tone(rate, rate).repeat(channels, 0), "aac", rate)
    (tmp_path / "both.aac").write_bytes(first.read_bytes() + second.read_bytes())

    samples, decoded_rate = load(tmp_path / "both.aac")

    assert decoded_rate == RATE
    assert samples.shape[0] == 1
    assert abs(samples.shape[1] - 2 * RATE) <= 4096
    assert frequency(samples[0, -30_000:-5_000], RATE) == pytest.approx(440, abs=2)


def test_raw_aac_states_no_duration(tmp_path):
    encode(tmp_path / "a.aac", tone(RATE), "aac")
    with AudioReader(tmp_path / "a.aac") as reader:
        assert reader.duration is None


@pytest.mark.parametrize("order", ["loud first", "quiet first"])
def test_an_mp3_without_a_length_in_its_header_is_read_to_its_end(tmp_path, order):
    # libsndfile takes the length from the size of the first frames: far off at a variable rate.
    rng = np.random.default_rng(2)
    parts = [0.3 * rng.standard_normal((1, 5 * RATE)), np.zeros((1, 20 * RATE))]
    if order == "quiet first":
        parts.reverse()
    samples = np.concatenate(parts, axis=1).astype(np.float32)
    path = encode(
        tmp_path / "a.mp3",
        samples,
        "libmp3lame",
        muxer={"write_xing": "0"},
        encoder={"flags": "+qscale", "global_quality": "236"},
    )
    assert abs(soundfile.info(path).frames - 25 * RATE) > 5 * RATE, "libsndfile is not mistaken"

    blocks, _ = blocks_of(path)

    assert abs(sum(block.shape[1] for block in blocks) - 25 * RATE) <= 3 * 1152


def test_a_wav_whose_header_was_never_completed_is_read(tmp_path):
    soundfile.write(tmp_path / "a.wav", noise(1, 5_000).T, RATE)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    size = data.index(b"data") + 4
    data[size : size + 4] = bytes(4)
    (tmp_path / "a.wav").write_bytes(data)
    assert np.array_equal(load(tmp_path / "a.wav")[0], noise(1, 5_000))


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path):
    soundfile.write(tmp_path / "a.flac", noise(1, 100_001).T, RATE)
    data = bytearray((tmp_path / "a.flac").read_bytes())
    data[21] &= 0xF0  # the 36 bits after rate, channels and bits: the total, 0 for unknown
    data[22:26] = bytes(4)
    (tmp_path / "a.flac").write_bytes(data)

    with AudioReader(tmp_path / "a.flac") as reader:
        assert reader.frames is None
        assert np.array_equal(np.concatenate(list(reader), axis=1), noise(1, 100_001))


def test_nan_and_infinity_pass_through(tmp_path):
    samples = np.array([[0.0, np.nan, np.inf, -np.inf, 1e30, 2.0]], dtype=np.float32)
    soundfile.write(tmp_path / "a.wav", samples.T, RATE, subtype="FLOAT")
    assert np.array_equal(load(tmp_path / "a.wav")[0], samples, equal_nan=True)


def test_one_sample_is_a_recording(tmp_path):
    soundfile.write(tmp_path / "a.wav", [0.5], RATE)
    samples, _ = load(tmp_path / "a.wav")
    assert samples.tolist() == [[0.5]]


def cut(path: Path, part: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
    return path


@pytest.mark.parametrize(("name", "codec"), [("a.mp3", "libmp3lame"), ("a.mkv", "ac3")])
def test_a_truncated_file_gives_the_rest_and_a_warning(tmp_path, name, codec):
    rng = np.random.default_rng(3)
    samples = (0.1 * rng.standard_normal((2, 10 * RATE))).astype(np.float32)
    path = cut(encode(tmp_path / name, samples, codec), 0.6)

    blocks, warnings = blocks_of(path)

    assert sum(block.shape[1] for block in blocks) == pytest.approx(6 * RATE, rel=0.1)
    (message,) = warnings
    assert "may be cut short: its header states 10.0 s" in message


def test_a_truncated_flac_gives_the_rest_for_any_block_size(tmp_path):
    soundfile.write(tmp_path / "a.flac", noise(1, 200_000).T, RATE)
    path = cut(tmp_path / "a.flac", 0.6)

    (large, warnings), (small, _) = blocks_of(path, 1_000_000), blocks_of(path, 1_000)

    assert np.array_equal(np.concatenate(large, axis=1), np.concatenate(small, axis=1))
    length = large[0].shape[1]
    assert 95_000 < length < 121_000
    assert np.array_equal(large[0], noise(1, 200_000)[:, :length])
    assert "may be cut short" in warnings[0]


def test_damage_in_the_middle_is_skipped_and_a_warning(tmp_path):
    path = encode(tmp_path / "a.aac", tone(10 * RATE), "aac")
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 500] = bytes(500)
    path.write_bytes(data)

    blocks, warnings = blocks_of(path)

    assert sum(block.shape[1] for block in blocks) == pytest.approx(10 * RATE, rel=0.1)
    assert "is damaged" in warnings[0]


def test_load_warns_of_a_truncated_file(tmp_path):
    path = cut(encode(tmp_path / "a.mp3", tone(10 * RATE), "libmp3lame"), 0.5)
    with pytest.warns(UserWarning, match="may be cut short"):
        samples, _ = load(path)
    assert samples.shape[1] == pytest.approx(5 * RATE, rel=0.1)


def make_text(path: Path) -> None:
    path.write_text("This is a letter, and no sound.\n" * 100)


def make_header_only(path: Path) -> None:
    soundfile.write(path, np.zeros((0, 1)), RATE)


def make_silent_video(path: Path) -> None:
    with av.open(path, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        container.mux([*stream.encode(picture), *stream.encode(None)])


def make_cut_m4a(path: Path) -> None:
    encode(path, tone(RATE), "aac")
    cut(path, 0.5)


def make_playlist(path: Path) -> None:
    soundfile.write(path.with_name("secret.wav"), tone(RATE).T, RATE)
    path.write_text("ffconcat version 1.0\nfile secret.wav\n")


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("a.wav", lambda path: None, "there is no file"),
        ("a.wav", Path.mkdir, "is a folder"),
        ("a.wav", Path.touch, "is empty: it has 0 bytes"),
        ("a.wav", make_text, "is not a recording"),
        ("a.raw", make_text, "no audio track"),
        ("a.wav", lambda p: p.write_bytes(np.random.default_rng(0).bytes(50_000)), "is not a rec"),
        ("a.wav", make_header_only, "has no samples"),
        ("a.mp4", make_silent_video, "no audio track"),
        ("a.m4a", make_cut_m4a, "is not a recording"),
        ("a.wav", make_playlist, "is not a recording"),
        (
            "a.wav",
            lambda p: soundfile.write(p, noise(9, 99).T, RATE),
            "9 channels; expected 1 to 8",
        ),
        (
            "a.wav",
            lambda p: soundfile.write(p, tone(99).T, 7999),
            "7999 Hz; expected 8000 to 192000",
        ),
        ("a.wav", lambda p: soundfile.write(p, tone(99).T, 192001), "192001 Hz; expected 8000"),
    ],
)
def test_a_file_that_is_not_a_recording_is_rejected_in_one_sentence(tmp_path, name, make, message):
    make(tmp_path / name)
    with pytest.raises(AudioError, match=message) as caught:
        AudioReader(tmp_path / name)
    text = str(caught.value)
    assert "\n" not in text
    assert name in text


def file_of(kind: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, tone(30_000).T, RATE, format=kind)
    return file.getvalue()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_a_named_pipe_is_read_as_it_comes(tmp_path, kind):
    data = file_of(kind)
    os.mkfifo(tmp_path / "a.wav")
    writer = threading.Thread(target=(tmp_path / "a.wav").write_bytes, args=(data,))
    writer.start()
    samples, rate = load(tmp_path / "a.wav")
    writer.join()
    expected, _ = load(data)
    assert rate == RATE
    assert samples.shape[0] == expected.shape[0]
    assert samples.shape[1] == pytest.approx(expected.shape[1], abs=1200)  # MP3's delay
    if kind in ("WAV", "FLAC"):
        np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_bytes_and_open_files_are_read_as_the_file_is(tmp_path, kind):
    data = file_of(kind)
    (tmp_path / "a").write_bytes(data)
    expected, rate = load(tmp_path / "a")
    with (tmp_path / "a").open("rb") as file:
        for source in (data, bytearray(data), io.BytesIO(data), file, str(tmp_path / "a")):
            samples, found = load(source)
            assert found == rate
            np.testing.assert_array_equal(samples, expected)
        assert not file.closed


@pytest.mark.parametrize("kind", ["WAV", "MP3"])
def test_standard_input(kind):
    code = "from pyplugin.inputs.files import load; print(load('-')[0].shape)"
    done = subprocess.run([sys.executable, "-c", code], input=file_of(kind), capture_output=True)
    assert done.stdout.decode().startswith(f"({len(tone(9))}, 3"), done.stderr.decode()


@pytest.mark.parametrize("kind", ["WAV", "MP3", "OGG"])
def test_a_url_is_read_as_the_file_is(tmp_path, kind):
    data = file_of(kind)
    with serving() as server:
        samples, rate = load(server.file("/a", data, "application/octet-stream"))
    expected, _ = load(data)
    assert rate == RATE
    np.testing.assert_array_equal(samples, expected)


def test_a_broadcast_is_refused_with_the_command_for_it():
    with serving() as server:

        def handler(request):
            request.answer(Content_Type="audio/mpeg", icy_name="x")
            request.send(file_of("MP3"))
            request.hang()

        server.handlers["/live"] = handler
        with pytest.raises(AudioError, match="a broadcast without an end"):
            AudioReader(server.url("/live"))


@pytest.mark.parametrize(
    ("kind", "formats"),
    [
        ("OGG", [(44100, 2), (44100, 2)]),
        ("OGG", [(44100, 2), (22050, 1), (48000, 2)]),
    ],
)
def test_all_links_of_a_chained_file_are_read(kind, formats):
    """At the first one's format; every second of all links is there."""
    parts = []
    for rate, channels in formats:
        file = io.BytesIO()
        t = np.arange(2 * rate) / rate
        x = 0.3 * np.sin(2 * np.pi * 440 * np.tile(t, (channels, 1)))
        soundfile.write(file, x.T, rate, format=kind)
        parts.append(file.getvalue())
    samples, rate = load(b"".join(parts))
    assert (rate, len(samples)) == formats[0]
    assert samples.shape[1] / rate == pytest.approx(2 * len(formats), abs=0.02)
    for second in np.arange(0.5, 2 * len(formats)):
        part = samples[0, int(second * rate) :][: rate // 4]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        assert np.argmax(spectrum) * 4 == pytest.approx(440, abs=4)


@needs_permissions
def test_a_file_without_read_permission_is_rejected(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(99).T, RATE)
    (tmp_path / "a.wav").chmod(0)
    with (
        without_privileges(tmp_path),
        pytest.raises(AudioError, match="cannot be read: permission denied"),
    ):
        AudioReader(tmp_path / "a.wav")


@pytest.mark.parametrize("module", ["soundfile", "av"])
def test_a_missing_package_names_the_extra(tmp_path, monkeypatch, module):
    make_text(tmp_path / "a.wav")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(AudioError, match=rf"{module}.*pip install 'tagnode\[audio\]'"):
        AudioReader(tmp_path / "a.wav")


def test_importing_the_module_imports_no_decoder():
    code = "import sys, pyplugin.inputs.files; assert not {'soundfile', 'av'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_block_below_one_is_rejected(tmp_path):
    with pytest.raises(AudioError, match="block is 0"):
        AudioReader(tmp_path / "a.wav", block=0)


def test_reading_after_closing_is_rejected(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(99).T, RATE)
    with AudioReader(tmp_path / "a.wav") as reader:
        pass
    with pytest.raises(AudioError, match="is closed"):
        next(reader)


def test_memory_does_not_grow_with_the_recording(tmp_path):
    pytest.importorskip("resource", reason="needs getrusage")
    with AudioWriter(tmp_path / "a.wav", 48000, 2, subtype="PCM_16") as writer:
        for _ in range(600):
            writer.write(np.zeros((2, 48000), dtype=np.float32))
    code = (
        "import resource, sys\n"
        "from pyplugin.inputs.files import AudioReader\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "with AudioReader(sys.argv[1]) as reader:\n"
        "    next(reader); before = peak()\n"
        "    seconds = sum(block.shape[1] for block in reader) / 48000\n"
        "assert seconds > 598\n"
        "assert peak() - before < 20, (before, peak())\n"  # the whole is 220 MiB
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.wav")], check=True)


def test_same_file_sees_through_links_and_spellings(tmp_path):
    original = tmp_path / "a.wav"
    original.touch()
    (tmp_path / "b.wav").touch()
    (tmp_path / "soft.wav").symlink_to("a.wav")
    os.link(original, tmp_path / "hard.wav")

    assert same_file(original, f"{tmp_path}/../{tmp_path.name}/a.wav")
    assert same_file(original, tmp_path / "soft.wav")
    assert same_file(original, tmp_path / "hard.wav")
    assert not same_file(original, tmp_path / "b.wav")
    assert not same_file(original, tmp_path / "missing.wav")
    assert same_file(tmp_path / "missing.wav", f"{tmp_path}/./missing.wav")


# ---- the file's own clock


def timed(path: Path, *, begins: float, gap: float = 0.0, codec: str = "pcm_s16le") -> Path:
    """Write two seconds of a tone that begin late, with a gap after the first."""
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=48000, layout="mono")
        stream.time_base = Fraction(1, 48000)
        size = 960
        x = 0.5 * np.sin(2 * np.pi * 500 * np.arange(96000) / 48000)
        for number in range(100):
            block = (x[number * size :][:size] * 32767).astype(np.int16)[None]
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.sample_rate, frame.time_base = 48000, Fraction(1, 48000)
            late = begins + (gap if number >= 50 else 0.0)
            frame.pts = number * size + round(late * 48000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("begins", "gap"), [(0.0, 0.0), (1.5, 0.0), (0.0, 2.0), (0.7, 1.3)])
def test_what_a_file_leaves_out_is_silence_at_its_time(tmp_path, begins, gap):
    path = timed(tmp_path / "a.mkv", begins=begins, gap=gap)
    with AudioReader(path) as reader:
        samples = np.concatenate(list(reader), axis=1)[0]
        notes = reader.warnings
    assert len(samples) / 48000 == pytest.approx(2 + begins + gap, abs=0.01)
    loud = np.abs(samples) > 0.01
    sounds = [(begins, begins + 1), (begins + 1 + gap, begins + 2 + gap)]
    expected = np.zeros(len(samples), bool)
    for start, end in sounds:
        expected[round(start * 48000) : round(end * 48000)] = True
    window = np.ones(100)
    smooth = np.convolve(loud, window, "same") > 0
    assert np.mean(smooth != expected) < 0.01
    if begins + gap:
        assert f"no audio for {begins + gap:.1f} s" in notes[0]
    else:
        assert notes == []


def test_the_default_track_is_read_or_the_one_that_is_asked_for(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(path, "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(2)]
        for stream in streams:
            stream.time_base = Fraction(1, 8000)
        streams[1].disposition = av.stream.Disposition.default
        streams[0].disposition = av.stream.Disposition(0)
        for pitch, stream in zip((500, 1000), streams, strict=True):
            x = 0.5 * np.sin(2 * np.pi * pitch * np.arange(8000) / 8000)
            frame = av.AudioFrame.from_ndarray(
                (x * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    def pitch(track: int | None) -> int:
        with AudioReader(path, track=track) as reader:
            samples = np.concatenate(list(reader), axis=1)[0]
        return int(np.argmax(np.abs(np.fft.rfft(samples[:8000]))))

    assert [pitch(None), pitch(1), pitch(2)] == [1000, 500, 1000]
    with pytest.raises(AudioError, match="has 2 audio tracks; track 3 was asked for"):
        AudioReader(path, track=3)


def test_a_duration_that_is_a_guess_is_no_statement(tmp_path):
    """FFmpeg guesses that of an MP3 without a Xing header from the bit rate of its first frame."""
    quiet = np.concatenate([0.5 * noise(1, 44100, 1)[0], np.zeros(10 * 44100, np.float32)])
    path = encode(
        tmp_path / "a.mp3",
        quiet[None],
        "libmp3lame",
        muxer={"write_xing": "0", "id3v2_version": "0"},
        encoder={"b": "0", "q": "0", "abr": "0"},
    )
    with AudioReader(path) as reader:
        seconds = sum(block.shape[1] for block in reader) / RATE
        assert reader.duration is None
        assert reader.warnings == []
    assert seconds == pytest.approx(11, abs=0.1)
