"""Presets of front-ends, against the packages that they come from."""

import numpy as np
import pytest
from helpers import music

from pyplugin.models.frontends import PRESETS
from pyplugin.node.frontend import melspectrogram
from pyplugin.support.arrays import Float64


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


def resampled_music(rate: int) -> Float64:
    return music(3, rate)[0].astype(np.float64)


def test_yamnets_and_vggishs_are_their_formulas() -> None:
    """In numpy from features.py and mel_features.py: frames of 400 begin at 0, HTK's mel."""
    x = resampled_music(16000)
    frames = np.lib.stride_tricks.sliding_window_view(x, 400)[::160]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    magnitude = np.abs(np.fft.rfft(frames * hann, 512))
    bins = 1127 * np.log(1 + np.arange(257) * 16000 / 512 / 700)
    edges = np.linspace(1127 * np.log(1 + 125 / 700), 1127 * np.log(1 + 7500 / 700), 66)
    step = edges[1] - edges[0]
    weights = np.maximum(1 - np.abs(bins[:, None] - edges[1:-1]) / step, 0)
    for name, offset in (("yamnet", 0.001), ("vggish", 0.01)):
        np.testing.assert_allclose(
            melspectrogram(x, 16000, name), np.log(magnitude @ weights + offset), atol=1e-4
        )


def test_choi_and_deepsound_are_what_they_call_librosa_with() -> None:
    librosa = pytest.importorskip("librosa", reason="needs librosa")
    x = resampled_music(12000)
    power = librosa.feature.melspectrogram(
        y=x, sr=12000, hop_length=256, n_fft=512, n_mels=96, pad_mode="constant"
    )
    levels = librosa.power_to_db(power**2, ref=1.0, amin=1e-10, top_db=None)
    np.testing.assert_allclose(melspectrogram(x, 12000, "choi"), levels.T, atol=1e-3)
    x = resampled_music(22050)
    x[20000:30000] = 0
    power = librosa.feature.melspectrogram(
        y=x, sr=22050, n_fft=2048, hop_length=1024, n_mels=128, pad_mode="constant"
    )
    power[power == 0] = 1e-6
    mel = melspectrogram(x, 22050, "deepsound")
    assert (np.isclose(mel, np.log(1e-6))).all(axis=1).any()
    loud = power.T > 1e-7
    np.testing.assert_allclose(mel[loud], np.log(power.T[loud]), atol=1e-3)


@pytest.mark.filterwarnings("ignore:Empty filters")
def test_tempocnns_and_openl3s_are_what_they_compute() -> None:
    librosa = pytest.importorskip("librosa", reason="needs librosa")
    x = resampled_music(11025)
    mel = librosa.feature.melspectrogram(
        y=x, sr=11025, n_fft=1024, hop_length=512, power=1, n_mels=40, fmin=20, fmax=5000
    )
    np.testing.assert_allclose(melspectrogram(x, 11025, "tempocnn"), mel.T, rtol=1e-4, atol=1e-6)
    x = resampled_music(48000)
    for bands in (128, 256):
        power = librosa.feature.melspectrogram(
            y=x, sr=48000, n_fft=2048, hop_length=242, n_mels=bands, htk=True, pad_mode="constant"
        )
        levels = 10 * np.log10(np.maximum(np.sqrt(power), 1e-10))
        mel = melspectrogram(x, 48000, f"openl3-mel{bands}")
        np.testing.assert_allclose(mel, levels.T, atol=2e-3)
        magnitude = librosa.feature.melspectrogram(
            y=x, sr=48000, n_fft=2048, hop_length=242, n_mels=bands, power=1.0, center=False
        )
        levels = 10 * np.log10(np.maximum(magnitude, 1e-10))
        mel = melspectrogram(x, 48000, f"openl3-slaney-mel{bands}")
        np.testing.assert_allclose(mel, levels.T, atol=2e-3)
