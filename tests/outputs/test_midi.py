"""MIDI controllers: into a file, and through a real JACK server."""

import contextlib
import dataclasses
import importlib.util
import json
import math
import os
import signal
import time
from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import pytest
from frames import frame, until
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.errors import DeviceError, PypluginError
from pyplugin.node.node import State
from pyplugin.outputs import DescriptorFrame, Midi, open_all
from pyplugin.outputs.output import OutputContext

GAIN = {"gain.gain_db": (-60.0, 0.0)}


def read(path: Path) -> list[tuple[float, int, int, int]]:
    """Every message of a file as mido reads it: (seconds, channel, controller, value)."""
    seconds, found = 0.0, []
    for message in mido.MidiFile(path):
        seconds += message.time
        if not message.is_meta:
            assert message.type == "control_change"
            found.append((seconds, message.channel, message.control, message.value))
    return found


def test_a_recording_holds_every_change_at_its_time(tmp_path):
    path = tmp_path / "moved.mid"
    output = Midi(path, {"gain.gain_db": 7}, ranges=GAIN, channel=5)
    values = [-60, -60, -30, -30, 0, 10, -60]
    for step, value in enumerate(values):
        output.write_parameters(step / 50, {"gain.gain_db": value, "other.x": 1}, {})
    assert not path.exists()  # it is written when it is whole
    output.close()
    output.close()
    assert [message[1:] for message in read(path)] == [
        (5, 7, 0),
        (5, 7, 64),
        (5, 7, 127),
        (5, 7, 0),
    ]
    tick = 0.5 / 960
    for (seconds, *_), step in zip(read(path), (0, 2, 4, 6), strict=True):
        assert seconds == pytest.approx(step / 50, abs=tick)
    assert output.failures == 0


@settings(deadline=None, max_examples=50)
@given(
    gaps=st.lists(st.floats(0, 0.05), min_size=1, max_size=60),
    data=st.data(),
    fourteen=st.booleans(),
)
def test_at_most_100_changes_a_second_and_the_last_is_never_lost(
    tmp_path_factory, gaps, data, fourteen
):
    path = tmp_path_factory.mktemp("midi") / "x.mid"
    values = data.draw(st.lists(st.floats(0, 1), min_size=len(gaps), max_size=len(gaps)))
    output = Midi(path, {"a.b": 3}, ranges={"a.b": (0.0, 1.0)}, fourteen_bit=fourteen)
    for now, value in zip(np.cumsum(gaps).tolist(), values, strict=True):
        output.write_parameters(now, {"a.b": value}, {})
    output.close()
    upper = [message for message in read(path) if message[2] == 3]
    lower = [message for message in read(path) if message[2] == 35]
    times = np.array([message[0] for message in upper])
    # the last may have had to wait for the end
    assert (np.diff(times)[:-1] >= 0.01 - 2 * 0.5 / 960).all()
    if fourteen:
        assert [m[0] for m in upper] == [m[0] for m in lower]
        number, top = upper[-1][3] * 128 + lower[-1][3], 16383
        kinds = [message[2] for message in read(path)]
        assert kinds == [3, 35] * len(upper)  # the upper bits come first
    else:
        number, top = upper[-1][3], 127
    assert number / top == pytest.approx(values[-1], abs=0.5 / top + 1e-9)


def test_a_change_that_came_too_soon_goes_out_with_the_next_move(tmp_path):
    output = Midi(tmp_path / "x.mid", ranges=GAIN)
    output.write_parameters(1.0, {"gain.gain_db": -60}, {})
    output.write_parameters(1.004, {"gain.gain_db": 0}, {})
    output.write_parameters(1.02, {}, {})
    output.write_parameters(5.0, {}, {})
    output.close()
    got = read(tmp_path / "x.mid")
    assert [message[3] for message in got] == [0, 127]
    assert got[1][0] == pytest.approx(1.02, abs=1e-3)


