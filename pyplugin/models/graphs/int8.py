"""Networks as int8 ``.tflite`` files: convolutions in integers, their ranges from recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin.models.card import CalibrationSource, Drift
from pyplugin.models.graphs.graph import Graph, Step, Value, same_padding
from pyplugin.models.graphs.lowering import Writer, tflite_of
from pyplugin.models.quantisation import (
    activation_quantisation,
    quantise_weights,
    to_int8,
)
from pyplugin.models.tflite import Quantisation, Tensor
from pyplugin.support.arrays import Float32, Float64

MOST_MEAN_DRIFT, MOST_DRIFT = 0.005, 0.15
"""Differences from float, in the mean and at the most, up to which an int8 model is taken."""

LEAST_PATCHES = 8
"""Patches of recordings without which no ranges are set."""

_BOUNDED = ("conv", "depthwise")
_SHAPED = ("max_pool", "pad", "reshape", "transpose", "slice")
_TAILS = (0.0, 1e-4, 1e-3)  # shares of an activation's values that may lie beyond its range

Ranges = Mapping[Value, tuple[float, float]]
Run = Callable[[bytes, Float32], dict[str, Float32]]


class _LiteRt:
    """Runs a ``.tflite`` file on one patch; returns its outputs by name."""

    def __init__(self) -> None:
        self._data = b""
        self._runner: Any = None

    def __call__(self, data: bytes, patch: Float32) -> dict[str, Float32]:
        """Run a file; the last one stays open."""
        if data is not self._data:
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter(model_content=data, num_threads=2)
            self._data, self._runner = data, interpreter.get_signature_runner()
        found: dict[str, Float32] = self._runner(mel=patch[None])
        return found


@dataclass(frozen=True, eq=False)
class Quantised:
    """An int8 file, and what it lost.

    Attributes
    ----------
    data
        The file.
    drift
        Differences from float on patches that were not used for the ranges.
    """

    data: bytes
    drift: Drift


def quantised(
    graph: Graph, recordings: Sequence[Float32], labels: tuple[str, ...], *, description: str = ""
) -> Quantised | None:
    """Return a network in int8.

    Parameters
    ----------
    graph
        Its input is ``mel``, its first output the predictions.
    recordings
        (n, frames, bands) of each, at least 8 patches in all. Every other recording sets the
        ranges, with the rest the result is compared; of a single one, its halves.
    labels
        Of the predictions.
    description
        Kept in the file.

    Returns
    -------
    Quantised or None
        The one of least drift of several ways to choose the ranges; None where the network has no
        convolution.
    """
    run = _LiteRt()
    bounded = with_bounds(graph)
    if not any(step.kind in _BOUNDED for step in bounded.steps):
        return None
    used, held = _parted(recordings)
    (output, *_) = graph.outputs
    whole = tflite_of(graph)
    want = np.stack([run(whole, patch)[output].reshape(-1) for patch in held])
    best: Quantised | None = None
    for ranges in _ranges(bounded, used, run):
        corrected = _corrected(bounded, ranges, used, run)
        data = _Int8Writer(corrected, ranges).finish(description)
        got = np.stack([run(data, patch)[output].reshape(-1) for patch in held])
        made = Quantised(data, _drift(got, want, labels))
        if best is None or made.drift.float_mean_abs_diff < best.drift.float_mean_abs_diff:
            best = made
    return best


def _parted(recordings: Sequence[Float32]) -> tuple[Float32, Float32]:
    """Return the patches that set the ranges, and those to compare with."""
    if len(recordings) > 1:
        return np.concatenate(recordings[::2]), np.concatenate(recordings[1::2])
    (patches,) = recordings
    middle = len(patches) // 2
    return patches[:middle], patches[middle + 1 :]  # the one between may overlap both


def source_of(recordings: Sequence[Float32]) -> CalibrationSource:
    """Return the card's statement about the recordings that set the ranges."""
    used, _ = _parted(recordings)
    count = len(recordings[::2])
    return CalibrationSource("Recordings of the person who imported it.", count, len(used))


