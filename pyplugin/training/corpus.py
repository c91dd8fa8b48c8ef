"""A labelled corpus of recordings: what is in each, and in which windows of it.

A corpus is a folder with ``manifest.csv`` (columns path, seconds, category, labels, group, split).
A label that is listed is present, one that is not is absent; ``x?`` says that `x` is unknown.
``song/voice.csv`` (path, start_s, end_s) may tell when somebody sings in a song.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError, PypluginError

__all__ = [
    "LABELS",
    "MADE",
    "MADE_NOTES",
    "MADE_PERCUSSION",
    "PLAYED",
    "SUNG",
    "Clip",
    "active_frames",
    "read_clips",
    "read_samples",
    "to_make",
    "to_play",
    "to_sing",
    "window_targets",
]

LABELS = ("speech", "singing", "music", "drums", "tonal", "noise")

SUNG = "sung"
"""The category of speech that is made to sing."""

MADE_PERCUSSION, MADE_NOTES, PLAYED = MADE = "made-percussion", "made-notes", "played-percussion"
"""The categories of what no recording is of; see `pyplugin.training.synthesis` and `played`."""

Float32 = npt.NDArray[np.float32]

_SILENCE = 1e-4  # of a recording's loud frames: 40 dB below them
_STRUCK = 3e-3  # the same for what is struck and rings on: 25 dB
_VOICE_BANDS = slice(8, 66)  # about 300 to 4000 Hz: above rumble
_VOICE_RISE = 10.0  # over the floor of noise: 10 dB
_FLOOR_FRAMES, _FLOOR_RANK = 375, 10  # the floor: of 6 s, the tenth percentile
_FLOOR = 1e-4  # mel power, summed over bands: what 16-bit dither comes to
_SUNG, _UNSUNG = 0.5, 0.05  # share of a window with voice; in between it is not known
_ROOT = "song"
_DRUMMED = np.array([0.0, 0.0, np.nan, 1.0, np.nan, np.nan], np.float32)


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording of a corpus.

    Attributes
    ----------
    path : Path
    seconds : float
    category, group, split : str
    targets : ndarray of float32, shape (6,)
        1 where one of `LABELS` is present, 0 absent, NaN unknown.
    sung : ndarray of float64, shape (n, 2), or None
        Start and end in seconds of each stretch with a singing voice, where that is known.
    drummed : ndarray of float64, shape (n, 2), or None
        Times in seconds and what a teacher says of drums there: 1, 0, or NaN where it is not sure.
    """

    path: Path
    seconds: float
    category: str
    group: str
    split: str
    targets: Float32
    sung: npt.NDArray[np.float64] | None = None
    drummed: npt.NDArray[np.float64] | None = None


def read_clips(corpus: Path, split: str | None = None) -> list[Clip]:
    """List the recordings of a corpus, those of one split if one is named.

    Raises
    ------
    PypluginError
        When the manifest cannot be read, lacks a column, or has a group in two splits.
    """
    rows = _rows(corpus / "manifest.csv")
    sung = _sung(corpus)
    try:
        clips = [_clip(corpus, row, sung) for row in rows]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PypluginError(
            f"{corpus / 'manifest.csv'} has a row without the columns path, seconds, category, "
            f"labels, group and split, or with a length that is no number ({error})."
        ) from None
    splits: dict[str, str] = {}
    for clip in clips:
        if splits.setdefault(clip.group, clip.split) != clip.split:
            raise PypluginError(
                f"The group {clip.group!r} of {corpus} is in two splits, {splits[clip.group]!r} "
                f"and {clip.split!r}: results on it would be too good."
            )
    return [clip for clip in clips if split in (None, clip.split)]


def to_sing(clips: list[Clip]) -> list[Clip]:
    """Return recordings to make of those that are nothing but speech, in the category `SUNG`.

    They will have a singing voice and be tonal; whether they are music, nobody can say.
    """
    wanted = np.array([0.0, 1.0, np.nan, 0.0, 1.0, 0.0], np.float32)
    return [
        replace(clip, category=SUNG, targets=wanted) for clip in clips if clip.category == "speech"
    ]


def to_make(count: int, seconds: float) -> list[Clip]:
    """Return so many recordings to make of each of the categories `MADE`, a group each.

    Percussion has drums; it may be music, tonal or noise. Held notes are tonal and nothing else.
    """
    notes = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 0.0], np.float32)
    return [
        Clip(Path(name), seconds, category, name, "train", targets)
        for category, targets in ((MADE_PERCUSSION, _DRUMMED), (MADE_NOTES, notes))
        for name in (f"{category}-{number}" for number in range(count))
    ]


