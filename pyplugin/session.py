"""Live: a node's answers as they come, told to outputs, with the parameters that they move.

``Listening``
    Reads a node, moves the parameters of a preset, tells the outputs.
``PcmInput``
    Raw samples from a pipe: ``rtl_fm … | pyplugin listen -``.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin.automation.movers import Mover
from pyplugin.errors import AudioError
from pyplugin.node.node import Frames, Node, State
from pyplugin.node.signals import SIGNALS, SignalFrames

if TYPE_CHECKING:
    from pyplugin.outputs import DescriptorFrame, Output

__all__ = ["FORMATS", "Listening", "PcmInput"]

Float32 = npt.NDArray[np.float32]


class Listening:
    """What a live node says, as it comes.

    Parameters
    ----------
    node
        Someone else processes it, or :meth:`poll` comes after each of its blocks.
    source
        Name of the device or file, for outputs.
    outputs
        What is told of each descriptor frame, and of parameters between them.
    make_mover
        Makes what the descriptors of a preset move, for a sample rate; without targets it only
        tells.
    hop
        Seconds between two tellings of a node without a model.
    others
        Movers that are told too, of the descriptors alone: those that move a board, say.

    Attributes
    ----------
    source
        As given.
    last : DescriptorFrame or None
        The latest frame.
    parameters, signals : dict
        Where they are now.
    """

    def __init__(
        self,
        node: Node,
        *,
        source: str,
        outputs: Sequence[Output] = (),
        make_mover: Callable[[int], Mover] | None = None,
        hop: float = 0.25,
        others: Sequence[Mover] = (),
    ) -> None:
        self.source, self._outputs = source, list(outputs)
        self.others = list(others)
        self._make_mover = make_mover
        self._hop = hop
        self._count = 0
        self.last: DescriptorFrame | None = None
        self.parameters: dict[str, float] = {}
        self.signals: dict[str, float] = {}
        self.attach(node)

    def attach(self, node: Node) -> None:
        """Go on with another node, whose positions begin at 0: a device has come back."""
        self.node = node
        rate = node.sample_rate
        self._mover = self._make_mover(rate) if self._make_mover is not None else Mover([])
        self._label_of = _distinct(node)
        self._head_columns = node.head_columns
        self._model = "+".join(model.card.name for model in node.models)
        self._told = 0.0

    def poll(self) -> int:
        """Read what the node has answered since, and tell it. Returns the number of frames."""
        frames, measured = self.node.read(), self.node.read_signals()
        before = self._count
        for kind, index in _in_order(frames, measured):
            if kind == "tag":
                self._hear_tags(frames, index)
            else:
                self._measure(measured, index)
        position = self.node.counters["position"]
        self._move(position)
        for output in self._outputs:
            output.write_parameters(position / self.node.sample_rate, self.parameters, self.signals)
        return self._count - before

    def _move(self, position: int) -> None:
        values = self._mover.values(position)
        self.parameters = {
            lane.name: value for lane, value in zip(self._mover.lanes, values, strict=True)
        }

    def _push(self, kind: str, emitted: int, row: Float32) -> None:
        for mover in (self._mover, *self.others):
            mover.push(kind, emitted, row)

    def _measure(self, measured: SignalFrames, index: int) -> None:
        row, emitted = measured.values[index], int(measured.emitted[index])
        self._push("signal", emitted, row)
        self.signals = dict(zip(SIGNALS, row.tolist(), strict=True))
        if self.node.models:
            return
        seconds = emitted / self.node.sample_rate
        if seconds >= self._told + self._hop:
            self._told = seconds - seconds % self._hop
            self._tell(
                emitted, int(measured.start[index]), int(measured.end[index]), State.FRESH, {}, {}
            )

    def _hear_tags(self, frames: Frames, index: int) -> None:
        emitted, state = int(frames.emitted[index]), State(int(frames.state[index]))
        row = frames.values[index]
        if state != State.WARMING:
            self._push("tag", emitted, row)
        tags = dict(zip(self._label_of, row[: len(self._label_of)].tolist(), strict=True))
        heads = {
            head.name: dict(
                zip(head.labels, row[self._head_columns[head.name]].tolist(), strict=True)
            )
            for head in self.node.heads
        }
        self._tell(emitted, int(frames.start[index]), int(frames.end[index]), state, tags, heads)

    def _tell(
        self,
        emitted: int,
        start: int,
        end: int,
        state: State,
        tags: dict[str, float],
        heads: dict[str, dict[str, float]],
    ) -> None:
        from pyplugin.outputs import DescriptorFrame

        self._move(emitted)
        self._count += 1
        rate = self.node.sample_rate
        self.last = DescriptorFrame(
            time=emitted / rate,
            start=start / rate,
            end=end / rate,
            source=self.source,
            model=self._model,
            state=state,
            tags=tags,
            signals=self.signals,
            parameters=self.parameters,
            heads=heads,
        )
        for output in self._outputs:
            output.write_frame(self.last)

    def close(self) -> None:
        """Close the outputs."""
        for output in self._outputs:
            output.close()


def _distinct(node: Node) -> list[str]:
    """Return the labels; one that an earlier model has too stands behind its model's name."""
    found: list[str] = []
    for model in node.models:
        names = model.card.labels
        found += [f"{model.card.name} {name}" if name in found else name for name in names]
    return found


