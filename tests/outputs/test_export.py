"""Curves and labels in files, read back with the readers of those formats."""

import csv
import itertools
import json
import math
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import pyplugin
from pyplugin.errors import PypluginError
from pyplugin.outputs.export import check_curves, check_labels, write_curves, write_labels
from pyplugin.support.results import Curve, TagResult

TICK = 0.5 / 960


def wave(points: int = 200, low: float = -12.0, high: float = 6.0, rate: float = 50.0) -> Curve:
    times = np.arange(points) / rate
    return Curve(times, low + (high - low) * (0.5 + 0.5 * np.sin(times * 3)))


def played(track: mido.MidiTrack) -> dict[int, list[tuple[float, int]]]:
    """(seconds, value) by controller, by mido's reckoning of ticks."""
    tick, found = 0, {}
    for message in track:
        tick += message.time
        if message.type == "control_change":
            seconds = mido.tick2second(tick, 960, 500000)
            found.setdefault(message.control, []).append((seconds, message.value))
    return found


# ----------------------------------------------------------------------------------------- curves


def test_csv_is_a_table_of_all_curves(tmp_path):
    curves = {"gain.gain_db": wave(), "reverb.wet_level": wave(low=0, high=1)}
    write_curves(tmp_path / "c.csv", curves)
    with (tmp_path / "c.csv").open(newline="") as stream:
        header, *rows = csv.reader(stream)
    assert header == ["time", *curves]
    table = np.array(rows, float)
    np.testing.assert_allclose(table[:, 0], wave().times, atol=5e-4)
    for column, curve in enumerate(curves.values(), 1):
        np.testing.assert_allclose(table[:, column], curve.values, rtol=1e-5, atol=1e-5)


def test_csv_of_curves_with_times_of_their_own_has_empty_cells(tmp_path):
    curves = {"a.b": Curve(np.array([0.0, 1.0]), np.array([1.0, 2.0]))}
    curves["c.d"] = Curve(np.array([0.5, 1.0]), np.array([3.0, 4.0]))
    write_curves(tmp_path / "c.csv", curves)
    assert (tmp_path / "c.csv").read_text().splitlines() == [
        "time,a.b,c.d",
        "0.000,1,",
        "0.500,,3",
        "1.000,2,4",
    ]


def test_json_gives_the_curves_back_exactly(tmp_path):
    curves = {"gain.gain_db": wave(), "effet-é.level": wave(7)}
    write_curves(tmp_path / "c.json", curves, ranges={"gain.gain_db": (6.0, -60.0)})
    whole = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert whole["v"] == 1
    assert list(whole["curves"]) == list(curves)
    for target, curve in curves.items():
        np.testing.assert_array_equal(whole["curves"][target]["times"], curve.times)
        np.testing.assert_array_equal(whole["curves"][target]["values"], curve.values)
    gain, other = whole["curves"].values()
    assert (gain["min"], gain["max"], gain["unit"]) == (-60.0, 6.0, "dB")
    assert (other["min"], other["max"]) == (wave(7).values.min(), wave(7).values.max())
    assert "unit" not in other


@settings(deadline=None, max_examples=60)
@given(
    values=hnp.arrays(np.float64, st.integers(1, 80), elements=st.floats(-1e4, 1e4)),
    gaps=st.lists(st.floats(0.01, 3), min_size=80, max_size=80),
    given_range=st.none() | st.tuples(st.floats(-2e4, 2e4), st.floats(-2e4, 2e4)),
    fourteen=st.booleans(),
)
def test_midi_gives_values_back_within_half_a_step_and_times_within_a_tick(
    tmp_path_factory, values, gaps, given_range, fourteen
):
    path = tmp_path_factory.mktemp("export") / "c.mid"
    curve = Curve(np.cumsum(gaps)[: len(values)], values)
    ranges = {} if given_range is None else {"a.b": given_range}
    write_curves(path, {"a.b": curve}, ranges=ranges, fourteen_bit=fourteen)
    (track,) = mido.MidiFile(path).tracks
    about = json.loads(next(m.text for m in track if m.type == "text"))
    top = 16383 if fourteen else 127
    assert about["bits"] == (14 if fourteen else 7)
    if given_range is not None:
        assert about["min"] <= min(given_range)
        assert about["max"] >= max(given_range)
    moves = played(track)
    numbers = np.array([value for _, value in moves[20]])
    if fourteen:
        assert [t for t, _ in moves[52]] == [t for t, _ in moves[20]]
        numbers = numbers * 128 + np.array([value for _, value in moves[52]])
    assert (np.diff(numbers) != 0).all()  # changes only
    times = np.array([seconds for seconds, _ in moves[20]])
    known = np.searchsorted(times, curve.times + TICK / 2 + 1e-9, side="right") - 1
    assert (known >= 0).all()
    np.testing.assert_allclose(
        times, curve.times[[*np.unique(known, return_index=True)[1]]], atol=TICK
    )
    step = (about["max"] - about["min"]) / top
    back = about["min"] + numbers[known] * step
    assert np.abs(back - values).max() <= step / 2 * (1 + 1e-9) + 1e-9


