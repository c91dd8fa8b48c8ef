"""The networks of classes in PyTorch: logits of windows, for one or several steps of time."""

import numpy as np
import torch
from torch import nn

from pyplugin.support.arrays import Float32
from pyplugin.training.classes.settings import STREAMING
from pyplugin.training.network import NetworkSettings, SceneNetwork

_BATCH = 256
_FILTERS, _LENGTH, _LAYERS = 256, 5, 3


class StreamingNetwork(SceneNetwork):
    """The network ``own``: that of `scene` with other classes."""

    def __init__(self, labels: int, settings: NetworkSettings = STREAMING) -> None:
        super().__init__(settings, labels)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 1, labels) of mel frames (n, patch, bands)."""
        return super().forward(mel)[0][:, None]


class DeepsoundNetwork(nn.Module):  # type: ignore[misc]
    """Three one-dimensional convolutions of 256 filters, and a dense layer at each step of time.

    Each convolution spans 5 frames and is followed by batch norm, ReLU and the maximum of two
    frames, as in deepsound-project/genre-recognition.
    """

    def __init__(self, labels: int, bands: int = 128) -> None:
        super().__init__()
        sizes = [(1, bands), *[(_FILTERS, 1)] * (_LAYERS - 1)]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(depth, _FILTERS, (_LENGTH, width), bias=False) for depth, width in sizes
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(_FILTERS) for _ in sizes)
        self.drop = nn.Dropout(0.5)
        self.logits = nn.Linear(_FILTERS, labels)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Return logits (n, steps, labels) of mel frames (n, frames, bands)."""
        x = mel[:, None]
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolution(x)))
            x = self.drop(nn.functional.max_pool2d(x, (2, 1)))
        return self.logits(x[..., 0].transpose(1, 2))


ClassNetwork = StreamingNetwork | DeepsoundNetwork


def new_network(architecture: str, labels: int) -> ClassNetwork:
    """Return a network of an architecture with random weights."""
    return StreamingNetwork(labels) if architecture == "own" else DeepsoundNetwork(labels)


def log_probabilities(logits: torch.Tensor, *, exclusive: bool) -> torch.Tensor:
    """Return the logarithm of the mean probability over the steps, (n, labels), in float32."""
    function = torch.log_softmax if exclusive else _log_sigmoid
    each = function(logits.float(), -1)
    return torch.logsumexp(each, 1) - float(np.log(each.shape[1]))


def loss_of(
    logits: torch.Tensor, targets: torch.Tensor, *, exclusive: bool, smoothing: float = 0.0
) -> torch.Tensor:
    """Return the cross-entropy of windows, (n,), from logits (n, steps, labels)."""
    labels = targets.shape[1]
    present = log_probabilities(logits, exclusive=exclusive)
    if exclusive:
        wanted = targets * (1.0 - smoothing) + smoothing / labels
        return -(wanted * present).sum(1)
    wanted = targets * (1.0 - 2.0 * smoothing) + smoothing
    absent = log_probabilities(-logits, exclusive=False)
    return -(wanted * present + (1.0 - wanted) * absent).mean(1)


def predict(network: ClassNetwork, windows: Float32, *, exclusive: bool) -> Float32:
    """Return the probability of each class in each window, (n, labels)."""
    network.eval()
    found = []
    with torch.inference_mode():
        for first in range(0, len(windows), _BATCH):
            logits = network(torch.from_numpy(windows[first : first + _BATCH]))
            found.append(log_probabilities(logits, exclusive=exclusive).exp().numpy())
    return np.concatenate(found)


def _log_sigmoid(logits: torch.Tensor, _: int) -> torch.Tensor:
    return nn.functional.logsigmoid(logits)
