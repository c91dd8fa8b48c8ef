"""Quantisation to int8: from ranges and weights to steps and integers.

Activations are int8 with one step a tensor, weights int8 with one step an output channel and the
zero point 0, biases int32 in steps of input times weight, as TensorFlow Lite's specification of
8-bit quantisation asks.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pyplugin.models.tflite import Quantisation
from pyplugin.support.arrays import Float64

_INT8_MIN, _INT8_MAX = -128, 127
_BIAS_LIMIT = 2.0**30  # half of int32, so that the sum of products still fits


@dataclass(frozen=True, eq=False)
class Calibration:
    """Statistics of a network's activations, measured on recordings.

    Attributes
    ----------
    ranges : dict of str to (float, float)
        Smallest and greatest value of each activation, after equalisation.
    equalisation : dict of str to ndarray, shape (channels,)
        What the channels of an activation are divided by; negative for a channel turned over.
    corrections : dict of str to ndarray, shape (units,)
        What to add to the bias of a float layer to make up for the mean error of the int8 ones.
    """

    ranges: dict[str, tuple[float, float]]
    equalisation: dict[str, Float64]
    corrections: dict[str, Float64]


@dataclass(frozen=True, eq=False)
class QuantisedWeights:
    """A convolution's filters and bias as integers.

    Attributes
    ----------
    filters : ndarray of int8, shape (out, height, width, in)
    bias : ndarray of int32, shape (out,)
    filter_quantisation, bias_quantisation : Quantisation
        One step an output channel.
    """

    filters: npt.NDArray[np.int8]
    bias: npt.NDArray[np.int32]
    filter_quantisation: Quantisation
    bias_quantisation: Quantisation


def activation_quantisation(low: float, high: float) -> Quantisation:
    """Return the quantisation that spreads int8 over a range.

    The range is widened to hold 0, which then has an integer of its own: padding is exact.

    Parameters
    ----------
    low, high : float
        Smallest and greatest value to represent; values outside saturate.

    Returns
    -------
    Quantisation
        One step for the whole tensor.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    scale = np.float32((high - low) / (_INT8_MAX - _INT8_MIN))
    zero_point = round(_INT8_MIN - low / float(scale))
    return Quantisation(np.array([scale], np.float32), min(max(zero_point, _INT8_MIN), _INT8_MAX))


def to_int8(values: Float64, quantisation: Quantisation) -> npt.NDArray[np.int8]:
    """Round to the nearest integer of a per-tensor quantisation; infinities saturate."""
    steps: Float64 = np.rint(values / np.float64(quantisation.scale[0]))
    limited: Float64 = np.clip(steps + quantisation.zero_point, _INT8_MIN, _INT8_MAX)
    return limited.astype(np.int8)


def quantise_weights(kernel: Float64, bias: Float64, x: Quantisation) -> QuantisedWeights:
    """Quantise a convolution that reads a tensor quantised as `x`.

    Parameters
    ----------
    kernel : ndarray, shape (height, width, in, out)
        TensorFlow's order.
    bias : ndarray, shape (out,)
    x : Quantisation
        That of the input.

    Returns
    -------
    QuantisedWeights
    """
    filters = np.moveaxis(kernel, -1, 0)
    input_scale = np.float64(x.scale[0])
    peak = np.abs(filters).max(axis=(1, 2, 3))
    # A channel with tiny weights and a large bias gets a step in which its bias fits into int32.
    scale = np.maximum(peak / _INT8_MAX, np.abs(bias) / (input_scale * _BIAS_LIMIT))
    scale = np.where(scale > 0, scale, 1.0).astype(np.float32)
    bias_scale = (input_scale * scale).astype(np.float32)
    integers = np.rint(filters / scale[:, None, None, None].astype(np.float64))
    return QuantisedWeights(
        np.clip(integers, -_INT8_MAX, _INT8_MAX).astype(np.int8),
        np.rint(bias / bias_scale.astype(np.float64)).astype(np.int32),
        Quantisation(scale),
        Quantisation(bias_scale),
    )