def to_play(soundfonts: Sequence[Path], count: int, seconds: float) -> list[Clip]:
    """Return so many recordings of percussion to play from each SoundFont, a group each.

    They have drums, and may be music, tonal or noise.
    """
    return [
        Clip(path, seconds, PLAYED, f"{path.stem}-{number}", "train", _DRUMMED)
        for path in soundfonts
        for number in range(count)
    ]


def read_samples(path: Path) -> tuple[Float32, int]:
    """Read a recording as mono samples (n,) and their rate in Hz.

    Raises
    ------
    AudioError
        When it cannot be read.
    """
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"Cannot read {path}: {error}.") from error
    mono: Float32 = samples.mean(axis=1, dtype=np.float32)
    return mono, int(rate)


def active_frames(power: Float32, category: str = "") -> npt.NDArray[np.bool_]:
    """Tell in which frames of a recording its labels are heard.

    Those within 40 dB of its loud frames (25 dB of percussion, of which much rings on), unless all
    of it is about silent. In the categories speech and `SUNG` they must also rise above the noise
    of the seconds around: many recordings of words have more noise than words.

    Parameters
    ----------
    power : ndarray of float32, shape (frames, bands)
        Mel powers.
    category : str

    Returns
    -------
    ndarray of bool, shape (frames,)
    """
    loudness = power.sum(axis=1)
    if not len(loudness):
        return np.zeros(0, np.bool_)
    least = _STRUCK if category in ("percussion", MADE_PERCUSSION, PLAYED) else _SILENCE
    sounding: npt.NDArray[np.bool_] = loudness > max(
        _FLOOR, least * float(np.percentile(loudness, 95))
    )
    if category in ("speech", SUNG):
        voice = power[:, _VOICE_BANDS].sum(axis=1)
        sounding &= voice > _VOICE_RISE * _floor(voice, sounding)
    return sounding


def _floor(power: Float32, sounding: npt.NDArray[np.bool_]) -> Float32:
    """Return what lies under the power of the seconds around each frame, silence left out."""
    from scipy.ndimage import percentile_filter

    heard = power[sounding]
    floor = np.zeros_like(power)
    if len(heard):
        floor[sounding] = percentile_filter(heard, _FLOOR_RANK, _FLOOR_FRAMES, mode="nearest")
    return floor


def window_targets(clip: Clip, starts: npt.NDArray[np.float64], seconds: float) -> Float32:
    """Return the targets of windows of a recording.

    Parameters
    ----------
    clip : Clip
    starts : ndarray, shape (n,)
        Where they start, in seconds.
    seconds : float
        How long they are.

    Returns
    -------
    ndarray of float32, shape (n, 6)
    """
    targets = np.repeat(clip.targets[None], len(starts), axis=0)
    if clip.sung is not None:
        ends = starts + seconds
        begins = np.maximum(starts[:, None], clip.sung[:, 0])
        overlaps = np.minimum(ends[:, None], clip.sung[:, 1]) - begins
        share = np.clip(overlaps, 0.0, None).sum(axis=1) / seconds
        sung = np.where(share >= _SUNG, 1.0, np.where(share <= _UNSUNG, 0.0, np.nan))
        targets[:, LABELS.index("singing")] = sung
    if clip.drummed is not None:
        middles = starts + seconds / 2.0
        nearest = np.abs(middles[:, None] - clip.drummed[:, 0]).argmin(axis=1)
        targets[:, LABELS.index("drums")] = clip.drummed[nearest, 1]
    return targets


def _clip(corpus: Path, row: dict[str, str], sung: dict[str, list[tuple[float, float]]]) -> Clip:
    labels = set(row["labels"].split(";"))
    targets = [np.nan if f"{name}?" in labels else float(name in labels) for name in LABELS]
    stretches = sung.get(row["path"])
    return Clip(
        corpus / row["path"],
        float(row["seconds"]),
        row["category"],
        row["group"],
        row["split"],
        np.array(targets, np.float32),
        None if stretches is None else np.array(stretches, np.float64),
    )


def _sung(corpus: Path) -> dict[str, list[tuple[float, float]]]:
    path = corpus / _ROOT / "voice.csv"
    found = defaultdict(list)
    for row in _rows(path) if path.is_file() else ():
        found[row["path"]].append((float(row["start_s"]), float(row["end_s"])))
    return found


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise PypluginError(f"Cannot read {path}: {error.strerror}.") from error
