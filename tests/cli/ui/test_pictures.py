"""Plots of commands: the spectrogram is that of the recording, reduced by exact means."""

import numpy as np
import pytest
import soundfile
from helpers import music

pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'tagnode[plot]'")

import pyplugin
from pyplugin.cli.ui import pictures
from pyplugin.cli.ui.pictures import draw_tags
from pyplugin.node.frontend import PRESETS

FRONT_END = PRESETS["musicnn"]


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "a.wav"
    soundfile.write(path, music(4, 16000)[0], 16000, subtype="FLOAT")
    return path


def test_a_short_spectrogram_is_complete(recording):
    mel, times = pictures._spectrogram(recording, FRONT_END)
    expected = pyplugin.melspectrogram(music(4, 16000), 16000)
    frames = min(len(mel), len(expected))
    assert frames >= len(expected) - 3
    np.testing.assert_allclose(mel[:frames], expected[:frames], atol=1e-5)
    np.testing.assert_allclose(np.diff(times), FRONT_END.hop / 16000)


def test_a_long_spectrogram_is_averaged_in_powers_of_two(recording, monkeypatch):
    whole, _ = pictures._spectrogram(recording, FRONT_END)
    monkeypatch.setattr(pictures, "_COLUMNS", 50)
    mel, times = pictures._spectrogram(recording, FRONT_END)
    step = round((times[1] - times[0]) * 16000 / FRONT_END.hop)
    assert 25 <= len(mel) <= 50
    assert step in (4, 8)
    expected = whole[: len(mel) * step].reshape(len(mel), step, -1).mean(axis=1)
    np.testing.assert_allclose(mel, expected, atol=1e-5)
    assert times[0] == pytest.approx(step / 2 * FRONT_END.hop / 16000)


def test_a_recording_shorter_than_a_frame_has_a_column(tmp_path):
    soundfile.write(tmp_path / "s.wav", np.full(50, 0.1), 16000)
    mel, _ = pictures._spectrogram(tmp_path / "s.wav", FRONT_END)
    assert len(mel) >= 1


def test_the_plot_is_a_png(recording, probe, tmp_path):
    result = pyplugin.tag(recording, model=probe.model)
    draw_tags(tmp_path / "a.png", recording, result, FRONT_END)
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
