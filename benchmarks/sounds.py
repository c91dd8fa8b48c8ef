"""The audio files of the benchmarks."""

from pathlib import Path

import numpy as np
import soundfile

from pyplugin._native import ffi, lib

DEMO = Path(__file__).parents[1] / "examples" / "demo" / "demo.ogg"


def demo(path: Path, seconds: int) -> Path:
    """Write `seconds` of the music in the demo as a .wav, repeated if necessary."""
    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    length = seconds * rate
    repeated = np.tile(samples, (-(-length // len(samples)), 1))[:length]
    soundfile.write(path, repeated, rate, subtype="PCM_16")
    return path


def demo_48k(path: Path, seconds: int) -> Path:
    """Write `seconds` of it as mono float32 at 48 kHz without a header."""
    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    mono = np.ascontiguousarray(samples.mean(1)[: (seconds + 1) * rate])
    made = np.empty(-(-len(mono) * 48000 // rate), np.float32)
    source, target = ffi.from_buffer("float[]", mono), ffi.from_buffer("float[]", made)
    assert lib.tagnode_resample(source, len(mono), rate, 48000, target, ffi.NULL) == lib.TAGNODE_OK
    made[: seconds * 48000].tofile(path)
    return path


def long_noise(path: Path, hours: float) -> Path:
    """Write a tone with changing pitch over noise, 16 kHz mono."""
    random, rate = np.random.default_rng(2), 16000
    t = np.arange(60 * rate) / rate
    with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
        for _ in range(round(hours * 60)):
            tone = 0.2 * np.sin(2 * np.pi * random.uniform(100, 2000) * t)
            file.write(tone + 0.02 * random.standard_normal(len(t), np.float32))
    return path
