"""What is measured of a detector: how well it finds labels, how soon, and how steadily."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pyplugin.support.arrays import Bools, Float32, Float64
from pyplugin.training.corpus import LABELS, VOICE, Presence
from pyplugin.training.scenes import loudness, wanted_answers
from pyplugin.training.sounds import (
    FRAME_RATE,
    HOP,
    PLAYED_MUSIC,
    RATE,
    SOLO,
    VOCALS,
    Pools,
    as_floats,
)

SPEECH, SINGING, MUSIC, DRUMS, TONAL, NOISE = range(6)

Detect = Callable[[Float32], Float32]
"""Takes samples (n,) at 16 kHz, returns what is known at each mel frame, (n // 256, 7)."""

_CATEGORIES = (
    "speech",
    "music",
    "song",
    SOLO,
    "instrument",
    "percussion",
    "drums-rendered",
    "ambience",
    PLAYED_MUSIC,
)
_SECONDS = 20.0  # of a recording, at most
_LEVEL = -20.0  # dBFS, of the loud parts
_EVERY = 12  # frames from one counted answer to the next
_GATE_EVERY = 6  # ... where crossings of 0.5 are counted
_SETTLED = 125  # frames after the beginning of a recording, where steadiness is measured
_ISOLATED = 4.0  # seconds of a sound between as much silence, for delays
_NEVER = 9.0  # seconds, what a delay counts that is longer than that


@dataclass(frozen=True)
class Measure:
    """A figure.

    Attributes
    ----------
    name : str
    value : float
        NaN if the detector has no such label or there is no such sound.
    better : {"more", "less"}
    """

    name: str
    value: float
    better: str = "more"


@dataclass(frozen=True, eq=False)
class Clip:
    """A recording, at most 20 s: samples (n,), and the presence of labels (frames, 7)."""

    samples: Float32
    presence: Presence


@dataclass(frozen=True, eq=False)
class Answers:
    """The results of a detector for a recording, and what is wanted: (frames, 7) each."""

    values: Float32
    wanted: Presence


@dataclass(frozen=True)
class Material:
    """The recordings to measure on.

    Attributes
    ----------
    pools : Pools
    per_group : int
        Recordings to use of a group, at most.
    """

    pools: Pools
    per_group: int = 12

    def clips(
        self, category: str, *, per_group: int | None = None, seconds: float = _SECONDS
    ) -> list[Clip]:
        """Return the recordings of a category."""
        most = min(self.per_group, per_group or self.per_group)
        sounds = [sound for each in self.pools.get(category, {}).values() for sound in each[:most]]
        found = []
        for sound in sounds:
            frames = min(len(sound.samples()) // HOP, int(seconds * FRAME_RATE))
            if frames:
                samples = as_floats(sound.samples()[: frames * HOP])
                found.append(Clip(samples, sound.presence()[:frames]))
        return found


def measure(material: Material, detect: Detect) -> list[Measure]:
    """Return all measures of a detector.

    Parameters
    ----------
    material : Material
    detect : callable

    Returns
    -------
    list of Measure
        Always the same ones, in the same order.
    """
    detector = _Detector(material, detect)
    return [
        *_labels(detector),
        *_voices(detector),
        *_drums_and_noise(detector),
        *_levels(detector),
        *_channels(detector),
        *_delays(detector),
        *_steadiness(detector),
    ]


@dataclass(frozen=True, eq=False)
class _Detector:
    """A detector and its answers for all recordings, computed once for each category."""

    material: Material
    detect: Detect
    _known: dict[str, list[Answers]] = field(default_factory=dict)

    def answers(self, category: str) -> list[Answers]:
        if category not in self._known:
            clips = self.material.clips(category)
            self._known[category] = [self.ask(clip) for clip in clips]
        return self._known[category]

    def ask(self, clip: Clip, level: float = _LEVEL) -> Answers:
        """Return the answers for a recording at a level in dBFS."""
        values = self.detect(at_level(clip.samples, level))
        return Answers(values, wanted_answers(clip.presence)[: len(values)])

    def values(self, label: int, wanted: int, categories: Sequence[str] = _CATEGORIES) -> Float32:
        """Return the results of a label where it is wanted (1) or not wanted (0)."""
        each = [self.answers(category) for category in categories]
        return chosen([answers for part in each for answers in part], label, wanted)


def chosen(answers: Sequence[Answers], label: int, wanted: int) -> Float32:
    """Return the results of a label, every 12 frames, where it is wanted (1) or not (0)."""
    parts = [
        each.values[::_EVERY, label][each.wanted[::_EVERY, label] == wanted] for each in answers
    ]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def at_level(samples: Float32, decibels: float) -> Float32:
    """Return samples whose loud parts have a level in dBFS (root mean square)."""
    return np.asarray(samples * (10.0 ** (decibels / 20.0) / loudness(samples)), np.float32)


def area(positive: Float32, negative: Float32) -> float:
    """Return the ROC-AUC, the share of pairs in order; NaN without both kinds.

    Examples
    --------
    >>> area(np.float32([0.9, 0.4]), np.float32([0.5, 0.1]))
    0.75
    """
    if not len(positive) or not len(negative) or np.isnan(positive).any():
        return float("nan")
    from sklearn.metrics import roc_auc_score

    truth = np.repeat([1, 0], [len(positive), len(negative)])
    return float(roc_auc_score(truth, np.concatenate([positive, negative])))


def found_at(positive: Float32, negative: Float32, false: float) -> float:
    """Return the share found at a share of false positives; NaN without both kinds."""
    if not len(positive) or not len(negative) or np.isnan(positive).any():
        return float("nan")
    return float((positive > np.quantile(negative, 1.0 - false)).mean())


def share_above(values: Float32) -> float:
    """Return the share above 0.5; NaN of none or of what is not known."""
    if not len(values) or np.isnan(values).any():
        return float("nan")
    return float((values > 0.5).mean())


def onsets_per_hour(answers: Sequence[Answers], label: int) -> float:
    """Return how often an hour a label rises above 0.5, asked every 6 frames."""
    hours = sum(len(each.values) for each in answers) / FRAME_RATE / 3600.0
    if not hours or any(np.isnan(each.values[:, label]).any() for each in answers):
        return float("nan")
    return sum(_rises(each.values[_SETTLED // 2 :: _GATE_EVERY, label]) for each in answers) / hours


def _rises(values: Float32) -> int:
    above = values > 0.5
    return int((above[1:] & ~above[:-1]).sum())


def _labels(detector: _Detector) -> list[Measure]:
    return [
        Measure(
            f"{label}: ROC-AUC",
            area(detector.values(number, 1), detector.values(number, 0)),
        )
        for number, label in enumerate(LABELS)
    ]


def _voices(detector: _Detector) -> list[Measure]:
    sung = detector.values(VOICE, 1, ["song"])
    instrumental = detector.values(VOICE, 0, ["music", "song"])
    added = chosen(_added(detector), VOICE, 1)
    music = detector.values(VOICE, 0, ["music"])
    found = [
        Measure("voice in songs against music: ROC-AUC", area(sung, instrumental)),
        Measure("voice in songs, found at 1 % false", found_at(sung, instrumental, 0.01)),
        Measure("voice in songs, share above 0.5", share_above(sung)),
        Measure("voice added to other music: ROC-AUC", area(added, music)),
        Measure("voice added to other music, found at 1 % false", found_at(added, music, 0.01)),
    ]
    for category in ("music", "instrument", PLAYED_MUSIC):
        silent = [each for each in detector.answers(category) if (each.wanted[:, VOICE] == 0).all()]
        rate = onsets_per_hour(silent, VOICE)
        found.append(Measure(f"voice, false onsets an hour: {category}", rate, "less"))
    return found


def _added(detector: _Detector) -> list[Answers]:
    """Return the answers for voices added to music, 9 dB below to 3 dB above it."""
    random = np.random.default_rng(0)
    material = detector.material
    music = material.clips("music", per_group=3)
    voices = material.clips(VOCALS, per_group=6) + material.clips(SOLO, per_group=4)
    found = []
    for number, voice in enumerate(voices if music else ()):
        other = music[number % len(music)]
        frames = min(len(voice.presence), len(other.presence))
        if frames < 2 * FRAME_RATE:
            continue
        sung, played = (at_level(each.samples[: frames * HOP], 0.0) for each in (voice, other))
        mixed = sung * np.float32(10.0 ** (random.uniform(-9.0, 3.0) / 20.0)) + played
        found.append(detector.ask(Clip(mixed, voice.presence[:frames])))
    return found


def _drums_and_noise(detector: _Detector) -> list[Measure]:
    noise = detector.values(NOISE, 1, ["ambience"])
    others = detector.values(NOISE, 0, ["music", "speech", PLAYED_MUSIC])
    means = [
        float(each.values[60:, MUSIC].mean())
        for category in ("music", PLAYED_MUSIC)
        for each in detector.answers(category)
        if len(each.values) > 2 * FRAME_RATE
    ]
    return [
        Measure("drums found", share_above(detector.values(DRUMS, 1, ["drums-rendered"]))),
        Measure(
            "drums, false: played music",
            share_above(detector.values(DRUMS, 0, [PLAYED_MUSIC])),
            "less",
        ),
        Measure(
            "drums, false: ambience", share_above(detector.values(DRUMS, 0, ["ambience"])), "less"
        ),
        Measure("noise against music and speech: ROC-AUC", area(noise, others)),
        Measure("noise found", share_above(noise)),
        Measure(
            "music: recordings whose mean is above 0.5", share_above(np.array(means, np.float32))
        ),
    ]


def _levels(detector: _Detector) -> list[Measure]:
    """Return how much the mean changes from -10 to -40 dBFS, and what is left at -50 dBFS."""
    found = []
    for category, label in (
        ("song", VOICE),
        ("drums-rendered", DRUMS),
        ("music", MUSIC),
        ("speech", SPEECH),
    ):
        clips = detector.material.clips(category, per_group=2, seconds=10.0)[:20]
        means = []
        for level in (-10.0, -40.0, -50.0):
            values = chosen([detector.ask(clip, level) for clip in clips], label, 1)
            means.append(float(values.mean()) if len(values) else float("nan"))
        name = f"{LABELS[label]} in {category}"
        change = abs(means[0] - means[1])
        found.append(Measure(f"{name}: change of the mean, -10 to -40 dBFS", change, "less"))
        found.append(Measure(f"{name}: mean at -50 dBFS", means[2]))
    return found


def _channels(detector: _Detector) -> list[Measure]:
    found = []
    for name, channel in (("mp3 at 32 kbit/s", through_mp3), ("telephone", through_telephone)):
        answers = {
            category: [
                detector.ask(Clip(channel(at_level(clip.samples, _LEVEL)), clip.presence))
                for clip in detector.material.clips(category, per_group=4)
            ]
            for category in ("song", "music", "drums-rendered", "speech", PLAYED_MUSIC)
        }
        for label, having, lacking in (
            (SINGING, ["song"], ["music", "speech"]),
            (VOICE, ["song", "speech"], ["music", PLAYED_MUSIC]),
            (DRUMS, ["drums-rendered"], ["music", PLAYED_MUSIC, "speech"]),
        ):
            positive, negative = (
                chosen([each for category in kinds for each in answers[category]], label, wanted)
                for kinds, wanted in ((having, 1), (lacking, 0))
            )
            found.append(Measure(f"{LABELS[label]}, {name}: ROC-AUC", area(positive, negative)))
    return found


def through_mp3(samples: Float32) -> Float32:
    """Return samples after MP3 at 32 kbit/s and 22.05 kHz."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp3") as output:
        stream = output.add_stream("libmp3lame", rate=22_050, layout="mono")
        stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = RATE
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, "mono", 22_050, context.frame_size or None)
        for part in (*resampler.resample(frame), *resampler.resample(None)):
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as source:
        resampler = av.AudioResampler("flt", "mono", RATE)
        decoded = [
            piece.to_ndarray()[0]
            for part in source.decode(audio=0)
            for piece in resampler.resample(part)
        ]
    whole = np.concatenate(decoded)[: len(samples)]  # FFmpeg leaves the delay out
    return np.asarray(np.pad(whole, (0, len(samples) - len(whole))), np.float32)


def through_telephone(samples: Float32) -> Float32:
    """Return samples between 300 and 3400 Hz."""
    from scipy.signal import butter, sosfilt

    band = butter(6, [300.0, 3400.0], "band", fs=RATE, output="sos")
    return np.asarray(sosfilt(band, samples), np.float32)


def _delays(detector: _Detector) -> list[Measure]:
    """Return the median delays of 4 s of a sound between silence, at 0.5."""
    found = []
    length = round(_ISOLATED * FRAME_RATE)
    for category, label in (
        ("speech", SPEECH),
        ("drums-rendered", DRUMS),
        ("song", VOICE),
        ("music", MUSIC),
    ):
        clips = detector.material.clips(category, per_group=3, seconds=12.0)[:24]
        onsets, releases = [], []
        for clip in clips:
            if len(clip.presence) < length or not (clip.presence[:length, label] == 1).any():
                continue
            silence = np.zeros(length * HOP, np.float32)
            sound = at_level(clip.samples[: length * HOP], _LEVEL)
            above = detector.detect(np.concatenate([silence, sound, silence]))[:, label]
            if np.isnan(above).any():
                continue
            # From the first frame with the label to the last.
            present = np.flatnonzero(clip.presence[:length, label] == 1)
            onsets.append(_first(above[length + present[0] :] > 0.5))
            if onsets[-1] < _NEVER:
                releases.append(_first(above[length + present[-1] + 1 :] <= 0.5))
        name = f"{LABELS[label]} in {category}"
        for what, delays in (("onset", onsets), ("release", releases)):
            median = float(np.median(delays)) if delays else float("nan")
            found.append(Measure(f"{name}: {what}, median s", median, "less"))
    return found


def _first(true: Bools) -> float:
    """Return the seconds until the first true frame."""
    return float(np.argmax(true) / FRAME_RATE) if true.any() else _NEVER


def _steadiness(detector: _Detector) -> list[Measure]:
    """Return how often a minute a label that is there all the time crosses 0.5."""
    found = []
    for category, label in (
        ("speech", SPEECH),
        ("music", MUSIC),
        ("drums-rendered", DRUMS),
        ("song", VOICE),
        ("ambience", NOISE),
    ):
        steady: list[Float64] = [
            each.values[_SETTLED::_GATE_EVERY, label].astype(np.float64)
            for each in detector.answers(category)
            if len(each.values) > 2 * _SETTLED and np.median(each.wanted[:, label]) == 1
        ]
        minutes = sum(map(len, steady)) * _GATE_EVERY / FRAME_RATE / 60.0
        crossings = sum(int((np.diff(each > 0.5)).sum()) for each in steady)
        known = bool(minutes) and not any(np.isnan(each).any() for each in steady)
        value = crossings / minutes if known else float("nan")
        name = f"{LABELS[label]} in {category}: crossings of 0.5 a minute"
        found.append(Measure(name, value, "less"))
    return found
