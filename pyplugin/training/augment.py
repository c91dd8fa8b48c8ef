"""Data augmentation of recordings and of mel spectrograms.

Reverberation, codecs and speed changes work on samples. Level, equalisation, bandwidth, noise,
partial silence and mixtures work on mel powers, where they are products and sums: cheap enough to
be drawn again for each window. Adding powers ignores phase, which differs between windows anyway.
Bands are those of the front-end ``musicnn`` unless another one is given.
"""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pyplugin.models.card import FrontEnd
from pyplugin.models.frontends import PRESETS
from pyplugin.support.arrays import Bools, Float32, Float64

Generator = np.random.Generator

_FRONT_END = PRESETS["musicnn"]


@dataclass(frozen=True)
class Codec:
    """A lossy codec: FFmpeg's names, and the bit rates and sample rates (Hz) to draw from."""

    encoder: str
    container: str
    bit_rates: tuple[int, ...]
    sample_rates: tuple[int, ...]


CODECS = (
    Codec("libmp3lame", "mp3", (24_000, 32_000, 48_000, 64_000, 96_000), (16_000, 22_050, 44_100)),
    Codec("libopus", "ogg", (8_000, 12_000, 16_000, 24_000, 48_000), (16_000, 48_000)),
    Codec("aac", "adts", (24_000, 32_000, 48_000, 64_000), (16_000, 22_050, 44_100)),
)


def mel_power(mel: Float32 | npt.NDArray[np.float16], front_end: FrontEnd = _FRONT_END) -> Float32:
    """Return mel powers from front-end values, such as log10(1 + 10000 power).

    Parameters
    ----------
    mel : ndarray of float32 or float16, any shape
    front_end : FrontEnd, optional
        Whose logarithm is ``log10-1p`` or ``log-zero``, the natural one.

    Returns
    -------
    ndarray of float32, same shape

    Examples
    --------
    >>> mel_power(log_mel(np.array([0.0, 0.5], np.float32))).round(4).tolist()
    [0.0, 0.5]
    """
    if front_end.log == "log-zero":
        return np.asarray(np.exp(mel.astype(np.float32)))
    power: Float32 = np.expm1(mel.astype(np.float32) * np.float32(np.log(10.0)))
    return power / np.float32(front_end.log_scale)


def log_mel(power: Float32, front_end: FrontEnd = _FRONT_END) -> Float32:
    """Return front-end values, such as log10(1 + 10000 power), from mel powers.

    Parameters
    ----------
    power : ndarray of float32, any shape
    front_end : FrontEnd, optional
        As for `mel_power`.

    Returns
    -------
    ndarray of float32, same shape
    """
    if front_end.log == "log-zero":
        return np.asarray(np.log(np.maximum(power, np.float32(front_end.log_floor))))
    scaled = power * np.float32(front_end.log_scale)
    return np.asarray(np.log1p(scaled) / np.float32(np.log(10.0)))


def add_reverberation(samples: Float32, sample_rate: int, random: Generator) -> Float32:
    """Convolve samples (n,) with a random room impulse response; return (n,).

    The response is the direct sound followed by noise with an RT60 of 0.15 to 1.2 s, shorter at
    high frequencies, at a direct-to-reverberant ratio of -3 to +12 dB.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        In Hz.
    random : Generator

    Returns
    -------
    ndarray of float32, shape (n,)
    """
    from scipy.signal import lfilter, oaconvolve

    decay = float(np.exp(random.uniform(np.log(0.15), np.log(1.2))))
    length = int(decay * sample_rate)
    times = np.arange(length) / sample_rate
    noise = random.standard_normal(length)
    low = lfilter([0.3], [1.0, -0.7], noise)
    tail = low * 10.0 ** (-3.0 * times / decay)
    tail += (noise - low) * 10.0 ** (-3.0 * times / (decay * random.uniform(0.3, 0.9)))
    tail[: int(random.uniform(0.001, 0.02) * sample_rate)] = 0.0
    ratio = 10.0 ** (random.uniform(-3.0, 12.0) / 20.0)
    tail /= max(float(np.sqrt(np.sum(tail**2))), 1e-9) * ratio
    response = np.concatenate([[1.0], tail])
    wet = oaconvolve(samples, response.astype(np.float32))[: len(samples)]
    return np.asarray(wet, np.float32)


def apply_codec(samples: Float32, sample_rate: int, random: Generator) -> tuple[Float32, int]:
    """Encode and decode samples (n,) with a random lossy codec; return them and their rate in Hz.

    The delay of the codec, some milliseconds, is not compensated.

    Parameters
    ----------
    samples : ndarray of float32, shape (n,)
    sample_rate : int
        In Hz.
    random : Generator

    Returns
    -------
    samples : ndarray of float32, shape (m,)
    sample_rate : int
        In Hz.
    """
    import av

    codec = CODECS[random.integers(len(CODECS))]
    rate = int(random.choice(codec.sample_rates))
    file = io.BytesIO()
    with av.open(file, "w", format=codec.container) as output:
        stream = output.add_stream(codec.encoder, rate=rate, layout="mono")
        stream.bit_rate = int(random.choice(codec.bit_rates))
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = sample_rate
        resampler = av.AudioResampler(
            stream.codec_context.format, "mono", rate, stream.codec_context.frame_size or None
        )
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as source:
        resampler = av.AudioResampler("flt", "mono")
        parts = [
            piece.to_ndarray()[0]
            for decoded in source.decode(audio=0)
            for piece in resampler.resample(decoded)
        ]
        found = source.streams.audio[0].rate
    return np.concatenate(parts).astype(np.float32), int(found)


