"""What a station's log gives to the log."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyplugin.monitor.alarms import Change, Standing


@dataclass(frozen=True)
class Bin:
    """Ten seconds of values, quantised; see :mod:`pyplugin.monitor.bins`.

    Attributes
    ----------
    start
        Milliseconds of UTC, a multiple of the length.
    seconds
        Rows that it is made of.
    values
        The bytes.
    """

    start: int
    seconds: int
    values: bytes


@dataclass(frozen=True)
class SegmentRecord:
    """A segment as it is now; a later one with the same start replaces it.

    Attributes
    ----------
    kind
        One of :data:`pyplugin.monitor.segments.CLASSES`.
    start, end
        Milliseconds of UTC; of one that begins they are the same.
    open
        Whether it still lasts.
    loudness
        Integrated, in LUFS; ``None`` of silence.
    means
        Mean by label.
    """

    kind: str
    start: int
    end: int
    open: bool
    loudness: float | None
    means: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Track:
    """A title of the station; a later one with the same start replaces it.

    Attributes
    ----------
    title, artist
        As the station writes them, split at the first " - "; the artist may be empty.
    music, speech
        Share of its time in which each was on air.
    """

    start: int
    end: int
    open: bool
    title: str
    artist: str
    music: float = 0.0
    speech: float = 0.0


@dataclass(frozen=True)
class EventRecord:
    """Something that happened.

    Attributes
    ----------
    kind
        As of :class:`pyplugin.inputs.input.Event`, or ``"started"``, ``"stopped"``, ``"clock"``,
        ``"disk"``, ``"configuration"``, ``"restarted"``, ``"killed"``.
    """

    time: int
    kind: str
    message: str


@dataclass(frozen=True)
class Standings:
    """Where rules stand, for the next start."""

    by_rule: dict[str, Standing]


Record = Bin | SegmentRecord | Track | EventRecord | Standings | Change
