"""Recordings as stems: arrays and files, residuals, and what can go wrong."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import music

import pyplugin
from pyplugin.errors import AudioError, ModelError

pytest.importorskip("ai_edge_litert", reason="needs LiteRT")


def test_stems_and_residual_are_the_recording(random_network):
    audio = music(5, 48000, 2)
    result = pyplugin.separate(audio, 48000, model=random_network, residual=True)
    assert list(result.stems) == ["vocals", "accompaniment", "residual"]
    assert result.duration == 5.0
    np.testing.assert_allclose(sum(result.stems.values()), audio, atol=1e-6)
    flat = pyplugin.separate(audio[0], 48000, model=random_network, stems=["vocals"])
    assert {name: each.shape for name, each in flat.stems.items()} == {"vocals": audio[0].shape}


def test_non_finite_samples_are_0_and_noted(random_network):
    audio = music(2, 44100, 2)
    broken = audio.copy()
    broken[:, 1000:1010] = np.nan
    audio[:, 1000:1010] = 0
    result = pyplugin.separate(broken, 44100, model=random_network, residual=True)
    np.testing.assert_allclose(sum(result.stems.values()), audio, atol=1e-6)
    assert any("20 non-finite" in note for note in result.notes)


@pytest.mark.parametrize("format", ["wav", "flac", "ogg"])
def test_files_have_the_length_and_rate_of_the_recording(tmp_path, random_network, format):
    soundfile.write(tmp_path / "song.wav", 0.3 * music(3, 32000, 1)[0], 32000)
    out = tmp_path / "new" / "stems"
    shares = []
    result = pyplugin.separate(
        tmp_path / "song.wav",
        model=random_network,
        out=out,
        format=format,
        residual=True,
        progress=shares.append,
    )
    assert {path.name for path in out.iterdir()} == {f"{name}.{format}" for name in result.paths}
    original, _ = soundfile.read(tmp_path / "song.wav")
    read = [soundfile.read(path) for path in result.paths.values()]
    assert {(len(samples), rate) for samples, rate in read} == {(96000, 32000)}
    if format != "ogg":
        np.testing.assert_allclose(sum(samples for samples, _ in read), original, atol=4e-7)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert result.stems == {}


def test_wrong_orders_are_refused_before_any_work(tmp_path, random_network):
    audio = np.zeros((2, 44100), np.float32)
    options = {"model": random_network}
    with pytest.raises(ModelError, match=r"no stem 'vocal'; did you mean 'vocals'"):
        pyplugin.separate(audio, 44100, stems=["vocal"], **options)
    with pytest.raises(ModelError, match="No stem is wanted"):
        pyplugin.separate(audio, 44100, stems=[], **options)
    with pytest.raises(AudioError, match="no format 'mp3'"):
        pyplugin.separate(audio, 44100, format="mp3", **options)
    with pytest.raises(AudioError, match="3 channels"):
        pyplugin.separate(np.zeros((3, 44100)), 44100, **options)
    (tmp_path / "file").write_text("")
    with pytest.raises(AudioError, match="cannot be made"):
        pyplugin.separate(audio, 44100, out=tmp_path / "file" / "stems", **options)
    soundfile.write(tmp_path / "vocals.wav", audio.T, 44100)
    with pytest.raises(AudioError, match="is the recording itself"):
        pyplugin.separate(tmp_path / "vocals.wav", out=tmp_path, **options)


def test_an_interruption_leaves_no_files(tmp_path, random_network):
    soundfile.write(tmp_path / "song.wav", music(9, 44100, 1)[0], 44100)

    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pyplugin.separate(
            tmp_path / "song.wav", model=random_network, out=tmp_path / "out", progress=stop
        )
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_a_sentence(tmp_path, random_network):
    soundfile.write(tmp_path / "song.wav", music(9, 44100, 1)[0], 44100)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "vocals.wav").symlink_to("/dev/full")
    with pytest.raises(AudioError, match=r"vocals\.wav' cannot be written"):
        pyplugin.separate(tmp_path / "song.wav", model=random_network, out=tmp_path / "out")
