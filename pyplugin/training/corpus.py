"""A labelled corpus of recordings, and the targets of windows of them.

A corpus is a folder with ``manifest.csv`` (columns path, seconds, category, labels, group, split).
A listed label is present, any other is absent; ``x?`` marks the label `x` as unknown.
``song/voice.csv`` (path, start_s, end_s) lists the spans with a singing voice, if it is there.
"""

import csv
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pyplugin.errors import AudioError, PypluginError
from pyplugin.support.arrays import Bools, Float32, Float64

LABELS = ("speech", "singing", "music", "drums", "tonal", "noise")

SYNTHETIC_SINGING = "sung"
"""The category of singing synthesised from speech."""

SYNTHETIC_PERCUSSION, SYNTHETIC_NOTES, SOUNDFONT_PERCUSSION = SYNTHETIC = (
    "made-percussion",
    "made-notes",
    "played-percussion",
)
"""The categories without recordings; see `pyplugin.training.synthesis` and `.soundfonts`."""


_SILENCE = 1e-4  # relative to the recording's loud frames: -40 dB
_DECAY_LIMIT = 3e-3  # the same for percussion, which rings on: -25 dB
_VOICE_BANDS = slice(8, 66)  # about 300 to 4000 Hz: above rumble
_VOICE_RISE = 10.0  # above the noise floor: 10 dB
_FLOOR_FRAMES, _FLOOR_RANK = 375, 10  # the noise floor: the tenth percentile of 6 s
_FLOOR = 1e-4  # mel power summed over bands: that of 16-bit dither
_SINGING, _NOT_SINGING = 0.5, 0.05  # share of a window with voice; unknown in between
_ROOT = "song"
_PERCUSSION_TARGETS = np.array([0.0, 0.0, np.nan, 1.0, np.nan, np.nan], np.float32)


@dataclass(frozen=True, eq=False)
class CorpusClip:
    """One recording of a corpus.

    Attributes
    ----------
    path : Path
    seconds : float
    category, group, split : str
    targets : ndarray of float32, shape (6,)
        1 where one of `LABELS` is present, 0 absent, NaN unknown.
    singing_spans : ndarray of float64, shape (n, 2), or None
        Start and end in seconds of each span with a singing voice; None if unknown.
    drum_labels : ndarray of float64, shape (n, 2), or None
        Times in seconds, and the pseudo-label of drums there: near 1, near 0, or NaN if uncertain.
    """

    path: Path
    seconds: float
    category: str
    group: str
    split: str
    targets: Float32
    singing_spans: Float64 | None = None
    drum_labels: Float64 | None = None


def read_clips(corpus: Path, split: str | None = None) -> list[CorpusClip]:
    """Return the recordings of a corpus, or those of one split.

    Parameters
    ----------
    corpus : Path
        Folder with ``manifest.csv``.
    split : str, optional
        Such as ``train`` or ``test``; all recordings without it.

    Returns
    -------
    list of CorpusClip

    Raises
    ------
    PypluginError
        The manifest cannot be read, lacks a column, or has a group in two splits.
    """
    rows = read_rows(corpus / "manifest.csv")
    spans = _read_singing_spans(corpus)
    try:
        clips = [_clip(corpus, row, spans) for row in rows]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise PypluginError(
            f"{corpus / 'manifest.csv'} has a row without the columns path, seconds, category, "
            f"labels, group and split, or with a non-numeric length ({error})."
        ) from None
    splits: dict[str, str] = {}
    for clip in clips:
        if splits.setdefault(clip.group, clip.split) != clip.split:
            raise PypluginError(
                f"The group {clip.group!r} of {corpus} is in two splits, {splits[clip.group]!r} "
                f"and {clip.split!r}; put all of it into one, or test scores are too high."
            )
    return [clip for clip in clips if split in (None, clip.split)]


def singing_clips(clips: list[CorpusClip]) -> list[CorpusClip]:
    """Return a clip of the category `SYNTHETIC_SINGING` for each clip that is only speech.

    Their targets are singing and tonal; whether they are music is unknown.

    Parameters
    ----------
    clips : list of CorpusClip

    Returns
    -------
    list of CorpusClip
    """
    wanted = np.array([0.0, 1.0, np.nan, 0.0, 1.0, 0.0], np.float32)
    return [
        replace(clip, category=SYNTHETIC_SINGING, targets=wanted)
        for clip in clips
        if clip.category == "speech"
    ]


def synthetic_clips(count: int, seconds: float) -> list[CorpusClip]:
    """Return `count` clips of synthetic percussion and `count` of held notes, a group each.

    Percussion has drums; music, tonal and noise are unknown. Held notes are tonal only.

    Parameters
    ----------
    count : int
        Number of clips of each kind.
    seconds : float
        Duration of a clip.

    Returns
    -------
    list of CorpusClip
    """
    notes = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 0.0], np.float32)
    kinds = {SYNTHETIC_PERCUSSION: _PERCUSSION_TARGETS, SYNTHETIC_NOTES: notes}
    return [
        CorpusClip(Path(name), seconds, category, name, "train", targets)
        for category, targets in kinds.items()
        for name in (f"{category}-{number}" for number in range(count))
    ]


