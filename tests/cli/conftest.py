"""What tests of the command line share: a song, labelled clips and a small model."""

from pathlib import Path

import pytest
import soundfile
from helpers import level_noise, music

from pyplugin.models.card import render_card

RATE = 22050


@pytest.fixture
def song(tmp_path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, music(5, 22050, 2).T, 22050)
    return path


@pytest.fixture
def model_file(tmp_path, probe, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "probe.tflite"
    path.write_bytes(probe.model.data)
    path.with_suffix(".json").write_text(render_card(probe.model.card))
    return path


@pytest.fixture
def labelled_clips(tmp_path) -> Path:
    for number, label in enumerate(("clicks", "loud", "soft")):
        folder = tmp_path / "clips" / label
        folder.mkdir(parents=True)
        for seed in range(6):
            soundfile.write(folder / f"{seed}.wav", level_noise(label, 10 * number + seed), RATE)
    return tmp_path / "clips"
