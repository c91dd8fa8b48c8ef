"""The U-Nets that Spleeter separates with (Jansson et al., ISMIR 2017), one for each stem.

Six convolutions halve time and frequency down to the bottleneck, six transposed ones double them
again; each takes the convolution of its size besides. The result is a mask of the magnitudes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.tflite import GraphWriter, Padding, Tensor
from pyplugin.support.arrays import Float32

BINS, CHANNELS = 1024, 2
STRIDE = 64
"""Frames that the six convolutions turn into one: a patch is a multiple of it."""

DEPTH = 6
_NORMS = 2 * DEPTH
_KERNELS = 2 * DEPTH + 1
_FEW, _MANY = 16, 32  # channels, up from which two convolutions are faster than one, and four
_EPSILON = 1e-3  # of Keras' batch norm

Variables = Mapping[str, Float32]


@dataclass(frozen=True)
class UNetStyle:
    """What differs between the published networks.

    Attributes
    ----------
    elu
        ELU in all layers; otherwise leaky ReLU on the way down and ReLU on the way up.
    softmax
        The results are logits, whose softmax over the stems are the masks.
    """

    elu: bool
    softmax: bool


@dataclass(frozen=True)
class UNetLayout:
    """What the variables of a checkpoint make.

    Attributes
    ----------
    stems
        How many networks.
    filters
        Channels after each of the six convolutions; Spleeter's have 16, 32 ... 512.
    """

    stems: int
    filters: tuple[int, ...]


def layout_of(variables: Variables) -> UNetLayout:
    """Return what the variables of a checkpoint make.

    Raises
    ------
    ModelError
        They are not those of such networks, or some are missing or damaged.
    """
    kernels = sum(name.endswith("/kernel") for name in variables)
    stems, rest = divmod(kernels, _KERNELS)
    if stems < 1 or rest:
        raise ModelError(
            f"The checkpoint has {kernels} kernels; Spleeter's networks have {_KERNELS} for each "
            "stem: it is another one, or partial."
        )
    first = [variables.get(f"{_numbered('conv2d', level)}/kernel") for level in range(DEPTH)]
    filters = tuple(1 if each is None or each.ndim != 4 else each.shape[3] for each in first)
    for name, shape in _shapes(stems, filters).items():
        if name not in variables:
            raise ModelError(
                f"The checkpoint has no {name}; it is not one of Spleeter's, or partial."
            )
        if variables[name].shape != shape:
            raise ModelError(
                f"The checkpoint's {name} has shape {variables[name].shape}; {shape} is expected."
            )
        if not np.isfinite(variables[name]).all():
            raise ModelError(f"The checkpoint's {name} has values that are not finite.")
    return UNetLayout(stems, filters)


def build_unets(
    variables: Variables, stems: Sequence[str], style: UNetStyle, *, patch: int, half: bool
) -> bytes:
    """Return the ``.tflite`` file of all stems' networks.

    It takes ``spectrogram``, (1, patch, 1024, 2) magnitudes, and returns a mask of that shape for
    each stem, by its name (logits with a softmax), and ``embedding``: for each stem, one after the
    other, the mean of each channel of the bottleneck, then the mean magnitude of all channels at
    each of its places in time and frequency.

    Parameters
    ----------
    variables
        Checked by `layout_of`.
    stems
        Their names, in the order of the checkpoint.
    style
        Of the network.
    patch
        Frames, a multiple of `STRIDE`.
    half
        Store the weights as float16; the arithmetic is float32 in any case.
    """
    writer = GraphWriter()
    x = writer.input("spectrogram", (1, patch, BINS, CHANNELS))
    outputs: dict[str, Tensor] = {}
    embeddings: list[Tensor] = []
    for index, stem in enumerate(stems):
        each = _UNet(writer, variables, index, stem, style, half)
        outputs[stem], bottom = each.build(x)
        embeddings += each.embedding(bottom)
    outputs["embedding"] = writer.concatenation("embedding", embeddings, axis=1)
    return writer.finish({"spectrogram": x}, outputs, description=f"Spleeter: {', '.join(stems)}")


def embedding_size(layout: UNetLayout, patch: int) -> int:
    """Return how many values the embedding of a patch has.

    Examples
    --------
    >>> embedding_size(UNetLayout(2, (16, 32, 64, 128, 256, 512)), 512)
    1280
    """
    return layout.stems * (layout.filters[-1] + (patch // STRIDE) * (BINS // STRIDE))


class _UNet:
    """Writes the network of one stem."""

    def __init__(
        self,
        writer: GraphWriter,
        variables: Variables,
        index: int,
        stem: str,
        style: UNetStyle,
        half: bool,
    ) -> None:
        self._writer, self._variables, self._style = writer, variables, style
        self._stem, self._index, self._half = stem, index, half

    def build(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mask and the bottleneck."""
        skips = []
        for level in range(DEPTH):
            x = self._down(x, level)
            skips.append(x)
            if level < DEPTH - 1:
                x = self._active(self._norm(x, level))
        bottom = x
        for level in range(DEPTH):
            if level:
                x = self._doubled(f"{self._stem}/up{level}/doubled", x)
            skip = skips[DEPTH - 1 - level] if level else None
            x = self._norm(self._up(x, skip, level), DEPTH + level, quarters=True)
        mask = self._doubled(f"{self._stem}/logits", self._last(x))
        if not self._style.softmax:
            mask = self._writer.logistic(f"{self._stem}/mask", mask)
        return mask, bottom

    def embedding(self, bottom: Tensor) -> list[Tensor]:
        """Return the parts of the embedding, (1, n) each."""
        writer, stem = self._writer, self._stem
        channels = writer.mean(f"{stem}/channels", bottom, (1, 2))
        size = writer.operator(f"{stem}/magnitude", "ABS", [bottom], bottom.shape, ("Abs", {}))
        places = writer.mean(f"{stem}/places", size, (3,))
        return [
            writer.reshape(f"{each.name}/flat", each, (1, int(np.prod(each.shape))))
            for each in (channels, places)
        ]

    def _down(self, x: Tensor, level: int) -> Tensor:
        name = _numbered("conv2d", self._index * (DEPTH + 1) + level)
        kernel = self._variables[f"{name}/kernel"].transpose(3, 0, 1, 2)
        bias = self._variables[f"{name}/bias"]
        return self._conv(f"{self._stem}/conv{level + 1}", x, kernel, bias, stride=2)

    def _up(self, x: Tensor, skip: Tensor | None, level: int) -> Tensor:
        """Convolve transposed; the four results of each point are channels, see `quarters_of`."""
        name = _numbered("conv2d_transpose", self._index * DEPTH + level)
        kernel, bias = (self._variables[f"{name}/{part}"] for part in ("kernel", "bias"))
        label, relu = f"{self._stem}/up{level + 1}", not self._style.elu
        quarters, biases = quarters_of(kernel), np.tile(bias, 4)
        if skip is not None and len(bias) == 1:  # a large image: adding is less than joining
            at = skip.shape[3]
            none = np.zeros_like(biases)
            beside = self._conv(f"{label}/skip", skip, quarters[..., :at], none)
            x = self._conv(f"{label}/own", x, quarters[..., at:], biases)
            x = self._writer.add(f"{label}/sum", beside, x)
            if relu:
                x = self._writer.relu(label, x)
            return self._elu(x) if self._style.elu else x
        if skip is not None:
            x = self._writer.concatenation(f"{label}/merged", [skip, x], axis=3)
        if len(bias) < _FEW:
            x = self._conv(label, x, quarters, biases, relu=relu)
        else:
            x = self._parted(label, x, quarters.reshape(2, 2, -1, 3, 3, x.shape[3]), bias)
        return self._elu(x) if self._style.elu else x

    def _parted(self, label: str, x: Tensor, quarters: Float32, bias: Float32) -> Tensor:
        """Convolve each quarter alone, or each row of them, without taps that are 0.

        LiteRT pads as it convolves.
        """
        relu, parts = not self._style.elu, []
        whole_rows = len(bias) < _MANY
        for p, q in ((0, 1), (1, 1)) if whole_rows else ((0, 0), (0, 1), (1, 0), (1, 1)):
            name = f"{label}/{p}{q}"
            kernel = quarters[p].reshape(-1, *quarters.shape[3:]) if whole_rows else quarters[p, q]
            used = np.ascontiguousarray(kernel[:, : 2 + p, : 2 + q])
            biases = np.tile(bias, len(kernel) // len(bias))
            padded = self._writer.pad(f"{name}/padded", x, ((0, 0), (1, p), (1, q), (0, 0)))
            parts.append(self._conv(name, padded, used, biases, padding="valid", relu=relu))
        return self._writer.concatenation(label, parts, axis=3)

    def _last(self, x: Tensor) -> Tensor:
        name = _numbered("conv2d", self._index * (DEPTH + 1) + DEPTH)
        kernel = dilated_in_quarters(self._variables[f"{name}/kernel"])
        bias = np.tile(self._variables[f"{name}/bias"], 4)
        return self._conv(f"{self._stem}/conv{DEPTH + 1}", x, kernel, bias)

    def _doubled(self, name: str, x: Tensor) -> Tensor:
        """Put the four results of each point side by side."""
        _, height, width, channels = x.shape
        shape = (1, 2 * height, 2 * width, channels // 4)
        return self._writer.operator(
            name, "DEPTH_TO_SPACE", [x], shape, ("DepthToSpace", {"blockSize": 2})
        )

    def _conv(
        self,
        name: str,
        x: Tensor,
        kernel: Float32,
        bias: Float32,
        *,
        padding: Padding = "same",
        stride: int = 1,
        relu: bool = False,
    ) -> Tensor:
        return self._writer.conv_2d(
            name,
            x,
            self._weights(f"{name}/kernel", kernel),
            self._writer.constant(f"{name}/bias", bias),
            padding=padding,
            stride=(stride, stride),
            relu=relu,
        )

    def _norm(self, x: Tensor, level: int, *, quarters: bool = False) -> Tensor:
        """Scale and shift each channel: a depthwise convolution over one point does both."""
        name = _numbered("batch_normalization", self._index * _NORMS + level)
        beta, gamma, mean, variance = (
            self._variables[f"{name}/{part}"].astype(np.float64)
            for part in ("beta", "gamma", "moving_mean", "moving_variance")
        )
        scale = gamma / np.sqrt(variance + _EPSILON)
        shift, times = beta - mean * scale, 4 if quarters else 1
        filters = np.tile(scale, times).astype(np.float32).reshape(1, 1, 1, -1)
        return self._writer.depthwise(
            f"{self._stem}/norm{level + 1}",
            x,
            self._writer.constant(f"{name}/scale", filters),
            self._writer.constant(f"{name}/shift", np.tile(shift, times).astype(np.float32)),
            each=1,
            shape=x.shape,
            padding="same",
        )

    def _active(self, x: Tensor) -> Tensor:
        if self._style.elu:
            return self._elu(x)
        name = f"{x.name}/leaky"
        return self._writer.operator(
            name, "LEAKY_RELU", [x], x.shape, ("LeakyRelu", {"alpha": 0.2})
        )

    def _elu(self, x: Tensor) -> Tensor:
        return self._writer.operator(f"{x.name}/elu", "ELU", [x], x.shape)

    def _weights(self, name: str, values: Float32) -> Tensor:
        if not self._half:
            return self._writer.constant(name, values)
        stored = self._writer.constant(f"{name}/half", values.astype(np.float16))
        return self._writer.dequantise(name, stored)


def quarters_of(kernel: Float32) -> Float32:
    """Return a transposed convolution of 5 x 5 and stride 2 as an ordinary one of 3 x 3.

    Each point of the input has four results, at (2i + p, 2j + q): they become channels,
    ``(2p + q) * out + channel``. The first kernel's place ``k`` takes the input at ``i + d`` with
    ``k = p + 1 - 2d``. LiteRT computes this in a third of the time.

    Parameters
    ----------
    kernel
        (5, 5, out, in), of "same" padding.

    Returns
    -------
    ndarray
        (4 * out, 3, 3, in), of "same" padding.
    """
    _, _, out, taken = kernel.shape
    result = np.zeros((2, 2, out, 3, 3, taken), np.float32)
    taps = [(p, d, p + 1 - 2 * d) for p in (0, 1) for d in (-1, 0, 1) if p + 1 - 2 * d in range(5)]
    for p, d, k in taps:
        for q, e, m in taps:
            result[p, q, :, d + 1, e + 1] = kernel[k, m]
    return result.reshape(4 * out, 3, 3, taken)


def dilated_in_quarters(kernel: Float32) -> Float32:
    """Return a convolution of 4 x 4, dilated by 2, on the channels that `quarters_of` describes.

    It takes every other point: those of ``2i + p`` are in the quarter ``1 - p``, as its padding,
    3, is odd.

    Parameters
    ----------
    kernel
        (4, 4, 1, out), of "same" padding.

    Returns
    -------
    ndarray
        (4 * out, 5, 5, 4), of "same" padding.
    """
    out = kernel.shape[3]
    result = np.zeros((2, 2, out, 5, 5, 2, 2), np.float32)
    taps = [(p, k, k + p) for p in (0, 1) for k in range(4)]
    for p, k, at in taps:
        for q, m, beside in taps:
            result[p, q, :, at, beside, 1 - p, 1 - q] = kernel[k, m, 0]
    return result.reshape(4 * out, 5, 5, 4)


def _numbered(name: str, number: int) -> str:
    """Return a variable's scope as TensorFlow numbers them."""
    return f"{name}_{number}" if number else name


def _shapes(stems: int, filters: Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each variable."""
    shapes: dict[str, tuple[int, ...]] = {}
    for stem in range(stems):
        sizes = [CHANNELS, *filters]
        for level in range(DEPTH):
            name = _numbered("conv2d", stem * (DEPTH + 1) + level)
            shapes[f"{name}/kernel"] = (5, 5, sizes[level], sizes[level + 1])
            shapes[f"{name}/bias"] = (sizes[level + 1],)
        name = _numbered("conv2d", stem * (DEPTH + 1) + DEPTH)
        shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = (4, 4, 1, CHANNELS), (CHANNELS,)
        ups = [*reversed(filters[:-1]), 1]
        for level, size in enumerate(ups):
            name = _numbered("conv2d_transpose", stem * DEPTH + level)
            taken = filters[-1] if level == 0 else 2 * ups[level - 1]
            shapes[f"{name}/kernel"], shapes[f"{name}/bias"] = (5, 5, size, taken), (size,)
        for level, size in enumerate([*filters, *ups]):
            name = _numbered("batch_normalization", stem * _NORMS + level)
            for part in ("beta", "gamma", "moving_mean", "moving_variance"):
                shapes[f"{name}/{part}"] = (size,)
    return shapes
