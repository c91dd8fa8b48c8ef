"""The network of `scene`: convolutions over time and bands, pooling over time, two dense layers.

No convolution is padded, so every column of every layer is the same in all windows that contain it,
and the inline runtime computes it once. Strides are over bands only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from pyplugin.training.corpus import LABELS


@dataclass(frozen=True)
class Layer:
    """A convolution with batch norm and ReLU.

    Attributes
    ----------
    channels : int
    time, bands : int
        Size of the kernel in mel frames and bands.
    step : int
        Stride in bands.
    dilation : int
        Dilation in frames.
    """

    channels: int
    time: int
    bands: int
    step: int = 1
    dilation: int = 1


_LAYERS = (
    Layer(24, 3, 7, 2),
    Layer(32, 3, 5, 2),
    Layer(48, 3, 5, 2, 2),
    Layer(96, 1, 9),
    Layer(64, 5, 1, 1, 4),
)


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes of the network.

    Attributes
    ----------
    patch : int
        Mel frames in a window.
    bands : int
    layers : tuple of Layer
    embedding : int
    """

    patch: int = 62
    bands: int = 96
    layers: tuple[Layer, ...] = _LAYERS
    embedding: int = 64

    @classmethod
    def from_table(cls, table: dict[str, object]) -> "NetworkSettings":
        """Return the settings in a TOML table, whose `layers` is a list of tables."""
        values = dict(table)
        layers = values.pop("layers", None)
        if isinstance(layers, Sequence):
            values["layers"] = tuple(Layer(**layer) for layer in layers)
        return cls(**values)  # type: ignore[arg-type]


class SceneNetwork(nn.Module):  # type: ignore[misc]
    """Maps mel frames (n, patch, bands) to logits (n, labels) and embeddings (n, embedding)."""

    def __init__(self, settings: NetworkSettings, labels: int = len(LABELS)) -> None:
        super().__init__()
        self.settings = settings
        self.convolutions = nn.ModuleList()
        self.norms = nn.ModuleList()
        depth = 1
        for layer in settings.layers:
            how = {"stride": (1, layer.step), "dilation": (layer.dilation, 1), "bias": False}
            size = (layer.time, layer.bands)
            self.convolutions.append(nn.Conv2d(depth, layer.channels, size, **how))
            self.norms.append(nn.BatchNorm2d(layer.channels))
            depth = layer.channels
        self.drop = nn.Dropout(0.1)
        self.dense = nn.Linear(2 * depth, settings.embedding)
        self.logits = nn.Linear(settings.embedding, labels)

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and embeddings."""
        return self.classify(self.columns(mel))

    def columns(self, mel: torch.Tensor) -> torch.Tensor:
        """Return the output of the last convolution, (n, channels, frames, bands)."""
        x = mel[:, None] - 1.0
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            x = torch.relu(norm(convolution(x)))
        return x.float()

    def classify(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and embeddings from the columns of windows."""
        pooled = torch.cat([x.amax(dim=(2, 3)), x.mean(dim=(2, 3))], dim=1)
        embedding = torch.relu(self.dense(self.drop(pooled)))
        return self.logits(self.drop(embedding)), embedding