def band_frequencies(front_end: FrontEnd = _FRONT_END) -> Float64:
    """Return the centres of the front-end's bands in Hz, shape (bands,); Slaney's mel scale."""
    step = np.log(6.4) / 27.0
    top = 15.0 + np.log(front_end.fmax / 1000.0) / step
    mels = np.linspace(0.0, top, front_end.bands + 2)[1:-1]
    return np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * np.exp(step * (mels - 15.0)))


def equaliser(count: int, random: Generator, front_end: FrontEnd = _FRONT_END) -> Float32:
    """Draw smooth power gains (count, bands): a tilt, and one broad peak or dip.

    Parameters
    ----------
    count : int
    random : Generator
    front_end : FrontEnd, optional

    Returns
    -------
    ndarray of float32, shape (count, bands)
    """
    octaves = np.log2(band_frequencies(front_end) / 1000.0)
    tilt = random.normal(0.0, 1.5, (count, 1)) * octaves
    centre = random.uniform(-4.0, 3.0, (count, 1))
    width = random.uniform(0.4, 1.5, (count, 1))
    peak = random.normal(0.0, 5.0, (count, 1)) * np.exp(-0.5 * ((octaves - centre) / width) ** 2)
    return np.asarray(10.0 ** ((tilt + peak) / 10.0), np.float32)


def band_limits(count: int, random: Generator, front_end: FrontEnd = _FRONT_END) -> Float32:
    """Draw power gains (count, bands) of channels with limited bandwidth.

    About half pass everything; the others have a low-pass at 3 to 7.5 kHz, and 15 % also a
    high-pass at 100 to 500 Hz, as on a telephone.

    Parameters
    ----------
    count : int
    random : Generator
    front_end : FrontEnd, optional

    Returns
    -------
    ndarray of float32, shape (count, bands)
    """
    frequencies = band_frequencies(front_end)[None]
    cuts = np.exp(random.uniform(np.log(3000.0), np.log(7500.0), (count, 1)))
    cuts = np.where(random.random((count, 1)) < 0.5, cuts, 20_000.0)
    lows = random.uniform(100.0, 500.0, (count, 1)) * (random.random((count, 1)) < 0.15)
    slope = random.uniform(6.0, 30.0, (count, 1))  # of the power, in orders
    gains = 1.0 / (1.0 + (frequencies / cuts) ** slope)
    gains /= 1.0 + (lows / frequencies) ** 6.0
    return np.asarray(np.maximum(gains, 1e-7), np.float32)


def coloured_noise(
    count: int, frames: int, random: Generator, front_end: FrontEnd = _FRONT_END
) -> Float32:
    """Draw mel powers (count, frames, bands) of stationary coloured noise with a mean of 1.

    The power of a band of noise has a chi-square distribution with two degrees of freedom for each
    independent FFT bin in the band.

    Parameters
    ----------
    count, frames : int
    random : Generator
    front_end : FrontEnd, optional

    Returns
    -------
    ndarray of float32, shape (count, frames, bands)
    """
    frequencies = band_frequencies(front_end)
    octaves = np.log2(frequencies / 1000.0)
    colour = 10.0 ** (random.uniform(-6.0, 2.0, (count, 1, 1)) * octaves / 10.0)
    shape = colour * equaliser(count, random, front_end)[:, None]
    widths = np.gradient(frequencies) / (front_end.sample_rate / front_end.fft)
    degrees = np.maximum(2.0, 2.0 * widths)
    spread = random.gamma(degrees / 2.0, 2.0 / degrees, (count, frames, len(frequencies)))
    power = shape * spread
    return np.asarray(power / power.mean(axis=(1, 2), keepdims=True), np.float32)


def shifted(power: Float32, chosen: Bools, random: Generator, *, most: int = 6) -> Float32:
    """Shift spectra by whole bands, repeating the band at the edge.

    Parameters
    ----------
    power : ndarray of float32, shape (n, frames, bands)
    chosen : ndarray of bool, shape (n,)
        Which to shift.
    random : Generator
    most : int
        Bands up or down; 6 are a fifth above 1 kHz.

    Returns
    -------
    ndarray of float32, same shape
    """
    bands = power.shape[2]
    moves = random.integers(-most, most + 1, len(power)) * chosen
    places = np.clip(np.arange(bands) - moves[:, None], 0, bands - 1)
    return np.take_along_axis(power, places[:, None], axis=2)
