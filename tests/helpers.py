"""Sounds, the small model and the measuring that tests share."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec import structs

from pyplugin import SIGNALS, Node, SignalFrames
from pyplugin.models.card import Card, Input, Schema
from pyplugin.models.registry import Model

PATCH = 20
BANDS = 96


@dataclass(frozen=True)
class Probe:
    """A small linear model and the weights that say what it must answer."""

    model: Model
    weights: np.ndarray
    bias: np.ndarray

    def dense(self, mel: np.ndarray) -> np.ndarray:
        """What the model must answer for each patch of a spectrogram: (frames - PATCH + 1, 3)."""
        patches = np.lib.stride_tricks.sliding_window_view(mel, (PATCH, BANDS))[:, 0]
        flat = patches.reshape(len(patches), -1).astype(np.float64)
        return flat @ self.weights.T + self.bias

    def activations(self, mel: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-self.dense(mel)))


def with_patch(card: Card, frames: int) -> Card:
    """The card of a model that takes so many frames, whatever the model takes."""
    inputs = (Input("mel", "float", (1, frames, BANDS)),)
    return structs.replace(card, patch_frames=frames, schema=Schema(inputs, card.outputs))


def music(seconds: float, sample_rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Something with the spectrum of music: chords over noise, (channels, n) float32."""
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220, 277.2, 329.6, 1318.5))
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 0.7 * t)
    noise = 0.02 * random.standard_normal((channels, len(t)))
    return (0.1 * swell * chord + noise).astype(np.float32)


def play(node: Node, x: np.ndarray, sizes: Sequence[int] = (4096,)) -> SignalFrames:
    at, turn = 0, 0
    while at < x.shape[1]:
        node.process(x[:, at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return node.read_signals()


def measure(x: np.ndarray, rate: int, **options) -> dict[str, np.ndarray]:
    """Every signal of mono or planar audio by name, and the ``time`` in seconds that it is of."""
    x = np.atleast_2d(x).astype(np.float32)
    with Node(rate, len(x), 8192, model=None, queue=65536, **options) as node:
        frames = play(node, x)
    return {"time": frames.end / rate, **dict(zip(SIGNALS, frames.values.T, strict=True))}
