"""YAMNet as a teacher: what is asked of the model, and what is said where it is missing."""

import numpy as np
import pytest

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.support.results import TagResult
from pyplugin.training import yamnet
from pyplugin.training.yamnet import DRUMS, VOICES, YamnetModel, load_yamnet


def test_a_missing_model_is_reported_with_the_command() -> None:
    with pytest.raises(ModelError, match=r"tagnode models import .* --name no-yamnet"):
        load_yamnet("no-yamnet")


def test_another_model_is_refused() -> None:
    with pytest.raises(ModelError, match="'scene' is not YAMNet"):
        load_yamnet("scene")


def test_the_strongest_voice_and_drum_are_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is not in the package: known scores of three windows stand in for it."""
    labels = [*VOICES, *DRUMS, "Rain"]
    scores = np.zeros((3, len(labels)), np.float32)
    scores[:, labels.index("Singing")] = [0.0, 0.5, 1.0]
    scores[:, labels.index("Tabla")] = [0.2, 0.2, 0.0]
    scores[:, labels.index("Rain")] = 1.0

    def tag(samples, rate, *, model, hop):
        return TagResult("y", labels, np.arange(3) * hop, 0.96, hop, scores, None, 2.0)

    monkeypatch.setattr(yamnet, "tag", tag)
    voices, drums = YamnetModel(registry.load("scene")).strongest(np.zeros(32000, np.float32), 125)
    times = np.arange(125) / 62.5
    np.testing.assert_allclose(voices, np.clip((times - 0.48) / 0.96, 0, 1), atol=1e-5)
    np.testing.assert_allclose(drums[times <= 0.96], 0.2, atol=1e-6)
    assert drums[-1] == pytest.approx(0.0, abs=1e-6)


def test_embeddings_are_of_windows_every_quarter_of_a_second() -> None:
    try:
        yamnet = load_yamnet("yamnet")
    except ModelError:
        pytest.skip("needs YAMNet as the model yamnet")
    found = yamnet.embeddings(np.random.default_rng(0).normal(0, 0.1, 64000).astype(np.float32))
    assert found.shape == (1 + int((4.5 - 0.96) / 0.24), 1024)
