"""Models of one operation, and small graphs, drawn at random: what the reader may meet.

A model has one input, as the reader asks; operations on two variables read two quantised copies or
slices of it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from op_models import Array, OpModel, Value, schema

Random = np.random.Generator
Shape = tuple[int, ...]

NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)
SAME, VALID = range(2)


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


def _pick(random: Random, options: Sequence[Any]) -> Any:
    return options[int(random.integers(len(options)))]


def _scale(random: Random) -> float:
    return float(np.float32(10 ** random.uniform(-3, -0.5)))


def _zero_point(random: Random) -> int:
    return int(_pick(random, (-128, 127, 0, *random.integers(-128, 128, 3))))


def _bytes(random: Random, shape: Shape) -> Array:
    low, high = _pick(random, ((-128, 128), (-128, 128), (-128, 128), (-20, 30), (120, 128)))
    values = random.integers(low, high, shape)
    if random.random() < 0.1:
        values = np.where(random.random(shape) < 0.5, -128, 127)
    return values.astype(np.int8)


def _floats(random: Random, shape: Shape, spread: float = 3.0) -> Array:
    return random.normal(0, spread, shape).astype(np.float32)


def _image(random: Random, *, largest: int = 14, channels: Sequence[int] = ()) -> Shape:
    height, width = (int(n) for n in random.integers(1, largest, 2))
    depth = int(_pick(random, channels or (1, 2, 3, 4, 7, 16, 17, 33)))
    return (1, height, width, depth)


def _any_shape(random: Random) -> Shape:
    sizes = [int(n) for n in random.integers(1, 9, 3)]
    return _pick(
        random,
        (
            (1, *sizes),
            (1, *sizes),
            (1, *sizes[:2]),
            (int(sizes[0]), int(sizes[1]) * 9),
            (1, int(random.integers(1, 300))),
        ),
    )


def _input(model: OpModel, random: Random, shape: Shape, dtype: str) -> tuple[Value, Array]:
    if dtype == "float32":
        return model.tensor(shape, dtype), _floats(random, shape)
    value = model.tensor(shape, dtype, _scale(random), _zero_point(random))
    return value, _bytes(random, shape)


def _like(model: OpModel, x: Value, shape: Shape) -> Value:
    return model.tensor(shape, x.dtype, x.scale, x.zero_point)


def _window(size: int, window: int, stride: int, dilation: int, padding: int) -> int:
    if padding == SAME:
        return -(-size // stride)
    return (size - (window - 1) * dilation - 1) // stride + 1


def _place(random: Random, shape: Shape, *, dilates: bool) -> tuple[int, ...]:
    """Draw a window that fits: padding, its size, strides, dilations, and the output's size."""
    while True:
        padding = int(random.integers(2))
        height, width = (int(n) for n in random.integers(1, 6, 2))
        stride_h, stride_w = (int(_pick(random, (1, 1, 2, 3))) for _ in range(2))
        dilation_h, dilation_w = (
            int(_pick(random, (1, 1, 1, 2, 3))) if dilates else 1 for _ in range(2)
        )
        if dilation_h * dilation_w > 1:
            stride_h = stride_w = 1
        rows = _window(shape[1], height, stride_h, dilation_h, padding)
        columns = _window(shape[2], width, stride_w, dilation_w, padding)
        if rows > 0 and columns > 0:
            return (
                padding,
                height,
                width,
                stride_h,
                stride_w,
                dilation_h,
                dilation_w,
                rows,
                columns,
            )


def _filters(
    model: OpModel,
    random: Random,
    x: Value,
    shape: Shape,
    axis: int,
    out: Shape,
    *,
    needs_bias: bool = True,
) -> tuple[list[Value], Value]:
    """Add weights, at times a bias, and the output, which the sums fill but for some clipping."""
    channels = shape[axis]
    per_channel = random.random() < 0.7
    scales = np.float32(10 ** random.uniform(-4, -1, channels if per_channel else 1))
    limit = int(_pick(random, (127, 127, 20)))
    weights = random.integers(-limit, limit + 1, shape)
    filters = model.tensor(shape, "int8", scales, data=weights, axis=axis if per_channel else 0)
    taps = weights.size / channels
    spread = float(x.scale * np.median(scales) * np.sqrt(taps) * 74 * limit / 1.7)
    scale = float(np.float32(spread / 50 * 2 ** random.uniform(-1, 1.5)))
    inputs = [x, filters]
    if not needs_bias and random.random() < 0.3:
        return inputs, model.tensor(out, "int8", scale, _zero_point(random))
    real = random.normal(0, spread, channels)
    steps = np.rint(real / (x.scale * scales.astype(np.float64)))
    bias_scales = (np.float32(x.scale) * scales).astype(np.float32)
    bias = np.clip(steps, -(2**30), 2**30).astype(np.int32)
    inputs.append(model.tensor((channels,), "int32", bias_scales, data=bias))
    return inputs, model.tensor(out, "int8", scale, _zero_point(random))


