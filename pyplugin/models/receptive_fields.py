"""Which mel frames each value of a layer depends on, found from the operators of the network.

The first and the last frame of each value go through the operators in the place of the value: a
convolution takes the least and the greatest of its window, a sum those of its operands. This is
exact for the range of frames, whatever the weights are; an operator that is not known here counts
as one that reads everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from pyplugin.errors import ModelError
from pyplugin.models.tflite_file import FileOperator, TfliteFile

_NEVER = 1 << 30  # first frame of a value that depends on none; -_NEVER is its last

Ints = npt.NDArray[np.int64]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class UnitFields:
    """The units of a layer, and the frames of the patch that each of their values depends on.

    Attributes
    ----------
    shape
        Of the layer, the batch first.
    units
        The axis of the units (channels).
    time
        The axis along which the values of a unit follow each other in time; ``None`` where each
        unit has one value, or several for the same frames.
    first, last
        (positions, units) of int: the first and the last frame of the patch.

    Examples
    --------
    >>> from pyplugin.models import registry
    >>> fields = unit_fields(registry.load("scene").data, "layer_4")
    >>> fields.first.shape, int(fields.first[0, 0]), int(fields.last[0, 0])
    ((117, 96), 0, 8)
    """

    shape: Shape
    units: int
    time: int | None
    first: Ints
    last: Ints

    @property
    def frames(self) -> Ints:
        """Length of the receptive field of each unit, (units,): the longest of its positions."""
        return np.asarray((self.last - self.first).max(axis=0) + 1)


def unit_fields(data: bytes, layer: str, *, channels_first: bool = False) -> UnitFields:
    """Return the units of a layer of a ``.tflite`` network and their receptive fields.

    Parameters
    ----------
    data
        The file; its input is (1, frames, bands).
    layer
        One of those that ``tagnode models layers`` lists.
    channels_first
        The units are along the first axis after the batch, as in PyTorch, instead of the last.

    Raises
    ------
    ModelError
        There is no such layer, or it does not depend on the input.
    """
    file = TfliteFile(data)
    index = file.tensor(layer)
    fields = _through(file, index)
    if fields is None or (fields.first > fields.last).all():
        raise ModelError(f"The layer {layer!r} does not depend on the input; choose another one.")
    if fields.shape[0] != 1:  # a layer without a batch, such as (time, channels)
        first, last = fields.first[np.newaxis], fields.last[np.newaxis]
        fields = _Fields((1, *fields.shape), first, last)
    return _by_unit(fields, channels_first)


def whole_window(shape: Sequence[int], frames: int) -> UnitFields:
    """Return the units of a layer of whose operators nothing is known: each sees every frame.

    Parameters
    ----------
    shape
        Of the layer, the batch first. Of an image, the second axis has the units, as in PyTorch;
        otherwise the last one.
    frames
        Of a patch.

    Examples
    --------
    >>> fields = whole_window((1, 64, 10, 3), 96)
    >>> fields.units, fields.first.shape, fields.frames.max().item()
    (1, (1, 64), 96)
    """
    full = tuple(shape) if shape[0] == 1 else (1, *shape)
    units = 1 if len(full) == 4 else len(full) - 1
    first = np.zeros((1, full[units]), np.int64)
    return UnitFields(full, units, None, first, first + frames - 1)


@dataclass(frozen=True)
class _Fields:
    """First and last frame of each value; an axis of one stands for one along which all agree."""

    shape: Shape
    first: Ints
    last: Ints

    def whole(self) -> tuple[Ints, Ints]:
        """Return both with their full shape."""
        return np.broadcast_to(self.first, self.shape), np.broadcast_to(self.last, self.shape)


def _fields(shape: Sequence[int], first: Ints, last: Ints) -> _Fields:
    """Return fields of that shape, with axes of one where all agree."""
    for axis in range(first.ndim):
        ends = [np.take(each, [0], axis) for each in (first, last)]
        if first.shape[axis] > 1 and (first == ends[0]).all() and (last == ends[1]).all():
            first, last = ends
    return _Fields(tuple(shape), first, last)


def _through(file: TfliteFile, wanted: int) -> _Fields | None:
    """Return the fields of a tensor; ``None`` if it depends on nothing."""
    shape = file.shape(file.source)
    if len(shape) != 3:
        raise ModelError(f"The network takes {list(shape)}; 1, frames and bands are expected.")
    frames = np.arange(shape[1], dtype=np.int64).reshape(1, -1, 1)
    known = {file.source: _Fields(shape, frames, frames)}
    for operator in file.operators:
        inputs = [known.get(index) for index in operator.inputs]
        if any(inputs):
            found = list(_applied(file, operator, inputs))
            known |= dict(zip(operator.outputs, found, strict=True))
        if wanted in known:
            break
    return known.get(wanted)


_Inputs = list[_Fields | None]
_Rule = Callable[[TfliteFile, FileOperator, _Inputs], "list[_Fields] | None"]


def _applied(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> Iterator[_Fields]:
    rule = _RULES.get(operator.kind)
    found = rule(file, operator, inputs) if rule is not None else None
    given = [each for each in inputs if each is not None]
    for number, index in enumerate(operator.outputs):
        shape = file.shape(index)
        if found is not None:
            yield _fields(shape, found[number].first, found[number].last)
        else:
            one = (1,) * len(shape)
            first = min(int(each.first.min()) for each in given)
            last = max(int(each.last.max()) for each in given)
            yield _Fields(shape, np.full(one, first), np.full(one, last))


def _least(fields: _Fields, axes: Sequence[int], *, keep: bool) -> _Fields:
    """Return the union over some axes."""
    first = fields.first.min(axis=tuple(axes), keepdims=keep)
    return _Fields((), first, fields.last.max(axis=tuple(axes), keepdims=keep))


def _union(many: Sequence[_Fields]) -> _Fields:
    first = reduce(np.minimum, [each.first for each in many])
    return _Fields((), first, reduce(np.maximum, [each.last for each in many]))


def _mapped(fields: _Fields, change: Callable[[Ints], Ints]) -> _Fields:
    """Return what a change of places makes of all values."""
    first, last = fields.whole()
    return _Fields((), change(first), change(last))


def _elementwise(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields]:
    return [_union([each for each in inputs if each is not None])]


def _reshaped(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    shape, x = file.shape(operator.outputs[0]), inputs[0]
    return None if x is None else [_mapped(x, lambda values: values.reshape(shape))]


def _slid(
    values: _Fields, axis: int, window: int, step: int, dilation: int, before: int, count: int
) -> _Fields:
    """Return the union over windows along an axis; beyond the edges there is nothing."""
    if values.first.shape[axis] == 1:
        return values
    reach = (count - 1) * step + (window - 1) * dilation + 1
    after = max(reach - before - values.first.shape[axis], 0)
    amounts = [(0, 0)] * values.first.ndim
    amounts[axis] = (before, after)
    first = np.pad(values.first, amounts, constant_values=_NEVER)
    last = np.pad(values.last, amounts, constant_values=-_NEVER)
    parts = []
    for number in range(window):
        places = number * dilation + step * np.arange(count)
        parts.append(_Fields((), np.take(first, places, axis), np.take(last, places, axis)))
    return _union(parts)


def _windowed(
    file: TfliteFile, operator: FileOperator, x: _Fields, window: Shape, dilation: Shape
) -> _Fields:
    """Return the union over the windows of a convolution or a pool."""
    options, out = operator.options, file.shape(operator.outputs[0])
    found = x
    for axis, step in ((1, int(options.strideH)), (2, int(options.strideW))):
        size, skip, count = window[axis - 1], dilation[axis - 1], out[axis]
        reach = (count - 1) * step + (size - 1) * skip + 1
        before = max(reach - x.shape[axis], 0) // 2 if options.padding == 0 else 0
        found = _slid(found, axis, size, step, skip, before, count)
    return found


def _convolved(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, options = inputs[0], operator.options
    if x is None:
        return None
    window = file.shape(operator.inputs[1])[1:3]
    dilation = (int(options.dilationHFactor), int(options.dilationWFactor))
    found = _windowed(file, operator, x, window, dilation)
    if operator.kind == "CONV_2D":
        return [_least(found, [3], keep=True)]
    if found.first.shape[3] > 1:
        times = file.shape(operator.outputs[0])[3] // x.shape[3]
        first, last = (np.repeat(each, times, axis=3) for each in (found.first, found.last))
        found = _Fields((), first, last)
    return [found]


def _pooled(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, options = inputs[0], operator.options
    if x is None:
        return None
    window = (int(options.filterHeight), int(options.filterWidth))
    return [_windowed(file, operator, x, window, (1, 1))]


def _dense(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, out = inputs[0], file.shape(operator.outputs[0])
    if x is None or inputs[1] is not None:
        return None
    read = file.shape(operator.inputs[1])[-1]
    shape = (*out[:-1], 1)
    first, last = x.whole()
    least, most = first.reshape(-1, read).min(axis=1), last.reshape(-1, read).max(axis=1)
    return [_Fields((), least.reshape(shape), most.reshape(shape))]


def _multiplied(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields]:
    parts = []
    for axis, turned, x in (
        (-1, operator.options.adjX, inputs[0]),
        (-2, operator.options.adjY, inputs[1]),
    ):
        if x is not None:
            turn = (
                (lambda values: np.swapaxes(values, -1, -2)) if turned else (lambda values: values)
            )
            parts.append(_least(_mapped(x, turn), [axis], keep=True))
    return [_union(parts)]


def _reduced(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, axes = inputs[0], file.integers(operator.inputs[1])
    if x is None or axes is None:
        return None
    wanted = [int(axis) % len(x.shape) for axis in axes.reshape(-1)]
    return [_least(x, wanted, keep=bool(operator.options.keepDims))]


def _normalised(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x = inputs[0]
    return None if x is None else [_least(x, [len(x.shape) - 1], keep=True)]


def _turned(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, order = inputs[0], file.integers(operator.inputs[1])
    if x is None or order is None:
        return None
    axes = [int(axis) for axis in order]
    return [_Fields((), x.first.transpose(axes), x.last.transpose(axes))]


def _padded(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, amounts = inputs[0], file.integers(operator.inputs[1])
    if x is None or amounts is None:
        return None
    first, last = x.whole()
    pairs = [(int(a), int(b)) for a, b in amounts]
    first = np.pad(first, pairs, constant_values=_NEVER)
    return [_Fields((), first, np.pad(last, pairs, constant_values=-_NEVER))]


def _whole_or_nothing(file: TfliteFile, index: int, fields: _Fields | None) -> tuple[Ints, Ints]:
    """Return the full fields of an operand, also of a constant."""
    if fields is not None:
        return fields.whole()
    shape = file.shape(index)
    return np.full(shape, _NEVER), np.full(shape, -_NEVER)


def _joined(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields]:
    join = np.concatenate if operator.kind == "CONCATENATION" else np.stack
    pairs = [
        _whole_or_nothing(file, index, each)
        for index, each in zip(operator.inputs, inputs, strict=True)
    ]
    axis = int(operator.options.axis)
    first, last = (join(parts, axis=axis) for parts in zip(*pairs, strict=True))
    return [_Fields((), first, last)]


def _split(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    """SPLIT (axis, x), SPLIT_V (x, sizes, axis) and UNPACK (x)."""
    kind = operator.kind
    x = inputs[1 if kind == "SPLIT" else 0]
    if kind == "UNPACK":
        axis: int | None = int(operator.options.axis)
    else:
        given = file.integers(operator.inputs[0 if kind == "SPLIT" else 2])
        axis = None if given is None else int(given.reshape(-1)[0])
    if x is None or axis is None:
        return None
    if kind == "UNPACK":
        sizes = [1] * x.shape[axis]
    else:
        sizes = [file.shape(index)[axis] for index in operator.outputs]
    places = np.cumsum(sizes)[:-1]
    pairs = zip(*(np.split(each, places, axis) for each in x.whole()), strict=True)
    shapes = [file.shape(index) for index in operator.outputs]
    return [
        _Fields((), first.reshape(shape), last.reshape(shape))
        for (first, last), shape in zip(pairs, shapes, strict=True)
    ]


def _sliced(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x = inputs[0]
    begin, size = (file.integers(index) for index in operator.inputs[1:3])
    if x is None or begin is None or size is None:
        return None
    places = tuple(
        slice(int(at), None if count < 0 else int(at + count))
        for at, count in zip(begin, size, strict=True)
    )
    return [_mapped(x, lambda values: values[places])]


def _strided(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, options = inputs[0], operator.options
    begin, end, steps = (file.integers(index) for index in operator.inputs[1:4])
    known = x is not None and begin is not None and end is not None and steps is not None
    if not known or options.ellipsisMask or options.newAxisMask:
        return None
    assert x is not None
    assert begin is not None
    assert end is not None
    assert steps is not None
    places: list[slice | int] = []
    for axis in range(len(begin)):
        bit = 1 << axis
        if options.shrinkAxisMask & bit:
            places.append(int(begin[axis]))
            continue
        start = None if options.beginMask & bit else int(begin[axis])
        stop = None if options.endMask & bit else int(end[axis])
        places.append(slice(start, stop, int(steps[axis])))
    return [_mapped(x, lambda values: values[tuple(places)])]


def _gathered(file: TfliteFile, operator: FileOperator, inputs: _Inputs) -> list[_Fields] | None:
    x, places = inputs[0], file.integers(operator.inputs[1])
    if x is None or places is None or operator.options.batchDims:
        return None
    axis = int(operator.options.axis)
    return [_mapped(x, lambda values: np.take(values, places, axis))]


_SAME_PLACE = (  # noqa: SIM905 - one name a line would be longer than the rules
    "ABS ADD ADD_N CAST CEIL COS DEQUANTIZE DIV ELU EXP FAKE_QUANT FLOOR GELU HARD_SWISH "
    "LEAKY_RELU LOG LOGISTIC MAXIMUM MINIMUM MUL NEG POW PRELU QUANTIZE RELU RELU6 RELU_0_TO_1 "
    "RELU_N1_TO_1 ROUND RSQRT SELECT SELECT_V2 SIGN SIN SQRT SQUARE SQUARED_DIFFERENCE SUB TANH"
).split()
_RULES: dict[str, _Rule] = {
    **dict.fromkeys(_SAME_PLACE, _elementwise),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _reshaped),
    **dict.fromkeys(("CONV_2D", "DEPTHWISE_CONV_2D"), _convolved),
    **dict.fromkeys(("MAX_POOL_2D", "AVERAGE_POOL_2D", "L2_POOL_2D"), _pooled),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"), _reduced),
    **dict.fromkeys(("SOFTMAX", "LOG_SOFTMAX", "L2_NORMALIZATION"), _normalised),
    **dict.fromkeys(("PAD", "PADV2"), _padded),
    **dict.fromkeys(("CONCATENATION", "PACK"), _joined),
    **dict.fromkeys(("SPLIT", "SPLIT_V", "UNPACK"), _split),
    "FULLY_CONNECTED": _dense,
    "BATCH_MATMUL": _multiplied,
    "TRANSPOSE": _turned,
    "SLICE": _sliced,
    "STRIDED_SLICE": _strided,
    "GATHER": _gathered,
}


def _by_unit(fields: _Fields, channels_first: bool) -> UnitFields:
    """Find the axes of units and time, and take the union over all others."""
    shape, rank = fields.shape, len(fields.shape)
    varies = [axis for axis in range(1, rank) if fields.first.shape[axis] > 1]
    units = 1 if channels_first and rank > 2 else rank - 1
    time = next((axis for axis in varies if axis != units), None)
    if time is None and varies and rank > 2:  # along the last axis only
        time = units
        units = max((axis for axis in range(1, rank) if axis != time), key=lambda axis: shape[axis])
    others = [axis for axis in range(rank) if axis not in (units, time)]
    both = []
    for values, least in ((fields.first, True), (fields.last, False)):
        values = (values.min if least else values.max)(axis=tuple(others), keepdims=True)
        values = np.moveaxis(
            values, [units] if time is None else [time, units], [-1] if time is None else [-2, -1]
        )
        size = (1 if time is None else shape[time], shape[units])
        both.append(np.broadcast_to(values.reshape(values.shape[-2:]), size))
    nothing = both[0] > both[1]
    first, last = (np.where(nothing, 0, values) for values in both)
    return UnitFields(shape, units, time, first, last)
