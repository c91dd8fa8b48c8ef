"""Writing recordings: every bit that the format holds, and no partial file."""

import sys
import wave

import numpy as np
import pytest
from helpers import file_names, needs_permissions, noise, tone, without_privileges

from pyplugin.errors import AudioError
from pyplugin.outputs.audio_files import AudioWriter

soundfile = pytest.importorskip("soundfile", reason="needs soundfile")

RATE = 44100


@pytest.mark.parametrize(
    ("name", "subtype", "stored"),
    [
        ("a.wav", None, "PCM_24"),
        ("a.wav", "PCM_16", "PCM_16"),
        ("a.wav", "FLOAT", "FLOAT"),
        ("a.flac", None, "PCM_24"),
        ("A.FLAC", "PCM_16", "PCM_16"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_lossless_formats_keep_every_bit(tmp_path, name, subtype, stored, channels):
    samples = noise(channels, 40_000)
    with AudioWriter(tmp_path / name, 48000, channels, subtype=subtype) as writer:
        for start in range(0, 40_000, 15_000):
            writer.write(samples[:, start : start + 15_000])

    back, rate = soundfile.read(tmp_path / name, dtype="float32", always_2d=True)
    assert np.array_equal(back.T, samples)
    assert rate == 48000
    assert soundfile.info(tmp_path / name).subtype == stored
    assert writer.clipped == 0


def test_the_wave_module_reads_a_written_24_bit_wav(tmp_path):
    steps = np.random.default_rng(4).integers(-(2**23), 2**23, (2, 500))
    with AudioWriter(tmp_path / "a.wav", RATE, 2) as writer:
        writer.write(steps / 2**23)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (2, 3, RATE, 500)
        data = np.frombuffer(file.readframes(500), np.uint8).reshape(500, 2, 3).astype(np.int32)
    back = data @ [1 << 8, 1 << 16, 1 << 24]
    assert np.array_equal(back.astype(np.int32) >> 8, steps.T)


def test_ogg_keeps_length_and_sound_even_of_one_large_block(tmp_path):
    samples = np.repeat(tone(30 * RATE), 2, axis=0)
    with AudioWriter(tmp_path / "a.ogg", RATE, 2) as writer:
        writer.write(samples)
    back, _ = soundfile.read(tmp_path / "a.ogg", dtype="float32")
    assert back.shape == (30 * RATE, 2)
    assert np.sqrt(np.mean((back.T - samples) ** 2)) < 0.01


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_samples_beyond_full_scale_are_counted_and_held_at_it(tmp_path, name):
    samples = np.array([[1.0, -1.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 0.25]])
    with AudioWriter(tmp_path / name, RATE, 1) as writer:
        writer.write(samples)
    top = 1 - 2**-23
    assert soundfile.read(tmp_path / name)[0].tolist() == [top, -1, top, -1, top, -1, 0, 0.25]
    assert writer.clipped == 5


def test_a_float_wav_keeps_values_beyond_full_scale(tmp_path):
    samples = np.array([[1.5, -2.0, np.inf, np.nan]], dtype=np.float32)
    with AudioWriter(tmp_path / "a.wav", RATE, 1, subtype="FLOAT") as writer:
        writer.write(samples)
    back, _ = soundfile.read(tmp_path / "a.wav", dtype="float32", always_2d=True)
    assert np.array_equal(back.T, samples, equal_nan=True)
    assert writer.clipped == 0


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_keeps_the_old_file_and_leaves_no_other(tmp_path, error):
    path = tmp_path / "a.wav"
    path.write_bytes(b"as it was")
    writer = AudioWriter(path, RATE, 1)

    def write_and_break_off() -> None:
        with writer:
            writer.write(tone(1000))
            raise error

    with pytest.raises(error):
        write_and_break_off()
    assert path.read_bytes() == b"as it was"
    assert file_names(tmp_path) == ["a.wav"]


def test_the_name_appears_only_with_the_whole_recording(tmp_path):
    with AudioWriter(tmp_path / "a.wav", RATE, 1) as writer:
        writer.write(tone(1000))
        assert not (tmp_path / "a.wav").exists()
    assert file_names(tmp_path) == ["a.wav"]


def test_a_written_file_has_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    with AudioWriter(tmp_path / "a.wav", RATE, 1):
        pass
    assert (tmp_path / "a.wav").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_writing_to_a_link_replaces_the_file_it_names(tmp_path):
    (tmp_path / "real.wav").write_bytes(b"old")
    (tmp_path / "link.wav").symlink_to("real.wav")
    with AudioWriter(tmp_path / "link.wav", RATE, 1) as writer:
        writer.write(tone(1000))
    assert (tmp_path / "link.wav").is_symlink()
    assert soundfile.info(tmp_path / "real.wav").frames == 1000


@pytest.mark.parametrize(
    ("path", "rate", "channels", "subtype", "message"),
    [
        ("a.mp3", RATE, 1, None, "must end in .wav, .flac or .ogg"),
        ("a", RATE, 1, None, "must end in .wav, .flac or .ogg"),
        ("a.wav", RATE, 1, "VORBIS", "no subtype 'VORBIS'; give PCM_24, PCM_16 or FLOAT"),
        ("a.ogg", RATE, 1, "PCM_16", "no subtype 'PCM_16'; give VORBIS"),
        ("a.wav", RATE, 0, None, "0 channels; expected 1 to 8"),
        ("a.wav", RATE, 9, None, "9 channels; expected 1 to 8"),
        ("a.wav", 7999, 1, None, "7999 Hz; expected 8000 to 192000"),
        ("a.wav", 192001, 1, None, "192001 Hz; expected 8000 to 192000"),
        ("missing/a.wav", RATE, 1, None, "its folder does not exist"),
        ("folder.wav", RATE, 1, None, "is a folder"),
        ("file/a.wav", RATE, 1, None, "cannot be written"),
    ],
)
def test_an_invalid_output_is_rejected_before_any_work(
    tmp_path, path, rate, channels, subtype, message
):
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "file").touch()
    with (
        pytest.raises(AudioError, match=message),
        AudioWriter(tmp_path / path, rate, channels, subtype=subtype),
    ):
        pytest.fail("the work began")
    assert file_names(tmp_path) == ["file", "folder.wav"]


@needs_permissions
def test_a_folder_without_write_permission_is_rejected_before_any_work(tmp_path):
    tmp_path.chmod(0o555)
    with (
        without_privileges(tmp_path),
        pytest.raises(AudioError, match="cannot be written: permission denied"),
        AudioWriter(tmp_path / "a.wav", RATE, 1),
    ):
        pytest.fail("the work began")


def test_writing_needs_soundfile_and_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(AudioError, match=r"pip install 'tagnode\[audio\]'"):
        AudioWriter(tmp_path / "a.wav", RATE, 1)


@pytest.mark.parametrize("shape", [(1000,), (1, 1000), (1000, 2), (1, 2, 1000)])
def test_a_block_of_another_shape_is_rejected(tmp_path, shape):
    with (
        pytest.raises(AudioError, match=r"expected \(2, samples\)"),
        AudioWriter(tmp_path / "a.wav", RATE, 2) as writer,
    ):
        writer.write(np.zeros(shape))
    assert file_names(tmp_path) == []


def test_writing_outside_the_with_statement_is_rejected(tmp_path):
    writer = AudioWriter(tmp_path / "a.wav", RATE, 1)
    with pytest.raises(AudioError, match="is not open"):
        writer.write(tone(10))


def test_a_wav_beyond_4_gib_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr("pyplugin.outputs.audio_files.WAV_LIMIT", 3 * 1000)
    with AudioWriter(tmp_path / "a.wav", RATE, 1) as writer:
        writer.write(tone(1000))
        with pytest.raises(AudioError, match=r"4 GiB of a WAV; write a \.flac"):
            writer.write(tone(1))


def test_a_wav_ends_before_its_size_needs_more_than_32_bits(tmp_path, monkeypatch):
    second = np.zeros((1, 8000), np.float32)
    with AudioWriter(tmp_path / "a.wav", 8000, 1) as writer:
        size = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}[writer._file.subtype]
        monkeypatch.setattr(writer._file, "write", lambda samples: None)
        monkeypatch.setattr(writer._file, "tell", lambda: (2**32 - 2**17) // size - 8000)
        writer.write(second)
        # The RIFF chunk counts 36 bytes of headers too.
        monkeypatch.setattr(writer._file, "tell", lambda: (2**32 - 36) // size - 8000 + 1)
        with pytest.raises(AudioError, match="4 GiB"):
            writer.write(second)


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    resource = pytest.importorskip("resource", reason="needs setrlimit")
    signal = pytest.importorskip("signal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with (
            pytest.raises(AudioError, match="cannot be written"),
            AudioWriter(tmp_path / "a.wav", RATE, 1) as writer,
        ):
            writer.write(tone(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert file_names(tmp_path) == []
