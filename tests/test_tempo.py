"""The tempo of recordings: clicks at a known tempo, and a model with known answers."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import published_weights
from hypothesis import given
from hypothesis import strategies as st

import pyplugin
from pyplugin.errors import AudioError, ModelError
from pyplugin.models.adapting import described
from pyplugin.models.graphs.graph import GraphBuilder, constant
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importing import import_file, open_file
from pyplugin.tempo import overall_tempo, tempo

RATE = 16000


def clicks(bpm: float, seconds: float) -> np.ndarray:
    """Bursts of noise on the beat, each second one accented."""
    rng = np.random.default_rng(0)
    out = np.zeros(round(seconds * RATE))
    for beat in range(int(seconds * bpm / 60)):
        at = round(beat * 60 / bpm * RATE)
        burst = rng.normal(size=800) * np.exp(-np.arange(800) / 120)
        out[at : at + 800] += (0.5 if beat % 2 else 0.3) * burst[: len(out) - at]
    return out


@pytest.mark.parametrize("bpm", [72, 96, 120, 140.5])
def test_clicks_have_their_tempo(bpm):
    result = tempo(clicks(bpm, 20), RATE)
    assert min(abs(result.overall / (bpm * factor) - 1) for factor in (0.5, 1, 2)) < 0.01
    assert result.overall_confidence > 0.8
    assert result.duration == 20
    assert (np.diff(result.times) > 0).all()
    assert 0 <= result.times[0] < result.times[-1] < 20


def test_a_change_is_seen_and_the_longer_tempo_is_the_overall_one():
    result = tempo(np.concatenate([clicks(90, 30), clicks(130, 15)]), RATE)
    assert result.overall == pytest.approx(90, rel=0.01)
    assert 0.5 < result.overall_confidence < 0.95
    first = result.bpm[(result.times > 10) & (result.times < 25)]
    last = result.bpm[result.times > 40]
    assert first == pytest.approx(np.full(len(first), 90), rel=0.02)
    assert last == pytest.approx(np.full(len(last), 130), rel=0.02)


def test_no_beat():
    result = tempo(np.zeros(5 * RATE), RATE)
    assert (result.overall, result.overall_confidence) == (0, 0)
    assert not result.bpm.any()
    with pytest.raises(AudioError, match="no beat"):
        result.curve()


@pytest.mark.parametrize("beats", [0.75, 2])
def test_a_curve_has_the_time_of_beats(beats):
    result = tempo(clicks(96, 20), RATE)
    curve = result.curve(beats)
    beating = result.bpm > 0
    np.testing.assert_allclose(curve.values, 60 * beats / result.bpm[beating], rtol=1e-6)
    np.testing.assert_array_equal(curve.times, result.times[beating])
    assert curve.values[-1] / beats == pytest.approx(60 / result.overall, rel=0.02)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A model that answers by the level: 60 BPM where it is low, 90 where it is high."""
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    builder = GraphBuilder()
    x = builder.input("x", (1, 32, 96))
    level = builder.reduce("mean", x, (1, 2), keep=False)
    level = builder.reshape(level, (1, 1))
    level = builder.binary("sub", level, constant(np.float32(1.5)))
    y = builder.softmax(builder.dense(level, np.array([[-4.0, 4.0, 0.0]]), [0, 0, -9]))
    (tmp_path / "levels.tflite").write_bytes(tflite_of(builder.finish({"y": y})))
    (tmp_path / "labels.txt").write_text("60 BPM\n90 BPM\n120.5 BPM\n")
    options = {"front_end": "musicnn", "labels": tmp_path / "labels.txt", "hop": 0.256}
    import_file(tmp_path / "levels.tflite", ImportOptions(**options))
    return "levels"


def test_a_model_of_the_tempo(model):
    noise = np.random.default_rng(1).normal(size=9 * RATE)
    noise[: 3 * RATE] *= 1e-4
    result = tempo(noise, RATE, model=model)
    tags = pyplugin.tag(noise, RATE, model=model)
    assert result.overall == 90
    assert result.overall_confidence == pytest.approx(tags.mean[1])
    assert set(result.bpm[result.times < 2]) == {60}
    assert set(result.bpm[result.times > 4]) == {90}
    assert len(result.times) == len(tags.times)
    assert set(result.curve(0.5).values.round(6)) == {0.5, 0.333333}


def test_a_model_of_something_else_is_refused():
    with pytest.raises(ModelError, match="labels of scene are no tempi"):
        tempo(np.zeros(RATE), RATE, model="scene")


def test_essentias_network_gives_what_essentia_gives(tmp_path, monkeypatch):
    """From the file on; Essentia has a process of its own, for it brings a TensorFlow."""
    if importlib.util.find_spec("essentia") is None:
        pytest.skip("essentia is not installed (extra: oracle)")
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    path = published_weights() / "essentia-test-graphs" / "deeptemp_k16.pb"
    name = import_file(path).name
    audio = clicks(110, 24)[: 11025 * 24]
    soundfile.write(tmp_path / "clicks.wav", audio, 11025, subtype="FLOAT")
    output = described(path, open_file(path), None, ImportOptions())[1]
    script = Path(__file__).parents[1] / "benchmarks" / "original.py"
    command = [script, "essentia_tempocnn", f"{path}:{output}", tmp_path / "clicks.wav", "128"]
    subprocess.run([sys.executable, *command, tmp_path / "values.npy"], check=True)
    expected = np.load(tmp_path / "values.npy")
    result = pyplugin.tag(tmp_path / "clicks.wav", model=name, hop=128 * 512 / 11025)
    count = min(len(expected), len(result.activations))
    assert count > 1
    np.testing.assert_allclose(result.activations[:count], expected[:count], atol=1e-4)


@given(st.lists(st.tuples(st.integers(400, 2400), st.integers(1, 100)), min_size=1, max_size=40))
def test_the_overall_tempo_has_the_most_confidence_around_it(values):
    given_bpm, given_confidence = (
        (np.array(each) / scale).astype(np.float32)
        for each, scale in zip(zip(*values, strict=True), (10, 100), strict=True)
    )
    overall, share = overall_tempo(given_bpm, given_confidence)
    bpm, confidence = given_bpm.astype(np.float64), given_confidence.astype(np.float64)
    near = np.abs(np.log(bpm[:, None] / bpm[None, :])) < 0.04
    most = (near @ confidence).max()
    assert share * confidence.sum() == pytest.approx(most, rel=1e-4)
    assert np.abs(np.log(bpm / overall)).min() < 0.04


def test_the_overall_tempo_of_a_day_fits_in_memory():
    bpm = np.tile(np.float32([120, 121, 90]), 60_000)
    assert overall_tempo(bpm, np.ones_like(bpm))[0] == pytest.approx(120.5)
