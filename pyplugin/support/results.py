"""Results that several rooms pass on: tags of a recording, a parameter over time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Curve", "HeadResult", "TagResult"]

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HeadResult:
    """What a head said of a recording: ``activations`` (n, C) of its C ``labels``, 0 to 1."""

    labels: list[str]
    activations: Float32

    @property
    def mean(self) -> Float32:
        """(C,) float32: each label's activation, averaged over the windows."""
        return _mean(self.activations)


@dataclass(frozen=True)
class TagResult:
    """What a model heard in a recording.

    Attributes
    ----------
    model
        Its name.
    labels
        The L labels, as the model spells them.
    times
        (n,) float64: where each window starts, in seconds.
    window, hop
        Length of a window and distance between two, in seconds.
    activations
        (n, L) float32, 0 to 1.
    embeddings
        (n, E) float32 of the output asked for, or ``None``.
    duration
        Of the recording, in seconds.
    notes
        Sentences about the input that a person should see: it was shorter than a window, it was
        cut off, samples were not numbers.
    heads
        What each head said of the same windows, by its name.
    replaced
        Samples that were NaN or infinite and counted as 0.
    """

    model: str
    labels: list[str]
    times: npt.NDArray[np.float64]
    window: float
    hop: float
    activations: Float32
    embeddings: Float32 | None
    duration: float
    notes: list[str] = field(default_factory=list)
    heads: dict[str, HeadResult] = field(default_factory=dict)
    replaced: int = 0

    @property
    def mean(self) -> Float32:
        """(L,) float32: each label's activation, averaged over the windows."""
        return _mean(self.activations)

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """Return the ``k`` labels of the highest mean with it, the highest first."""
        mean = self.mean
        best = np.argsort(-mean, kind="stable")[: max(k, 0)]
        return [(self.labels[index], float(mean[index])) for index in best]


def _mean(activations: Float32) -> Float32:
    return np.asarray(activations.mean(axis=0, dtype=np.float64), np.float32)


@dataclass(frozen=True)
class Curve:
    """How a parameter moved, or how it shall: (n,) seconds and (n,) values, in its unit.

    Between two points it is a straight line; beyond the last one it rests.
    """

    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