def test_tags_signals_and_parameters_by_name(tmp_path):
    names = ["reverb.wet_level", "tag.female-vocal", "tag.musicnn-mtt.rock", "signal.rms_db"]
    output = Midi(
        tmp_path / "x.mid",
        dict(zip(names, (1, 2, 3, 4), strict=True)),
        ranges={"reverb.wet_level": (1.0, 0.0), "signal.rms_db": (-40.5, -0.5)},
    )
    output.write_frame(frame(0.5, state=State.WARMING, signals={}, parameters={}))
    output.write_frame(frame(1.0))
    output.write_frame(frame(2.0, model="other", tags={"rock": 1.0}, signals={"rms_db": math.nan}))
    output.write_frame(frame(3.0, tags={}, signals={"rms_db": -math.inf}, parameters={}))
    output.close()
    got = defaultdict(list)
    for seconds, _, controller, value in read(tmp_path / "x.mid"):
        got[controller].append((round(seconds, 2), value))
    # 0.75 of the way down from 1, a quarter, a half, half of the way up
    assert got == {1: [(1, 32)], 2: [(1, 32)], 3: [(1, 64)], 4: [(1, 64), (3, 0)]}


def test_what_heads_say_goes_from_0_to_1(tmp_path):
    output = Midi(tmp_path / "x.mid", {"head.voice.no-voice": 9})
    output.write_frame(frame(1.0, heads={"voice": {"No Voice": 0.5}}))
    output.close()
    assert [message[2:] for message in read(tmp_path / "x.mid")] == [(9, 64)]


def test_a_stream_that_begins_anew_goes_on(tmp_path):
    output = Midi(tmp_path / "x.mid", ranges=GAIN)
    for now, value in ((10.0, -60), (0.0, 0), (0.5, -60)):
        output.write_parameters(now, {"gain.gain_db": value}, {})
    output.close()
    assert [message[3] for message in read(tmp_path / "x.mid")] == [0, 127, 0]


def test_the_parameters_get_20_to_31_in_order(tmp_path):
    names = [f"e{i}.p" for i in range(12)]
    values = dict.fromkeys(names, 1.0)
    unit = dict.fromkeys(names, (0.0, 1.0))
    with contextlib.closing(Midi(tmp_path / "a.mid", ranges={"tag.rock": (0, 1), **unit})) as midi:
        midi.write_parameters(0, values, {})
    file = mido.MidiFile(tmp_path / "a.mid")
    assert file.type == 1
    assert [track.name for track in file.tracks] == names
    for number, track in enumerate(file.tracks, 20):
        assert [m.control for m in track if m.type == "control_change"] == [number]
        about = json.loads(next(m.text for m in track if m.type == "text"))
        assert about["controller"] == number
    asked = {"tag.rock": (0.0, 1.0), "signal.rms_db": (-60.0, 0.0)}
    with contextlib.closing(Midi(tmp_path / "b.mid", ranges=asked)) as midi:
        midi.write_frame(frame())
    assert {message[2] for message in read(tmp_path / "b.mid")} == {20, 21}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"assignments": {"a.b": 120}}, "0 to 119"),
        ({"assignments": {"a.b": -1}}, "0 to 119"),
        ({"assignments": {"a.b": 1.0}}, "0 to 119"),
        ({"assignments": {"a.b": True}}, "0 to 119"),
        ({"assignments": {"a.b": 32}, "fourteen_bit": True}, "0 to 31"),
        ({"assignments": {"a.b": 7, "tag.x": 7}}, "both"),
        ({"assignments": {}}, "assign"),
        ({"ranges": {}}, "assign"),
        ({"assignments": {"c.d": 7}}, "range"),
        ({"ranges": {"a.b": (1.0, 1.0)}}, "range"),
        ({"ranges": {"a.b": (0.0, math.inf)}}, "range"),
        ({"ranges": {f"e.p{i}": (0.0, 1.0) for i in range(13)}}, "13"),
        ({"channel": 16}, "0 to 15"),
        ({"channel": -1}, "0 to 15"),
    ],
)
def test_what_cannot_be_assigned_is_one_sentence(tmp_path, options, words):
    given_options = {"ranges": {"a.b": (0.0, 1.0)}, **options}
    with pytest.raises(PypluginError, match=words):
        Midi(tmp_path / "x.mid", **given_options)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_told_at_once(tmp_path):
    with pytest.raises(PypluginError, match="folder"):
        Midi(tmp_path / "missing" / "x.mid", ranges=GAIN)


