"""The sounds that training scenes are composed of, as files in a cache.

A sound is a recording of the corpus, the vocals or the backing of a song, or synthesised; each has
16 kHz samples and the presence of each label in each mel frame. The samples are memory-mapped, so
that any number of sounds needs no memory.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np

from pyplugin.node.frontend import melspectrogram
from pyplugin.support.arrays import Array, Float32
from pyplugin.support.files import not_written, replacing
from pyplugin.training.augment import mel_power
from pyplugin.training.corpus import LABELS, Presence

RATE = 16_000
"""Sample rate of all sounds in Hz."""

HOP = 256
"""Samples between two mel frames."""

FRAME_RATE = RATE / HOP
"""Mel frames a second."""

SUNG, MADE_PERCUSSION, MADE_NOTES, MADE_NOISE, PLAYED_PERCUSSION, PLAYED_MUSIC = SYNTHETIC = (
    "sung",
    "made-percussion",
    "made-notes",
    "made-noise",
    "played-percussion",
    "played-music",
)
"""The categories without recordings: singing synthesised from speech; percussion, held notes and
steady noise synthesised; percussion and music rendered from SoundFonts."""

SOLO, VOCALS, BACKING = "solo", "vocals", "backing"
"""Unaccompanied voice, and the two stems of songs."""

Progress = Callable[[str, int, int], object]
"""Called with the name of a stage, the number of finished items, and the total."""

_VERSION = 3  # of the files in the cache
_HALF = 16_384.0  # int16 for 1.0: room for 6 dB above full scale


@dataclass(frozen=True)
class Sound:
    """A sound in the cache.

    Attributes
    ----------
    category, group, name : str
        Sounds of one group (a speaker, an artist) are picked together and never divided between
        training and validation. The name is that of the recording and of its folder.
    path : Path
        ``.npy`` with the samples; the presence is beside it.
    """

    category: str
    group: str
    name: str
    path: Path

    def samples(self) -> Array:
        """Return the samples, (n,) int16, memory-mapped; `as_floats` converts a part of them."""
        found: Array = np.load(self.path, mmap_mode="r")
        return found

    def presence(self) -> Presence:
        """Return the presence of each label in each mel frame, (frames, 7)."""
        found: Presence = np.load(self.path.with_suffix(".presence.npy"))
        return found


Pools = Mapping[str, Mapping[str, Sequence[Sound]]]
"""Sounds by category, then by group."""


def as_floats(samples: Array) -> Float32:
    """Return int16 samples of a sound as floats with full scale 1.0."""
    return np.asarray(samples, np.float32) / np.float32(_HALF)


def pools_of(sounds: Sequence[Sound]) -> dict[str, dict[str, list[Sound]]]:
    """Return sounds by category and group."""
    pools: dict[str, dict[str, list[Sound]]] = {}
    for sound in sounds:
        pools.setdefault(sound.category, {}).setdefault(sound.group, []).append(sound)
    return pools


def is_validation(group: str) -> bool:
    """Return whether a group is one of the sixth to validate on, by a hash of its name."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % 6 == 0


def resampled(samples: Float32, rate: int) -> Float32:
    """Return mono samples (n,) at `RATE`."""
    if rate == RATE:
        return samples
    from scipy.signal import resample_poly

    divisor = gcd(rate, RATE)
    return np.asarray(resample_poly(samples, RATE // divisor, rate // divisor), np.float32)


def powers(samples: Float32) -> Float32:
    """Return the mel powers (frames, 96) of samples at `RATE`."""
    return mel_power(melspectrogram(np.asarray(samples, np.float32), RATE))


def save_array(path: Path, array: Array) -> None:
    """Write an array as ``.npy``; the file is there when it is complete.

    Raises
    ------
    PypluginError
        It cannot be written.
    """
    with replacing(path) as partial:
        try:
            with partial.open("wb") as file:
                np.save(file, array)
        except OSError as error:
            raise not_written(path, error) from error


def key_of(*words: object) -> str:
    """Return a file name for what a sound depends on."""
    text = json.dumps([_VERSION, *words], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def write_sound(cache: Path, key: str, samples: Float32, presence: Presence) -> None:
    """Write a sound; its samples last, since a sound is complete when they are there.

    Parameters
    ----------
    cache : Path
    key : str
        Of `key_of`.
    samples : ndarray of float32, shape (n,)
        At `RATE`, full scale 1.0.
    presence : ndarray of int8, shape (frames, 7)

    Raises
    ------
    PypluginError
        A file cannot be written.
    """
    limit = 2**15 - 1
    whole = np.clip(np.nan_to_num(samples) * _HALF, -limit, limit).astype(np.int16)
    frames = -(-len(whole) // HOP)
    fitted = np.zeros((frames, len(LABELS)), np.int8)
    fitted[: len(presence)] = presence[:frames]
    save_array(cache / f"{key}.presence.npy", fitted)
    save_array(cache / f"{key}.npy", whole)
