"""MIDI controllers with 7 bits in one message or 14 bits in two, and MIDI files of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.support.files import replacing
from pyplugin.support.optional import need

__all__ = [
    "LSB",
    "UNDEFINED_CONTROLLERS",
    "ControllerTrack",
    "control_changes",
    "scaled",
    "write_midi",
]

UNDEFINED_CONTROLLERS = range(20, 32)
"""Controllers that MIDI 1.0 leaves undefined and that have a partner for fourteen bits."""

LSB = 32
"""The lower seven bits of controller n, 0 to 31, are those of controller n + 32 (MIDI 1.0)."""

_TICKS = 960  # in a beat
_TEMPO = 500_000  # microseconds in a beat: 120 beats a minute
_TICKS_PER_SECOND = _TICKS * 1_000_000 / _TEMPO


@dataclass
class ControllerTrack:
    """One controller over time: ``events`` are times in seconds and controller values, in order.

    ``low`` and ``high`` are the values of the parameter at 0 and at the highest controller value.
    """

    name: str
    controller: int
    low: float
    high: float
    channel: int = 0
    events: list[tuple[float, int]] = field(default_factory=list)


def mido() -> Any:
    """Return the module mido, or raise an error with the command that installs it."""
    return need("mido", package="mido", extra="live", purpose="MIDI")


def scaled(value: float, low: float, high: float, *, fourteen_bit: bool = False) -> int:
    """Return a value, clamped to ``low`` to ``high``, as a controller value 0 to 127 or 16383.

    Parameters
    ----------
    value, low, high
        The value and its range, in any unit; ``low`` may exceed ``high``.
    fourteen_bit
        Scale to 16383 instead of 127.

    Examples
    --------
    >>> scaled(-6.0, -12.0, 0.0), scaled(1.0, -12.0, 0.0)
    (64, 127)
    """
    top = 16383 if fourteen_bit else 127
    share = (value - low) / (high - low) if high != low else 0.0
    return round(min(max(share, 0.0), 1.0) * top)


def control_changes(controller: int, number: int, channel: int, *, fourteen_bit: bool) -> list[Any]:
    """Return the mido messages that set a controller, upper bits first."""
    pairs = [(controller, number)]
    if fourteen_bit:
        pairs = [(controller, number >> 7), (controller + LSB, number & 127)]
    return [
        mido().Message("control_change", channel=channel, control=control, value=value)
        for control, value in pairs
    ]


def write_midi(
    path: Path,
    tracks: Sequence[ControllerTrack],
    *,
    fourteen_bit: bool = False,
    duration: float = 0.0,
) -> None:
    """Write a MIDI file of type 1 with one named track for each controller, at 120 BPM.

    The first event of a track is a JSON text with the meaning of its values:
    ``{"target": "gain.gain_db", "controller": 20, "bits": 7, "min": -12.0, "max": 0.0}``.
    """
    library = mido()
    meta = library.MetaMessage
    whole = library.MidiFile(type=1, ticks_per_beat=_TICKS, charset="utf-8")
    for entry in tracks:
        track = whole.add_track(entry.name)
        if len(whole.tracks) == 1:
            track.append(meta("set_tempo", tempo=_TEMPO))
        bits = 14 if fourteen_bit else 7
        about = {"target": entry.name, "controller": entry.controller, "bits": bits}
        track.append(meta("text", text=json.dumps({**about, "min": entry.low, "max": entry.high})))
        now = 0
        for seconds, number in entry.events:
            tick = max(now, round(seconds * _TICKS_PER_SECOND))
            for message in control_changes(
                entry.controller, number, entry.channel, fourteen_bit=fourteen_bit
            ):
                track.append(message.copy(time=tick - now))
                now = tick
        track.append(meta("end_of_track", time=max(0, round(duration * _TICKS_PER_SECOND) - now)))
    with replacing(path) as partial:
        whole.save(partial)
