"""One PortAudio stream under a real JACK server: its callbacks, its end and its errors."""

import re
import time
from typing import Any

import pytest

from pyplugin.errors import DeviceError
from pyplugin.inputs import portaudio_stream
from pyplugin.inputs.portaudio import Device, find_device
from pyplugin.inputs.portaudio_stream import PortAudioStream, StreamSetup, any_open

PERIOD, RATE = 256, 48000


def setup(sides: dict[str, str], **changes: Any) -> StreamSetup:
    devices = {kind: find_device(name, kind=kind) for kind, name in sides.items()}
    values = {
        "channels": 2,
        "sample_rate": RATE,
        "block": PERIOD,
        "latency": "low",
        "queue": RATE,
        "lead": 0,
    }
    return StreamSetup(devices, **{**values, **changes})


def callbacks(sides: dict[str, str]) -> dict[str, Any]:
    """Run a stream for fifty callbacks; return what it was before, during and after."""
    before = any_open()
    stream = PortAudioStream(setup(sides), None)
    until = time.monotonic() + 30  # the dummy driver of a busy machine is late
    while stream.counters["callbacks"] < 50 and time.monotonic() < until:
        time.sleep(0.01)
    counters, during = stream.counters, (any_open(), stream.alive)
    stream.close()
    return {
        "before": before,
        "during": during,
        "after": any_open(),
        "counters": counters,
        "latency": stream.latency,
    }


def error_of(sides: dict[str, str], changes: dict[str, Any]) -> str:
    try:
        PortAudioStream(setup(sides, **changes), None).close()
    except DeviceError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "sides",
    [{"input": "sender"}, {"output": "receiver"}, {"input": "sender", "output": "receiver"}],
)
@pytest.mark.usefixtures("neighbours")
def test_the_callback_is_called_once_per_period(jack, sides):
    """Every callback takes and gives a period of samples."""
    found = jack.call(callbacks, sides)
    assert found["before"] is False
    assert found["during"] == (True, True)
    assert found["after"] is False
    counters = found["counters"]
    assert counters["callbacks"] >= 50
    for side, count in (("input", "position"), ("output", "missing")):  # nobody writes output
        if side in sides:  # one callback may come between the readings of two counters
            assert abs(counters[count] - PERIOD * counters["callbacks"]) <= PERIOD
    assert 0 <= found["latency"] < 1


@pytest.mark.usefixtures("neighbours")
def test_another_sample_rate_is_rejected_with_that_of_the_device(jack):
    text = jack.call(error_of, {"input": "sender"}, {"sample_rate": 44100})
    assert re.fullmatch(r"'sender' cannot run at 44100 Hz; use 48000 Hz\.", text)


class PortAudioError(Exception):
    """Has a text and a code, like the one of sounddevice."""

    def __str__(self) -> str:
        return str(self.args[0])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9997, "'A' and 'B' cannot run at 44100 Hz; use 48000 Hz or 96000 Hz."),
        (-9985, "'A' and 'B' is in use or disconnected; close the program that uses it"),
        (-9996, "choose another device."),
        (-9999, "'A' and 'B' cannot be opened: Host error"),
    ],
)
def test_an_error_code_is_explained(code, words):
    first = Device(0, "A", "ALSA", 2, 0, 48000, True, False)
    second = Device(1, "B", "ALSA", 0, 2, 96000, False, True)
    made = StreamSetup({"input": first, "output": second}, 2, 44100, 64, "low", 0, 0)
    assert words in portaudio_stream._reason(PortAudioError("Host error", code), made)


def test_a_duplex_device_is_named_once():
    device = Device(0, "A", "ALSA", 2, 2, 48000, True, True)
    assert StreamSetup({"input": device, "output": device}, 2, 48000, 64, "low", 0, 0).name == "'A'"
