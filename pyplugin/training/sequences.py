"""Sequences to train on: the mel frames of scenes, with the wanted answers, in a cache.

What is in a sequence depends on its number and the settings only, so an interrupted computation
goes on where it ended. Level, equalisation, bandwidth, noise, shifts in frequency and silence
before the sound are drawn anew for each batch, on mel powers.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin.models.card import FrontEnd
from pyplugin.node.frontend import melspectrogram
from pyplugin.support.arrays import Array, Float32, Int64
from pyplugin.support.files import not_written, write_file
from pyplugin.training.augment import (
    apply_codec,
    band_limits,
    coloured_noise,
    equaliser,
    log_mel,
    mel_power,
    shifted,
)
from pyplugin.training.corpus import LABELS, Presence
from pyplugin.training.processes import run_jobs
from pyplugin.training.scenes import compose, wanted_answers
from pyplugin.training.sounds import FRAME_RATE, RATE, Pools, Progress
from pyplugin.training.yamnet import HOP, WINDOW, YamnetModel, load_yamnet

Generator = np.random.Generator

_VERSION = 4  # of the files in the cache
_BANDS = 96
_STORED = np.float32(1e6)  # float16 of log10(1 + 1e6 power): down to -60 dB
_CODEC = 0.4  # probability
_GAIN = 0.6  # gain before YAMNet
# Probabilities, by sequence of a batch
_SHIFT, _EQUALISER, _BAND_LIMIT, _NOISE, _SILENCE_BEFORE, _NEARLY_SILENT = (
    0.25,
    0.6,
    0.3,
    0.35,
    0.5,
    0.02,
)
_ANY_LEVEL = 0.75
_BANDS_SHIFTED = 4
_LEVELS = (-42.0, 8.0)  # dB
_FAINT = (-9.0, -5.8)  # orders of magnitude of the power of near silence


@dataclass(frozen=True)
class SceneSettings:
    """How many scenes are composed.

    Attributes
    ----------
    count : int
    validation : int
        Scenes of the groups to validate on; with 0, these groups are trained on, too.
    seconds : float
        Duration of a scene.
    seed : int
    """

    count: int = 6500
    validation: int = 0
    seconds: float = 10.0
    seed: int = 1

    def __post_init__(self) -> None:
        if self.count < 1 or self.validation < 0 or self.seconds < 2.0:
            raise ValueError("scenes need a count of at least 1 and at least 2 seconds")


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences to train on.

    Attributes
    ----------
    power : ndarray of float32, shape (n, frames, bands)
        Mel powers.
    wanted : ndarray of int8, shape (n, frames, labels)
        1, 0, or -1 for unknown, at the end of each frame.
    taught : ndarray of float32, shape (n, frames, labels), or None
        Probabilities by a teacher; NaN where it has none.
    """

    power: Float32
    wanted: Presence
    taught: Float32 | None = None


class SequenceSet:
    """Sequences in files, memory-mapped.

    Parameters
    ----------
    folder : Path
    writable : bool, optional

    Attributes
    ----------
    mel : ndarray of float16, shape (n, frames, bands)
        log10(1 + 1000000 power).
    wanted : ndarray of int8, shape (n, frames, labels)
    embeddings : ndarray of float16, shape (n, windows, size), or None
        Of YAMNet.
    done : ndarray of bool, shape (n,)
        Whether a sequence is complete.
    taught : ndarray of float16, shape (n, frames, labels), or None
        Set by a teacher.
    """

    def __init__(self, folder: Path, *, writable: bool = False) -> None:
        mode: Any = "r+" if writable else "r"
        self.folder = folder
        self.mel = np.load(folder / "mel.npy", mmap_mode=mode)
        self.wanted = np.load(folder / "wanted.npy", mmap_mode=mode)
        self.done = np.load(folder / "done.npy", mmap_mode=mode)
        path = folder / "embeddings.npy"
        self.embeddings: Array | None = np.load(path, mmap_mode=mode) if path.is_file() else None
        self.taught: Array | None = None

    def __len__(self) -> int:
        return len(self.mel)

    @property
    def frames(self) -> int:
        """Mel frames of a sequence."""
        return int(self.mel.shape[1])

    def batch(self, numbers: Int64 | Sequence[int]) -> Batch:
        """Return some sequences."""
        return Batch(
            _unpacked(self.mel[numbers]),
            np.asarray(self.wanted[numbers]),
            None if self.taught is None else np.asarray(self.taught[numbers], np.float32),
        )