def soundfont_clips(soundfonts: Sequence[Path], count: int, seconds: float) -> list[CorpusClip]:
    """Return `count` clips of percussion for each SoundFont, a group each.

    They have drums; music, tonal and noise are unknown.

    Parameters
    ----------
    soundfonts : sequence of Path
    count : int
        Number of clips for each SoundFont.
    seconds : float
        Duration of a clip.

    Returns
    -------
    list of CorpusClip
    """
    category, targets = SOUNDFONT_PERCUSSION, _PERCUSSION_TARGETS
    return [
        CorpusClip(path, seconds, category, f"{path.stem}-{number}", "train", targets)
        for path in soundfonts
        for number in range(count)
    ]


def read_samples(path: Path) -> tuple[Float32, int]:
    """Read a recording as mono samples (n,) and their rate in Hz.

    Raises
    ------
    AudioError
        The file cannot be read.
    """
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise AudioError(f"Cannot read {path}: {error}.") from error
    return samples.mean(axis=1, dtype=np.float32), int(rate)


def active_frames(power: Float32, category: str = "") -> Bools:
    """Return in which frames of a recording its labels are audible.

    These are the frames within 40 dB of its loud frames (25 dB for percussion, which rings on),
    unless all of it is nearly silent. In the categories speech and `SYNTHETIC_SINGING` they must
    also exceed the noise floor of the surrounding 6 s, because many recordings of speech contain
    more noise than speech.

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
    rings = category in ("percussion", SYNTHETIC_PERCUSSION, SOUNDFONT_PERCUSSION)
    least = _DECAY_LIMIT if rings else _SILENCE
    sounding: Bools = loudness > max(_FLOOR, least * float(np.percentile(loudness, 95)))
    if category in ("speech", SYNTHETIC_SINGING):
        voice = power[:, _VOICE_BANDS].sum(axis=1)
        sounding &= voice > _VOICE_RISE * _floor(voice, sounding)
    return sounding


def _floor(power: Float32, sounding: Bools) -> Float32:
    """Return the noise floor of the 6 s around each frame, ignoring silence."""
    from scipy.ndimage import percentile_filter

    audible = power[sounding]
    floor = np.zeros_like(power)
    if len(audible):
        floor[sounding] = percentile_filter(audible, _FLOOR_RANK, _FLOOR_FRAMES, mode="nearest")
    return floor


_Spans = dict[str, list[tuple[float, float]]]


def window_targets(clip: CorpusClip, starts: Float64, seconds: float) -> Float32:
    """Return the targets of windows of a recording.

    Parameters
    ----------
    clip : CorpusClip
    starts : ndarray, shape (n,)
        Start of each window in seconds.
    seconds : float
        Duration of a window.

    Returns
    -------
    ndarray of float32, shape (n, 6)
    """
    targets = np.repeat(clip.targets[None], len(starts), axis=0)
    if clip.singing_spans is not None:
        ends = starts + seconds
        begins = np.maximum(starts[:, None], clip.singing_spans[:, 0])
        overlaps = np.minimum(ends[:, None], clip.singing_spans[:, 1]) - begins
        share = np.clip(overlaps, 0.0, None).sum(axis=1) / seconds
        singing = np.where(share >= _SINGING, 1.0, np.where(share <= _NOT_SINGING, 0.0, np.nan))
        targets[:, LABELS.index("singing")] = singing
    if clip.drum_labels is not None:
        middles = starts + seconds / 2.0
        nearest = np.abs(middles[:, None] - clip.drum_labels[:, 0]).argmin(axis=1)
        targets[:, LABELS.index("drums")] = clip.drum_labels[nearest, 1]
    return targets


def _clip(corpus: Path, row: dict[str, str], spans: _Spans) -> CorpusClip:
    labels = set(row["labels"].split(";"))
    targets = [np.nan if f"{name}?" in labels else float(name in labels) for name in LABELS]
    singing = spans.get(row["path"])
    return CorpusClip(
        corpus / row["path"],
        float(row["seconds"]),
        row["category"],
        row["group"],
        row["split"],
        np.array(targets, np.float32),
        None if singing is None else np.array(singing, np.float64),
    )


def _read_singing_spans(corpus: Path) -> _Spans:
    path = corpus / _ROOT / "voice.csv"
    found = defaultdict(list)
    for row in read_rows(path) if path.is_file() else ():
        found[row["path"]].append((float(row["start_s"]), float(row["end_s"])))
    return found


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, by the names of its columns.

    Raises
    ------
    PypluginError
        The file cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise PypluginError(f"Cannot read {path}: {error.strerror}.") from error
