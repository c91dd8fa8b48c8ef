"""A station on a thread of its own: its input through a node, a row each second to its log."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pyplugin.errors import PypluginError
from pyplugin.inputs.decoding import RawFormat
from pyplugin.inputs.input import Event, Input
from pyplugin.inputs.opening import open_input
from pyplugin.inputs.streams import StreamInput
from pyplugin.models.heads import load as load_head
from pyplugin.models.registry import load as load_model
from pyplugin.monitor.clock import RecordingClock, StationClock
from pyplugin.monitor.columns import SECOND, Columns, RowMaker, Rows, joined
from pyplugin.monitor.config import StationConfig
from pyplugin.monitor.records import EventRecord, Record
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.times import now_ms
from pyplugin.node.node import MAX_BLOCK, Node
from pyplugin.node.plan import Plan
from pyplugin.outputs.output import DescriptorFrame, Values
from pyplugin.session import Session
from pyplugin.support.arrays import Float32

HOP = 0.5
"""Seconds between two results of the models."""

SIGNAL_HOP = 0.1
"""Seconds between two signal frames: a gating block of EBU R 128 begins as often."""

_GATHER = 0.75  # seconds of a stream that are read at once
_WAIT = 0.25  # seconds for other audio at most
_QUIET = 1.0  # seconds without audio, beyond the station's timeout, after which it is down
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # after a failure of ours; never for ever

Sink = Callable[[list[Record]], object]
"""Takes what is to be kept."""


class _Clock(Protocol):
    def arrived(self, seconds: float) -> None: ...
    def at(self, seconds: float) -> int: ...
    def now(self) -> int: ...
    def step(self) -> int: ...


def plan_of(station: StationConfig) -> Plan:
    """Return the plan of a station's nodes.

    Raises
    ------
    ModelError
        A model or a head is missing or damaged.
    """
    models = tuple(load_model(name) for name in station.models)
    heads = tuple(load_head(name) for name in station.heads)
    return Plan(models, heads, HOP, None, SIGNAL_HOP)


@dataclass
class Heartbeats:
    """Signs of life, on the monotonic clock; a supervisor watches them.

    Attributes
    ----------
    step
        When the loop ran last.
    audio
        When audio arrived last.
    result
        When the node gave a result last.
    """

    step: float
    audio: float
    result: float


class RowClock:
    """Makes a row of each second of a stream, and of each second in which nothing came.

    Parameters
    ----------
    columns
        Of the rows.

    Attributes
    ----------
    clock
        The stream's; another one after each attempt to open it, and the rows go on.
    down
        Whether no audio arrives.
    """

    def __init__(self, columns: Columns) -> None:
        self._maker = RowMaker(columns)
        self.clock: _Clock = StationClock()
        self._next: int | None = None  # end of the next row
        self._got = False  # whether a signal came for it
        self._made: list[Rows] = []
        self.down = False

    def add_signals(self, seconds: float, values: Float32) -> None:
        """Take a signal frame of this second of the stream."""
        self._reach(self.clock.at(seconds))
        self._got = True
        self._maker.add_signals(values)

    def add_labels(self, seconds: float, values: list[float]) -> None:
        """Take a result of the models, of this second of the stream."""
        self._reach(self.clock.at(seconds))
        self._maker.add_labels(values)

    def rows(self) -> Rows | None:
        """Return the rows that are complete; those of a second without a signal are down."""
        if self.down:
            self._reach(self.clock.now() - SECOND)
        made, self._made = self._made, []
        return joined(made) if made else None

    def _reach(self, time: int) -> None:
        """Complete the rows that end up to a time."""
        if self._next is None:
            self._next = time // SECOND * SECOND + SECOND
        while self._next < time:
            self._made.append(self._maker.row(self._next, {"station.down": float(not self._got)}))
            self._got = False
            self._next += SECOND

    def shift(self, milliseconds: int) -> None:
        """Go on after the time of day was set."""
        if self._next is not None:
            self._next = (self._next + milliseconds) // SECOND * SECOND


class _Results:
    """An output that gives a node's results to the rows."""

    failures = 0

    def __init__(self, rows: RowClock, heartbeats: Heartbeats) -> None:
        self._rows, self._heartbeats = rows, heartbeats

    def write_frame(self, frame: DescriptorFrame) -> None:
        self._heartbeats.result = time.monotonic()
        values = [value for tags in frame.tags.values() for value in tags.values()]
        values += [value for tags in frame.heads.values() for value in tags.values()]
        if frame.state.name != "WARMING":
            self._rows.add_labels(frame.time, values)

    def write_parameters(self, time: float, parameters: Values, signals: Values) -> None:
        pass

    def close(self) -> None:
        pass


