"""The VGG-like baseline that comes with MusiCNN: five 3 by 3 convolutions on the spectrogram."""

import math
from functools import partial

from pyplugin.errors import ModelError
from pyplugin.models.importers import musicnn_wheel as wheel
from pyplugin.models.importers.importer import register
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

Pools = tuple[tuple[tuple[int, int], tuple[int, int]], ...]
"""Window and stride, each (frames, bands), of the maximum after each convolution."""

MTT_POOLS: Pools = (
    ((4, 1), (2, 2)),
    ((2, 2), (2, 2)),
    ((2, 2), (2, 2)),
    ((2, 2), (2, 2)),
    ((4, 4), (4, 4)),
)
# The graph stored with the MSD weights pools like this. musicnn's own code runs them with the pools
# above, for which they were not trained: its tags for metal or for strings are then vague.
MSD_POOLS: Pools = (
    ((4, 1), (4, 1)),
    ((1, 4), (1, 4)),
    ((2, 2), (2, 2)),
    ((2, 2), (2, 2)),
    ((4, 4), (4, 4)),
)

_LAYERS = ("conv_1", "conv_2", "conv_3", "conv_4", "conv_5")
_ACTIVATIONS = ("normalised", *_LAYERS)
_INPUT_BOUND = 8.0  # of the input after its batch norm; a full-scale square wave reaches 6.1
_ACTIVATION_BOUND = 128.0  # of every channel after; music reaches 100


def build(
    variables: Variables,
    *,
    pools: Pools,
    patch: int = PATCH_FRAMES,
    calibration: Calibration | None = None,
    description: str = "",
) -> bytes:
    """Return the network as a ``.tflite`` file.

    Its input is ``mel``, (1, 187, 96); its outputs are ``activations`` and ``logits``, (1, 50),
    and ``pool5``, (1, 256): the features that the last layer weighs.

    Parameters
    ----------
    variables : mapping of str to ndarray
        The checkpoint.
    pools : Pools
        `MTT_POOLS` or `MSD_POOLS`, as the weights were trained.
    patch : int
        Frames that the network sees at once: 187.
    calibration : Calibration, optional
        What makes an int8 file; without it the file is float.
    description : str
        Kept in the file.

    Raises
    ------
    ModelError
        When a variable is missing, the patch is not 187, or the schema is not installed.
    """
    if patch != PATCH_FRAMES:  # the only length that the dense layer fits
        raise ModelError(
            f"The VGG networks take patches of {PATCH_FRAMES} frames only, not {patch}; "
            "MusiCNN takes others."
        )
    layers = LayerWriter(calibration)
    graph = layers.graph
    image = layers.image(patch, BANDS)
    normalised = layers.normalised("normalised", image, batch_norm(variables, 0))
    x, reads = layers.quantised(normalised), normalised.name
    for (name, layer), (window, stride) in zip(_folded(variables).items(), pools, strict=True):
        x = layers.convolved(name, x, layer, reads=reads, writes=name, pool=window, stride=stride)
        reads = name
    features = layers.released(x)
    pool5 = graph.reshape("pool5", features, (1, math.prod(features.shape)))
    logits = layers.dense("logits", pool5, *kernel_and_bias(variables, "dense"))
    activations = graph.logistic("activations", logits)
    return layers.finish(activations, logits, pool5, description=description)


def _folded(variables: Variables) -> dict[str, Block]:
    """Fold the batch norms into the convolutions and drop the starved channels between them."""
    blocks = [block(variables, f"{number}CNN", number) for number in range(1, len(_LAYERS) + 1)]
    for index in range(len(blocks) - 1):
        layer, reader = blocks[index], blocks[index + 1]
        bound = _ACTIVATION_BOUND if index else _INPUT_BOUND
        live = live_channels(layer, reader.sensitivity(), bound=bound)
        blocks[index] = layer.with_outputs(live)
        blocks[index + 1] = reader.with_inputs(live, layer.at_rest())
    return dict(zip(_LAYERS, blocks, strict=True))


_TRAINED = {"mtt": (MTT_POOLS, (0.9030, 0.3823)), "msd": (MSD_POOLS, (0.8768, 0.2819))}
NETWORKS = {
    f"vgg-{short}": wheel.wheel_network(
        "vgg",
        short,
        "VGG-like baseline of MusiCNN",
        {"pool5": 256},
        areas,
        embedding="pool5",
        build=partial(build, pools=pools),
        activations=_ACTIVATIONS,
        turnable=frozenset(),
        corrected="logits",
    )
    for short, (pools, areas) in _TRAINED.items()
}


@register
class VGG(wheel.WheelImporter):
    """The VGG-like networks, for patches of 187 frames."""

    networks = NETWORKS
