"""Write seeds for the fuzzers: small valid files of every kind that they read.

Run as: python native/tests/fuzz/make_seeds.py FOLDER. Each fuzzer gets a folder in it. With
``--tests``: what the fuzzers run as tests, in ../data/fuzz: a seed each, and what once broke one.
"""

import argparse
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from pyplugin.automation.presets import read_preset, shipped_presets
from pyplugin.daw.presets import slots_of, state
from pyplugin.models.heads import (
    Affine,
    Dense,
    Head,
    HeadStage,
    Kernel,
    Quantile,
    Sigmoids,
    encode,
)

_DATA = Path(__file__).parents[1] / "data"  # small models, written by make.py there
Shape = tuple[int, ...]
_IMAGE = (1, 4, 6, 2)
_SAME, _VALID = schema.Padding.SAME, schema.Padding.VALID


@dataclass(frozen=True)
class Seed:
    """A model of one operation: a variable, constants beside it, and the shape of the result."""

    operation: str
    shape: Shape
    result: Shape
    constants: Sequence[npt.NDArray[Any]] = ()
    options: Any = None
    result_type: str = ""
    has_missing_bias: bool = False
    variables: int = 1  # how often the input is given before the constants
    results: int = 1  # how many outputs of that shape
    has_input_last: bool = False  # after the constants
    types: Sequence[str] = field(default=("float32", "int8"))


def _ints(*values: int) -> npt.NDArray[np.int32]:
    return np.array(values, np.int32)


def _weights(*shape: int) -> npt.NDArray[np.float32]:
    return np.linspace(-1, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)


def _pool() -> Any:
    return schema.Pool2DOptionsT(_VALID, strideW=2, strideH=2, filterWidth=2, filterHeight=2)


def _reducer() -> Any:
    return schema.ReducerOptionsT(keepDims=True)


