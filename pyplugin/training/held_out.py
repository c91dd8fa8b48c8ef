"""Windows of recordings to test on, as a stream would give them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt

from pyplugin.models.card import FrontEnd
from pyplugin.node.frontend import melspectrogram
from pyplugin.support.arrays import Array, Float32, Int64
from pyplugin.training.augment import (
    add_reverberation,
    apply_codec,
    band_limits,
    log_mel,
    mel_power,
)
from pyplugin.training.corpus import LABELS, Presence
from pyplugin.training.scenes import wanted_answers
from pyplugin.training.sounds import RATE, Sound, as_floats

Generator = np.random.Generator

_ROOM, _CODEC = 0.7, 0.7  # probabilities, for degraded recordings


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


@dataclass(frozen=True, eq=False)
class WindowSet:
    """Windows of recordings, and what a network should answer at the end of each.

    Attributes
    ----------
    mel : ndarray of float16, shape (frames, bands)
        Front-end values of all recordings, one after another; each begins with the silence of a
        window less one frame, as a stream does.
    presence : ndarray of int8, shape (frames, 7)
        Of each label in each of these frames.
    spans : ndarray of int64, shape (recordings, 2)
        The first frame of each recording in `mel`, after its silence, and that after its last.
    starts : ndarray of int64, shape (n,)
        First frame of each window in `mel`.
    targets : ndarray of float32, shape (n, labels)
        1, 0, or NaN for unknown.
    clips : ndarray of int64, shape (n,)
        Index in `sources` of the recording of each window.
    sources : list of Sound
    patch : int
        Mel frames in a window.
    front_end : FrontEnd
    """

    mel: npt.NDArray[np.float16]
    presence: Presence
    spans: Int64
    starts: Int64
    targets: Float32
    clips: Int64
    sources: list[Sound]
    patch: int
    front_end: FrontEnd

    def windows(self, numbers: Int64 | None = None) -> Float32:
        """Return the windows with these indices, or all, (count, patch, bands)."""
        starts = self.starts if numbers is None else self.starts[numbers]
        return np.asarray(self.mel[starts[:, None] + np.arange(self.patch)], np.float32)


def build_windows(
    sounds: Sequence[Sound],
    front_end: FrontEnd,
    *,
    patch: int,
    step: int,
    degraded: bool = False,
    seed: int = 0,
) -> WindowSet:
    """Return the windows of recordings.

    Parameters
    ----------
    sounds : sequence of Sound
    front_end : FrontEnd
    patch, step : int
        Mel frames in a window, and between the ends of two windows.
    degraded : bool, optional
        Whether 70 % of the recordings have reverberation and 70 % codec artefacts.
    seed : int, optional
        Of what degraded recordings have.

    Returns
    -------
    WindowSet
    """
    random = np.random.default_rng(seed)
    mels, presences, spans, starts, targets, numbers = [], [], [], [], [], []
    total = 0
    for number, sound in enumerate(sounds):
        mel = _mel(sound.samples(), front_end, random if degraded else None)
        presence = sound.presence()
        kept = min(len(mel), len(presence))
        silence = log_mel(np.zeros((patch - 1, mel.shape[1]), np.float32), front_end)
        mels += [silence.astype(np.float16), mel[:kept]]
        presences += [np.zeros((patch - 1, len(LABELS)), np.int8), presence[:kept]]
        ends = np.arange(step - 1, kept, step)
        wanted = wanted_answers(presence[:kept])[ends].astype(np.float32)
        wanted[wanted < 0] = np.nan
        starts.append(total + ends)
        targets.append(wanted)
        numbers.append(np.full(len(ends), number))
        spans.append((total + patch - 1, total + patch - 1 + kept))
        total += patch - 1 + kept
    return WindowSet(
        np.concatenate(mels),
        np.concatenate(presences),
        np.array(spans, np.int64),
        np.concatenate(starts).astype(np.int64),
        np.concatenate(targets),
        np.concatenate(numbers).astype(np.int64),
        list(sounds),
        patch,
        front_end,
    )


def with_channels(window_set: WindowSet, *, seed: int) -> Float32:
    """Return all windows with random bandwidths, and levels that vary by 12 dB up and down."""
    random = np.random.default_rng(seed)
    mel, front_end = window_set.windows(), window_set.front_end
    limits = band_limits(len(mel), random, front_end)
    gains = limits * 10.0 ** random.uniform(-1.2, 1.2, (len(mel), 1))
    return log_mel(mel_power(mel, front_end) * gains[:, None].astype(np.float32), front_end)


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
        parts = PurePosixPath(entry.path).parts[-2:]
        meant = [
            PurePosixPath(sound.name).parts[-len(parts) :] == parts for sound in window_set.sources
        ]
        targets[np.array(meant)[window_set.clips], LABELS.index(entry.label)] = np.nan
    return replace(window_set, targets=targets)


def _mel(samples: Array, front_end: FrontEnd, random: Generator | None) -> npt.NDArray[np.float16]:
    """Return the front-end values of a recording; with `random`, of a degraded one."""
    degraded, rate = as_floats(samples), RATE
    if random is not None:
        if random.random() < _ROOM:
            degraded = add_reverberation(degraded, rate, random)
        if random.random() < _CODEC:
            degraded, rate = apply_codec(degraded, rate, random)
    return np.asarray(melspectrogram(degraded, rate, preset=front_end), np.float16)
