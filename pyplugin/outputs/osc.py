"""Descriptor frames as OSC bundles over UDP."""

import math
import os
import re
import socket
import time as clock
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pyplugin.errors import DeviceError
from pyplugin.node.node import State
from pyplugin.outputs import output
from pyplugin.outputs.output import DescriptorFrame, Option, Values
from pyplugin.support.files import sentence
from pyplugin.support.optional import need
from pyplugin.support.spelling import slug

PACKET = 1400
"""Largest bundle in bytes: below an Ethernet frame's payload, so that none is fragmented."""
_HEADER, _SIZE = 16, 4  # "#bundle" with its timetag, and the size before each message

QUIET = 5.0
"""Seconds without a refusal after which a receiver counts as available: refusals are delayed and
limited to about one a second."""


class Osc:
    """Sends a timetagged bundle for each descriptor frame, and changes between frames.

    ``/pyplugin/<source>/<model>/<label>``, ``/pyplugin/<source>/signal/<name>`` and
    ``/pyplugin/<source>/parameter/<effect>/<parameter>``, each with one float32. The timetag is the
    time of day at which the frame was emitted. Tags are omitted while the node is warming, and
    non-finite values always. A bundle of more than 1400 bytes is sent as several.

    Parameters
    ----------
    url
        ``osc.udp://host:port`` or ``host:port``; an IPv6 address in brackets.
    on_event
        Called with a sentence when sending begins to fail, and when it works again.

    Attributes
    ----------
    failures : int
        Packets that could not be sent, or that the receiver's machine refused.

    Raises
    ------
    DeviceError
        The URL is malformed, or its host is not known.
    PypluginError
        python-osc is not installed.
    """

    def __init__(self, url: str, *, on_event: output.OnEvent | None = None) -> None:
        self._messages, self._bundles = (
            need(f"pythonosc.osc_{kind}_builder", package="python-osc", extra="live", purpose="OSC")
            for kind in ("message", "bundle")
        )
        self._addresses = _resolve(url)
        self._where = url.removeprefix("osc.udp://").rstrip("/")
        self._socket: socket.socket | None = None
        self._log = output.FailureLog(on_event)
        self._failed_at = 0.0
        self._clock = output.WallClock()
        self._root: str | None = None
        self._sent: dict[str, float] = {}

    @property
    def failures(self) -> int:
        """Packets that could not be sent, or that the receiver's machine refused."""
        return self._log.failures

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Send a frame, with all signals and parameters."""
        self._root = f"/pyplugin/{slug(frame.source) or 'source'}"
        values: Values = {}
        if frame.state != State.WARMING:
            groups = [(slug(model) or "model", tags) for model, tags in frame.tags.items()]
            groups += [(f"head/{_part(head)}", labels) for head, labels in frame.heads.items()]
            for group, labels in groups:
                start = f"{self._root}/{group}"
                values |= {f"{start}/{slug(label)}": value for label, value in labels.items()}
        self._sent = self._moving(frame.parameters, frame.signals)
        self._send(frame.time, {**values, **self._sent})

    def write_parameters(self, time: float, parameters: Values, signals: Values) -> None:
        """Send the signals and parameters that changed; nothing before the first frame."""
        if self._root is None:
            return
        values = self._moving(parameters, signals)
        changed = {name: value for name, value in values.items() if value != self._sent.get(name)}
        self._sent |= changed
        self._send(time, changed)

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _moving(self, parameters: Values, signals: Values) -> Values:
        values = {f"{self._root}/signal/{_part(name)}": value for name, value in signals.items()}
        for target, value in parameters.items():
            effect, _, parameter = target.partition(".")
            values[f"{self._root}/parameter/{_part(effect)}/{_part(parameter)}"] = value
        return values

    def _send(self, time: float, values: dict[str, float]) -> None:
        finite = {name: value for name, value in values.items() if math.isfinite(value)}
        for packet in self._packets(self._clock.at(time), finite):
            self._put(packet)

    def _packets(self, timetag: float, values: dict[str, float]) -> Iterator[bytes]:
        bundle: Any = None
        size = 0
        for address, value in values.items():
            message = self._messages.OscMessageBuilder(address)
            message.add_arg(float(value), "f")
            built = message.build()
            size += _SIZE + built.size
            if bundle is None or size > PACKET:
                if bundle is not None:
                    yield bundle.build().dgram
                bundle = self._bundles.OscBundleBuilder(timetag)
                size = _HEADER + _SIZE + built.size
            bundle.add_content(built)
        if bundle is not None:
            yield bundle.build().dgram

    def _put(self, packet: bytes) -> None:
        try:
            if self._socket is None:
                self._socket = _connect(self._addresses)
            # A refusal arrives after the packet that it concerns, and is reported only once.
            refusal = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if refusal:
                self._failed(OSError(refusal, os.strerror(refusal)))
            self._socket.send(packet)
        except OSError as error:
            self._failed(error)
            if not isinstance(error, (BlockingIOError, ConnectionRefusedError)):
                self.close()  # the next packet tries anew: the network may have changed
            return
        if self._log.lasts and clock.monotonic() - self._failed_at >= QUIET:
            self._log.over(f"OSC to {self._where}")

    def _failed(self, error: OSError) -> None:
        self._failed_at = clock.monotonic()
        self._log.failed(f"OSC to {self._where} fails: {sentence(error)}")


def _part(name: str) -> str:
    """Return a name as a part of an address, without what OSC 1.0 forbids there."""
    return re.sub(r"[^!-~]|[#*,/?\[\]{}]", "-", name)


def _resolve(url: str) -> list[tuple[Any, ...]]:
    try:
        parts = urlsplit(url if "://" in url else f"osc.udp://{url}")
        host, port = parts.hostname, parts.port
        rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    except ValueError:
        host = None
    if not host or not port or rest or parts.scheme != "osc.udp":
        raise DeviceError(f"OSC goes to osc.udp://HOST:PORT, by UDP only; {url!r} was given.")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except (OSError, ValueError) as error:
        why = sentence(error) if isinstance(error, OSError) else str(error)
        raise DeviceError(
            f"OSC cannot go to {host!r}: {why}; check the name, or give its address."
        ) from error
    # Most OSC programs bind IPv4 only; localhost is both.
    return sorted(found, key=lambda entry: entry[0] != socket.AF_INET)


def _connect(addresses: list[tuple[Any, ...]]) -> socket.socket:
    """Return a non-blocking socket that gets ICMP refusals."""
    for index, (family, kind, protocol, _, address) in enumerate(addresses, 1):
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            made.connect(address)
        except OSError:
            made.close()
            if index == len(addresses):
                raise
        else:
            return made
    raise AssertionError("getaddrinfo gives one address at least")


def _open(values: Mapping[str, Any], context: output.OutputContext) -> Osc | None:
    address = values["osc"]
    return None if address is None else Osc(address, on_event=context.on_event)


KIND = output.OutputKind(
    (Option("--osc", "Send OSC bundles there, over UDP.", "HOST:PORT"),), _open
)
