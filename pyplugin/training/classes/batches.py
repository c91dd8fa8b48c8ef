"""Random batches of augmented windows of clips, and the windows to test on."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pyplugin.models.card import FrontEnd
from pyplugin.support.arrays import Bools, Float32, Float64, Int64
from pyplugin.training.augment import (
    band_limits,
    coloured_noise,
    equaliser,
    log_mel,
    mel_power,
    shifted,
)
from pyplugin.training.classes.features import ClipFeatures
from pyplugin.training.classes.settings import Architecture

_Mel = npt.NDArray[np.float16]

_ACTIVE = 1e-4  # relative to the loudest frame of a clip: -40 dB
_SHARE = 0.5  # of a window's frames that must be audible
_NEARLY = 0.8  # of the greatest share in any window, for clips with less

# Probabilities, and the deviation of levels in dB
_SHIFT, _EQUALISER, _BAND_LIMIT, _NOISE, _ONSET, _LEVEL = 0.3, 0.6, 0.3, 0.3, 0.2, 6.0


def targets_of(features: Sequence[ClipFeatures], labels: Sequence[str]) -> Float32:
    """Return which classes clips have, (n, labels): 1 or 0."""
    rows = [[float(label in each.clip.labels) for label in labels] for each in features]
    return np.array(rows, np.float32).reshape(len(features), len(labels))


def spread_windows(features: ClipFeatures, frames: int, most: int) -> Float32:
    """Return up to `most` windows of a clip, (n, frames, bands), spread evenly over it."""
    mel = _long_enough(features.mel, frames)
    spare = len(mel) - frames
    count = min(most, 1 + spare * 2 // frames)
    starts = np.unique(np.linspace(0, spare, count).round().astype(int))
    return np.asarray(mel[starts[:, None] + np.arange(frames)], np.float32)


class Batches:
    """Draws batches of windows: a class, a group of it, a clip of that, a window.

    Parameters
    ----------
    features : sequence of ClipFeatures
    targets : ndarray of float32, shape (n, labels)
    architecture : Architecture
    frames : int
        Of a window.
    """

    def __init__(
        self,
        features: Sequence[ClipFeatures],
        targets: Float32,
        architecture: Architecture,
        frames: int,
    ) -> None:
        self._front_end = architecture.front_end
        self._targets = targets
        self._frames = frames
        self._mels = [_long_enough(each.mel, frames) for each in features]
        self._starts = [_window_starts(mel, frames, self._front_end) for mel in self._mels]
        self._chances = _chances(features, targets)
        self.windows = sum(max(1, len(each.mel) // frames) for each in features)

    def batch(self, count: int, random: np.random.Generator) -> tuple[Float32, Float32]:
        """Draw windows.

        Parameters
        ----------
        count : int
        random : Generator

        Returns
        -------
        mel : ndarray of float32, shape (count, frames, bands)
            Front-end values.
        targets : ndarray of float32, shape (count, labels)
        """
        chosen = random.choice(len(self._mels), count, p=self._chances)
        windows = np.empty((count, self._frames, self._front_end.bands), np.float32)
        for place, clip in enumerate(chosen):
            start = int(random.choice(self._starts[clip]))
            windows[place] = self._mels[clip][start : start + self._frames]
        return self._augmented(windows, random), self._targets[chosen]

    def _augmented(self, mel: Float32, random: np.random.Generator) -> Float32:
        count, end = len(mel), self._front_end
        power = mel_power(mel, end)
        power = shifted(power, random.random(count) < _SHIFT, random)
        _cut(power, random.random(count) < _ONSET, random)
        for share, draw in ((_EQUALISER, equaliser), (_BAND_LIMIT, band_limits)):
            gains = draw(count, random, end)
            power *= np.where(random.random((count, 1)) < share, gains, 1.0)[:, None]
        power *= 10.0 ** (random.normal(0.0, _LEVEL, (count, 1, 1)) / 10.0)
        noisy = np.flatnonzero(random.random(count) < _NOISE)
        if len(noisy):
            below = 10.0 ** -random.uniform(1.5, 4.5, (len(noisy), 1, 1))
            noise = coloured_noise(len(noisy), self._frames, random, end)
            power[noisy] += noise * below * power[noisy].mean(axis=(1, 2), keepdims=True)
        return log_mel(power.astype(np.float32), end)


def _long_enough(mel: _Mel, frames: int) -> _Mel:
    """Zero-pad a clip shorter than a window; it starts within the first half of the window."""
    missing = frames - len(mel)
    if missing <= 0:
        return mel
    quiet = mel.min(axis=0)
    before = min(missing, frames // 2)
    edges = [np.repeat(quiet[None], count, axis=0) for count in (before, missing - before)]
    return np.concatenate([edges[0], mel, edges[1]])


def _window_starts(mel: _Mel, frames: int, front_end: FrontEnd) -> Int64:
    """Return the starts of the windows that are audible enough."""
    power = mel_power(mel, front_end).sum(axis=1)
    active = np.concatenate([[0], np.cumsum(power > _ACTIVE * power.max())])
    share = (active[frames:] - active[:-frames]) / frames
    least = max(min(_SHARE, _NEARLY * share.max()), 1.0 / frames)
    return np.flatnonzero(share >= least)


def _chances(features: Sequence[ClipFeatures], targets: Float32) -> Float64:
    """Return the probability of each clip: classes alike, groups by the root of their sizes."""
    names = np.array([each.clip.group or f"\0{each.clip.path}" for each in features])
    _, numbers, counts = np.unique(names, return_inverse=True, return_counts=True)
    weights = 1.0 / np.sqrt(counts[numbers])
    sums = (targets * weights[:, None]).sum(axis=0)
    shares = (targets / np.maximum(sums, 1e-9)).sum(axis=1) / np.maximum(targets.sum(axis=1), 1)
    chances = weights * shares
    return np.asarray(chances / chances.sum(), np.float64)


def _cut(power: Float32, chosen: Bools, random: np.random.Generator) -> None:
    """Silence the beginning of these windows, at most half of them."""
    frames = power.shape[1]
    for number in np.flatnonzero(chosen):
        power[number, : int(random.integers(1, frames // 2 + 1))] *= 1e-6
