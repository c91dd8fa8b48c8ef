"""Convert a trained network to a ``.tflite`` file, float or int8."""

from functools import partial

import numpy as np

from pyplugin.models.card import Dataset, OutputTensor
from pyplugin.models.layers import Block, LayerWriter, Variables, variable
from pyplugin.models.networks import Network
from pyplugin.models.quantisation import Calibration
from pyplugin.support.arrays import Float32, Float64
from pyplugin.training.corpus import LABELS
from pyplugin.training.network import NetworkSettings, SceneNetwork

EMBEDDING = "embedding"
_EPSILON = 1e-5  # of PyTorch's batch norms
_OFFSET = 1.0  # the network subtracts this from its input


def variables_of(network: SceneNetwork) -> dict[str, Float32]:
    """Return the weights by their names in PyTorch."""
    return {name: value.float().numpy() for name, value in network.state_dict().items()}


def scene_network(
    settings: NetworkSettings, *, name: str, description: str, dataset: Dataset
) -> Network:
    """Return the description of the network that calibration and card need."""
    return Network(
        name=name,
        description=description,
        labels=LABELS,
        dataset=dataset,
        outputs=(
            OutputTensor("activations", "float", (1, len(LABELS)), "predictions"),
            OutputTensor("logits", "float", (1, len(LABELS)), "logits"),
            OutputTensor(EMBEDDING, "float", (1, settings.embedding), "embeddings"),
        ),
        embedding=EMBEDDING,
        build=partial(build, settings=settings, description=description),
        activations=("image", *(_layer(number) for number in range(len(settings.layers)))),
        turnable=frozenset(),
        corrected="dense",
    )


def build(
    variables: Variables,
    settings: NetworkSettings,
    *,
    patch: int | None = None,
    calibration: Calibration | None = None,
    description: str = "",
) -> bytes:
    """Return the network as a ``.tflite`` file.

    Its input is ``mel``, (1, patch, bands); its outputs are ``activations`` and ``logits``,
    (1, labels), and ``embedding``, (1, embedding).

    Parameters
    ----------
    variables : mapping of str to ndarray
        Weights by their names in PyTorch.
    settings : NetworkSettings
    patch : int, optional
        That of the settings; there is no other.
    calibration : Calibration, optional
        Ranges for an int8 file; without it the file is float.
    description : str
        Description stored in the file.

    Raises
    ------
    ModelError
        A variable is missing, or the TFLite schema is not installed.
    """
    assert patch in (None, settings.patch)
    layers = LayerWriter(calibration)
    graph = layers.graph
    image = layers.image(settings.patch, settings.bands)
    x, reads = layers.quantised(image), "image"
    for number, layer in enumerate(settings.layers):
        x = layers.convolved(
            _layer(number),
            x,
            _block(variables, number, offset=0.0 if number else _OFFSET),
            reads=reads,
            writes=_layer(number),
            padding="valid",
            step=(1, layer.step),
            dilation=(layer.dilation, 1),
        )
        reads = _layer(number)
    x = layers.released(x)
    most = graph.max_pool_2d("most", x, (x.shape[1], x.shape[2]))
    pooled = graph.concatenation("pooled", [most, graph.mean("mean", x, (1, 2))], axis=3)
    flat = graph.reshape("flat", pooled, (1, pooled.shape[-1]))
    dense = layers.dense("dense", flat, *_dense(variables, "dense"))
    embedding = graph.relu(EMBEDDING, dense)
    logits = layers.dense("logits", embedding, *_dense(variables, "logits"))
    activations = graph.logistic("activations", logits)
    return layers.finish(activations, logits, embedding, description=description)


def _layer(number: int) -> str:
    return f"layer_{number + 1}"


def _block(variables: Variables, number: int, *, offset: float) -> Block:
    """Fold a convolution without bias, its batch norm and the offset of its input."""
    kernel = np.transpose(variable(variables, f"convolutions.{number}.weight"), (2, 3, 1, 0))
    weight, bias, mean, variance = (
        variable(variables, f"norms.{number}.{part}")
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + _EPSILON)
    kernel = kernel * scale
    shift = bias - mean * scale - offset * kernel.sum(axis=(0, 1, 2))
    return Block(kernel, shift, np.zeros_like(shift), np.full_like(shift, np.inf))


def _dense(variables: Variables, name: str) -> tuple[Float64, Float64]:
    return variable(variables, f"{name}.weight").T, variable(variables, f"{name}.bias")
