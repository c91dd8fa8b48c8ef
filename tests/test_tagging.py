"""tag(): the windows, compared with the model on patches of the whole spectrogram."""

import numpy as np
import pytest
import soundfile
from helpers import PATCH, music

import pyplugin
from pyplugin.inputs import recording


def test_windows_are_those_of_the_whole_spectrogram(probe):
    x = music(4.3, 44100, 2)
    result = pyplugin.tag(x, 44100, model=probe.model, hop=0.08, embedding="dense")
    mel = pyplugin.melspectrogram(x, 44100)
    expected = probe.activations(mel)[::5]
    assert result.activations.shape == expected.shape
    np.testing.assert_allclose(result.activations, expected, atol=1e-5)
    np.testing.assert_allclose(result.embeddings, probe.dense(mel)[::5], atol=1e-4)
    np.testing.assert_allclose(result.times, np.arange(len(expected)) * 0.08)
    assert result.hop == pytest.approx(0.08)
    assert result.window == pytest.approx(PATCH * 0.016)
    assert result.duration == pytest.approx(4.3, abs=1e-4)
    assert result.notes == []


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 192000])
@pytest.mark.parametrize("extra", [-257, -256, -1, 0, 1, 255, 256, 4000])
def test_windows_are_exactly_those_within_the_signal(probe, rate, extra):
    # Around the length at which a further window fits, in model-rate samples.
    length = (PATCH - 1 + 5) * 256 + extra
    x = music(length / 16000, rate)[:, : round(length * rate / 16000)]
    result = pyplugin.tag(x, rate, model=probe.model, hop=0.016)
    expected = probe.activations(pyplugin.melspectrogram(x, rate))
    np.testing.assert_allclose(result.activations, expected, atol=1e-5)


@pytest.mark.parametrize("block", [1000, 4096, 65536])
def test_the_block_size_does_not_change_the_results(probe, monkeypatch, block):
    x = music(2, 22050)
    expected = pyplugin.tag(x, 22050, model=probe.model)
    monkeypatch.setattr(recording, "BLOCK", block)
    result = pyplugin.tag(x, 22050, model=probe.model)
    np.testing.assert_array_equal(result.activations, expected.activations)


@pytest.mark.parametrize("samples", [1, 2, 100, 4000, 4863])
def test_a_recording_shorter_than_a_window_is_repeated_and_reported(probe, samples):
    x = music(1, 16000)[:, :samples]
    result = pyplugin.tag(x, 16000, model=probe.model)
    needed = (PATCH - 1) * 256
    padded = np.tile(x, -(-needed // samples))[:, :needed]
    expected = probe.activations(pyplugin.melspectrogram(padded, 16000))
    np.testing.assert_allclose(result.activations, expected, atol=1e-5)
    assert len(result.times) == 1
    assert result.duration == samples / 16000
    assert "repeated" in result.notes[0]


def test_mean_and_top(probe):
    result = pyplugin.tag(music(2, 16000), 16000, model=probe.model)
    np.testing.assert_allclose(result.mean, result.activations.mean(axis=0), rtol=1e-6)
    ranking = result.top(2)
    assert len(ranking) == 2
    assert ranking[0][1] == pytest.approx(result.mean.max())
    assert ranking[0][0] == result.labels[int(result.mean.argmax())]
    assert len(result.top(99)) == 3
    assert result.top(0) == []


def test_files_equal_arrays(probe, tmp_path):
    x = music(2, 32000, 2)
    path = tmp_path / "x.wav"
    soundfile.write(path, x.T, 32000, subtype="FLOAT")
    np.testing.assert_array_equal(
        pyplugin.tag(path, model=probe.model).activations,
        pyplugin.tag(x, 32000, model=probe.model).activations,
    )


def test_non_finite_samples_are_reported(probe):
    x = music(2, 16000)
    x[0, 100:103] = np.nan
    result = pyplugin.tag(x, 16000, model=probe.model)
    assert np.isfinite(result.activations).all()
    assert any(note.startswith("3 samples") for note in result.notes)


def test_progress_is_the_share_that_has_been_read(probe):
    shares = []
    pyplugin.tag(music(9, 16000), 16000, model=probe.model, progress=shares.append)
    assert shares == pytest.approx([65536 / 144000, 131072 / 144000, 1])


@pytest.mark.parametrize(
    ("x", "rate", "words"),
    [
        (np.zeros(0), 16000, "0 samples"),
        (np.zeros(10), None, "sample_rate"),
        (np.zeros((9, 10)), 16000, "8 channels"),
        (np.zeros(10, int), 16000, "int64"),
        (np.zeros(10), 300000, "192000"),
        ("missing.wav", None, "missing.wav"),
        ("missing.wav", 16000, "own sample rate"),
    ],
)
def test_wrong_audio_is_rejected(probe, x, rate, words):
    with pytest.raises(pyplugin.AudioError, match=words):
        pyplugin.tag(x, rate, model=probe.model)


def test_unknown_model_suggests_the_nearest():
    with pytest.raises(pyplugin.ModelError, match="musicnn-mtt"):
        pyplugin.tag(np.zeros(100), 16000, model="musicn-mtt")


def test_musicnn_names_real_music(clips, musicnn):
    """The first tags of each recording include its obvious ones."""
    expected = {
        "classical-strings": {"classical", "violin", "strings"},
        "drum-loop": {"techno", "drums", "beat"},
        "instrumental-metal": {"rock", "metal", "loud"},
        "sung-pop": {"guitar", "vocal"},
    }
    for name, labels in expected.items():
        result = pyplugin.tag(clips / f"{name}.ogg", model=musicnn)
        assert len(labels & {label for label, _ in result.top(5)}) >= 2, name


def test_each_window_is_passed_on_as_the_result_has_it(probe):
    windows = []
    x = music(4, 16000)
    result = pyplugin.tag(
        x, 16000, model=probe.model, hop=0.5, each=lambda *window: windows.append(window)
    )
    starts, ends, activations = zip(*windows, strict=True)
    np.testing.assert_allclose(starts, result.times)
    np.testing.assert_allclose(ends, result.times + result.window)
    np.testing.assert_array_equal(activations, result.activations)