def build_sequences(
    pools: Pools,
    settings: SceneSettings,
    cache: Path,
    *,
    stage: str = "Scenes",
    yamnet: str = "",
    processes: int = 1,
    progress: Progress = lambda stage, done, of: None,
) -> SequenceSet:
    """Compose scenes and compute their sequences, or go on with those of an earlier call.

    Parameters
    ----------
    pools : Pools
    settings : SceneSettings
        ``count`` sequences are computed.
    cache : Path
        Folder, in which each configuration (sounds, settings, teacher) has a folder of its own.
    stage : str, optional
        For `progress`.
    yamnet : str, optional
        Name of YAMNet, to store its embeddings.
    processes : int, optional
    progress : callable, optional

    Returns
    -------
    SequenceSet

    Raises
    ------
    PypluginError
        The corpus has no sounds to use, or a file cannot be written.
    """
    loaded = load_yamnet(yamnet) if yamnet else None
    folder = cache / f"scenes-{_digest(pools, settings, loaded)}"
    shape = (settings.count, round(settings.seconds * FRAME_RATE))
    if not (folder / "settings.json").is_file():
        _create(folder, shape, settings, loaded)
    found = SequenceSet(folder, writable=True)
    missing = np.flatnonzero(~found.done).tolist()
    done = settings.count - len(missing)
    progress(stage, done, settings.count)
    given = (pools, settings, yamnet)
    for number, result in run_jobs(
        _sequence, missing, processes=processes, prepare=_prepare, given=given
    ):
        mel, wanted, embeddings = result
        found.mel[number], found.wanted[number] = mel, wanted
        if found.embeddings is not None and embeddings is not None:
            found.embeddings[number] = embeddings
        found.done[number] = True
        done += 1
        progress(stage, done, settings.count)
    return SequenceSet(folder)


def _digest(pools: Pools, settings: SceneSettings, yamnet: YamnetModel | None) -> str:
    """Return a name for what sequences depend on."""
    sounds = [
        [category, group, [sound.path.stem for sound in each]]
        for category, groups in pools.items()
        for group, each in groups.items()
    ]
    words = [_VERSION, sounds, asdict(settings), yamnet.digest if yamnet else ""]
    return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:16]


def _create(
    folder: Path, shape: tuple[int, int], settings: SceneSettings, yamnet: YamnetModel | None
) -> None:
    """Create empty files at their full size, so that a full disk is noticed at once."""
    count, frames = shape
    folder.mkdir(parents=True, exist_ok=True)
    files: dict[str, tuple[tuple[int, ...], type]] = {
        "mel": ((count, frames, _BANDS), np.float16),
        "wanted": ((count, frames, len(LABELS)), np.int8),
        "done": ((count,), np.bool_),
    }
    if yamnet is not None:
        windows = _windows(settings)
        files["embeddings"] = ((count, windows, yamnet.size), np.float16)
    for name, (size, kind) in files.items():
        path = folder / f"{name}.npy"
        try:
            _reserve(path, size, kind)
        except OSError as error:
            raise not_written(path, error) from error
    write_file(folder / "settings.json", json.dumps(asdict(settings), indent=1).encode())


