"""Result types that several packages share: tags of a recording, a parameter over time."""

from dataclasses import dataclass, field

import numpy as np

from pyplugin.support.arrays import ByValue, Float32, Float64


@dataclass(frozen=True, eq=False)
class HeadResult(ByValue):
    """Activations of a head for a recording.

    Attributes
    ----------
    labels
        The C labels, as the head spells them.
    activations
        (n, C) float32, 0 to 1, one row a window.

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> pyplugin.HeadResult(["happy"], np.array([[0.2], [0.4]], np.float32)).mean.round(2)
    array([0.3], dtype=float32)
    """

    labels: list[str]
    activations: Float32

    @property
    def mean(self) -> Float32:
        """(C,) float32: each label's activation, averaged over the windows."""
        return _mean(self.activations)


@dataclass(frozen=True, eq=False)
class TagResult(ByValue):
    """Tags of a recording.

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
        (n, L) float32, 0 to 1; of a regression in its own unit; L is 0 for a model that has an
        embedding only.
    embeddings
        (n, E) float32 of the output or the layers asked for, or ``None``.
    duration
        Of the recording, in seconds.
    notes
        Sentences about the input that a person should see: it was shorter than a window, it was
        truncated, samples were not finite.
    heads
        Results of each head for the same windows, by its name.
    replaced
        Number of NaN or infinite samples, which counted as 0.
    layers
        (n, size) float32 of each layer asked for, by its name.

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 16000)
    >>> result = pyplugin.tag(tone, 16000, hop=0.5)
    >>> result.activations.shape, result.labels[4]
    ((3, 7), 'tonal')
    >>> result.top(1)[0][0]
    'tonal'
    """

    model: str
    labels: list[str]
    times: Float64
    window: float
    hop: float
    activations: Float32
    embeddings: Float32 | None
    duration: float
    notes: list[str] = field(default_factory=list)
    heads: dict[str, HeadResult] = field(default_factory=dict)
    replaced: int = 0
    layers: dict[str, Float32] = field(default_factory=dict)

    @property
    def bounds(self) -> Float64:
        """(n + 1,) float64: seconds from which to which each window stands for the recording.

        Two windows meet halfway between their middles; the first reaches the recording's start, the
        last its end.
        """
        middles = np.minimum(self.times + self.window / 2, self.duration)
        between = (middles[1:] + middles[:-1]) / 2
        return np.concatenate([[0.0], between, [self.duration]])

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


@dataclass(frozen=True, eq=False)
class Curve(ByValue):
    """A parameter over time: (n,) seconds and (n,) values, in its unit.

    It is linear between two points and constant after the last one.

    See Also
    --------
    pyplugin.curve : a curve of evenly spaced values.

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> fade = pyplugin.Curve(np.array([0.0, 2.0]), np.array([-60.0, 0.0]))
    >>> float(np.interp(1.0, fade.times, fade.values))
    -30.0
    """

    times: Float64
    values: Float64
