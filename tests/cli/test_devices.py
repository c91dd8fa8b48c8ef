"""``tagnode devices``, with devices in place of PortAudio's."""

import json

import pytest
from helpers import sentence

from pyplugin.inputs import portaudio
from pyplugin.inputs.portaudio import Device

DEVICES = [
    Device(0, "Built-in", "ALSA", 2, 2, 48000, True, False),
    Device(7, "USB Interface", "JACK", 0, 8, 96000, False, True),
]


@pytest.fixture
def connected(monkeypatch):
    """Replace the devices of this machine."""
    return lambda devices: monkeypatch.setattr(portaudio, "devices", lambda: devices)


def test_a_row_for_each_device(run, connected):
    connected(DEVICES)
    code, out, err = run("devices")
    assert (code, err) == (0, "")
    head, first, second = (line.split() for line in out.splitlines())
    assert head == ["name", "host", "API", "in", "out", "rate"]
    assert first == ["0", "Built-in", "ALSA", "2", "2", "48000", "Hz", "default", "input"]
    assert second[:3] == ["7", "USB", "Interface"]
    assert second[-2:] == ["default", "output"]


def test_json_lines_have_all_fields(run, connected):
    connected(DEVICES)
    code, out, _ = run("devices", "--json")
    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"v": 1, **vars(device)} for device in DEVICES
    ]


def test_no_device_is_an_error(run, connected):
    connected([])
    code, out, err = run("devices")
    assert (code, out) == (1, "")
    assert "no sound device" in sentence(err)