def _reserve(path: Path, shape: tuple[int, ...], kind: type) -> None:
    """Write a file of zeros, in parts."""
    rows = max(1, (1 << 24) // max(1, int(np.prod(shape[1:], dtype=np.int64)) * 8))
    with path.open("wb") as file:
        header = {"descr": np.dtype(kind).str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for first in range(0, shape[0], rows):
            part = (min(rows, shape[0] - first), *shape[1:])
            file.write(np.zeros(part, kind).tobytes())


def _windows(settings: SceneSettings) -> int:
    """Return the number of YAMNet's windows in a sequence and half a second of silence after it."""
    return max(1, int((settings.seconds + 0.5 - WINDOW) / HOP) + 1)


@dataclass(frozen=True, eq=False)
class _Context:
    """What a process that composes scenes has loaded."""

    pools: Pools
    settings: SceneSettings
    yamnet: YamnetModel | None


_context: _Context


def _prepare(pools: Pools, settings: SceneSettings, yamnet: str) -> None:
    global _context
    _context = _Context(pools, settings, load_yamnet(yamnet) if yamnet else None)


def _sequence(number: int) -> tuple[Array, Presence, Array | None]:
    """Return mel, wanted answers and embeddings of the scene with this number."""
    settings = _context.settings
    random = np.random.default_rng((settings.seed, number))
    scene = compose(_context.pools, random, seconds=settings.seconds)
    frames = len(scene.presence)
    embeddings = None
    if _context.yamnet is not None:
        embeddings = _context.yamnet.embeddings(scene.samples * np.float32(_GAIN))
        embeddings = embeddings[: _windows(settings)]
    samples, rate = scene.samples, RATE
    if random.random() < _CODEC:
        samples, rate = apply_codec(samples, rate, random)
    mel = np.zeros((frames, _BANDS), np.float16)
    found = _packed(mel_power(melspectrogram(samples, rate)))[:frames]
    mel[: len(found)] = found
    return mel, wanted_answers(scene.presence), embeddings


def _packed(power: Float32) -> npt.NDArray[np.float16]:
    return np.asarray(np.log10(1.0 + _STORED * power), np.float16)


def _unpacked(mel: Array) -> Float32:
    scaled: Float32 = np.expm1(np.asarray(mel, np.float32) * np.float32(np.log(10.0)))
    return scaled / _STORED


def augmented(batch: Batch, silence: int, random: Generator, front_end: FrontEnd) -> Batch:
    """Vary sequences at random.

    A quarter is shifted by up to 4 mel bands, 60 % are equalised, 30 % have a limited bandwidth,
    and three quarters a gain of -42 to +8 dB: scenes peak at -6 dBFS, so levels go down to -48 dBFS
    and, with their dynamics, further. A third has noise at the level of a quiet microphone, half
    begin with silence (the time before a stream counts as silence), 2 % are nearly silent
    throughout, and then no label is wanted.

    Parameters
    ----------
    batch : Batch
    silence : int
        Frames of silence at the beginning.
    random : Generator
    front_end : FrontEnd

    Returns
    -------
    Batch
        A new one.
    """
    count, frames = len(batch.power), batch.power.shape[1]
    power = shifted(batch.power, random.random(count) < _SHIFT, random, most=_BANDS_SHIFTED)
    gains = np.where(
        random.random((count, 1)) < _EQUALISER, equaliser(count, random, front_end), 1.0
    )
    limits = band_limits(count, random, front_end)
    gains = gains * np.where(random.random((count, 1)) < _BAND_LIMIT, limits, 1.0)
    wide = random.random((count, 1)) < _ANY_LEVEL
    level = np.where(
        wide, random.uniform(*_LEVELS, (count, 1)), random.normal(0.0, 5.0, (count, 1))
    )
    gains = gains * 10.0 ** (level / 10.0)
    power = power * gains[:, None].astype(np.float32)
    noisy = np.flatnonzero(random.random(count) < _NOISE)
    power[noisy] += _faint(len(noisy), frames, random, front_end)
    wanted = batch.wanted.copy()
    taught = None if batch.taught is None else batch.taught.copy()
    for number in np.flatnonzero(random.random(count) < _SILENCE_BEFORE):
        _delay(power[number], silence, 0.0)
        _delay(wanted[number], silence, 0)
        if taught is not None:
            _delay(taught[number], silence, np.nan)
    quiet = np.flatnonzero(random.random(count) < _NEARLY_SILENT)
    power[quiet] = _faint(len(quiet), frames, random, front_end)
    wanted[quiet] = 0
    if taught is not None:
        taught[quiet] = np.nan
    return Batch(power, wanted, taught)


def at_random_levels(batch: Batch, random: Generator) -> Batch:
    """Return sequences with gains of -30 to +5 dB, to validate on."""
    gains = 10.0 ** (random.uniform(-30.0, 5.0, (len(batch.power), 1, 1)) / 10.0)
    return replace(batch, power=batch.power * gains.astype(np.float32))


def front_end_values(batch: Batch, front_end: FrontEnd) -> Float32:
    """Return the input of a network for sequences, (n, frames, bands)."""
    return log_mel(batch.power, front_end)


def _faint(count: int, frames: int, random: Generator, front_end: FrontEnd) -> Float32:
    """Return noise of near silence, (count, frames, bands)."""
    noise = coloured_noise(count, frames, random, front_end)
    return noise * (10.0 ** random.uniform(*_FAINT, (count, 1, 1))).astype(np.float32)


def _delay(values: Array, frames: int, fill: float) -> None:
    """Shift values along the first axis, in place."""
    kept = values[: max(0, len(values) - frames)].copy()
    values[:frames] = fill
    values[frames:] = kept
