"""Convert a trained network to a ``.tflite`` file, float or int8."""

from functools import partial

import numpy as np

from pyplugin.models.card import Dataset, OutputTensor
from pyplugin.models.layers import Block, LayerWriter, Variables, variable
from pyplugin.models.networks import Network
from pyplugin.models.quantisation import Calibration
from pyplugin.models.tflite import Tensor
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
        activations=("image", *(layer_name(number) for number in range(len(settings.layers)))),
        turnable=frozenset(),
        corrected="dense",
        preset=settings.preset,
    )


def build(
    variables: Variables,
    settings: NetworkSettings,
    *,
    patch: int | None = None,
    calibration: Calibration | None = None,
    description: str = "",
    exclusive: bool = False,
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
    exclusive : bool
        Whether exactly one label holds: a softmax gives the activations, instead of sigmoids.

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
            layer_name(number),
            x,
            folded(
                variables,
                number,
                offset=0.0 if number else _OFFSET,
                zero_mean=settings.level_free and not number,
            ),
            reads=reads,
            writes=layer_name(number),
            padding="valid",
            step=(1, layer.step),
            dilation=(layer.dilation, 1),
        )
        reads = layer_name(number)
    x = layers.released(x)
    flat = _pooled(layers, x, settings.segments)
    # With segments these are most of the file.
    half = settings.segments > 1
    dense = layers.dense("dense", flat, *dense_of(variables, "dense"), half=half)
    embedding = graph.relu(EMBEDDING, dense)
    logits = layers.dense("logits", embedding, *dense_of(variables, "logits"))
    activations = activated(layers, logits, exclusive=exclusive)
    return layers.finish(activations, logits, embedding, description=description)


def _pooled(layers: LayerWriter, x: Tensor, segments: int) -> Tensor:
    """Return maximum and mean of each segment of (1, columns, bands, channels), (1, values)."""
    graph = layers.graph
    if segments == 1:
        most = graph.max_pool_2d("most", x, (x.shape[1], x.shape[2]))
        pooled = graph.concatenation("pooled", [most, graph.mean("mean", x, (1, 2))], axis=3)
    else:
        width = x.shape[1] // segments * x.shape[2]
        parts = graph.reshape("segments", x, (1, segments, width, x.shape[3]))
        most = graph.max_pool_2d("most", parts, (1, width))
        pooled = graph.concatenation("pooled", [most, graph.mean("mean", parts, (2,))], axis=3)
    return graph.reshape("flat", pooled, (1, segments * pooled.shape[-1]))


def layer_name(number: int) -> str:
    """Return the name of a convolution in the graph; the first is 0."""
    return f"layer_{number + 1}"


def activated(layers: LayerWriter, logits: Tensor, *, exclusive: bool) -> Tensor:
    """Return the activations of logits, (1, labels)."""
    if exclusive:
        options = ("Softmax", {"beta": 1.0})
        return layers.graph.operator("activations", "SOFTMAX", [logits], logits.shape, options)
    return layers.graph.logistic("activations", logits)


def folded(
    variables: Variables, number: int, *, offset: float = 0.0, zero_mean: bool = False
) -> Block:
    """Fold a convolution without bias, its batch norm and the offset of its input.

    With `zero_mean`, each kernel is used less its mean, as a network that is ``level_free`` does.
    """
    kernel = np.transpose(variable(variables, f"convolutions.{number}.weight"), (2, 3, 1, 0))
    if zero_mean:
        kernel = kernel - kernel.mean(axis=(0, 1, 2))
    weight, bias, mean, variance = (
        variable(variables, f"norms.{number}.{part}")
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = weight / np.sqrt(variance + _EPSILON)
    kernel = kernel * scale
    shift = bias - mean * scale - offset * kernel.sum(axis=(0, 1, 2))
    return Block(kernel, shift, np.zeros_like(shift), np.full_like(shift, np.inf))


def dense_of(variables: Variables, name: str) -> tuple[Float64, Float64]:
    """Return weights, (in, out), and bias, (out,), of a dense layer."""
    return variable(variables, f"{name}.weight").T, variable(variables, f"{name}.bias")
