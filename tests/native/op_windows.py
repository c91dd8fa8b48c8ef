"""Convolutions, dense layers and pools, drawn at random."""

import numpy as np
from op_drawing import (
    NONE,
    RELU,
    RELU6,
    RELU_N1_TO_1,
    Draw,
    Random,
    Shape,
    add_input,
    add_like,
    any_floats,
    any_image,
    any_zero_point,
    pick,
)
from op_models import Array, OpModel, Value, schema

SAME, VALID = range(2)


def window_size(size: int, window: int, stride: int, dilation: int, padding: int) -> int:
    if padding == SAME:
        return -(-size // stride)
    return (size - (window - 1) * dilation - 1) // stride + 1


def any_window(random: Random, shape: Shape, *, dilates: bool) -> tuple[int, ...]:
    """Draw a window that fits: padding, its size, strides, dilations, and the output's size."""
    while True:
        padding = int(random.integers(2))
        height, width = (int(n) for n in random.integers(1, 6, 2))
        stride_h, stride_w = (int(pick(random, (1, 1, 2, 3))) for _ in range(2))
        dilation_h, dilation_w = (
            int(pick(random, (1, 1, 1, 2, 3))) if dilates else 1 for _ in range(2)
        )
        if dilation_h * dilation_w > 1:
            stride_h = stride_w = 1
        rows = window_size(shape[1], height, stride_h, dilation_h, padding)
        columns = window_size(shape[2], width, stride_w, dilation_w, padding)
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


def add_filters(
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
    limit = int(pick(random, (127, 127, 20)))
    weights = random.integers(-limit, limit + 1, shape)
    filters = model.tensor(shape, "int8", scales, data=weights, axis=axis if per_channel else 0)
    taps = weights.size / channels
    spread = float(x.scale * np.median(scales) * np.sqrt(taps) * 74 * limit / 1.7)
    scale = float(np.float32(spread / 50 * 2 ** random.uniform(-1, 1.5)))
    inputs = [x, filters]
    if not needs_bias and random.random() < 0.3:
        return inputs, model.tensor(out, "int8", scale, any_zero_point(random))
    real = random.normal(0, spread, channels)
    steps = np.rint(real / (x.scale * scales.astype(np.float64)))
    bias_scales = (np.float32(x.scale) * scales).astype(np.float32)
    bias = np.clip(steps, -(2**30), 2**30).astype(np.int32)
    inputs.append(model.tensor((channels,), "int32", bias_scales, data=bias))
    return inputs, model.tensor(out, "int8", scale, any_zero_point(random))


def _weigh(
    model: OpModel,
    random: Random,
    x: Value,
    shape: Shape,
    axis: int,
    out: Shape,
    *,
    needs_bias: bool = False,
) -> tuple[list[Value], Value]:
    """Add weights, at times a bias, and the output, in the type of the input."""
    if x.dtype == "int8":
        return add_filters(model, random, x, shape, axis, out, needs_bias=needs_bias)
    given = [x, model.tensor(shape, x.dtype, data=any_floats(random, shape, 0.3))]
    if needs_bias or random.random() < 0.7:
        bias = any_floats(random, (shape[axis],))
        given.append(model.tensor((shape[axis],), x.dtype, data=bias))
    return given, model.tensor(out, x.dtype)


def conv(dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        style = random.random()
        if style < 0.15:  # over time alone, one channel
            shape: Shape = (1, int(random.integers(32, 70)), int(random.integers(1, 40)), 1)
            height, width = int(pick(random, (8, 16, 32, 5))), 1
            padding, stride_h, stride_w, dilation_h, dilation_w = SAME, 1, 1, 1, 1
            if random.random() < 0.3:
                stride_w, padding = 2, VALID
            rows = window_size(shape[1], height, stride_h, 1, padding)
            columns = window_size(shape[2], 1, stride_w, 1, padding)
            channels = int(pick(random, (1, 18, 46)))
        else:
            shape = any_image(random, largest=20 if style < 0.3 else 12)
            padding, height, width, stride_h, stride_w, dilation_h, dilation_w, rows, columns = (
                any_window(random, shape, dilates=True)
            )
            channels = int(pick(random, (1, 3, 16, 17, 40, 81, 100)))
        x, data = add_input(model, random, shape, dtype)
        inputs, y = _weigh(
            model,
            random,
            x,
            (channels, height, width, shape[3]),
            0,
            (1, rows, columns, channels),
            needs_bias=True,
        )
        options = schema.Conv2DOptionsT(
            padding=padding,
            strideH=stride_h,
            strideW=stride_w,
            dilationHFactor=dilation_h,
            dilationWFactor=dilation_w,
            fusedActivationFunction=pick(random, (NONE, NONE, RELU, RELU6, RELU_N1_TO_1)),
        )
        model.op("CONV_2D", inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def depthwise(dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_image(random)
        padding, height, width, stride_h, stride_w, dilation_h, dilation_w, rows, columns = (
            any_window(random, shape, dilates=True)
        )
        stride_w = stride_h = min(stride_h, stride_w)
        rows = window_size(shape[1], height, stride_h, dilation_h, padding)
        columns = window_size(shape[2], width, stride_w, dilation_w, padding)
        multiplier = int(pick(random, (1, 1, 1, 2, 3)))
        channels = shape[3] * multiplier
        x, data = add_input(model, random, shape, dtype)
        inputs, y = _weigh(
            model,
            random,
            x,
            (1, height, width, channels),
            3,
            (1, rows, columns, channels),
            needs_bias=True,
        )
        options = schema.DepthwiseConv2DOptionsT(
            padding=padding,
            strideH=stride_h,
            strideW=stride_w,
            depthMultiplier=multiplier,
            dilationHFactor=dilation_h,
            dilationWFactor=dilation_w,
            fusedActivationFunction=pick(random, (NONE, NONE, RELU, RELU6)),
        )
        model.op("DEPTHWISE_CONV_2D", inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def transpose_conv(dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        out_shape = any_image(random, largest=16, channels=(1, 2, 3, 5, 8, 17))
        padding, height, width, stride_h, stride_w, _, _, rows, columns = any_window(
            random, out_shape, dilates=False
        )
        channels, depth = out_shape[3], int(pick(random, (1, 2, 3, 4, 7, 16)))
        x, data = add_input(model, random, (1, rows, columns, depth), dtype)
        shape = (channels, height, width, depth)
        given, y = _weigh(model, random, x, shape, 0, out_shape)
        options = schema.TransposeConvOptionsT(
            padding=padding,
            strideH=stride_h,
            strideW=stride_w,
            fusedActivationFunction=pick(random, (NONE, NONE, RELU, RELU6)),
        )
        inputs = [model.integers(out_shape), given[1], x, *given[2:]]
        model.op("TRANSPOSE_CONV", inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def dense(dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        depth, units = int(random.integers(1, 300)), int(random.integers(1, 90))
        batch = int(pick(random, (1, 1, 1, 5)))
        options = schema.FullyConnectedOptionsT(
            fusedActivationFunction=pick(random, (NONE, NONE, RELU, RELU6))
        )
        shape: Shape = (batch, depth)
        out: Shape = (batch, units)
        if random.random() < 0.3:
            shape = (1, batch, depth)
            if random.random() < 0.5:
                options.keepNumDims, out = True, (1, batch, units)
        elif random.random() < 0.2 and batch == 1:  # one vector of many rows
            shape, depth = (1, 4, 1, depth), 4 * depth
        x, data = add_input(model, random, shape, dtype)
        inputs, y = _weigh(model, random, x, (units, depth), 0, out)
        model.op("FULLY_CONNECTED", inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def pool(kind: str, dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_image(random)
        padding, height, width, stride_h, stride_w, _, _, rows, columns = any_window(
            random, shape, dilates=False
        )
        if random.random() < 0.2:  # all of time, or all of frequency
            padding = VALID
            height, width = (shape[1], 1) if random.random() < 0.5 else (1, shape[2])
            stride_h, stride_w = height, width
            rows, columns = shape[1] // height, shape[2] // width
        x, data = add_input(model, random, shape, dtype)
        y = add_like(model, x, (1, rows, columns, shape[3]))
        options = schema.Pool2DOptionsT(
            padding=padding,
            strideH=stride_h,
            strideW=stride_w,
            filterHeight=height,
            filterWidth=width,
            fusedActivationFunction=pick(random, (NONE, NONE, RELU, RELU6)),
        )
        model.op(kind, [x], y, options)
        return model.finish([x], [y]), data

    return draw
