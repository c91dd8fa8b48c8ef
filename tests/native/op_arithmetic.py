"""Operations on values, one by one or reduced, drawn at random."""

import numpy as np
from op_drawing import (
    NONE,
    RELU,
    RELU6,
    Draw,
    Random,
    Shape,
    add_input,
    any_bytes,
    any_floats,
    any_image,
    any_scale,
    any_shape,
    any_zero_point,
    flattened,
    pick,
    sliced,
)
from op_models import Array, OpModel, Value, schema


def reduce(kind: str, dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = pick(random, (any_image(random), any_image(random), any_shape(random)))
        rank = len(shape)
        axes = tuple(
            sorted(int(n) for n in random.permutation(np.arange(1, rank))[: random.integers(1, 4)])
        )
        if rank == 4 and random.random() < 0.5:
            axes = (1, 2)
        keeps = bool(random.random() < 0.6)
        x, data = add_input(model, random, shape, dtype)
        out = tuple(
            1 if axis in axes else size
            for axis, size in enumerate(shape)
            if keeps or axis not in axes
        )
        scale, zero_point = x.scale, x.zero_point
        if kind == "MEAN" and dtype == "int8" and random.random() < 0.6:
            scale = float(np.float32(scale * 2 ** random.uniform(-1.5, 0.5)))
            zero_point = any_zero_point(random)
        y = model.tensor(out, dtype, scale, zero_point)
        signed = [axis - rank if random.random() < 0.2 else axis for axis in axes]
        model.op(kind, [x, model.integers(signed)], y, schema.ReducerOptionsT(keeps))
        return model.finish([x], [y]), data

    return draw


BINARY_OPTIONS = {
    "DIV": schema.DivOptionsT,
    "SQUARED_DIFFERENCE": schema.SquaredDifferenceOptionsT,
    "ADD": schema.AddOptionsT,
    "SUB": schema.SubOptionsT,
    "MUL": schema.MulOptionsT,
    "MINIMUM": schema.MaximumMinimumOptionsT,
    "MAXIMUM": schema.MaximumMinimumOptionsT,
}


def _narrowed(random: Random, shape: Shape) -> Shape:
    """Return a shape that broadcasts to another: some axes 1, some left out in front."""
    style = random.random()
    if style < 0.3:
        return shape
    if style < 0.6:
        return (shape[-1],) if random.random() < 0.5 else (*(1,) * (len(shape) - 1), shape[-1])
    kept = tuple(size if random.random() < 0.5 else 1 for size in shape)
    return kept[int(random.integers(len(kept))) :] if random.random() < 0.4 else kept


def binary(kind: str, dtype: str) -> Draw:
    picks = kind in ("MINIMUM", "MAXIMUM")

    def quantisation(random: Random, x: Value) -> tuple[float, int]:
        if dtype == "float32":
            return 0.0, 0
        if picks:
            return x.scale, x.zero_point
        scale = x.scale * 2 ** random.uniform(-3, 3)
        return float(np.float32(scale)), any_zero_point(random)

    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_shape(random)
        if random.random() < 0.05:
            shape = (1, 3, 4, 2, 5)
        options = BINARY_OPTIONS[kind]()
        if not picks and kind != "SQUARED_DIFFERENCE":
            options.fusedActivationFunction = pick(random, (NONE, NONE, NONE, RELU, RELU6))
        x, data = add_input(model, random, shape, dtype)
        scale, zero_point = quantisation(random, x)
        if random.random() < 0.6:
            other = _narrowed(random, shape)
            values = any_floats(random, other) if dtype == "float32" else any_bytes(random, other)
            second = model.tensor(other, dtype, scale, zero_point, data=values)
        else:
            second = flattened(model, random, sliced(model, random, x))
            if dtype == "int8" and not picks:
                copy = model.tensor(second.shape, dtype, scale, zero_point)
                second = model.op("QUANTIZE", [second], copy, schema.QuantizeOptionsT())
        pair = [x, second] if random.random() < 0.7 else [second, x]
        out_scale, out_zero_point = quantisation(random, x)
        if kind == "MUL" and dtype == "int8":
            out_scale = float(np.float32(x.scale * scale * 2 ** random.uniform(3, 8)))
        if kind == "SQUARED_DIFFERENCE" and dtype == "int8":  # LiteRT takes no finer steps
            span = 255 * max(x.scale, scale)
            out_scale = float(np.float32(span * span / 255 * 2 ** random.uniform(-5, 1)))
        y = model.tensor(shape, dtype, out_scale, out_zero_point)
        model.op(kind, pair, y, options)
        return model.finish([x], [y]), data

    return draw


def _positive(random: Random, kind: str, x: Value, data: Array) -> Array:
    """Return values that are defined: not below 0, and in float not 0 either."""
    if x.dtype == "int8":
        return np.maximum(data, x.zero_point).astype(np.int8)
    return (np.abs(data) + (0 if kind == "SQRT" else 1e-3)).astype(np.float32)


def _range(random: Random, kind: str, x: Value) -> tuple[float, int]:
    """Return an int8 quantisation that the function's values fill, but for some clipping."""
    furthest = x.scale * max(127 - x.zero_point, 1)
    top = {
        "ABS": furthest,
        "EXP": np.exp(min(furthest, 8)),
        "LOG": 2 * abs(np.log(furthest)) + 1,
        "RSQRT": x.scale**-0.5,
        "SQRT": furthest**0.5,
    }[kind]
    return float(np.float32(top / 200 * 2 ** random.uniform(-2, 1))), any_zero_point(random)


def function(kind: str, dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_shape(random)
        x, data = add_input(model, random, shape, dtype)
        if kind == "EXP" and dtype == "int8":
            x = model.tensor(shape, dtype, min(x.scale, 0.08), x.zero_point)
        if kind in ("LOG", "SQRT", "RSQRT"):
            data = _positive(random, kind, x, data)
        scale, zero_point = _range(random, kind, x) if dtype == "int8" else (0.0, 0)
        if kind == "ABS" and random.random() < 0.3:
            scale = x.scale
        y = model.tensor(shape, dtype, scale, zero_point)
        model.op(kind, [x], y)
        return model.finish([x], [y]), data

    return draw


def unary(kind: str, dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_shape(random)
        if dtype == "int8" and kind == "HARD_SWISH":  # roundings that few values show
            shape = (1, 4, 64)
        x, data = add_input(model, random, shape, dtype)
        if shape == (1, 4, 64):
            data = np.arange(-128, 128, dtype=np.int8).reshape(shape)
        options = None
        scale, zero_point = x.scale, x.zero_point
        if dtype == "int8" and random.random() < 0.8:
            scale = float(np.float32(scale * 2 ** random.uniform(-2, 3)))
            zero_point = any_zero_point(random)
        if kind == "LEAKY_RELU":
            alpha = float(pick(random, (0.01, 0.2, 0.001, 1.5, random.uniform(0, 1))))
            options = schema.LeakyReluOptionsT(alpha=alpha)
        if kind == "SOFTMAX":
            options = schema.SoftmaxOptionsT(beta=float(pick(random, (1.0, 1.0, 0.5))))
        if kind == "HARD_SWISH":
            options = schema.HardSwishOptionsT()
        if dtype == "int8" and kind in ("LOGISTIC", "SOFTMAX"):
            scale, zero_point = 1 / 256, -128  # which LiteRT insists on
        if dtype == "int8" and kind == "TANH":
            scale, zero_point = 1 / 128, 0
        y = model.tensor(shape, dtype, scale, zero_point)
        model.op(kind, [x], y, options)
        return model.finish([x], [y]), data

    return draw


def quantise(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = any_shape(random)
    x, data = add_input(model, random, shape, "float32")
    y = model.tensor(shape, "int8", any_scale(random), any_zero_point(random))
    model.op("QUANTIZE", [x], y, schema.QuantizeOptionsT())
    return model.finish([x], [y]), data


def requantise(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = any_shape(random)
    x, data = add_input(model, random, shape, "int8")
    scale = float(np.float32(x.scale * 2 ** random.uniform(-8.5, 9)))
    y = model.tensor(shape, "int8", scale, any_zero_point(random))
    model.op("QUANTIZE", [x], y, schema.QuantizeOptionsT())
    return model.finish([x], [y]), data


def dequantise(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = any_shape(random)
    x, data = add_input(model, random, shape, "int8")
    y = model.tensor(shape, "float32")
    model.op("DEQUANTIZE", [x], y, schema.DequantizeOptionsT())
    return model.finish([x], [y]), data
