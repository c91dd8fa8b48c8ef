"""Recordings that were found, and what became of them: what the parts of a build exchange."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from pyplugin.support.arrays import Float32, Float64


@dataclass(frozen=True)
class FoundRecording:
    r"""A recording in a folder.

    Attributes
    ----------
    path
        Absolute path or address; bytes that are not UTF-8 as Python has them.
    size
        In bytes.
    mtime
        When it was changed, in microseconds since 1970; ``None`` where that is not known.
    others
        Further paths of the same file.

    Examples
    --------
    >>> FoundRecording("/music/caf\udce9.mp3", 10, 0).path_bytes
    b'/music/caf\xe9.mp3'
    """

    path: str
    size: int
    mtime: int | None
    others: tuple[str, ...] = ()

    @property
    def path_bytes(self) -> bytes | None:
        """The bytes of a path that is not UTF-8; ``None`` of one that is."""
        try:
            self.path.encode()
        except UnicodeEncodeError:
            return os.fsencode(self.path)
        return None


@dataclass(frozen=True, eq=False)
class RecordingAnalysis:
    """What was measured of a recording.

    Attributes
    ----------
    content
        Hash of the file's bytes: BLAKE2b of 16 bytes, in hexadecimal.
    duration
        In seconds.
    sample_rate, channels
        Of the file.
    loudness
        Integrated, in LUFS; -120 of silence.
    true_peak
        In dBTP.
    tempo, tempo_confidence
        In BPM, and 0 to 1; both 0 without a beat.
    mean, max, share
        (D,) float32 of each descriptor over the windows: its mean, its largest value, and the share
        of windows in which it is present.
    embedding
        (E,) float32: the mean; ``None`` where none is kept.
    starts, windows
        (n,) float64 seconds and (n, D) float32; ``None`` where windows are not kept.
    window
        Seconds that a window lasts.
    notes
        Sentences for a person.
    cost
        Processor seconds that it took.
    """

    content: str
    duration: float
    sample_rate: int
    channels: int
    loudness: float
    true_peak: float
    tempo: float
    tempo_confidence: float
    mean: Float32
    max: Float32
    share: Float32
    embedding: Float32 | None = None
    starts: Float64 | None = None
    windows: Float32 | None = None
    window: float = 0.0
    notes: tuple[str, ...] = ()
    cost: float = 0.0


PROBLEMS = {
    "missing": "it is not there any more",
    "permission": "it may not be read",
    "empty": "it has 0 bytes",
    "protected": "it is encrypted (DRM)",
    "unreadable": "it cannot be decoded",
    "changed": "it changed while it was read",
    "network": "a server did not deliver it",
    "memory": "it needs more memory than a worker may use",
    "worker": "two workers ended over it",
    "unexpected": "an error that is none of these",
}
"""Kinds of errors, and what each means."""

PASSING = ("missing", "permission", "changed", "network", "memory", "unexpected")
"""Kinds that another build tries again; the others are, once the file changes."""


@dataclass(frozen=True)
class Problem:
    """Why a recording has no results: one of :data:`PROBLEMS`, and a sentence."""

    kind: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """What became of a recording: its analysis, or a problem."""

    found: FoundRecording
    result: RecordingAnalysis | Problem = field(compare=False)
