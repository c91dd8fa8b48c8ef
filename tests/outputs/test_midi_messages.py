"""Controller values, messages and files, against mido and the MIDI 1.0 definitions."""

import json

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.errors import PypluginError
from pyplugin.outputs import midi_messages
from pyplugin.outputs.midi_messages import FREE, LSB, ControllerTrack, write_midi


def track(controller=20, low=0.0, high=1.0, channel=0, bits=False):
    return ControllerTrack("target", controller, low, high, channel, fourteen_bit=bits)


@given(
    value=st.floats(-100, 100), low=st.floats(-50, 49), width=st.floats(0.5, 50), bits=st.booleans()
)
def test_a_scaled_value_is_within_half_a_step(value, low, width, bits):
    top = 16383 if bits else 127
    number = track(low=low, high=low + width, bits=bits).scaled(value)
    clamped = min(max(value, low), low + width)
    assert 0 <= number <= top
    assert low + number / top * width == pytest.approx(clamped, abs=0.5 * width / top + 1e-9)


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [(0.0, 0.0, 1.0, 0), (1.0, 0.0, 1.0, 127), (1.0, 1.0, 0.0, 0), (0.25, 1.0, 0.0, 95)],
)
def test_a_range_may_be_inverted(value, low, high, expected):
    assert track(low=low, high=high).scaled(value) == expected


def test_a_range_without_width_gives_0():
    assert track(low=1.0, high=1.0).scaled(5.0) == 0


@pytest.mark.parametrize("number", [0, 1, 127, 128, 8191, 16383])
def test_fourteen_bits_are_two_messages_upper_first(number):
    upper, lower = track(channel=3, bits=True).messages(number)
    assert (upper.control, lower.control) == (20, 20 + LSB)
    assert upper.value * 128 + lower.value == number
    assert upper.channel == lower.channel == 3


def test_seven_bits_are_one_message():
    (message,) = track(channel=15).messages(64)
    assert message.bytes() == [0xBF, 20, 64]


@pytest.mark.parametrize("arguments", [(128, 0, 0), (20, 128, 0), (20, 0, 16)])
def test_values_out_of_range_are_rejected(arguments):
    controller, number, channel = arguments
    with pytest.raises(ValueError, match="range"):
        track(controller, channel=channel).messages(number)


def test_the_undefined_controllers_have_an_undefined_partner():
    # MIDI 1.0: 20 to 31 are undefined, and their lower bits are 52 to 63.
    assert list(FREE) == list(range(20, 32))
    assert {number + LSB for number in FREE} == set(range(52, 64))


def test_a_file_has_a_named_track_with_the_meaning_of_its_values(tmp_path):
    values = ControllerTrack("gain.gain_db", 20, -12.0, 0.0, 2, [(0.0, 0), (0.5, 127)])
    write_midi(tmp_path / "a.mid", [values], duration=2.0)
    file = mido.MidiFile(tmp_path / "a.mid")
    (read,) = file.tracks
    assert read.name == "gain.gain_db"
    about = json.loads(next(message.text for message in read if message.type == "text"))
    assert about == {
        "target": "gain.gain_db",
        "controller": 20,
        "bits": 7,
        "min": -12.0,
        "max": 0.0,
    }
    now, found = 0.0, []
    for message in file:
        now += message.time
        if message.type == "control_change":
            found.append((now, message.channel, message.control, message.value))
    assert found == [(0.0, 2, 20, 0), (pytest.approx(0.5), 2, 20, 127)]
    assert file.length == pytest.approx(2.0)


def test_without_mido_the_extra_is_reported(monkeypatch):
    def missing(*arguments, **options):
        raise PypluginError("pip install 'tagnode[live]'")

    monkeypatch.setattr(midi_messages, "need", missing)
    with pytest.raises(PypluginError, match="live"):
        midi_messages.mido()
