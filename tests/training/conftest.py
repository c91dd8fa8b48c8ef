"""What the tests of training share: a corpus small enough to train on in seconds."""

import csv
from pathlib import Path

import numpy as np
import pytest

RATE = 22050
SECONDS = 6


def sound(kind: str, seed: int) -> np.ndarray:
    """A chord, noise, clicks over a chord, or something with the syllables of speech."""
    random = np.random.default_rng(seed)
    t = np.arange(RATE * SECONDS) / RATE
    pitch = random.uniform(150, 400)
    chord = sum(np.sin(2 * np.pi * pitch * ratio * t) for ratio in (1, 1.25, 1.5, 3)) / 8
    if kind == "tonal":
        return chord
    if kind == "noise":
        return random.normal(0, 0.1, len(t))
    if kind == "drums":
        return chord / 4 + random.normal(0, 0.5, len(t)) * np.exp(-30 * (t % 0.25))
    pulses = np.sin(2 * np.pi * (100 * t + 3 * np.sin(2 * np.pi * 2 * t))) > 0.95
    syllables = np.maximum(np.sin(2 * np.pi * 3 * t), 0)
    return (pulses - pulses.mean()) * syllables + random.normal(0, 0.002, len(t))


KINDS = {
    "tonal": ("instrument", "tonal"),
    "noise": ("ambience", "noise;scene:rain"),
    "drums": ("drums-rendered", "drums;music;tonal"),
    "speech": ("speech", "speech;lang:en"),
}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sounds of four kinds, four recordings each, a group each, one of them to test on."""
    soundfile = pytest.importorskip(
        "soundfile", reason="needs soundfile: pip install 'tagnode[audio]'"
    )
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for kind, (category, labels) in KINDS.items():
        for number in range(4):
            path = f"{kind}-{number}.wav"
            soundfile.write(folder / path, sound(kind, len(rows)).astype(np.float32), RATE)
            split = "test" if number == 3 else "train"
            rows.append((path, SECONDS, category, labels, f"{kind}:{number}", split))
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "seconds", "category", "labels", "group", "split"))
        writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def window_set(corpus: Path):
    """Windows of the recordings to train on."""
    from pyplugin.training.corpus import read_clips
    from pyplugin.training.windows import VariantSettings, build_windows

    return build_windows(read_clips(corpus, "train"), [VariantSettings()], patch=30, step=4, seed=1)


@pytest.fixture(scope="module")
def trained(window_set):
    """A network after a few steps, so that no batch norm is in its initial state."""
    pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
    from small_network import SMALL

    from pyplugin.training.mixing import MixSettings
    from pyplugin.training.train import TrainSettings, fit

    return fit(window_set, SMALL, MixSettings(), TrainSettings(steps=15, batch=32))
