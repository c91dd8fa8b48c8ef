"""Faults of a transmission and what resembles them, drawn by a seed.

:data:`FAULTS` and :data:`TWINS` map a name to a function of a random generator; each returns sound
of (2, n) float32 at :data:`RATE`. A twin is programme that a detector of the fault must not find.
What a draw leaves open (levels, frequencies, lengths, balances, codecs) follows from the generator
alone, so ``draw("hum", 7)`` is the same everywhere where the recordings are the same.

Recordings come from ``tests/data``; with more of them in ``PYPLUGIN_CORPUS`` those are drawn too.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import scipy.ndimage
import scipy.signal
import soundfile
from helpers import DATA, whole_corpus

RATE = 48000

Sound = npt.NDArray[np.float32]
Random = np.random.Generator

# ---- parts ----


def gain(db: float) -> float:
    return 10 ** (db / 20)


def level(x: npt.ArrayLike) -> float:
    """RMS in dBFS."""
    return 10 * float(np.log10(np.mean(np.square(x)) + 1e-20))


def at_level(x: np.ndarray, db: float) -> np.ndarray:
    return x * gain(db - level(x))


def clock(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE)) / RATE


def between(random: Random, low: float, high: float) -> float:
    return float(random.uniform(low, high))


def log_between(random: Random, low: float, high: float) -> float:
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def stereo(x: np.ndarray) -> np.ndarray:
    return np.stack([x, x]) if x.ndim == 1 else x


def coloured(random: Random, count: int, slope_db: float, top: float = 20000) -> np.ndarray:
    """Noise of so many dB an octave, up to `top` Hz."""
    spectrum = np.fft.rfft(random.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    spectrum *= (hertz / 1000) ** (slope_db / 6.02) * (hertz < top)
    return np.fft.irfft(spectrum, count)


def coded(x: np.ndarray, codec: str, bitrate: int) -> np.ndarray:
    """What a codec leaves: "mp3", "opus" or "aac", at so many bits a second."""
    names = {"mp3": ("libmp3lame", "mp3", "fltp"), "opus": ("libopus", "ogg", "flt")}
    encoder, container, form = names.get(codec, ("aac", "adts", "fltp"))
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(encoder, rate=RATE, layout="stereo")
        stream.bit_rate = bitrate
        resampler = av.AudioResampler(format=form, layout="stereo", rate=RATE)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(x, np.float32), format="fltp", layout="stereo"
        )
        frame.sample_rate, frame.pts = RATE, 0
        for piece in resampler.resample(frame):
            output.mux(stream.encode(piece))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as source:
        planar = av.AudioResampler(format="fltp", layout="stereo", rate=RATE)
        pieces = [
            piece.to_ndarray()
            for frame in source.decode(audio=0)
            for piece in planar.resample(frame)
        ]
    return np.concatenate(pieces, 1)


CODECS = [("mp3", 128000), ("mp3", 64000), ("aac", 96000), ("opus", 64000), ("opus", 96000)]


def perhaps_coded(random: Random, x: np.ndarray, share: float = 0.4) -> np.ndarray:
    chosen, unused = CODECS[random.integers(len(CODECS))], random.random()
    return coded(x, *chosen) if unused < share else x


# ---- recordings ----


@cache
def recordings(category: str) -> list[Path]:
    """Of "speech", "music", "song" ..., those in tests/data first."""
    found = sorted((DATA / "labelled" / category).glob("*.ogg"))
    if category == "speech":
        found.append(DATA / "clips" / "speech.ogg")
    for corpus in whole_corpus():
        with (corpus / "manifest.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["category"] == category]
        found += [corpus / row["path"] for row in rows if float(row["seconds"]) > 5]
    return found


@cache
def decoded(path: Path) -> np.ndarray:
    x, rate = soundfile.read(path, dtype="float32", always_2d=True)
    up, down = RATE // np.gcd(RATE, rate), rate // np.gcd(RATE, rate)
    # some have an offset that changes
    mono = scipy.signal.sosfilt(scipy.signal.butter(2, 8, "high", fs=rate, output="sos"), x.mean(1))
    return np.asarray(scipy.signal.resample_poly(mono, up, down), np.float32)


def medley(random: Random, seconds: float, *categories: str) -> np.ndarray:
    """Pieces of recordings one after the other, mono, none twice, at -20 dBFS each."""
    pool = [path for category in categories for path in recordings(category)]
    pieces: list[np.ndarray] = []
    for index in random.permutation(len(pool)):
        x = decoded(pool[index])
        x = x[int(random.uniform(0, 0.2) * len(x)) :][: 15 * RATE]
        if level(x) > -60:
            pieces.append(at_level(x, -20))
        if sum(map(len, pieces)) >= seconds * RATE:
            break
    return np.concatenate(pieces)[: round(seconds * RATE)]


def widened(random: Random, x: np.ndarray, width: float) -> np.ndarray:
    """Stereo of mono: a side signal of delayed, filtered sound, `width` times as strong."""
    side = np.roll(x, int(between(random, 0.008, 0.02) * RATE))
    side = scipy.signal.lfilter([1, -0.7], [1], side)
    side *= width * np.std(x) / (np.std(side) + 1e-12)
    return np.stack([x + side, x - side])


def programme(random: Random, seconds: float, *categories: str) -> np.ndarray:
    x = medley(random, seconds, *(categories or ("speech", "music", "song")))
    return at_level(widened(random, x, between(random, 0, 0.7)), between(random, -30, -14))


def broadcast(random: Random) -> Iterator[tuple[str, np.ndarray]]:
    """Yield what a station sends: whole recordings, some spoken over a bed, with short pauses.

    Each comes with the names of its recordings.
    """
    kinds = ["speech", "song", "music", "drums-rendered", "speech over music"]
    while True:
        kind = random.choice(kinds, p=[0.3, 0.15, 0.3, 0.05, 0.2])
        parts = [recordings(each) for each in str(kind).split(" over ")]
        paths = [pool[random.integers(len(pool))] for pool in parts if pool]
        first, *beds = (decoded(path) for path in paths)
        x = np.array(first)
        for bed in beds:
            x += gain(between(random, -18, -6)) * at_level(np.resize(bed, len(x)), level(x))
        if not paths or level(x) < -60:
            continue
        x = at_level(widened(random, x, between(random, 0, 0.7)), between(random, -30, -14))
        yield " over ".join(path.name for path in paths), perhaps_coded(random, x, 0.3)
        yield "a pause", np.zeros((2, round(between(random, 0, 3) * RATE)))


# ---- faults ----


def silence(random: Random) -> np.ndarray:
    """Nothing, or what is left of a dead line."""
    count = 26 * RATE
    if random.random() < 0.3:
        return np.zeros((2, count))
    return at_level(random.standard_normal((2, count)), between(random, -96, -76))


def hum(random: Random) -> np.ndarray:
    t, f = clock(26), random.choice([50, 60]) * (1 + between(random, -0.002, 0.002))
    falls, phases = between(random, 0.3, 2.5), random.uniform(0, 2 * np.pi, 12)
    x = sum(np.sin(2 * np.pi * f * k * t + phases[k - 1]) / k**falls for k in range(1, 13))
    if random.random() < 0.3:  # of a rectifier
        x = sum(np.sin(2 * np.pi * f * k * t + phases[k - 1]) / k for k in range(2, 13, 2))
    x = at_level(np.asarray(x), between(random, -50, -20))
    noise = at_level(random.standard_normal((2, len(t))), level(x) - between(random, 15, 50))
    return perhaps_coded(random, stereo(x) * [[1], [random.choice([1, -1, 0.5])]] + noise)


def hiss(random: Random) -> np.ndarray:
    count, slope = 26 * RATE, random.choice([0, 6, 3, -3])
    top = random.choice([8000, 15000, 20000])
    x = np.stack([coloured(random, count, slope, top) for _ in range(2)])
    if random.random() < 0.4:
        x[1] = x[0]
    return perhaps_coded(random, at_level(x, between(random, -50, -15)))


def tone(random: Random) -> np.ndarray:
    t = clock(26)
    f = random.choice([400, 440, 1000, log_between(random, 100, 4500)])
    x = at_level(np.sin(2 * np.pi * f * t), between(random, -45, -4))
    noise = at_level(random.standard_normal((2, len(t))), level(x) - between(random, 25, 70))
    return perhaps_coded(random, stereo(x) * [[1], [random.choice([1, 1, 0, -1])]] + noise)


def stuck(random: Random) -> np.ndarray:
    """Programme that stays in a loop after some seconds."""
    length = log_between(random, 0.2, 20)
    x = programme(random, 3 + length)
    loop = x[:, -round(length * RATE) :]
    count = int(np.ceil((length + 60) / length))
    return perhaps_coded(random, np.concatenate([x[:, : 3 * RATE], *[loop] * (count + 1)], 1), 0.7)


def stuck_short(random: Random) -> np.ndarray:
    """A loop of one to some frames of a codec, which sounds like a buzz."""
    length = round(log_between(random, 0.02, 0.2) * RATE)
    x = programme(random, 4)
    loop = x[:, -length:]
    return perhaps_coded(random, np.concatenate([x, *[loop] * (56 * RATE // length)], 1), 0.7)


def out_of_phase(random: Random) -> np.ndarray:
    x = widened(random, medley(random, 16, "speech", "music", "song"), between(random, 0, 0.3))
    x[1] *= -gain(between(random, -2, 2))
    return perhaps_coded(random, at_level(x, between(random, -40, -14)))


def one_channel(random: Random) -> np.ndarray:
    x = at_level(programme(random, 16), between(random, -30, -14))
    dead = random.integers(2)
    x[dead] = x[1 - dead] * random.choice([0, gain(between(random, -70, -40))])
    return perhaps_coded(random, x)


def clipped(random: Random) -> np.ndarray:
    """Clipped, then perhaps attenuated and rounded to 16 bits."""
    x = programme(random, 12)
    over = between(random, 3, 15)  # dB over the level that 0.1 % of the samples exceed
    x = np.clip(x / np.quantile(np.abs(x), 0.999) * gain(over), -1, 1)
    x = x * gain(between(random, -15, 0))
    return np.round(x * 32767) / 32768 if random.random() < 0.5 else x


def offset(random: Random) -> np.ndarray:
    x = at_level(programme(random, 12), between(random, -35, -18))
    x[random.integers(2)] += gain(between(random, -38, -12)) * random.choice([1, -1])
    return x


# ---- twins ----


def harmonics(random: Random, phase: np.ndarray, count: int, falls: float) -> np.ndarray:
    """Sines of multiples of a phase, each weaker than the last, by so many powers."""
    once = np.exp(1j * phase)
    power, x = np.ones(len(phase), complex), np.zeros(len(phase))
    for k in range(1, count + 1):
        power *= once
        angle = random.uniform(0, 7)
        x += (np.cos(angle) * power.imag + np.sin(angle) * power.real) / k**falls
    return x


def note(random: Random, f: float, seconds: float, *, vibrato: float, falls: float) -> np.ndarray:
    """A note of many harmonics that swells, with vibrato in cents."""
    t = clock(seconds)
    speed, depth = between(random, 4.5, 6.5), vibrato / 1200 * np.log(2)
    wander = np.cumsum(random.standard_normal(len(t) // 480 + 2)) * 2e-5
    wander = np.interp(t, np.arange(len(wander)) / 100, wander)
    bend = depth * np.sin(2 * np.pi * speed * t + random.uniform(0, 7)) + wander
    phase = 2 * np.pi * f * np.cumsum(1 + bend) / RATE
    count = max(1, min(12, int(9000 / f)))
    x = harmonics(random, phase, count, falls)
    swell = np.sin(np.pi * np.clip(t / seconds, 0, 1)) ** between(random, 0.3, 1)
    return x * swell


def pianissimo_strings(random: Random) -> np.ndarray:
    """A few players on long notes, -52 to -40 dBFS, above the noise of the room."""
    count = 30 * RATE
    x = np.zeros((2, count))
    for _ in range(3):
        at = 0.0
        while at < 30:
            seconds = between(random, 2, 7)
            f = 55 * 2 ** (random.integers(12, 48) / 12)
            for _ in range(3):
                one = note(
                    random, f * (1 + between(random, -2e-3, 2e-3)), seconds, vibrato=18, falls=1.3
                )
                begin = round(at * RATE)
                part = one[: count - begin]
                x[:, begin : begin + len(part)] += part * random.uniform(0.3, 1, (2, 1))
            at += seconds * between(random, 0.6, 0.95)
    x = at_level(x, between(random, -52, -40))
    return x + at_level(random.standard_normal(x.shape), level(x) - between(random, 15, 30))


def held_organ(random: Random) -> np.ndarray:
    """One note or a chord held for 15 s, of several stops that are not quite in tune."""
    t, x = clock(30), np.zeros((2, 30 * RATE))
    root = log_between(random, 65, 500)
    for interval in random.choice([0, 4, 7, 12, 16, 19], random.integers(1, 4), replace=False):
        for foot in random.choice([1, 2, 3, 4, 6], random.integers(2, 5), replace=False):
            f = root * 2 ** (interval / 12) * foot * (1 + between(random, -8e-4, 8e-4))
            falls = between(random, 0.8, 2)
            pipe = harmonics(random, 2 * np.pi * f * t, 4, falls)
            x += pipe * random.uniform(0.4, 1, (2, 1))
    x *= np.clip(np.minimum(t - 2, 17 - t) * 20, 0, 1)
    after = programme(random, 13, "music")
    x = at_level(x, between(random, -35, -18))
    x[:, 17 * RATE :] = after[:, : x.shape[1] - 17 * RATE]
    return x + at_level(random.standard_normal(x.shape), -75)


def pause(random: Random) -> np.ndarray:
    """15 s of silence, or of a quiet room, between two pieces."""
    before, after = programme(random, 6), programme(random, 6)
    room = at_level(random.standard_normal((2, 15 * RATE)), between(random, -90, -60))
    return np.concatenate([before, room, after], 1)


def hit(random: Random, kind: int) -> np.ndarray:
    t = clock(0.25)
    if kind == 0:
        return np.sin(2 * np.pi * (50 * t + 5 * (1 - np.exp(-40 * t)))) * np.exp(-12 * t)
    bright = np.diff(random.standard_normal(len(t)), prepend=0)
    return 0.4 * bright * np.exp(-(25 if kind == 1 else 80) * t)


def repeated_pattern(random: Random) -> np.ndarray:
    """Bars of drums, bass and chords that players repeat: never at the same time, never as loud."""
    seconds, beat = 45, 60 / between(random, 80, 140)
    x = np.zeros(round((seconds + 3) * RATE))
    sounds = [hit(random, kind) for kind in range(3)]
    bass = 41.2 * 2 ** (random.integers(0, 12, 8) / 12)
    for step in range(int(seconds / beat * 2)):
        at = step * beat / 2 + between(random, -0.006, 0.006)
        kinds = [2] + ([0] if step % 4 == 0 else [1] if step % 4 == 2 else [])
        for kind in kinds:
            begin = max(0, round(at * RATE))
            x[begin : begin + len(sounds[kind])] += sounds[kind] * random.uniform(0.7, 1)
        one = note(random, bass[step % 8], beat / 2, vibrato=0, falls=1.5)
        begin = max(0, round(at * RATE))
        x[begin : begin + len(one)] += 0.3 * one * random.uniform(0.8, 1)
    return at_level(widened(random, x[: seconds * RATE], 0.3), between(random, -30, -14))


def speech_over_bed(random: Random) -> np.ndarray:
    voice, bed = medley(random, 30, "speech"), medley(random, 30, "music")
    both = voice + gain(between(random, -20, -6)) * bed[: len(voice)]
    return at_level(widened(random, both, 0.2), -20)


def quiet_talk(random: Random) -> np.ndarray:
    x = at_level(stereo(medley(random, 30, "speech")), between(random, -50, -38))
    return x + at_level(random.standard_normal(x.shape), level(x) - between(random, 10, 30))


def mono(random: Random) -> np.ndarray:
    return perhaps_coded(random, stereo(at_level(medley(random, 30, "speech", "music"), -20)))


def wide_stereo(random: Random) -> np.ndarray:
    """More side than middle: effects, ambience, spaced microphones."""
    x = medley(random, 30, "music", "song")
    return at_level(widened(random, x, between(random, 0.7, 1.5)), between(random, -30, -14))


def loud_pop(random: Random) -> np.ndarray:
    """Mastered: compressed, then limited by a look-ahead limiter to just below full scale."""
    x = at_level(programme(random, 30, "music", "song"), between(random, -13, -8))
    peak = np.abs(x).max(0)
    need = np.minimum(1, gain(-0.3) / np.maximum(peak, 1e-9))
    ahead = 240
    held = -scipy.ndimage.maximum_filter1d(-need, 2 * ahead + 1)
    return x * scipy.ndimage.uniform_filter1d(held, ahead)


def bass_notes(random: Random) -> np.ndarray:
    """Held notes near the mains: G1 at 49 Hz, B1 at 61.7 Hz and others."""
    x, at = np.zeros(30 * RATE), 0.0
    while at < 29:
        seconds = between(random, 0.5, 6)
        f = 440 * 2 ** ((random.integers(23, 40) - 69) / 12)
        one = note(random, f, seconds, vibrato=0, falls=between(random, 1, 2.5))
        begin = round(at * RATE)
        x[begin : begin + len(one)] += one[: len(x) - begin]
        at += seconds
    return at_level(stereo(x), between(random, -30, -14))


def ambience(random: Random) -> np.ndarray:
    """Rain, crowds, machines and the like."""
    return stereo(at_level(medley(random, 30, "ambience"), between(random, -35, -20)))


def cymbals(random: Random) -> np.ndarray:
    x, at = np.zeros(32 * RATE), 0.0
    while at < 29:
        t = clock(3)
        one = coloured(random, len(t), 6, 16000) * np.exp(-between(random, 1, 4) * t)
        begin = round(at * RATE)
        part = one[: len(x) - begin]
        x[begin : begin + len(part)] += part * random.uniform(0.3, 1)
        at += between(random, 0.3, 2)
    return at_level(stereo(x[: 30 * RATE]), between(random, -30, -14))


FAULTS: dict[str, Callable[[Random], np.ndarray]] = {
    each.__name__: each
    for each in (
        *(silence, hum, hiss, tone, stuck, stuck_short),
        *(out_of_phase, one_channel, clipped, offset),
    )
}
"""What a monitor finds."""

TWINS: dict[str, Callable[[Random], np.ndarray]] = {
    each.__name__: each
    for each in (
        *(pianissimo_strings, held_organ, pause, repeated_pattern, speech_over_bed, quiet_talk),
        *(mono, wide_stereo, loud_pop, bass_notes, ambience, cymbals),
    )
}
"""What a monitor must not take for a fault."""


def draw(name: str, seed: int) -> Sound:
    """Return the sound of a fault or a twin, (2, n) float32."""
    make = FAULTS.get(name) or TWINS[name]
    random = np.random.default_rng([seed, *name.encode()])
    return np.ascontiguousarray(make(random), np.float32)
