"""A made dataset of GTZAN's layout: genres_original/blues/blues.00000.wav and so on."""

from pathlib import Path

import numpy as np
import pytest

RATE = 22050
SECONDS = 2.5
LABELS = ("blues", "disco", "metal")
ARTISTS, OF_ARTIST = 4, 2


def sound(label: str, seed: int, seconds: float = SECONDS) -> np.ndarray:
    """Return a low chord with a swell, a beat over a bass, or broadband noise with a tone."""
    random = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = random.uniform(100, 200)
    chord = sum(np.sin(2 * np.pi * pitch * ratio * t) for ratio in (1, 1.25, 1.5)) / 6
    if label == "blues":
        x = chord * (0.6 + 0.4 * np.sin(2 * np.pi * random.uniform(0.5, 1) * t))
    elif label == "disco":
        beat = np.exp(-25 * (t % random.uniform(0.4, 0.5)))
        x = chord / 4 + 0.3 * random.normal(0, 1, len(t)) * beat
    else:
        x = np.tanh(4 * chord) / 5 + random.normal(0, 0.1, len(t))
    return (x + random.normal(0, 1e-4, len(t))).astype(np.float32)


def write_genres(folder: Path, *, tags: bool = True) -> Path:
    """Write the dataset: for each class four artists with two clips each; return its folder."""
    soundfile = pytest.importorskip("soundfile", reason="needs soundfile: 'tagnode[audio]'")
    root = folder / "genres_original"
    for kind, label in enumerate(LABELS):
        (root / label).mkdir(parents=True)
        for number in range(ARTISTS * OF_ARTIST):
            path = root / label / f"{label}.{number:05d}.wav"
            with soundfile.SoundFile(path, "w", RATE, 1) as file:
                if tags:
                    file.artist = f"{label} band {number // OF_ARTIST}"
                file.write(sound(label, 100 * kind + number))
    return root