def _seeds() -> list[Seed]:
    plain = ("ABS", "ELU", "EXP", "HARD_SWISH", "LOG", "LOGISTIC", "RELU", "RELU6", "RSQRT", "SQRT")
    real = ("NEG", "SQUARE")
    conv = schema.Conv2DOptionsT(_SAME, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)
    dilated = schema.Conv2DOptionsT(
        _VALID,
        strideW=1,
        strideH=1,
        fusedActivationFunction=schema.ActivationFunctionType.RELU,
        dilationWFactor=2,
        dilationHFactor=2,
    )
    depthwise = schema.DepthwiseConv2DOptionsT(
        _SAME, strideW=1, strideH=1, depthMultiplier=2, dilationWFactor=1, dilationHFactor=1
    )
    four = (1, 4, 6, 4)
    return [
        *(Seed(name, _IMAGE, _IMAGE) for name in (*plain, "TANH")),
        *(Seed(name, _IMAGE, _IMAGE, types=("float32",)) for name in real),
        Seed("DIV", _IMAGE, _IMAGE, [_weights(2)], schema.DivOptionsT(), types=("float32",)),
        Seed(
            "SQUARED_DIFFERENCE",
            _IMAGE,
            _IMAGE,
            [_weights(2)],
            schema.SquaredDifferenceOptionsT(),
        ),
        Seed(
            "SPLIT",
            _IMAGE,
            (1, 4, 2, 2),
            [_ints(2)],
            schema.SplitOptionsT(3),
            results=3,
            has_input_last=True,
        ),
        Seed(
            "SPLIT_V",
            _IMAGE,
            (1, 4, 3, 2),
            [_ints(3, -1), _ints(-2)],
            schema.SplitVOptionsT(2),
            results=2,
        ),
        Seed("PACK", _IMAGE, (1, 4, 6, 2, 3), options=schema.PackOptionsT(3, -1), variables=3),
        Seed("ADD", _IMAGE, _IMAGE, [_weights(2)], schema.AddOptionsT()),
        Seed("SUB", _IMAGE, _IMAGE, [_weights(2)], schema.SubOptionsT(fusedActivationFunction=3)),
        Seed("MUL", _IMAGE, _IMAGE, [_weights(2)], schema.MulOptionsT(fusedActivationFunction=1)),
        Seed("MAXIMUM", _IMAGE, _IMAGE, [_weights(1)], schema.MaximumMinimumOptionsT()),
        Seed("MINIMUM", _IMAGE, _IMAGE, [_weights(1)], schema.MaximumMinimumOptionsT()),
        Seed("AVERAGE_POOL_2D", _IMAGE, (1, 2, 3, 2), options=_pool()),
        Seed("MAX_POOL_2D", _IMAGE, (1, 2, 3, 2), options=_pool()),
        Seed(
            "CONCATENATION",
            _IMAGE,
            (1, 4, 6, 6),
            options=schema.ConcatenationOptionsT(axis=-1),
            variables=3,
        ),
        Seed("CONV_2D", _IMAGE, (1, 4, 6, 3), [_weights(3, 3, 3, 2), _weights(3)], conv),
        Seed("CONV_2D", _IMAGE, (1, 2, 4, 1), [_weights(1, 2, 2, 2), _weights(1)], dilated),
        Seed("DEPTHWISE_CONV_2D", _IMAGE, four, [_weights(1, 3, 3, 4), _weights(4)], depthwise),
        Seed(
            "TRANSPOSE_CONV",
            (1, 2, 3, 2),
            (1, 4, 6, 3),
            [_ints(1, 4, 6, 3), _weights(3, 2, 2, 2)],
            schema.TransposeConvOptionsT(_SAME, strideW=2, strideH=2),
            has_input_last=True,
        ),
        Seed(
            "FULLY_CONNECTED",
            (1, 8),
            (1, 3),
            [_weights(3, 8)],
            schema.FullyConnectedOptionsT(keepNumDims=True),
            has_missing_bias=True,
        ),
        Seed("MEAN", _IMAGE, (1, 1, 1, 2), [_ints(1, 2)], _reducer()),
        Seed("REDUCE_MAX", _IMAGE, (1, 1, 6, 2), [_ints(1)], _reducer()),
        Seed("PAD", (1, 3), (1, 6), [_ints(0, 0, 1, 2).reshape(2, 2)], schema.PadOptionsT()),
        Seed(
            "PADV2",
            (1, 3),
            (1, 6),
            [_ints(0, 0, 1, 2).reshape(2, 2), np.array(0.5, np.float32)],
            schema.PadV2OptionsT(),
        ),
        Seed("RESHAPE", _IMAGE, (1, 48), [_ints(1, 48)], schema.ReshapeOptionsT([1, 48])),
        Seed("RESHAPE", _IMAGE, (1, 48), [], schema.ReshapeOptionsT([1, 48])),
        Seed("SQUEEZE", (1, 4, 1, 2), (1, 4, 2), options=schema.SqueezeOptionsT([2])),
        Seed("EXPAND_DIMS", (1, 4), (1, 4, 1), [_ints(2)], schema.ExpandDimsOptionsT()),
        Seed("TRANSPOSE", (1, 2, 3), (1, 3, 2), [_ints(0, 2, 1)], schema.TransposeOptionsT()),
        Seed("SOFTMAX", (1, 5), (1, 5), options=schema.SoftmaxOptionsT(beta=1.0)),
        Seed("LEAKY_RELU", (1, 5), (1, 5), options=schema.LeakyReluOptionsT(alpha=0.2)),
        Seed(
            "STRIDED_SLICE",
            (1, 6),
            (1, 2),
            [_ints(0, 1), _ints(0, 5), _ints(1, 2)],
            schema.StridedSliceOptionsT(beginMask=1, endMask=1),
        ),
        Seed("QUANTIZE", (1, 6), (1, 6), result_type="int8", types=("float32",)),
        Seed("DEQUANTIZE", (1, 6), (1, 6), result_type="float32", types=("int8",)),
    ]


