"""What the benchmarks listen to."""

from pathlib import Path

import numpy as np
import soundfile

DEMO = Path(__file__).parents[1] / "examples" / "demo" / "demo.ogg"


def demo(path: Path, seconds: int) -> Path:
    """Write that many seconds of the demo's music as a .wav, over and over if need be."""
    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    length = seconds * rate
    repeated = np.tile(samples, (-(-length // len(samples)), 1))[:length]
    soundfile.write(path, repeated, rate, subtype="PCM_16")
    return path


def long_noise(path: Path, hours: float) -> Path:
    """Write a tone that wanders over noise, 16 kHz mono, minute by minute."""
    random, rate = np.random.default_rng(2), 16000
    t = np.arange(60 * rate) / rate
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for _ in range(round(hours * 60)):
            tone = 0.2 * np.sin(2 * np.pi * random.uniform(100, 2000) * t)
            file.write(tone + 0.02 * random.standard_normal(len(t), np.float32))
    return path
