"""Live streams as an input: read on a thread, connected again, every second of sound once."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from pyplugin.errors import AudioError, StreamError
from pyplugin.inputs.connections import Connection
from pyplugin.inputs.decoding import Piece
from pyplugin.inputs.input import Event
from pyplugin.inputs.timeline import TAIL, ArrivalClock, overlap
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before each new attempt, 20 % shorter or longer by chance; the last one stays."""

_FLOWS = 10.0  # seconds that audio must flow for the pauses to begin anew
_QUEUE = 20.0  # seconds of audio that wait for the reader at most
_ITEMS = 8192  # pieces and events that wait at most
_BURST = 1.0  # seconds after which a burst is over, unless it still arrives
_LONGEST_BURST = 30.0  # seconds of audio
_LONGEST_WAIT = 5.0  # seconds after which it counts as over anyway
_SLOW = 0.8  # share of real time below which a stream is too slow
_JUDGED = 30.0  # seconds over which that is measured
_OUTAGE = 10.0  # seconds without audio that are reported otherwise
_MOST = 1.0  # seconds that one read returns at most, and a little
_EDGE = 0.002  # seconds of waiting for audio after which all that has arrived was read


class _ClosedError(Exception):
    """The reader has closed the input."""


class StreamInput(Closing):
    r"""A network stream, a command or a pipe, read on a thread of its own; an :class:`Input`.

    What ends or fails is opened again, after a pause that grows; audio that a server sends twice is
    left out, audio that is missing is reported as a gap. Nothing that a network does is raised.

    Parameters
    ----------
    connection
        What it reads.
    retry
        Whether to try again; otherwise the first failure ends it, and is in :attr:`failure`.
    gather
        Seconds of audio that are decoded and read at once where the connection keeps them until
        then: so much later, and with less work.

    Attributes
    ----------
    failure : AudioError or None
        Why it ended, unless it is finished or closed.

    Examples
    --------
    >>> from pyplugin.inputs.connections import CommandConnection
    >>> from pyplugin.inputs.decoding import RawFormat
    >>> command = CommandConnection(r"printf '\0\100\0\300'", RawFormat(8000, 1))
    >>> with StreamInput(command, retry=False) as stream:
    ...     stream.wait()
    ...     stream.read(1.0)
    array([[ 0.5, -0.5]], dtype=float32)
    """

    def __init__(self, connection: Connection, *, retry: bool = True, gather: float = 0.0) -> None:
        self._connection = connection
        self._retry = retry
        self._gather = gather if connection.buffered else 0.0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._queue: deque[Piece | Event] = deque()
        self._queued = 0.0  # seconds
        self._waiting_events = 0  # in the queue
        self._events: list[Event] = []
        self._closed = False
        self._ended = False
        self._known = threading.Event()  # whether the first attempt gives audio
        self._format = (44100, 2)
        self._first_failure: AudioError | None = None
        self.failure: AudioError | None = None
        self._thread = threading.Thread(target=self._run, name="pyplugin stream", daemon=True)
        self._thread.start()

    # ---- the reader's side

    @property
    def title(self) -> str:
        """Name of the station, or its address or command."""
        return self._connection.title

    @property
    def sample_rate(self) -> int:
        """In Hz, of the last block; before the first, 44100 until its format is known."""
        return self._format[0]

    @property
    def channels(self) -> int:
        """1 to 8, of the same block; 2 until it is known."""
        return self._format[1]

    def wait(self, timeout: float = 60.0) -> None:
        """Wait until the first audio has arrived, so that the format is known.

        Raises
        ------
        AudioError
            The first attempt failed, or nothing arrived in time.
        """
        self._known.wait(timeout)
        with self._changed:
            first = next((each for each in self._queue if isinstance(each, Piece)), None)
            if first is not None:
                self._format = (first.sample_rate, first.samples.shape[0])
                return
        if self._first_failure is not None:
            raise self._first_failure
        if self._known.is_set():
            raise AudioError(f"{self.title} has no audio.")
        raise StreamError(f"{self.title}: no audio arrived for {timeout:g} s.")

    def read(self, timeout: float) -> Float32 | None:
        """Return what arrived within ``timeout`` seconds, of one format; ``None`` at the end.

        It waits for as much as it gathers, for an event, or for the end.

        Returns
        -------
        numpy.ndarray or None
            (channels, n) float32.
        """
        until = time.monotonic() + timeout
        with self._changed:
            while not self._closed:
                left = until - time.monotonic()
                block = self._take() if self._enough() or self._ended or left <= 0 else None
                if block is not None:
                    self._changed.notify_all()
                    return block
                if self._ended:
                    return None
                if left <= 0:
                    return np.zeros((self.channels, 0), np.float32)
                self._changed.wait(left)
            return None

    def _enough(self) -> bool:
        """Return whether a reader need not wait for more."""
        return self._waiting_events > 0 or (bool(self._queue) and self._queued >= self._gather)

    def _take(self) -> Float32 | None:
        """Return the audio at the front of the queue, up to the next event or change of format."""
        pieces: list[Float32] = []
        seconds = 0.0
        while self._queue and seconds < _MOST:
            each = self._queue[0]
            if isinstance(each, Event):
                if pieces:
                    break
                self._events.append(each)
                self._queue.popleft()
                self._waiting_events -= 1
                continue
            setup = (each.sample_rate, each.samples.shape[0])
            if pieces and setup != self._format:
                break
            self._format = setup
            self._queue.popleft()
            length = each.samples.shape[1] / each.sample_rate
            self._queued -= length
            seconds += length
            pieces.append(each.samples)
        return np.concatenate(pieces, axis=1) if pieces else None

    def events(self) -> list[Event]:
        """Return what happened before the audio that was read last, oldest first."""
        with self._changed:
            events, self._events = self._events, []
            return events

    def close(self) -> None:
        """Stop reading, and wait for the thread. Closing twice is harmless."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._closing.set()
        self._connection.interrupt()
        if self._thread is not threading.current_thread():
            self._thread.join(15.0)

    # ---- the thread's side

    def _put(self, item: Piece | Event) -> bool:
        """Queue an item; return whether there was room at once."""
        with self._changed:
            at_once = True
            while self._full() and not self._closed:
                at_once = False
                self._changed.wait(1.0)
            if self._closed:
                raise _ClosedError
            waiting = not self._enough()  # of a reader, maybe
            self._queue.append(item)
            if isinstance(item, Piece):
                self._queued += item.samples.shape[1] / item.sample_rate
                self._known.set()
            else:
                self._waiting_events += 1
            if waiting and self._enough():
                self._changed.notify_all()
            return at_once

    def _full(self) -> bool:
        return self._queued >= _QUEUE or len(self._queue) >= _ITEMS

    def _run(self) -> None:
        with contextlib.suppress(_ClosedError):
            self._attempts()
        with self._changed:
            self._ended = True
            self._known.set()
            self._changed.notify_all()

    def _attempts(self) -> None:
        failures = 0
        relay = _Relay(self._put)
        while True:
            reason: AudioError | None = None
            try:
                with contextlib.closing(self._connection.pieces()) as pieces:  # type: ignore[type-var]
                    relay.begin(self._connection)
                    asked = time.monotonic()
                    for piece in pieces:
                        waited = time.monotonic() - asked
                        relay.take(piece)
                        if waited > _EDGE and self._connection.live and relay.late < self._gather:
                            self._pause(self._gather)
                        asked = time.monotonic()
                relay.end()
            except _ClosedError:
                raise
            except AudioError as error:
                relay.end()
                reason = error
            except Exception as error:  # nothing that a stream does may end the thread
                relay.end()
                reason = StreamError(f"{self.title}: {str(error) or type(error).__name__}.")
            if reason is None and not self._connection.live:
                self._put(Event("ended", f"{self.title} is finished."))
                return
            if reason is None:
                reason = StreamError(f"{self.title}: the server ended the stream.")
            if not self._known.is_set():
                self._first_failure = reason
                self._known.set()
            if not (self._retry and self._connection.retries):
                self.failure = reason
                return
            failures = 0 if relay.flowed >= _FLOWS else failures
            pause = PAUSES[min(failures, len(PAUSES) - 1)] * random.uniform(0.8, 1.2)
            failures += 1
            sentence = str(reason).rstrip(".")
            self._put(Event("disconnected", f"{sentence}; retrying in {pause:.0f} s."))
            self._pause(pause)

    def _pause(self, seconds: float) -> None:
        if self._closing.wait(seconds):
            raise _ClosedError


class _Relay:
    """Passes on the audio of one connection after another, every second of it once."""

    def __init__(self, send: Callable[[Piece | Event], bool]) -> None:
        self._send = send
        self._pace = _Pace()
        self._clock = ArrivalClock()
        self._edge: float | None = None  # where the audio so far ends in time
        self._tail: deque[Float32] = deque()
        self._kept = 0  # samples in it
        self._format: tuple[int, int] | None = None
        self._connection: Connection | None = None
        self._held: list[Piece] | None = None
        self._new = True
        self._lead = self._grown = 0.0  # audio that is ahead of time, and since when
        self._first: float | None = None  # arrival of the first audio of this connection
        self.flowed = 0.0
        """Seconds between the first and last audio of this connection."""

    @property
    def late(self) -> float:
        """Seconds by which the last audio arrived later than the live edge."""
        return self._clock.late

    def begin(self, connection: Connection) -> None:
        """Expect the audio of a new attempt."""
        self._connection = connection
        self._new = True
        self._first = None
        self.flowed = 0.0
        self._lead = self._grown = 0.0
        self._clock = ArrivalClock()
        self._held = None
        self._pace = _Pace()

    def take(self, item: Piece | Event) -> None:
        """Pass on a piece or an event."""
        assert self._connection is not None
        now = time.monotonic()
        self._announce()
        if isinstance(item, Event):
            if item.kind == "gap" and self._format is not None:
                self._clock.lose(item.samples / self._format[0])
            self._send(item)
            return
        if self._first is None:
            self._start(now)
        self.flowed = now - (self._first or now)
        seconds = item.samples.shape[1] / item.sample_rate
        if self._held is not None:
            self._clock.add(now, seconds)
            self._held.append(item)
            if self._burst_over(now):
                self._splice()
            return
        if self._connection.live:
            slow = self._pace.slow(now, seconds)
            if slow is not None:
                self._send(
                    Event("note", f"The stream is too slow: {slow:.0f} % of real time arrives.")
                )
        self._pass_on(item, now, seconds)

    def _start(self, now: float) -> None:
        """Note the first audio of a connection; a later one may begin with a burst."""
        assert self._connection is not None
        self._first = now
        if self._edge is not None and not self._connection.continues and self._connection.live:
            self._held = []

    def _announce(self) -> None:
        """Report that the source is back, once a connection, if it was there before."""
        assert self._connection is not None
        if self._new and self._edge is not None:
            self._send(Event("reconnected", f"{self._connection.title} is back."))
        self._new = False

    def _burst_over(self, now: float) -> bool:
        assert self._first is not None
        assert self._held is not None
        lead = self._clock.position - (now - self._first)
        if lead > self._lead + 0.05:
            self._lead, self._grown = lead, now
        settled = now >= self._first + _BURST and now >= self._grown + _BURST / 2
        late = now >= self._first + _LONGEST_WAIT
        return settled or late or self._clock.position >= _LONGEST_BURST

    def _splice(self) -> None:
        """Leave out what the new connection repeats, or report what is missing."""
        assert self._held is not None
        assert self._edge is not None
        held, self._held = self._held, None
        rate = held[0].sample_rate
        missing = self._clock.origin - self._edge  # seconds; negative where audio repeats
        repeated = 0
        found: int | None = None
        if all((each.sample_rate, len(each.samples)) == self._format for each in held):
            after = np.concatenate([each.samples for each in held], axis=1)
            before = np.concatenate(list(self._tail), axis=1)
            found = overlap(before, after, rate, round(-missing * rate))
        if found is not None:
            repeated, missing = found, 0.0
        elif missing < 0:
            repeated, missing = round(-missing * rate), 0.0
        if missing > 0.01:
            before_it = rate if self._format is None else self._format[0]
            samples = round(missing * before_it)
            self._send(Event("gap", f"{missing:.1f} s are missing.", samples=samples))
        for each in held:
            left_out = min(repeated, each.samples.shape[1])
            repeated -= left_out
            if left_out < each.samples.shape[1]:
                self._deliver(each._replace(samples=each.samples[:, left_out:]))
        self._edge = self._clock.edge

    def _pass_on(self, item: Piece, now: float, seconds: float) -> None:
        at_once = self._deliver(item)
        lost = self._clock.add(now, seconds, on_time=at_once)
        if lost and self._connection is not None and self._connection.live:
            samples = round(lost * item.sample_rate)
            self._send(Event("gap", f"{lost:.1f} s are missing.", samples=samples))
        self._edge = self._clock.edge

    def _deliver(self, item: Piece) -> bool:
        setup = (item.sample_rate, item.samples.shape[0])
        if setup != self._format:
            if self._format is not None:
                plural = "s" if setup[1] > 1 else ""
                self._send(Event("format", f"Now {setup[0]} Hz, {setup[1]} channel{plural}."))
            self._format = setup
            self._tail.clear()
            self._kept = 0
        self._tail.append(item.samples)
        self._kept += item.samples.shape[1]
        while self._kept - self._tail[0].shape[1] >= TAIL * item.sample_rate:
            self._kept -= self._tail.popleft().shape[1]
        return self._send(item)

    def end(self) -> None:
        """Pass on what is held; the connection is over."""
        if self._held:
            self._splice()
        self._held = None


class _Pace:
    """Measures whether a stream arrives as fast as it plays."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._last = 0.0
        self._seconds = 0.0
        self._reported = False

    def slow(self, now: float, seconds: float) -> float | None:
        """Count audio; return its per cent of real time, once, if it is too slow."""
        if self._since is None or now > self._last + _OUTAGE:
            self._since, self._seconds, self._last = now, 0.0, now
            return None
        self._last = now
        self._seconds += seconds
        elapsed = now - self._since
        if elapsed < _JUDGED:
            return None
        share = self._seconds / elapsed
        self._since, self._seconds = now, 0.0
        if share >= _SLOW:
            self._reported = False
        elif not self._reported:
            self._reported = True
            return 100 * share
        return None
