"""What models of one operation are drawn from: shapes, values, quantisation."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from op_models import Array, OpModel, Value, schema

Random = np.random.Generator
Shape = tuple[int, ...]
Draw = Callable[[Random], tuple[bytes, Array]]

NONE, RELU, RELU_N1_TO_1, RELU6 = range(4)


def pick(random: Random, options: Sequence[Any]) -> Any:
    return options[int(random.integers(len(options)))]


def any_scale(random: Random) -> float:
    return float(np.float32(10 ** random.uniform(-3, -0.5)))


def any_zero_point(random: Random) -> int:
    return int(pick(random, (-128, 127, 0, *random.integers(-128, 128, 3))))


def any_bytes(random: Random, shape: Shape) -> Array:
    low, high = pick(random, ((-128, 128), (-128, 128), (-128, 128), (-20, 30), (120, 128)))
    values = random.integers(low, high, shape)
    if random.random() < 0.1:
        values = np.where(random.random(shape) < 0.5, -128, 127)
    return values.astype(np.int8)


def any_floats(random: Random, shape: Shape, spread: float = 3.0) -> Array:
    return random.normal(0, spread, shape).astype(np.float32)


def any_image(random: Random, *, largest: int = 14, channels: Sequence[int] = ()) -> Shape:
    height, width = (int(n) for n in random.integers(1, largest, 2))
    depth = int(pick(random, channels or (1, 2, 3, 4, 7, 16, 17, 33)))
    return (1, height, width, depth)


def any_shape(random: Random) -> Shape:
    sizes = [int(n) for n in random.integers(1, 9, 3)]
    return pick(
        random,
        (
            (1, *sizes),
            (1, *sizes),
            (1, *sizes[:2]),
            (int(sizes[0]), int(sizes[1]) * 9),
            (1, int(random.integers(1, 300))),
        ),
    )


def add_input(model: OpModel, random: Random, shape: Shape, dtype: str) -> tuple[Value, Array]:
    if dtype == "float32":
        return model.tensor(shape, dtype), any_floats(random, shape)
    value = model.tensor(shape, dtype, any_scale(random), any_zero_point(random))
    return value, any_bytes(random, shape)


def add_like(model: OpModel, x: Value, shape: Shape) -> Value:
    return model.tensor(shape, x.dtype, x.scale, x.zero_point)


def sliced(model: OpModel, random: Random, x: Value) -> Value:
    """Cut some axes of a variable down to their first index."""
    kept = [size if random.random() < 0.6 else 1 for size in x.shape]
    if tuple(kept) == x.shape:
        return x
    y = add_like(model, x, tuple(kept))
    zeros, ones = [0] * len(kept), [1] * len(kept)
    limits = [model.integers(zeros), model.integers(kept), model.integers(ones)]
    return model.op("STRIDED_SLICE", [x, *limits], y, schema.StridedSliceOptionsT())


def flattened(model: OpModel, random: Random, x: Value) -> Value:
    """Leave out leading axes of size 1, at times."""
    ones = next((axis for axis, size in enumerate(x.shape) if size != 1), 0)
    if ones < 2 or random.random() < 0.5:
        return x
    out = x.shape[int(random.integers(1, ones + 1)) :]
    if len(out) > 2 and out[0] != 1:  # several windows
        return x
    options = schema.ReshapeOptionsT(newShape=list(out))
    return model.op("RESHAPE", [x, model.integers(out)], add_like(model, x, out), options)
