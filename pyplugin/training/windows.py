"""Windows to train on: the mel spectrograms of several augmented variants of each recording.

A *variant* of a recording is the original, or has another speed, reverberation or codec artefacts.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from numpy.random import Generator

from pyplugin.models.frontends import PRESETS
from pyplugin.node.frontend import melspectrogram
from pyplugin.support.arrays import Float32, Int64
from pyplugin.training import corpus
from pyplugin.training.augment import add_reverberation, apply_codec, mel_power
from pyplugin.training.corpus import LABELS, CorpusClip
from pyplugin.training.singing import synthesise_singing
from pyplugin.training.soundfonts import RATE as SOUNDFONT_RATE
from pyplugin.training.soundfonts import render_percussion
from pyplugin.training.synthesis import RATE, synthesise_notes, synthesise_percussion

FRAME_RATE = PRESETS["musicnn"].sample_rate / PRESETS["musicnn"].hop
"""Mel frames a second."""

_ACTIVE = 0.5  # share of a window's frames that must be audible
_SPOKEN = 0.3  # the same for speech, which has pauses
_NEARLY = 0.8  # of the greatest share in any window, for recordings with less
_SINGING_SECONDS = 20.0  # of speech to synthesise singing from
_VERSION = 1  # of the files in the cache


@dataclass(frozen=True)
class VariantSettings:
    """How a variant of a recording is augmented.

    Attributes
    ----------
    speed : float
        Largest relative change of speed, which changes pitch and tempo together.
    room, codec : float
        Probabilities of reverberation and of a lossy codec.
    """

    speed: float = 0.0
    room: float = 0.0
    codec: float = 0.0


@dataclass(frozen=True, eq=False)
class ClipVariant:
    """The mel spectrogram of one variant of a recording.

    Attributes
    ----------
    clip : CorpusClip
    speed : float
        Speed relative to the recording.
    mel : ndarray of float16, shape (frames, bands)
    """

    clip: CorpusClip
    speed: float
    mel: npt.NDArray[np.float16]


@dataclass(frozen=True, eq=False)
class WindowSet:
    """Windows of many variants of recordings, and their targets.

    Attributes
    ----------
    mel : ndarray of float16, shape (frames, bands)
        All variants, one after another.
    starts : ndarray of int64, shape (n,)
        First frame of each window in `mel`.
    targets : ndarray of float32, shape (n, labels)
        1, 0, or NaN for unknown.
    clips : ndarray of int64, shape (n,)
        Index in `sources` of the recording of each window.
    sources : list of CorpusClip
    patch : int
        Mel frames in a window.
    """

    mel: npt.NDArray[np.float16]
    starts: Int64
    targets: Float32
    clips: Int64
    sources: list[CorpusClip]
    patch: int

    def windows(self, numbers: Int64 | None = None) -> Float32:
        """Return the windows with these indices, or all, (count, patch, bands)."""
        starts = self.starts if numbers is None else self.starts[numbers]
        return np.asarray(self.mel[starts[:, None] + np.arange(self.patch)], np.float32)


@dataclass(frozen=True)
class DisputedLabel:
    """A label of the corpus that may be wrong and counts as unknown.

    Attributes
    ----------
    path : str
        Of the recording, as in the manifest.
    label : str
        One of `LABELS`.
    reason : str
        Why it may be wrong, one sentence.
    """

    path: str
    label: str
    reason: str

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise TypeError(f"{self.label!r} is not a label; expected one of {', '.join(LABELS)}")


def mask_disputed(window_set: WindowSet, disputed: Sequence[DisputedLabel]) -> WindowSet:
    """Return the windows with the targets of disputed labels set to unknown (NaN).

    Parameters
    ----------
    window_set : WindowSet
    disputed : sequence of DisputedLabel

    Returns
    -------
    WindowSet
        With other targets; `window_set` is not changed.
    """
    targets = window_set.targets.copy()
    for entry in disputed:
        parts = Path(entry.path).parts
        meant = [clip.path.parts[-len(parts) :] == parts for clip in window_set.sources]
        targets[np.array(meant)[window_set.clips], LABELS.index(entry.label)] = np.nan
    return replace(window_set, targets=targets)


def compute_variant(clip: CorpusClip, settings: VariantSettings, random: Generator) -> ClipVariant:
    """Read or synthesise a clip, augment it, and return its mel spectrogram.

    Parameters
    ----------
    clip : CorpusClip
    settings : VariantSettings
    random : Generator

    Returns
    -------
    ClipVariant

    Raises
    ------
    PypluginError
        The recording or the SoundFont cannot be read.
    """
    samples, rate = _clip_samples(clip, random)
    change = random.uniform(-settings.speed, settings.speed)
    pretended = round(rate * (1.0 + change))
    speed = pretended / rate
    if random.random() < settings.room:
        samples = add_reverberation(samples, pretended, random)
    peak = float(np.abs(samples).max(initial=1e-6))
    if random.random() < settings.codec:
        samples, pretended = apply_codec(samples * (0.5 / peak), pretended, random)
        samples *= peak / 0.5
    return ClipVariant(clip, speed, melspectrogram(samples, pretended).astype(np.float16))


def _clip_samples(clip: CorpusClip, random: Generator) -> tuple[Float32, int]:
    """Return the samples (n,) of a clip, read or synthesised, and their rate in Hz."""
    if clip.category == corpus.SYNTHETIC_PERCUSSION:
        return synthesise_percussion(random), RATE
    if clip.category == corpus.SOUNDFONT_PERCUSSION:
        return render_percussion(clip.path, random), SOUNDFONT_RATE
    if clip.category == corpus.SYNTHETIC_NOTES:
        return synthesise_notes(random), RATE
    samples, rate = corpus.read_samples(clip.path)
    if clip.category == corpus.SYNTHETIC_SINGING:
        length = round(_SINGING_SECONDS * rate)
        first = int(random.integers(max(0, len(samples) - length) + 1))
        samples = synthesise_singing(samples[first : first + length], rate, random)
    return samples, rate


def cached_variant(
    clip: CorpusClip, settings: VariantSettings, seed: Sequence[int], cache: Path | None
) -> ClipVariant:
    """Return a variant from the folder `cache`, or compute it and store it there."""
    if cache is None:
        return compute_variant(clip, settings, np.random.default_rng(seed))
    words = json.dumps([_VERSION, str(clip.path), vars(settings), list(seed)])
    words += clip.category * (clip.category in (corpus.SYNTHETIC_SINGING, *corpus.SYNTHETIC))
    path = cache / f"{hashlib.sha256(words.encode()).hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path) as kept:
            return ClipVariant(clip, float(kept["speed"]), kept["mel"])
    variant = compute_variant(clip, settings, np.random.default_rng(seed))
    cache.mkdir(parents=True, exist_ok=True)
    np.savez(path, speed=variant.speed, mel=variant.mel)
    return variant


def build_windows(
    clips: Sequence[CorpusClip],
    variants: Sequence[VariantSettings],
    *,
    patch: int,
    step: int,
    seed: int,
    cache: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> WindowSet:
    """Compute variants of recordings, and find the windows in them.

    Windows that are mostly silent are left out: the labels of a recording do not apply to them.

    Parameters
    ----------
    clips : sequence of CorpusClip
    variants : sequence of VariantSettings
        One for each variant of every recording.
    patch, step : int
        Mel frames in a window, and between the starts of two windows.
    seed : int
    cache : Path, optional
        Folder to store the mel spectrograms of variants in.
    report : callable, optional
        Called with a line about progress.

    Returns
    -------
    WindowSet
    """
    mels, starts, targets, numbers = [], [], [], []
    total = 0
    for turn, settings in enumerate(variants):
        for number, clip in enumerate(clips):
            variant = cached_variant(clip, settings, (seed, turn, number), cache)
            mel = _pad_to_patch(variant.mel, patch)
            begins = _window_starts(mel, clip.category, patch, step)
            seconds = begins / FRAME_RATE * variant.speed
            mels.append(mel)
            starts.append(begins + total)
            targets.append(corpus.window_targets(clip, seconds, patch / FRAME_RATE * variant.speed))
            numbers.append(np.full(len(begins), number))
            total += len(mel)
        report(f"variant {turn + 1} of {len(variants)}: {sum(map(len, starts))} windows so far")
    return WindowSet(
        np.concatenate(mels),
        np.concatenate(starts).astype(np.int64),
        np.concatenate(targets).reshape(-1, len(LABELS)),
        np.concatenate(numbers).astype(np.int64),
        list(clips),
        patch,
    )


def _pad_to_patch(mel: npt.NDArray[np.float16], patch: int) -> npt.NDArray[np.float16]:
    """Zero-pad a recording shorter than a window; it starts within the first half of the window."""
    missing = patch - len(mel)
    if missing <= 0:
        return mel
    return np.pad(mel, ((min(missing, patch // 2), missing), (0, 0)))


def _window_starts(mel: npt.NDArray[np.float16], category: str, patch: int, step: int) -> Int64:
    sounding = corpus.active_frames(mel_power(mel.astype(np.float32)), category)
    active = np.concatenate([[0], np.cumsum(sounding)])
    begins = np.arange(0, len(mel) - patch + 1, step)
    share = (active[begins + patch] - active[begins]) / patch
    enough = _SPOKEN if category in ("speech", corpus.SYNTHETIC_SINGING) else _ACTIVE
    least = max(min(enough, _NEARLY * share.max(initial=0.0)), 1.0 / patch)
    return np.asarray(begins[share >= least])
