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


@pytest.fixture(scope="session")
def sounds(corpus: Path, tmp_path_factory: pytest.TempPathFactory):
    """The recordings to train on."""
    pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")
    from pyplugin.training.corpus import read_clips
    from pyplugin.training.recordings import recorded_sounds

    return recorded_sounds(read_clips(corpus, "train"), tmp_path_factory.mktemp("sounds"))


@pytest.fixture(scope="session")
def window_set(sounds):
    """Windows of the recordings to train on."""
    from pyplugin.models.frontends import PRESETS
    from pyplugin.training.held_out import build_windows

    return build_windows(sounds, PRESETS["musicnn"], patch=30, step=4)


@pytest.fixture(scope="session")
def sequences(sounds, tmp_path_factory: pytest.TempPathFactory):
    """Scenes of 4 s composed of these recordings."""
    from pyplugin.training.sequences import SceneSettings, build_sequences
    from pyplugin.training.sounds import pools_of

    settings = SceneSettings(count=12, seconds=4.0)
    return build_sequences(pools_of(sounds), settings, tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="session")
def trained(sequences):
    """A network after a few steps, so that no batch norm is in its initial state."""
    pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
    from small_network import SMALL

    from pyplugin.training.train import TrainSettings, fit

    return fit(sequences, SMALL, TrainSettings(steps=15, batch=4))


@pytest.fixture(scope="session")
def soundfont() -> Path:
    """The smallest General MIDI SoundFont of this machine."""
    pytest.importorskip(
        "fluidsynth",
        reason="needs FluidSynth: apt install libfluidsynth3; pip install 'tagnode[network]'",
        exc_type=ImportError,
    )
    from pyplugin.training.soundfonts import SOUNDFONTS

    found = [path for path in SOUNDFONTS.rglob("*.sf2") if path.is_file()]
    found = [path for path in found if path.stat().st_size > 1_000_000]
    if not found:
        pytest.skip("needs a General MIDI SoundFont: apt install timgm6mb-soundfont")
    return min(found, key=lambda path: path.stat().st_size)
