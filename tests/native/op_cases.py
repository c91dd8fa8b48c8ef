"""Models of one operation, and small graphs, drawn at random: what the reader may meet.

A model has one input, as the reader asks; operations on two variables read two quantised copies or
slices of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from op_arithmetic import (
    BINARY_OPTIONS,
    binary,
    dequantise,
    function,
    quantise,
    reduce,
    requantise,
    unary,
)
from op_drawing import Draw, Random, add_like, any_bytes, pick
from op_models import Array, OpModel, schema
from op_shapes import (
    concatenation,
    expand,
    pack,
    pad,
    reshape,
    split,
    squeeze,
    strided_slice,
    transpose,
)
from op_windows import VALID, add_filters, conv, dense, depthwise, pool, transpose_conv


@dataclass(frozen=True)
class Case:
    """A model and what to feed it."""

    kind: str
    model: bytes
    input: Array


def cases(seed: int) -> Iterator[Case]:
    """Yield all cases; the same seed gives the same ones."""
    for number, (kind, (count, draw)) in enumerate(_DRAWN.items()):
        for index in range(count * _TIMES):
            random = np.random.default_rng((seed, number, index))
            model, data = draw(random)
            yield Case(kind, model, data)


def network(random: Random) -> tuple[bytes, Array]:
    """Quantise, pad, convolve, pool, join a branch, average, and leave as float."""
    model = OpModel()
    frames, bands = int(random.integers(12, 30)), int(random.integers(8, 24))
    shape = (1, frames, bands, 1)
    x = model.tensor(shape, "float32")
    data = random.uniform(-1, 2, shape).astype(np.float32)
    q = model.tensor(shape, "int8", 3 / 255, -43)
    model.op("QUANTIZE", [x], q, schema.QuantizeOptionsT())
    padded = add_like(model, q, (1, frames + 2, bands, 1))
    amounts = model.integers([[0, 0], [1, 1], [0, 0], [0, 0]])
    model.op("PAD", [q, amounts], padded, schema.PadOptionsT())
    channels = int(pick(random, (8, 18)))
    inputs, y = add_filters(
        model, random, padded, (channels, 3, 5, 1), 0, (1, frames, bands - 4, channels)
    )
    valid = schema.Conv2DOptionsT(padding=VALID, strideH=1, strideW=1)
    model.op("CONV_2D", inputs, y, valid)
    best = add_like(model, y, (1, frames, 1, channels))
    pool = schema.Pool2DOptionsT(
        padding=VALID, strideH=1, strideW=bands - 4, filterHeight=1, filterWidth=bands - 4
    )
    model.op("MAX_POOL_2D", [y], best, pool)
    bounds = any_bytes(random, (1, 1, 1, channels))
    bound = model.tensor((1, 1, 1, channels), "int8", y.scale, y.zero_point, data=bounds)
    limited = add_like(model, best, best.shape)
    model.op("MAXIMUM", [best, bound], limited, schema.MaximumMinimumOptionsT())
    joined = add_like(model, best, (1, frames, 1, 2 * channels))
    model.op("CONCATENATION", [best, limited], joined, schema.ConcatenationOptionsT(axis=3))
    real = model.tensor(joined.shape, "float32")
    model.op("DEQUANTIZE", [joined], real, schema.DequantizeOptionsT())
    mean = model.tensor((1, 2 * channels), "float32")
    model.op("MEAN", [real, model.integers([1, 2])], mean, schema.ReducerOptionsT(False))
    return model.finish([x], [mean]), data


_UNARY = ("RELU", "RELU6", "LEAKY_RELU", "ELU", "LOGISTIC", "TANH", "HARD_SWISH")

_FUNCTIONS = ("ABS", "EXP", "LOG", "RSQRT", "SQRT")

_TIMES = 4

# How many of each, in so many turns, and how to draw one.
_DRAWN: dict[str, tuple[int, Draw]] = {
    "QUANTIZE": (15, quantise),
    "QUANTIZE int8": (40, requantise),
    "DEQUANTIZE": (12, dequantise),
    "SQUEEZE": (8, squeeze),
    "EXPAND_DIMS": (12, expand),
    "TRANSPOSE": (40, transpose),
    "STRIDED_SLICE": (60, strided_slice),
    "NEG": (12, function("NEG", "float32")),
    "SQUARE": (12, function("SQUARE", "float32")),
    "network": (25, network),
}
for _dtype, _share in (("int8", 2), ("float32", 1)):
    _name = "" if _dtype == "int8" else " float"
    _DRAWN[f"CONV_2D{_name}"] = (85 * _share, conv(_dtype))
    _DRAWN[f"DEPTHWISE_CONV_2D{_name}"] = (45 * _share, depthwise(_dtype))
    _DRAWN[f"FULLY_CONNECTED{_name}"] = (30 * _share, dense(_dtype))
    _DRAWN[f"TRANSPOSE_CONV{_name}"] = (40 * _share, transpose_conv(_dtype))
    _DRAWN[f"MAX_POOL_2D{_name}"] = (25 * _share, pool("MAX_POOL_2D", _dtype))
    _DRAWN[f"AVERAGE_POOL_2D{_name}"] = (25 * _share, pool("AVERAGE_POOL_2D", _dtype))
    _DRAWN[f"MEAN{_name}"] = (30 * _share, reduce("MEAN", _dtype))
    _DRAWN[f"REDUCE_MAX{_name}"] = (15 * _share, reduce("REDUCE_MAX", _dtype))
    for _kind in BINARY_OPTIONS:
        if _kind == "DIV" and _dtype == "int8":
            continue
        _DRAWN[f"{_kind}{_name}"] = (30 * _share, binary(_kind, _dtype))
    _DRAWN[f"CONCATENATION{_name}"] = (25 * _share, concatenation(_dtype))
    _DRAWN[f"PAD{_name}"] = (20 * _share, pad("PAD", _dtype))
    _DRAWN[f"PADV2{_name}"] = (10 * _share, pad("PADV2", _dtype))
    _DRAWN[f"RESHAPE{_name}"] = (15 * _share, reshape(_dtype))
    for _kind in _UNARY:
        _DRAWN[f"{_kind}{_name}"] = (12 * _share, unary(_kind, _dtype))
    for _kind in _FUNCTIONS:
        _DRAWN[f"{_kind}{_name}"] = (15 * _share, function(_kind, _dtype))
    for _kind in ("SPLIT", "SPLIT_V"):
        _DRAWN[f"{_kind}{_name}"] = (15 * _share, split(_kind, _dtype))
    _DRAWN[f"PACK{_name}"] = (15 * _share, pack(_dtype))
    _DRAWN[f"SOFTMAX{_name}"] = (15 * _share, unary("SOFTMAX", _dtype))

KINDS = tuple(_DRAWN)
