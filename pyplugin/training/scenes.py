"""Scenes: ten seconds of sounds, composed as waveforms, with the presence of every label.

A scene is one sound, sounds one after the other, with gaps or cross-fades, or two or three sounds
at once, such as a voice over music, at all balances. Since the presence of every label in every
mel frame is known, so is what a network should answer at the end of each frame: `wanted_answers`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Array, Float32, Float64, Int64
from pyplugin.training.augment import add_reverberation
from pyplugin.training.corpus import LABELS, Presence
from pyplugin.training.sounds import (
    BACKING,
    FRAME_RATE,
    HOP,
    MADE_NOISE,
    MADE_NOTES,
    MADE_PERCUSSION,
    PLAYED_MUSIC,
    PLAYED_PERCUSSION,
    RATE,
    SOLO,
    SUNG,
    VOCALS,
    Pools,
    Sound,
    as_floats,
)

Generator = np.random.Generator
Name = TypeVar("Name")

DRUM_KIT = "drums-rendered"

SHARES = {
    "speech": 0.20,
    "song": 0.14,
    SOLO: 0.05,
    "music": 0.25,
    BACKING: 0.02,
    "instrument": 0.07,
    "percussion": 0.07,
    "ambience": 0.14,
    DRUM_KIT: 0.07,
    SUNG: 0.03,
    MADE_PERCUSSION: 0.02,
    MADE_NOTES: 0.03,
    MADE_NOISE: 0.08,
    PLAYED_PERCUSSION: 0.03,
    PLAYED_MUSIC: 0.12,
}
"""Relative shares of the categories among single sounds; those without sounds are ignored."""

PAIRS = {
    ("speech", "music"): 0.13,
    ("speech", BACKING): 0.02,
    ("speech", PLAYED_MUSIC): 0.05,
    ("speech", "ambience"): 0.11,
    ("speech", "instrument"): 0.02,
    ("speech", DRUM_KIT): 0.05,
    ("speech", PLAYED_PERCUSSION): 0.02,
    ("speech", "speech"): 0.02,
    (VOCALS, "music"): 0.16,
    (VOCALS, PLAYED_MUSIC): 0.04,
    (VOCALS, BACKING): 0.03,
    (VOCALS, DRUM_KIT): 0.03,
    (VOCALS, "ambience"): 0.02,
    (SOLO, "music"): 0.07,
    (SOLO, PLAYED_MUSIC): 0.03,
    (SOLO, "ambience"): 0.02,
    (SUNG, "music"): 0.07,
    (SUNG, BACKING): 0.01,
    (SUNG, PLAYED_MUSIC): 0.03,
    (SUNG, DRUM_KIT): 0.02,
    ("song", "ambience"): 0.04,
    ("song", "song"): 0.01,
    (DRUM_KIT, "music"): 0.07,
    (DRUM_KIT, PLAYED_MUSIC): 0.06,
    (DRUM_KIT, "ambience"): 0.02,
    ("percussion", "music"): 0.03,
    (PLAYED_PERCUSSION, "music"): 0.03,
    (PLAYED_PERCUSSION, PLAYED_MUSIC): 0.03,
    (PLAYED_PERCUSSION, "ambience"): 0.02,
    (MADE_PERCUSSION, "music"): 0.02,
    ("instrument", "instrument"): 0.02,
    ("instrument", "ambience"): 0.02,
    (PLAYED_MUSIC, "ambience"): 0.04,
    ("music", "ambience"): 0.06,
    ("music", PLAYED_MUSIC): 0.02,
    (MADE_NOTES, "ambience"): 0.02,
    ("ambience", "ambience"): 0.03,
    ("ambience", "music"): 0.04,
    ("ambience", "speech"): 0.03,
    (MADE_NOISE, "speech"): 0.03,
    (MADE_NOISE, "music"): 0.02,
    ("speech", MADE_NOISE): 0.03,
    (VOCALS, MADE_NOISE): 0.01,
    (PLAYED_MUSIC, MADE_NOISE): 0.01,
    (PLAYED_PERCUSSION, MADE_NOISE): 0.01,
}
"""Relative shares of pairs of a foreground and a background."""

HOLD = 0.65
"""Seconds without a label after which it is to be released."""

ONSET, RECENT = 0.25, 0.5
"""Seconds with a label, of the last ones, after which it is to be known."""

# dB of a label's sound relative to all others below which its presence is unknown.
_MASKED = {
    "speech": -15.0,
    "singing": -14.0,
    "music": -16.0,
    "drums": -12.0,
    "tonal": -10.0,
    "noise": -8.0,
    "voice": -14.0,
}
_VOICES = (VOCALS, SOLO, SUNG)
_ONE, _IN_TURN = 0.33, 0.55  # of scenes: one sound; up to here, sounds in turn; the rest, at once
_STILL = 0.35  # seconds since a label was there in which it is still to be known
_CHANGED = 0.45  # probability that a sound is played slower or faster
_SPEEDS = ((4, 5), (5, 6), (7, 8), (9, 10), (10, 9), (8, 7), (6, 5), (5, 4))  # fractions


@dataclass(frozen=True, eq=False)
class Scene:
    """Sounds, and what is present.

    Attributes
    ----------
    samples : ndarray of float32, shape (n,)
        At 16 kHz, peak about 0.5.
    presence : ndarray of int8, shape (frames, 7)
        1 where a label is present in a mel frame, 0 where it is absent, -1 where that is unknown.
    """

    samples: Float32
    presence: Presence


@dataclass(frozen=True)
class _Layer:
    """A sound in a scene: samples (n,), presence (frames, 7), gain in dB, first and last sample."""

    samples: Float32
    presence: Presence
    gain: float
    begins: int
    ends: int


def compose(pools: Pools, random: Generator, *, seconds: float = 10.0) -> Scene:
    """Compose a random scene.

    Parameters
    ----------
    pools : Pools
    random : Generator
    seconds : float, optional
        Duration, at least 2.

    Returns
    -------
    Scene

    Raises
    ------
    PypluginError
        No category of `SHARES` has a sound.
    """
    count = round(seconds * FRAME_RATE) * HOP
    kind = random.random()
    pairs = {pair: share for pair, share in PAIRS.items() if set(pair) <= pools.keys()}
    if kind < _ONE or (kind >= _IN_TURN and not pairs):
        layers = [_one(pools, count, random)]
    elif kind < _IN_TURN:
        layers = list(_in_turn(pools, count, random))
    else:
        layers = list(_at_once(pools, pairs, count, random))
    signals = [_signal(layer, random) for layer in layers]
    samples = np.sum(signals, axis=0)
    if (len(layers) > 1 or random.random() < 0.2) and random.random() < 0.3:
        samples = add_reverberation(samples.astype(np.float32), RATE, random)
    samples = samples * (0.5 / max(float(np.abs(samples).max()), 1e-6))
    presence = joined(signals, [_limited(layer) for layer in layers])
    if random.random() < 0.3:
        hiss = _hiss(samples, random)
        # Where only hiss is audible, it is noise to some, and silence to others.
        audible = _envelope(hiss) > _envelope(samples) * 10.0 ** (_MASKED["noise"] / 10.0)
        noise = presence[:, LABELS.index("noise")]
        noise[audible & (noise == 0)] = -1
        samples = samples + hiss
    return Scene(samples.astype(np.float32), presence)


def wanted_answers(presence: Presence) -> Presence:
    """Return what a network should answer at the end of each frame.

    A label is wanted once it was present for 0.25 s of the last 0.5 s, and stays so while it was
    present within the last 0.35 s. It is not wanted when it was absent for the time `HOLD`. In
    between, and where its presence is unknown, the answer is unknown too.

    Parameters
    ----------
    presence : ndarray of int8, shape (frames, 7)
        1 for present, 0 for absent, -1 for unknown, in each mel frame.

    Returns
    -------
    ndarray of int8, shape (frames, 7)
        1, 0, or -1 for unknown.

    Examples
    --------
    >>> presence = np.zeros((100, 7), np.int8)
    >>> presence[20:80, 0] = 1
    >>> wanted_answers(presence)[[19, 20, 34, 99], 0].tolist()
    [0, -1, 1, 1]
    """
    recent, still, onset = (int(each * FRAME_RATE) for each in (RECENT, _STILL, ONSET))
    wanted = np.full(presence.shape, -1, np.int8)
    present, audible = presence == 1, presence != 0
    lately = _sums(present, recent) >= onset
    just = _sums(present, still) > 0
    hold = int(HOLD * FRAME_RATE)
    wanted[_sums(audible, hold) == 0] = 0
    wanted[(lately | ((_sums(present, hold) >= onset) & just))] = 1
    return wanted


def _sums(values: Array, length: int) -> Int64:
    """Return the sum of the last `length` values at each place, along the first axis."""
    sums = np.cumsum(values, axis=0, dtype=np.int64)
    before = np.zeros_like(sums)
    before[length:] = sums[:-length]
    return np.asarray(sums - before)


def pick(pool: Mapping[str, Sequence[Sound]], random: Generator) -> Sound:
    """Return a random sound: a group, by the square root of its number of sounds, then a sound."""
    groups = list(pool)
    weights = np.sqrt([len(pool[group]) for group in groups])
    sounds = pool[groups[int(random.choice(len(groups), p=weights / weights.sum()))]]
    return sounds[int(random.integers(len(sounds)))]


def excerpt(sound: Sound, count: int, random: Generator) -> tuple[Float32, Presence]:
    """Return a random part of a sound, or, of a short one, repetitions with gaps.

    Of every 20 sounds, 9 are played up to a quarter slower or faster: other speakers, singers and
    instruments than the few of a corpus.

    Parameters
    ----------
    sound : Sound
    count : int
        Samples, a multiple of the hop.
    random : Generator

    Returns
    -------
    samples : ndarray of float32, shape (count,)
    presence : ndarray of int8, shape (count / hop, 7)
    """
    samples, presence = sound.samples(), sound.presence()
    frames = count // HOP
    speed = _SPEEDS[int(random.integers(len(_SPEEDS)))] if random.random() < _CHANGED else (1, 1)
    needed = (frames * speed[0] // speed[1] + 2) * HOP
    if len(samples) >= needed:
        first = int(random.integers((len(samples) - needed) // HOP + 1))
        part = samples[first * HOP : first * HOP + needed]
        played, found = _played(part, presence[first : first + needed // HOP], speed)
        return played[:count], _padded(found[:frames], frames)
    part, presence = _played(samples, presence, speed)
    whole = np.zeros(count, np.float32)
    present = np.zeros((frames, len(LABELS)), np.int8)
    gap, frame = float(random.choice((0.0, 0.1, 0.5, 1.5))), 0
    while frame < frames:
        kept = part[: count - frame * HOP]
        whole[frame * HOP : frame * HOP + len(kept)] = kept
        seen = presence[: frames - frame]
        present[frame : frame + len(seen)] = _either(present[frame : frame + len(seen)], seen)
        frame += max(1, len(presence) + int(gap * random.uniform(0.3, 1.0) * FRAME_RATE))
    return whole, present


def _played(samples: Array, presence: Presence, speed: tuple[int, int]) -> tuple[Float32, Presence]:
    """Return int16 samples as floats, at a speed, and the presence likewise."""
    found = as_floats(samples)
    if speed == (1, 1):
        return found, presence
    from scipy.signal import resample_poly

    found = np.asarray(resample_poly(found, speed[1], speed[0]), np.float32)
    at = np.arange(-(-len(found) // HOP)) * speed[0] // speed[1]
    return found, presence[np.minimum(at, len(presence) - 1)]


def joined(signals: Sequence[Float32], presences: Sequence[Presence]) -> Presence:
    """Return the presence of labels in a sum of signals.

    A label is present if it is in any signal. Where the signal is far below the others, by a limit
    in dB of each label, its presence is unknown.

    Parameters
    ----------
    signals : sequence of ndarray of float32, shape (n,)
    presences : sequence of ndarray of int8, shape (frames, 7)

    Returns
    -------
    ndarray of int8, shape (frames, 7)
    """
    levels = [_envelope(signal) for signal in signals]
    total = np.sum(levels, axis=0)
    found = np.zeros_like(presences[0])
    for level, presence in zip(levels, presences, strict=True):
        ratio = 10.0 * np.log10(level / (total - level + 1e-9))
        seen = presence.copy()
        for number, label in enumerate(LABELS):
            seen[(ratio < _MASKED[label]) & (presence[:, number] == 1), number] = -1
        found = _either(found, seen)
    return found


def _one(pools: Pools, count: int, random: Generator) -> _Layer:
    samples, presence = excerpt(pick(pools[_category(pools, random)], random), count, random)
    begins, ends = 0, count
    if random.random() < 0.4:
        begins = round(random.uniform(0.0, 0.5) * count)
    if random.random() < 0.4:
        ends = round(random.uniform(0.5, 0.9) * count)
    return _Layer(samples, presence, 0.0, begins, max(ends, begins))


def _in_turn(pools: Pools, count: int, random: Generator) -> Iterator[_Layer]:
    begins = 0
    while begins < count:
        ends = min(count, begins + round(random.uniform(0.2, 0.6) * count))
        samples, presence = excerpt(pick(pools[_category(pools, random)], random), count, random)
        yield _Layer(samples, presence, random.uniform(-8.0, 8.0), begins, ends)
        gap = float(random.choice((0.0, 0.0, 0.2, 1.2, -0.5)))  # seconds; below 0: a cross-fade
        begins = max(ends + round(gap * RATE), begins + HOP)


def _at_once(
    pools: Pools, pairs: Mapping[tuple[str, str], float], count: int, random: Generator
) -> Iterator[_Layer]:
    over, under = _draw(pairs, random)
    low, high = (-12.0, 6.0) if over in _VOICES else (-8.0, 8.0)
    if over == "speech":
        low, high = -9.0, 14.0
    gain = random.uniform(low, high)
    spans = []
    for begin, end in (((-0.3, 0.6), (0.5, 1.4)), ((-0.8, 0.3), (0.7, 1.8))):
        begins = round(max(0.0, random.uniform(*begin)) * count)
        ends = round(min(1.0, random.uniform(*end)) * count)
        spans.append((begins, ends) if ends - begins >= RATE else (0, count))
    for category, each, span in zip((over, under), (gain, 0.0), spans, strict=True):
        samples, presence = excerpt(pick(pools[category], random), count, random)
        yield _Layer(samples, presence, each, *span)
    if random.random() < 0.12:
        samples, presence = excerpt(pick(pools[_category(pools, random)], random), count, random)
        yield _Layer(samples, presence, random.uniform(-14.0, -2.0), 0, count)


def _category(pools: Pools, random: Generator) -> str:
    shares = {name: share for name, share in SHARES.items() if name in pools}
    if not shares:
        raise PypluginError(
            f"The corpus has no sounds of the categories that scenes use: {', '.join(SHARES)}."
        )
    return _draw(shares, random)


def _draw(shares: Mapping[Name, float], random: Generator) -> Name:
    """Return a random key, by shares."""
    names = list(shares)
    weights = np.array(list(shares.values()))
    return names[int(random.choice(len(names), p=weights / weights.sum()))]


def _signal(layer: _Layer, random: Generator) -> Float32:
    """Return a layer at its level, faded in and out, and sometimes in a room."""
    count = len(layer.samples)
    part = layer.samples[layer.begins : layer.ends]
    level = loudness(part if len(part) > RATE // 10 else layer.samples)
    gain = 10.0 ** (layer.gain / 20.0) / level
    signal = layer.samples * gain * _fades(count, layer.begins, layer.ends, random)
    if random.random() < 0.18:
        signal = add_reverberation(signal.astype(np.float32), RATE, random)
    return np.asarray(signal, np.float32)


def _fades(count: int, begins: int, ends: int, random: Generator) -> Float32:
    """Return 1 between two samples, with fades of 5 to 400 ms, and 0 elsewhere."""
    gains = np.zeros(count, np.float32)
    gains[begins:ends] = 1.0
    length = round(RATE * float(random.choice((0.005, 0.02, 0.1, 0.4))))
    if ends - begins > 2 * length:
        if begins > 0:
            gains[begins : begins + length] = np.linspace(0.0, 1.0, length)
        if ends < count:
            gains[ends - length : ends] = np.linspace(1.0, 0.0, length)
    return gains


def _limited(layer: _Layer) -> Presence:
    """Return the presence of a layer, absent outside its span."""
    presence = layer.presence.copy()
    at = np.arange(len(presence)) * HOP
    presence[(at < layer.begins) | (at >= layer.ends)] = 0
    return presence


def loudness(samples: Float32) -> float:
    """Return the root mean square of the tenths of a second within 13 dB of the loudest one."""
    length = RATE // 10
    whole = samples[: len(samples) // length * length]
    if not len(whole):
        return 1e-4
    power = np.mean(np.square(whole.reshape(-1, length)), axis=1)
    return float(np.sqrt(power[power >= 0.05 * power.max()].mean()) + 1e-6)


def _envelope(signal: Float32 | Float64) -> Float64:
    """Return the power of each frame, the mean of 0.64 s around it."""
    power = np.square(signal).reshape(-1, HOP).mean(axis=1)
    width = min(40, len(power))
    return np.convolve(power, np.ones(width) / width, "same") + 1e-9


def _hiss(samples: Float32, random: Generator) -> Float64:
    """Return noise, white or low-passed, 16 to 50 dB below the samples."""
    noise: Float64 = random.standard_normal(len(samples))
    if random.random() < 0.6:
        from scipy.signal import lfilter

        noise = lfilter([1.0], [1.0, -random.uniform(0.3, 0.98)], noise)
        noise /= noise.std() + 1e-9
    gain = loudness(samples) * 10.0 ** (-random.uniform(16.0, 50.0) / 20.0)
    return np.asarray(noise * gain)


def _either(one: Presence, other: Presence) -> Presence:
    """Return presence in either of two: 1 if in one, else -1 if unknown in one, else 0."""
    unknown = (one == -1) | (other == -1)
    found = np.where((one == 1) | (other == 1), 1, np.where(unknown, -1, 0))
    return np.asarray(found, np.int8)


def _padded(presence: Presence, frames: int) -> Presence:
    return np.pad(presence, ((0, frames - len(presence)), (0, 0)))
