"""tools/evaluate_stems.py: its measures, and folders of every shape."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_unets import passing, written

from pyplugin.errors import PypluginError
from pyplugin.stems.network import StemNetwork

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool():
    path = ROOT / "tools" / "evaluate_stems.py"
    spec = importlib.util.spec_from_file_location("evaluate_stems", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_si_sdr_ignores_the_scale_and_measures_the_rest(tool):
    rng = np.random.default_rng(1)
    reference, noise = rng.normal(size=(2, 2, 50000)).astype(np.float32)
    noise -= reference * np.vdot(noise, reference) / np.vdot(reference, reference)
    for gain in (0.1, 1, 7):
        got = tool.si_sdr(gain * (reference + 0.1 * noise), reference)
        assert got == pytest.approx(20, abs=0.1)
    assert np.isnan(tool.si_sdr(noise, np.zeros_like(noise)))


def test_stems_that_a_model_does_not_name_are_added_up(tool):
    stems = {name: np.full((1, 3), value) for name, value in zip("abcd", (1, 2, 4, 8), strict=True)}
    found = tool.references({**stems, "vocals": np.ones((1, 3))}, ("vocals", "accompaniment"))
    assert found["accompaniment"].tolist() == [[15, 15, 15]]
    four = {"vocals": 1, "drums": 2, "bass": 4, "other": 8}
    names = tuple(four)
    assert tool.references({k: np.array([v]) for k, v in four.items()}, names)["other"] == [8]
    with pytest.raises(PypluginError, match="no stem piano"):
        tool.references({k: np.array([v]) for k, v in four.items()}, ("vocals", "piano"))


def test_a_folder_without_tracks_is_a_sentence(tool, tmp_path):
    with pytest.raises(PypluginError, match=r"no folder with vocals\.wav"):
        list(tool.tracks(tmp_path))
    (tmp_path / "test" / "song").mkdir(parents=True)
    (tmp_path / "test" / "song" / "vocals.wav").touch()
    assert [path.name for path in tool.tracks(tmp_path)] == ["song"]


@pytest.mark.parametrize("side", [0.0, 0.01], ids=["identical channels", "nearly identical"])
def test_interference_of_known_size_is_found_though_channels_are_alike(tool, side):
    """20 dB below, in stems without anything above 10 kHz, as in resampled and coded music."""
    museval = pytest.importorskip(
        "museval", reason="needs museval: pip install 'tagnode[evaluate]'"
    )
    signal = pytest.importorskip("scipy.signal")
    rng = np.random.default_rng(3)
    low = signal.butter(12, 10000 / 22050, output="sos")
    mid, sides = signal.sosfiltfilt(low, 0.1 * rng.normal(size=(2, 2, 66150)))
    stems = np.stack([mid + side * sides, mid - side * sides], axis=2)
    estimates = stems + 0.1 * stems[::-1] + 0.002 * rng.normal(size=stems.shape)
    given = {"win": 44100, "hop": 44100}
    scores = museval.evaluate(tool.with_noise(stems), estimates, **given)
    interference, artefacts = scores[tool.MEASURES.index("SIR")], scores[tool.MEASURES.index("SAR")]
    np.testing.assert_allclose(interference, 20, atol=0.3)
    level = 20 * np.log10(np.std(stems[0]) / 0.002)
    np.testing.assert_allclose(artefacts, level, atol=1)


def test_a_track_is_measured_by_museval(tool, tmp_path):
    pytest.importorskip("museval", reason="needs museval: pip install 'tagnode[evaluate]'")
    rng = np.random.default_rng(2)
    for name, level in (("vocals", 0.2), ("drums", 0.02)):
        soundfile.write(tmp_path / f"{name}.wav", level * rng.normal(size=(88200, 2)), 44100)
    variables = passing("spleeter-2stems", "vocals")
    network = StemNetwork(written(tmp_path, "spleeter-2stems", variables, patch=64))
    scores = tool.evaluate(tmp_path, network, 0)["vocals"]
    assert set(scores) == {*tool.MEASURES, "SI-SDR", "SI-SDR improvement"}
    assert scores["SI-SDR"] < 3  # noise above 11 kHz is lost