# ----------------------------------------------------------------------------------------- ports

needs_rtmidi = pytest.mark.skipif(
    importlib.util.find_spec("rtmidi") is None, reason="no python-rtmidi for this Python"
)


@pytest.fixture
def opened():
    """Open outputs, and close them afterwards."""
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(
            contextlib.closing(Midi(*args, **options))
        )


@contextlib.contextmanager
def receiver(name: str):
    """A real receiver: a JACK port whose messages RtMidi reads."""
    with mido.Backend("mido.backends.rtmidi/UNIX_JACK").open_input(name, virtual=True) as port:
        yield port


def values(port) -> list[tuple[int, int]]:
    return [(message.control, message.value) for message in port.iter_pending()]


@needs_rtmidi
def test_without_a_midi_system_it_is_one_sentence(monkeypatch, capfd):
    if Path("/dev/snd/seq").exists():
        pytest.skip("this machine has ALSA's sequencer")
    monkeypatch.setenv("JACK_DEFAULT_SERVER", f"pyplugin-none-{os.getpid()}")
    for port in ("synth", "virtual:ours"):
        with pytest.raises(DeviceError, match=r"no MIDI here.*JACK.*\.mid"):
            Midi(port, ranges=GAIN)
    assert capfd.readouterr() == ("", "")


def test_without_rtmidi_it_is_one_sentence(monkeypatch, tmp_path):
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
def test_a_virtual_port_is_there_for_others(jack, opened):
    output = opened("virtual:moved", ranges=GAIN)
    backend = mido.Backend("mido.backends.rtmidi/UNIX_JACK")
    name = next(name for name in backend.get_input_names() if "moved" in name)
    with backend.open_input(name) as port:
        output.write_parameters(1.0, {"gain.gain_db": -30}, {})
        got: list[tuple[int, int]] = []
        assert until(lambda: got.extend(values(port)) or got)
        assert got == [(20, 64)]
    output.close()
    assert until(lambda: not any("moved" in name for name in backend.get_input_names()))


@needs_rtmidi
def test_a_missing_port_lists_those_there_are(jack):
    with pytest.raises(DeviceError, match="nor any other"):
        Midi("synth", ranges=GAIN)
    with receiver("First"), receiver("Second"):
        with pytest.raises(DeviceError, match=r"no MIDI port 'third'.*First.*Second"):
            Midi("third", ranges=GAIN)
        with pytest.raises(DeviceError, match=r"several.*First.*Second"):
            Midi("rtmidi", ranges=GAIN)


def push(output: Midi, clock: list[float]) -> None:
    """Move on, by a value that is always another."""
    clock[0] += 0.02
    began = time.monotonic()
    output.write_parameters(clock[0], {"gain.gain_db": -60 + clock[0] * 50 % 60}, {})
    assert time.monotonic() - began < 1.0  # a hang lasts for ever; a busy machine does not


@needs_rtmidi
def test_a_port_that_goes_and_comes_back(jack, opened):
    told: list[str] = []
    clock = [0.0]
    with receiver("Synth") as port:
        output = opened("synth", ranges=GAIN, on_event=told.append)
        push(output, clock)
        assert until(lambda: values(port))
    assert until(lambda: push(output, clock) or told)
    assert "disconnected" in told[0]
    assert until(lambda: push(output, clock) or output.failures > 10)
    assert len(told) == 1
    with receiver("Synth") as port:
        assert until(lambda: push(output, clock) or len(told) == 2)
        assert "works again" in told[1]
        assert until(lambda: values(port))
    output.close()


