"""Networks as heads, where they are short chains on an embedding, or as ``.tflite`` files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models import heads
from pyplugin.models.graphs.graph import BINARY, REDUCTIONS, Graph, Step, Value, same_padding
from pyplugin.models.tflite import GraphWriter, Padding, Tensor
from pyplugin.support.arrays import Float64

_LOWEST = -3.4e38  # what padding is for a maximum

# ---- heads


def stages_of(graph: Graph) -> tuple[heads.HeadStage, ...] | None:
    """Return a network as stages of a head; ``None`` where it is none.

    It is one if it has one input and one output, is a chain, and has matrices, scales, offsets and
    the activations of :data:`pyplugin.models.heads.ACTIVATIONS` only.

    Examples
    --------
    >>> from pyplugin.models.graphs.graph import GraphBuilder
    >>> builder = GraphBuilder()
    >>> x = builder.input("x", (1, 2))
    >>> y = builder.softmax(builder.dense(x, np.eye(2), np.zeros(2)))
    >>> [type(stage).__name__ for stage in stages_of(builder.finish({"y": y}))]
    ['Dense']
    """
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        return None
    (value,), (end,) = graph.inputs.values(), graph.outputs.values()
    if not value.is_vector:
        return None
    stages: list[heads.HeadStage] = []
    for step in graph.steps:
        if step.inputs[0] is not value or not step.output.is_vector:
            return None
        stage = _stage(step, stages)
        last = stages[-1] if stages else None
        if isinstance(stage, heads.Affine) and isinstance(last, heads.Affine):
            scale, offset = (np.asarray(each) for each in (stage.scale, stage.offset))
            stages[-1] = heads.Affine(last.scale * scale, last.offset * scale + offset)
        elif stage is not None:
            stages.append(stage)
        elif step.kind != "reshape" and not _joined(step, stages):
            return None
        value = step.output
    return tuple(stages) if stages and value is end else None


def _stage(step: Step, before: Sequence[heads.HeadStage]) -> heads.HeadStage | None:
    """Return the stage that a step begins, if it begins one."""
    if step.kind == "dense":
        kernel, bias = (np.asarray(each.constant, np.float64) for each in step.inputs[1:])
        return heads.Dense(kernel.T, bias)
    size = step.inputs[0].size
    if step.kind in BINARY and len(step.inputs) == 2 and step.inputs[1].constant is not None:
        operand = np.asarray(step.inputs[1].constant, np.float64).reshape(-1)
        values: Float64 = np.broadcast_to(operand, (size,))
        ones, zeros = np.ones(size), np.zeros(size)
        pairs = {"mul": (values, zeros), "add": (ones, values), "sub": (ones, -values)}
        if step.kind in pairs:
            return heads.Affine(*pairs[step.kind])
    alone = not before or not isinstance(before[-1], heads.Dense) or before[-1].activation != "none"
    if step.kind in _ACTIVATIONS and alone:
        return heads.Dense(np.eye(size), np.zeros(size), _ACTIVATIONS[step.kind])
    return None


_ACTIVATIONS = {"relu": "relu", "tanh": "tanh", "sigmoid": "logistic", "softmax": "softmax"}


def _joined(step: Step, stages: list[heads.HeadStage]) -> bool:
    """Make an activation that of the matrix before it."""
    last = stages[-1] if stages else None
    if step.kind not in _ACTIVATIONS or not isinstance(last, heads.Dense):
        return False
    stages[-1] = heads.Dense(last.weights, last.bias, _ACTIVATIONS[step.kind])
    return True


# ---- .tflite


def tflite_of(graph: Graph, *, description: str = "") -> bytes:
    """Return a network as a float ``.tflite`` file with its inputs and outputs by name.

    Raises
    ------
    ModelError
        An operator has no counterpart, or the package that holds the schema is missing.
    """
    return Writer(graph).finish(description)


class Writer:
    """Writes one graph in float; a subclass may write some steps in another way."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.writer = graph, GraphWriter()
        self._tensors: dict[Value, Tensor] = {}
        self._count = 0
        self._taken = {*graph.inputs, *graph.outputs}

    def finish(self, description: str) -> bytes:
        """Write all steps; return the file."""
        inputs = {name: self.writer.input(name, x.shape) for name, x in self.graph.inputs.items()}
        self._tensors |= dict(zip(self.graph.inputs.values(), inputs.values(), strict=True))
        for step in self.graph.steps:
            self._count += 1
            tensor = self.written(step, self._name(step))
            if tensor is not None:
                self._tensors[step.output] = tensor
        outputs = {}
        for name, value in self.graph.outputs.items():
            outputs[name] = self.writer.reshape(name, self.of(value), value.shape)
        return self.writer.finish(inputs, outputs, description=description)

    def _name(self, step: Step) -> str:
        """Return the name of a step: that in its file, or its kind and number."""
        name = self.graph.names.get(step.output, "")
        if not name or name in self._taken:
            name = f"{step.kind}_{self._count}"
        self._taken.add(name)
        return name

    def of(self, value: Value) -> Tensor:
        """Return the float tensor of a value."""
        tensor = self._tensors.get(value)
        if tensor is None:
            values = np.asarray(value.constant, np.float32)
            tensor = self.writer.constant(f"constant_{len(self._tensors)}", values)
            self._tensors[value] = tensor
        return tensor

    def written(self, step: Step, name: str) -> Tensor | None:
        """Write one step; return its result, or None where a subclass keeps it."""
        write = _WRITERS.get(step.kind)
        if write is not None:
            return write(self, step, name)
        kind, options = _PLAIN[step.kind]
        inputs = [self.of(x) for x in step.inputs]
        return self.writer.operator(name, kind, inputs, step.output.shape, options)

    def padded(
        self, step: Step, name: str, lowest: float = 0.0, tensor: Tensor | None = None
    ) -> tuple[Tensor, Padding]:
        """Return the image to slide over, and the padding that is left to the operator."""
        x, around = step.inputs[0], step.options["padding"]
        tensor = self.of(x) if tensor is None else tensor
        if not any(map(any, around)):
            return tensor, "valid"
        dilation = step.options.get("dilation", (1, 1))
        size = step.options["size"] if "size" in step.options else step.inputs[1].shape[:2]
        reach = [(n - 1) * d + 1 for n, d in zip(size, dilation, strict=True)]
        if around == same_padding(x.shape[1:3], reach, step.options["stride"]):
            return tensor, "same"
        amounts = ((0, 0), *around, (0, 0))
        if lowest == 0.0:
            return self.writer.pad(f"{name}/padded", tensor, amounts), "valid"
        shape = [n + sum(each) for n, each in zip(x.shape, amounts, strict=True)]
        inputs = [
            tensor,
            self.writer.constant(f"{name}/amounts", np.array(amounts, np.int32)),
            self.writer.constant(f"{name}/lowest", np.array([lowest], np.float32)),
        ]
        padded = self.writer.operator(f"{name}/padded", "PADV2", inputs, shape, ("PadV2", {}))
        return padded, "valid"

    def _conv(self, step: Step, name: str) -> Tensor:
        x, padding = self.padded(step, name)
        kernel = np.moveaxis(np.asarray(step.inputs[1].constant, np.float32), -1, 0)
        return self.writer.conv_2d(
            name,
            x,
            self.writer.constant(f"{name}/filters", kernel),
            self.of(step.inputs[2]),
            padding=padding,
            stride=step.options["stride"],
            dilation=step.options["dilation"],
        )

    def _depthwise(self, step: Step, name: str) -> Tensor:
        x, padding = self.padded(step, name)
        kernel = np.asarray(step.inputs[1].constant, np.float32)
        height, width, channels, each = kernel.shape
        filters = kernel.reshape(1, height, width, channels * each)
        stride, dilation = step.options["stride"], step.options["dilation"]
        options = {
            "padding": ("same", "valid").index(padding),
            "strideH": stride[0],
            "strideW": stride[1],
            "depthMultiplier": each,
            "dilationHFactor": dilation[0],
            "dilationWFactor": dilation[1],
        }
        inputs = [x, self.writer.constant(f"{name}/filters", filters), self.of(step.inputs[2])]
        shape = step.output.shape
        return self.writer.operator(
            name, "DEPTHWISE_CONV_2D", inputs, shape, ("DepthwiseConv2D", options)
        )

    def _dense(self, step: Step, name: str) -> Tensor:
        kernel = np.asarray(step.inputs[1].constant, np.float32).T
        inputs = [
            self.of(step.inputs[0]),
            self.writer.constant(f"{name}/weights", np.ascontiguousarray(kernel)),
            self.of(step.inputs[2]),
        ]
        keep = ("FullyConnected", {"keepNumDims": len(step.output.shape) > 2})
        return self.writer.operator(name, "FULLY_CONNECTED", inputs, step.output.shape, keep)

    def _pool(self, step: Step, name: str) -> Tensor:
        most = step.kind == "max_pool"
        x, padding = self.padded(step, name, _LOWEST if most else 0.0)
        if not most and padding == "valid" and any(map(any, step.options["padding"])):
            raise ModelError("A mean over a window that reaches past the edge cannot be written.")
        size, stride = step.options["size"], step.options["stride"]
        options = {
            "padding": ("same", "valid").index(padding),
            "strideH": stride[0],
            "strideW": stride[1],
            "filterHeight": size[0],
            "filterWidth": size[1],
        }
        kind = "MAX_POOL_2D" if most else "AVERAGE_POOL_2D"
        return self.writer.operator(name, kind, [x], step.output.shape, ("Pool2D", options))

    def _reduced(self, step: Step, name: str) -> Tensor:
        kinds = dict(zip(REDUCTIONS, ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), strict=True))
        axes = self.writer.constant(f"{name}/axes", np.array(step.options["axes"], np.int32))
        inputs = [self.of(step.inputs[0]), axes]
        options = ("Reducer", {"keepDims": True})
        return self.writer.operator(name, kinds[step.kind], inputs, step.output.shape, options)

    def _reshaped(self, step: Step, name: str) -> Tensor:
        return self.writer.reshape(name, self.of(step.inputs[0]), step.output.shape)

    def _transposed(self, step: Step, name: str) -> Tensor:
        order = self.writer.constant(f"{name}/order", np.array(step.options["axes"], np.int32))
        inputs = [self.of(step.inputs[0]), order]
        return self.writer.operator(name, "TRANSPOSE", inputs, step.output.shape, ("Transpose", {}))

    def _joined(self, step: Step, name: str) -> Tensor:
        parts = [self.of(x) for x in step.inputs]
        return self.writer.concatenation(name, parts, axis=step.options["axis"])

    def _padding(self, step: Step, name: str) -> Tensor:
        return self.writer.pad(name, self.of(step.inputs[0]), step.options["amounts"])

    def _sliced(self, step: Step, name: str) -> Tensor:
        ranges = np.array(step.options["ranges"], np.int32).T
        tables = [
            self.writer.constant(f"{name}/{what}", np.ascontiguousarray(row))
            for what, row in zip(("begin", "end", "step"), ranges, strict=True)
        ]
        inputs = [self.of(step.inputs[0]), *tables]
        shape = step.output.shape
        return self.writer.operator(name, "STRIDED_SLICE", inputs, shape, ("StridedSlice", {}))


