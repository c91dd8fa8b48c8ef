"""Fixtures of the tests of models: patches of real recordings, and the original networks.

The wheel of musicnn comes through the registry: it is the copy in the data folder (or in the
folder that PYPLUGIN_MODELS names), or is downloaded once a session.
"""

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

Patches = npt.NDArray[np.float32]

FRAMES_PER_SECOND = 62.5


@pytest.fixture(scope="session")
def patches(clips: Path) -> dict[int, Patches]:
    """Patches of the six clips at a hop of one second, by their length in frames."""
    librosa = pytest.importorskip("librosa", reason="needs librosa")
    soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
    found: dict[int, list[Patches]] = {64: [], 187: []}
    for path in sorted(clips.glob("*.ogg")):
        samples, sample_rate = soundfile.read(path, dtype="float32", always_2d=True)
        mono = librosa.resample(samples.mean(axis=1), orig_sr=sample_rate, target_sr=16000)
        power = librosa.feature.melspectrogram(
            y=mono, sr=16000, n_fft=512, hop_length=256, n_mels=96
        )
        mel = np.log10(10000 * power.T.astype(np.float32) + 1).astype(np.float32)
        for length, taken in found.items():
            starts = np.arange(0, len(mel) - length + 1, FRAMES_PER_SECOND).astype(int)
            taken += [mel[start : start + length] for start in starts]
    return {length: np.stack(taken) for length, taken in found.items()}


@pytest.fixture(scope="session")
def originals(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's folder of networks, unpacked for TensorFlow."""
    folder = tmp_path_factory.mktemp("originals")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder / "musicnn"
