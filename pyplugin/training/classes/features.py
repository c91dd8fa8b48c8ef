"""The mel spectrograms of clips: read, checked, cached."""

import contextlib
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pyplugin._native import VERSION
from pyplugin.errors import AudioError, PypluginError
from pyplugin.inputs.files import AudioReader
from pyplugin.node.frontend import melspectrogram
from pyplugin.support.arrays import Float32
from pyplugin.support.files import not_written, replacing
from pyplugin.training.classes.settings import Architecture
from pyplugin.training.dataset import LabelledClip, file_hash

UNREADABLE_LIMIT = 0.25
"""Largest share of unreadable clips; above it the work stops with an error."""

_SILENCE = 10.0 ** (-70.0 / 20.0)  # peak of a recording that counts as silent
_SHORT = 0.25  # seconds; a clip must be longer
_SAMPLED = 20  # clips, after which the memory that all need is estimated


@dataclass(frozen=True, eq=False)
class ClipFeatures:
    """The mel spectrogram of a clip.

    Attributes
    ----------
    clip : LabelledClip
    mel : ndarray of float16, shape (frames, bands)
    seconds : float
        Duration of what was used.
    sample_rate : int
        Of the file, in Hz.
    """

    clip: LabelledClip
    mel: npt.NDArray[np.float16]
    seconds: float
    sample_rate: int


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """The clips of a dataset that can be used, and notes about the others.

    Attributes
    ----------
    clips : list of ClipFeatures
    notes, skipped : list of str
        Sentences for the user; `skipped` has one for each clip that cannot be used.
    """

    clips: list[ClipFeatures]
    notes: list[str]
    skipped: list[str]


@dataclass(frozen=True, eq=False)
class _Decoded:
    features: ClipFeatures
    audio: str  # hash of the samples
    silent: bool


