"""Load time and memory of a minimal C host with the inline runtime."""

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.native import NEEDED, built, call
from benchmarks.patch import built_model
from benchmarks.report import Figure, Row
from benchmarks.sounds import demo_48k

ROUNDS = 15


def measure(*, long: bool = False) -> list[Figure]:
    if not built():
        return [Figure("load", "a host in C", "ms", [], [NEEDED])]
    model = built_model("musicnn-mtt")
    with tempfile.TemporaryDirectory() as folder:
        sound = demo_48k(Path(folder) / "music.f32", 10)
        lines = [call(["load", model, sound]).stdout.split() for _ in range(ROUNDS)]
    loading, preparing, allocated, resident, peak = (
        median(map(float, column)) for column in zip(*lines, strict=True)
    )
    times = [
        Row("tagnode_model_load_inline and tagnode_prepare", (loading + preparing) * 1e3, limit=50),
        Row("  tagnode_model_load_inline", loading * 1e3),
        Row("  tagnode_prepare", preparing * 1e3),
    ]
    memory = [
        Row("allocated by both: file, weights, arena, front-end", allocated / 1e6, limit=6),
        Row("resident (VmRSS) after ten seconds of music", resident * 1.024e-3),
        Row("resident at the most (VmHWM)", peak * 1.024e-3, limit=14),
    ]
    title = f"musicnn-mtt in a host in C, 48 kHz, hop 0.25 s (median of {ROUNDS})"
    return [Figure("load", title, "ms", times), Figure("load", title, "MB", memory)]
