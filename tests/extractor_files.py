"""Files with the layout of Essentia's music extractor, for tests: two classes that differ."""

import json
from pathlib import Path

import numpy as np
import yaml

VERSION = {"essentia": "2.1-beta6-dev", "extractor": "music 2.0"}
STATISTICS = ("mean", "var", "min", "max", "dmean", "dvar")


def content(label: str, seed: int, artist: str = "") -> dict:
    """Descriptors of a "bright" or "dark" recording."""
    random = np.random.default_rng(seed)
    bright = label == "bright"
    bands = random.gamma(2, 1e-3, 27) * np.linspace(1, 2 if bright else 0.5, 27)

    def statistics(value: float) -> dict:
        return {each: value * random.uniform(0.9, 1.1) for each in STATISTICS}

    return {
        "metadata": {"version": VERSION, "tags": {"artist": [artist]} if artist else {}},
        "lowlevel": {
            "average_loudness": random.uniform(0.5, 1),
            "spectral_centroid": statistics(random.uniform(1800, 2500) + 1200 * bright),
            "spectral_energyband_high": statistics(0.001),
            "barkbands": {each: [*map(float, bands)] for each in STATISTICS},
            "mfcc": {
                "mean": [*map(float, random.normal(20 * bright, 5, 13))],
                "cov": random.normal(size=(13, 13)).tolist(),
            },
            "silence_rate_60dB": statistics(0.1),
        },
        "rhythm": {
            "bpm": float(random.integers(60, 180)),
            "beats_position": [*map(float, np.cumsum(random.uniform(0.3, 0.6, 20 + seed % 7)))],
            "bpm_histogram": [0.0] * 250,
        },
        "tonal": {
            "key_edma": {"key": str(random.choice(["C", "G", "F#"])), "scale": "major"},
            "thpcp": [1.0] * 36,
            "hpcp": {"mean": [*map(float, random.uniform(size=36))]},
        },
    }


def write(path: Path, data: dict) -> Path:
    """Write a file, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data) if path.suffix == ".json" else yaml.safe_dump(data))
    return path


def folder(place: Path, count: int = 8) -> Path:
    """Write a folder for each class, JSON and YAML by turns."""
    for label, first in (("bright", 0), ("dark", 100)):
        for number in range(count):
            suffix = ".yaml" if number % 4 == 3 else ".json"
            write(place / label / f"{number}{suffix}", content(label, first + number))
    return place
