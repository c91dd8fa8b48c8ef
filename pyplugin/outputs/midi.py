"""Descriptors and parameters as MIDI controllers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from pyplugin.errors import PypluginError
from pyplugin.node.node import State
from pyplugin.outputs.midi_messages import (
    LSB,
    UNDEFINED_CONTROLLERS,
    ControllerTrack,
    control_changes,
    mido,
    scaled,
    write_midi,
)
from pyplugin.outputs.midi_port import Port
from pyplugin.outputs.output import DescriptorFrame, OnEvent
from pyplugin.support.files import check_writable
from pyplugin.support.spelling import slug

__all__ = ["Midi"]

RATE = 100.0
"""Most changes a second of one controller; a MIDI cable carries about a thousand in all."""

Range = tuple[float, float]


class Midi:
    """Moves MIDI controllers by parameters, tags and signals.

    Only changes are sent, of one controller at most 100 a second; one that comes sooner is sent
    later. After a port was gone and is back, every controller is sent anew. Tags of frames that
    are warming count for nothing.

    Parameters
    ----------
    port
        A part of the port's name; ``virtual:NAME`` for a port of our own that others connect to;
        or a path that ends in .mid, for a file that is written when the output is closed.
    assignments
        Controller by name: ``effect.parameter``, ``tag.<label>``, ``tag.<model>.<label>``,
        ``head.<name>.<label>`` or ``signal.<name>``. ``None``: the parameters in ``ranges``, or
        all in it if no parameter is, get 20 to 31 in order.
    fourteen_bit
        Send the upper seven bits to a controller n from 0 to 31 and the lower ones to n + 32.
    channel
        0 to 15.
    ranges
        Values that stand for 0 and for the highest number, by name; tags and heads have 0 and 1
        without.
    on_event
        Called with a sentence when the port is gone, and when it is back.

    Attributes
    ----------
    failures : int
        Sends that failed.

    Raises
    ------
    DeviceError
        There is no such port, more than one, or no MIDI system.
    PypluginError
        Assignments, channel or ranges cannot be used, the file cannot be written, or mido is
        missing.
    """

    def __init__(
        self,
        port: str | Path,
        assignments: Mapping[str, int] | None = None,
        *,
        fourteen_bit: bool = False,
        channel: int = 0,
        ranges: Mapping[str, Range] | None = None,
        on_event: OnEvent | None = None,
    ) -> None:
        mido()
        if not isinstance(channel, int) or channel not in range(16):
            raise PypluginError(f"The MIDI channel is {channel!r}; 0 to 15 is expected.")
        ranges = ranges or {}
        if assignments is None:
            assignments = _in_order(ranges)
        _check(assignments, fourteen_bit)
        self._lanes = {
            name: ControllerTrack(name, controller, *_range(name, ranges), channel)
            for name, controller in assignments.items()
        }
        self._fourteen_bit = fourteen_bit
        self._wanted: dict[str, int] = {}
        self._sent: dict[str, int] = {}
        self._sent_at: dict[str, float] = {}
        self._opened = 1
        self._time = 0.0
        self._closed = False
        self._path = Path(port)
        self._port: Port | None = None
        if self._path.suffix.lower() == ".mid":
            check_writable(self._path)
        else:
            self._port = Port(str(port), on_event=on_event)

    @property
    def failures(self) -> int:
        """Sends that failed."""
        return self._port.failures if self._port is not None else 0

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Take a frame's tags, signals and parameters, and send what changed."""
        values = {}
        if frame.state != State.WARMING:
            for label, value in frame.tags.items():
                values[f"tag.{slug(label)}"] = value
                values[f"tag.{frame.model}.{slug(label)}"] = value
            for name, said in frame.heads.items():
                values |= {f"head.{name}.{slug(label)}": value for label, value in said.items()}
        self._take({**values, **_moving(frame.parameters, frame.signals)})
        self._send(frame.time)

    def write_parameters(
        self, time: float, parameters: dict[str, float], signals: dict[str, float]
    ) -> None:
        """Send what changed, and what had to wait."""
        self._take(_moving(parameters, signals))
        self._send(time)

    def close(self) -> None:
        """Send what still waits; close the port, or write the file.

        Raises
        ------
        PypluginError
            The file cannot be written.
        """
        if self._closed:
            return
        self._closed = True
        self._sent_at.clear()
        self._send(self._time)
        if self._port is not None:
            self._port.close()
        else:
            write_midi(self._path, list(self._lanes.values()), fourteen_bit=self._fourteen_bit)

    def _take(self, values: Mapping[str, float]) -> None:
        for name, lane in self._lanes.items():
            value = values.get(name, math.nan)
            if not math.isnan(value):
                self._wanted[name] = scaled(
                    value, lane.low, lane.high, fourteen_bit=self._fourteen_bit
                )

    def _send(self, time: float) -> None:
        self._time = time
        if self._port is not None and self._port.ready() and self._port.opened != self._opened:
            self._opened = self._port.opened
            self._sent.clear()
        for name, number in self._wanted.items():
            since = time - self._sent_at.get(name, -math.inf)
            if number != self._sent.get(name) and not 0 <= since < 1 / RATE - 1e-9:
                self._sent_at[name] = time
                if self._put(self._lanes[name], number):
                    self._sent[name] = number

    def _put(self, lane: ControllerTrack, number: int) -> bool:
        if self._port is None:
            lane.events.append((self._time, number))
            return True
        messages = control_changes(
            lane.controller, number, lane.channel, fourteen_bit=self._fourteen_bit
        )
        return self._port.send(b"".join(bytes(message.bytes()) for message in messages))


def _moving(parameters: dict[str, float], signals: dict[str, float]) -> dict[str, float]:
    return {**{f"signal.{name}": value for name, value in signals.items()}, **parameters}


def _in_order(names: Mapping[str, Range]) -> dict[str, int]:
    """Assign the free controllers to the parameters, or to all if there is no parameter."""
    parameters = [name for name in names if not name.startswith(("tag.", "head.", "signal."))]
    chosen = parameters or list(names)
    if len(chosen) > len(UNDEFINED_CONTROLLERS):
        raise PypluginError(
            f"{len(chosen)} values are to go to the controllers {UNDEFINED_CONTROLLERS[0]} to "
            f"{UNDEFINED_CONTROLLERS[-1]}; "
            "say with assignments which go where."
        )
    return dict(zip(chosen, UNDEFINED_CONTROLLERS, strict=False))


def _check(assignments: Mapping[str, int], fourteen_bit: bool) -> None:
    if not assignments:
        raise PypluginError("Nothing is to go to MIDI; assign a controller to a name.")
    highest = LSB - 1 if fourteen_bit else 119
    taken: dict[int, str] = {}
    for name, controller in assignments.items():
        whole = isinstance(controller, int) and not isinstance(controller, bool)
        if not whole or not 0 <= controller <= highest:
            kind = "fourteen bits: 0 to 31" if fourteen_bit else "0 to 119"
            raise PypluginError(
                f"{name} is assigned to controller {controller!r}; {kind} is expected."
            )
        if controller in taken:
            raise PypluginError(
                f"{taken[controller]} and {name} are both assigned to controller {controller}."
            )
        taken[controller] = name


def _range(name: str, ranges: Mapping[str, Range]) -> Range:
    if name not in ranges and name.startswith(("tag.", "head.")):
        return 0.0, 1.0
    if name not in ranges:
        raise PypluginError(f"{name} has no range; say which values stand for 0 and for 127.")
    low, high = ranges[name]
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        raise PypluginError(f"{name} has the range {low:g} to {high:g}; two numbers are expected.")
    return float(low), float(high)
