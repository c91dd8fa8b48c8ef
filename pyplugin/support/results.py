"""Results shared by several packages: tags of a recording, curves of parameters."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Curve", "HeadResult", "TagResult"]

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HeadResult:
    """The results of a head for a recording: ``activations`` (n, C) of its C ``labels``, 0 to 1."""

    labels: list[str]
    activations: Float32

    @property
    def mean(self) -> Float32:
        """(C,) float32: the mean activation of each label over the windows."""
        return _mean(self.activations)


@dataclass(frozen=True)
class TagResult:
    """The results of a model for a recording.

    Attributes
    ----------
    model
        Name of the model.
    labels
        The L labels, as the model spells them.
    times
        (n,) float64: start of each window in seconds.
    window, hop
        Length of a window, and distance between the starts of two, in seconds.
    activations
        (n, L) float32, 0 to 1.
    embeddings
        (n, E) float32 of the requested layer, or ``None``.
    duration
        Duration of the recording in seconds.
    notes
        Sentences about the input for the user: it is shorter than a window, it is truncated, or it
        has non-finite samples.
    heads
        Results of each head for the same windows, by its name.
    replaced
        Number of non-finite samples (NaN, Inf), which count as 0.
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
        """(L,) float32: the mean activation of each label over the windows."""
        return _mean(self.activations)

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """Return the ``k`` labels with the highest mean activation, and that mean, highest first.

        Examples
        --------
        >>> result = TagResult(
        ...     "demo", ["rock", "jazz"], np.zeros(1), 3.0, 1.0,
        ...     np.array([[0.25, 0.5]], np.float32), None, 3.0,
        ... )
        >>> result.top(1)
        [('jazz', 0.5)]
        """
        mean = self.mean
        best = np.argsort(-mean, kind="stable")[: max(k, 0)]
        return [(self.labels[index], float(mean[index])) for index in best]


def _mean(activations: Float32) -> Float32:
    return np.asarray(activations.mean(axis=0, dtype=np.float64), np.float32)


@dataclass(frozen=True)
class Curve:
    """A parameter over time: (n,) times in seconds and (n,) values in its unit.

    Values are linear between two points, and constant after the last one.
    """

    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