def _in_order(frames: Frames, measured: SignalFrames) -> Iterator[tuple[str, int]]:
    """Yield what came in the order of emission; what was measured comes first."""
    events = [(int(at), 1, index) for index, at in enumerate(frames.emitted)]
    events += [(int(at), 0, index) for index, at in enumerate(measured.emitted)]
    for _, kind, index in sorted(events):
        yield ("tag" if kind else "signal"), index


FORMATS = {
    "u8": ("u1", 128.0, 128.0),
    "s16le": ("<i2", 0.0, 32768.0),
    "s16be": (">i2", 0.0, 32768.0),
    "s32le": ("<i4", 0.0, 2147483648.0),
    "f32le": ("<f4", 0.0, 1.0),
}
"""Sample formats by ffmpeg's names: numpy's type, the zero, and full scale."""


class PcmInput:
    """Interleaved samples from a pipe or a file, as they come.

    Parameters
    ----------
    file
        A file descriptor.
    sample_rate
        Hz.
    channels
        1 to 8.
    sample_format
        One of :data:`FORMATS`.

    Attributes
    ----------
    ended : bool
        The other side has closed it.
    notes : list of str
        Sentences for a person, complete at the end.
    """

    def __init__(self, file: int, sample_rate: int, channels: int, sample_format: str) -> None:
        self._file = file
        self.sample_rate, self.channels = sample_rate, channels
        self._kind, self._zero, self._scale = FORMATS[sample_format]
        self._stated = f"--channels {channels} --format {sample_format}"
        self._frame = np.dtype(self._kind).itemsize * channels
        self._left = b""
        self._first = True
        self.ended = False
        self.notes: list[str] = []

    def read(self, frames: int, timeout: float) -> Float32:
        """Return what has come within ``timeout`` seconds: (channels, n) float32, n up to frames.

        Raises
        ------
        AudioError
            What comes is a sound file, not samples.
        """
        empty = np.zeros((self.channels, 0), np.float32)
        if self.ended or not select.select([self._file], [], [], timeout)[0]:
            return empty
        data = os.read(self._file, frames * self._frame - len(self._left))
        if self._first and data[:4] in (b"RIFF", b"fLaC", b"OggS", b"FORM"):
            raise AudioError(
                "A sound file comes in, not raw samples; send its samples alone, with "
                "'ffmpeg -i FILE -f s16le -' say, or give the file to 'pyplugin tag'."
            )
        self._first = False
        if not data:
            self.ended = True
            if self._left:
                self.notes.append(
                    f"The stream ended within a sample: {len(self._left)} of its {self._frame} "
                    f"bytes came. Is it {self._stated}?"
                )
            return empty
        joined = self._left + data
        whole = len(joined) // self._frame * self._frame
        self._left = joined[whole:]
        samples = np.frombuffer(joined[:whole], self._kind).astype(np.float32)
        planes = (samples - np.float32(self._zero)) / np.float32(self._scale)
        return np.ascontiguousarray(planes.reshape(-1, self.channels).T)
