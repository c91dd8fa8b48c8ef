"""Synthesise singing from speech, for a corpus with much speech and little singing.

The spectral envelope of speech, slowed down where it is voiced, is applied to the harmonics of a
melody with vibrato, which is what distinguishes singing from speech in a mel spectrogram.
"""

import numpy as np

from pyplugin.support.arrays import Float32, Float64, Int64

Generator = np.random.Generator

_SIZE = 0.04  # seconds, length of a frame
_HOP = 0.005
_QUEFRENCY = 0.0015  # seconds: the cepstrum below this is the spectral envelope
_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))


def synthesise_singing(samples: Float32, sample_rate: int, random: Generator) -> Float32:
    """Return speech as singing with a random melody, about twice as long as the speech.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        In Hz.
    random : Generator

    Returns
    -------
    ndarray of float32, shape (m,)
    """
    envelope, voiced = _envelope(samples, sample_rate)
    if len(envelope) < 2:
        return samples
    envelope = _shift_formants(envelope, random.uniform(0.85, 1.2))
    at = _stretch_voiced(voiced, random.uniform(1.5, 6.0))
    hop = round(_HOP * sample_rate)
    voices = 1 if random.random() < 0.8 else int(random.integers(2, 5))
    base = float(np.exp(random.uniform(np.log(90.0), np.log(420.0))))
    melodies = (_melody(len(at), base, random) for _ in range(voices))
    excitation = sum(_pulses(melody, hop, sample_rate, random) for melody in melodies)
    breath = random.uniform(0.02, 0.15)
    noisy = np.maximum(1.0 - voiced[at], breath)
    return _apply_envelope(np.asarray(excitation), envelope[at], noisy, hop, random)


def _frames(samples: Float64, size: int, hop: int) -> Float64:
    """Return windowed frames (n, size)."""
    count = max(0, (len(samples) - size) // hop + 1)
    places = np.arange(count)[:, None] * hop + np.arange(size)
    return np.asarray(samples[places] * np.hanning(size))


def _envelope(samples: Float32, sample_rate: int) -> tuple[Float64, Float64]:
    """Return the envelopes (n, bins) of the spectrum, and how voiced each frame is, 0 to 1."""
    size, hop = round(_SIZE * sample_rate), round(_HOP * sample_rate)
    spectrum = np.abs(np.fft.rfft(_frames(samples.astype(np.float64), size, hop)))
    logarithm = np.log(spectrum + 1e-6)
    cepstrum = np.fft.irfft(logarithm)
    kept = round(_QUEFRENCY * sample_rate)
    cepstrum[:, kept : cepstrum.shape[1] - kept + 1] = 0.0
    envelope = np.exp(np.fft.rfft(cepstrum).real)
    frequencies = np.fft.rfftfreq(size, 1.0 / sample_rate)
    power = spectrum**2
    low = power[:, frequencies < 2000.0].sum(axis=1) / np.maximum(power.sum(axis=1), 1e-12)
    loudness = power.sum(axis=1)
    loud = np.clip(loudness / max(float(np.percentile(loudness, 90)), 1e-12) * 5.0, 0.0, 1.0)
    voiced: Float64 = np.clip((low - 0.5) * 2.5, 0.0, 1.0) * loud
    return envelope, voiced


def _shift_formants(envelope: Float64, factor: float) -> Float64:
    """Scale the frequencies of the formants, as a longer or shorter vocal tract does."""
    bins = envelope.shape[1]
    places = np.minimum(np.arange(bins) / factor, bins - 1.001)
    lower = places.astype(np.int64)
    share = places - lower
    return np.asarray(envelope[:, lower] * (1.0 - share) + envelope[:, lower + 1] * share)


def _stretch_voiced(voiced: Float64, most: float) -> Int64:
    """Return the index of the speech frame for each frame of singing; voiced frames last longer."""
    smooth = np.convolve(voiced, np.ones(9) / 9.0, mode="same")
    ends = np.cumsum(1.0 + most * smooth)
    at = np.searchsorted(ends, np.arange(int(ends[-1])), side="right")
    return np.minimum(at, len(voiced) - 1).astype(np.int64)


def _melody(count: int, base: float, random: Generator) -> Float64:
    """Return the fundamental frequency in Hz of each of `count` frames."""
    scale = _SCALES[random.integers(len(_SCALES))]
    notes = np.empty(count)
    step, place = 0, 0
    while place < count:
        length = int(np.exp(random.uniform(np.log(0.15), np.log(1.2))) / _HOP)
        step = int(np.clip(step + random.integers(-3, 4), -5, 9))
        octave, degree = divmod(step, len(scale))
        notes[place : place + length] = 12.0 * octave + scale[degree]
        place += length
    glide = max(3, int(random.uniform(0.03, 0.1) / _HOP))
    window = np.hanning(glide + 2)[1:-1]
    padded = np.pad(notes, (glide // 2, glide - 1 - glide // 2), mode="edge")
    smooth = np.convolve(padded, window / window.sum(), mode="valid")
    times = np.arange(count) * _HOP
    depth = random.uniform(0.0, 0.9) * (0.5 + 0.5 * np.sin(2.0 * np.pi * times / 1.7))
    rate = random.uniform(4.5, 6.8)
    phase = random.uniform(0.0, 2.0 * np.pi)
    semitones = smooth + depth * np.sin(2.0 * np.pi * rate * times + phase)
    semitones += np.cumsum(random.normal(0.0, 0.01, count)) * 0.2 + random.normal(0.0, 0.15)
    return np.asarray(base * 2.0 ** (np.clip(semitones, -24.0, 24.0) / 12.0))


def _pulses(frequency: Float64, hop: int, sample_rate: int, random: Generator) -> Float64:
    """Return a pulse train of this frequency with a mean power of 1."""
    each = np.repeat(frequency, hop)
    phase = np.cumsum(each / sample_rate) + random.random()
    turns = np.floor(phase)
    starts = np.flatnonzero(np.diff(turns, prepend=turns[0]) > 0)
    pulses = np.zeros(len(each) + 1)
    # A pulse between two samples is divided between them.
    late = np.clip((phase[starts] - turns[starts]) / (each[starts] / sample_rate), 0.0, 1.0)
    strength = np.sqrt(sample_rate / each[starts])
    pulses[starts] += strength * (1.0 - late)
    pulses[np.maximum(starts - 1, 0)] += strength * late
    return pulses[:-1]


def _apply_envelope(
    excitation: Float64, envelope: Float64, noisy: Float64, hop: int, random: Generator
) -> Float32:
    """Apply the envelopes to a mixture of the pulses and noise; `noisy` is the share of noise."""
    size = 2 * (envelope.shape[1] - 1)
    window = np.hanning(size)
    count = min(len(envelope), (len(excitation) - size) // hop + 1)
    if count < 1:
        return np.zeros(0, np.float32)
    noise = random.standard_normal(len(excitation))
    share = noisy[:count, None]
    spectrum = (1.0 - share) * np.fft.rfft(_frames(excitation, size, hop)[:count])
    spectrum += share * np.fft.rfft(_frames(noise, size, hop)[:count])
    parts = np.fft.irfft(spectrum * envelope[:count], size) * window
    output = np.zeros((count - 1) * hop + size)
    for number in range(count):
        output[number * hop : number * hop + size] += parts[number]
    peak = max(float(np.abs(output).max()), 1e-9)
    return np.asarray(0.5 / peak * output, np.float32)
