"""A whole patch of float networks in one thread: the inline runtime and LiteRT.

MusiCNN; YAMNet's table of layers with random weights, since the published file is int8; and, where
PYPLUGIN_WEIGHTS names a folder that has them, TempoCNN's deeptemp_k16 and deepsound's network.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.machine import version
from benchmarks.measuring import missing
from benchmarks.native import NEEDED, PROGRAM, built, litert
from benchmarks.patch import TURNS, ask, built_model, interpreter, least
from benchmarks.report import Figure, Row
from pyplugin.models.importing import import_file
from pyplugin.models.tflite import GraphWriter, Tensor, read_signature

ROUNDS = 25
TARGET = 1.5  # times LiteRT's time
PUBLISHED = {"deeptemp_k16": "tempocnn/deeptemp_k16.h5", "deepsound": "deepsound/model.json"}

# Stride and channels of YAMNet's separable convolutions (Howard et al., MobileNets, 2017).
SEPARABLE = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5]
SEPARABLE += [(2, 1024), (1, 1024)]


def measure(*, long: bool = False) -> list[Figure]:
    if not built():
        return [Figure("floats", "one patch in float", "ms", [], [NEEDED])]
    with tempfile.TemporaryDirectory() as folder:
        return [one(name, path) for name, path in networks(Path(folder))]


def networks(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield names and files; the file of each network is written to the folder."""
    yield "musicnn-mtt", built_model("musicnn-mtt-float")
    yield "layers of YAMNet", written(folder / "yamnet.tflite", separable_network())
    weights = Path(os.environ.get("PYPLUGIN_WEIGHTS", ""))
    for name, file in PUBLISHED.items():
        if (weights / file).is_file():
            yield name, imported(weights / file, folder)


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def imported(file: Path, folder: Path) -> Path:
    before = os.environ.get("PYPLUGIN_MODELS")
    os.environ["PYPLUGIN_MODELS"] = str(folder)
    try:
        return import_file(file).path
    finally:
        if before is None:
            del os.environ["PYPLUGIN_MODELS"]
        else:
            os.environ["PYPLUGIN_MODELS"] = before


def separable_network() -> bytes:
    """Return YAMNet's layers in float: 96 frames of 64 bands, 521 classes, 3.7 million weights."""
    random, graph = np.random.default_rng(1), GraphWriter()

    def constants(name: str, *shape: int) -> tuple[Tensor, Tensor]:
        taps = np.prod(shape[1:3]) * (shape[3] if shape[0] > 1 else 1)
        values = random.normal(0, (2 / taps) ** 0.5, shape).astype(np.float32)
        zeros = np.zeros(max(shape[0], shape[3] if shape[0] == 1 else 0), np.float32)
        return graph.constant(f"{name}/w", values), graph.constant(f"{name}/b", zeros)

    mel = graph.input("mel", (1, 96, 64))
    x = graph.reshape("image", mel, (1, 96, 64, 1))
    first = constants("first", 32, 3, 3, 1)
    x = graph.conv_2d("first", x, *first, padding="same", stride=(2, 2), relu=True)
    for number, (stride, channels) in enumerate(SEPARABLE):
        depth, name = x.shape[3], f"separable{number}"
        out = (1, -(-x.shape[1] // stride), -(-x.shape[2] // stride), depth)
        x = graph.depthwise(
            f"{name}/d",
            x,
            *constants(f"{name}/d", 1, 3, 3, depth),
            each=1,
            shape=out,
            padding="same",
            stride=(stride, stride),
            relu=True,
        )
        point = constants(f"{name}/p", channels, 1, 1, depth)
        x = graph.conv_2d(f"{name}/p", x, *point, padding="same", relu=True)
    flat = graph.reshape("flat", graph.mean("mean", x, (1, 2)), (1, 1024))
    dense = graph.constant("dense/w", random.normal(0, 0.03, (521, 1024)).astype(np.float32))
    zeros = graph.constant("dense/b", np.zeros(521, np.float32))
    classes = graph.logistic("classes", graph.fully_connected("dense", flat, dense, zeros))
    return graph.finish({"mel": mel}, {"classes": classes}, description="layers of YAMNet")


def one(name: str, path: Path) -> Figure:
    library = litert()
    call = None if library is None else interpreter(path)
    signature = read_signature(path.read_bytes())
    assert signature is not None
    inputs, outputs = signature
    shape = [size for size in next(iter(inputs.values())) if size != 1]
    classes = int(np.prod(next(iter(outputs.values()))))
    command = [PROGRAM, "float", library or "", f"{shape[0]}:{classes}:{shape[1]}:{path}"]
    best: dict[str, float] = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for _ in range(ROUNDS):
            taken = ask(process)
            if call is not None:
                taken["float, Interpreter"] = least(call)
            best = {who: min(value, best.get(who, value)) for who, value in taken.items()}
        assert process.stdin is not None
        process.stdin.close()
    return Figure(
        "floats",
        f"{name}, a patch of {shape[0]} frames at once, one thread (least of {TURNS * ROUNDS})",
        "ms",
        rows(best),
        missing("ai-edge-litert"),
    )


def rows(seconds: dict[str, float]) -> list[Row]:
    """Return a row for each runtime; the last inline one, the machine's best, has a target."""
    outside = {who: value for who, value in seconds.items() if "," in who}
    inline = {who: value for who, value in seconds.items() if who not in outside}
    fastest = min(outside, key=lambda who: outside[who], default=None)
    made = [
        Row(f"LiteRT {version('ai-edge-litert')}, {who}", value * 1e3, "LiteRT" * (who == fastest))
        for who, value in outside.items()
    ]
    best = list(inline)[-1]
    for who, value in inline.items():
        against = {"LiteRT": TARGET} if outside and who == best else {}
        made.append(Row(f"inline, float, {who}", value * 1e3, against=against))
    return made