_PLAIN: dict[str, tuple[str, tuple[str, dict[str, Any]] | None]] = {
    "relu": ("RELU", None),
    "relu6": ("RELU6", None),
    "elu": ("ELU", None),
    "sigmoid": ("LOGISTIC", None),
    "tanh": ("TANH", None),
    "exp": ("EXP", ("Exp", {})),
    "log": ("LOG", None),
    "sqrt": ("SQRT", None),
    "rsqrt": ("RSQRT", None),
    "square": ("SQUARE", ("Square", {})),
    "abs": ("ABS", ("Abs", {})),
    "neg": ("NEG", ("Neg", {})),
    "softmax": ("SOFTMAX", ("Softmax", {"beta": 1.0})),
    "add": ("ADD", ("Add", {})),
    "sub": ("SUB", ("Sub", {})),
    "mul": ("MUL", ("Mul", {})),
    "div": ("DIV", ("Div", {})),
    "maximum": ("MAXIMUM", ("MaximumMinimum", {})),
    "minimum": ("MINIMUM", ("MaximumMinimum", {})),
    "squared_difference": ("SQUARED_DIFFERENCE", ("SquaredDifference", {})),
}

_WRITERS: dict[str, Callable[[Writer, Step, str], Tensor]] = {
    "conv": Writer._conv,
    "depthwise": Writer._depthwise,
    "dense": Writer._dense,
    "max_pool": Writer._pool,
    "mean_pool": Writer._pool,
    **dict.fromkeys(REDUCTIONS, Writer._reduced),
    "reshape": Writer._reshaped,
    "transpose": Writer._transposed,
    "concat": Writer._joined,
    "pad": Writer._padding,
    "slice": Writer._sliced,
    "leaky_relu": lambda writer, step, name: writer.writer.operator(
        name,
        "LEAKY_RELU",
        [writer.of(step.inputs[0])],
        step.output.shape,
        ("LeakyRelu", {"alpha": float(step.options["slope"])}),
    ),
}
