"""A MIDI port that never blocks: a child process holds it."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from pyplugin.errors import DeviceError
from pyplugin.outputs.output import FailureLog, OnEvent
from pyplugin.support.optional import install

_OPENING = 10.0  # seconds that opening may take at the start
_RETRY = 2.0  # seconds between two attempts to open it again


class Port:
    """Sends messages of three bytes to a MIDI port; reopens it after it was disconnected.

    Parameters
    ----------
    wanted
        A part of the port's name, or ``virtual:NAME`` for one that other programs connect to.
    on_event
        Called with a sentence when the port is disconnected and when it is reconnected.

    Attributes
    ----------
    opened : int
        How many times it was opened so far; receivers have no values after each.

    Raises
    ------
    DeviceError
        There is no such port, more than one, no MIDI system, or python-rtmidi is missing.
    """

    def __init__(self, wanted: str, *, on_event: OnEvent | None = None) -> None:
        self._wanted = wanted
        self._log = FailureLog(on_event)
        self._what = f"The MIDI port {wanted!r}"
        self._started = time.monotonic()
        self._child: subprocess.Popen[bytes] | None = self._start()
        answer = self._answer(_OPENING) or {}
        self.opened = 1
        self._open = True
        if "name" not in answer:
            self.close()
            raise DeviceError(_problem(wanted, answer))

    @property
    def failures(self) -> int:
        """Sends that failed."""
        return self._log.failures

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

    def _answer(self, patience: float) -> dict[str, Any] | None:
        """Return the child's reply, ``{}`` if it ended without, ``None`` if there is none yet."""
        assert self._child is not None
        assert self._child.stdout is not None
        if not select.select([self._child.stdout], [], [], patience)[0]:
            return None
        line = self._child.stdout.readline()  # written at once, so it is whole
        return dict(json.loads(line)) if line else {}

    def ready(self) -> bool:
        """Return whether the port is open; open it again if it is time to."""
        if self._child is not None and self._child.poll() is not None:
            self._lose()
        if self._open:
            return True
        if self._child is not None:
            answer = self._answer(0)
            if answer is not None and "name" in answer:
                self._open = True
                self.opened += 1
                self._log.over(self._what)
        elif time.monotonic() - self._started >= _RETRY:
            self._started = time.monotonic()
            self._child = self._start()
        return self._open

    def send(self, data: bytes) -> bool:
        """Send messages, all or none; return whether that could be done."""
        if self.ready():
            assert self._child is not None
            assert self._child.stdin is not None
            try:
                # A pipe takes as few bytes as these at once or not at all.
                os.write(self._child.stdin.fileno(), data)
            except BlockingIOError:
                self._log.failed(f"{self._what} takes nothing")
                return False
            except BrokenPipeError:
                self._lose()
            else:
                return True
        self._log.failed(f"{self._what} is disconnected")
        return False

    def _lose(self) -> None:
        self._open = False
        self._end(0)

    def _end(self, patience: float) -> None:
        if self._child is None:
            return
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()
        self._child = None

    def close(self) -> None:
        """Let what was sent go out, and close the port."""
        self._end(5.0)
        self._open = False


def _problem(wanted: str, answer: dict[str, Any]) -> str:
    if "missing" in answer:
        return (
            f"MIDI ports need python-rtmidi, which cannot be loaded ({answer['missing']}): "
            f"{install('live')}."
        )
    file = "a name that ends in .mid records to a file instead"
    if not answer.get("systems"):
        tried = " and ".join(answer.get("tried", [])) or "one did not answer"
        return f"There is no MIDI system (tried: {tried}); start JACK or load snd-seq; {file}."
    ports = ", ".join(map(repr, answer["ports"]))
    if not ports:
        return f"There is no MIDI port {wanted!r}, nor any other; virtual:NAME makes one; {file}."
    if any(wanted.lower() in name.lower() for name in answer["ports"]):
        return f"{wanted!r} is part of several MIDI ports: {ports}; give more of the name."
    return f"There is no MIDI port {wanted!r}; there are {ports}; virtual:NAME makes one."
