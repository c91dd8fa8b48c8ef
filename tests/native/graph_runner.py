"""Runs models by our own operations, through the program run_graph, and by LiteRT."""

import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from op_models import Array

_MESSAGE = 256


@dataclass(frozen=True)
class Job:
    """A model and the tensors that are given, by their index."""

    model: bytes
    given: Mapping[int, Array]


@dataclass(frozen=True)
class Answer:
    """What run_graph says: every computed tensor's bytes, or why there are none."""

    status: int
    message: str
    computed: dict[int, bytes]


def run_jobs(program: Path, jobs: Sequence[Job], *arguments: str) -> list[Answer]:
    """Run all jobs in one process."""
    sent = bytearray()
    for job in jobs:
        sent += struct.pack("=I", len(job.model)) + job.model + struct.pack("=I", len(job.given))
        for index, value in job.given.items():
            sent += struct.pack("=II", index, value.nbytes) + value.tobytes()
    done = subprocess.run(
        [program, *arguments], input=bytes(sent), capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    answers, at = [], 0
    for _ in jobs:
        (status,) = struct.unpack_from("=I", done.stdout, at)
        text = done.stdout[at + 4 : at + 4 + _MESSAGE].split(b"\0")[0].decode()
        (count,) = struct.unpack_from("=I", done.stdout, at + 4 + _MESSAGE)
        at += 8 + _MESSAGE
        computed = {}
        for _ in range(count):
            index, size = struct.unpack_from("=II", done.stdout, at)
            computed[index] = done.stdout[at + 8 : at + 8 + size]
            at += 8 + size
        answers.append(Answer(status, text, computed))
    assert at == len(done.stdout)
    return answers


@dataclass(frozen=True)
class Known:
    """What LiteRT gives: the outputs by tensor index, and their steps (0: float)."""

    input: int
    outputs: dict[int, Array]
    steps: dict[int, float]


def run_litert(model: bytes, data: Array, **options: Any) -> Known:
    """Run a model once on LiteRT as it is by default: XNNPACK, and its own kernels for the rest."""
    interpreter = Interpreter(model_content=model, num_threads=1, **options)
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    interpreter.set_tensor(given["index"], data)
    interpreter.invoke()
    details = interpreter.get_output_details()
    outputs = {
        entry["index"]: np.array(interpreter.get_tensor(entry["index"])) for entry in details
    }
    steps = {entry["index"]: float(entry["quantization"][0]) for entry in details}
    return Known(given["index"], outputs, steps)
