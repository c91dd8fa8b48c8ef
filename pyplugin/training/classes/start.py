"""The weights of `scene` as the start of a network of classes."""

import numpy as np
import torch

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.tflite import schema_modules
from pyplugin.models.tflite_file import TfliteFile
from pyplugin.support.arrays import Float32
from pyplugin.training.classes.networks import StreamingNetwork
from pyplugin.training.classes.settings import preset_of_scene
from pyplugin.training.network import Layer, NetworkSettings, zero_mean

_EPSILON = 1e-5  # of PyTorch's batch norms
_NO_MEAN = 0.02  # sum of a kernel relative to that of its absolute values, as rounding leaves


def scene_weights() -> dict[str, Float32]:
    """Return the constants of `scene` as floats, by their names in the ``.tflite`` file.

    Raises
    ------
    ModelError
        The package that holds the schema is not installed.
    """
    schema, _ = schema_modules()
    model = schema.ModelT.InitFromPackedBuf(bytearray(registry.load("scene").data))
    types = {schema.TensorType.INT8: "i1", schema.TensorType.INT32: "<i4"}
    types |= {schema.TensorType.FLOAT32: "<f4", schema.TensorType.FLOAT16: "<f2"}
    found = {}
    for tensor in model.subgraphs[0].tensors:
        content = model.buffers[tensor.buffer].data
        if content is None or not len(content):
            continue
        values = np.frombuffer(np.asarray(content, np.uint8).tobytes(), types[tensor.type])
        values = values.reshape(tensor.shape).astype(np.float32)
        scales = getattr(tensor.quantization, "scale", None)
        if scales is not None and len(scales):  # symmetric, one for each output channel
            axes = [1] * (values.ndim - 1)
            values = values * np.asarray(scales, np.float32).reshape(-1, *axes)
        found[tensor.name.decode()] = values
    return found


def scene_settings(weights: dict[str, Float32]) -> NetworkSettings:
    """Return the sizes of `scene` by its file, whose version may have another recipe.

    Parameters
    ----------
    weights : dict of str to ndarray
        Of `scene_weights`.

    Raises
    ------
    ModelError
        The file has other layers than `pyplugin.training.network` makes.
    """
    scene = registry.load("scene")
    convolutions = [each for each in TfliteFile(scene.data).operators if each.kind == "CONV_2D"]
    try:
        kernels = [weights[f"layer_{number}/filters"] for number in range(1, len(convolutions) + 1)]
        layers = tuple(
            Layer(
                channels=kernel.shape[0],
                time=kernel.shape[1],
                bands=kernel.shape[2],
                step=each.options.strideW,
                dilation=each.options.dilationHFactor,
            )
            for kernel, each in zip(kernels, convolutions, strict=True)
        )
        embedding, pooled = weights["dense/weights"].shape
        sums, sizes = kernels[0].sum(axis=(1, 2, 3)), np.abs(kernels[0]).sum(axis=(1, 2, 3))
        return NetworkSettings(
            patch=scene.card.patch_frames,
            bands=scene.card.front_end.bands,
            layers=layers,
            embedding=embedding,
            segments=pooled // (2 * layers[-1].channels),
            level_free=bool((np.abs(sums) <= _NO_MEAN * sizes).all()),
            preset=preset_of_scene(),
        )
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"The layers of scene are not those of its network ({error}).") from error


def network_from_scene(labels: int, windows: Float32) -> StreamingNetwork:
    """Return a network with the convolutions and the embedding of `scene`, and a new last layer.

    Its batch norms get the statistics of some windows, and scales and offsets that undo them, so
    that the network computes what `scene` does until it is trained.

    Parameters
    ----------
    labels : int
        Number of classes.
    windows : ndarray of float32, shape (n, 125, 96)
        By the front-end of `scene`.

    Returns
    -------
    StreamingNetwork

    Raises
    ------
    ModelError
        The file of `scene` has other layers than `pyplugin.training.network` makes.
    """
    weights = scene_weights()
    network = StreamingNetwork(labels, scene_settings(weights))
    try:
        with torch.no_grad():
            _copy(network, weights, torch.from_numpy(windows))
    except (KeyError, RuntimeError) as error:
        raise ModelError(f"The weights of scene do not fit its layers ({error}).") from error
    network.eval()
    return network


def _copy(network: StreamingNetwork, weights: dict[str, Float32], mel: torch.Tensor) -> None:
    x = mel[:, None] - 1.0
    last = len(network.convolutions)
    for number, (convolution, norm) in enumerate(
        zip(network.convolutions, network.norms, strict=True), 1
    ):
        kernel = torch.from_numpy(weights[f"layer_{number}/filters"]).permute(0, 3, 1, 2)
        bias = torch.from_numpy(weights[f"layer_{number}/bias"])
        if number == 1:  # the bias holds the offset of the input
            bias = bias + kernel.sum(dim=(1, 2, 3))
        if number == last:  # int8 values have a scale of their own for each channel
            factors = torch.from_numpy(weights[f"layer_{number}/original/factors"]).flatten()
            kernel, bias = kernel * factors[:, None, None, None], bias * factors
        if number == 1 and network.settings.level_free:
            kernel = zero_mean(kernel)
        convolution.weight.copy_(kernel)
        y = convolution(x)
        mean, variance = y.mean(dim=(0, 2, 3)), y.var(dim=(0, 2, 3), unbiased=False)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_(torch.sqrt(variance + _EPSILON))
        norm.bias.copy_(bias + mean)
        x = torch.relu(norm.eval()(y))
    network.dense.weight.copy_(torch.from_numpy(weights["dense/weights"]))
    network.dense.bias.copy_(torch.from_numpy(weights["dense/bias"]))
