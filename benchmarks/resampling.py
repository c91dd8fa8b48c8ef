"""Resampling to the rate of the model, compared with soxr."""

from collections.abc import Callable

import numpy as np

from benchmarks.machine import version
from benchmarks.measuring import best_seconds, installed, missing
from benchmarks.mel import noise
from benchmarks.report import Figure, Row
from pyplugin._native import ffi, lib

MODEL_RATE = 16000
SECONDS = 60
QUALITIES = ("HQ", "VHQ")


def measure(*, long: bool = False) -> list[Figure]:
    return [one(rate) for rate in (44100, 48000)]


def one(rate: int) -> Figure:
    samples = noise(SECONDS * rate)
    calls = {"pyplugin": ours(samples, rate)}
    if installed("soxr"):
        calls |= {f"soxr {version('soxr')}, {q}": soxrs(samples, rate, q) for q in QUALITIES}
    rows = [
        Row(
            name, seconds / SECONDS * 1e6, "" if name == "pyplugin" else f"soxr {name[-3:].strip()}"
        )
        for name, seconds in best_seconds(calls, 15).items()
    ]
    title = f"one second of audio from {rate} to {MODEL_RATE} Hz (least of 15)"
    return Figure("resampling", title, "µs", rows, missing("soxr"))


def ours(samples: np.ndarray, rate: int) -> Callable[[], object]:
    made = np.empty(len(samples) * MODEL_RATE // rate, np.float32)
    source, target = ffi.from_buffer("float[]", samples), ffi.from_buffer("float[]", made)

    def call() -> None:
        status = lib.tagnode_resample(source, len(samples), rate, MODEL_RATE, target, ffi.NULL)
        assert status == lib.TAGNODE_OK

    return call


def soxrs(samples: np.ndarray, rate: int, quality: str) -> Callable[[], object]:
    import soxr

    return lambda: soxr.resample(samples, rate, MODEL_RATE, quality)