def test_midi_has_a_track_a_parameter_and_the_next_channel_after_twelve(tmp_path):
    curves = {f"e{i}.p": wave() for i in range(25)}
    write_curves(tmp_path / "c.mid", curves)
    file = mido.MidiFile(tmp_path / "c.mid")
    assert (file.type, file.ticks_per_beat) == (1, 960)
    assert [track.name for track in file.tracks] == list(curves)
    assert [m.tempo for t in file.tracks for m in t if m.type == "set_tempo"] == [500000]
    places = [(m.channel, m.control) for t in file.tracks for m in t if not m.is_meta]
    expected = [(0, 20 + i) for i in range(12)] + [(1, 20 + i) for i in range(12)] + [(2, 20)]
    assert list(dict.fromkeys(places)) == expected
    assert file.length == pytest.approx(wave().times[-1], abs=TICK)


def test_midi_keeps_names_in_any_script(tmp_path):
    write_curves(tmp_path / "c.mid", {"ré.値": wave()})
    assert mido.MidiFile(tmp_path / "c.mid", charset="utf-8").tracks[0].name == "ré.値"


def test_jams_gives_the_curves_back(tmp_path):
    jams = pytest.importorskip("jams", reason="no jams: pip install 'tagnode[jams]'")
    curves = {"gain.gain_db": wave(20), "reverb.wet_level": wave(9, 0, 1)}
    write_curves(tmp_path / "c.jams", curves)
    whole = jams.load(str(tmp_path / "c.jams"), validate=True, strict=True)
    found = whole.search(namespace="vector")
    assert [note.sandbox.target for note in found] == list(curves)
    for note, curve in zip(found, curves.values(), strict=True):
        assert [o.time for o in note.data] == curve.times.tolist()
        assert [o.value for o in note.data] == [[value] for value in curve.values.tolist()]
        assert (note.sandbox.min, note.sandbox.max) == (curve.values.min(), curve.values.max())


@pytest.mark.parametrize("suffix", [".csv", ".json", ".mid", ".jams"])
@pytest.mark.parametrize(
    ("curves", "words"),
    [
        ({}, "no curves"),
        ({"a.b": Curve(np.zeros(0), np.zeros(0))}, "at least one"),
        ({"a.b": Curve(np.zeros(3), np.zeros(2))}, "3 times and 2 values"),
        ({"a.b": Curve(np.arange(3.0), np.array([0, np.nan, 1]))}, "non-finite"),
        ({"a.b": Curve(np.array([0, np.inf]), np.zeros(2))}, "non-finite"),
        ({"a.b": Curve(np.array([1.0, 0.0]), np.zeros(2))}, "order"),
    ],
)
def test_invalid_curves_are_rejected(tmp_path, suffix, curves, words):
    path = tmp_path / f"c{suffix}"
    path.write_text("before")
    with pytest.raises(PypluginError, match=words):
        write_curves(path, curves)
    assert path.read_text() == "before"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_more_curves_than_midi_can_store_are_rejected(tmp_path):
    with pytest.raises(PypluginError, match=r"193.*192"):
        write_curves(tmp_path / "c.mid", {f"e{i}.p": wave(2) for i in range(193)})


@pytest.mark.parametrize("name", ["c.txt", "c", "c.wav", ".csv"])
def test_an_unknown_suffix_is_rejected_with_a_list(tmp_path, name):
    for attempt in (write_curves, lambda path, curves: check_curves(path)):
        with pytest.raises(PypluginError, match=r"\.csv, \.json, \.mid, \.jams"):
            attempt(tmp_path / name, {"a.b": wave()})
    with pytest.raises(PypluginError, match=r"\.txt, \.jams"):
        check_labels(tmp_path / "labels.csv")


def test_a_suffix_in_capitals_is_the_same(tmp_path):
    write_curves(tmp_path / "C.MID", {"a.b": wave()})
    assert mido.MidiFile(tmp_path / "C.MID").tracks


# ----------------------------------------------------------------------------------------- labels


def result(
    activations: np.ndarray, *, hop: float = 0.5, window: float = 3.0, **changes
) -> TagResult:
    count = len(activations)
    values = {
        "model": "musicnn-mtt",
        "labels": [f"tag {index}" for index in range(activations.shape[1])],
        "times": np.arange(count) * hop,
        "window": window,
        "hop": hop,
        "activations": activations.astype(np.float32),
        "embeddings": None,
        "duration": (count - 1) * hop + window,
    }
    return TagResult(**{**values, **changes})


def audacity(path: Path) -> list[tuple[float, float, str]]:
    """Read labels as Audacity does: two numbers and the rest of the line."""
    lines = path.read_bytes().decode("utf-8").split("\n")
    assert lines.pop() == ""
    found = []
    for line in lines:
        start, end, label = line.split("\t", 2)
        assert len(start.split(".")[1]) == len(end.split(".")[1]) == 6
        found.append((float(start), float(end), label))
    return found


