"""Real MIDI ports through a JACK server, for tests that send to them."""

import contextlib
import importlib.util
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import mido
import pytest

from pyplugin.outputs import Midi

GAIN = {"gain.gain_db": (-60.0, 0.0)}

needs_rtmidi = pytest.mark.skipif(
    importlib.util.find_spec("rtmidi") is None, reason="no python-rtmidi for this Python"
)

_RECEIVER = """
import os, sys, mido

def write(message):
    print(message.hex(), flush=True)

backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
virtual = sys.argv[2] == "virtual"
with backend.open_input(sys.argv[1], virtual=virtual, callback=write):
    print("open", flush=True)
    sys.stdin.read()
os._exit(0)
"""


class Received:
    """The messages of a port, which a process of its own reads.

    JACK may take for ever to close a client; that process is killed then.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._messages: list[mido.Message] = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.append(mido.Message.from_hex(line))

    def iter_pending(self) -> Iterator[mido.Message]:
        """Yield what came since the last call, as a port of mido."""
        while self._messages:
            yield self._messages.pop(0)

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.join()


@contextlib.contextmanager
def receiver(name: str, *, virtual: bool = True) -> Iterator[Received]:
    """A real receiver: a JACK port of this name, or one that is connected to the port of it."""
    command = [sys.executable, "-c", _RECEIVER, name, "virtual" if virtual else "connected"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            received = Received(process)
        except BaseException:
            process.kill()
            raise
        try:
            yield received
        finally:
            received.close()


def values(port: Received) -> list[tuple[int, int]]:
    return [(message.control, message.value) for message in port.iter_pending()]


def push(output: Midi, clock: list[float]) -> None:
    """Move on, by a value that is always another."""
    clock[0] += 0.02
    began = time.monotonic()
    output.write_parameters(clock[0], {"gain.gain_db": -60 + clock[0] * 50 % 60}, {})
    assert time.monotonic() - began < 1.0  # a hang lasts for ever; a busy machine does not
