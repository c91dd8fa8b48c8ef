"""A whole patch of 187 mel frames in one thread: the inline runtime and LiteRT."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import version
from benchmarks.measuring import missing
from benchmarks.native import NEEDED, PROGRAM, built, litert
from benchmarks.report import Figure, Row
from pyplugin.models import registry

MODELS = ("musicnn-mtt", "musicnn-msd", "vgg-mtt", "vgg-msd")
ROUNDS = 25
TURNS = 3  # consecutive runs, of which the minimum counts; as in bench_inline
TARGETS = {"avx512vnni": 0.5, "avx2": 1.0}  # for MusiCNN; there is none for VGG
FORMS = {"int8": "", "float": "-float"}


def measure(*, long: bool = False) -> list[Figure]:
    if not built():
        return [Figure("patch", "one patch", "ms", [], [NEEDED])]
    return [one(name) for name in MODELS]


def one(name: str) -> Figure:
    models = {form: built_model(name + ending) for form, ending in FORMS.items()}
    library = litert()
    calls = {} if library is None else {form: interpreter(m) for form, m in models.items()}
    best: dict[str, float] = {}
    command = [PROGRAM, "patch", library or "", *models.values()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for _ in range(ROUNDS):
            taken = ask(process)
            taken |= {f"{form}, Interpreter": least(call) for form, call in calls.items()}
            best = {who: min(value, best.get(who, value)) for who, value in taken.items()}
        assert process.stdin is not None
        process.stdin.close()
    return Figure(
        "patch",
        f"{name}, 187 mel frames at once, one thread (least of {TURNS * ROUNDS})",
        "ms",
        rows(best, TARGETS if name.startswith("musicnn") else {}),
        missing("ai-edge-litert"),
    )


def built_model(name: str) -> Path:
    found = {status.name: status.path for status in registry.available()}
    return found.get(name) or next(path for path in registry.get(name) if path.stem == name)


def ask(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Run each engine of the program, and return its seconds."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    words = process.stdout.readline().split()
    if not words:
        raise RuntimeError("bench_inline patch ended early.")
    names = [name.replace("_", " ") for name in words[::2]]
    return dict(zip(names, map(float, words[1::2]), strict=True))


def interpreter_of(path: Path) -> Any:
    """Return LiteRT with its input set, in one thread."""
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(model_path=str(path), num_threads=1)
    made.allocate_tensors()
    details = made.get_input_details()[0]
    patch = 3.5 * (0.5 + 0.5 * np.sin(0.37 * np.arange(np.prod(details["shape"]))))
    made.set_tensor(details["index"], patch.reshape(details["shape"]).astype(np.float32))
    return made


def interpreter(path: Path) -> Callable[[], None]:
    call: Callable[[], None] = interpreter_of(path).invoke
    return call


def least(call: Callable[[], None]) -> float:
    taken = []
    for _ in range(TURNS):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return min(taken)


def rows(seconds: dict[str, float], targets: dict[str, float]) -> list[Row]:
    outside = {who: value for who, value in seconds.items() if "," in who}
    fastest = min(outside, key=lambda who: outside[who], default=None)
    made = []
    for who, value in seconds.items():
        if who in outside:
            label = f"LiteRT {version('ai-edge-litert')}, {who}"
            made.append(Row(label, value * 1e3, "LiteRT" if who == fastest else ""))
        else:
            against = {"LiteRT": targets[who]} if who in targets else {}
            made.append(Row(f"inline, int8, {who}", value * 1e3, against=against))
    return made
