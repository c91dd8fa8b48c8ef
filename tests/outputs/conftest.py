"""A real JACK server, and MIDI outputs that are closed after their test."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyplugin.outputs import Midi


class Jack:
    """A JACK server with the dummy driver, and one of a name of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.start()

    def start(self) -> None:
        command = ["jackd", "-n", self.name, "-S", "-r", "-d", "dummy", "-r", "48000", "-p", "256"]
        self._server = subprocess.Popen(
            command,
            env={**os.environ, "JACK_NO_AUDIO_RESERVATION": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait = ["jack_wait", "-s", self.name, "-w", "-t", "20"]
        subprocess.run(wait, check=True, capture_output=True, timeout=30)

    @property
    def pid(self) -> int:
        return self._server.pid

    def stop(self) -> None:
        # Not killed: it would leave its place among the eight that JACK has on a machine.
        self._server.terminate()
        self._server.wait(30)


@pytest.fixture(scope="module")
def jack() -> Iterator[Jack]:
    if shutil.which("jackd") is None or shutil.which("jack_wait") is None:
        pytest.skip("no JACK server: apt-get install jackd2")
    name = f"pyplugin-test-{os.getpid()}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JACK_DEFAULT_SERVER", name)
        server = Jack(name)
        yield server
        server.stop()
        for left in Path("/dev/shm").glob(f"jack_sem.*_{name}_*"):  # by clients that were ended
            left.unlink()


@pytest.fixture
def opened():
    """Open outputs, and close them afterwards."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(
            contextlib.closing(Midi(*args, **options))
        )
