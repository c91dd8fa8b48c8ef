"""A labelled corpus of recordings, and in which of their mel frames a label is present.

A corpus is a folder with ``manifest.csv`` (columns path, seconds, category, labels, group, split).
A listed label is present, any other is absent; ``x?`` marks the label `x` as unknown. The label
``voice``, anyone speaking or singing, is not in a manifest: it follows from speech and singing.
``song/voice.csv`` (path, start_s, end_s, basis) lists the spans with a singing voice, if it is
there; those with the basis ``estimated`` come from a detector.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError, PypluginError
from pyplugin.support.arrays import Bools, Float32, Float64

LABELS = ("speech", "singing", "music", "drums", "tonal", "noise", "voice")
"""The labels of `scene`. The last one follows from the first two."""

SPEECH, SINGING, VOICE = LABELS.index("speech"), LABELS.index("singing"), LABELS.index("voice")

RINGING = ("percussion", "made-percussion", "played-percussion")
"""The categories whose sounds decay slowly after a stroke."""

SPOKEN = ("speech", "sung")
"""The categories with pauses between words, in which the noise of the recording goes on."""

PAUSES = {
    "speech": (0.9, 1.8),
    "singing": (0.9, 1.5),
    "music": (1.2, 1.8),
    "drums": (1.0, 1.5),
    "tonal": (1.0, 1.5),
    "noise": (1.2, 1.8),
    "voice": (0.9, 1.8),
}
"""Seconds of silence within a sound up to which they count as a part of it, and up to which the
presence of a label is unknown in them."""

Presence = npt.NDArray[np.int8]
"""1 where a label is present, 0 where it is absent, -1 where that is unknown."""

_FRAME_RATE = 62.5  # mel frames a second
_SILENCE = 1e-4  # relative to the recording's loud frames: -40 dB
_DECAY_LIMIT = 3e-3  # the same for percussion, which rings on: -25 dB
_VOICE_BANDS = slice(8, 66)  # about 300 to 4000 Hz: above rumble
_VOICE_RISE = 10.0  # above the noise floor: 10 dB
_FLOOR_FRAMES, _FLOOR_RANK = 375, 10  # the noise floor: the tenth percentile of 6 s
_FLOOR = 1e-4  # mel power summed over bands: that of 16-bit dither
_SINGING, _NOT_SINGING = 0.5, 0.05  # share of a window with voice; unknown in between
_ROOT = "song"


@dataclass(frozen=True, eq=False)
class CorpusClip:
    """One recording of a corpus.

    Attributes
    ----------
    path : Path
    seconds : float
    category, group, split : str
    tags : frozenset of str
        The labels as listed, finer ones such as ``instrument:flute`` among them.
    targets : ndarray of float32, shape (7,)
        1 where one of `LABELS` is present, 0 absent, NaN unknown.
    singing_spans : ndarray of float64, shape (n, 2), or None
        Start and end in seconds of each span with a singing voice; None if unknown.
    estimated : bool
        Whether these spans come from a detector.
    """

    path: Path
    seconds: float
    category: str
    group: str
    split: str
    targets: Float32
    singing_spans: Float64 | None = None
    estimated: bool = False
    tags: frozenset[str] = frozenset()


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
    unless all of it is nearly silent. In the categories speech and sung (singing synthesised from
    speech) they must also exceed the noise floor of the surrounding 6 s, because many recordings of
    speech contain more noise than speech.

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
    least = _DECAY_LIMIT if category in RINGING else _SILENCE
    sounding: Bools = loudness > max(_FLOOR, least * float(np.percentile(loudness, 95)))
    if category in SPOKEN:
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


def with_voice(targets: Float32) -> Float32:
    """Return targets whose last label, voice, follows from speech and singing.

    Parameters
    ----------
    targets : ndarray of float32, shape (..., 7)
        1, 0, or NaN for unknown.

    Returns
    -------
    ndarray of float32, same shape
        Voice is 1 if speech or singing is 1, 0 if both are 0, else NaN.

    Examples
    --------
    >>> with_voice(np.array([[0, 1, 0, 0, 0, 0, 0], [0, np.nan, 0, 0, 0, 0, 0]]))[:, -1]
    array([ 1., nan])
    """
    speech, singing = targets[..., SPEECH], targets[..., SINGING]
    absent = np.where((speech == 0) & (singing == 0), 0.0, np.nan)
    voice = np.where((speech == 1) | (singing == 1), 1.0, absent)
    found = targets.copy()
    found[..., VOICE] = voice
    return found


def presence_of(targets: Float32, active: Bools) -> Presence:
    """Return which labels are present in each mel frame.

    Parameters
    ----------
    targets : ndarray of float32, shape (frames, 7)
        Of the sound where it is audible: 1, 0, or NaN for unknown. Voice is not read.
    active : ndarray of bool, shape (frames,)
        Whether the sound is audible; where it is not, nothing is present, but in the pauses of
        `PAUSES`: between words, bars or waves.

    Returns
    -------
    ndarray of int8, shape (frames, 7)

    Examples
    --------
    >>> targets = np.array([[1, 0, np.nan, 0, 1, 0, 0]] * 2)
    >>> presence_of(targets, np.array([True, False])).tolist()
    [[1, 0, -1, 0, 1, 0, 1], [0, 0, 0, 0, 0, 0, 0]]
    """
    whole = with_voice(targets)
    found = np.where(np.isnan(whole), -1, whole > 0.5).astype(np.int8)
    found[~active] = 0
    for number, label in enumerate(LABELS):
        _close_pauses(found[:, number], *(int(each * _FRAME_RATE) for each in PAUSES[label]))
    return np.asarray(found, np.int8)


def _close_pauses(presence: Presence, short: int, long: int) -> None:
    """Fill pauses of one label, (frames,), in place: short ones with 1 between two 1, else -1."""
    sounding = np.flatnonzero(presence)
    steps = np.diff(sounding)
    for place in np.flatnonzero((steps > 1) & (steps <= long)):
        last, following = sounding[place], sounding[place + 1]
        sure = presence[last] == 1 and presence[following] == 1 and steps[place] <= short
        presence[last + 1 : following] = 1 if sure else -1


_Spans = dict[str, list[tuple[float, float, str]]]


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
    ndarray of float32, shape (n, 7)
    """
    targets = np.repeat(clip.targets[None], len(starts), axis=0)
    if clip.singing_spans is not None:
        ends = starts + seconds
        begins = np.maximum(starts[:, None], clip.singing_spans[:, 0])
        overlaps = np.minimum(ends[:, None], clip.singing_spans[:, 1]) - begins
        share = np.clip(overlaps, 0.0, None).sum(axis=1) / seconds
        singing = np.where(share >= _SINGING, 1.0, np.where(share <= _NOT_SINGING, 0.0, np.nan))
        targets[:, LABELS.index("singing")] = singing
    return with_voice(targets)


def _clip(corpus: Path, row: dict[str, str], spans: _Spans) -> CorpusClip:
    tags = frozenset(row["labels"].split(";"))
    targets = [np.nan if f"{name}?" in tags else float(name in tags) for name in LABELS]
    singing = spans.get(row["path"])
    return CorpusClip(
        corpus / row["path"],
        float(row["seconds"]),
        row["category"],
        row["group"],
        row["split"],
        with_voice(np.array(targets, np.float32)),
        None if singing is None else np.array([each[:2] for each in singing], np.float64),
        any(each[2] == "estimated" for each in singing or ()),
        tags,
    )


def _read_singing_spans(corpus: Path) -> _Spans:
    path = corpus / _ROOT / "voice.csv"
    found = defaultdict(list)
    for row in read_rows(path) if path.is_file() else ():
        span = (float(row["start_s"]), float(row["end_s"]), row.get("basis") or "")
        found[row["path"]].append(span)
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
