"""MIDI ports that come and go, through a real JACK server."""

import contextlib
import os
import signal
from pathlib import Path

import mido
import pytest
from frames import frame, until
from midi_ports import GAIN, needs_rtmidi, push, receiver, values

from pyplugin.errors import DeviceError
from pyplugin.outputs import Midi


@needs_rtmidi
def test_without_a_midi_system_the_message_names_jack_and_files(monkeypatch, capfd):
    if Path("/dev/snd/seq").exists():
        pytest.skip("this machine has ALSA's sequencer")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"pyplugin-none-{os.getpid()}")
    for port in ("synth", "virtual:ours"):
        with pytest.raises(DeviceError, match=r"no MIDI system.*JACK.*\.mid"):
            Midi(port, ranges=GAIN)
    assert capfd.readouterr() == ("", "")


def test_without_rtmidi_the_message_has_the_install_command(monkeypatch, tmp_path):
    (tmp_path / "rtmidi.py").write_text("raise ImportError('libasound.so.2: cannot open')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"libasound.*pip install"):
        Midi("synth", ranges=GAIN)


@needs_rtmidi
def test_a_port_by_a_part_of_its_name(jack, opened):
    with receiver("Big Synth") as port:
        output = opened("big s", ranges=GAIN)
        for step in range(128):
            output.write_parameters(step / 50, {"gain.gain_db": -60 + 60 * step / 127}, {})
        output.close()  # the last value goes out before the port is closed
        got: list[tuple[int, int]] = []
        assert until(lambda: got.extend(values(port)) or len(got) >= 128), got
        assert got == [(20, value) for value in range(128)]
        assert output.failures == 0


@needs_rtmidi
def test_fourteen_bits_arrive_upper_first(jack):
    with (
        receiver("Synth") as port,
        contextlib.closing(Midi("synth", {"tag.rock": 30}, fourteen_bit=True)) as output,
    ):
        output.write_frame(frame(tags={"rock": 1234 / 16383}))
        got: list[tuple[int, int]] = []
        assert until(lambda: got.extend(values(port)) or len(got) >= 2)
        assert got == [(30, 1234 >> 7), (62, 1234 & 127)]


@needs_rtmidi
def test_a_virtual_port_is_visible_to_others(jack, opened):
    output = opened("virtual:moved", ranges=GAIN)
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    name = next(name for name in backend.get_input_names() if "moved" in name)
    with receiver(name, virtual=False) as port:
        output.write_parameters(1.0, {"gain.gain_db": -30}, {})
        got: list[tuple[int, int]] = []
        assert until(lambda: got.extend(values(port)) or got)
        assert got == [(20, 64)]
    output.close()
    assert until(lambda: not any("moved" in name for name in backend.get_input_names()))


@needs_rtmidi
def test_an_unknown_port_is_rejected_with_a_list_of_ports(jack):
    with pytest.raises(DeviceError, match="nor any other"):
        Midi("synth", ranges=GAIN)
    with receiver("First"), receiver("Second"):
        with pytest.raises(DeviceError, match=r"no MIDI port 'third'.*First.*Second"):
            Midi("third", ranges=GAIN)
        with pytest.raises(DeviceError, match=r"several.*First.*Second"):
            Midi("rtmidi", ranges=GAIN)


@needs_rtmidi
def test_a_port_is_reopened_after_a_disconnection(jack, opened):
    events: list[str] = []
    clock = [0.0]
    with receiver("Synth") as port:
        output = opened("synth", ranges=GAIN, on_event=events.append)
        push(output, clock)
        assert until(lambda: values(port))
    assert until(lambda: push(output, clock) or events)
    assert "disconnected" in events[0]
    assert until(lambda: push(output, clock) or output.failures > 10)
    assert len(events) == 1
    with receiver("Synth") as port:
        assert until(lambda: push(output, clock) or len(events) == 2)
        assert "works again" in events[1]
        assert until(lambda: values(port))
    output.close()


@needs_rtmidi
def test_after_a_reconnection_all_controllers_are_sent_again(jack, opened):
    clock = [0.0]
    with receiver("Synth") as port:
        output = opened("synth", {"tag.rock": 1, "gain.gain_db": 2}, ranges=GAIN)
        output.write_frame(frame(0.0, tags={"rock": 1.0}))
        assert until(lambda: values(port))
    assert until(lambda: push(output, clock) or output.failures)
    with receiver("Synth") as port:
        got: list[tuple[int, int]] = []
        assert until(lambda: push(output, clock) or got.extend(values(port)) or len(got) >= 2)
        assert (1, 127) in got[:2]
    output.close()


@needs_rtmidi
def test_a_jack_server_that_exits_and_restarts(jack, opened):
    events: list[str] = []
    clock = [0.0]
    output = opened("virtual:moved", ranges=GAIN, on_event=events.append)
    push(output, clock)
    jack.stop()
    assert until(lambda: push(output, clock) or events)
    for _ in range(5000):  # more than RtMidi's queue holds
        push(output, clock)
    assert output.failures > 4000
    assert len(events) == 1
    jack.start()
    assert until(lambda: push(output, clock) or len(events) == 2)
    names = mido.Backend("mido.backends.rtmidi/UNIX_JACK").get_input_names()
    assert any("moved" in name for name in names)
    output.close()


@needs_rtmidi
def test_a_jack_server_that_hangs_does_not_block(jack, opened):
    events: list[str] = []
    clock = [0.0]
    output = opened("virtual:moved", ranges=GAIN, on_event=events.append)
    os.kill(jack.pid, signal.SIGSTOP)
    try:
        assert until(lambda: [push(output, clock) for _ in range(100)] and events)
    finally:
        os.kill(jack.pid, signal.SIGCONT)
    output.close()
