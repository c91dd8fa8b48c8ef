"""Values as MIDI controllers: seven bits in one message or fourteen in two, and files of them."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.support.files import replacing
from pyplugin.support.optional import need

FREE = range(20, 32)
"""Controllers that MIDI 1.0 leaves undefined and that have a partner for fourteen bits."""

LSB = 32
"""The lower seven bits of controller n, 0 to 31, are those of controller n + 32 (MIDI 1.0)."""

_TICKS = 960  # in a beat
_TEMPO = 500_000  # microseconds in a beat: 120 beats a minute
_TICKS_PER_SECOND = _TICKS * 1_000_000 / _TEMPO


@dataclass
class ControllerTrack:
    """Values of one controller over time: ``events`` are (seconds, number), in order.

    ``low`` and ``high`` are the values of number 0 and of the highest number, which is 127, or
    16383 with fourteen bits.
    """

    name: str
    controller: int
    low: float
    high: float
    channel: int = 0
    events: list[tuple[float, int]] = field(default_factory=list)
    fourteen_bit: bool = False

    def scaled(self, value: float) -> int:
        """Return the number for a value, which is clamped to the range."""
        top = 16383 if self.fourteen_bit else 127
        width = self.high - self.low
        share = (value - self.low) / width if width != 0 else 0.0
        return round(min(max(share, 0.0), 1.0) * top)

    def messages(self, number: int) -> list[Any]:
        """Return the messages that set the controller: upper seven bits first, of fourteen."""
        pairs = [(self.controller, number)]
        if self.fourteen_bit:
            pairs = [(self.controller, number >> 7), (self.controller + LSB, number & 127)]
        return [
            mido().Message("control_change", channel=self.channel, control=control, value=value)
            for control, value in pairs
        ]


def mido() -> Any:
    """Import mido, or raise a sentence on how to install it."""
    return need("mido", package="mido", extra="live", purpose="MIDI")


def write_midi(path: Path, tracks: Iterable[ControllerTrack], *, duration: float = 0.0) -> None:
    """Write a file of type 1 with a track for each controller, of its name; 120 beats a minute.

    The first event of a track is a text in JSON that describes the values:
    ``{"target": "gain.gain_db", "controller": 20, "bits": 7, "min": -12.0, "max": 0.0}``.
    """
    library = mido()
    meta = library.MetaMessage
    whole = library.MidiFile(type=1, ticks_per_beat=_TICKS, charset="utf-8")
    for controller in tracks:
        track = whole.add_track(controller.name)
        if len(whole.tracks) == 1:
            track.append(meta("set_tempo", tempo=_TEMPO))
        about: dict[str, Any] = {"target": controller.name, "controller": controller.controller}
        about["bits"] = 14 if controller.fourteen_bit else 7
        about |= {"min": controller.low, "max": controller.high}
        track.append(meta("text", text=json.dumps(about)))
        now = 0
        for seconds, number in controller.events:
            tick = max(now, round(seconds * _TICKS_PER_SECOND))
            for message in controller.messages(number):
                track.append(message.copy(time=tick - now))
                now = tick
        track.append(meta("end_of_track", time=max(0, round(duration * _TICKS_PER_SECOND) - now)))
    with replacing(path) as partial:
        whole.save(partial)