@needs_rtmidi
def test_after_a_port_came_back_it_is_told_all_again(jack, opened):
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
def test_control_c_is_not_for_the_process_that_holds_the_port(jack, opened):
    with receiver("Synth") as port:
        output = opened("synth", ranges=GAIN)
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        held = [c for c in children if "midi_child" in Path(f"/proc/{c}/cmdline").read_text()]
        assert len(held) == 1
        os.kill(int(held[0]), signal.SIGINT)
        output.write_parameters(1.0, {"gain.gain_db": 0}, {})
        output.close()
        assert until(lambda: values(port))
        assert output.failures == 0


@needs_rtmidi
def test_a_jack_server_that_dies_and_comes_back(jack, opened):
    told: list[str] = []
    clock = [0.0]
    output = opened("virtual:moved", ranges=GAIN, on_event=told.append)
    push(output, clock)
    jack.stop()
    assert until(lambda: push(output, clock) or told)
    for _ in range(5000):  # more than RtMidi's queue holds
        push(output, clock)
    assert output.failures > 4000
    assert len(told) == 1
    jack.start()
    assert until(lambda: push(output, clock) or len(told) == 2)
    names = mido.Backend("mido.backends.rtmidi/UNIX_JACK").get_input_names()
    assert any("moved" in name for name in names)
    output.close()


@needs_rtmidi
def test_a_jack_server_that_stands_still_stops_nothing(jack, opened):
    told: list[str] = []
    clock = [0.0]
    output = opened("virtual:moved", ranges=GAIN, on_event=told.append)
    os.kill(jack.pid, signal.SIGSTOP)
    try:
        assert until(lambda: [push(output, clock) for _ in range(100)] and told)
    finally:
        os.kill(jack.pid, signal.SIGCONT)
    output.close()


def two_models(**changes) -> DescriptorFrame:
    tags = {"one": {"Female Vocal": 0.25, "rock": 0.5}, "two": {"rock": 1.0, "jazz": 0.75}}
    return dataclasses.replace(frame(parameters={}, signals={}), tags=tags, **changes)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tag.female-vocal", 0.25),
        ("tag.one.female-vocal", 0.25),
        ("tag.rock", 0.5),  # of the first model that has it
        ("tag.one.rock", 0.5),
        ("tag.two.rock", 1.0),
        ("tag.jazz", 0.75),
        ("tag.two.jazz", 0.75),
        ("head.mood.very-happy", 0.125),
    ],
)
def test_each_model_has_names_of_its_own_from_the_option_to_the_controller(name, value, tmp_path):
    """The name that --cc accepts is the name whose value is sent, also with two models."""
    sent = two_models(heads={"mood": {"Very Happy": 0.125}})
    names = ["tag.one.female-vocal", "tag.one.rock", "tag.two.rock", "tag.two.jazz"]
    values = {"json": False, "osc": None, "midi": str(tmp_path / "x.mid"), "midi_14bit": False}
    context = OutputContext(descriptors=[*names, "head.mood.very-happy"])
    (output,) = open_all({**values, "cc": (f"{name}=20",)}, context)
    output.write_frame(sent)
    output.close()
    (change,) = [
        message
        for message in mido.MidiFile(tmp_path / "x.mid").tracks[0]
        if message.type == "control_change"
    ]
    assert (change.control, change.value) == (20, round(127 * value))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("tag.three.rock=20", "no descriptor 'tag.three.rock'"),
        ("tag.rok=20", "did you mean 'tag.rock'"),
        ("gain.gain_db=20", "no parameters without a --preset"),
        ("tag.rock", "NAME=N is expected"),
        ("tag.rock=x", "NAME=N is expected"),
    ],
)
def test_a_controller_for_what_does_not_exist_is_refused(given, words, tmp_path):
    values = {"json": False, "osc": None, "midi": str(tmp_path / "x.mid"), "midi_14bit": False}
    with pytest.raises(PypluginError, match=words):
        open_all({**values, "cc": (given,)}, OutputContext(descriptors=["tag.one.rock"]))
