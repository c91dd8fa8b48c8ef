"""Real MIDI ports through a JACK server, for tests that send to them."""

import contextlib
import importlib.util
import time

import mido
import pytest

from pyplugin.outputs import Midi

GAIN = {"gain.gain_db": (-60.0, 0.0)}

needs_rtmidi = pytest.mark.skipif(
    importlib.util.find_spec("rtmidi") is None, reason="no python-rtmidi for this Python"
)


@contextlib.contextmanager
def receiver(name: str):
    """A real receiver: a JACK port whose messages RtMidi reads."""
    with mido.Backend("mido.backends.rtmidi/UNIX_JACK").open_input(name, virtual=True) as port:
        yield port


def values(port) -> list[tuple[int, int]]:
    return [(message.control, message.value) for message in port.iter_pending()]


def push(output: Midi, clock: list[float]) -> None:
    """Move on, by a value that is always another."""
    clock[0] += 0.02
    began = time.monotonic()
    output.write_parameters(clock[0], {"gain.gain_db": -60 + clock[0] * 50 % 60}, {})
    assert time.monotonic() - began < 1.0  # a hang lasts for ever; a busy machine does not