def _conv(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    style = random.random()
    if style < 0.15:  # over time alone, one channel
        shape: Shape = (1, int(random.integers(32, 70)), int(random.integers(1, 40)), 1)
        height, width = int(_pick(random, (8, 16, 32, 5))), 1
        padding, stride_h, stride_w, dilation_h, dilation_w = SAME, 1, 1, 1, 1
        if random.random() < 0.3:
            stride_w, padding = 2, VALID
        rows = _window(shape[1], height, stride_h, 1, padding)
        columns = _window(shape[2], 1, stride_w, 1, padding)
        channels = int(_pick(random, (1, 18, 46)))
    else:
        shape = _image(random, largest=20 if style < 0.3 else 12)
        padding, height, width, stride_h, stride_w, dilation_h, dilation_w, rows, columns = _place(
            random, shape, dilates=True
        )
        channels = int(_pick(random, (1, 3, 16, 17, 40, 81, 100)))
    x, data = _input(model, random, shape, "int8")
    inputs, y = _filters(
        model, random, x, (channels, height, width, shape[3]), 0, (1, rows, columns, channels)
    )
    options = schema.Conv2DOptionsT(
        padding=padding,
        strideH=stride_h,
        strideW=stride_w,
        dilationHFactor=dilation_h,
        dilationWFactor=dilation_w,
        fusedActivationFunction=_pick(random, (NONE, NONE, RELU, RELU6, RELU_N1_TO_1)),
    )
    model.op("CONV_2D", inputs, y, options)
    return model.finish([x], [y]), data


def _depthwise(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = _image(random)
    padding, height, width, stride_h, stride_w, dilation_h, dilation_w, rows, columns = _place(
        random, shape, dilates=True
    )
    stride_w = stride_h = min(stride_h, stride_w)
    rows = _window(shape[1], height, stride_h, dilation_h, padding)
    columns = _window(shape[2], width, stride_w, dilation_w, padding)
    multiplier = int(_pick(random, (1, 1, 1, 2, 3)))
    channels = shape[3] * multiplier
    x, data = _input(model, random, shape, "int8")
    inputs, y = _filters(
        model, random, x, (1, height, width, channels), 3, (1, rows, columns, channels)
    )
    options = schema.DepthwiseConv2DOptionsT(
        padding=padding,
        strideH=stride_h,
        strideW=stride_w,
        depthMultiplier=multiplier,
        dilationHFactor=dilation_h,
        dilationWFactor=dilation_w,
        fusedActivationFunction=_pick(random, (NONE, NONE, RELU, RELU6)),
    )
    model.op("DEPTHWISE_CONV_2D", inputs, y, options)
    return model.finish([x], [y]), data


def _transpose_conv(dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        out_shape = _image(random, largest=16, channels=(1, 2, 3, 5, 8, 17))
        padding, height, width, stride_h, stride_w, _, _, rows, columns = _place(
            random, out_shape, dilates=False
        )
        channels, depth = out_shape[3], int(_pick(random, (1, 2, 3, 4, 7, 16)))
        x, data = _input(model, random, (1, rows, columns, depth), dtype)
        shape = (channels, height, width, depth)
        if dtype == "int8":
            given, y = _filters(model, random, x, shape, 0, out_shape, needs_bias=False)
        else:
            given = [x, model.tensor(shape, dtype, data=_floats(random, shape, 0.3))]
            if random.random() < 0.7:
                bias = _floats(random, (channels,))
                given.append(model.tensor((channels,), dtype, data=bias))
            y = model.tensor(out_shape, dtype)
        options = schema.TransposeConvOptionsT(
            padding=padding,
            strideH=stride_h,
            strideW=stride_w,
            fusedActivationFunction=_pick(random, (NONE, NONE, RELU, RELU6)),
        )
        inputs = [model.integers(out_shape), given[1], x, *given[2:]]
        model.op("TRANSPOSE_CONV", inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def _dense(dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        depth, units = int(random.integers(1, 300)), int(random.integers(1, 90))
        batch = int(_pick(random, (1, 1, 1, 5)))
        options = schema.FullyConnectedOptionsT(
            fusedActivationFunction=_pick(random, (NONE, NONE, RELU, RELU6))
        )
        shape: Shape = (batch, depth)
        out: Shape = (batch, units)
        if random.random() < 0.3:
            shape = (1, batch, depth)
            if random.random() < 0.5:
                options.keepNumDims, out = True, (1, batch, units)
        elif random.random() < 0.2 and batch == 1:  # one vector of many rows
            shape, depth = (1, 4, 1, depth), 4 * depth
        x, data = _input(model, random, shape, dtype)
        if dtype == "int8":
            inputs, y = _filters(model, random, x, (units, depth), 0, out, needs_bias=False)
        else:
            weights = _floats(random, (units, depth), 0.3)
            inputs = [x, model.tensor((units, depth), "float32", data=weights)]
            if random.random() < 0.8:
                bias = _floats(random, (units,))
                inputs.append(model.tensor((units,), "float32", data=bias))
            y = model.tensor(out, "float32")
        model.op("FULLY_CONNECTED", inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def _pool(kind: str, dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _image(random)
        padding, height, width, stride_h, stride_w, _, _, rows, columns = _place(
            random, shape, dilates=False
        )
        if random.random() < 0.2:  # all of time, or all of frequency
            padding = VALID
            height, width = (shape[1], 1) if random.random() < 0.5 else (1, shape[2])
            stride_h, stride_w = height, width
            rows, columns = shape[1] // height, shape[2] // width
        x, data = _input(model, random, shape, dtype)
        y = _like(model, x, (1, rows, columns, shape[3]))
        options = schema.Pool2DOptionsT(
            padding=padding,
            strideH=stride_h,
            strideW=stride_w,
            filterHeight=height,
            filterWidth=width,
            fusedActivationFunction=_pick(random, (NONE, NONE, RELU, RELU6)),
        )
        model.op(kind, [x], y, options)
        return model.finish([x], [y]), data

    return draw


def _reduce(kind: str, dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _pick(random, (_image(random), _image(random), _any_shape(random)))
        rank = len(shape)
        axes = tuple(
            sorted(int(n) for n in random.permutation(np.arange(1, rank))[: random.integers(1, 4)])
        )
        if rank == 4 and random.random() < 0.5:
            axes = (1, 2)
        keeps = bool(random.random() < 0.6)
        x, data = _input(model, random, shape, dtype)
        out = tuple(
            1 if axis in axes else size
            for axis, size in enumerate(shape)
            if keeps or axis not in axes
        )
        scale, zero_point = x.scale, x.zero_point
        if kind == "MEAN" and dtype == "int8" and random.random() < 0.6:
            scale = float(np.float32(scale * 2 ** random.uniform(-1.5, 0.5)))
            zero_point = _zero_point(random)
        y = model.tensor(out, dtype, scale, zero_point)
        signed = [axis - rank if random.random() < 0.2 else axis for axis in axes]
        model.op(kind, [x, model.integers(signed)], y, schema.ReducerOptionsT(keeps))
        return model.finish([x], [y]), data

    return draw


_BINARY_OPTIONS = {
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


def _binary(kind: str, dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    picks = kind in ("MINIMUM", "MAXIMUM")

    def quantisation(random: Random, x: Value) -> tuple[float, int]:
        if dtype == "float32":
            return 0.0, 0
        if picks:
            return x.scale, x.zero_point
        scale = x.scale * 2 ** random.uniform(-3, 3)
        return float(np.float32(scale)), _zero_point(random)

    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _any_shape(random)
        if random.random() < 0.05:
            shape = (1, 3, 4, 2, 5)
        options = _BINARY_OPTIONS[kind]()
        if not picks and kind != "SQUARED_DIFFERENCE":
            options.fusedActivationFunction = _pick(random, (NONE, NONE, NONE, RELU, RELU6))
        x, data = _input(model, random, shape, dtype)
        scale, zero_point = quantisation(random, x)
        if random.random() < 0.6:
            other = _narrowed(random, shape)
            values = _floats(random, other) if dtype == "float32" else _bytes(random, other)
            second = model.tensor(other, dtype, scale, zero_point, data=values)
        else:
            second = _flattened(model, random, _sliced(model, random, x))
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


def _sliced(model: OpModel, random: Random, x: Value) -> Value:
    """Cut some axes of a variable down to their first index."""
    kept = [size if random.random() < 0.6 else 1 for size in x.shape]
    if tuple(kept) == x.shape:
        return x
    y = _like(model, x, tuple(kept))
    zeros, ones = [0] * len(kept), [1] * len(kept)
    limits = [model.integers(zeros), model.integers(kept), model.integers(ones)]
    return model.op("STRIDED_SLICE", [x, *limits], y, schema.StridedSliceOptionsT())


def _flattened(model: OpModel, random: Random, x: Value) -> Value:
    """Leave out leading axes of size 1, at times."""
    ones = next((axis for axis, size in enumerate(x.shape) if size != 1), 0)
    if ones < 2 or random.random() < 0.5:
        return x
    out = x.shape[int(random.integers(1, ones + 1)) :]
    if len(out) > 2 and out[0] != 1:  # several windows
        return x
    options = schema.ReshapeOptionsT(newShape=list(out))
    return model.op("RESHAPE", [x, model.integers(out)], _like(model, x, out), options)


def _concatenation(dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _any_shape(random)
        axis = int(random.integers(1, len(shape)))
        x, data = _input(model, random, shape, dtype)
        parts = [x]
        for _ in range(int(random.integers(1, 4))):
            size = int(random.integers(1, shape[axis] + 1))
            other = (*shape[:axis], size, *shape[axis + 1 :])
            if random.random() < 0.3:
                values = _floats(random, other) if dtype == "float32" else _bytes(random, other)
                part = model.tensor(other, dtype, x.scale, x.zero_point, data=values)
            elif size == shape[axis]:
                part = x
            else:
                part = _like(model, x, other)
                limits = [[0] * len(shape), list(other), [1] * len(shape)]
                options = schema.StridedSliceOptionsT()
                model.op("STRIDED_SLICE", [x, *map(model.integers, limits)], part, options)
            parts.insert(int(random.integers(len(parts) + 1)), part)
        size = sum(part.shape[axis] for part in parts)
        y = _like(model, x, (*shape[:axis], size, *shape[axis + 1 :]))
        signed = axis - len(shape) if random.random() < 0.3 else axis
        model.op("CONCATENATION", parts, y, schema.ConcatenationOptionsT(axis=signed))
        return model.finish([x], [y]), data

    return draw


def _pad(kind: str, dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _any_shape(random)
        amounts = random.integers(0, 4, (len(shape), 2))
        amounts[0] = 0
        x, data = _input(model, random, shape, dtype)
        inputs = [x, model.integers(amounts)]
        if kind == "PADV2":
            value = _floats(random, ()) if dtype == "float32" else _bytes(random, (1,))[0]
            inputs.append(model.tensor((1,), dtype, x.scale, x.zero_point, data=np.array([value])))
        out = tuple(int(size + n.sum()) for size, n in zip(shape, amounts, strict=True))
        y = _like(model, x, out)
        options = schema.PadV2OptionsT() if kind == "PADV2" else schema.PadOptionsT()
        model.op(kind, inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def _reshape(dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        a, b, c = (int(n) for n in random.integers(1, 9, 3))
        forms = [
            (1, a, b, c),
            (1, a, b * c),
            (1, a * b, c),
            (1, a * b * c),
            (1, b, 1, a, c),
            (1, c, b, a),
            (1, a, 1, b * c),
            (a, b * c),
            (1, 2 * a, b, c),
        ]
        shape = forms[int(random.integers(len(forms) - 1))]
        size = int(np.prod(shape))
        out = _pick(random, [form for form in forms if np.prod(form) == size])
        x, data = _input(model, random, shape, dtype)
        y = _like(model, x, out)
        options = schema.ReshapeOptionsT(newShape=list(out))
        model.op("RESHAPE", [x, model.integers(out)], y, options)
        return model.finish([x], [y]), data

    return draw


def _squeeze(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = (1, int(random.integers(1, 9)), 1, int(random.integers(1, 9)))
    x, data = _input(model, random, shape, _pick(random, ("int8", "float32")))
    y = _like(model, x, (1, shape[1], shape[3]))
    model.op("SQUEEZE", [x], y, schema.SqueezeOptionsT(squeezeDims=[2]))
    return model.finish([x], [y]), data


def _expand(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = (1, int(random.integers(1, 9)), int(random.integers(1, 9)))
    axis = int(random.integers(0, 4))
    x, data = _input(model, random, shape, _pick(random, ("int8", "float32")))
    out = (*shape[:axis], 1, *shape[axis:])
    y = _like(model, x, out)
    model.op("EXPAND_DIMS", [x, model.integers([axis])], y, schema.ExpandDimsOptionsT())
    return model.finish([x], [y]), data


def _transpose(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = _any_shape(random)
    rank = len(shape)
    order = [0, *(int(n) for n in 1 + random.permutation(rank - 1))]
    if rank == 2:
        order = [1, 0]
    x, data = _input(model, random, shape, _pick(random, ("int8", "float32")))
    y = _like(model, x, tuple(shape[axis] for axis in order))
    model.op("TRANSPOSE", [x, model.integers(order)], y, schema.TransposeOptionsT())
    return model.finish([x], [y]), data


def _slice(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = _any_shape(random)
    while True:
        begin = [0, *(int(random.integers(-n, n)) for n in shape[1:])]
        end = [shape[0], *(int(random.integers(-n, n + 3)) for n in shape[1:])]
        step = [1, *(int(_pick(random, (1, 1, 1, 2, 3, -1, -2))) for _ in shape[1:])]
        masks = [int(random.integers(2 ** len(shape))) & ~1 for _ in range(2)]
        shrink = int(_pick(random, (0, 0, 0, 2, 1 << (len(shape) - 1))))
        index: list[Any] = []
        for axis in range(len(shape)):
            if shrink >> axis & 1:
                step[axis] = 1
                begin[axis] = int(random.integers(shape[axis]))
                end[axis] = begin[axis] + 1
                masks = [mask & ~(1 << axis) for mask in masks]
                index.append(begin[axis])
                continue
            first = None if masks[0] >> axis & 1 else begin[axis]
            last = None if masks[1] >> axis & 1 else end[axis]
            index.append(slice(first, last, step[axis]))
        out = np.zeros(shape)[tuple(index)].shape
        if np.prod(out) > 0 and len(out) > 0:
            break
    x, data = _input(model, random, shape, _pick(random, ("int8", "float32")))
    y = _like(model, x, tuple(out))
    options = schema.StridedSliceOptionsT(
        beginMask=masks[0], endMask=masks[1], shrinkAxisMask=shrink
    )
    limits = [model.integers(values) for values in (begin, end, step)]
    model.op("STRIDED_SLICE", [x, *limits], y, options)
    return model.finish([x], [y]), data


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
    return float(np.float32(top / 200 * 2 ** random.uniform(-2, 1))), _zero_point(random)


def _function(kind: str, dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _any_shape(random)
        x, data = _input(model, random, shape, dtype)
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


def _split(kind: str, dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        parts = int(random.integers(1, 5))
        shape = list(_any_shape(random))
        axis = int(random.integers(1, len(shape)))
        lengths = [int(n) for n in random.integers(1, 4, parts)]
        if kind == "SPLIT":
            lengths = lengths[:1] * parts
        shape[axis] = sum(lengths)
        x, data = _input(model, random, tuple(shape), dtype)
        outputs = [
            _like(model, x, (*shape[:axis], length, *shape[axis + 1 :])) for length in lengths
        ]
        given = model.integers(axis - len(shape) if random.random() < 0.3 else axis)
        if kind == "SPLIT":
            model.split(kind, [given, x], outputs, schema.SplitOptionsT(numSplits=parts))
        else:
            if random.random() < 0.4:
                lengths[int(random.integers(parts))] = -1
            inputs = [x, model.integers(lengths), given]
            model.split(kind, inputs, outputs, schema.SplitVOptionsT(numSplits=parts))
        return model.finish([x], outputs), data

    return draw


def _pack(dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _any_shape(random)
        x, data = _input(model, random, shape, dtype)
        parts = [x] * int(random.integers(1, 4))
        for _ in range(int(random.integers(0, 3))):
            values = _floats(random, shape) if dtype == "float32" else _bytes(random, shape)
            constant = model.tensor(shape, dtype, x.scale, x.zero_point, data=values)
            parts.insert(int(random.integers(len(parts) + 1)), constant)
        axis = int(random.integers(1, len(shape) + 1))
        if len(shape) == 2 and shape[0] > 1:  # several windows
            axis, parts = 0, parts[:1]
        if all(part is not x for part in parts):
            parts[0] = x
        y = _like(model, x, (*shape[:axis], len(parts), *shape[axis:]))
        signed = axis - len(y.shape) if random.random() < 0.3 else axis
        options = schema.PackOptionsT(valuesCount=len(parts), axis=signed)
        model.op("PACK", parts, y, options)
        return model.finish([x], [y]), data

    return draw


def _unary(kind: str, dtype: str) -> Callable[[Random], tuple[bytes, Array]]:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = _any_shape(random)
        x, data = _input(model, random, shape, dtype)
        options = None
        scale, zero_point = x.scale, x.zero_point
        if dtype == "int8" and random.random() < 0.8:
            scale = float(np.float32(scale * 2 ** random.uniform(-2, 3)))
            zero_point = _zero_point(random)
        if kind == "LEAKY_RELU":
            alpha = float(_pick(random, (0.01, 0.2, 0.001, 1.5, random.uniform(0, 1))))
            options = schema.LeakyReluOptionsT(alpha=alpha)
        if kind == "SOFTMAX":
            options = schema.SoftmaxOptionsT(beta=float(_pick(random, (1.0, 1.0, 0.5))))
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


def _quantise(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = _any_shape(random)
    x, data = _input(model, random, shape, "float32")
    y = model.tensor(shape, "int8", _scale(random), _zero_point(random))
    model.op("QUANTIZE", [x], y, schema.QuantizeOptionsT())
    return model.finish([x], [y]), data


def _requantise(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = _any_shape(random)
    x, data = _input(model, random, shape, "int8")
    scale = float(np.float32(x.scale * 2 ** random.uniform(-8.5, 9)))
    y = model.tensor(shape, "int8", scale, _zero_point(random))
    model.op("QUANTIZE", [x], y, schema.QuantizeOptionsT())
    return model.finish([x], [y]), data


def _dequantise(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = _any_shape(random)
    x, data = _input(model, random, shape, "int8")
    y = model.tensor(shape, "float32")
    model.op("DEQUANTIZE", [x], y, schema.DequantizeOptionsT())
    return model.finish([x], [y]), data


def _network(random: Random) -> tuple[bytes, Array]:
    """Quantise, pad, convolve, pool, join a branch, average, and leave as float."""
    model = OpModel()
    frames, bands = int(random.integers(12, 30)), int(random.integers(8, 24))
    shape = (1, frames, bands, 1)
    x = model.tensor(shape, "float32")
    data = random.uniform(-1, 2, shape).astype(np.float32)
    q = model.tensor(shape, "int8", 3 / 255, -43)
    model.op("QUANTIZE", [x], q, schema.QuantizeOptionsT())
    padded = _like(model, q, (1, frames + 2, bands, 1))
    amounts = model.integers([[0, 0], [1, 1], [0, 0], [0, 0]])
    model.op("PAD", [q, amounts], padded, schema.PadOptionsT())
    channels = int(_pick(random, (8, 18)))
    inputs, y = _filters(
        model, random, padded, (channels, 3, 5, 1), 0, (1, frames, bands - 4, channels)
    )
    valid = schema.Conv2DOptionsT(padding=VALID, strideH=1, strideW=1)
    model.op("CONV_2D", inputs, y, valid)
    best = _like(model, y, (1, frames, 1, channels))
    pool = schema.Pool2DOptionsT(
        padding=VALID, strideH=1, strideW=bands - 4, filterHeight=1, filterWidth=bands - 4
    )
    model.op("MAX_POOL_2D", [y], best, pool)
    bounds = _bytes(random, (1, 1, 1, channels))
    bound = model.tensor((1, 1, 1, channels), "int8", y.scale, y.zero_point, data=bounds)
    limited = _like(model, best, best.shape)
    model.op("MAXIMUM", [best, bound], limited, schema.MaximumMinimumOptionsT())
    joined = _like(model, best, (1, frames, 1, 2 * channels))
    model.op("CONCATENATION", [best, limited], joined, schema.ConcatenationOptionsT(axis=3))
    real = model.tensor(joined.shape, "float32")
    model.op("DEQUANTIZE", [joined], real, schema.DequantizeOptionsT())
    mean = model.tensor((1, 2 * channels), "float32")
    model.op("MEAN", [real, model.integers([1, 2])], mean, schema.ReducerOptionsT(False))
    return model.finish([x], [mean]), data


Draw = Callable[[Random], tuple[bytes, Array]]

_UNARY = ("RELU", "RELU6", "LEAKY_RELU", "ELU", "LOGISTIC", "TANH", "HARD_SWISH")

_FUNCTIONS = ("ABS", "EXP", "LOG", "RSQRT", "SQRT")

_TIMES = 4

# How many of each, in so many turns, and how to draw one.
_DRAWN: dict[str, tuple[int, Draw]] = {
    "CONV_2D": (170, _conv),
    "DEPTHWISE_CONV_2D": (90, _depthwise),
    "QUANTIZE": (15, _quantise),
    "QUANTIZE int8": (40, _requantise),
    "DEQUANTIZE": (12, _dequantise),
    "SQUEEZE": (8, _squeeze),
    "EXPAND_DIMS": (12, _expand),
    "TRANSPOSE": (40, _transpose),
    "STRIDED_SLICE": (60, _slice),
    "NEG": (12, _function("NEG", "float32")),
    "SQUARE": (12, _function("SQUARE", "float32")),
    "network": (25, _network),
}
for _dtype, _share in (("int8", 2), ("float32", 1)):
    _name = "" if _dtype == "int8" else " float"
    _DRAWN[f"FULLY_CONNECTED{_name}"] = (30 * _share, _dense(_dtype))
    _DRAWN[f"TRANSPOSE_CONV{_name}"] = (40 * _share, _transpose_conv(_dtype))
    _DRAWN[f"MAX_POOL_2D{_name}"] = (25 * _share, _pool("MAX_POOL_2D", _dtype))
    _DRAWN[f"AVERAGE_POOL_2D{_name}"] = (25 * _share, _pool("AVERAGE_POOL_2D", _dtype))
    _DRAWN[f"MEAN{_name}"] = (30 * _share, _reduce("MEAN", _dtype))
    _DRAWN[f"REDUCE_MAX{_name}"] = (15 * _share, _reduce("REDUCE_MAX", _dtype))
    for _kind in _BINARY_OPTIONS:
        if _kind == "DIV" and _dtype == "int8":
            continue
        _DRAWN[f"{_kind}{_name}"] = (30 * _share, _binary(_kind, _dtype))
    _DRAWN[f"CONCATENATION{_name}"] = (25 * _share, _concatenation(_dtype))
    _DRAWN[f"PAD{_name}"] = (20 * _share, _pad("PAD", _dtype))
    _DRAWN[f"PADV2{_name}"] = (10 * _share, _pad("PADV2", _dtype))
    _DRAWN[f"RESHAPE{_name}"] = (15 * _share, _reshape(_dtype))
    for _kind in _UNARY:
        _DRAWN[f"{_kind}{_name}"] = (12 * _share, _unary(_kind, _dtype))
    for _kind in _FUNCTIONS:
        _DRAWN[f"{_kind}{_name}"] = (15 * _share, _function(_kind, _dtype))
    for _kind in ("SPLIT", "SPLIT_V"):
        _DRAWN[f"{_kind}{_name}"] = (15 * _share, _split(_kind, _dtype))
    _DRAWN[f"PACK{_name}"] = (15 * _share, _pack(_dtype))
    _DRAWN[f"SOFTMAX{_name}"] = (15 * _share, _unary("SOFTMAX", _dtype))

KINDS = tuple(_DRAWN)
