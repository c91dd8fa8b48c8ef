"""Input that may be slow to process: denormals, silence, non-finite samples."""

import tempfile
from pathlib import Path

import numpy as np

from benchmarks.native import NEEDED, built, call
from benchmarks.patch import built_model
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo_48k

RATE, SECONDS, BLOCK, HOP = 48000, 10.0, 64, 0.25
ROUNDS = 15
TARGET = 1.2  # times the cost of music


def signals(music: np.ndarray) -> dict[str, np.ndarray]:
    count = len(music)
    alternating = np.where(np.arange(count) // 50 % 2 == 0, 1.0, -1.0)
    return {
        "music": music,
        "silence": np.zeros(count),
        "denormals": alternating * 1e-40,
        "music that fades into denormals": music * np.geomspace(1, 1e-42, count),
        "NaN and infinities": np.where(np.arange(count) % 3 == 0, np.nan, np.inf),
        "full-scale square wave": alternating,
        "samples of 1e30": alternating * 1e30,
    }


def measure(*, long: bool = False) -> list[Figure]:
    title = f"one second of audio, processor time, musicnn-mtt, hop {HOP:g} s (least of {ROUNDS})"
    if not built():
        return [Figure("signals", title, "ms", [], [NEEDED])]
    model = built_model("musicnn-mtt")
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # `stream` warms up on the beginning of a file, which is not timed
        music = np.fromfile(demo_48k(folder / "music.f32", 30), np.float32)
        made = {key: folder / f"{i}.f32" for i, key in enumerate(signals(music))}
        for key, samples in signals(music).items():
            samples.astype(np.float32).tofile(made[key])
        for _ in range(ROUNDS):
            for key, path in made.items():
                used = float(call(["stream", model, path, HOP, BLOCK, SECONDS]).stdout)
                best[key] = min(used / SECONDS, best.get(key, used))
    rows = [Row("music", best.pop("music") * 1e3, "music")]
    rows += [Row(key, value * 1e3, against={"music": TARGET}) for key, value in best.items()]
    return [Figure("signals", title, "ms", rows, [])]
