"""Descriptors and parameters as MIDI controllers."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyplugin.errors import PypluginError
from pyplugin.node.node import State
from pyplugin.node.signals import SIGNALS
from pyplugin.outputs import output
from pyplugin.outputs.midi_messages import FREE, LSB, ControllerTrack, mido, write_midi
from pyplugin.outputs.midi_port import Port
from pyplugin.outputs.output import DescriptorFrame, Option, Values
from pyplugin.support.descriptors import accepted_names, kind_of, signal_name, unknown
from pyplugin.support.files import check_writable
from pyplugin.support.spelling import nearest

RATE = 100.0
"""Most changes a second of one controller; a MIDI cable carries about a thousand in all."""

Range = tuple[float, float]


class Midi:
    """Sends parameters, tags and signals as MIDI controllers.

    Only changes are sent, at most 100 a second for each controller; a change that comes sooner is
    delayed. After a port was reconnected, every controller is sent again. Tags of warming frames
    are ignored.

    Parameters
    ----------
    port
        A part of the port's name; ``virtual:NAME`` for a port of our own that other programs
        connect to; or a path that ends in .mid, a file that is written when the output is closed.
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
        Called with a sentence when the port is disconnected and when it is reconnected.

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
        on_event: output.OnEvent | None = None,
    ) -> None:
        mido()
        if not isinstance(channel, int) or channel not in range(16):
            raise PypluginError(f"The MIDI channel is {channel!r}; 0 to 15 is expected.")
        ranges = ranges or {}
        if assignments is None:
            assignments = _in_order(ranges)
        _check(assignments, fourteen_bit)
        self._tracks = {
            name: ControllerTrack(
                name, controller, *_range(name, ranges), channel, fourteen_bit=fourteen_bit
            )
            for name, controller in assignments.items()
        }
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
        """Send what changed of a frame's tags, signals and parameters."""
        values = {} if frame.state == State.WARMING else frame.activations
        self._take({**values, **_moving(frame.parameters, frame.signals)})
        self._send(frame.time)

    def write_parameters(self, time: float, parameters: Values, signals: Values) -> None:
        """Send what changed, and delayed changes."""
        self._take(_moving(parameters, signals))
        self._send(time)

    def close(self) -> None:
        """Send delayed changes; close the port, or write the file.

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
            write_midi(self._path, self._tracks.values())

    def _take(self, values: Mapping[str, float]) -> None:
        for name, track in self._tracks.items():
            value = values.get(name, math.nan)
            if not math.isnan(value):
                self._wanted[name] = track.scaled(value)

    def _send(self, time: float) -> None:
        self._time = time
        if self._port is not None and self._port.ready() and self._port.opened != self._opened:
            self._opened = self._port.opened
            self._sent.clear()
        for name, number in self._wanted.items():
            since = time - self._sent_at.get(name, -math.inf)
            if number != self._sent.get(name) and not 0 <= since < 1 / RATE - 1e-9:
                self._sent_at[name] = time
                if self._put(self._tracks[name], number):
                    self._sent[name] = number

    def _put(self, track: ControllerTrack, number: int) -> bool:
        if self._port is None:
            track.events.append((self._time, number))
            return True
        messages = (bytes(message.bytes()) for message in track.messages(number))
        return self._port.send(b"".join(messages))


def _moving(parameters: Values, signals: Values) -> Values:
    return {**{signal_name(name): value for name, value in signals.items()}, **parameters}


def _in_order(names: Mapping[str, Range]) -> dict[str, int]:
    """Assign the free controllers to the parameters, or to all if there is no parameter."""
    parameters = [name for name in names if kind_of(name) is None]
    chosen = parameters or list(names)
    if len(chosen) > len(FREE):
        raise PypluginError(
            f"{len(chosen)} values need a controller each; there are only {FREE[0]} to {FREE[-1]}; "
            "choose with assignments."
        )
    return dict(zip(chosen, FREE, strict=False))


def _check(assignments: Mapping[str, int], fourteen_bit: bool) -> None:
    if not assignments:
        raise PypluginError("No controller is assigned; assign at least one.")
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
            both = f"{taken[controller]} and {name}"
            raise PypluginError(f"{both} are both assigned to controller {controller}.")
        taken[controller] = name


def _range(name: str, ranges: Mapping[str, Range]) -> Range:
    if name not in ranges and kind_of(name) in ("tag", "head"):
        return 0.0, 1.0
    if name not in ranges:
        raise PypluginError(f"{name} has no range; give the values for controller 0 and 127.")
    low, high = ranges[name]
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        raise PypluginError(f"{name} has the range {low:g} to {high:g}; two numbers are expected.")
    return float(low), float(high)


# ---- options ----


def _open(values: Mapping[str, Any], context: output.OutputContext) -> Midi | None:
    port, given, fine = values["midi"], values["cc"], values["midi_14bit"]
    if port is None:
        if given or fine:
            raise PypluginError("--cc and --midi-14bit need --midi PORT; add it.")
        return None
    ranges = dict(context.ranges)
    assignments = _assignments(given, context) if given else None
    if assignments is None and not ranges:
        raise PypluginError(
            "No controller is assigned; give a --preset, or --cc signal.onset=20 for example."
        )
    if assignments is not None:
        usual = {signal_name(name): (each.low, each.high) for name, each in SIGNALS.items()}
        ranges = {**usual, **ranges}
    return Midi(port, assignments, fourteen_bit=fine, ranges=ranges, on_event=context.on_event)


def _assignments(given: Sequence[str], context: output.OutputContext) -> dict[str, int]:
    known = {*context.ranges, *accepted_names(context.descriptors), *map(signal_name, SIGNALS)}
    found: dict[str, int] = {}
    for text in given:
        name, equals, number = text.rpartition("=")
        if not equals or not name or not number.isdigit():
            raise PypluginError(f"--cc {text}: NAME=N is expected, gain.gain_db=20 for example.")
        if name not in known:
            raise PypluginError(f"--cc {name}: {_reason(name, context)}")
        found[name] = int(number)
    return found


def _reason(name: str, context: output.OutputContext) -> str:
    signals = [signal_name(each) for each in SIGNALS]
    if kind_of(name) is not None:
        return unknown(name, context.descriptors, signals)
    if not context.ranges:
        return "there are no parameters without a --preset; name a tag, a head or a signal."
    return f"there is no such parameter; {nearest(name, context.ranges)}"


KIND = output.OutputKind(
    (
        Option(
            "--midi",
            "Send controllers to this MIDI port: part of its name, virtual:NAME, or a .mid file "
            "to record.",
            "PORT",
        ),
        Option(
            "--cc",
            "Controller N for a parameter, signal.NAME, tag.LABEL, tag.MODEL.LABEL or "
            "head.NAME.LABEL; may be repeated.  [default: the preset's parameters from 20 up]",
            "NAME=N",
            multiple=True,
        ),
        Option("--midi-14bit", "Controllers of 14 bits, in pairs n and n + 32."),
    ),
    _open,
)
