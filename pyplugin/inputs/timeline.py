"""Where the audio of a live stream lies in time: what was lost, and what came twice.

Servers send at once what they have kept (a burst of some seconds), then as fast as it is produced.
So the earliest arrival of a connection, relative to its audio, is the live edge; a burst makes
nothing longer, and a late packet no gap.
"""

from __future__ import annotations

import math

import numpy as np

from pyplugin.support.arrays import Float32


class ArrivalClock:
    """Follows when the audio of one connection arrives.

    Attributes
    ----------
    origin : float
        Time, on the clock of the caller, at which second 0 of the connection arrived or would have
        arrived at the live edge.
    position : float
        Seconds of audio so far, lost ones included.
    late : float
        Seconds by which the last audio arrived later than the live edge.

    Examples
    --------
    >>> clock = ArrivalClock()
    >>> _ = [clock.add(100.0, 1.0) for _ in range(4)]  # a burst of 4 s at 100
    >>> round(clock.origin, 6), clock.position
    (96.0, 4.0)
    """

    LOST = 1.0
    """Seconds that all audio must be late to count as lost: less may be a slow network."""

    WATCHED = 20.0
    """Seconds of arrivals that must all be late."""

    DRIFT = 5e-4
    """Most by which the sender's clock may be slow against ours."""

    def __init__(self) -> None:
        self.origin = math.inf
        self.position = 0.0
        self.late = 0.0
        self._since = math.inf  # the lateness below was least since then
        self._least = math.inf
        self._last = math.inf

    def add(self, now: float, seconds: float, *, on_time: bool = True) -> float:
        """Count audio that arrived; return the seconds that were lost before it, mostly 0.

        Parameters
        ----------
        now
            Time of arrival in seconds.
        seconds
            Of audio.
        on_time
            ``False`` where the caller itself was late to read it.
        """
        self.position += seconds
        if now > self._last:
            self.origin += self.DRIFT * (now - self._last)
        self._last = now
        late = now - self.position - self.origin
        if late <= 0 or not math.isfinite(self.origin):
            self.origin = now - self.position
            late = 0.0
        self.late = late
        if not on_time or late < self.LOST:
            self._since, self._least = now, math.inf
            return 0.0
        self._least = min(self._least, late)
        if now - self._since < self.WATCHED:
            return 0.0
        lost = self._least
        self.origin += lost
        self._since, self._least = now, math.inf
        return lost

    def lose(self, seconds: float) -> None:
        """Count audio that is known to be lost."""
        self.position += seconds

    @property
    def edge(self) -> float:
        """Time at which the end of the audio so far arrived at the live edge."""
        return self.origin + self.position


TAIL = 0.5
"""Seconds of the end of a connection that are looked for in the next."""

_LIKE = 0.95  # correlation of the same audio, decoded twice
_SHORTEST = 0.1  # seconds


def overlap(before: Float32, after: Float32, sample_rate: int, expected: int) -> int | None:
    """Return how many samples at the start of a new connection repeat the end of the last one.

    Parameters
    ----------
    before
        The last samples of the old connection, (channels, n); :data:`TAIL` of them count.
    after
        The first ones of the new connection, (channels, m).
    sample_rate
        Of both, Hz.
    expected
        About how many repeat, by the clock; decides where the audio repeats itself.

    Returns
    -------
    int or None
        0 to m; ``None`` where the end of ``before`` does not occur in ``after``.

    Examples
    --------
    >>> audio = np.random.default_rng(0).normal(size=(2, 40000)).astype(np.float32)
    >>> overlap(audio[:, :30000], audio[:, 20000:], 8000, 9000)
    10000
    >>> overlap(audio[:, :15000], audio[:, 20000:], 8000, 0) is None
    True
    """
    tail = before[:, -round(TAIL * sample_rate) :].mean(axis=0, dtype=np.float64)
    head = after.mean(axis=0, dtype=np.float64)
    count = len(tail)
    energy = float(tail @ tail)
    if count < _SHORTEST * sample_rate or len(head) < count or energy < 1e-8 * count:
        return None
    size = 1 << (len(head) + count).bit_length()
    spectrum = np.fft.rfft(head, size) * np.conj(np.fft.rfft(tail, size))
    products = np.fft.irfft(spectrum, size)[: len(head) - count + 1]
    sums = np.concatenate([[0.0], np.cumsum(head * head)])
    powers = np.maximum(sums[count:] - sums[:-count], 1e-12)
    likeness = products / np.sqrt(energy * powers)
    best = float(likeness.max())
    if best < _LIKE:
        return None
    ends = np.flatnonzero(likeness >= best - 0.002) + count
    return int(ends[np.argmin(np.abs(ends - expected))])
