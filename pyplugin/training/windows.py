"""The windows to learn from: each recording heard several times, through our front-end.

A *take* is one hearing of a recording: as it is, or at another speed, in a room, through a codec.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pyplugin.node.frontend import PRESETS, melspectrogram
from pyplugin.training.augment import coded, in_room, power_of
from pyplugin.training.corpus import (
    LABELS,
    MADE,
    MADE_NOTES,
    MADE_PERCUSSION,
    PLAYED,
    SUNG,
    Clip,
    active_frames,
    read_samples,
    window_targets,
)
from pyplugin.training.singing import sung
from pyplugin.training.soundfonts import RATE as PLAYED_RATE
from pyplugin.training.soundfonts import played_percussion
from pyplugin.training.synthesis import RATE, held_notes, percussion

__all__ = [
    "FRAME_RATE",
    "Bank",
    "Doubt",
    "Take",
    "TakeSettings",
    "build_bank",
    "hear",
    "without_doubts",
]

Float32 = npt.NDArray[np.float32]

FRAME_RATE = PRESETS["musicnn"].sample_rate / PRESETS["musicnn"].hop
"""Mel frames a second."""

_ACTIVE = 0.5  # of a window's frames must sound
_SPOKEN = 0.3  # where words have pauses
_NEARLY = 0.8  # of the most that any window has, for recordings that sound less
_SUNG_SECONDS = 20.0  # of speech, to make song of
_VERSION = 1  # of the files that keep takes


@dataclass(frozen=True)
class TakeSettings:
    """How often a take gets what.

    Attributes
    ----------
    speed : float
        Pitch and time change by up to this share, the one with the other.
    room, codec : float
        Probabilities.
    """

    speed: float = 0.0
    room: float = 0.0
    codec: float = 0.0


@dataclass(frozen=True, eq=False)
class Take:
    """One hearing of a recording.

    Attributes
    ----------
    clip : Clip
    speed : float
        How much faster than the recording it is.
    mel : ndarray of float16, shape (frames, bands)
    """

    clip: Clip
    speed: float
    mel: npt.NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class Bank:
    """Windows of many takes.

    Attributes
    ----------
    mel : ndarray of float16, shape (frames, bands)
        All takes, one after the other.
    starts : ndarray of int64, shape (n,)
        First frame of each window in `mel`.
    targets : ndarray of float32, shape (n, labels)
        1, 0, or NaN for unknown.
    clips : ndarray of int64, shape (n,)
        The recording of each window, by its number in `sources`.
    sources : list of Clip
    patch : int
        Frames of a window.
    """

    mel: npt.NDArray[np.float16]
    starts: npt.NDArray[np.int64]
    targets: Float32
    clips: npt.NDArray[np.int64]
    sources: list[Clip]
    patch: int

    def windows(self, numbers: npt.NDArray[np.int64] | None = None) -> Float32:
        """Return windows by number, or all, (count, patch, bands)."""
        starts = self.starts if numbers is None else self.starts[numbers]
        mel: Float32 = self.mel[starts[:, None] + np.arange(self.patch)].astype(np.float32)
        return mel


@dataclass(frozen=True)
class Doubt:
    """A label of the corpus that there is reason not to believe.

    Attributes
    ----------
    path : str
        Of the recording, as in the manifest.
    label : str
        One of `LABELS`.
    why : str
        The reason, a sentence.
    """

    path: str
    label: str
    why: str

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise TypeError(f"{self.label!r} is no label; they are {', '.join(LABELS)}")


def without_doubts(bank: Bank, doubts: Sequence[Doubt]) -> Bank:
    """Return a bank in which labels in doubt are unknown."""
    targets = bank.targets.copy()
    for doubt in doubts:
        parts = Path(doubt.path).parts
        meant = [clip.path.parts[-len(parts) :] == parts for clip in bank.sources]
        targets[np.array(meant)[bank.clips], LABELS.index(doubt.label)] = np.nan
    return replace(bank, targets=targets)


def hear(clip: Clip, settings: TakeSettings, random: np.random.Generator) -> Take:
    """Hear a recording once, or what is made in its place."""
    samples, rate = _sound(clip, random)
    change = random.uniform(-settings.speed, settings.speed)
    pretended = round(rate * (1.0 + change))
    speed = pretended / rate
    if random.random() < settings.room:
        samples = in_room(samples, pretended, random)
    peak = float(np.abs(samples).max(initial=1e-6))
    if random.random() < settings.codec:
        samples, pretended = coded(samples * (0.5 / peak), pretended, random)
        samples *= peak / 0.5
    return Take(clip, speed, melspectrogram(samples, pretended).astype(np.float16))


def _sound(clip: Clip, random: np.random.Generator) -> tuple[Float32, int]:
    """Return the samples of a recording, sung or made as its category says, and their rate."""
    if clip.category == MADE_PERCUSSION:
        return percussion(random), RATE
    if clip.category == PLAYED:
        return played_percussion(clip.path, random), PLAYED_RATE
    if clip.category == MADE_NOTES:
        return held_notes(random), RATE
    samples, rate = read_samples(clip.path)
    if clip.category == SUNG:
        spare = max(0, len(samples) - round(_SUNG_SECONDS * rate))
        first = int(random.integers(spare + 1))
        samples = sung(samples[first : first + round(_SUNG_SECONDS * rate)], rate, random)
    return samples, rate


def kept_take(clip: Clip, settings: TakeSettings, seed: Sequence[int], cache: Path | None) -> Take:
    """Hear a recording, or take what was heard of it before from the folder `cache`."""
    if cache is None:
        return hear(clip, settings, np.random.default_rng(seed))
    words = json.dumps([_VERSION, str(clip.path), vars(settings), list(seed)])
    words += clip.category * (clip.category in (SUNG, *MADE))
    path = cache / f"{hashlib.sha256(words.encode()).hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return Take(clip, float(kept["speed"]), kept["mel"])
    take = hear(clip, settings, np.random.default_rng(seed))
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(path, speed=take.speed, mel=take.mel)
    return take


def build_bank(
    clips: Sequence[Clip],
    takes: Sequence[TakeSettings],
    *,
    patch: int,
    step: int,
    seed: int,
    cache: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> Bank:
    """Hear recordings and find the windows in them.

    Windows that are mostly silent are left out: the label of a recording says nothing of them.

    Parameters
    ----------
    clips : sequence of Clip
    takes : sequence of TakeSettings
        One for each take of every recording.
    patch, step : int
        Frames of a window, and between two.
    seed : int
    cache : Path, optional
        A folder to keep takes in.
    report : callable, optional
        Takes a line of progress.

    Returns
    -------
    Bank
    """
    mels, starts, targets, numbers = [], [], [], []
    total = 0
    for turn, settings in enumerate(takes):
        for number, clip in enumerate(clips):
            take = kept_take(clip, settings, (seed, turn, number), cache)
            mel = _lengthened(take.mel, patch)
            begins = _begins(mel, clip.category, patch, step)
            seconds = begins / FRAME_RATE * take.speed
            mels.append(mel)
            starts.append(begins + total)
            targets.append(window_targets(clip, seconds, patch / FRAME_RATE * take.speed))
            numbers.append(np.full(len(begins), number))
            total += len(mel)
        report(f"take {turn + 1} of {len(takes)}: {sum(map(len, starts))} windows so far")
    return Bank(
        np.concatenate(mels),
        np.concatenate(starts).astype(np.int64),
        np.concatenate(targets).reshape(-1, len(LABELS)),
        np.concatenate(numbers).astype(np.int64),
        list(clips),
        patch,
    )


def _lengthened(mel: npt.NDArray[np.float16], patch: int) -> npt.NDArray[np.float16]:
    """Put silence around what is shorter than a window, so that it begins within the first half."""
    missing = patch - len(mel)
    if missing <= 0:
        return mel
    return np.pad(mel, ((min(missing, patch // 2), missing), (0, 0)))


def _begins(
    mel: npt.NDArray[np.float16], category: str, patch: int, step: int
) -> npt.NDArray[np.int64]:
    sounding = active_frames(power_of(mel.astype(np.float32)), category)
    active = np.concatenate([[0], np.cumsum(sounding)])
    begins = np.arange(0, len(mel) - patch + 1, step)
    share = (active[begins + patch] - active[begins]) / patch
    enough = _SPOKEN if category in ("speech", SUNG) else _ACTIVE
    least = max(min(enough, _NEARLY * share.max(initial=0.0)), 1.0 / patch)
    chosen: npt.NDArray[np.int64] = begins[share >= least]
    return chosen
