"""Features of clips: what they are, what is left out, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from genres import RATE, sound
from helpers import limit_file_size

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

from pyplugin.errors import PypluginError
from pyplugin.node.frontend import melspectrogram
from pyplugin.training.classes.features import compute_features
from pyplugin.training.classes.settings import ARCHITECTURES
from pyplugin.training.dataset import read_dataset

OWN = ARCHITECTURES["own"]


@pytest.fixture
def folder(tmp_path):
    """Two classes with four clips each."""
    for kind, label in enumerate(("blues", "metal")):
        for number in range(4):
            write(tmp_path / "clips" / label / f"{number}.wav", sound(label, 10 * kind + number))
    return tmp_path / "clips"


def write(path, samples, rate=RATE, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **options)


def read(folder, **options):
    return compute_features(read_dataset(folder).clips, OWN, **options)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_features_are_the_mel_spectrogram_of_the_mean_of_the_channels(name, folder, clips):
    stereo = np.stack([sound("blues", 1), sound("metal", 2)], axis=1)
    write(folder / "blues" / "0.wav", stereo, subtype="FLOAT")
    found = compute_features(read_dataset(folder).clips, ARCHITECTURES[name]).clips[0]
    wanted = melspectrogram(stereo.mean(axis=1), RATE, ARCHITECTURES[name].preset)
    np.testing.assert_allclose(found.mel, wanted, atol=0.01)
    assert found.seconds == pytest.approx(2.5)


def test_only_the_middle_of_a_long_clip_is_used(folder):
    x = sound("blues", 5, seconds=7.0)
    write(folder / "blues" / "0.wav", x, subtype="FLOAT")
    found = read(folder, clip_seconds=2.0).clips[0]
    first = round(2.5 * RATE)
    wanted = melspectrogram(x[first : first + 2 * RATE], RATE, "musicnn")
    np.testing.assert_allclose(found.mel, wanted, atol=0.01)


def test_a_silent_class_is_refused_and_a_silent_clip_left_out(folder):
    silence = np.zeros(RATE, np.float32)
    write(folder / "blues" / "0.wav", silence)
    found = read(folder)
    assert len(found.clips) == 7
    (line,) = found.skipped
    assert "0.wav is silent" in line
    for number in range(4):
        write(folder / "metal" / f"{number}.wav", silence + 1e-5 * number, subtype="FLOAT")
    with pytest.raises(PypluginError, match=r"All 4 clips of the class 'metal' are silent"):
        read(folder)


def test_the_same_recording_in_another_format_is_a_duplicate(folder):
    x, rate = soundfile.read(folder / "blues" / "0.wav")
    write(folder / "blues" / "copy.flac", x, rate)
    found = read(folder)
    assert len(found.clips) == 8
    assert found.notes == ["1 clips have the samples of another, and were left out."]
    write(folder / "metal" / "copy.flac", x, rate, compression_level=0.1)
    with pytest.raises(PypluginError, match=r"0\.wav of 'blues' and .*copy.flac of 'metal' are"):
        read(folder)
    with pytest.raises(PypluginError, match="list it once with all its classes"):
        read(folder, exclusive=False)


def test_a_duplicate_in_another_group_is_left_out_so_that_it_is_not_tested_on(folder):
    x, rate = soundfile.read(folder / "blues" / "0.wav")
    write(folder / "blues" / "9.flac", x, rate)
    dataset = read_dataset(folder)
    clips = [replace(clip, group=clip.path.stem) for clip in dataset.clips]
    found = compute_features(clips, OWN)
    assert len(found.clips) == 8
    assert "1 of them of different groups" in found.notes[0]


def test_corrupt_files_are_left_out_up_to_a_quarter(folder):
    (folder / "blues" / "0.wav").write_bytes(b"RIFF" + bytes(100))
    write(folder / "blues" / "1.wav", np.full(RATE, np.nan, np.float32), subtype="FLOAT")
    found = read(folder)
    assert len(found.clips) == 6
    assert len(found.skipped) == 2
    assert "non-finite" in found.skipped[1]
    write(folder / "metal" / "0.wav", sound("metal", 1, seconds=0.1))
    with pytest.raises(PypluginError, match=r"3 of 8 clips cannot be used.*the first: .*0\.wav"):
        read(folder)


def test_mixed_rates_are_read_and_noted_with_their_classes(folder):
    for number in range(3):
        write(folder / "metal" / f"{number}.wav", sound("metal", 30 + number)[::2], 11025)
    found = read(folder)
    assert len(found.clips) == 8
    assert {each.mel.shape for each in found.clips} == {(157, 96)}
    (note,) = found.notes
    assert "3 of 8 clips have sample rates below 16000 Hz (metal 3)" in note


def test_the_cache_gives_the_same_and_a_damaged_file_in_it_is_made_again(folder, tmp_path):
    cache = tmp_path / "cache"
    first = read(folder, cache=cache)
    files = sorted(cache.iterdir())
    assert len(files) == 8
    files[0].write_bytes(b"damaged")
    marker = files[1].stat().st_mtime_ns
    again = read(folder, cache=cache)
    for one, other in zip(first.clips, again.clips, strict=True):
        np.testing.assert_array_equal(one.mel, other.mel)
        assert one.seconds == other.seconds
    assert files[0].stat().st_size > 1000
    assert files[1].stat().st_mtime_ns == marker


def test_a_full_disk_is_reported(folder, tmp_path):
    with limit_file_size(2000), pytest.raises(PypluginError, match=r"cannot be written.*free some"):
        read(folder, cache=tmp_path / "cache")
    assert not list((tmp_path / "cache").iterdir())


def test_short_memory_is_reported_with_the_seconds_that_fit(folder):
    # 157 frames of 96 bands of 2 bytes for each clip of 2.5 s
    needed = 8 * 157 * 96 * 2
    assert len(read(folder, memory=needed).clips) == 8
    with pytest.raises(PypluginError, match=r"8 clips of 2 s need .*--clip-seconds 1\."):
        read(folder, memory=needed // 2)