def compute_features(
    clips: Sequence[LabelledClip],
    architecture: Architecture,
    *,
    exclusive: bool = True,
    clip_seconds: float | None = None,
    cache: Path | None = None,
    jobs: int = 1,
    memory: int | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> FeatureSet:
    """Read clips and return their mel spectrograms.

    Silent clips, and clips with the same samples as another one of their class, are left out.

    Parameters
    ----------
    clips
    architecture
    exclusive
        Whether a clip has exactly one class.
    clip_seconds
        Seconds to use of each clip, from its middle; None for all of it.
    cache
        Folder to store mel spectrograms in.
    jobs
        Number of threads.
    memory
        Bytes that the spectrograms may have together; None for half of what the machine has free.
    progress
        Called with the number of finished clips and the total.

    Returns
    -------
    FeatureSet

    Raises
    ------
    PypluginError
        More than a quarter of the clips cannot be read, all clips of a class are silent, two clips
        of different classes have the same samples, or there is not enough memory.
    """
    limit = memory if memory is not None else _free_memory() // 2

    def one(clip: LabelledClip) -> _Decoded | PypluginError:
        try:
            return _cached(clip, architecture, clip_seconds, cache)
        except AudioError as error:
            return error

    found: list[_Decoded] = []
    skipped: list[str] = []
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for done, result in enumerate(pool.map(one, clips), 1):
                if isinstance(result, _Decoded):
                    found.append(result)
                else:
                    message, path = str(result), str(clips[done - 1].path)
                    skipped.append(message if path in message else f"{path}: {message}")
                _check_memory(found, done, len(clips), limit)
                if progress is not None:
                    progress(done, len(clips))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if len(skipped) > UNREADABLE_LIMIT * len(clips):
        raise PypluginError(
            f"{len(skipped)} of {len(clips)} clips cannot be used, too many to continue; the "
            f"first: {skipped[0]}"
        )
    notes: list[str] = []
    found = _audible(found, skipped)
    found = _distinct(found, exclusive, notes)
    usable = [each.features for each in found]
    _note_rates(usable, architecture, notes)
    return FeatureSet(usable, notes, skipped)


def _free_memory() -> int:
    """Return the bytes of memory that new data may have; 16 TB where the system does not say."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return 1 << 44


def _check_memory(found: list[_Decoded], done: int, total: int, limit: int) -> None:
    """Raise if all clips will need more memory than there is, as far as can be foreseen."""
    if not found or done < min(total, _SAMPLED) or (done % _SAMPLED and done != total):
        return
    needed = sum(each.features.mel.nbytes for each in found) / done * total
    if needed <= limit:
        return
    seconds = sum(each.features.seconds for each in found) / done
    shorter = max(1, math.floor(seconds * limit / needed))
    failure = PypluginError(
        f"{total} clips of {seconds:.0f} s need about {needed / 1e6:.0f} MB of memory, and "
        f"{limit / 1e6:.0f} MB can be used; use less of each clip: --clip-seconds {shorter}."
    )
    failure.exit_code = 1
    raise failure


def _cached(
    clip: LabelledClip, architecture: Architecture, clip_seconds: float | None, cache: Path | None
) -> _Decoded:
    if cache is None:
        return _decoded(clip, architecture, clip_seconds)
    key = f"{clip.digest or file_hash(clip.path)} {architecture.preset} {clip_seconds} {VERSION}"
    path = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"
    with contextlib.suppress(OSError, ValueError, EOFError, KeyError), np.load(path) as kept:
        features = ClipFeatures(clip, kept["mel"], float(kept["seconds"]), int(kept["rate"]))
        return _Decoded(features, str(kept["audio"]), bool(kept["silent"]))
    result = _decoded(clip, architecture, clip_seconds)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with replacing(path) as partial, partial.open("wb") as stream:
            np.savez(
                stream,
                mel=result.features.mel,
                seconds=result.features.seconds,
                rate=result.features.sample_rate,
                audio=result.audio,
                silent=result.silent,
            )
    except OSError as error:
        raise not_written(cache, error) from error
    return result


def _decoded(
    clip: LabelledClip, architecture: Architecture, clip_seconds: float | None
) -> _Decoded:
    samples, rate = _read(clip.path, clip_seconds)
    if not np.isfinite(samples).all():
        raise AudioError(f"{clip.path} has non-finite samples (NaN, Inf).")
    if len(samples) < _SHORT * rate:
        raise AudioError(
            f"{clip.path} is {len(samples) / rate:.2f} s long; at least {_SHORT} s are needed."
        )
    rounded = np.round(np.clip(samples, -4.0, 4.0) * 32768.0).astype("<i4")
    mel = melspectrogram(samples, rate, architecture.front_end).astype(np.float16)
    features = ClipFeatures(clip, mel, len(samples) / rate, rate)
    silent = bool(np.abs(samples).max() < _SILENCE)
    return _Decoded(features, hashlib.sha256(rounded.tobytes()).hexdigest(), silent)


def _read(path: Path, clip_seconds: float | None) -> tuple[Float32, int]:
    """Return the samples of a recording, its channels averaged, or those of its middle."""
    reader = AudioReader(path)
    with contextlib.closing(reader):
        first, last = 0, None
        if clip_seconds is not None:
            length = round(clip_seconds * reader.sample_rate)
            total = round((reader.duration or 0.0) * reader.sample_rate)
            first = max(0, (total - length) // 2)
            last = first + length
        parts = []
        position = 0
        for block in reader:
            mono = block.mean(axis=0)
            position += len(mono)
            if position > first:
                parts.append(mono)
            if last is not None and position >= last:
                break
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    begin = max(0, first - (position - len(samples)))
    end = None if last is None else begin + last - first
    return np.asarray(samples[begin:end], np.float32), reader.sample_rate


def _audible(found: list[_Decoded], skipped: list[str]) -> list[_Decoded]:
    """Leave out silent clips; raise if a class has no others."""
    audible = [each for each in found if not each.silent]
    present = {label for each in audible for label in each.features.clip.labels}
    for each in found:
        if each.silent:
            for label in each.features.clip.labels:
                if label not in present:
                    count = sum(label in other.features.clip.labels for other in found)
                    raise PypluginError(
                        f"All {count} clips of the class {label!r} are silent (peaks below "
                        "-70 dBFS), so it cannot be learnt; check the recordings, or leave the "
                        "class out."
                    )
            skipped.append(f"{each.features.clip.path} is silent.")
    return audible


def _distinct(found: list[_Decoded], exclusive: bool, notes: list[str]) -> list[_Decoded]:
    """Leave out clips with the same samples as another; raise if those have different classes."""
    first: dict[str, _Decoded] = {}
    same = across = 0
    for each in found:
        known = first.setdefault(each.audio, each)
        if known is each:
            continue
        one, other = known.features.clip, each.features.clip
        if exclusive and one.label != other.label:
            raise PypluginError(
                f"{one.path} of {one.label!r} and {other.path} of {other.label!r} are the same "
                "recording; remove one of them."
            )
        if set(one.labels) != set(other.labels):
            raise PypluginError(
                f"{one.path} ({', '.join(one.labels)}) and {other.path} "
                f"({', '.join(other.labels)}) are the same recording; list it once with all "
                "its classes."
            )
        same += 1
        across += bool(one.group or other.group) and one.group != other.group
    if same:
        groups = f", {across} of them of different groups" if across else ""
        notes.append(f"{same} clips have the samples of another{groups}, and were left out.")
    return list(first.values())


def _note_rates(clips: list[ClipFeatures], architecture: Architecture, notes: list[str]) -> None:
    """Note classes that a network could distinguish by their bandwidth."""
    needed = architecture.front_end.sample_rate
    low = [each for each in clips if each.sample_rate < needed]
    if not low or len(low) == len(clips):
        return
    counts = Counter(label for each in low for label in each.clip.labels)
    listed = ", ".join(f"{label} {count}" for label, count in sorted(counts.items()))
    notes.append(
        f"{len(low)} of {len(clips)} clips have sample rates below {needed} Hz ({listed}). The "
        "network may learn their bandwidth instead of their content; use recordings of one rate "
        "in all classes."
    )
