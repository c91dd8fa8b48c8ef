"""A network as operators on float arrays of fixed shapes: what every reader makes of its file.

:class:`GraphBuilder` has a method an operator. What depends on constants alone is computed at once,
so a finished graph has only what depends on its inputs. Images are (1, height, width, channels).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin.errors import ModelError
from pyplugin.models.graphs.wire import MOST_VALUES
from pyplugin.support.arrays import Array, Float32

_MOST_FOLDED = 1 << 28  # elements of all constants that are computed
_MOST_GROUPS, _FARTHEST = 4096, 1 << 16

Shape = tuple[int, ...]
Amounts = tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Value:
    """An array of the graph: an input, a result of a step, or a constant."""

    shape: Shape
    name: str = ""
    constant: Array | None = None

    @property
    def is_vector(self) -> bool:
        """Whether all axes but the last are 1."""
        return bool(self.shape) and self.size == self.shape[-1]

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, eq=False)
class Step:
    """An operator with its inputs, its result and its options."""

    kind: str
    inputs: tuple[Value, ...]
    output: Value
    options: Mapping[str, Any]


@dataclass(eq=False)
class Graph:
    """A network.

    Attributes
    ----------
    inputs, outputs
        By name, in the order of the file; the first dimension is the batch, 1.
    steps
        In an order in which they can run.
    names
        What the file calls results of steps.
    """

    inputs: dict[str, Value]
    outputs: dict[str, Value]
    steps: list[Step] = field(default_factory=list)
    names: Mapping[Value, str] = field(default_factory=dict)

    def run(self, *inputs: npt.ArrayLike) -> dict[str, Float32]:
        """Compute the outputs in numpy.

        Examples
        --------
        >>> builder = GraphBuilder()
        >>> x = builder.input("x", (1, 2))
        >>> graph = builder.finish({"y": builder.dense(x, np.ones((2, 1)), np.zeros(1))})
        >>> graph.run([[1, 2]])["y"]
        array([[3.]], dtype=float32)
        """
        known: dict[Value, Array] = {}
        for value, given in zip(self.inputs.values(), inputs, strict=True):
            known[value] = np.asarray(given, np.float32).reshape(value.shape)

        def of(value: Value) -> Array:
            return known[value] if value.constant is None else value.constant

        for step in self.steps:
            known[step.output] = compute(step.kind, [of(x) for x in step.inputs], step.options)
        return {name: np.asarray(of(value), np.float32) for name, value in self.outputs.items()}

    @property
    def multiplications(self) -> int:
        """Multiply-adds of convolutions and matrices."""
        total = 0
        for step in self.steps:
            if step.kind in ("conv", "depthwise", "dense"):
                kernel = step.inputs[1].shape
                each = math.prod(kernel[:2] if step.kind == "depthwise" else kernel[:-1])
                total += step.output.size * each
        return total


UNARY: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "square": np.square,
    "abs": np.abs,
    "neg": np.negative,
}
"""Operators on each element alone."""

BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "squared_difference": lambda x, y: np.square(x - y),
}
"""Operators on two arrays, the smaller one broadcast."""

REDUCTIONS: dict[str, Callable[..., Array]] = {
    "mean": np.mean,
    "sum": np.sum,
    "reduce_max": np.max,
    "reduce_min": np.min,
}
"""Operators that leave out axes."""


def compute(kind: str, inputs: Sequence[Array], options: Mapping[str, Any]) -> Array:
    """Return the result of an operator on arrays."""
    with np.errstate(all="ignore"):
        return np.asarray(_compute(kind, inputs, options))


def _compute(kind: str, inputs: Sequence[Array], options: Mapping[str, Any]) -> Array:
    x = inputs[0]
    if kind in UNARY:
        return UNARY[kind](x)
    if kind in BINARY:
        return BINARY[kind](x, inputs[1])
    if kind in REDUCTIONS:
        return REDUCTIONS[kind](x, axis=options["axes"], keepdims=options["keep"])
    if kind == "leaky_relu":
        return np.where(x > 0, x, options["slope"] * x)
    if kind == "softmax":
        shifted = np.exp(x - x.max(axis=-1, keepdims=True))
        return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))
    if kind == "dense":
        return x @ inputs[1] + inputs[2]
    if kind == "reshape":
        return x.reshape(options["shape"])
    if kind == "transpose":
        return x.transpose(options["axes"])
    if kind == "concat":
        return np.concatenate(inputs, axis=options["axis"])
    if kind == "pad":
        return np.pad(x, options["amounts"])
    if kind == "slice":
        return x[tuple(slice(*each) for each in options["ranges"])]
    return _slid(kind, inputs, options)


def _slid(kind: str, inputs: Sequence[Array], options: Mapping[str, Any]) -> Array:
    """Return the result of an operator whose window slides over an image."""
    around = ((0, 0), *options["padding"], (0, 0))
    fill = -np.inf if kind == "max_pool" else 0.0
    x = np.pad(inputs[0], around, constant_values=fill)
    dilation = options.get("dilation", (1, 1))
    size = options["size"] if "size" in options else inputs[1].shape[:2]
    reach = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    windows = windows[:, :: options["stride"][0], :: options["stride"][1]]
    windows = windows[..., :: dilation[0], :: dilation[1]]  # (1, h, w, channels, kh, kw)
    if kind == "max_pool":
        return np.asarray(windows.max(axis=(4, 5)))
    if kind == "mean_pool":
        ones = np.pad(np.ones((1, *inputs[0].shape[1:3], 1), x.dtype), around)
        each = np.lib.stride_tricks.sliding_window_view(ones, reach, axis=(1, 2))
        each = each[:, :: options["stride"][0], :: options["stride"][1]]
        return np.asarray(windows.sum(axis=(4, 5)) / each.sum(axis=(4, 5)))
    if kind == "depthwise":
        result = np.einsum("bhwcij,ijcm->bhwcm", windows, inputs[1], optimize=True)
        return np.asarray(result.reshape(*result.shape[:3], -1) + inputs[2])
    return np.tensordot(windows, inputs[1], axes=((4, 5, 3), (0, 1, 2))) + inputs[2]


class GraphBuilder:
    """Makes a graph, operator by operator; arrays given instead of values are constants.

    Raises
    ------
    ModelError
        By every method: shapes do not suit an operator, or an array would be too large.
    """

    def __init__(self) -> None:
        self._inputs: dict[str, Value] = {}
        self._steps: list[Step] = []
        self._made_by: dict[Value, Step] = {}
        self._folded_values = 0

    def input(self, name: str, shape: Sequence[int]) -> Value:
        """Add an input."""
        value = Value(tuple(shape), name)
        if value.size > MOST_VALUES:
            raise ModelError(f"An array of shape {list(shape)} is too large for a network here.")
        self._inputs[name] = value
        return value

    def finish(self, outputs: Mapping[str, Value]) -> Graph:
        """Return the graph of these outputs, without what they do not need."""
        pending, needed = list(outputs.values()), set()
        while pending:
            value = pending.pop()
            step = self._made_by.get(value)
            if value not in needed and step is not None:
                pending += step.inputs
            needed.add(value)
        steps = [step for step in self._steps if step.output in needed]
        inputs = {name: value for name, value in self._inputs.items() if value in needed}
        return Graph(inputs, dict(outputs), steps)

    # ---- operators

    def unary(self, kind: str, x: Value) -> Value:
        """Apply one of :data:`UNARY`."""
        before = self._transposed(x)
        if before is not None:
            return self.transpose(self.unary(kind, before[0]), before[1])
        return self._step(kind, (x,), x.shape)

    def leaky_relu(self, x: Value, slope: float) -> Value:
        """Multiply what is negative by a slope."""
        with np.errstate(over="ignore"):
            factor = float(np.float32(slope))
        if not math.isfinite(factor):
            raise ModelError(f"A slope of {slope} cannot be.")
        return self._step("leaky_relu", (x,), x.shape, slope=factor)

    def softmax(self, x: Value) -> Value:
        """Make the last axis a distribution."""
        return self._step("softmax", (x,), x.shape)

    def binary(self, kind: str, x: Value, y: Value) -> Value:
        """Apply one of :data:`BINARY`."""
        try:
            shape = np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            raise ModelError(
                f"Arrays of shapes {list(x.shape)} and {list(y.shape)} do not suit each other."
            ) from None
        folded = self._folded(kind, x, y)
        if folded is not None:
            return folded
        swapped = self._below_transpose(kind, x, y, shape)
        return self._step(kind, (x, y), shape) if swapped is None else swapped

    def reduce(self, kind: str, x: Value, axes: Sequence[int], *, keep: bool) -> Value:
        """Apply one of :data:`REDUCTIONS` over axes; those stay with size 1 if `keep`."""
        rank = len(x.shape)
        gone = tuple(sorted({axis % rank for axis in axes}))
        before = self._transposed(x)
        if before is not None and keep:
            inner, order = before
            below = tuple(order[axis] for axis in gone)
            return self.transpose(self.reduce(kind, inner, below, keep=True), order)
        shape = [1 if axis in gone else size for axis, size in enumerate(x.shape)]
        y = self._step(kind, (x,), tuple(shape), axes=gone, keep=True)
        left = [size for axis, size in enumerate(x.shape) if axis not in gone]
        return y if keep else self.reshape(y, left)

    def dense(self, x: Value, kernel: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Value:
        """Multiply (..., in) by a constant (in, out) and add a bias (out,)."""
        weights = _constant(kernel)
        if len(weights.shape) != 2 or not x.shape or x.shape[-1] != weights.shape[0]:
            raise ModelError(
                f"A matrix of shape {list(weights.shape)} cannot multiply {list(x.shape)}."
            )
        offset = _constant(np.zeros(weights.shape[1]) if bias is None else bias)
        return self._step("dense", (x, weights, offset), (*x.shape[:-1], weights.shape[1]))

    def conv(
        self,
        x: Value,
        kernel: npt.ArrayLike,
        bias: npt.ArrayLike | None = None,
        *,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        padding: Amounts | str = "valid",
        groups: int = 1,
    ) -> Value:
        """Convolve an image with a constant (height, width, in / groups, out).

        `padding` is ``"valid"``, ``"same"`` or the zeros before and after height and width.
        """
        weights = np.asarray(kernel, np.float32)
        if weights.ndim != 4 or len(x.shape) != 4 or x.shape[3] != weights.shape[2] * groups:
            raise ModelError(
                f"A kernel of shape {list(weights.shape)} cannot convolve {list(x.shape)}."
            )
        if groups > _MOST_GROUPS:
            raise ModelError(f"A convolution in {groups} groups is too large for a network here.")
        if groups > 1 and weights.shape[2] == 1 and weights.shape[3] % groups == 0:
            each = weights.shape[3] // groups
            weights = weights.reshape(*weights.shape[:2], groups, each)
            kind, channels = "depthwise", groups * each
        elif groups > 1:
            return self._grouped(x, weights, bias, stride, dilation, padding, groups)
        else:
            kind, channels = "conv", weights.shape[3]
        offset = _constant(np.zeros(channels) if bias is None else bias)
        if not all(1 <= each <= _FARTHEST for each in dilation):
            raise ModelError(f"A dilation of {list(dilation)} cannot be.")
        reach = [(weights.shape[i] - 1) * dilation[i] + 1 for i in range(2)]
        around, size = _window(x.shape, reach, stride, padding)
        options = {"stride": stride, "dilation": dilation, "padding": around}
        shape = (1, *size, channels)
        return self._step(kind, (x, _constant(weights), offset), shape, **options)

    def pool(
        self,
        kind: str,
        x: Value,
        size: tuple[int, int],
        *,
        stride: tuple[int, int],
        padding: Amounts | str = "valid",
    ) -> Value:
        """Take the maximum (``"max_pool"``) or mean (``"mean_pool"``) of windows of an image."""
        if len(x.shape) != 4:
            raise ModelError(f"An array of shape {list(x.shape)} cannot be pooled.")
        around, left = _window(x.shape, size, stride, padding)
        shape = (1, *left, x.shape[3])
        return self._step(kind, (x,), shape, size=size, stride=stride, padding=around)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """Give another shape to the same elements; one dimension may be -1."""
        known = math.prod(size for size in shape if size != -1)
        full = tuple(x.size // max(known, 1) if size == -1 else size for size in shape)
        if math.prod(full) != x.size or any(size < 0 for size in full):
            raise ModelError(f"An array of shape {list(x.shape)} cannot become {list(shape)}.")
        if full == x.shape:
            return x
        made = self._made_by.get(x)
        if made is not None and made.kind == "reshape":
            return self.reshape(made.inputs[0], full)
        before = self._transposed(x)
        if before is not None:  # a transpose that moves axes of size 1 only is a reshape
            inner, order = before
            if [axis for axis in order if inner.shape[axis] > 1] == sorted(
                axis for axis in order if inner.shape[axis] > 1
            ):
                return self.reshape(inner, full)
        return self._step("reshape", (x,), full, shape=full)

    def transpose(self, x: Value, axes: Sequence[int]) -> Value:
        """Put the axes into another order."""
        order = tuple(axis % len(x.shape) for axis in axes)
        if sorted(order) != list(range(len(x.shape))):
            raise ModelError(f"An array of {len(x.shape)} axes cannot be put in order {axes}.")
        before = self._transposed(x)
        if before is not None:
            return self.transpose(before[0], [before[1][axis] for axis in order])
        if order == tuple(range(len(order))):
            return x
        shape = tuple(x.shape[axis] for axis in order)
        return self._step("transpose", (x,), shape, axes=order)

    def concat(self, parts: Sequence[Value], axis: int) -> Value:
        """Join along an axis."""
        axis %= len(parts[0].shape)
        others = {(*part.shape[:axis], *part.shape[axis + 1 :]) for part in parts}
        if len(others) != 1:
            raise ModelError(
                f"Arrays of shapes {[list(part.shape) for part in parts]} cannot be joined."
            )
        if len(parts) == 1:
            return parts[0]
        below = [self._transposed(part) for part in parts]
        orders = {each[1] for each in below if each is not None}
        if None not in below and len(orders) == 1:
            (order,) = orders
            inner = [each[0] for each in below if each is not None]
            return self.transpose(self.concat(inner, order[axis]), order)
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        return self._step("concat", tuple(parts), tuple(shape), axis=axis)

    def pad(self, x: Value, amounts: Amounts) -> Value:
        """Put zeros before and after each axis."""
        if not any(map(any, amounts)):
            return x
        before = self._transposed(x)
        if before is not None:
            inner, order = before
            below = tuple(amounts[order.index(axis)] for axis in range(len(order)))
            return self.transpose(self.pad(inner, below), order)
        _check_amounts(amounts)
        shape = tuple(size + sum(each) for size, each in zip(x.shape, amounts, strict=True))
        return self._step("pad", (x,), shape, amounts=tuple(amounts))

    def slice(self, x: Value, ranges: Sequence[tuple[int, int, int]]) -> Value:
        """Take (first, end, step) of each axis."""
        sizes = zip(x.shape, ranges, strict=True)
        full = [(0, size, 1) for size in x.shape]
        shape = tuple(len(range(size)[slice(*each)]) for size, each in sizes)
        if list(ranges) == full:
            return x
        return self._step("slice", (x,), shape, ranges=tuple(ranges))

    def matmul(self, x: Value, y: Value) -> Value:
        """Multiply; one of the two must be constant."""
        if y.constant is not None and len(y.shape) == 2:
            return self.dense(x, y.constant)
        raise ModelError("A product of two arrays that depend on the input cannot be imported.")

    # ---- inside

    def _step(self, kind: str, inputs: tuple[Value, ...], shape: Shape, /, **options: Any) -> Value:
        if math.prod(shape) > MOST_VALUES:
            raise ModelError(f"An array of shape {list(shape)} is too large for a network here.")
        constants = [x.constant for x in inputs if x.constant is not None]
        if len(constants) == len(inputs):
            self._folded_values += math.prod(shape)
            if self._folded_values > _MOST_FOLDED:
                raise ModelError("Its constants are too large for a network here.")
            return Value(shape, constant=compute(kind, constants, options).reshape(shape))
        if any(size < 1 for size in shape):
            raise ModelError(f"An array of shape {list(shape)} that depends on the input is empty.")
        step = Step(kind, inputs, Value(shape), options)
        self._steps.append(step)
        self._made_by[step.output] = step
        return step.output

    def _transposed(self, x: Value) -> tuple[Value, tuple[int, ...]] | None:
        """Return what was put into another order to make this, and the order."""
        step = self._made_by.get(x)
        if step is None or step.kind != "transpose":
            return None
        return step.inputs[0], step.options["axes"]

    def _folded(self, kind: str, x: Value, y: Value) -> Value | None:
        """Return x combined with y where a convolution or matrix takes it, or it does nothing."""
        if x.constant is not None and kind in ("add", "mul"):
            x, y = y, x
        if y.constant is None or x.constant is not None:
            return None
        neutral = {"add": 0.0, "sub": 0.0, "mul": 1.0, "div": 1.0}.get(kind)
        shape = np.broadcast_shapes(x.shape, y.shape)
        if neutral is not None and shape == x.shape and (y.constant == neutral).all():
            return x
        step = self._made_by.get(x)
        if step is None or step.kind not in ("conv", "depthwise", "dense") or neutral is None:
            return None
        channels = x.shape[-1]
        if shape != x.shape or y.size not in (1, channels) or (y.size > 1 and y.shape[-1] == 1):
            return None
        source, kernel, bias = step.inputs
        factor = np.broadcast_to(y.constant.astype(np.float64).reshape(-1), (channels,))
        weights, offset = _array(kernel), _array(bias)
        if kind in ("add", "sub"):
            offset = offset + (factor if kind == "add" else -factor)
        else:
            factor = factor if kind == "mul" else 1 / factor
            shaped = factor.reshape(kernel.shape[2:]) if step.kind == "depthwise" else factor
            weights, offset = weights * shaped, offset * factor
        inputs = (source, _constant(weights), _constant(offset))
        return self._step(step.kind, inputs, x.shape, **step.options)

    def _below_transpose(self, kind: str, x: Value, y: Value, shape: Shape) -> Value | None:
        """Combine before a transpose that both have, so that it meets its inverse later on."""
        below = [self._transposed(each) for each in (x, y)]
        order = next((each[1] for each in below if each is not None), None)
        if order is None or len(shape) != len(order):
            return None
        inner = []
        for value, before in zip((x, y), below, strict=True):
            if before is not None and before[1] == order:
                inner.append(before[0])
            elif before is None and value.constant is not None:
                rank = (1,) * (len(order) - len(value.shape))
                inverse = np.argsort(order)
                turned = value.constant.reshape(rank + value.shape).transpose(inverse)
                inner.append(Value(turned.shape, constant=turned))
            else:
                return None
        return self.transpose(self.binary(kind, *inner), order)

    def _grouped(
        self,
        x: Value,
        weights: Float32,
        bias: npt.ArrayLike | None,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        padding: Amounts | str,
        groups: int,
    ) -> Value:
        taken, made = weights.shape[2], weights.shape[3] // groups
        offset = np.zeros(weights.shape[3]) if bias is None else np.asarray(bias)
        parts = []
        for group in range(groups):
            ranges = [(0, size, 1) for size in x.shape[:3]]
            part = self.slice(x, [*ranges, (group * taken, (group + 1) * taken, 1)])
            own = slice(group * made, (group + 1) * made)
            kernel = weights[..., own]
            parts.append(
                self.conv(
                    part, kernel, offset[own], stride=stride, dilation=dilation, padding=padding
                )
            )
        return self.concat(parts, 3)


def constant(values: npt.ArrayLike) -> Value:
    """Return a constant of any type."""
    array = np.asarray(values)
    return Value(array.shape, constant=array)


def same_padding(sizes: Sequence[int], window: Sequence[int], stride: Sequence[int]) -> Amounts:
    """Return the zeros before and after each axis by which the result has size / stride.

    Examples
    --------
    >>> same_padding((96,), (3,), (2,))
    ((0, 1),)
    """
    amounts = []
    for size, reach, step in zip(sizes, window, stride, strict=True):
        total = max((-(-size // step) - 1) * step + reach - size, 0)
        amounts.append((total // 2, total - total // 2))
    return tuple(amounts)


def _constant(values: npt.ArrayLike) -> Value:
    return constant(np.asarray(values, np.float32))


def _array(value: Value) -> npt.NDArray[np.float64]:
    return np.asarray(value.constant, np.float64)


def _check_amounts(amounts: Amounts) -> None:
    if min(map(min, amounts)) < 0:
        raise ModelError(f"A padding of {[list(each) for each in amounts]} cannot be.")


def _window(
    shape: Shape, reach: Sequence[int], stride: Sequence[int], padding: Amounts | str
) -> tuple[Amounts, tuple[int, int]]:
    """Return the padding in numbers, and height and width of the result."""
    if not all(1 <= each <= _FARTHEST for each in (*reach, *stride)):
        raise ModelError(f"A window of {list(reach)} that moves by {list(stride)} cannot be.")
    if padding == "same":
        around = same_padding(shape[1:3], reach, stride)
    elif isinstance(padding, str):
        around = ((0, 0), (0, 0))
    else:
        _check_amounts(padding)
        around = padding
    left = [(shape[1 + i] + sum(around[i]) - reach[i]) // stride[i] + 1 for i in range(2)]
    if min(left) < 1:
        raise ModelError(
            f"A window of {reach[0]} by {reach[1]} does not fit into an image of {shape[1]} by "
            f"{shape[2]}."
        )
    return around, (left[0], left[1])
