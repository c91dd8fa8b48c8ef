"""Fuzzes the readers of other people's networks, by hand.

    python tools/fuzz_readers.py --seconds 600

Seeds are networks of each format, written here with what the tests need; they are changed as bytes
and as the trees that protocol buffers and JSON are. What a reader accepts becomes a graph, stages
of a head and a .tflite file, as in an import. Only errors for users may come out, within limits of
time and memory. Inputs that break this are in build/fuzz/readers; --replay FILE runs them again.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import itertools
import json
import random
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests" / "models"), str(ROOT / "tests")]

from checkpoints import checkpoint  # noqa: E402
from onnx_networks import array, network, onnx  # noqa: E402
from wiring import const, data, head_graph, node, node_body, number, placeholder  # noqa: E402
from wiring import shape as sizes  # noqa: E402

from pyplugin.errors import PypluginError  # noqa: E402
from pyplugin.models.graphs.graph import GraphBuilder  # noqa: E402
from pyplugin.models.graphs.keras import KerasNetwork  # noqa: E402
from pyplugin.models.graphs.lowering import stages_of, tflite_of  # noqa: E402
from pyplugin.models.graphs.onnx import OnnxNetwork  # noqa: E402
from pyplugin.models.graphs.saved_model import read_meta, read_saved_model  # noqa: E402
from pyplugin.models.graphs.source import NetworkSource, graph_of, layers_of  # noqa: E402
from pyplugin.models.graphs.tensorflow import FrozenGraph  # noqa: E402
from pyplugin.models.graphs.tfjs import read_tfjs  # noqa: E402
from pyplugin.models.graphs.wire import bytes_field, fields, number_field  # noqa: E402
from pyplugin.models.tflite_file import TfliteFile  # noqa: E402
from pyplugin.support.documents import parse_json  # noqa: E402

SECONDS_EACH, MEMORY = 10, 4 << 30
FAILURES = ROOT / "build" / "fuzz" / "readers"
FLOAT = number(6, 1)
CHECKPOINT = checkpoint({"kernel": np.ones((4, 3), "f4"), "net/w": np.ones((4, 3), "f4")})

# ---- seeds


def strides(*values: int) -> bytes:
    """Return an attribute with a list of small numbers."""
    return data(1, data(3, bytes(values)))


def frozen() -> Iterator[bytes]:
    """Yield graphs of TensorFlow: a head, a network with most operators, functions."""
    yield head_graph(np.ones((4, 3)), np.zeros(3))
    yield b"".join(
        [
            placeholder("x", (-1, 12, 8, 1)),
            node("training", "Placeholder", dtype=number(6, 10)),
            const("k", np.ones((3, 2, 1, 4), "f4")),
            const("axes", np.array([1, 2], "i4")),
            const("shape", np.array([-1, 4], "i4")),
            const("gamma", np.ones(4, "f4")),
            const("two", np.float32(2)),
            const("none", np.int32(3)),
            const("m", np.ones((4, 2), "f4")),
            node("c", "Conv2D", "x", "k", strides=strides(1, 2, 1, 1), padding=data(2, "SAME")),
            node("n", "FusedBatchNormV3", "c", *["gamma"] * 4, is_training=number(5, 0)),
            node("s", "Switch", "n", "training"),
            node("off", "Mul", "s", "two"),
            node("on", "Neg", "s:1"),
            node("merged", "Merge", "off", "on"),
            node(
                "p",
                "MaxPool",
                "merged",
                ksize=strides(1, 2, 2, 1),
                strides=strides(1, 2, 2, 1),
                padding=data(2, "VALID"),
            ),
            node("parts", "Split", "none", "p", num_split=number(3, 2)),
            node("both", "ConcatV2", "parts:1", "parts", "none"),
            node("mean", "Mean", "both", "axes", keep_dims=number(5, 0)),
            node("flat", "Reshape", "mean", "shape"),
            node("dense", "MatMul", "flat", "m"),
            node("y", "Sigmoid", "dense"),
            node("t", "Transpose", "p", "shape"),
            node("pad", "Pad", "flat", "axes"),
            node("f", "Fill", "axes", "two"),
            node("r", "Range", "none", "none", "none"),
            node("g", "GatherV2", "m", "axes", "none"),
            node("ss", "StridedSlice", "flat", "axes", "axes", "axes", begin_mask=number(3, 1)),
        ]
    )
    body = data(3, node_body("double", "Add", "a", "a"))
    body += data(3, node_body("again", "PartitionedCall", "double:z:0", f=data(10, data(1, "g"))))
    signature = data(1, "f") + data(2, data(1, "a")) + data(3, data(1, "r") + number(3, 1))
    first = data(1, data(1, signature) + body + data(4, data(1, "r") + data(2, "again:0")))
    signature = data(1, "g") + data(2, data(1, "b")) + data(3, data(1, "r") + number(3, 1))
    inner = data(3, node_body("e", "Relu", "b")) + data(4, data(1, "r") + data(2, "e:y:0"))
    call = node("y", "PartitionedCall", "x", f=data(10, data(1, "f")))
    library = data(2, first + data(1, data(1, signature) + inner))
    yield placeholder("x", (1, 2)) + call + library


def variables() -> bytes:
    """Return a graph with a variable, and what restores it."""
    names = number(1, 7) + data(2, sizes((1,))) + data(8, "net/w")
    return b"".join(
        [
            placeholder("x", (-1, 4)),
            node("w", "VarHandleOp", dtype=FLOAT),
            node("read", "ReadVariableOp", "w", dtype=FLOAT),
            node("y", "MatMul", "x", "read"),
            node("names", "Const", value=data(8, names)),
            node("restore", "RestoreV2", "names", "names", "names"),
            node("assign", "AssignVariableOp", "w", "restore"),
        ]
    )


def saved_models() -> Iterator[bytes]:
    """Yield a SavedModel."""
    output = data(2, data(1, "out") + data(2, data(1, "y:0")))
    meta = data(1, data(4, "serve")) + data(2, variables())
    yield number(1, 1) + data(2, meta + data(5, data(1, "serving_default") + data(2, output)))


def onnx_files() -> Iterator[bytes]:
    """Yield a network with most operators, and one with a branch."""
    arrays = {"w": array(4, 1, 3, 3), "k": array(4, 2), "b": array(2), "axis": np.array([1])}
    arrays |= {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "i": np.int64(0), "s": np.array([0, -1])}
    nodes = [
        ("Unsqueeze", ["x", "axis"], ["u"], {}),
        ("Pad", ["u", "pads"], ["p"], {}),
        ("Conv", ["p", "w"], ["c"], {"strides": [1, 2], "dilations": [1, 1], "group": 1}),
        ("Relu", ["c"], ["r"], {}),
        ("MaxPool", ["r"], ["m"], {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("Split", ["m"], ["d", "e"], {"axis": 1}),
        ("Concat", ["d", "e"], ["f"], {"axis": 1}),
        ("Transpose", ["f"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("ReduceMean", ["t"], ["g"], {"axes": [1, 2], "keepdims": 0}),
        ("Gemm", ["g", "k", "b"], ["l"], {"alpha": 0.5}),
        ("Slice", ["l", "axis", "axis", "axis"], ["sl"], {}),
        ("Gather", ["l", "i"], ["ga"], {"axis": 1}),
        ("Reshape", ["l", "s"], ["re"], {}),
        ("Clip", ["l", "i", "i"], ["cl"], {}),
        ("Pow", ["l", "i"], ["po"], {}),
        ("Softmax", ["l"], ["y"], {}),
    ]
    yield network(nodes, ("b", 12, 10), arrays, outputs=("y", "sl", "ga", "re", "cl", "po"))
    body = onnx.helper.make_graph([], "b", [], [])
    branches = {"then_branch": body, "else_branch": body}
    yield network([("If", ["c"], ["y"], branches)], (1, 3), {"c": np.array(True)})


def keras_config() -> dict[str, Any]:
    """Return a network with most layers."""
    layers: list[tuple[str, dict[str, Any]]] = [
        ("InputLayer", {"batch_input_shape": [None, 12, 8, 1]}),
        ("ZeroPadding2D", {"padding": [[1, 1], [0, 1]]}),
        ("Conv2D", {"strides": [1, 1], "padding": "same", "activation": "relu", "groups": 1}),
        ("BatchNormalization", {"axis": [3], "epsilon": 1e-3}),
        ("DepthwiseConv2D", {"strides": [1, 1], "padding": "valid"}),
        ("LeakyReLU", {"alpha": 0.3}),
        ("MaxPooling2D", {"pool_size": [2, 2], "strides": None, "padding": "valid"}),
        ("Permute", {"dims": [2, 1, 3]}),
        ("Reshape", {"target_shape": [-1, 4]}),
        ("Conv1D", {"strides": [1], "padding": "causal", "dilation_rate": [2]}),
        ("GRU", {"units": 2, "return_sequences": True, "reset_after": True}),
        ("TimeDistributed", {"layer": {"class_name": "Dropout", "config": {"name": "in"}}}),
        ("GlobalAveragePooling1D", {}),
        ("Activation", {"activation": "hard_sigmoid"}),
        ("Dense", {"activation": "softmax"}),
    ]
    named = [
        {"class_name": kind, "config": {"name": f"{kind}_{place}", **rest}}
        for place, (kind, rest) in enumerate(layers)
    ]
    return {"class_name": "Sequential", "config": named}


def keras_arrays() -> dict[str, dict[str, np.ndarray]]:
    """Return the arrays of that network."""
    ones = np.ones
    return {
        "Conv2D_2": {"kernel": ones((3, 3, 1, 4)), "bias": ones(4)},
        "BatchNormalization_3": dict.fromkeys(
            ("gamma", "beta", "moving_mean", "moving_variance"), ones(4)
        ),
        "DepthwiseConv2D_4": {"depthwise_kernel": ones((3, 3, 4, 1))},
        "Conv1D_9": {"kernel": ones((3, 4, 4)), "bias": ones(4)},
        "GRU_10": {"kernel": ones((4, 6)), "recurrent_kernel": ones((2, 6)), "bias": ones((2, 6))},
        "Dense_14": {"kernel": ones((2, 3)), "bias": ones(3)},
    }


def tfjs_files() -> Iterator[bytes]:
    """Yield a layers model and a graph model."""
    weights, content = [], b""
    for layer, group in keras_arrays().items():
        for name, values in group.items():
            entry = {"name": f"{layer}/{name}", "shape": list(values.shape), "dtype": "float32"}
            weights.append(entry)
            content += values.astype("<f4").tobytes()
    manifest = [{"paths": ["a.bin"], "weights": weights}]
    topology = {"model_config": keras_config(), "keras_version": "2.4.0"}
    yield json.dumps({"modelTopology": topology, "weightsManifest": manifest}).encode()
    nodes = [
        {
            "name": "x",
            "op": "Placeholder",
            "attr": {
                "dtype": {"type": "DT_FLOAT"},
                "shape": {"shape": {"dim": [{"size": "-1"}, {"size": "4"}]}},
            },
        },
        {"name": "k", "op": "Const", "attr": {"dtype": {"type": "DT_FLOAT"}}},
        {
            "name": "m",
            "op": "_FusedMatMul",
            "input": ["x", "k", "k"],
            "attr": {
                "fused_ops": {"list": {"s": ["Qmlhc0FkZA==", "UmVsdQ=="]}},
                "num_args": {"i": "1"},
                "epsilon": {"f": 1e-3},
                "transpose_a": {"b": False},
            },
        },
    ]
    packed = {"dtype": "uint8", "scale": 0.1, "min": -1, "original_dtype": "float32"}
    entry = {"name": "k", "shape": [4, 4], "dtype": "float32", "quantization": packed}
    manifest = [{"paths": ["a.bin"], "weights": [entry]}]
    yield json.dumps({"modelTopology": {"node": nodes}, "weightsManifest": manifest}).encode()


TFJS_ARRAYS = np.ones(4096, "<f4").tobytes()


def keras_configs() -> Iterator[bytes]:
    """Yield configurations of Keras; HDF5 itself is read in a process of its own."""
    yield json.dumps(keras_config()).encode()
    layers = keras_config()["config"]
    for before, layer in itertools.pairwise(layers):
        history = [[[before["config"]["name"], 0, 0, {}]]]
        layer["inbound_nodes"] = history
    yield json.dumps({"class_name": "Functional", "config": {"layers": layers}}).encode()


def tflite_files() -> Iterator[bytes]:
    """Yield a convolution with a classifier."""
    builder = GraphBuilder()
    x = builder.input("x", (1, 12, 8))
    y = builder.reshape(x, (1, 12, 8, 1))
    y = builder.unary("relu", builder.conv(y, np.ones((3, 3, 1, 2)), padding="same"))
    y = builder.reduce("mean", y, (1, 2), keep=False)
    graph = builder.finish({"y": builder.softmax(builder.dense(y, np.ones((2, 3))))})
    yield tflite_of(graph)


# ---- what is done with an input


def used(source: NetworkSource) -> None:
    """Do what an import does: graphs of the ends, a head or a file, and the list of layers."""
    layers_of(source)
    for end in source.ends[:4]:
        try:
            graph = graph_of(source, {"y": end})
            stages_of(graph)
            if sum(step.output.size for step in graph.steps) < 1 << 20 and len(graph.steps) < 200:
                tflite_of(graph)
        except PypluginError:
            continue


def tflite(content: bytes) -> None:
    """Do what an import does with a .tflite file."""
    file = TfliteFile(content)
    _ = file.layers, file.kinds, file.model_type
    for name in file.outputs:
        file.end_kind(name)
        file.adapted(12, 8, {"activations": name})
        break


Reader = Callable[[bytes], None]
TARGETS: dict[str, tuple[Reader, Callable[[], Iterator[bytes]], str]] = {
    "pb": (lambda content: used(FrozenGraph(content, 16)), frozen, "fields"),
    "saved-model": (
        lambda content: used(read_saved_model(content, lambda: CHECKPOINT, None, 16)),
        saved_models,
        "fields",
    ),
    "meta": (
        lambda content: used(read_meta(content, lambda: CHECKPOINT, 16)),
        lambda: iter([data(2, variables())]),
        "fields",
    ),
    "onnx": (lambda content: used(OnnxNetwork(content, 16)), onnx_files, "fields"),
    "tfjs": (
        lambda content: used(
            read_tfjs(content.decode("utf-8", "replace"), lambda name: TFJS_ARRAYS, 16)
        ),
        tfjs_files,
        "json",
    ),
    "keras": (
        lambda content: used(KerasNetwork(parse_json(content.decode()), keras_arrays(), 16)),
        keras_configs,
        "json",
    ),
    "tflite": (tflite, tflite_files, "bytes"),
}


# ---- changes

NUMBERS = (0, 1, 2, 3, 7, 127, 128, 255, 4096, 1 << 27, (1 << 31) - 1, 1 << 31, 1 << 32)
NUMBERS += ((1 << 62), (1 << 63) - 1, (1 << 64) - 1, (1 << 64) - 4)


def changed_bytes(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Flip, set, remove, repeat or replace some bytes."""
    made = bytearray(content)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        if not made:
            break
        at = chance.randrange(len(made))
        kind = chance.randrange(6)
        if kind == 0:
            made[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            made[at] = chance.choice((0, 1, 127, 128, 255))
        elif kind == 2:
            value = chance.choice(NUMBERS) & (1 << 64) - 1
            made[at : at + 4] = value.to_bytes(8, "little")[:4]
        elif kind == 3:
            del made[at : at + chance.choice((1, 4, 64))]
        elif kind == 4:
            part = bytes(made[at : at + chance.choice((1, 8, 64))])
            made[at:at] = part * chance.choice((1, 2, 8))
        else:
            other = chance.choice(others)
            start = chance.randrange(len(other))
            made[at : at + 32] = other[start : start + 32]
    return bytes(made)


def changed_fields(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Change one field, somewhere in the tree of messages."""
    if chance.random() < 0.15:
        return changed_bytes(content, chance, others)
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = _changed_message(content, chance, 0)
    return content


def _changed_message(content: bytes, chance: random.Random, depth: int) -> bytes:
    try:
        parts = list(fields(memoryview(content)))
    except PypluginError:
        return content
    if not parts:
        return content
    at = chance.randrange(len(parts))
    key, value = parts[at]
    made: tuple[int, Any] = (key, value)
    if not isinstance(value, int) and depth < 8 and len(value) and chance.random() < 0.8:
        made = (key, _changed_value(bytes(value), chance, depth))
    elif chance.random() < 0.2:
        made = (chance.choice([other for other, _ in parts] + [1, 2, 3, 5, 7, 8, 9, 13]), value)
    elif isinstance(value, int):
        change = (lambda: chance.choice(NUMBERS), lambda: value + 1, lambda: max(value - 1, 0))
        made = (key, chance.choice(change)() & (1 << 64) - 1)
    else:
        other = chance.choice(parts)[1]
        made = (key, other if not isinstance(other, int) else b"")
    parts[at] = made
    if chance.random() < 0.1:
        del parts[chance.randrange(len(parts))]
    elif chance.random() < 0.1:
        parts.insert(chance.randrange(len(parts)), chance.choice(parts))
    return b"".join(
        number_field(key, value) if isinstance(value, int) else bytes_field(key, value)
        for key, value in parts
    )


WORDS = (b"Pad", b"Fill", b"Range", b"Split", b"Reshape", b"Transpose", b"Conv2D", b"Concat")
WORDS += (b"ConcatV2", b"Gather", b"GatherV2", b"Slice", b"StridedSlice", b"Cast", b"MatMul")
WORDS += (b"Squeeze", b"ExpandDims", b"Pack", b"SparseToDense", b"Where", b"Softmax", b"Clip")
WORDS += (b"Unsqueeze", b"Flatten", b"Pow", b"Shape", b"ReduceSum", b"Prod", b"Max", b"AvgPool")
WORDS += (b"DepthwiseConv2dNative", b"FusedBatchNorm", b"Switch", b"Merge", b"IdentityN", b"x")


def _changed_value(content: bytes, chance: random.Random, depth: int) -> bytes:
    if content.isalnum() and chance.random() < 0.7:
        return chance.choice(WORDS)
    changed = _changed_message(content, chance, depth + 1)
    return changed if changed != content else changed_bytes(content, chance, [content])


def changed_json(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Change values somewhere in the tree."""
    whole = copy.deepcopy(json.loads(content))
    for _ in range(chance.choice((1, 1, 2, 3))):
        place: Any = whole
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = chance.choice(keys)
            inner = place[key]
            if isinstance(inner, dict | list) and inner and chance.random() < 0.9:
                place = inner
                continue
            kind = chance.randrange(4)
            if kind == 0:
                del place[key]
            elif kind == 1:
                place[key] = chance.choice((None, True, -1, 0, 1 << 40, 1e300, "x", [], {}, [[]]))
            elif kind == 2 and isinstance(inner, int):
                place[key] = chance.choice((inner + 1, -inner, inner * 1000, 1 << 31))
            else:
                place[key] = copy.deepcopy(place[chance.choice(keys)])
            break
    return json.dumps(whole).encode()


CHANGES = {"bytes": changed_bytes, "fields": changed_fields, "json": changed_json}


# ---- the loop


class TooLongError(BaseException):
    """An input took longer than it may."""


def _alarm(*_: object) -> None:
    raise TooLongError


def problem_of(reader: Reader, content: bytes) -> str:
    """Return what is wrong with what a reader does; nothing where it is right."""
    signal.setitimer(signal.ITIMER_REAL, SECONDS_EACH)
    try:
        reader(content)
    except PypluginError:
        return ""
    except BaseException as error:  # whatever it is, it should not have come out
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = list(traceback.extract_tb(error.__traceback__))
        last = ([each for each in frames if "pyplugin/" in each.filename] or frames)[-1]
        where = f"{Path(last.filename).name}:{last.lineno}"
        return f"{type(error).__name__}: {str(error)[:100]} ({where})"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def replay(paths: list[str]) -> int:
    """Run inputs again, and print what is wrong with them."""
    failed = 0
    for path in map(Path, paths):
        problem = problem_of(TARGETS[path.name.rsplit("-", 1)[0]][0], path.read_bytes())
        print(f"{path.name}: {problem or 'right'}")
        failed += bool(problem)
    return int(failed > 0)


def fuzz(names: list[str], seconds: float, executions: int, seed: int) -> int:
    """Fuzz some readers in turn; return the exit status."""
    chance = random.Random(seed)
    seeds = {name: list(TARGETS[name][1]()) for name in names}
    for name in names:
        for content in seeds[name]:
            assert not problem_of(TARGETS[name][0], content), name
    counts: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    begun = shown = time.monotonic()
    for name in itertools.cycle(names):
        if time.monotonic() - begun >= seconds or sum(counts.values()) >= executions:
            break
        reader, _, kind = TARGETS[name]
        with np.errstate(all="ignore"):
            for _ in range(50):
                content = CHANGES[kind](chance.choice(seeds[name]), chance, seeds[name])
                counts[name] += 1
                problem = problem_of(reader, content)
                if not problem:
                    continue
                label = f"{name}: {problem}"
                problems[label] += 1
                if problems[label] == 1:
                    FAILURES.mkdir(parents=True, exist_ok=True)
                    place = FAILURES / f"{name}-{hashlib.sha256(content).hexdigest()[:12]}"
                    place.write_bytes(content)
                    print(f"{label}\n  {place}", flush=True)
        if time.monotonic() - shown > 60:
            shown = time.monotonic()
            print(f"{sum(counts.values())} executions, {len(problems)} problems", flush=True)
    took = time.monotonic() - begun
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"{sum(counts.values())} executions in {took:.0f} s, {len(problems)} problems")
    return int(bool(problems))


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("readers", nargs="*", default=list(TARGETS), help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--executions", type=int, default=1 << 62)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", nargs="+", metavar="FILE", help="Inputs to run again.")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    signal.signal(signal.SIGALRM, _alarm)
    if given.replay:
        return replay(given.replay)
    return fuzz(given.readers, given.seconds, given.executions, given.seed)


if __name__ == "__main__":
    sys.exit(main())