def _drift(got: Float32, want: Float32, labels: tuple[str, ...]) -> Drift:
    difference = np.abs(got.astype(np.float64) - want)
    top = min(5, got.shape[1])
    first, second = (np.argsort(-each, axis=1)[:, :top] for each in (got, want))
    shared = [len(set(a) & set(b)) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    return Drift(
        min(float(difference.mean()), 1.0),
        min(float(difference.max()), 1.0),
        float(np.mean(shared)),
        dict(zip(labels, difference.mean(axis=0).tolist(), strict=True)),
    )


def _ranges(graph: Graph, patches: Float32, run: Run) -> Iterable[Ranges]:
    """Yield the ranges of all activations, one mapping a share of values that is cut off."""
    made = {step.output: step for step in graph.steps}
    values: dict[Value, None] = {}
    for step in graph.steps:
        if step.kind in _BOUNDED:
            values |= {_unmoved(made, step.inputs[0]): None, step.output: None}
    named = {f"v{index}": value for index, value in enumerate(values)}
    file = tflite_of(_plain(graph, named))
    lows: dict[tuple[str, float], list[float]] = {}
    highs: dict[tuple[str, float], list[float]] = {}
    for patch in patches:
        results = run(file, patch)
        for name in named:
            for tail in _TAILS:
                low, high = np.quantile(results[name], [tail, 1 - tail])
                lows.setdefault((name, tail), []).append(float(low))
                highs.setdefault((name, tail), []).append(float(high))
    for tail in _TAILS:
        yield {
            value: (min(lows[name, tail]), max(highs[name, tail])) for name, value in named.items()
        }


def _unmoved(made: Mapping[Value, Step], value: Value) -> Value:
    """Return the value of which another one has the elements, moved or some of them."""
    while value in made and made[value].kind in _SHAPED:
        value = made[value].inputs[0]
    return value


def _corrected(graph: Graph, ranges: Ranges, patches: Float32, run: Run) -> Graph:
    """Return the network with the mean error of its float matrices taken off their biases."""
    matrices = [step for step in graph.steps if step.kind == "dense"]
    named = {f"v{index}": step.output for index, step in enumerate(matrices)}
    if not named:
        return graph
    file = tflite_of(_plain(graph, named))
    want = _means(file, named, patches, run)
    for number, step in enumerate(matrices):
        outputs = {f"v{index}": value for index, value in enumerate(named.values())}
        file = _Int8Writer(Graph(graph.inputs, outputs, graph.steps), ranges).finish("")
        error = want[f"v{number}"] - _means(file, named, patches, run)[f"v{number}"]
        bias = np.asarray(step.inputs[2].constant, np.float64)
        rows = error.reshape(-1, len(bias)).mean(axis=0)
        value = Value(step.inputs[2].shape, constant=(bias + rows).astype(np.float32))
        fixed = Step("dense", (*step.inputs[:2], value), step.output, step.options)
        steps = [fixed if each.output is step.output else each for each in graph.steps]
        graph = replace(graph, steps=steps)
    return graph


def _means(file: bytes, names: Iterable[str], patches: Float32, run: Run) -> dict[str, Float64]:
    results = [run(file, patch) for patch in patches]
    return {name: np.mean([each[name] for each in results], axis=0) for name in names}


# ---- bounds: ReLU and batch norm as limits of a convolution


def with_bounds(graph: Graph) -> Graph:
    """Return a network whose convolutions have the ReLU and the batch norm after them as bounds.

    ``a * relu(c) + b`` is ``max(a c + b, b)`` where a > 0 and ``min(a c + b, b)`` elsewhere, with a
    in the weights: exact, and one rounding in int8 instead of three.
    """
    readers: dict[Value, list[Step]] = {}
    for step in graph.steps:
        for value in step.inputs:
            readers.setdefault(value, []).append(step)
    outputs = set(graph.outputs.values())

    def only_reader(value: Value, kinds: tuple[str, ...]) -> Step | None:
        found = readers.get(value, [])
        alone = len(found) == 1 and value not in outputs and found[0].kind in kinds
        return found[0] if alone else None

    steps: list[Step] = []
    gone: set[Step] = set()
    for step in graph.steps:
        if step in gone:
            continue
        relu = only_reader(step.output, ("relu", "relu6")) if step.kind in _BOUNDED else None
        if relu is None:
            steps.append(step)
            continue
        gone.add(relu)
        size = step.output.shape[-1]
        scale, shift, last = np.ones(size), np.zeros(size), relu
        for kind in ("mul", "add"):
            following = only_reader(last.output, (kind,))
            factor = None if following is None else _channels(following, last.output, size)
            if following is not None and factor is not None:
                gone.add(following)
                last = following
                scale, shift = (scale * factor, shift) if kind == "mul" else (scale, factor)
        most = 6.0 if relu.kind == "relu6" else np.inf
        steps.append(_bounded(step, last.output, scale, shift, most))
    return replace(graph, steps=steps)


def _channels(step: Step, value: Value, size: int) -> Float64 | None:
    """Return the constant that a step combines with a value, one for each channel."""
    (other,) = [each for each in step.inputs if each is not value] or [value]
    if other.constant is None or step.output.shape != value.shape:
        return None
    flat = np.asarray(other.constant, np.float64).reshape(-1)
    if flat.size not in (1, size) or (flat.size == size > 1 and other.shape[-1] != size):
        return None
    return np.broadcast_to(flat, (size,))


def _bounded(step: Step, output: Value, scale: Float64, shift: Float64, most: float) -> Step:
    source, kernel, bias = step.inputs
    weights = np.asarray(kernel.constant, np.float64)
    shaped = scale.reshape(weights.shape[2:]) if step.kind == "depthwise" else scale
    offset = np.asarray(bias.constant, np.float64) * scale + shift
    ends = shift, shift + (scale * most if np.isfinite(most) else np.sign(scale) * np.inf)
    lower, upper = np.fmin(*ends), np.fmax(*ends)
    inputs = (
        source,
        Value(kernel.shape, constant=(weights * shaped).astype(np.float32)),
        Value(bias.shape, constant=offset.astype(np.float32)),
    )
    return Step(step.kind, inputs, output, {**step.options, "lower": lower, "upper": upper})


def _plain(graph: Graph, outputs: Mapping[str, Value]) -> Graph:
    """Return a network with bounds in plain operators, and other outputs."""
    steps: list[Step] = []
    for step in graph.steps:
        lower, upper = step.options.get("lower"), step.options.get("upper")
        if lower is None or upper is None:
            steps.append(step)
            continue
        options = {k: v for k, v in step.options.items() if k not in ("lower", "upper")}
        value = Value(step.output.shape)
        steps.append(Step(step.kind, step.inputs, value, options))
        for kind, limit in (("maximum", lower), ("minimum", upper)):
            last = kind == "minimum"
            bound = Value((len(limit),), constant=np.clip(limit, -1e30, 1e30).astype("f4"))
            made = step.output if last else Value(step.output.shape)
            steps.append(Step(kind, (value, bound), made, {}))
            value = made
    return Graph(graph.inputs, dict(outputs), steps)


# ---- the file


def _moves(step: Step) -> bool:
    """Return whether a step has an int8 form that keeps the steps of its input."""
    if step.kind == "max_pool" and any(map(any, step.options["padding"])):
        reach, stride = step.options["size"], step.options["stride"]
        same = same_padding(step.inputs[0].shape[1:3], reach, stride)
        return bool(step.options["padding"] == same)  # LiteRT pads int8 with 0 only
    return step.kind in _SHAPED


class _Int8Writer(Writer):
    """Writes convolutions and what lies between them in int8, everything else in float."""

    def __init__(self, graph: Graph, ranges: Ranges) -> None:
        super().__init__(graph)
        self._ranges = ranges
        self._made = {step.output: step for step in graph.steps}
        self._integers: dict[Value, Tensor] = {}

    def of(self, value: Value) -> Tensor:
        if value not in self._tensors and value in self._integers:
            tensor = self._integers[value]
            self._tensors[value] = self.writer.dequantise(f"{tensor.name}/float", tensor)
        return super().of(value)

    def _integer(self, value: Value) -> Tensor:
        """Return the int8 form of a value."""
        if value not in self._integers:
            tensor = self.of(value)
            quantisation = activation_quantisation(*self._ranges[_unmoved(self._made, value)])
            made = self.writer.quantise(f"{tensor.name}/int8", tensor, quantisation)
            self._integers[value] = made
        return self._integers[value]

    def written(self, step: Step, name: str) -> Tensor | None:
        if step.kind in _BOUNDED:
            self._integers[step.output] = self._convolved(step, name)
            return None
        if step.inputs[0] in self._integers and _moves(step):
            self._integers[step.output] = self._moved(step, name)
            return None
        joined = step.kind == "concat" and step.output in self._ranges
        if joined and all(x in self._integers for x in step.inputs):
            self._integers[step.output] = self._concatenated(step, name)
            return None
        return super().written(step, name)

    def _convolved(self, step: Step, name: str) -> Tensor:
        x = self._integer(step.inputs[0])
        assert x.quantisation is not None
        output = activation_quantisation(*self._ranges[step.output])
        kernel, bias = (np.asarray(each.constant, np.float64) for each in step.inputs[1:])
        lower, upper = step.options.get("lower"), step.options.get("upper")
        relu = lower is not None and not np.any(lower) and upper is not None and np.all(upper >= 6)
        tensor = self._product(step, name, x, kernel, bias, output, relu=bool(relu))
        if relu or lower is None or upper is None:
            return tensor
        for kind, limit in (("minimum", upper), ("maximum", lower)):
            if np.isfinite(limit).any():
                bound = to_int8(limit[None, None, None, :], output)
                other = self.writer.constant(f"{name}/{kind}/bound", bound, output)
                tensor = getattr(self.writer, kind)(f"{name}/{kind}", tensor, other)
        return tensor

    def _product(
        self,
        step: Step,
        name: str,
        x: Tensor,
        kernel: Float64,
        bias: Float64,
        output: Quantisation,
        *,
        relu: bool,
    ) -> Tensor:
        source, padding = self.padded(step, name, tensor=x)
        assert x.quantisation is not None
        stride, dilation = step.options["stride"], step.options["dilation"]
        if step.kind == "depthwise":
            height, width, channels, each = kernel.shape
            flat = kernel.reshape(height, width, 1, channels * each)
            weights = quantise_weights(flat, bias, x.quantisation)
            filters: npt.NDArray[np.int8] = np.moveaxis(weights.filters[..., 0], 0, -1)[None]
            axis = Quantisation(weights.filter_quantisation.scale, 0, 3)
            return self.writer.depthwise(
                name,
                source,
                self.writer.constant(f"{name}/filters", np.ascontiguousarray(filters), axis),
                self.writer.constant(f"{name}/bias", weights.bias, weights.bias_quantisation),
                each=each,
                shape=step.output.shape,
                padding=padding,
                stride=stride,
                dilation=dilation,
                relu=relu,
                quantisation=output,
            )
        weights = quantise_weights(kernel, bias, x.quantisation)
        return self.writer.conv_2d(
            name,
            source,
            self.writer.constant(f"{name}/filters", weights.filters, weights.filter_quantisation),
            self.writer.constant(f"{name}/bias", weights.bias, weights.bias_quantisation),
            padding=padding,
            stride=stride,
            dilation=dilation,
            relu=relu,
            quantisation=output,
        )

    def _moved(self, step: Step, name: str) -> Tensor:
        """Write an operator that moves elements, or takes some, of an int8 tensor."""
        kept, self._tensors = self._tensors, {step.inputs[0]: self._integers[step.inputs[0]]}
        try:
            made = super().written(step, name)
        finally:
            self._tensors = kept
        assert made is not None
        return made

    def _concatenated(self, step: Step, name: str) -> Tensor:
        output = activation_quantisation(*self._ranges[step.output])
        parts = []
        for number, value in enumerate(step.inputs):
            part = self._integers[value]
            parts.append(self.writer.quantise(f"{name}/part_{number}", part, output))
        return self.writer.concatenation(name, parts, axis=step.options["axis"])
