"""A model of stems in automation: live as in a recording."""

import numpy as np
import pytest
from helpers import music
from small_unets import variables_of, written

import pyplugin
from pyplugin.errors import AudioError, ModelError
from pyplugin.stems.model import SpleeterModel, stem_model_of

pedalboard = pytest.importorskip("pedalboard", reason="needs pedalboard")
pytest.importorskip("ai_edge_litert", reason="needs LiteRT")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("n")
    return SpleeterModel(written(folder, "spleeter-2stems", variables_of(2), patch=64), waits=True)


@pytest.mark.parametrize("rate", [44100, 32000])
def test_a_live_board_gives_what_a_recording_gives(model, rate):
    audio = 0.3 * music(8, rate, 2)
    auto = pyplugin.automate(
        pedalboard.Pedalboard([]),
        {"gain.gain_db": pyplugin.stem("accompaniment").rms().range(-60, -10).scale(-20, 6)},
        stems={"vocals": pedalboard.Pedalboard([pedalboard.Gain()])},
        stem_model=model,
    )
    want = auto(audio, rate, align=False)
    assert np.ptp(want.curves["gain.gain_db"].values) > 1
    with auto.stream(rate, 2) as stream:
        got = np.concatenate(
            [stream.process(audio[:, at : at + 5000]) for at in range(0, 8 * rate, 5000)], axis=1
        )
        late = stream.delay
    assert not got[:, :late].any()
    np.testing.assert_allclose(got[:, late:], want.audio[:, :-late], atol=2e-4)
    assert stream.stems.late == 0


def test_it_is_read_when_it_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    default, named = stem_model_of(None), stem_model_of("spleeter-5stems")
    with pytest.raises(ModelError, match="models get spleeter-2stems"):
        assert default.stems
    with pytest.raises(ModelError, match="spleeter-5stems has not been built"):
        assert named.name


def test_it_has_the_names_of_its_network(model):
    assert (model.name, model.stems) == ("spleeter-2stems-p64", ("vocals", "accompaniment"))
    with pytest.raises(AudioError, match="3 channels"):
        model.stream(44100, 3)