def _quantisation(scale: npt.ArrayLike, zero_point: int, axis: int = 0) -> Any:
    scales = np.atleast_1d(np.asarray(scale, np.float32))
    zero_points = np.full(len(scales), zero_point, np.int64)
    return schema.QuantizationParametersT(
        scale=scales, zeroPoint=zero_points, quantizedDimension=axis
    )


class _Model:
    """The tables of one model, as they grow."""

    def __init__(self) -> None:
        self.buffers: list[Any] = [schema.BufferT()]
        self.tensors: list[Any] = []

    def tensor(
        self, shape: Shape, kind: str, quantisation: Any = None, content: bytes | None = None
    ) -> int:
        """Add a tensor, a constant where it has content, and return its index."""
        if content is not None:
            self.buffers.append(schema.BufferT(data=np.frombuffer(content, np.uint8)))
        self.tensors.append(
            schema.TensorT(
                shape=np.array(shape, np.int32),
                type=getattr(schema.TensorType, kind.upper()),
                buffer=len(self.buffers) - 1 if content is not None else 0,
                name=f"t{len(self.tensors)}",
                quantization=quantisation,
                hasRank=True,
            )
        )
        return len(self.tensors) - 1

    def variable(self, shape: Shape, kind: str, quantisation: Any) -> int:
        """Add a variable, quantised where it is int8."""
        return self.tensor(shape, kind, quantisation if kind == "int8" else None)

    def constant(self, values: npt.NDArray[Any], seed: Seed, kind: str, position: int) -> int:
        """Add a constant, in the form that the operation wants beside an input of this kind."""
        if kind != "int8" or values.dtype == np.int32:
            return self.tensor(values.shape, values.dtype.name, content=values.tobytes())
        if seed.operation in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
            axis = 3 if seed.operation == "DEPTHWISE_CONV_2D" else 0
            channels = values.shape[0] if position == 1 else values.shape[axis]
            scales = np.linspace(0.01, 0.02, channels) * (0.05 if position == 1 else 1)
            name = "int32" if position == 1 else "int8"
            parameters = _quantisation(scales, 0, 0 if position == 1 else axis)
            content = np.clip(values * 100, -127, 127).astype(name).tobytes()
            return self.tensor(values.shape, name, parameters, content)
        content = np.clip(values * 20 + 3, -128, 127).astype(np.int8).tobytes()
        return self.tensor(values.shape, "int8", _quantisation(0.05, 3), content)

    def finish(self, steps: "Sequence[_Step]", given: int) -> bytes:
        """Write the file; the graph takes one tensor."""
        names = list(dict.fromkeys(step.operation for step in steps))
        numbers = [getattr(schema.BuiltinOperator, name) for name in names]
        operators = [
            schema.OperatorT(
                opcodeIndex=names.index(step.operation),
                inputs=step.inputs,
                outputs=step.outputs,
                builtinOptionsType=getattr(
                    schema.BuiltinOptions,
                    type(step.options).__name__.removesuffix("T") if step.options else "NONE",
                ),
                builtinOptions=step.options,
            )
            for step in steps
        ]
        inputs, outputs = [given], steps[-1].outputs
        model = schema.ModelT(
            version=3,
            operatorCodes=[
                schema.OperatorCodeT(min(n, 127), builtinCode=n, version=1) for n in numbers
            ],
            subgraphs=[schema.SubGraphT(self.tensors, inputs, outputs, operators, "main")],
            buffers=self.buffers,
        )
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


@dataclass(frozen=True)
class _Step:
    operation: str
    inputs: list[int]
    outputs: list[int]
    options: Any = None


