"""The network of `scene`: convolutions over time and bands, pooling over time, two dense layers.

No convolution is padded, so every column of every layer is the same in all windows that contain it,
and the inline runtime computes it once. Strides are over bands only.

With ``level_free``, the kernels of the first convolution have a mean of zero. The input is the
logarithm of powers, so a gain adds the same to all values, and these kernels ignore it. With
``segments``, maximum and mean are taken over each part of the window by itself: the dense layer
can weigh the most recent part more than the oldest one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from pyplugin.models.card import FrontEnd
from pyplugin.models.frontends import PRESETS
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
    segments : int
        Parts of the window, of equal length, that are pooled over time by themselves.
    level_free : bool
        Whether the kernels of the first convolution have a mean of zero.
    dropout : float
        Of pooled values and of the embedding, while training.
    preset : str
        The front-end, one of `pyplugin.models.frontends.PRESETS`.

    Raises
    ------
    ValueError
        The columns of the last convolution cannot be divided into these segments.

    Examples
    --------
    >>> NetworkSettings(patch=62, segments=2).columns
    38
    """

    patch: int = 62
    bands: int = 96
    layers: tuple[Layer, ...] = _LAYERS
    embedding: int = 64
    segments: int = 1
    level_free: bool = False
    dropout: float = 0.1
    preset: str = "musicnn"

    def __post_init__(self) -> None:
        if self.segments < 1 or self.columns < 1 or self.columns % self.segments:
            raise ValueError(
                f"{self.patch} frames give {self.columns} columns, which cannot be divided into "
                f"{self.segments} segments"
            )
        if self.preset not in PRESETS:
            raise ValueError(f"there is no front-end {self.preset!r}")

    @classmethod
    def from_table(cls, table: dict[str, object]) -> "NetworkSettings":
        """Return the settings in a TOML table, whose `layers` is a list of tables."""
        values = dict(table)
        layers = values.pop("layers", None)
        if isinstance(layers, Sequence):
            values["layers"] = tuple(Layer(**layer) for layer in layers)
        return cls(**values)  # type: ignore[arg-type]

    @property
    def columns(self) -> int:
        """Columns of the last convolution in a window."""
        return self.patch - sum((each.time - 1) * each.dilation for each in self.layers)

    @property
    def front_end(self) -> FrontEnd:
        """The settings of the mel spectrogram."""
        return PRESETS[self.preset]


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
        self.drop = nn.Dropout(settings.dropout)
        self.dense = nn.Linear(2 * depth * settings.segments, settings.embedding)
        self.logits = nn.Linear(settings.embedding, labels)

    def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and embeddings."""
        return self.classify(self.columns(mel))

    def columns(self, mel: torch.Tensor) -> torch.Tensor:
        """Return the output of the last convolution, (n, channels, frames, bands)."""
        x = mel[:, None] - 1.0
        for number, (convolution, norm) in enumerate(
            zip(self.convolutions, self.norms, strict=True)
        ):
            if number == 0 and self.settings.level_free:
                x = nn.functional.conv2d(
                    x,
                    zero_mean(convolution.weight),
                    stride=convolution.stride,
                    dilation=convolution.dilation,
                )
            else:
                x = convolution(x)
            x = torch.relu(norm(x))
        return x.float()

    def classify(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and embeddings from the columns of windows."""
        parts = x.unflatten(2, (self.settings.segments, -1))
        pooled = torch.cat([parts.amax(dim=(3, 4)), parts.mean(dim=(3, 4))], dim=1)
        return self._classified(pooled.transpose(1, 2).flatten(1))

    def answers(self, x: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
        """Return the logits of windows within longer sequences, (n, count, labels).

        Parameters
        ----------
        x : Tensor, shape (n, channels, columns, bands)
            What `columns` returns for sequences of any length.
        ends : Tensor of int64, shape (count,)
            The last column of each window, at least ``settings.columns - 1``.
        """
        each = self.settings.columns // self.settings.segments
        most = nn.functional.max_pool1d(x.amax(dim=3), each, 1)
        mean = nn.functional.avg_pool1d(x.mean(dim=3), each, 1)  # at i: columns i to i + each - 1
        firsts = ends - self.settings.columns + 1
        parts = [
            torch.cat([most[:, :, firsts + number * each], mean[:, :, firsts + number * each]], 1)
            for number in range(self.settings.segments)
        ]
        logits, _ = self._classified(torch.cat(parts, dim=1).transpose(1, 2))
        return logits

    def _classified(self, pooled: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        embedding = torch.relu(self.dense(self.drop(pooled)))
        return self.logits(self.drop(embedding)), embedding


def add_offsets(network: SceneNetwork, offsets: Mapping[str, float]) -> None:
    """Add constants to the logits of some labels, for good."""
    with torch.no_grad():
        for label, offset in offsets.items():
            network.logits.bias[LABELS.index(label)] += offset


def zero_mean(kernels: torch.Tensor) -> torch.Tensor:
    """Return kernels, (out, in, time, bands), less the mean of each."""
    return kernels - kernels.mean(dim=(1, 2, 3), keepdim=True)
