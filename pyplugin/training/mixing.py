"""Random batches of augmented and mixed windows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from pyplugin.support.arrays import Bools, Float32, Float64, Int64, Texts
from pyplugin.training.augment import band_limits, coloured_noise, equaliser, log_mel, mel_power
from pyplugin.training.corpus import LABELS, SYNTHETIC
from pyplugin.training.windows import FRAME_RATE, WindowSet

_NOISE = LABELS.index("noise")
_MUSIC = LABELS.index("music")
_SOON = round(0.6 * FRAME_RATE)  # frames after an onset from which its labels count
_ENDED = round(0.7 * FRAME_RATE)  # frames after an end for which its labels still count
CATEGORIES = {
    "speech": 0.22,
    "music": 0.28,
    "song": 0.12,
    "instrument": 0.09,
    "percussion": 0.11,
    "drums-rendered": 0.07,
    "ambience": 0.11,
    "sung": 0.06,
    "made-percussion": 0.05,
    "played-percussion": 0.07,
    "made-notes": 0.04,
}
"""Relative shares of the categories among windows; those without windows are ignored."""

# Pairs of a foreground and a background, which is 6 dB above to 9 dB below it, and their shares.
_PAIRS = {
    ("speech", "music"): 0.20,
    ("speech", "ambience"): 0.10,
    ("speech", "instrument"): 0.05,
    ("speech", "drums-rendered"): 0.05,
    ("solo", "music"): 0.08,
    ("sung", "music"): 0.12,
    ("sung", "instrument"): 0.03,
    ("sung", "drums-rendered"): 0.02,
    ("sung", "ambience"): 0.03,
    ("solo", "ambience"): 0.03,
    ("solo", "drums-rendered"): 0.02,
    ("drums-rendered", "music"): 0.10,
    ("percussion", "music"): 0.05,
    ("made-percussion", "music"): 0.02,
    ("played-percussion", "music"): 0.04,
    ("played-percussion", "instrument"): 0.02,
    ("played-percussion", "ambience"): 0.02,
    ("speech", "played-percussion"): 0.02,
    ("made-percussion", "instrument"): 0.02,
    ("made-percussion", "ambience"): 0.02,
    ("made-notes", "ambience"): 0.02,
    ("drums-rendered", "instrument"): 0.04,
    ("instrument", "instrument"): 0.03,
    ("song", "ambience"): 0.04,
    ("music", "ambience"): 0.06,
    ("drums-rendered", "ambience"): 0.02,
    ("ambience", "ambience"): 0.03,
}
_SHIFT = 6  # bands
_INSTRUMENTS = ["instrument", "percussion", "solo", "sung", *SYNTHETIC]


@dataclass(frozen=True)
class MixSettings:
    """How windows are augmented and mixed.

    Attributes
    ----------
    mixture, equaliser, band_limit, noise, onset : float
        Probabilities of a second sound, of equalisation, of a limited bandwidth, of stationary
        noise 15 to 45 dB below the sound, and of an onset or an offset within the window.
    shift : float
        Probability of a shift by up to 6 mel bands, which is a fifth above 1 kHz.
    synthetic : float
        Share of windows that are synthetic stationary noise.
    silence : float
        Share of windows with nothing but faint noise.
    level : float
        Standard deviation of the gain in dB.
    categories : mapping of str to float
        Shares of categories that replace those of `CATEGORIES`.
    """

    mixture: float = 0.45
    equaliser: float = 0.6
    band_limit: float = 0.4
    noise: float = 0.3
    onset: float = 0.25
    shift: float = 0.0
    synthetic: float = 0.04
    silence: float = 0.02
    level: float = 9.0
    categories: Mapping[str, float] = field(default_factory=dict)


class Mixer:
    """Draws random batches of windows.

    Windows are drawn by category, then by group with a probability proportional to the square root
    of its number of windows, so that large sources do not dominate.

    Parameters
    ----------
    window_set : WindowSet
    settings : MixSettings
    seed : int
    """

    def __init__(self, window_set: WindowSet, settings: MixSettings, seed: int) -> None:
        self._window_set = window_set
        self._settings = settings
        self._random = np.random.default_rng(seed)
        self._pools: dict[str, tuple[Int64, Float64]] = {}
        categories = np.array([clip.category for clip in window_set.sources])[window_set.clips]
        solo = (categories == "song") & (window_set.targets[:, _MUSIC] == 0)
        self._shares = {**CATEGORIES, **settings.categories}
        for name in (*self._shares, "solo"):
            members = np.flatnonzero(solo if name == "solo" else categories == name)
            if len(members):
                self._pools[name] = (members, self._cumulative(members))

    def batch(self, count: int) -> tuple[Float32, Float32]:
        """Draw windows.

        Returns
        -------
        mel : ndarray of float32, shape (count, patch, bands)
            Front-end values, log10(1 + 10000 power).
        targets : ndarray of float32, shape (count, labels)
            1, 0, NaN for unknown.
        """
        random, settings = self._random, self._settings
        mixtures = round(count * settings.mixture)
        power, targets = self._single(count - mixtures)
        if mixtures:
            mixed, mixed_targets = self._mixed(mixtures)
            power = np.concatenate([power, mixed])
            targets = np.concatenate([targets, mixed_targets])
        power, targets = self._with_synthetic(power, targets)
        power = shifted(power, random.random(count) < settings.shift, random)
        self._cut(power, targets, random.random(count) < settings.onset)
        power *= self._sometimes(settings.equaliser, equaliser, count)
        power *= 10.0 ** (random.normal(0.0, settings.level, (count, 1, 1)) / 10.0)
        self._add_floor(power, random.random(count) < settings.noise)
        power *= self._sometimes(settings.band_limit, band_limits, count)
        return log_mel(power.astype(np.float32)), targets

    def _sometimes(
        self, share: float, draw: Callable[[int, np.random.Generator], Float32], count: int
    ) -> Float32:
        """Draw gains (count, 1, bands) for this share of windows; those of the others are 1."""
        chosen = self._random.random((count, 1)) < share
        return np.where(chosen, draw(count, self._random), 1.0)[:, None].astype(np.float32)

    def _cumulative(self, members: Int64) -> Float64:
        groups = np.array([clip.group for clip in self._window_set.sources])
        groups = groups[self._window_set.clips[members]]
        _, numbers, counts = np.unique(groups, return_inverse=True, return_counts=True)
        sums: Float64 = np.cumsum(1.0 / np.sqrt(counts[numbers]))
        sums /= sums[-1]
        return sums

    def _draw(self, names: Texts) -> tuple[Float32, Float32]:
        """Draw a window of each category named."""
        chosen = np.zeros(len(names), np.int64)
        for name in np.unique(names):
            places = np.flatnonzero(names == name)
            members, cumulative = self._pools[str(name)]
            found = np.searchsorted(cumulative, self._random.random(len(places)), side="right")
            chosen[places] = members[np.minimum(found, len(members) - 1)]
        return mel_power(self._window_set.windows(chosen)), self._window_set.targets[chosen].copy()

    def _single(self, count: int) -> tuple[Float32, Float32]:
        shares = {k: v for k, v in self._shares.items() if k in self._pools}
        return self._draw(self._choices(list(shares), list(shares.values()), count))

    def _choices(self, names: list[str], shares: list[float], count: int) -> Texts:
        probabilities = np.array(shares) / sum(shares)
        return np.asarray(self._random.choice(np.array(names), count, p=probabilities))

    def _mixed(self, count: int) -> tuple[Float32, Float32]:
        pairs = {k: v for k, v in _PAIRS.items() if set(k) <= self._pools.keys()}
        if not pairs:
            return self._single(count)
        keys = ["/".join(pair) for pair in pairs]
        drawn = np.char.partition(self._choices(keys, list(pairs.values()), count), "/")
        over, over_targets = self._draw(drawn[:, 0])
        under, under_targets = self._draw(drawn[:, 2])
        ratio = 10.0 ** (self._random.uniform(-6.0, 9.0, (count, 1, 1)) / 10.0)
        over /= _loudness(over)
        under *= 1.0 / _loudness(under)
        level = 10.0 ** self._random.uniform(0.0, 2.0, (count, 1, 1))
        power = (over * ratio + under) * level / (1.0 + ratio)
        targets = np.fmax(over_targets, under_targets)
        unknown = np.isnan(over_targets) | np.isnan(under_targets)
        targets[unknown & (targets != 1.0)] = np.nan
        # Two sounds that are not music by themselves may be music together.
        together = np.isin(drawn, _INSTRUMENTS).any(axis=1) & (drawn[:, 2] != "ambience")
        targets[together & (targets[:, _MUSIC] == 0), _MUSIC] = np.nan
        return power.astype(np.float32), targets

    def _with_synthetic(self, power: Float32, targets: Float32) -> tuple[Float32, Float32]:
        """Replace random windows by stationary noise and by near silence."""
        random, count = self._random, len(power)
        places = random.permutation(count)
        noisy = places[: random.binomial(count, self._settings.synthetic)]
        silent = places[count - random.binomial(count, self._settings.silence) :]
        for chosen, levels, is_noise in ((noisy, (-2.0, 1.0), 1.0), (silent, (-9.0, -5.0), 0.0)):
            if len(chosen):
                noise = coloured_noise(len(chosen), power.shape[1], random)
                power[chosen] = noise * 10.0 ** random.uniform(*levels, (len(chosen), 1, 1))
                targets[chosen] = 0.0
                targets[chosen, _NOISE] = is_noise
        return power, targets

    def _cut(self, power: Float32, targets: Float32, chosen: Bools) -> None:
        """Insert an onset, after silence or another window, or an offset into these windows."""
        random, frames = self._random, power.shape[1]
        for number in np.flatnonzero(chosen):
            kind = random.random()
            if kind < 0.2:
                power[number, frames - int(random.integers(min(_ENDED, frames // 2))) :] *= 1e-5
                continue
            least = min(_SOON, frames // 2)
            begins = frames - least - int((frames - least) * random.random() ** 2)
            if kind < 0.6:
                power[number, :begins] *= 1e-5
                continue
            other = int(random.integers(len(power)))
            power[number, :begins] = power[other, :begins]
            targets[number, (targets[number] == 0.0) & (targets[other] != 0.0)] = np.nan

    def _add_floor(self, power: Float32, chosen: Bools) -> None:
        places = np.flatnonzero(chosen)
        if len(places):
            below = 10.0 ** (-self._random.uniform(1.5, 4.5, (len(places), 1, 1)))
            noise = coloured_noise(len(places), power.shape[1], self._random)
            power[places] += noise * below * power[places].mean(axis=(1, 2), keepdims=True)


def shifted(power: Float32, chosen: Bools, random: np.random.Generator) -> Float32:
    """Shift the chosen windows, (n,) of (n, frames, bands), by bands, repeating the edge band."""
    bands = power.shape[2]
    moves = random.integers(-_SHIFT, _SHIFT + 1, len(power)) * chosen
    places = np.clip(np.arange(bands) - moves[:, None], 0, bands - 1)
    return np.take_along_axis(power, places[:, None], axis=2)


def _loudness(power: Float32) -> Float32:
    """Return the mean power of the frames within 20 dB of the loudest, (count, 1, 1)."""
    frames = power.mean(axis=2)
    loud = frames >= 0.01 * frames.max(axis=1, keepdims=True)
    mean = (frames * loud).sum(axis=1) / np.maximum(loud.sum(axis=1), 1)
    return np.asarray(np.maximum(mean, 1e-9)[:, None, None], np.float32)