def test_windows_in_a_row_are_one_label_around_their_middles(tmp_path):
    tagged = np.zeros((10, 2))
    tagged[2:5, 0] = 0.5
    tagged[7, 0] = 0.3
    tagged[4:, 1] = 0.9
    write_labels(tmp_path / "l.txt", result(tagged, labels=["Female\tVocal", "rock"]))
    assert audacity(tmp_path / "l.txt") == [
        (1.0 + 1.5 - 0.25, 2.0 + 1.5 + 0.25, "Female Vocal"),
        (2.0 + 1.5 - 0.25, 4.5 + 3.0, "rock"),
        (3.5 + 1.5 - 0.25, 3.5 + 1.5 + 0.25, "Female Vocal"),
    ]


@settings(deadline=None, max_examples=100)
@given(
    activations=hnp.arrays(np.float32, (12, 3), elements=st.floats(0, 1, width=32)),
    threshold=st.floats(0, 1),
    hop=st.sampled_from([0.016, 0.1, 0.5, 3.0]),
)
def test_a_label_covers_the_middle_of_exactly_its_windows(
    tmp_path_factory, activations, threshold, hop
):
    path = tmp_path_factory.mktemp("labels") / "l.txt"
    tagged = result(activations, hop=hop)
    write_labels(path, tagged, threshold=threshold)
    labels = audacity(path)
    for column, label in enumerate(tagged.labels):
        spans = [(start, end) for start, end, name in labels if name == label]
        for row, start_of_window in enumerate(tagged.times):
            middle = start_of_window + tagged.window / 2
            covered = sum(start <= middle <= end for start, end in spans)
            assert covered == (activations[row, column] >= np.float32(threshold))
        for (_, end), (start, _) in itertools.pairwise(spans):
            assert start - end >= hop - 2e-6  # what is in a row is not cut in two
    assert all(0 <= start <= end <= tagged.duration for start, end, _ in labels)
    assert [start for start, _, _ in labels] == sorted(start for start, _, _ in labels)


def test_a_recording_shorter_than_a_window_is_labelled_whole(tmp_path):
    write_labels(tmp_path / "l.txt", result(np.ones((1, 1)), hop=0.5, duration=1.25))
    assert audacity(tmp_path / "l.txt") == [(0.0, 1.25, "tag 0")]


@settings(deadline=None, max_examples=100)
@given(
    windows=st.integers(1, 20),
    hop=st.floats(0.01, 60),
    rest=st.floats(0, 0.999),
)
def test_a_tag_in_every_window_covers_the_recording(tmp_path_factory, windows, hop, rest):
    path = tmp_path_factory.mktemp("labels") / "l.txt"
    duration = (windows - 1 + rest) * hop + 3.0  # a last piece is shorter than a hop
    write_labels(path, result(np.ones((windows, 1)), hop=hop, duration=duration))
    assert audacity(path) == [(0.0, pytest.approx(duration, abs=1e-6), "tag 0")]


@pytest.mark.parametrize("seconds", [0.5, 1.8, 1.9, 2.0, 2.01, 2.05, 2.1, 3.0])
def test_a_tone_is_labelled_from_its_start_to_its_end(tmp_path, seconds):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * 16000)) / 16000)
    write_labels(tmp_path / "l.txt", pyplugin.tag(tone, 16000), threshold=0.3)
    assert (0.0, pytest.approx(seconds, abs=1e-3), "tonal") in audacity(tmp_path / "l.txt")


def test_no_detected_tag_gives_an_empty_file(tmp_path):
    write_labels(tmp_path / "l.txt", result(np.zeros((3, 1))))
    assert (tmp_path / "l.txt").read_bytes() == b""


def test_jams_labels_have_their_confidence(tmp_path):
    jams = pytest.importorskip("jams", reason="no jams: pip install 'tagnode[jams]'")
    tagged = np.zeros((10, 2))
    tagged[2:5, 0] = 0.4, 0.5, 0.75
    tagged[9, 1] = 1
    write_labels(tmp_path / "l.jams", result(tagged), threshold=0.35, title="song.ogg")
    whole = jams.load(str(tmp_path / "l.jams"), validate=True, strict=True)
    assert whole.file_metadata.title == "song.ogg"
    assert whole.file_metadata.duration == 7.5
    (note,) = whole.search(namespace="tag_open")
    assert note.sandbox.model == "musicnn-mtt"
    first, second = note.data
    assert (first.time, first.duration, first.value) == (2.25, 1.5, "tag 0")
    assert first.confidence == pytest.approx(0.55)
    assert (second.time, second.duration, second.value, second.confidence) == (
        5.75,
        1.75,  # to the end
        "tag 1",
        1,
    )


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_out_of_range_is_rejected(tmp_path, threshold):
    with pytest.raises(PypluginError, match="0 to 1"):
        write_labels(tmp_path / "l.txt", result(np.ones((1, 1))), threshold=threshold)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "library"), [("x.mid", "mido"), ("x.jams", "jams")])
def test_a_missing_library_is_reported_with_its_extra(monkeypatch, tmp_path, name, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(PypluginError, match=rf"{library}.*pip install 'tagnode\["):
        check_curves(tmp_path / name)
    with pytest.raises(PypluginError, match="pip install"):
        write_curves(tmp_path / name, {"a.b": wave()})
    assert list(tmp_path.iterdir()) == []