def write(seed: Seed, kind: str, *, between_floats: bool = False) -> bytes:
    """Return the file of a seed whose input is float32 or int8.

    ``between_floats``: with a QUANTIZE before and a DEQUANTIZE after it.
    """
    model = _Model()
    keeps_scale = seed.operation not in ("LOGISTIC", "SOFTMAX", "TANH")
    scale = 0.05 if keeps_scale else 1 / (128 if seed.operation == "TANH" else 256)
    zero_point = 3 if keeps_scale else (0 if seed.operation == "TANH" else -128)
    inputs = [model.variable(seed.shape, kind, _quantisation(0.05, 3))] * seed.variables
    inputs += [model.constant(values, seed, kind, i) for i, values in enumerate(seed.constants)]
    if seed.has_missing_bias:
        inputs.append(-1)
    given = inputs[0]
    if seed.has_input_last:
        inputs = [*inputs[seed.variables :], *inputs[: seed.variables]]
    steps_of = _quantisation(scale, zero_point)
    outputs = [
        model.variable(seed.result, seed.result_type or kind, steps_of) for _ in range(seed.results)
    ]
    steps = [_Step(seed.operation, inputs, outputs, seed.options)]
    if between_floats:
        before, after = (model.tensor(shape, "float32") for shape in (seed.shape, seed.result))
        steps = [_Step("QUANTIZE", [before], [given]), *steps]
        steps.append(_Step("DEQUANTIZE", outputs[:1], [after]))
        given = before
    return model.finish(steps, given)


# ---- files around models


def _settings(
    *,
    hop: int,
    node_rate: int,
    silence: bool = False,
    embedding: int = 0,
    front_end: int = 0,
    log: int = 1,
    patch_norm: int = 0,
) -> bytes:
    """Return the end of a file for fuzz_network, see network.c: the card is that of the graph."""
    flags = 1 | 2 * silence
    model_rate, patch_range, fft, frame, mel_hop = 2, 160, 0, 255, 127
    start = [flags, hop, model_rate, node_rate, front_end, log, patch_norm, patch_range]
    return bytes([*start, fft, frame, mel_hop, 0, 0, 0, embedding, 0, 0, 0, 0, 0])


def _graphs() -> Iterator[tuple[str, bytes]]:
    for number, seed in enumerate(_seeds()):
        for kind in seed.types:
            yield f"{number:02}-{seed.operation.lower()}-{kind}.tflite", write(seed, kind)


def _networks() -> Iterator[tuple[str, bytes]]:
    for number, seed in enumerate(_seeds()):
        name = f"{number:02}-{seed.operation.lower()}"
        if "float32" in seed.types and not seed.result_type:
            yield f"{name}-float32", write(seed, "float32") + _settings(hop=number, node_rate=2)
        if "int8" in seed.types and not seed.result_type:
            data = write(seed, "int8", between_floats=True)
            yield f"{name}-int8", data + _settings(hop=number, node_rate=number % 6)
    for name in ("padded", "valid", "real"):
        data = (_DATA / f"{name}.tflite").read_bytes()
        for hop in (0, 4, 11, 29):
            end = _settings(hop=hop, node_rate=hop % 5, silence=hop > 4, embedding=hop % 3)
            yield f"{name}-{hop}", data + end
        for norm in range(1, 5):  # each with other settings of the front-end
            front_end = norm << 5 | (norm & 1) << 4 | (norm >> 1 & 1) << 3 | (norm & 3) << 1
            log = (norm + 1) + 6 * (norm % 4)
            end = _settings(hop=7, node_rate=2, front_end=front_end, log=log, patch_norm=norm)
            yield f"{name}-norm-{norm}", data + end


def _stages() -> Iterator[tuple[str, int, list[HeadStage]]]:
    """Yield stages with the number of their outputs."""
    random = np.random.default_rng(1)
    affine = Affine(_weights(5), _weights(5))
    for activation in ("none", "relu", "tanh", "logistic", "softmax"):
        yield activation, 3, [affine, Dense(_weights(3, 5), _weights(3), activation)]
    yield "quantile", 5, [Quantile(np.sort(random.normal(size=(4, 5)), axis=0))]
    yield "part", 5, [Quantile(np.sort(random.normal(size=(4, 3)), axis=0), 2)]
    for kind in ("rbf", "poly"):
        kernel = Kernel(kind, 0.3, 3, 0.5, _weights(6, 5), _weights(2, 6), _weights(2))
        yield kind, 2, [kernel, Sigmoids(_weights(2), _weights(2), normalise=kind == "rbf")]


