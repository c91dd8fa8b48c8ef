"""Time and memory of separating stems, beside Spleeter's own graph in TensorFlow."""

import tempfile
from pathlib import Path

import numpy as np
import soundfile

from benchmarks.machine import version
from benchmarks.measuring import run
from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO
from pyplugin.models import registry

SECONDS = 60
TIME, MEMORY = 0.8, 0.5  # of TensorFlow's
PATCH = 512 * 1024 / 44100 + 65536 / 44100  # seconds: a patch, and the block that fills it
HERE = Path(__file__).parent


def measure(*, long: bool = False) -> list[Figure]:
    registry.get("spleeter-2stems")
    peer = version("tensorflow-cpu") or version("tensorflow")
    programs = {
        "as Spleeter": ("tagnode", 0),
        "overlap of 128": ("tagnode", 128),
        f"TensorFlow {peer}": ("tensorflow", 0),
    }
    if peer is None:
        programs.popitem()
    notes = [] if peer else ["left out: TensorFlow is not installed: make oracle"]
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        audio = _song(Path(folder) / "song.wav")
        for threads in (1, 2):
            used = {
                name: run([HERE / "stems_program.py", program, str(threads), audio, str(overlap)])
                for name, (program, overlap) in programs.items()
            }
            figures += _figures(used, threads, notes)
    return figures


def _song(path: Path) -> Path:
    samples, rate = soundfile.read(DEMO, dtype="float32", always_2d=True)
    two = np.repeat(samples, 2 // samples.shape[1], axis=1)
    times = -(-SECONDS * rate // len(two))
    soundfile.write(path, np.tile(two, (times, 1))[: SECONDS * rate], 44100, subtype="FLOAT")
    return path


def _figures(used: dict, threads: int, notes: list[str]) -> list[Figure]:
    values = {
        name: [float(word) for word in each.output.split()[-3:]] for name, each in used.items()
    }
    title = f"2 stems of {SECONDS} s of stereo at 44.1 kHz, threads: {threads}"
    times, memory, first = [], [], []
    for name, (cpu, wall, delay) in values.items():
        original = name.startswith("TensorFlow")
        peer = "TensorFlow" if original else ""
        limit = {"TensorFlow": TIME} if name == "as Spleeter" else {}
        beside = {"wall, ms": wall * 1e3}
        times.append(Row(name, cpu * 1e3, peer, against=limit, beside=beside))
        half = {} if original else {"TensorFlow": MEMORY}
        memory.append(Row(name, used[name].peak, peer, against=half))
        first.append(Row(name, delay, peer, limit=None if original else PATCH))
    return [
        Figure("stems", f"{title}, processor time for a second of audio", "ms", times, notes),
        Figure("stems", f"{title}, peak resident memory", "MiB", memory, notes),
        Figure("stems", f"{title}, audio taken before the first sample", "s", first, notes),
    ]
