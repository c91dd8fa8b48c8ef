"""A MIDI output port in a separate process, so that sending never blocks."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pyplugin.errors import DeviceError
from pyplugin.outputs.output import OnEvent, Trouble

__all__ = ["Port"]

_OPEN_TIMEOUT = 10.0  # timeout of the first attempt to open, in seconds
_RETRY = 2.0  # seconds between attempts to reopen


class Port:
    """Sends three-byte messages to a MIDI port, and reopens it after a disconnection.

    Parameters
    ----------
    wanted
        Part of the name of a port, or ``virtual:NAME`` for a new port that others connect to.
    on_event
        Called with a sentence when the port is disconnected or reconnected.

    Attributes
    ----------
    opened : int
        How many times it was opened; receivers have no state after each.

    Raises
    ------
    DeviceError
        There is no such port, there are several, there is no MIDI system, or python-rtmidi is
        missing.
    """

    def __init__(self, wanted: str, *, on_event: OnEvent | None = None) -> None:
        self._wanted = wanted
        self._trouble = Trouble(on_event)
        self._what = f"The MIDI port {wanted!r}"
        self._started = time.monotonic()
        self._child: subprocess.Popen[bytes] | None = self._start()
        reply = self._reply(_OPEN_TIMEOUT) or {}
        self.opened = 1
        self._open = True
        if "name" not in reply:
            self.close()
            raise DeviceError(_problem(wanted, reply))

    @property
    def failures(self) -> int:
        """Number of failed sends."""
        return self._trouble.failures

    def _start(self) -> subprocess.Popen[bytes]:
        child = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("midi_child.py"), self._wanted],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        assert child.stdin is not None
        os.set_blocking(child.stdin.fileno(), False)
        return child

    def _reply(self, timeout: float) -> dict[str, Any] | None:
        """Return the reply of the process, ``{}`` if it exited without one, ``None`` if not yet."""
        assert self._child is not None
        assert self._child.stdout is not None
        if not select.select([self._child.stdout], [], [], timeout)[0]:
            return None
        line = self._child.stdout.readline()  # written at once, so it is whole
        return dict(json.loads(line)) if line else {}

    def ready(self) -> bool:
        """Return whether the port is open; retry every 2 s if it is not."""
        if self._child is not None and self._child.poll() is not None:
            self._disconnect()
        if self._open:
            return True
        if self._child is not None:
            reply = self._reply(0)
            if reply is not None and "name" in reply:
                self._open = True
                self.opened += 1
                self._trouble.over(self._what)
        elif time.monotonic() - self._started >= _RETRY:
            self._started = time.monotonic()
            self._child = self._start()
        return self._open

    def send(self, data: bytes) -> bool:
        """Send messages, all or none; return whether they were sent."""
        if self.ready():
            assert self._child is not None
            assert self._child.stdin is not None
            try:
                # Writes of this size to a pipe are atomic.
                os.write(self._child.stdin.fileno(), data)
            except BlockingIOError:
                self._trouble.failed(f"{self._what} does not accept data")
                return False
            except BrokenPipeError:
                self._disconnect()
            else:
                return True
        self._trouble.failed(f"{self._what} is disconnected")
        return False

    def _disconnect(self) -> None:
        self._open = False
        self._end(0)

    def _end(self, timeout: float) -> None:
        if self._child is None:
            return
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._child = None

    def close(self) -> None:
        """Send pending messages, and close the port."""
        self._end(5.0)
        self._open = False


def _problem(wanted: str, reply: dict[str, Any]) -> str:
    if "missing" in reply:
        return (
            f"MIDI ports need python-rtmidi, which cannot be loaded ({reply['missing']}): "
            "pip install 'pyplugin[live]'."
        )
    file = "a name that ends in .mid writes a file instead"
    if not reply.get("systems"):
        tried = " and ".join(reply.get("tried", [])) or "none"
        return f"There is no MIDI system (tried: {tried}); start JACK or load snd-seq; {file}."
    ports = ", ".join(map(repr, reply["ports"]))
    if not ports:
        return f"There is no MIDI port {wanted!r}, nor any other; virtual:NAME creates one; {file}."
    if any(wanted.lower() in name.lower() for name in reply["ports"]):
        return f"{wanted!r} matches several MIDI ports: {ports}; give more of the name."
    return f"There is no MIDI port {wanted!r}; there are {ports}; virtual:NAME creates one."
