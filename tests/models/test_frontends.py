"""Presets of front-ends, against the packages that they come from."""

import numpy as np
import pytest

from pyplugin.models.frontends import PRESETS
from pyplugin.node.frontend import melspectrogram


def test_musicnns_is_what_musicnn_calls_librosa_with() -> None:
    librosa = pytest.importorskip("librosa", reason="needs librosa")
    x = np.random.default_rng(1).uniform(-0.5, 0.5, 16000)
    power = librosa.feature.melspectrogram(y=x, sr=16000, n_fft=512, hop_length=256, n_mels=96)
    np.testing.assert_allclose(
        melspectrogram(x, 16000, preset="musicnn"), np.log10(10000 * power.T + 1), atol=2e-3
    )


def test_essentias_differs_in_its_window_alone() -> None:
    ours, theirs = PRESETS["musicnn"], PRESETS["essentia-musicnn"]
    different = [name for name in dir(ours) if getattr(ours, name) != getattr(theirs, name)]
    assert [name for name in different if not name.startswith("__")] == ["window"]
