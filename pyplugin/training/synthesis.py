"""Synthesise percussion, held notes and steady noise, by physical and spectral models.

Percussion is shaken, scraped or struck in rhythmic patterns; notes are sustained or glide; noise is
that of air, water, traffic and machines.
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from pyplugin.support.arrays import Float32, Float64

Generator = np.random.Generator
T = TypeVar("T")

RATE = 16_000
"""Sample rate of the synthesised audio in Hz."""

SECONDS = 12.0
"""Duration of a synthesised clip in seconds."""

_COUNT = round(RATE * SECONDS)
_BARS = ((1.0, 2.76, 5.40), (1.0, 2.57, 4.70), (1.0, 1.52, 2.44, 3.61), (1.0, 2.71), (1.0,))
_SKINS = (1.0, 1.594, 2.136, 2.296, 2.653, 2.918)  # an ideal membrane


def synthesise_percussion(random: Generator) -> Float32:
    """Synthesise a random pattern on one or two random percussion instruments, (n,) at `RATE`.

    Shakers, tambourines and rattles are collisions of beads through resonances (Cook's PhISEM);
    guiros and ratchets, regular clicks through resonances; cymbals and brushes, decaying noise;
    blocks, claves, bells and drums, with or without snares, decaying modes.

    Parameters
    ----------
    random : Generator

    Returns
    -------
    ndarray of float32, shape (n,)
        `SECONDS` at `RATE`, peak about 0.5.
    """
    kinds = (_shaker, _scraper, _noise_burst, _struck_bodies, _struck_bodies)
    sound = _choose(kinds, random)(random)
    if random.random() < 0.25:
        other = _choose(kinds, random)(random)
        sound = _normalise(sound) + _normalise(other) * random.uniform(0.2, 1.0)
    return _with_floor(sound, random)


def synthesise_notes(random: Generator) -> Float32:
    """Synthesise notes of at least one second on a random instrument, (n,) at `RATE`.

    Additive or two-operator FM synthesis, with or without vibrato, tremolo, a swept filter and
    portamento, or with a continuous glide, as of a theremin.

    Parameters
    ----------
    random : Generator

    Returns
    -------
    ndarray of float32, shape (n,)
        `SECONDS` at `RATE`, peak about 0.5.
    """
    frequency, loudness = _note_line(random)
    parts = [
        _tone(frequency * 2.0 ** (interval / 12.0), random)
        for interval in _choose(((0.0,), (0.0,), (0.0, 0.08), (-0.06, 0.07), (0.0, 7.0)), random)
    ]
    sound = _normalise(np.sum(parts, axis=0)) * loudness
    if random.random() < 0.4:
        rate, depth = random.uniform(1.0, 9.0), random.uniform(0.1, 0.9)
        sound *= 1.0 - depth * (0.5 + 0.5 * np.sin(_phase(np.full(_COUNT, rate), random)))
    return _with_floor(sound, random)


def synthesise_noise(random: Generator) -> Float32:
    """Synthesise steady noise as of fans, rain, traffic, engines or drills, (n,) at `RATE`.

    White noise through a random slope and up to two resonances; half of it with the harmonics of a
    motor whose speed wanders; a third with a periodic level.

    Parameters
    ----------
    random : Generator

    Returns
    -------
    ndarray of float32, shape (n,)
        `SECONDS` at `RATE`, peak 0.5.
    """
    from scipy.signal import lfilter

    sound = lfilter([1.0], [1.0, -random.uniform(-0.5, 0.985)], random.standard_normal(_COUNT))
    for _ in range(int(random.integers(0, 3))):
        angle = 2.0 * np.pi * _log_uniform(60.0, 6000.0, random) / RATE
        radius = 1.0 - _log_uniform(0.003, 0.2, random)
        band = lfilter([1.0 - radius], [1.0, -2.0 * radius * np.cos(angle), radius**2], sound)
        gain = random.uniform(0.1, 0.8)
        sound = sound / sound.std() + gain * band / max(float(band.std()), 1e-9)
    sound = sound / sound.std()
    if random.random() < 0.5:
        motor = _motor(random)
        sound += motor / max(float(motor.std()), 1e-9) * 10.0 ** (random.uniform(-20.0, 3.0) / 20.0)
    if random.random() < 0.35:
        rate = np.full(_COUNT, _log_uniform(0.2, 25.0, random))
        sound *= 1.0 + random.uniform(0.1, 0.8) * np.sin(_phase(rate, random))
    return np.asarray(sound * (0.5 / np.abs(sound).max()), np.float32)


def _motor(random: Generator) -> Float64:
    """Return 15 harmonics of a frequency of 25 to 180 Hz that wanders by some per cent."""
    knots = 1.0 + 0.03 * random.standard_normal(12)
    wander = np.interp(np.arange(_COUNT), np.linspace(0, _COUNT, 12), knots)
    angle = _phase(_log_uniform(25.0, 180.0, random) * wander, random)
    slope = random.uniform(0.3, 1.2)
    total = np.zeros(_COUNT)
    for number in range(1, 16):
        gain = random.uniform(0.0, 1.0) / number**slope
        total += gain * np.sin(number * angle + random.uniform(0.0, 6.0))
    return total


def _with_floor(sound: Float64, random: Generator) -> Float32:
    """Normalise a sound and add a noise floor of 50 to 100 dB below full scale."""
    floor = 10.0 ** random.uniform(-5.0, -2.5) * random.standard_normal(_COUNT)
    return np.asarray(_normalise(sound) + floor, np.float32)


def _choose(choices: Sequence[T], random: Generator) -> T:
    return choices[int(random.integers(len(choices)))]


def _log_uniform(low: float, high: float, random: Generator) -> float:
    """Draw a number with a uniform logarithm."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def _normalise(sound: Float64) -> Float64:
    return np.asarray(sound * (0.5 / max(float(np.abs(sound).max()), 1e-9)))


def pattern(random: Generator) -> tuple[Float64, Float64]:
    """Draw a rhythmic pattern.

    Parameters
    ----------
    random : Generator

    Returns
    -------
    times : ndarray of float64, shape (n,)
        Onsets in seconds, within `SECONDS`.
    amplitudes : ndarray of float64, shape (n,)
        Above 0, up to 1.
    """
    kind = random.random()
    if kind < 0.6:  # a repeated bar of accents and rests
        period = 1.0 / _log_uniform(3.0, 12.0, random)
        steps = _choose((3, 4, 6, 8, 12, 16), random)
        bar = random.random(steps) * (random.random(steps) < random.uniform(0.4, 1.0))
        bar[0] = 1.0
        count = int(SECONDS / period)
        strength = np.tile(bar, count // steps + 1)[:count]
        times = np.arange(count) * period + random.normal(0.0, 0.03 * period, count)
    elif kind < 0.8:  # irregular single strokes
        gaps = _log_uniform(0.25, 1.0, random) * 2.0 ** random.normal(0.0, 0.25, 60)
        times = np.cumsum(gaps)
        strength = random.uniform(0.4, 1.0, len(times))
    else:  # rolls
        rate, length = _log_uniform(8.0, 20.0, random), _log_uniform(0.3, 3.0, random)
        times = np.arange(0.0, SECONDS, 1.0 / rate)
        inside = times % (length * random.uniform(1.0, 1.6)) < length
        strength = inside * random.uniform(0.5, 1.0, len(times))
        times = times + random.normal(0.0, 0.1 / rate, len(times))
    kept = (times >= 0.0) & (times < SECONDS - 0.05) & (strength > 0.0)
    return times[kept], 10.0 ** (1.2 * (strength[kept] - 1.0))


def _resonant(sound: Float64, centres: Float64, qualities: Float64) -> Float64:
    """Filter samples with parallel resonators."""
    from scipy.signal import lfilter

    total = np.zeros_like(sound)
    for centre, quality in zip(centres, qualities, strict=True):
        angle = 2.0 * np.pi * centre / RATE
        radius = np.exp(-0.5 * angle / quality)
        poles = [1.0, -2.0 * radius * np.cos(angle), radius**2]
        total += lfilter([(1.0 - radius), 0.0, -(1.0 - radius)], poles, sound)
    return total


def _resonances(random: Generator) -> tuple[Float64, Float64]:
    """Draw centre frequencies in Hz and Q factors: of gourds and boxes, or of jingles."""
    if random.random() < 0.3:
        count = int(random.integers(2, 6))
        return random.uniform(3500.0, 7500.0, count), random.uniform(20.0, 120.0, count)
    count = int(random.integers(1, 4))
    centres = np.exp(random.uniform(np.log(700.0), np.log(7000.0), count))
    return centres, np.exp(random.uniform(np.log(1.0), np.log(15.0), count))


def _shaker(random: Generator) -> Float64:
    """Synthesise a shaker: random bead collisions with decaying energy."""
    from scipy.signal import lfilter

    energy = _shake_energy(_log_uniform(0.02, 0.3, random), random)
    rate = _log_uniform(60.0, 4000.0, random)  # collisions a second at full energy
    hits = random.random(_COUNT) < np.minimum(1.0, rate / RATE * np.sqrt(energy))
    grain = float(np.exp(-1.0 / (RATE * _log_uniform(0.0005, 0.01, random))))
    level = lfilter([1.0], [1.0, -grain], hits * energy * random.random(_COUNT))
    return _resonant(level * random.standard_normal(_COUNT), *_resonances(random))


def _shake_energy(decay: float, random: Generator) -> Float64:
    """Return the energy of a shaker, raised by strokes; it decays with time constant `decay`."""
    from scipy.signal import lfilter

    times, strength = pattern(random)
    width = max(2, int(RATE * _log_uniform(0.002, 0.06, random)))
    pushes = np.zeros(_COUNT)
    np.add.at(pushes, (times * RATE).astype(np.int64), strength)
    swell = np.convolve(pushes, np.hanning(width + 2)[1:-1])[:_COUNT]
    energy = np.asarray(lfilter([1.0], [1.0, -np.exp(-1.0 / (RATE * decay))], swell))
    return np.asarray(energy / max(float(energy.max()), 1e-9))


def _scraper(random: Generator) -> Float64:
    """Synthesise a scraper: runs of nearly regular clicks."""
    clicks = np.zeros(_COUNT)
    rate, length = _log_uniform(12.0, 150.0, random), _log_uniform(0.06, 0.5, random)
    for time, strength in zip(*pattern(random), strict=True):
        gaps = 1.0 / rate * (1.0 + 0.15 * random.standard_normal(max(2, int(rate * length))))
        at = ((time + np.cumsum(np.maximum(gaps, 0.001))) * RATE).astype(np.int64)
        at = at[at < _COUNT]
        clicks[at] += strength * random.uniform(0.3, 1.0, len(at))
    burst = np.exp(-np.arange(80) / random.uniform(4.0, 30.0)) * random.standard_normal(80)
    return _resonant(np.convolve(clicks, burst)[:_COUNT], *_resonances(random))


def _noise_burst(random: Generator) -> Float64:
    """Synthesise cymbals and brushes: broadband noise that decays after each stroke."""
    noise = _shake_energy(_log_uniform(0.02, 0.5, random), random) * random.standard_normal(_COUNT)
    return _resonant(noise, random.uniform(1000.0, 7000.0, 1), random.uniform(0.4, 2.0, 1))


def _struck_bodies(random: Generator) -> Float64:
    """Synthesise strokes on one to three bodies of wood, metal or skin."""
    skin = random.random() < 0.4
    base = _log_uniform(70.0, 450.0, random) if skin else _log_uniform(300.0, 3200.0, random)
    body = _SKINS if skin else _choose(_BARS, random)
    ratios = np.array(body) * random.normal(1.0, 0.03, len(body))
    decay = _log_uniform(0.05, 0.5, random) if skin else _log_uniform(0.02, 0.35, random)
    tones = list(base * np.cumprod(random.uniform(1.0, 1.6, int(random.integers(1, 4)))))
    slope, click = random.uniform(0.3, 1.5), _log_uniform(0.02, 1.0, random)
    bend = random.uniform(0.0, 0.15) * skin
    sound = np.zeros(_COUNT)
    clicks = np.zeros(_COUNT)
    for time, strength in zip(*pattern(random), strict=True):
        first = int(time * RATE)
        length = min(int(3.0 * decay * RATE), _COUNT - first)
        since = np.arange(length) / RATE
        phase = 2.0 * np.pi * (since + bend * 0.03 * (1.0 - np.exp(-since / 0.03)))
        tone = _choose(tones, random)
        for number, ratio in enumerate(ratios):
            if tone * ratio < 0.45 * RATE:
                gain = random.uniform(0.3, 1.0) * ratio**-slope
                fall = np.exp(-6.9 * since / (decay / (1.0 + 0.5 * number)))
                mode = fall * np.sin(phase * tone * ratio)
                sound[first : first + length] += strength * gain * mode
        clicks[first] += strength * random.uniform(0.5, 1.0)
    # In samples; snares decay more slowly.
    fade = _log_uniform(15.0, 3000.0 if skin else 400.0, random)
    burst = np.exp(-np.arange(8000) / fade) * random.standard_normal(8000)
    burst = _resonant(burst, np.array([_log_uniform(300.0, 5000.0, random)]), np.array([1.0]))
    hit = np.convolve(clicks, burst)[:_COUNT]
    return _normalise(sound) + click * _normalise(hit)


def _note_line(random: Generator) -> tuple[Float64, Float64]:
    """Return the frequency in Hz and the amplitude of each sample."""
    semitones, loudness = np.zeros(_COUNT), np.zeros(_COUNT)
    lasts, rest = _log_uniform(1.0, 6.0, random), random.uniform(0.0, 0.4) * (random.random() < 0.7)
    attack, fade = _log_uniform(0.005, 0.5, random), _log_uniform(0.02, 0.6, random)
    at, note = 0, random.uniform(-12.0, 12.0)
    while at < _COUNT:
        length = int(lasts * random.uniform(0.8, 1.4) * RATE)
        since = np.arange(min(length, _COUNT - at)) / RATE
        rise = np.minimum(1.0, since / attack)
        fall = np.clip((length / RATE - since) / fade, 0.0, 1.0)
        semitones[at : at + length] = note
        loudness[at : at + length] = rise * fall
        at += length + int(rest * RATE)
        note = float(np.clip(note + random.normal(0.0, 5.0), -20.0, 20.0))
    if random.random() < 0.5:
        semitones = _smooth_glide(semitones, _log_uniform(0.05, 1.0, random))
    if random.random() < 0.3:
        semitones += 4.0 * np.sin(_phase(np.full(_COUNT, _log_uniform(0.05, 0.6, random)), random))
    depth = random.uniform(0.0, 0.8) * (random.random() < 0.7)
    semitones += depth * np.sin(_phase(np.full(_COUNT, random.uniform(3.0, 8.0)), random))
    base = _log_uniform(90.0, 900.0, random)
    frequency: Float64 = base * 2.0 ** (semitones / 12.0)
    return frequency, loudness


def _smooth_glide(semitones: Float64, seconds: float) -> Float64:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(semitones, max(1, int(seconds * RATE)), mode="nearest"))


def _phase(frequency: Float64, random: Generator) -> Float64:
    """Return the phase in radians of an oscillator with this frequency in Hz, per sample."""
    return np.asarray(2.0 * np.pi * (np.cumsum(frequency / RATE) + random.random()))


def _tone(frequency: Float64, random: Generator) -> Float64:
    """Synthesise a tone with a random timbre."""
    angle = _phase(frequency, random)
    if random.random() < 0.25:  # frequency modulation
        ratio = _choose((0.5, 1.0, 1.0, 2.0, 3.0, 1.41, 3.5), random)
        index = random.uniform(0.2, 5.0) * (1.0 + random.uniform(0.0, 0.8) * np.sin(angle / 300.0))
        return np.asarray(np.sin(angle + index * np.sin(ratio * angle)))
    slope, odd = random.uniform(0.5, 3.0), random.random() < 0.25
    swept = random.random() < 0.4
    cut = _log_uniform(500.0, 4000.0, random)
    if swept:
        rate = np.full(_COUNT, _log_uniform(0.1, 3.0, random))
        cutoff = cut * 2.0 ** (random.uniform(0.5, 2.0) * np.sin(_phase(rate, random)))
    total = np.zeros(_COUNT)
    for number in range(1, 25, 1 + odd):
        partial = frequency * number
        gain = number**-slope * (partial < 0.45 * RATE)
        if swept:
            gain = gain / (1.0 + (partial / cutoff) ** 4)
        total += gain * np.sin(number * angle)
        if partial.min() > 0.45 * RATE:
            break
    return total
