"""The cost of the signals of a node, compared with the loudness meter of ffmpeg."""

import time
from collections.abc import Callable

import av
import numpy as np
import soundfile

from benchmarks.report import Figure, Row
from benchmarks.sounds import DEMO
from pyplugin import SIGNALS, Node
from pyplugin.models import registry

RATE, SECONDS, BLOCK, ROUNDS = 48000, 30, 8192, 7


def measure(*, long: bool = False) -> list[Figure]:
    registry.get("musicnn-mtt")
    samples, _ = soundfile.read(DEMO, dtype="float32", always_2d=True)
    mono = samples[: RATE * SECONDS].mean(
        1
    )  # treated as 48 kHz: the cost depends on the number of samples
    sound = np.ascontiguousarray(np.stack([mono, 0.7 * mono]).astype(np.float32))
    calls: dict[str, Callable[[], float]] = {
        "signals": lambda: analyse(sound, model=None),
        "with": lambda: analyse(sound, model="musicnn-mtt", hop=0.25, signals=0.016),
        "without": lambda: analyse(sound, model="musicnn-mtt", hop=0.25),
        "ffmpeg": lambda: ffmpeg(sound),
    }
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(ROUNDS):
        for name, call in calls.items():
            best[name] = min(best[name], call() / (sound.shape[1] / RATE) * 1e3)
    rows = [
        Row(f"a node without a model: {len(SIGNALS)} signals, 62.5 a second", best["signals"]),
        Row("MusiCNN, hop 0.25 s", best["without"]),
        Row("MusiCNN, hop 0.25 s, and signals", best["with"]),
        Row("ffmpeg's ebur128, with true peak and nothing else", best["ffmpeg"], "ffmpeg"),
    ]
    title = f"one second of stereo at 48 kHz, processor time (least of {ROUNDS})"
    return [Figure("measured", title, "ms", rows)]


def analyse(sound: np.ndarray, **options: object) -> float:
    with Node(RATE, 2, BLOCK, **options) as node:  # type: ignore[arg-type]
        started = time.process_time()
        for at in range(0, sound.shape[1], BLOCK):
            node.analyse(np.ascontiguousarray(sound[:, at : at + BLOCK]))
        return time.process_time() - started


def ffmpeg(sound: np.ndarray) -> float:
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=RATE, format="fltp", layout="stereo", time_base=f"1/{RATE}"
    )
    meter = graph.add("ebur128", "peak=true:framelog=quiet")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frames = []
    for at in range(0, sound.shape[1], BLOCK):
        block = np.ascontiguousarray(sound[:, at : at + BLOCK])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = RATE, at
        frames.append(frame)
    started = time.process_time()
    for frame in frames:
        graph.push(frame)
        while True:
            try:
                graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                break
    return time.process_time() - started
