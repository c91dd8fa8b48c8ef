"""Which time of day a second of a stream is, though streams burst and clocks are set."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from pyplugin.inputs.timeline import ArrivalClock

_STEP = 1.0  # seconds by which the time of day jumps when it is set; less is followed smoothly
_FOLLOWED = 0.01  # share of a difference that each look takes away


class StationClock:
    """Converts seconds of a live stream to milliseconds of UTC.

    A stream's audio counts as sent when it could have arrived first: later arrivals are delays of
    the network, a burst is none. Time runs with the monotonic clock; a set time of day is a step.

    Parameters
    ----------
    monotonic, wall
        Clocks, in seconds.

    Examples
    --------
    >>> now = [100.0]
    >>> clock = StationClock(lambda: now[0], lambda: 1000.0 + now[0])
    >>> clock.arrived(4.0)  # a burst of four seconds
    >>> now[0] += 2.0
    >>> clock.arrived(4.1)  # late
    >>> round(clock.at(4.0), -3), clock.now()
    (1100000, 1102000)
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._offset = wall() - monotonic()
        self._origin = math.inf
        self._last = monotonic()

    def arrived(self, seconds: float) -> None:
        """Note that the stream has reached this second now."""
        now = self._monotonic()
        self._origin += ArrivalClock.DRIFT * (now - self._last)
        self._last = now
        self._origin = min(self._origin, now - seconds)

    def at(self, seconds: float) -> int:
        """Return the time of a second of the stream; now, before anything has arrived."""
        origin = self._origin if math.isfinite(self._origin) else self._monotonic() - seconds
        return round((origin + seconds + self._offset) * 1000)

    def now(self) -> int:
        """Return the time now."""
        return round((self._monotonic() + self._offset) * 1000)

    def step(self) -> int:
        """Return the milliseconds by which the time of day was set since the last call."""
        difference = self._wall() - self._monotonic() - self._offset
        if abs(difference) >= _STEP:
            self._offset += difference
            return round(difference * 1000)
        self._offset += difference * _FOLLOWED
        return 0


class RecordingClock:
    """The clock of a recording: its seconds follow each other, however fast it is read.

    Parameters
    ----------
    start
        Milliseconds of UTC at its beginning.
    """

    def __init__(self, start: int) -> None:
        self._start, self._seconds = start, 0.0

    def arrived(self, seconds: float) -> None:
        """Note that the recording was read up to here."""
        self._seconds = seconds

    def at(self, seconds: float) -> int:
        """Return the time of a second of the recording."""
        return self._start + round(seconds * 1000)

    def now(self) -> int:
        """Return the time of the second that was read last."""
        return self.at(self._seconds)

    def step(self) -> int:
        """Return 0: it is not set."""
        return 0
