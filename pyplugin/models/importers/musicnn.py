"""MusiCNN (Pons et al., "End-to-end learning for music audio tagging at scale", ISMIR 2018).

The training, with its decay of weights, has starved most channels of the front-end: their
weights, or those that read them, are all but zero. `build` leaves out those that no sound can make
matter. This changes no output by 1e-4 and saves three fifths of the work for the MagnaTagATune
weights, nine tenths for those of the Million Song Dataset.
"""

from dataclasses import dataclass

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.importers import musicnn_wheel as wheel
from pyplugin.models.importers.importer import BuildOption, register
from pyplugin.models.importers.musicnn_wheel import BANDS, PATCH_FRAMES
from pyplugin.models.layers import (
    Block,
    LayerWriter,
    Variables,
    batch_norm,
    block,
    kernel_and_bias,
    live_channels,
)
from pyplugin.models.quantisation import Calibration
from pyplugin.models.tflite import Tensor
from pyplugin.support.arrays import Float64

_LEAST_PATCH, _GREATEST_PATCH = 16, 4096

_ACTIVATIONS = ("normalised", "frontend", "mid_1", "mid_2", "sum_2", "mid_3")
_TURNABLE = frozenset({"mid_1", "mid_2", "sum_2", "mid_3"})  # no maximum over bands follows

_TIMBRAL = ("timbral_38", "timbral_67")
_TEMPORAL = ("temporal_128", "temporal_64", "temporal_32")
_MID_END = ("mid_1", "mid_2", "mid_3")
_POOLED_NORM, _PENULTIMATE_NORM = 9, 10

_INPUT_BOUND = 2.0  # of the input after its batch norm; a full-scale square wave reaches 1.9


@dataclass(frozen=True, eq=False)
class _Weights:
    """What `build` needs of the checkpoint: batch norms folded, starved channels removed."""

    blocks: dict[str, Block]
    dense_kernel: Float64  # (pooled, 200): the maxima, then the means
    dense_bias: Float64


def build(
    variables: Variables,
    *,
    patch: int = PATCH_FRAMES,
    calibration: Calibration | None = None,
    description: str = "",
) -> bytes:
    """Return the network as a ``.tflite`` file.

    Its input is ``mel``, (1, patch, 96); its outputs are ``activations`` and ``logits``, (1, 50),
    ``dense``, (1, 200) before ReLU and batch norm, and ``penultimate``, (1, 200) after them.

    Parameters
    ----------
    variables : mapping of str to ndarray
        The checkpoint.
    patch : int
        Frames that the network sees at once, 16 to 4096. It pools over time, so any length does.
    calibration : Calibration, optional
        What makes an int8 file; without it the file is float.
    description : str
        Kept in the file.

    Raises
    ------
    ModelError
        When a variable is missing, the patch out of range, or the schema not installed.
    """
    if not _LEAST_PATCH <= patch <= _GREATEST_PATCH:
        raise ModelError(
            f"A patch of {patch} frames is out of range; "
            f"MusiCNN takes {_LEAST_PATCH} to {_GREATEST_PATCH}."
        )
    weights = _folded(variables)
    layers = LayerWriter(calibration)
    graph = layers.graph
    image = layers.image(patch, BANDS)
    normalised = layers.normalised("normalised", image, batch_norm(variables, 0))
    frontend = _frontend(layers, layers.quantised(normalised), weights)
    pooled = _pooled(layers, _mid_end(layers, frontend, weights), patch)
    flat = graph.reshape("flat", pooled, (1, pooled.shape[-1]))
    dense = layers.dense("dense", flat, weights.dense_kernel, weights.dense_bias)
    penultimate = layers.normalised(
        "penultimate", graph.relu("dense/relu", dense), batch_norm(variables, _PENULTIMATE_NORM)
    )
    logits = layers.dense("logits", penultimate, *kernel_and_bias(variables, "dense_1"))
    activations = graph.logistic("activations", logits)
    return layers.finish(activations, logits, dense, penultimate, description=description)


def _frontend(layers: LayerWriter, x: Tensor, weights: _Weights) -> Tensor:
    """Convolve over time and frequency, and over time alone; keep the best band of each frame."""
    padded = layers.graph.pad("padded", x, ((0, 0), (3, 3), (0, 0), (0, 0)))
    parts: list[Tensor] = []
    start = 0
    for name in _TIMBRAL + _TEMPORAL:
        layer = weights.blocks[name]
        timbral = name in _TIMBRAL
        end = start + len(layer.bias)
        part = layers.convolved(
            name,
            padded if timbral else x,
            layer,
            reads="normalised",
            writes="frontend",
            channels=slice(start, end),
            padding="valid" if timbral else "same",
            pool=(1, BANDS - layer.kernel.shape[1] + 1),
        )
        parts.append(part)
        start = end
    return layers.graph.concatenation("frontend", parts, axis=3)