class Station:
    """A station on a thread, for as long as it is not stopped; nothing ends it otherwise.

    Parameters
    ----------
    config
        What it listens to.
    log
        What its rows and events go to; of this thread while it runs.
    sink
        Takes what is to be kept, on this thread.
    on_block
        Takes each block, its sample rate and the time of its end, for clips.
    """

    def __init__(
        self,
        config: StationConfig,
        log: StationLog,
        sink: Sink,
        *,
        plan: Plan | None = None,
        on_block: Callable[[Float32, int, int], object] | None = None,
    ) -> None:
        self.config, self.log = config, log
        self._sink, self._on_block = sink, on_block
        self._plan = plan or plan_of(config)
        self._stopped = threading.Event()
        self._asked: list[Callable[[], object]] = []
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._stream: StreamInput | None = None
        now = time.monotonic()
        self.heartbeats = Heartbeats(now, now, now)
        self._rows = RowClock(log.columns)
        self.failures = 0
        self.finished = False
        """Whether a recording was read to its end."""
        self._thread = threading.Thread(
            target=self._run, name=f"station {config.name}", daemon=True
        )

    # ---- from other threads

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self, timeout: float = 15.0) -> bool:
        """End; return whether the thread ended in time."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:  # whose close may come from any thread, and ends a wait
            stream.close()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    @property
    def down(self) -> bool:
        """Whether no audio arrives, or none has yet."""
        return self._rows.down or not self.log.latest

    def call_soon(self, task: Callable[[], object]) -> None:
        """Have something done on the station's thread, where its log may be touched."""
        with self._lock:
            self._asked.append(task)

    # ---- on its thread

    def _run(self) -> None:
        while not self._stopped.is_set() and not self.finished:
            begun = time.monotonic()
            try:
                self._listen()
            except Exception as error:  # whatever it is, the station goes on
                self.failures += 1
                self._failed(error)
                if self.config.file:
                    self.finished = True
                    return
                if time.monotonic() - begun > _PAUSES[-1]:
                    self.failures = 1
                self._pause(_PAUSES[min(self.failures, len(_PAUSES)) - 1])

    def _pause(self, seconds: float) -> None:
        """Wait, and go on with the rows meanwhile: the station is down."""
        self._rows.clock, self._rows.down = StationClock(), True
        until = time.monotonic() + seconds
        while not self._stopped.is_set() and time.monotonic() < until:
            self._stopped.wait(1.0)
            self._look_after()

    def _failed(self, error: Exception) -> None:
        sentence = str(error) or type(error).__name__
        if not isinstance(error, PypluginError):
            sentence = f"Unexpected {type(error).__name__}: {sentence}"
        with contextlib.suppress(Exception):
            self._sink([EventRecord(now_ms(), "restarted", sentence)])

    def _open(self) -> tuple[Input, _Clock, bool]:
        """Return the input, its clock, and whether the session makes the node."""
        config = self.config
        if config.device:
            from pyplugin.inputs.devices import Listener

            device = int(config.device) if config.device.isdigit() else config.device
            return Listener(device, self._make_node), StationClock(), False
        if config.file:
            from pyplugin.inputs.recording import Recording

            return Recording(config.file), RecordingClock(now_ms()), True
        raw = RawFormat(config.rate, config.channels, config.format)
        stream = open_input(
            config.source,
            raw=raw,
            timeout=config.timeout,
            charset=config.charset or None,
            gather=_GATHER,
        )
        self._stream = stream
        return stream, StationClock(), True

    def _make_node(self, sample_rate: int, channels: int) -> Node:
        return self._plan.build(sample_rate, channels, MAX_BLOCK, offline=not self.config.device)

    def _listen(self) -> None:
        input, clock, makes = self._open()
        rows, rows.clock = self._rows, clock
        with contextlib.ExitStack() as stack:
            stack.callback(input.close)
            session = stack.enter_context(
                Session(
                    input,
                    self._make_node if makes else None,
                    outputs=[_Results(rows, self.heartbeats)],
                    hop=HOP,
                    on_event=self._event,
                    on_signals=rows.add_signals,
                    on_block=self._block,
                )
            )
            self._session = session
            try:
                while not self._stopped.is_set() and self._step(session):
                    pass
            finally:
                self._session = self._stream = None
                self._sink(self.log.end(clock.now()))
                self.finished = bool(self.config.file) and not self._stopped.is_set()

    def _step(self, session: Session) -> bool:
        position = session.seconds
        going = session.step(_WAIT if self._stream is None else 2 * _GATHER)
        now = time.monotonic()
        if session.seconds > position:
            self.heartbeats.audio = now
            self._rows.down = False
        elif now - self.heartbeats.audio > self.config.timeout + _QUIET:
            self._rows.down = True
        self._look_after()
        return going

    def _look_after(self) -> None:
        """Follow the clock, give the rows to the log, and do what other threads ask for."""
        self.heartbeats.step = time.monotonic()
        rows, clock = self._rows, self._rows.clock
        step = clock.step()
        if step:
            rows.shift(step)
            self._sink(self.log.clock_set(clock.now(), step))
        made = rows.rows()
        if made is not None:
            self._sink(self.log.push(made))
        with self._lock:
            tasks, self._asked = self._asked, []
        for task in tasks:
            task()

    def _event(self, event: Event) -> None:
        clock = self._rows.clock
        if event.kind == "disconnected":
            self._rows.down = True
        session = self._session
        live = event.kind in ("disconnected", "reconnected") or session is None
        time = clock.now() if live or session is None else clock.at(session.seconds)
        self._sink(self.log.event(time, event))

    def _block(self, block: Float32) -> None:
        session, clock = self._session, self._rows.clock
        if session is None or not block.shape[1]:
            return
        rate = session.node.sample_rate
        end = session.seconds + block.shape[1] / rate
        clock.arrived(end)
        if self._on_block is not None:
            self._on_block(block, rate, clock.at(end))


def columns_of(plan: Plan) -> Columns:
    """Return the columns of the rows that these nodes give."""
    return Columns(tuple(plan.descriptors))
