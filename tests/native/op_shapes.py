"""Operations that move values, drawn at random."""

from typing import Any

import numpy as np
from op_drawing import Draw, Random, add_input, add_like, any_bytes, any_floats, any_shape, pick
from op_models import Array, OpModel, schema


def concatenation(dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_shape(random)
        axis = int(random.integers(1, len(shape)))
        x, data = add_input(model, random, shape, dtype)
        parts = [x]
        for _ in range(int(random.integers(1, 4))):
            size = int(random.integers(1, shape[axis] + 1))
            other = (*shape[:axis], size, *shape[axis + 1 :])
            if random.random() < 0.3:
                values = (
                    any_floats(random, other) if dtype == "float32" else any_bytes(random, other)
                )
                part = model.tensor(other, dtype, x.scale, x.zero_point, data=values)
            elif size == shape[axis]:
                part = x
            else:
                part = add_like(model, x, other)
                limits = [[0] * len(shape), list(other), [1] * len(shape)]
                options = schema.StridedSliceOptionsT()
                model.op("STRIDED_SLICE", [x, *map(model.integers, limits)], part, options)
            parts.insert(int(random.integers(len(parts) + 1)), part)
        size = sum(part.shape[axis] for part in parts)
        y = add_like(model, x, (*shape[:axis], size, *shape[axis + 1 :]))
        signed = axis - len(shape) if random.random() < 0.3 else axis
        model.op("CONCATENATION", parts, y, schema.ConcatenationOptionsT(axis=signed))
        return model.finish([x], [y]), data

    return draw


def pad(kind: str, dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_shape(random)
        amounts = random.integers(0, 4, (len(shape), 2))
        amounts[0] = 0
        x, data = add_input(model, random, shape, dtype)
        inputs = [x, model.integers(amounts)]
        if kind == "PADV2":
            value = any_floats(random, ()) if dtype == "float32" else any_bytes(random, (1,))[0]
            inputs.append(model.tensor((1,), dtype, x.scale, x.zero_point, data=np.array([value])))
        out = tuple(int(size + n.sum()) for size, n in zip(shape, amounts, strict=True))
        y = add_like(model, x, out)
        options = schema.PadV2OptionsT() if kind == "PADV2" else schema.PadOptionsT()
        model.op(kind, inputs, y, options)
        return model.finish([x], [y]), data

    return draw


def reshape(dtype: str) -> Draw:
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
        out = pick(random, [form for form in forms if np.prod(form) == size])
        x, data = add_input(model, random, shape, dtype)
        y = add_like(model, x, out)
        options = schema.ReshapeOptionsT(newShape=list(out))
        model.op("RESHAPE", [x, model.integers(out)], y, options)
        return model.finish([x], [y]), data

    return draw


def squeeze(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = (1, int(random.integers(1, 9)), 1, int(random.integers(1, 9)))
    x, data = add_input(model, random, shape, pick(random, ("int8", "float32")))
    y = add_like(model, x, (1, shape[1], shape[3]))
    model.op("SQUEEZE", [x], y, schema.SqueezeOptionsT(squeezeDims=[2]))
    return model.finish([x], [y]), data


def expand(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = (1, int(random.integers(1, 9)), int(random.integers(1, 9)))
    axis = int(random.integers(0, 4))
    x, data = add_input(model, random, shape, pick(random, ("int8", "float32")))
    out = (*shape[:axis], 1, *shape[axis:])
    y = add_like(model, x, out)
    model.op("EXPAND_DIMS", [x, model.integers([axis])], y, schema.ExpandDimsOptionsT())
    return model.finish([x], [y]), data


def transpose(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = any_shape(random)
    rank = len(shape)
    order = [0, *(int(n) for n in 1 + random.permutation(rank - 1))]
    if rank == 2:
        order = [1, 0]
    x, data = add_input(model, random, shape, pick(random, ("int8", "float32")))
    y = add_like(model, x, tuple(shape[axis] for axis in order))
    model.op("TRANSPOSE", [x, model.integers(order)], y, schema.TransposeOptionsT())
    return model.finish([x], [y]), data


def strided_slice(random: Random) -> tuple[bytes, Array]:
    model = OpModel()
    shape = any_shape(random)
    while True:
        begin = [0, *(int(random.integers(-n, n)) for n in shape[1:])]
        end = [shape[0], *(int(random.integers(-n, n + 3)) for n in shape[1:])]
        step = [1, *(int(pick(random, (1, 1, 1, 2, 3, -1, -2))) for _ in shape[1:])]
        masks = [int(random.integers(2 ** len(shape))) & ~1 for _ in range(2)]
        shrink = int(pick(random, (0, 0, 0, 2, 1 << (len(shape) - 1))))
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
    x, data = add_input(model, random, shape, pick(random, ("int8", "float32")))
    y = add_like(model, x, tuple(out))
    options = schema.StridedSliceOptionsT(
        beginMask=masks[0], endMask=masks[1], shrinkAxisMask=shrink
    )
    limits = [model.integers(values) for values in (begin, end, step)]
    model.op("STRIDED_SLICE", [x, *limits], y, options)
    return model.finish([x], [y]), data


def split(kind: str, dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        parts = int(random.integers(1, 5))
        shape = list(any_shape(random))
        axis = int(random.integers(1, len(shape)))
        lengths = [int(n) for n in random.integers(1, 4, parts)]
        if kind == "SPLIT":
            lengths = lengths[:1] * parts
        shape[axis] = sum(lengths)
        x, data = add_input(model, random, tuple(shape), dtype)
        outputs = [
            add_like(model, x, (*shape[:axis], length, *shape[axis + 1 :])) for length in lengths
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


def pack(dtype: str) -> Draw:
    def draw(random: Random) -> tuple[bytes, Array]:
        model = OpModel()
        shape = any_shape(random)
        x, data = add_input(model, random, shape, dtype)
        parts = [x] * int(random.integers(1, 4))
        for _ in range(int(random.integers(0, 3))):
            values = any_floats(random, shape) if dtype == "float32" else any_bytes(random, shape)
            constant = model.tensor(shape, dtype, x.scale, x.zero_point, data=values)
            parts.insert(int(random.integers(len(parts) + 1)), constant)
        axis = int(random.integers(1, len(shape) + 1))
        if len(shape) == 2 and shape[0] > 1:  # several windows
            axis, parts = 0, parts[:1]
        if all(part is not x for part in parts):
            parts[0] = x
        y = add_like(model, x, (*shape[:axis], len(parts), *shape[axis:]))
        signed = axis - len(y.shape) if random.random() < 0.3 else axis
        options = schema.PackOptionsT(valuesCount=len(parts), axis=signed)
        model.op("PACK", parts, y, options)
        return model.finish([x], [y]), data

    return draw
