"""MIDI controllers, recorded in a file."""

import contextlib
import dataclasses
import json
import math
from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import pytest
from frames import frame
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.errors import PypluginError
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


def test_a_file_that_cannot_be_written_is_reported_at_once(tmp_path):
    with pytest.raises(PypluginError, match="folder"):
        Midi(tmp_path / "missing" / "x.mid", ranges=GAIN)


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
