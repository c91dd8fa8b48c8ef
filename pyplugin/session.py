"""The live loop: an input through a node, its descriptors through automation to outputs.

:class:`Session` is the only one: ``listen``, ``live`` and what watches stations for months run it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pyplugin.automation.live_stems import StemAnalysis
from pyplugin.automation.movers import Mover
from pyplugin.automation.stems import checked_model, stems_of
from pyplugin.inputs.input import Event, Input, MakeNode
from pyplugin.inputs.levels import LevelCheck
from pyplugin.node.node import Frames, Node, State
from pyplugin.node.signals import SIGNALS, SignalFrames
from pyplugin.outputs.output import DescriptorFrame, Output
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

if TYPE_CHECKING:
    from pyplugin.automation.board import AutomatedBoard
    from pyplugin.automation.stems import StemModel
    from pyplugin.automation.streaming import BoardStream


_LEVELS = 10.0  # seconds over which levels are judged

LIVE_HOP = 0.25
"""Seconds between two results of a live session that asks for no other time."""


class Session(Closing):
    """Runs an input through a node and sends what it detects to outputs.

    A context manager; on leaving it closes the input, the node and the outputs.

    Parameters
    ----------
    input
        Where the audio comes from. A device runs the node in its own audio callback; of any other
        input the session passes the blocks to a node that it makes.
    make_node
        Takes a sample rate in Hz and channels, returns a node for them.
        Called again when the format changes. ``None`` for an input that has a node of its own.
    outputs
        Receive each descriptor frame, and parameters between them.
    make_mover
        Takes a sample rate, returns what descriptors automate; its values go to the outputs.
    board
        A board that the audio passes through, automated by the same descriptors; the input must
        be a :class:`pyplugin.live.DuplexStream`.
    stem_model
        Separates the stems whose signals the mover depends on, where no board does; the input must
        deliver samples, a device those of ``Listener(samples=True)``. With stems, parameters and
        the board's audio are delayed by `stem_latency`.
    hop
        Seconds between two frames of a node without a model.
    on_event
        Called with each event of the input.
    on_signals
        Called with each signal frame: the second of the stream at which it was emitted, and its
        values in the order of :data:`pyplugin.SIGNALS`.
    on_block
        Called with each block of the input, (channels, n) float32, before it is analysed.

    Attributes
    ----------
    input, node
        As they are now.
    last : DescriptorFrame or None
        The latest frame.
    parameters : dict
        Latest values by name.

    Examples
    --------
    >>> import io, numpy as np, pyplugin
    >>> from pyplugin.node.node import MAX_BLOCK
    >>> from pyplugin.inputs.recording import Recording
    >>> from pyplugin.outputs import JsonLines
    >>> text = io.StringIO()
    >>> with Session(
    ...     Recording(np.zeros((1, 32000), np.float32), 16000),
    ...     lambda rate, channels: pyplugin.Node(rate, channels, MAX_BLOCK, hop=0.5),
    ...     outputs=[JsonLines(text)],
    ... ) as session:
    ...     session.run()
    >>> text.getvalue().count('"state": "fresh"')
    5
    """

    def __init__(
        self,
        input: Input,
        make_node: MakeNode | None = None,
        *,
        outputs: Sequence[Output] = (),
        make_mover: Callable[[int], Mover] | None = None,
        board: AutomatedBoard | None = None,
        stem_model: StemModel | None = None,
        hop: float = LIVE_HOP,
        on_event: Callable[[Event], object] | None = None,
        on_signals: Callable[[float, Float32], object] | None = None,
        on_block: Callable[[Float32], object] | None = None,
    ) -> None:
        self.input: Any = input
        self._make_node, self._make_mover = make_node, make_mover
        self._outputs = list(outputs)
        self._board, self._hop = board, hop
        self._stem_model = stem_model
        self._stems: StemAnalysis | None = None  # the player's, or our own
        self._own_stems: StemAnalysis | None = None  # made here, and closed here
        self._on_event = on_event or (lambda event: None)
        self._on_signals, self._on_block = on_signals, on_block
        self._own: Node | None = None  # made here, and closed here
        self._player: BoardStream | None = None
        self._frames = 0
        self._levels, self._checked = LevelCheck(), 0
        self._noted: set[str] = set()  # kinds of notes on levels
        self._offset = 0.0  # seconds of the stream at which the node began, gaps included
        self.last: DescriptorFrame | None = None
        self.parameters: dict[str, float] = {}
        self._signals: dict[str, float] | Float32 = {}  # a row until someone asks
        self._attach(self._fitting_node())

    # ---- node

    def _fitting_node(self) -> Node:
        """Return the node for the input's format: its own, or one made here."""
        if self._make_node is None:
            node: Node = self.input.node
            return node
        wanted = (self.input.sample_rate, self.input.channels)
        before = self._own
        if before is not None and (before.sample_rate, before.channels) == wanted:
            return before
        if before is not None:
            self._flush()
        self._own = made = self._make_node(*wanted)
        if before is not None:
            before.close()
        return made

    def _follow_format(self) -> None:
        """Continue with another node if the input has another format."""
        before, seconds = self.node, self.seconds
        node = self._fitting_node()
        if node is not before:
            self._offset = seconds
            self._attach(node)

    def _attach(self, node: Node) -> None:
        """Continue with this node, whose positions begin at 0; those of the stream go on."""
        self.node = node
        self._position = 0  # of the node at the last poll
        rate = node.sample_rate
        self._mover = self._make_mover(rate) if self._make_mover is not None else Mover([])
        self._movers = [self._mover]
        if self._board is not None:
            if self._player is not None:
                self._player.close()
            self._player = self._board.stream(rate, node.channels, node=node)
            self._movers.append(self._player.mover)
        self._attach_stems()
        self._lost = 0
        self._written = 0.0

    def _attach_stems(self) -> None:
        """Have the stems' signals pushed to the mover, by the board's stems or our own."""
        if self._own_stems is not None:
            self._own_stems.close()
        self._own_stems, self._stems = None, self._player.stems if self._player else None
        wanted = stems_of(self._mover.parameters)
        if wanted and self._stems is None:
            model = checked_model(self._stem_model, wanted)
            self._stems = self._own_stems = StemAnalysis(
                model, self.node.sample_rate, self.node.channels
            )
        if self._stems is not None:
            self._stems.follow(self._mover)

    # ---- the loop

    def run(
        self,
        *,
        seconds: float | None = None,
        timeout: float = 0.05,
        each: Callable[[Session], object] | None = None,
    ) -> None:
        """Run until the input ends.

        Parameters
        ----------
        seconds
            Stop once so much audio was analysed, or so much time has passed with a board; ``None``
            for never.
        timeout
            Seconds to wait for a block, at most.
        each
            Called after each step.
        """
        begun = time.monotonic()
        going = True
        while going:
            going = self.step(timeout)
            if each is not None:
                each(self)
            done = time.monotonic() - begun if self._board is not None else self.seconds
            if seconds is not None and done >= seconds:
                return

    def step(self, timeout: float = 0.05) -> bool:
        """Take what the input has, analyse it, automate, and send the results.

        Parameters
        ----------
        timeout
            Seconds to wait for a block, at most.

        Returns
        -------
        bool
            ``False`` once the input has ended and its last results were sent.
        """
        block = self.input.read(timeout)
        for event in self.input.events():
            if event.kind == "gap":
                self._offset += event.samples / self.node.sample_rate
            self._on_event(event)
        if block is None:
            self._flush()
            return False
        self._follow_format()
        if self._on_block is not None:
            self._on_block(block)
        if self._player is not None and self._stems is not None:
            self._play(block)  # first: parameters at a position depend on the stems up to there
        self._separate(block)
        if self._own is not None:
            self._check_levels(block)
            self._analyse(block)
        self.poll()
        if self._player is not None and self._stems is None:
            self._play(block)
        return True

    def _check_levels(self, block: Float32) -> None:
        """Report, once each, what cannot be right with the levels of the last ten seconds."""
        self._levels.add(block)
        self._checked += block.shape[1]
        if self._checked >= _LEVELS * self.node.sample_rate:
            for kind, note in self._levels.notes().items():
                if kind not in self._noted:
                    self._noted.add(kind)
                    self._on_event(Event("note", note))
            self._levels, self._checked = LevelCheck(), 0

    def _analyse(self, block: Float32) -> None:
        for start in range(0, block.shape[1], self.node.max_block):
            if start:
                self.poll()
            self.node.analyse(block[:, start : start + self.node.max_block])

    def _flush(self) -> None:
        """Bring out the last results, which are still on their way."""
        if self._own is not None:
            self._analyse(np.zeros((self.node.channels, self.node.latency.total), np.float32))
        self.poll()
        if self._own_stems is not None:
            left = self._own_stems.latency
            while left > 0:
                self._own_stems.skip(min(self.node.max_block, left))
                left -= self.node.max_block
                self._move(self._own_stems.position + self._own_stems.latency)
                self._write_parameters()

    def _separate(self, block: Float32) -> None:
        if self._own_stems is not None:
            if hasattr(self.input, "counters"):
                self._own_stems.skip(self._newly_lost())
            self._own_stems.process(block)

    def _newly_lost(self) -> int:
        lost = self.input.counters["lost"]
        new, self._lost = lost - self._lost, lost
        return int(new)

    def _play(self, block: Float32) -> None:
        assert self._player is not None
        self._player.skip(self._newly_lost())
        if block.shape[1]:
            self.input.write(self._player.play(block))

    @property
    def seconds(self) -> float:
        """Seconds of the stream so far: what was analysed, and gaps."""
        return self._offset + self._position / self.node.sample_rate

    @property
    def counters(self) -> dict[str, int]:
        """Counters of the node, and of the device where there is one."""
        counters: dict[str, int] = getattr(self.input, "counters", None) or self.node.counters
        return counters

    @property
    def stem_latency(self) -> int:
        """Samples by which stems delay the parameters, and a board's audio; 0 without stems."""
        return 0 if self._stems is None else self._stems.latency

    # ---- results

    @property
    def signals(self) -> dict[str, float]:
        """Latest values of the signals by name."""
        if not isinstance(self._signals, dict):
            self._signals = dict(zip(SIGNALS, self._signals.tolist(), strict=True))
        return self._signals

    def poll(self) -> int:
        """Read the node's results, and send them. Returns the number of frames."""
        frames, measured = self.node.read(), self.node.read_signals()
        before = self._frames
        for kind, index in _in_order(frames, measured):
            if kind == "tag":
                self._take_tags(frames, index)
            else:
                self._take_signals(measured, index)
        self._position = self.node.counters["position"]
        self._move(self._position)
        self._write_parameters()
        return self._frames - before

    def _write_parameters(self) -> None:
        for output in self._outputs:
            output.write_parameters(self.seconds, self.parameters, self.signals)

    def _move(self, position: int) -> None:
        if self._stems is not None:  # on their clock
            position = min(max(position - self._stems.latency, 0), self._stems.position)
        values = self._mover.values(position)
        self.parameters = {
            parameter.name: value
            for parameter, value in zip(self._mover.parameters, values, strict=True)
        }

    def _push(self, kind: str, emitted: int, row: Float32) -> None:
        for mover in self._movers:
            mover.push(kind, emitted, row)

    def _take_signals(self, measured: SignalFrames, index: int) -> None:
        row, emitted = measured.values[index], int(measured.emitted[index])
        self._push("signal", emitted, row)
        if self._on_signals is not None:
            self._on_signals(self._offset + emitted / self.node.sample_rate, row)
        self._signals = row
        if self.node.models:
            return
        seconds = emitted / self.node.sample_rate
        if seconds >= self._written + self._hop:
            self._written = seconds - seconds % self._hop
            start, end = int(measured.start[index]), int(measured.end[index])
            self._write(emitted, start, end, State.FRESH, {}, {})

    def _take_tags(self, frames: Frames, index: int) -> None:
        emitted, state = int(frames.emitted[index]), State(int(frames.state[index]))
        row = frames.values[index]
        if state != State.WARMING:
            self._push("tag", emitted, row)
        values = iter(row.tolist())
        tags = {
            model.card.name: {label: next(values) for label in model.card.labels}
            for model in self.node.models
        }
        heads = {
            head.name: {label: next(values) for label in head.labels} for head in self.node.heads
        }
        self._write(emitted, int(frames.start[index]), int(frames.end[index]), state, tags, heads)

    def _write(
        self,
        emitted: int,
        start: int,
        end: int,
        state: State,
        tags: dict[str, dict[str, float]],
        heads: dict[str, dict[str, float]],
    ) -> None:
        self._move(emitted)
        self._frames += 1
        time, begin, finish = (
            self._offset + at / self.node.sample_rate for at in (emitted, start, end)
        )
        self.last = DescriptorFrame(
            time=time,
            start=begin,
            end=finish,
            source=self.input.title,
            state=state,
            tags=tags,
            signals=self.signals,
            parameters=self.parameters,
            heads=heads,
        )
        for output in self._outputs:
            output.write_frame(self.last)

    # ---- ending

    def close(self) -> None:
        """Close the input, the node that was made here, and the outputs. Twice is harmless."""
        with contextlib.ExitStack() as stack:
            for output in self._outputs:
                stack.callback(output.close)
            if self._player is not None:
                stack.callback(self._player.close)
            if self._own_stems is not None:
                stack.callback(self._own_stems.close)
            if self._own is not None:
                stack.callback(self._own.close)
            stack.callback(self.input.close)


def _in_order(frames: Frames, measured: SignalFrames) -> Iterator[tuple[str, int]]:
    """Yield what arrived in the order of emission; at one position measured values come first."""
    events = [(int(at), 1, index) for index, at in enumerate(frames.emitted)]
    events += [(int(at), 0, index) for index, at in enumerate(measured.emitted)]
    for _, kind, index in sorted(events):
        yield ("tag" if kind else "signal"), index
