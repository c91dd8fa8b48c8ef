"""Layers of networks, written as float or as int8 by the same calls.

A block is convolution, ReLU, batch norm, then a maximum. With the batch norm as
``a * relu(c) + b``, the block is ``max(b, a*c + b)`` where a > 0 and ``min(b, a*c + b)`` where
a < 0, and both bounds may be applied after the maximum. So ``a`` goes into the weights with its
sign, ``b`` into the bias, and two vectors of bounds remain of ReLU and batch norm.
This is exact, and in int8 it leaves one rounding where there were three.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.quantisation import (
    Calibration,
    activation_quantisation,
    quantise_weights,
    to_int8,
)
from pyplugin.models.tflite import GraphWriter, Padding, Quantisation, Tensor
from pyplugin.support.arrays import Bools, Float32, Float64

Variables = Mapping[str, Float32]

_HUGE = 1e30  # stands for infinity where a runtime might not take it
_LEAST_EFFECT = 3e-5
_EPSILON = 1e-3  # of every batch norm in the networks


@dataclass(frozen=True, eq=False)
class BatchNorm:
    """A batch norm at rest: ``scale * x + shift``, each of shape (channels,)."""

    scale: Float64
    shift: Float64


@dataclass(frozen=True, eq=False)
class Block:
    """Convolution, ReLU and batch norm as ``min(upper, max(lower, convolution))``.

    Attributes
    ----------
    kernel : ndarray, shape (height, width, in, out)
    bias, lower, upper : ndarray, shape (out,)
        The bounds may be infinite.
    """

    kernel: Float64
    bias: Float64
    lower: Float64
    upper: Float64

    def rescaled(self, inputs: Float64 | float, outputs: Float64) -> "Block":
        """Return the block for inputs divided by `inputs`, giving outputs divided by `outputs`.

        Both have one factor a channel; a negative one turns its channel over.
        """
        factors = np.broadcast_to(inputs, self.kernel.shape[2])
        lower, upper = self.lower / outputs, self.upper / outputs
        return Block(
            self.kernel * factors[:, None] / outputs,
            self.bias / outputs,
            np.minimum(lower, upper),
            np.maximum(lower, upper),
        )

    def with_outputs(self, live: Bools) -> "Block":
        """Return the block with some of its output channels only."""
        return Block(self.kernel[..., live], self.bias[live], self.lower[live], self.upper[live])

    def with_inputs(self, live: Bools, rest: Float64) -> "Block":
        """Return the block for some of its input channels, the others being always at `rest`.

        What the others give goes into the bias. Where the window reaches into padding, this is
        too much by what they would have given there, which `live_channels` bounds.
        """
        left = np.where(live, 0.0, rest) @ self.kernel.sum(axis=(0, 1))
        return Block(self.kernel[:, :, live], self.bias + left, self.lower, self.upper)

    def at_rest(self) -> Float64:
        """Return what the outputs are for an input of zeros."""
        return self._bounded(self.bias)

    def reach(self, bound: float) -> Float64:
        """Return how far the outputs can move from rest while all inputs keep within a bound."""
        sway = bound * np.abs(self.kernel).sum(axis=(0, 1, 2))
        rest = self.at_rest()
        up, down = self._bounded(self.bias + sway) - rest, rest - self._bounded(self.bias - sway)
        return np.where(up > down, up, down)

    def sensitivity(self) -> Float64:
        """Return how much an output can move when an input channel moves by one."""
        return np.asarray(np.abs(self.kernel).sum(axis=(0, 1)).max(axis=1))

    def _bounded(self, values: Float64) -> Float64:
        return np.asarray(np.clip(values, self.lower, self.upper))


def live_channels(layer: Block, readers: Float64, *, bound: float) -> Bools:
    """Return which output channels of a block matter to what reads them.

    Weight decay starves channels during training: their weights, or those that read them, end up
    all but zero. A channel counts as starved when, for no input within the bound, it moves any
    unit that reads it by more than 3e-5; such units span about ten.

    Parameters
    ----------
    layer : Block
    readers : ndarray, shape (out,)
        How much a unit that reads the channel moves when the channel moves by one.
    bound : float
        Greatest absolute value of the block's input.

    Returns
    -------
    ndarray of bool, shape (out,)
    """
    effect: Float64 = (layer.reach(bound) + np.abs(layer.at_rest())) * readers
    return effect > _LEAST_EFFECT


def batch_norm(variables: Variables, number: int) -> BatchNorm:
    """Return the batch norm of that number, counted as TensorFlow names them.

    Raises
    ------
    ModelError
        When one of its variables is missing.
    """
    name = "batch_normalization" + (f"_{number}" if number else "")
    gamma, beta, mean, variance = (
        variable(variables, f"{name}/{part}")
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + _EPSILON)
    return BatchNorm(scale, beta - mean * scale)


def kernel_and_bias(variables: Variables, layer: str) -> tuple[Float64, Float64]:
    """Return the two variables of a layer in double precision.

    Raises
    ------
    ModelError
        When one of them is missing.
    """
    return variable(variables, f"{layer}/kernel"), variable(variables, f"{layer}/bias")


def block(variables: Variables, convolution: str, norm: int) -> Block:
    """Return the block of a convolution and the batch norm of that number.

    Raises
    ------
    ModelError
        When one of its variables is missing.
    """
    kernel, bias = kernel_and_bias(variables, convolution)
    folded = batch_norm(variables, norm)
    positive = folded.scale > 0
    return Block(
        kernel * folded.scale,
        bias * folded.scale + folded.shift,
        np.where(positive, folded.shift, -np.inf),
        np.where(positive, np.inf, folded.shift),
    )


def variable(variables: Variables, name: str) -> Float64:
    """Return one variable in double precision.

    Raises
    ------
    ModelError
        When it is missing.
    """
    try:
        return variables[name].astype(np.float64)
    except KeyError:
        raise ModelError(f"The checkpoint has no variable {name!r}.") from None


class LayerWriter:
    """A graph under construction, float or int8.

    Parameters
    ----------
    calibration : Calibration, optional
        With it the graph is int8 from `quantised` to `released`, without it float throughout.

    Raises
    ------
    ModelError
        When the packages that hold the schema are not installed.
    """

    def __init__(self, calibration: Calibration | None = None) -> None:
        self.graph = GraphWriter()
        self._calibration = calibration

    def image(self, patch: int, bands: int) -> Tensor:
        """Add the input ``mel``, (1, patch, bands), and return it as an image of one channel."""
        self._mel = self.graph.input("mel", (1, patch, bands))
        return self.graph.reshape("image", self._mel, (1, patch, bands, 1))

    def finish(self, *outputs: Tensor, description: str) -> bytes:
        """Return the graph from the input of `image` to these outputs as a ``.tflite`` file."""
        named = {tensor.name: tensor for tensor in outputs}
        return self.graph.finish({"mel": self._mel}, named, description=description)

    def normalised(self, name: str, x: Tensor, norm: BatchNorm) -> Tensor:
        """Apply a batch norm to a float tensor."""
        scale = self._float(f"{name}/scale", norm.scale)
        shift = self._float(f"{name}/shift", norm.shift)
        return self.graph.add(name, self.graph.mul(f"{name}/scaled", x, scale), shift)

    def quantised(self, x: Tensor) -> Tensor:
        """Enter the int8 part of the graph, as the activation of that name; else do nothing."""
        if self._calibration is None:
            return x
        factors = self._calibration.equalisation.get(x.name)
        y = x
        if factors is not None:
            y = self._scaled(f"{x.name}/equalised", y, 1.0 / factors)
        quantisation = activation_quantisation(*self._calibration.ranges[x.name])
        return self.graph.quantise(f"{x.name}/int8", y, quantisation)

    def released(self, x: Tensor) -> Tensor:
        """Leave the int8 part of the graph from the activation of that name; else do nothing."""
        if self._calibration is None:
            return x
        y = self.graph.dequantise(f"{x.name}/float", x)
        return self._scaled(f"{x.name}/original", y, self._calibration.equalisation[x.name])

    def convolved(
        self,
        name: str,
        x: Tensor,
        layer: Block,
        *,
        reads: str,
        writes: str,
        channels: slice = slice(None),
        padding: Padding = "same",
        step: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        pool: tuple[int, int] = (1, 1),
        stride: tuple[int, int] | None = None,
    ) -> Tensor:
        """Apply a block and the maximum over windows of (height, width) after it.

        Where the bounds are those of ReLU for every channel, the convolution applies them.

        Parameters
        ----------
        name : str
            Of the result.
        x : Tensor
        layer : Block
        reads, writes : str
            The activations that `x` and the result belong to.
        channels : slice
            Which channels of the activation `writes` the result is.
        padding : {"same", "valid"}
        step, dilation : (int, int)
            Of the convolution, over height and width.
        pool, stride : (int, int)
            Height and width of the windows and of their step, which is the window by default.

        Returns
        -------
        Tensor
        """
        output = None
        if self._calibration is not None:
            output = activation_quantisation(*self._calibration.ranges[writes])
            factors = self._calibration.equalisation
            layer = layer.rescaled(factors.get(reads, 1.0), factors[writes][channels])
        filters, bias = self._weights(name, layer, x.quantisation)
        relu = not layer.lower.any() and bool(np.isposinf(layer.upper).all())
        y = self.graph.conv_2d(
            name if relu and pool == (1, 1) else f"{name}/conv",
            x,
            filters,
            bias,
            padding=padding,
            stride=step,
            dilation=dilation,
            relu=relu,
            quantisation=output,
        )
        if pool != (1, 1):
            pooled = name if relu else f"{name}/pool"
            y = self.graph.max_pool_2d(pooled, y, pool, stride=stride)
        if relu:
            return y
        if np.isfinite(layer.upper).any():
            upper = self._bound(f"{name}/upper/bound", layer.upper, output)
            y = self.graph.minimum(f"{name}/upper", y, upper)
        lower = self._bound(f"{name}/lower/bound", layer.lower, output)
        return self.graph.maximum(name, y, lower)

    def dense(
        self, name: str, x: Tensor, kernel: Float64, bias: Float64, *, half: bool = False
    ) -> Tensor:
        """Multiply float (1, in) by a kernel of shape (in, out) and add the bias.

        With `half`, the file holds the kernel as float16; it is float32 once it is loaded.
        """
        if self._calibration is not None:
            bias = bias + self._calibration.corrections.get(name, 0.0)
        if half:
            stored = self.graph.constant(f"{name}/weights", kernel.T.astype(np.float16))
            weights = self.graph.dequantise(f"{name}/weights/float", stored)
        else:
            weights = self._float(f"{name}/weights", kernel.T)
        return self.graph.fully_connected(name, x, weights, self._float(f"{name}/bias", bias))

    def _float(self, name: str, values: Float64) -> Tensor:
        return self.graph.constant(name, values.astype(np.float32))

    def _scaled(self, name: str, x: Tensor, factors: Float64) -> Tensor:
        return self.graph.mul(name, x, self._float(f"{name}/factors", factors))

    def _weights(self, name: str, layer: Block, x: Quantisation | None) -> tuple[Tensor, Tensor]:
        if x is None:
            filters = self._float(f"{name}/filters", np.moveaxis(layer.kernel, -1, 0))
            return filters, self._float(f"{name}/bias", layer.bias)
        weights = quantise_weights(layer.kernel, layer.bias, x)
        return (
            self.graph.constant(f"{name}/filters", weights.filters, weights.filter_quantisation),
            self.graph.constant(f"{name}/bias", weights.bias, weights.bias_quantisation),
        )

    def _bound(self, name: str, values: Float64, quantisation: Quantisation | None) -> Tensor:
        vector = values[None, None, None, :]
        if quantisation is None:
            return self._float(name, np.nan_to_num(vector, posinf=_HUGE, neginf=-_HUGE))
        return self.graph.constant(name, to_int8(vector, quantisation), quantisation)