def _heads() -> Iterator[tuple[str, bytes]]:
    for name, count, stages in _stages():
        labels = tuple(f"label {i}" for i in range(count))
        yield name, encode(Head(name, labels, "any", "embedding", 5, True, tuple(stages)))


def _containers() -> Iterator[tuple[str, bytes]]:
    def text(word: str) -> bytes:
        return struct.pack("<H", len(word)) + word.encode()

    def labels(*words: str) -> bytes:
        return struct.pack("<I", len(words)) + b"".join(map(text, words))

    def chunk(name: bytes, body: bytes) -> bytes:
        return name + struct.pack("<I", len(body)) + body + bytes(-len(body) % 16)

    heads = dict(_heads())
    words = (16000, 256, 256, 128, 8, 0, 0, 0, 0, 0, 0, 1, 0, 0)
    front_end = struct.pack("<14I", *words) + struct.pack("<4d", 10000, 0, 8000, 0)
    for name, before in (("padded", 0), ("valid", 1)):
        card = text(name) + front_end + struct.pack("<4I", 24, 2, 3, 5)
        card += labels("speech", "Male Vocal", "drums") + struct.pack("<I", before)
        chunks = [chunk(b"CARD", card), chunk(b"TFLT", (_DATA / f"{name}.tflite").read_bytes())]
        for head in ("softmax", "rbf") if before else ():
            count = {"softmax": 3, "rbf": 2}[head]
            body = text(head) + struct.pack("<I", 1) + labels(*("a", "b c", "d")[:count])
            chunks.append(chunk(b"HEAD", body + heads[head]))
        yield name, b"TAGMODL2" + bytes(4) + struct.pack("<I", len(chunks)) + b"".join(chunks)


def _states() -> Iterator[tuple[str, bytes]]:
    for name in shipped_presets():
        yield name, state(slots_of(read_preset(name)))
    yield "empty", b"TAGSTATE" + struct.pack("<I", 2)


def _broken() -> Iterator[tuple[str, str, bytes]]:
    """Yield inputs that once broke a guarantee: fuzzer, name, content."""
    # Sizes whose product is 2^32, which is 0 where size_t has 32 bits.
    card = b"TAGHEAD1" + struct.pack("<I", 4) + b"{}  "
    for kind, rows, columns in (
        (2, 1 << 20, 1 << 12),
        (3, 1 << 16, 1 << 16),
        (4, 1 << 20, 1 << 12),
    ):
        stage = struct.pack("<5I", 1, kind, rows, columns, 0)
        if kind == 4:
            stage += struct.pack("<2I2d", 1, 1, 1, 0)
        yield "head", f"overflow-{kind}", card + stage + bytes(64)


_TESTED = {
    *("01-elu-int8.tflite", "25-concatenation-float32.tflite"),
    *("padded-29", "padded-norm-1", "25-concatenation-float32", "26-conv_2d-float32"),
    *("rbf", "valid", "late-night"),
}


def main() -> None:
    """Write all seeds to the folder on the command line, or the tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=_DATA / "fuzz")
    parser.add_argument("--tests", action="store_true")
    given = parser.parse_args()
    files = [
        (kind, name, data)
        for kind, seeds in (
            ("graph", _graphs()),
            ("network", _networks()),
            ("head", _heads()),
            ("container", _containers()),
            ("state", _states()),
        )
        for name, data in seeds
    ]
    if given.tests:
        files = [each for each in files if each[1] in _TESTED] + list(_broken())
    for kind, name, data in files:
        (given.folder / kind).mkdir(parents=True, exist_ok=True)
        (given.folder / kind / name).write_bytes(data)


if __name__ == "__main__":
    main()