def _mid_end(layers: LayerWriter, frontend: Tensor, weights: _Weights) -> list[Tensor]:
    """Convolve three times; return the front-end's and the three results as float.

    The residual sums are float in an int8 graph too: they are small, and so each convolution
    may have a scale of its own.
    """
    blocks = weights.blocks
    mid_1 = layers.convolved("mid_1", frontend, blocks["mid_1"], reads="frontend", writes="mid_1")
    mid_2 = layers.convolved("mid_2", mid_1, blocks["mid_2"], reads="mid_1", writes="mid_2")
    sum_1 = layers.released(mid_1)
    sum_2 = layers.graph.add("sum_2", layers.released(mid_2), sum_1)
    mid_3 = layers.convolved(
        "mid_3", layers.quantised(sum_2), blocks["mid_3"], reads="sum_2", writes="mid_3"
    )
    sum_3 = layers.graph.add("sum_3", layers.released(mid_3), sum_2)
    return [layers.released(frontend), sum_1, sum_2, sum_3]


def _pooled(layers: LayerWriter, features: list[Tensor], patch: int) -> Tensor:
    """Take the maxima of all features over time, then their means."""
    graph = layers.graph
    maxima = [graph.max_pool_2d(f"{x.name}/max", x, (patch, 1)) for x in features]
    means = [graph.mean(f"{x.name}/mean", x, (1, 2)) for x in features]
    return graph.concatenation("pooled", maxima + means, axis=3)


def _folded(variables: Variables) -> _Weights:
    """Fold the batch norms into the adjacent weights and drop the starved channels."""
    blocks = {
        name: block(variables, f"conv2d_{number}" if number else "conv2d", number + 1)
        for number, name in enumerate(_TIMBRAL + _TEMPORAL + _MID_END)
    }
    for name in _MID_END:  # theirs are (7, channels, 1, 64): channels stand where bands stood
        layer = blocks[name]
        kernel = np.swapaxes(layer.kernel, 1, 2)
        blocks[name] = Block(kernel, layer.bias, layer.lower, layer.upper)
    norm = batch_norm(variables, _POOLED_NORM)
    kernel, bias = kernel_and_bias(variables, "dense")
    bias = bias + norm.shift @ kernel
    # The original flattens maximum and mean of each channel side by side.
    kernel = np.moveaxis((kernel * norm.scale[:, None]).reshape(-1, 2, kernel.shape[1]), 1, 0)

    mid = blocks["mid_1"]
    size = mid.kernel.shape[2]
    readers = np.maximum(mid.sensitivity(), np.abs(kernel[:, :size]).sum(axis=0).max(axis=1))
    masks, rests = [], []
    start = 0
    for name in _TIMBRAL + _TEMPORAL:
        layer = blocks[name]
        end = start + len(layer.bias)
        masks.append(live_channels(layer, readers[start:end], bound=_INPUT_BOUND))
        rests.append(layer.at_rest())
        blocks[name] = layer.with_outputs(masks[-1])
        start = end
    live, rest = np.concatenate(masks), np.concatenate(rests)
    blocks["mid_1"] = mid.with_inputs(live, rest)
    bias = bias + np.where(live, 0.0, rest) @ kernel[:, :size].sum(axis=0)
    kept = np.concatenate([live, np.full(kernel.shape[1] - size, True)])
    return _Weights(blocks, np.concatenate([kernel[0, kept], kernel[1, kept]]), bias)


_AREAS = {"mtt": (0.9067, 0.3831), "msd": (0.8802, 0.2891)}
NETWORKS = {
    f"musicnn-{short}": wheel.wheel_network(
        "musicnn",
        short,
        "MusiCNN",
        {"dense": 200, "penultimate": 200},
        areas,
        embedding="penultimate",
        build=build,
        activations=_ACTIVATIONS,
        turnable=_TURNABLE,
        corrected="dense",
    )
    for short, areas in _AREAS.items()
}


@register
class MusiCNN(wheel.WheelImporter):
    """MusiCNN, for patches of any length."""

    networks = NETWORKS
    options = (
        BuildOption(
            "patch",
            "p",
            f"Mel frames in a window, instead of {PATCH_FRAMES}; 64 frames last 1.0 s instead of "
            "3.0 s: quicker, a little less accurate.",
            default=PATCH_FRAMES,
            least=_LEAST_PATCH,
            greatest=_GREATEST_PATCH,
        ),
    )
