"""What a station is: ten seconds of it."""

from __future__ import annotations

import contextlib
import time
import urllib.parse
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from pyplugin.inputs.input import Event
from pyplugin.inputs.opening import is_stream, open_input
from pyplugin.inputs.playlists import without_password
from pyplugin.monitor.segments import Loudness
from pyplugin.monitor.station import HOP, SIGNAL_HOP
from pyplugin.node.node import MAX_BLOCK, Node
from pyplugin.node.plan import Plan
from pyplugin.node.signals import SIGNALS
from pyplugin.session import Session
from pyplugin.support.arrays import Float32
from pyplugin.support.spelling import counted

_NAMED = 5.0  # seconds to wait for a station's name


@dataclass
class Probe:
    """What was found.

    Attributes
    ----------
    title
        What is on, as the station writes it; empty without.
    loudness
        Integrated over that time, in LUFS; ``None`` of silence.
    labels
        Mean activation by label.
    opened
        Seconds until audio came.
    """

    source: str
    name: str = ""
    sample_rate: int = 0
    channels: int = 0
    seconds: float = 0.0
    opened: float = 0.0
    title: str = ""
    loudness: float | None = None
    labels: dict[str, float] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return it for a person."""
        loudness = "silence" if self.loudness is None else f"{self.loudness:.1f} LUFS"
        labels = sorted(self.labels.items(), key=lambda each: -each[1])
        return [
            f"station   {self.name or self.source}",
            f"format    {self.sample_rate} Hz, {counted(self.channels, 'channel')}, "
            f"audio after {self.opened:.1f} s",
            f"title     {self.title or 'none'}",
            f"loudness  {loudness} over {self.seconds:.1f} s",
            "on air    " + ", ".join(f"{name} {value:.2f}" for name, value in labels[:4]),
            *(f"event     {message}" for message in self.events),
        ]


def probe_station(source: str, seconds: float = 10.0) -> Probe:
    """Listen to a source.

    Parameters
    ----------
    source
        As :func:`pyplugin.inputs.opening.open_input`, or a recording.
    seconds
        Of audio.

    Raises
    ------
    AudioError
        Nothing comes from it; the sentence has the reason.

    Examples
    --------
    >>> found = probe_station("cmd: head -c 176400 /dev/zero", seconds=1.0)
    >>> found.sample_rate, found.channels, found.loudness
    (44100, 2, None)
    """
    found = Probe(without_password(source))
    meter = Loudness()
    labels: list[list[float]] = []
    place = list(SIGNALS).index("loudness_momentary")
    plan = Plan.of(hop=HOP, signals=SIGNAL_HOP)
    began = time.monotonic()

    def on_event(event: Event) -> None:
        if event.kind == "title":
            found.title = event.title
        else:
            found.events.append(event.message)

    def make_node(sample_rate: int, channels: int) -> Node:
        found.sample_rate, found.channels = sample_rate, channels
        return plan.build(sample_rate, channels, MAX_BLOCK, offline=True)

    def on_signals(seconds: float, values: Float32) -> None:
        meter.add(values[place])

    with contextlib.ExitStack() as stack:
        if is_stream(source):
            stream = open_input(source, retry=False)
            stack.callback(stream.close)
            stream.wait()
            input: Any = stream
        else:
            from pyplugin.inputs.recording import Recording

            input = stack.enter_context(Recording(source))
        found.opened = time.monotonic() - began
        session = stack.enter_context(
            Session(input, make_node, on_event=on_event, on_signals=on_signals)
        )
        last = None
        going = True
        while going and session.seconds < seconds:
            going = session.step(0.5)
            if session.last is not None and session.last is not last:
                last = session.last
                labels.append(list(last.labels.values()))
                names = list(last.labels)
        found.name, found.seconds = input.title, session.seconds
    found.loudness = meter.integrated
    if labels:
        means = np.mean(labels, axis=0)
        found.labels = {
            name: round(float(mean), 3) for name, mean in zip(names, means, strict=True)
        }
    return found


def name_of_station(url: str) -> str:
    """Return the name that a station gives itself, or that of its address."""
    with contextlib.suppress(Exception), contextlib.closing(open_input(url, retry=False)) as stream:
        stream.wait(_NAMED)
        if stream.title and not stream.title.startswith(("http", "rtsp")):
            return stream.title
    parts = urllib.parse.urlsplit(url)
    return PurePosixPath(parts.path).stem or parts.hostname or "station"
