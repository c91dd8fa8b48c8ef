"""What outputs are told, and what they have in common."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pyplugin.node.node import State

__all__ = ["DescriptorFrame", "OnEvent", "Output", "Trouble", "WallClock"]

OnEvent = Callable[[str], object]
"""Takes a sentence for a person."""


@dataclass(frozen=True)
class DescriptorFrame:
    """One descriptor frame.

    Attributes
    ----------
    time
        Seconds of the stream at which it was emitted.
    start, end
        Seconds of the stream that it describes.
    source
        Name of the device or file.
    model
        Name of the model, ``""`` without one.
    state
        What the tags are worth.
    tags
        Activation, 0 to 1, by label as the model spells it.
    signals
        Latest measured value by name, ``"rms_db"`` say; may be empty.
    parameters
        Value by ``effect.parameter``; may be empty.
    heads
        What each head says, by its name: value, 0 to 1, by label.
    """

    time: float
    start: float
    end: float
    source: str
    model: str
    state: State
    tags: dict[str, float]
    signals: dict[str, float]
    parameters: dict[str, float]
    heads: dict[str, dict[str, float]] = field(default_factory=dict)


class Output(Protocol):
    """Somewhere that descriptor frames go; it never waits for whoever receives them."""

    @property
    def failures(self) -> int:
        """Sends that failed so far."""

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Send a descriptor frame."""

    def write_parameters(
        self, time: float, parameters: dict[str, float], signals: dict[str, float]
    ) -> None:
        """Send what changed at ``time``, seconds of the stream, between two frames."""

    def close(self) -> None:
        """Send what waits, and let go. Closing twice is fine."""


class Trouble:
    """Counts failures; says once that they began and once that they are over."""

    def __init__(self, on_event: OnEvent | None) -> None:
        self.failures = 0
        self._say = on_event or (lambda sentence: None)
        self._before: int | None = None

    @property
    def lasts(self) -> bool:
        """Whether a failure was not yet followed by :meth:`over`."""
        return self._before is not None

    def failed(self, what: str) -> None:
        """Count a failure; ``what`` begins a sentence."""
        if self._before is None:
            self._before = self.failures
            self._say(f"{what}; going on without it, and saying when it works again.")
        self.failures += 1

    def over(self, what: str) -> None:
        """Say that it works again, if it did not; ``what`` begins a sentence."""
        if self._before is not None:
            failed = self.failures - self._before
            self._before = None
            self._say(f"{what} works again; {failed} sends failed.")


class WallClock:
    """Tells the time of day of seconds of a stream that is heard as it comes."""

    LATE = 0.25
    """Frames are read at most so many seconds after they came, unless the stream paused."""

    def __init__(self) -> None:
        self._origin = math.inf

    def at(self, seconds: float, now: float | None = None) -> float:
        """Return the time of day of ``seconds``, which were just read (at ``now``).

        The shortest delay seen counts, so that an irregular reader makes no irregular times, and
        none is ever ahead of the clock.
        """
        origin = (time.time() if now is None else now) - seconds
        if not self._origin <= origin <= self._origin + self.LATE:
            self._origin = origin
        return self._origin + seconds
