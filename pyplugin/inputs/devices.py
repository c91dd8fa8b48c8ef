"""Sound devices: a node on an input, and a stream whose samples a Python loop processes.

PortAudio calls libtagnode itself (``tagnode_stream_callback``), so no Python runs on the audio
thread. :class:`Listener` has a :class:`pyplugin.Node` analyse a device; :class:`DuplexStream` also
hands the samples to a Python loop and back. When their device is disconnected they open it again
once it is back.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Mapping
from typing import Any

import numpy as np

from pyplugin._native import ffi, lib
from pyplugin.errors import AudioError, DeviceError, PypluginError
from pyplugin.inputs.input import Event, EventKind, MakeNode
from pyplugin.inputs.portaudio import Device, Kind, devices, find_device, rescan
from pyplugin.inputs.portaudio_stream import PortAudioStream, StreamLatency, StreamSetup, any_open
from pyplugin.node.frontend import check_rate
from pyplugin.node.node import Node, _whole
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

RETRY = 1.0
"""Seconds between two attempts to open a device that is disconnected."""

_EVENTS = 256  # kept for a caller that does not read them


class _Live(Closing):
    """A stream that is reopened when its device is connected again."""

    def __init__(
        self,
        sides: Mapping[Kind, Device],
        make_node: MakeNode | None,
        *,
        channels: int | None,
        sample_rate: int | None,
        block: int,
        latency: StreamLatency,
        lead: int | None,
    ) -> None:
        self._channels, self._rate = channels, sample_rate  # as asked for
        self._block = _whole("block", block, 0, lib.TAGNODE_MAX_BLOCK, DeviceError)
        self._latency = latency
        self._lead = lead  # None: samples are not exchanged
        self._make_node = make_node
        self._events: deque[Event] = deque(maxlen=_EVENTS)
        self._reported = ""
        self._next_try = 0.0
        self._before: Counter[str] = Counter(reconnections=0)  # with the counts of earlier streams
        self._node: Node | None = None
        self._stream: PortAudioStream | None = None
        self._last: dict[str, int] | None = None  # counters, once closed
        self._open(sides)

    # ---- opening

    def _plan(self, sides: Mapping[Kind, Device]) -> StreamSetup:
        first = next(iter(sides.values()))
        rate = check_rate(first.sample_rate if self._rate is None else self._rate)
        most = min(device.channels(kind) for kind, device in sides.items())
        channels = min(most, 2) if self._channels is None else self._channels
        lead = self._lead or 0
        queue = 0 if self._lead is None else rate + lead
        setup = StreamSetup(sides, channels, rate, self._block, self._latency, queue, lead)
        most = min(most, lib.TAGNODE_MAX_CHANNELS)
        if not 1 <= channels <= most:
            raise DeviceError(f"{setup.name} has 1 to {most} channels, not {channels}.")
        return setup

    def _open(self, sides: Mapping[Kind, Device]) -> None:
        setup = self._plan(sides)
        node, before = self._fitting_node(setup), self._node
        try:
            self._stream = PortAudioStream(setup, node)
        except BaseException:
            if node is not before:
                _close_node(node)
            raise
        if node is not before:
            _close_node(before)
        self._setup, self._node = setup, node

    def _fitting_node(self, setup: StreamSetup) -> Node | None:
        if self._make_node is None:
            return None
        node, wanted = self._node, (setup.sample_rate, setup.channels)
        if node is not None and not node._lent and (node.sample_rate, node.channels) == wanted:
            return node
        node = self._make_node(*wanted)
        if (node.sample_rate, node.channels) != wanted:
            raise PypluginError(
                f"make_node({setup.sample_rate}, {setup.channels}) made a node for "
                f"{node.sample_rate} Hz and {node.channels} channels; it must use its arguments."
            )
        return node

    def _open_again(self) -> bool:
        if not any_open():  # another open stream depends on the present device list
            rescan()
        names = {kind: (side.name, side.host_api) for kind, side in self._setup.sides.items()}
        found: dict[Kind, Device] = {
            kind: device
            for kind in names
            for device in devices()
            if (device.name, device.host_api) == names[kind] and device.channels(kind) > 0
        }
        if len(found) < len(names):
            return False
        self._open(found)
        self._before["reconnections"] += 1
        return True

    def poll(self) -> None:
        """Check that the device is connected; while it is not, retry opening it every second.

        Costs next to nothing while it is. To be called some 20 times a second, on the thread that
        reads. What happens is reported by :meth:`events`; no fault of a device is raised.
        """
        if self._last is not None:
            return
        if self._stream is None:
            if time.monotonic() < self._next_try:
                return
            try:
                before = (self.sample_rate, self.channels)
                if self._open_again():
                    self._report(
                        "reconnected", f"{self._setup.name} is back, at {self.sample_rate} Hz."
                    )
                    if before != (self.sample_rate, self.channels):
                        self._report(
                            "format",
                            f"{self._setup.name} now has {self.channels} channels at "
                            f"{self.sample_rate} Hz.",
                        )
            except PypluginError as error:
                self._report("note", str(error))
        elif not self._stream.alive:
            self._end_stream()
            self._report(
                "disconnected", f"{self._setup.name} is disconnected; retrying every second."
            )
        else:
            return
        self._next_try = time.monotonic() + RETRY

    def _report(self, kind: EventKind, message: str) -> None:
        if message != self._reported:
            self._reported = message
            self._events.append(Event(kind, message))

    def events(self) -> list[Event]:
        """Return what happened to the device since the last call, oldest first."""
        events = list(self._events)
        self._events.clear()
        return events

    def _taken(self, frames: int) -> Float32:
        """Return up to so many samples of each channel that the device has delivered."""
        stream = self._stream
        there = 0 if stream is None else int(lib.tagnode_stream_readable(stream.c))
        samples = np.empty((min(frames, there), self.channels), np.float32)
        if stream is not None:
            lib.tagnode_stream_read(stream.c, _floats(samples), len(samples))
        return np.ascontiguousarray(samples.T)

    # ---- ending

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._before.update(self._stream.counters)
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """End the stream and close its node. Closing twice is fine."""
        if self._last is None:
            self._last = self.counters
            self._end_stream()
            _close_node(self._node)

    # ---- properties

    @property
    def title(self) -> str:
        """Name of the input device."""
        return self._setup.sides["input"].name

    @property
    def sample_rate(self) -> int:
        """In Hz; may be another one once the device was disconnected."""
        return self._setup.sample_rate

    @property
    def channels(self) -> int:
        """Channels on each side."""
        return self._setup.channels

    @property
    def latency(self) -> float:
        """Latency of the audio system in seconds, as it reports it."""
        return 0.0 if self._stream is None else self._stream.latency

    @property
    def alive(self) -> bool:
        """Whether the device was connected at the last :meth:`poll`."""
        return self._stream is not None

    @property
    def counters(self) -> dict[str, int]:
        """Counts since the start, up to now or to :meth:`close`.

        ``callbacks``; ``overflows`` and ``underflows``, callbacks before which the audio system
        lost input or had no output; ``lost`` and ``missing``, samples that the Python loop read or
        wrote too late; ``reconnections``; and the node's :attr:`pyplugin.Node.counters`.
        """
        if self._last is not None:
            return self._last
        counters = Counter(self._before)
        if self._stream is not None:
            counters.update(self._stream.counters)
        return {**counters, **({} if self._node is None else self._node.counters)}


def _close_node(node: Node | None) -> None:
    if node is not None and not node._lent:
        node.close()


class Listener(_Live):
    """Runs a node on an input device, in the audio callback; an :class:`Input`.

    Parameters
    ----------
    device
        As for :func:`find_device`.
    make_node
        Called with a sample rate in Hz and a number of channels, returns a node for them, not
        ``offline``. Called again only if the device returns with another format. The listener
        closes the node; until then it may only be read.
    channels
        1 to 8; ``None`` for two, or for one if the device has only one.
    sample_rate
        In Hz, 8000 to 192000; ``None`` for the device's default.
    block
        Samples in a callback; 0 for the device's own choice.
    latency
        ``"high"``, ``"low"`` or in seconds: the latency to request from the audio system.
    samples
        :meth:`read` returns the samples, too; those that are not read within a second are lost.

    Raises
    ------
    DeviceError
        There is no such device, it is in use, or does not have this rate or number of channels;
        PortAudio is missing.

    Examples
    --------
    >>> def make_node(sample_rate, channels):
    ...     return pyplugin.Node(sample_rate, channels, 8192, hop=0.5)
    >>> with Listener("usb", make_node) as listener:  # doctest: +SKIP
    ...     while listener.read(0.05) is not None:
    ...         for values in listener.node.read().values:
    ...             print(values.max())
    """

    def __init__(
        self,
        device: int | str | None,
        make_node: MakeNode,
        *,
        channels: int | None = None,
        sample_rate: int | None = None,
        block: int = 0,
        latency: StreamLatency = "high",
        samples: bool = False,
    ) -> None:
        super().__init__(
            {"input": find_device(device, kind="input")},
            make_node,
            channels=channels,
            sample_rate=sample_rate,
            block=block,
            latency=latency,
            lead=0 if samples else None,
        )

    @property
    def node(self) -> Node:
        """The node; another one after the device returned with another format."""
        assert self._node is not None
        return self._node

    @property
    def device(self) -> Device:
        """The device that is analysed."""
        return self._setup.sides["input"]

    def read(self, timeout: float) -> Float32 | None:
        """Wait for ``timeout`` seconds and :meth:`poll`; ``None`` once it is closed.

        Returns
        -------
        numpy.ndarray or None
            (channels, n) float32. n is 0 unless `samples` are asked for: they went to the node.
        """
        if self._last is not None:
            return None
        self.poll()
        time.sleep(timeout)
        return self._taken(self.sample_rate if self._lead is not None else 0)


class DuplexStream(_Live):
    """Passes live audio through a Python loop with constant latency; an :class:`Input`.

    The loop writes as many samples as it reads, and has ``lead`` samples of time for each block.
    Samples that are written later are dropped, so that the rest is in time.

    Parameters
    ----------
    input, output
        As for :func:`find_device`.
    make_node
        As for :class:`Listener`; the node analyses the input. ``None`` for no node.
    channels
        On each side, 1 to 8; ``None`` for two, or for one if a device has only one.
    sample_rate, block, latency
        As for :class:`Listener`.
    lead
        Samples of silence at the start of the output, up to 192000: the delay that the loop adds.
        At least two blocks of the loop.

    Raises
    ------
    DeviceError
        As for :class:`Listener`.

    Examples
    --------
    >>> with DuplexStream() as stream:  # doctest: +SKIP
    ...     while True:
    ...         stream.write(0.5 * stream.read(frames=512))
    """

    def __init__(
        self,
        input: int | str | None = None,
        output: int | str | None = None,
        *,
        make_node: MakeNode | None = None,
        channels: int | None = None,
        sample_rate: int | None = None,
        block: int = 0,
        latency: StreamLatency = "high",
        lead: int = 2048,
    ) -> None:
        super().__init__(
            {
                "input": find_device(input, kind="input"),
                "output": find_device(output, kind="output"),
            },
            make_node,
            channels=channels,
            sample_rate=sample_rate,
            block=block,
            latency=latency,
            lead=_whole("lead", lead, 0, lib.TAGNODE_MAX_RATE, DeviceError),
        )

    @property
    def node(self) -> Node | None:
        """The node on the input, ``None`` without one."""
        return self._node

    @property
    def devices(self) -> tuple[Device, Device]:
        """Input and output."""
        return self._setup.sides["input"], self._setup.sides["output"]

    @property
    def added_latency(self) -> int:
        """Samples of delay from input to output: the lead, and what the audio system reports."""
        return self._setup.lead + round(self.latency * self.sample_rate)

    @property
    def added_seconds(self) -> float:
        """The same in seconds."""
        return self.added_latency / self.sample_rate

    def read(self, timeout: float = 1.0, frames: int | None = None) -> Float32 | None:
        """Wait for samples from the input; calls :meth:`poll` meanwhile.

        Parameters
        ----------
        timeout
            Seconds to wait at most.
        frames
            How many of each channel, 1 to ``sample_rate``; ``None`` for a quarter of ``lead``.

        Returns
        -------
        numpy.ndarray or None
            (channels, frames) float32; fewer or none when the time is over, as when the device is
            disconnected; ``None`` once the stream is closed.
        """
        if self._last is not None:
            return None
        if frames is None:
            frames = min(max(self._setup.lead // 4, 16), self.sample_rate)
        frames = _whole("frames", frames, 1, self.sample_rate, AudioError)
        until = time.monotonic() + timeout
        while True:
            self.poll()
            there = 0 if self._stream is None else lib.tagnode_stream_readable(self._stream.c)
            left = until - time.monotonic()
            if there >= frames or left <= 0:
                break
            time.sleep(min(left, max((frames - there) / self.sample_rate / 2, 0.0005)))
        return self._taken(frames)

    def write(self, block: Float32) -> None:
        """Write samples to the output, as many as were read.

        They are dropped without a device, and if they are more than a second ahead.

        Parameters
        ----------
        block
            (channels, n) float32, full scale 1.0.

        Raises
        ------
        AudioError
            A block of another type or shape.
        """
        if block.dtype != np.float32 or block.ndim != 2 or block.shape[0] != self.channels:
            raise AudioError(
                f"The block is {block.dtype} of shape {block.shape}; float32 of shape "
                f"({self.channels}, n) is expected."
            )
        stream = self._stream
        if stream is None:
            return
        counters = lib.tagnode_stream_get_counters(stream.c)
        # Silence was output for missing samples; lost ones are not there to be output.
        late = counters.missing - counters.lost - stream.skipped
        late = min(max(late, 0), block.shape[1])
        stream.skipped += late
        samples = np.ascontiguousarray(block[:, late:].T)
        lib.tagnode_stream_write(stream.c, _floats(samples), len(samples))


def _floats(samples: Float32) -> Any:
    return ffi.cast("float *", ffi.from_buffer(samples))
