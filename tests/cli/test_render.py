"""``tagnode render``: audio, curves and pictures; a mistake is one sentence and leaves no file."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import BAD_RECORDINGS, music, sentence

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "demo.ogg"


def test_writes_sound_curves_and_picture(run, song, tmp_path):
    out, curves, plot = tmp_path / "o.flac", tmp_path / "c.csv", tmp_path / "p.png"
    options = ["--preset", "duck-under-voice", "--curves", curves, "--plot", plot]
    code, text, err = run("render", song, out, *options)
    assert (code, err) == (0, "")
    assert "bed.gain_db" in text
    assert soundfile.info(out).frames == soundfile.info(song).frames
    with curves.open(newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows[0] == ["time", "bed.gain_db"]
    assert len(rows) == pytest.approx(5 * 50, abs=3)
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("fourteen_bit", [False, True])
def test_curves_for_other_programs_are_those_of_the_table(run, song, tmp_path, fourteen_bit):
    import mido

    command = ["render", song, tmp_path / "o.wav", "--preset", "duck-under-voice", "--curves"]
    flag = ["--midi-14bit"] if fourteen_bit else []
    assert run(*command, tmp_path / "c.csv")[0] == 0
    assert run(*command, tmp_path / "c.json")[0] == 0
    assert run(*command, tmp_path / "c.mid", *flag)[0] == 0
    table = np.loadtxt(tmp_path / "c.csv", delimiter=",", skiprows=1)
    lane = json.loads((tmp_path / "c.json").read_text())["curves"]["bed.gain_db"]
    np.testing.assert_allclose(lane["times"], table[:, 0], atol=5e-4)
    np.testing.assert_allclose(lane["values"], table[:, 1], rtol=1e-5, atol=1e-5)
    (track,) = mido.MidiFile(tmp_path / "c.mid").tracks
    assert track.name == "bed.gain_db"
    controllers = {m.control for m in track if m.type == "control_change"}
    assert controllers == ({20, 52} if fourteen_bit else {20})


@pytest.mark.parametrize("name", ["c.txt", "c"])
def test_curves_of_another_format_are_rejected_before_any_work(run, song, name):
    out = song.parent / "o.wav"
    options = ["--preset", "open-with-drums", "--curves", song.parent / name]
    code, _, err = run("render", song, out, *options)
    assert code == 2
    assert ".csv, .json, .mid, .jams" in sentence(err)
    assert [path.name for path in song.parent.iterdir()] == [song.name]


def test_the_sidechain_is_analysed_instead_of_the_input(run, tmp_path):
    soundfile.write(tmp_path / "bed.wav", np.full(44100 * 9, 0.25), 44100)
    options = ["--preset", "open-with-drums", "--sidechain", DEMO, "--curves"]
    code, _, _ = run(
        "render", tmp_path / "bed.wav", tmp_path / "o.wav", *options, tmp_path / "a.csv"
    )
    assert code == 0
    assert soundfile.info(tmp_path / "o.wav").frames == 44100 * 9


def test_clipping_is_reported(run, tmp_path):
    (tmp_path / "loud.toml").write_text(
        '[preset]\nname = "loud"\n[[effect]]\ntype = "gain"\n[[map]]\nsource = "tag.music"\n'
        'target = "gain.gain_db"\nmin = 30\nmax = 40\n'
    )
    soundfile.write(tmp_path / "i.wav", music(4, 16000)[0], 16000)
    code, _, err = run(
        "render", tmp_path / "i.wav", tmp_path / "o.wav", "--preset", tmp_path / "loud.toml"
    )
    assert code == 0
    assert "full scale" in sentence(err)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"preset": "open-with-drum"}, "open-with-drums"),
        ({"preset": "none.toml"}, "none.toml"),
        ({"model": "musicnn-mt"}, "musicnn-mtt"),
        ({"out": "o.mp3"}, "wav"),
        ({"out": "missing/o.wav"}, "folder"),
        ({"out": "song.wav"}, "input"),
        ({"out": "."}, "folder"),
    ],
)
def test_invalid_input_gets_one_sentence_and_writes_no_file(run, song, change, words):
    before = {path.name: path.read_bytes() for path in song.parent.iterdir()}
    preset = change.get("preset", "open-with-drums")
    model = ["--model", change["model"]] if "model" in change else []
    code, _, err = run(
        "render", song, song.parent / change.get("out", "o.wav"), "--preset", preset, *model
    )
    assert code == 2
    assert words in sentence(err)
    assert before == {path.name: path.read_bytes() for path in song.parent.iterdir()}


@pytest.mark.parametrize("option", ["OUT", "--curves", "--plot"])
def test_an_output_that_is_the_sidechain_is_rejected(run, song, option):
    key = song.parent / {"OUT": "key.wav", "--curves": "key.csv", "--plot": "key.png"}[option]
    key.write_bytes(song.read_bytes())
    out = key if option == "OUT" else song.parent / "o.wav"
    more = [] if option == "OUT" else [option, key]
    code, _, err = run("render", song, out, "--preset", "drift", "--sidechain", key, *more)
    assert code == 2
    assert "input" in sentence(err)
    assert key.read_bytes() == song.read_bytes()


def test_two_outputs_with_the_same_name_are_rejected(run, song):
    out = song.parent / "o.wav"
    code, _, err = run("render", song, out, "--preset", "open-with-drums", "--curves", out)
    assert code == 2
    assert "given twice" in sentence(err)


def test_a_read_only_folder_is_rejected(run, song):
    closed = Path("/sys")  # where not even root may make a file
    if not closed.is_dir() or os.geteuid() != 0:
        closed = song.parent / "closed"
        closed.mkdir(mode=0o500)
    code, _, err = run("render", song, closed / "o.wav", "--preset", "open-with-drums")
    assert code == 2
    assert "permission" in sentence(err)


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("kind", BAD_RECORDINGS)
def test_an_invalid_recording_gets_one_sentence_and_status_2(run, tmp_path, kind):
    make, words = BAD_RECORDINGS[kind]
    path, out = tmp_path / "x.wav", tmp_path / "out.wav"
    make(path)
    code, _, err = run("render", path, out, "--preset", "open-with-drums")
    assert code == 2
    assert re.search(words, sentence(err)), err
    assert {entry.name for entry in tmp_path.iterdir()} <= {"x.wav"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["render", "a.wav", "b.wav", "--preset", "x", "--midi-14bit"], ".mid"),
        (["render", "a.wav", "b.wav"], "--preset"),
    ],
)
def test_a_wrong_option_is_explained(run, arguments, words):
    code, _, err = run(*arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_control_c_leaves_no_partial_file(tmp_path):
    source = tmp_path / "in.wav"
    soundfile.write(source, music(120, 22050)[0], 22050)
    out = tmp_path / "out.wav"
    command = [
        sys.executable,
        "-m",
        "pyplugin",
        "render",
        source,
        out,
        "--preset",
        "open-with-drums",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not any(path.suffix == ".part" for path in tmp_path.iterdir()):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_a_preset_of_signals_needs_no_model(run, song, tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "none"))
    code, out, err = run("render", song, tmp_path / "o.wav", "--preset", "loudness-guard")
    assert (code, err) == (0, "")
    assert "signals only" in out
    picture = tmp_path / "o.png"
    assert run("render", song, tmp_path / "o.wav", "--preset", "drift", "--plot", picture)[0] == 2
    arguments = ("render", song, tmp_path / "o.wav", "--preset", "late-night", "--plot", picture)
    assert run(*arguments)[0] == 0
    assert picture.stat().st_size > 5000
