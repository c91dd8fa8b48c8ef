"""The command line as a person uses it: outputs, a sentence for every mistake, no half files."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from helpers import music

import pyplugin
from pyplugin.automation.presets import read_preset, shipped_presets
from pyplugin.cli import main

DEMO = Path(__file__).parents[2] / "examples" / "demo" / "demo.ogg"


@pytest.fixture
def run(monkeypatch, capfd):
    """Run the command line in this process: (exit status, stdout, stderr)."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pyplugin", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        captured = capfd.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def song(tmp_path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, music(5, 22050, 2).T, 22050)
    return path


def sentence(err: str) -> str:
    """The one line on stderr; a traceback or a second line is a failure."""
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("pyplugin: "), err
    return lines[0]


# ------------------------------------------------------------------------------------------ tag


class TestTag:
    def test_prints_the_highest_tags(self, run, song):
        code, out, err = run("tag", song, "--top", 3)
        assert code == 0
        assert err == ""
        lines = out.splitlines()
        assert lines[0].startswith(str(song))
        result = pyplugin.tag(song)
        assert [line.split("  ")[1].strip() for line in lines[1:]] == [t for t, _ in result.top(3)]

    def test_json_lines_csv_and_embeddings_are_the_results(self, run, song, tmp_path):
        table, vectors = tmp_path / "tags.csv", tmp_path / "e.npy"
        options = ["--hop", 0.5, "--csv", table, "--embeddings", vectors, "--embedding", "logits"]
        code, out, _ = run("tag", song, "--json", *options)
        assert code == 0
        result = pyplugin.tag(song, hop=0.5, embedding="logits")
        lines = [json.loads(line) for line in out.splitlines()]
        assert len(lines) == len(result.times)
        for line, start, row in zip(lines, result.times, result.activations, strict=True):
            assert line["v"] == 1
            assert line["state"] == "fresh"
            assert (line["source"], line["model"]) == (str(song), "scene")
            assert line["start"] == pytest.approx(start)
            assert line["end"] - line["start"] == pytest.approx(result.window)
            assert list(line["tags"]) == result.labels
            np.testing.assert_allclose(list(line["tags"].values()), row, atol=1e-6)
        with table.open(newline="") as stream:
            rows = list(csv.reader(stream))
        assert rows[0] == ["file", "start", "end", *result.labels]
        np.testing.assert_allclose(
            np.array([row[3:] for row in rows[1:]], float), result.activations, atol=1e-6
        )
        np.testing.assert_array_equal(np.load(vectors), result.embeddings)

    def test_the_cards_embedding_is_the_default(self, run, song, tmp_path):
        assert run("tag", song, "--embeddings", tmp_path / "e.npy")[0] == 0
        expected = pyplugin.tag(song, embedding="embedding").embeddings
        np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), expected)

    def test_labels_are_where_the_tags_are(self, run, song, tmp_path):
        result = pyplugin.tag(song, hop=0.25)
        threshold = float(np.median(result.activations.max(axis=0)))
        there = result.activations >= np.float32(threshold)
        options = ["--hop", 0.25, "--threshold", threshold, "--labels"]
        assert run("tag", song, *options, tmp_path / "l.txt")[0] == 0
        with (tmp_path / "l.txt").open(newline="") as stream:
            rows = [(float(a), float(b), label) for a, b, label in csv.reader(stream, "excel-tab")]
        assert {label for *_, label in rows} == set(np.array(result.labels)[there.any(axis=0)])
        covered = {label: sum(b - a for a, b, name in rows if name == label) for *_, label in rows}
        for label, windows in zip(result.labels, there.sum(axis=0), strict=True):
            assert covered.get(label, 0) == pytest.approx(windows * result.hop, abs=0.02)

    def test_labels_for_jams(self, run, song, tmp_path):
        jams = pytest.importorskip("jams", reason="no jams: pip install 'pyplugin[jams]'")
        options = ["--threshold", 0, "--labels", tmp_path / "l.jams"]
        assert run("tag", song, *options)[0] == 0
        whole = jams.load(str(tmp_path / "l.jams"), validate=True, strict=True)
        assert whole.file_metadata.title == song.name
        assert len(whole.search(namespace="tag_open")[0].data) == 6

    def test_plot_is_a_picture(self, run, song, tmp_path):
        assert run("tag", song, "--plot", tmp_path / "p.png")[0] == 0
        assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")

    def test_one_bad_file_does_not_stop_the_others(self, run, song, tmp_path):
        code, out, err = run("tag", tmp_path / "missing.wav", song)
        assert code == 2
        assert "missing.wav" in sentence(err)
        assert str(song) in out

    def test_a_short_recording_is_answered_and_says_so(self, run, tmp_path):
        soundfile.write(tmp_path / "s.wav", music(0.3, 16000)[0], 16000)
        code, out, err = run("tag", tmp_path / "s.wav")
        assert code == 0
        assert "1 window" in out
        assert "repeated" in sentence(err)

    def test_samples_that_are_no_numbers_are_reported(self, run, tmp_path):
        x = music(4, 16000)[0]
        x[7] = np.nan
        soundfile.write(tmp_path / "n.wav", x, 16000, subtype="FLOAT")
        code, _, err = run("tag", tmp_path / "n.wav")
        assert code == 0
        assert "NaN" in sentence(err)

    def test_a_truncated_mp3_is_tagged_as_far_as_it_goes(self, run, tmp_path):
        import av

        with av.open(str(tmp_path / "w.mp3"), "w") as container:
            stream = container.add_stream("mp3", rate=44100)
            frame = av.AudioFrame.from_ndarray(music(8, 44100), format="fltp", layout="mono")
            frame.sample_rate = 44100
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                container.mux(packet)
        whole = (tmp_path / "w.mp3").read_bytes()
        (tmp_path / "t.mp3").write_bytes(whole[: len(whole) * 6 // 10])
        code, out, _ = run("tag", tmp_path / "t.mp3")
        assert code == 0
        assert "0:04." in out


def silent_wav(path: Path, *, rate: int = 16000, channels: int = 1, samples: int = 16000) -> None:
    with wave.open(str(path), "wb") as stream:
        stream.setparams((channels, 2, rate, 0, "NONE", ""))
        stream.writeframes(bytes(2 * channels * samples))


BAD_FILES = {
    "missing": (lambda path: None, "x.wav"),
    "folder": (lambda path: path.mkdir(), "folder"),
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "text": (lambda path: path.write_text("la la la"), "x.wav"),
    "no samples": (lambda path: silent_wav(path, samples=0), "no samples"),
    "nine channels": (lambda path: silent_wav(path, channels=9), "9"),
    "slow": (lambda path: silent_wav(path, rate=7000), "8000"),
    "fast": (lambda path: silent_wav(path, rate=200000), "192000"),
}


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("kind", BAD_FILES)
@pytest.mark.parametrize("command", ["tag", "render"])
def test_a_bad_recording_is_one_sentence_and_status_2(run, tmp_path, kind, command):
    import re

    make, words = BAD_FILES[kind]
    path, out = tmp_path / "x.wav", tmp_path / "out.wav"
    make(path)
    extra = [out, "--preset", "open-with-drums"] if command == "render" else []
    code, _, err = run(command, path, *extra)
    assert code == 2
    assert re.search(words, sentence(err)), err
    assert {entry.name for entry in tmp_path.iterdir()} <= {"x.wav"}


# --------------------------------------------------------------------------------------- render


class TestRender:
    def test_writes_sound_curves_and_picture(self, run, song, tmp_path):
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
    def test_curves_for_other_programs_are_those_of_the_table(
        self, run, song, tmp_path, fourteen_bit
    ):
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
    def test_curves_of_another_format_are_refused_before_any_work(self, run, song, name):
        out = song.parent / "o.wav"
        options = ["--preset", "open-with-drums", "--curves", song.parent / name]
        code, _, err = run("render", song, out, *options)
        assert code == 2
        assert ".csv, .json, .mid, .jams" in sentence(err)
        assert [path.name for path in song.parent.iterdir()] == [song.name]

    def test_sidechain_is_what_is_heard(self, run, tmp_path):
        soundfile.write(tmp_path / "bed.wav", np.full(44100 * 9, 0.25), 44100)
        options = ["--preset", "open-with-drums", "--sidechain", DEMO, "--curves"]
        code, _, _ = run(
            "render", tmp_path / "bed.wav", tmp_path / "o.wav", *options, tmp_path / "a.csv"
        )
        assert code == 0
        assert soundfile.info(tmp_path / "o.wav").frames == 44100 * 9

    def test_clipping_is_reported(self, run, tmp_path):
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
    def test_a_mistake_is_one_sentence_and_nothing_is_written(self, run, song, change, words):
        before = {path.name: path.read_bytes() for path in song.parent.iterdir()}
        preset = change.get("preset", "open-with-drums")
        model = ["--model", change["model"]] if "model" in change else []
        code, _, err = run(
            "render", song, song.parent / change.get("out", "o.wav"), "--preset", preset, *model
        )
        assert code == 2
        assert words in sentence(err)
        assert before == {path.name: path.read_bytes() for path in song.parent.iterdir()}

    def test_outputs_of_one_name_are_refused(self, run, song):
        out = song.parent / "o.wav"
        code, _, err = run("render", song, out, "--preset", "open-with-drums", "--curves", out)
        assert code == 2
        assert "twice" in sentence(err)

    def test_a_closed_folder_is_refused(self, run, song):
        closed = Path("/sys")  # where not even root may make a file
        if not closed.is_dir() or os.geteuid() != 0:
            closed = song.parent / "closed"
            closed.mkdir(mode=0o500)
        code, _, err = run("render", song, closed / "o.wav", "--preset", "open-with-drums")
        assert code == 2
        assert "permission" in sentence(err)


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


# ------------------------------------------------------------------------------- models, doctor


def test_models_list_info_and_verify(run, musicnn):
    code, out, _ = run("models", "list")
    assert code == 0
    for name in ("musicnn-mtt", "musicnn-msd", "vgg-mtt", "vgg-msd"):
        assert name in out
    code, out, _ = run("models", "info", "musicnn-mtt")
    assert code == 0
    card = json.loads(out)
    assert card["classes"] == list(musicnn.card.labels)
    assert len(card["quantisation"]["per_label"]) == 50
    code, out, _ = run("models", "verify")
    assert code == 0
    assert "ok" in out


def copy_models(monkeypatch, tmp_path, musicnn) -> Path:
    for path in musicnn.path.parent.glob("musicnn-mtt.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    return tmp_path


def test_a_damaged_model_is_found(run, musicnn, monkeypatch, tmp_path):
    path = copy_models(monkeypatch, tmp_path, musicnn) / "musicnn-mtt.tflite"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, out, _ = run("models", "verify")
    assert code == 1
    assert "BAD" in out
    code, _, err = run("tag", DEMO, "--model", "musicnn-mtt")
    assert code == 2
    assert "damaged" in sentence(err)
    assert "pyplugin models get" in err


def test_a_missing_model_says_how_to_get_it(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    code, _, err = run("tag", DEMO, "--model", "musicnn-mtt")
    assert code == 2
    assert "pyplugin models get musicnn-mtt" in sentence(err)


def test_a_wheel_with_the_wrong_hash_is_refused(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    (tmp_path / "w.whl").write_bytes(b"PK")
    code, _, err = run("models", "get", "musicnn-mtt", "--from", tmp_path / "w.whl")
    assert code == 1
    assert "f38a4890" in err
    assert not list((tmp_path / "models").glob("*")) if (tmp_path / "models").exists() else True


def test_no_network_says_what_to_do(run, monkeypatch, tmp_path):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_RETRIES", "0")
    code, _, err = run("models", "get", "musicnn-mtt")
    assert code == 1
    assert "--from" in err
    assert "Traceback" not in err


def test_doctor(run, monkeypatch, tmp_path):
    code, out, _ = run("doctor")
    assert code == 0
    for name in ("libtagnode", "instruction set", "litert", "pedalboard", "scene"):
        assert name in out
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    code, out, _ = run("doctor")
    assert code == 0
    assert "pyplugin models get musicnn-mtt" in out


# ------------------------------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    "page", [[], ["tag"], ["render"], ["models"], ["doctor"], ["models", "get"], ["models", "info"]]
)
def test_every_page_of_help(run, page):
    code, out, _ = run(*page, "--help")
    assert code == 0
    assert "Usage: " in out
    assert len(out.splitlines()) > 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tga"], "'tag'"),
        (["tag"], "FILE"),
        (["tag", "a.wav", "--tip", "3"], "--top"),
        (["tag", "a.wav", "--top", "0"], "--top"),
        (["tag", "a.wav", "b.wav", "--plot", "p.png"], "one FILE"),
        (["tag", "a.wav", "--embedding", "logits"], "--embeddings"),
        (["tag", "a.wav", "--embeddings", "e.txt"], ".npy"),
        (["tag", "a.wav", "--plot", "p.svg"], ".png"),
        (["tag", "a.wav", "--labels", "l.csv"], ".txt, .jams"),
        (["tag", "a.wav", "--threshold", "0.5"], "--labels"),
        (["tag", "a.wav", "--labels", "l.txt", "--threshold", "2"], "--threshold"),
        (["tag", "a.wav", "b.wav", "--labels", "l.txt"], "one FILE"),
        (["render", "a.wav", "b.wav", "--preset", "x", "--midi-14bit"], ".mid"),
        (["render", "a.wav", "b.wav"], "--preset"),
    ],
)
def test_a_wrong_command_is_explained(run, arguments, words):
    code, _, err = run(*arguments)
    assert code == 2
    assert words in err
    assert "Traceback" not in err


def test_a_closed_pipe_is_no_error(musicnn, song):
    command = f"{sys.executable} -m pyplugin tag {song} --json --hop 0.05 | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1


# -------------------------------------------------------------------------------------- presets


class TestPresets:
    def test_list_names_each_with_its_model_and_its_use(self, run):
        code, out, _ = run("presets", "list")
        assert code == 0
        for name, path in shipped_presets().items():
            assert f"\n{name} " in out
            assert read_preset(path).description.split()[0] in out
        assert "no model" in out
        assert "musicnn-mtt" in out

    def test_show_prints_the_file(self, run):
        code, out, _ = run("presets", "show", "late-night")
        assert code == 0
        assert out == shipped_presets()["late-night"].read_text()

    @pytest.mark.usefixtures("musicnn")
    def test_new_writes_a_sound_preset_and_leaves_a_file_alone(self, run, tmp_path):
        file = tmp_path / "mine.toml"
        for source in shipped_presets():
            assert run("presets", "new", file, "--from", source)[0] == 0
            assert read_preset(file).name == "mine"
            assert run("presets", "check", file)[0] == 0
            code, _, err = run("presets", "new", file)
            assert (code, "there already" in sentence(err)) == (2, True)
            file.unlink()
        assert "--from" in run("presets", "new", "--help")[1]
        assert run("presets", "new", tmp_path / "mine.json")[0] == 2

    @pytest.mark.usefixtures("musicnn")
    def test_check_goes_on_and_names_each_mistake(self, run, tmp_path):
        text = shipped_presets()["duck-under-voice"].read_text()
        wrong, label = tmp_path / "wrong.toml", tmp_path / "label.toml"
        wrong.write_text(text.replace("release = 0.8", "realease = 0.8"))
        label.write_text(text.replace('"tag.speech",', '"tag.speach",'))
        code, out, err = run("presets", "check", wrong, label, "open-with-drums")
        assert code == 2
        assert "open-with-drums: sound; 1 effect, 1 parameter" in out
        first, second = err.strip().splitlines()
        assert "wrong.toml, line" in first
        assert "'release'" in first
        assert "label.toml, line" in second
        assert "'tag.speech'" in second

    def test_check_without_the_model_says_so(self, run, tmp_path, monkeypatch):
        monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
        code, out, _ = run("presets", "check", "drift", "late-night")
        assert code == 0
        assert "without its model" in out
        assert "late-night: sound; 3 effects, 1 parameter" in out
        wrong = tmp_path / "wrong.toml"
        wrong.write_text(
            shipped_presets()["drift"].read_text().replace("musicnn-mtt", "musicn-mtt")
        )
        code, out, err = run("presets", "check", wrong)
        assert (code, out) == (2, "")
        assert "'musicn-mtt'; did you mean 'musicnn-mtt'" in sentence(err)

    @pytest.mark.usefixtures("musicnn")
    def test_check_names_the_model_that_a_preset_leaves_open(self, run, tmp_path):
        text = shipped_presets()["open-with-drums"].read_text()
        (tmp_path / "a.toml").write_text(text.replace('model = "scene"', ""))
        assert "moved, scene" in run("presets", "check", tmp_path / "a.toml")[1]

    def test_schema_is_the_one_published(self, run):
        code, out, _ = run("presets", "schema")
        assert code == 0
        assert json.loads(out)["title"] == "pyplugin preset"


def test_a_preset_of_signals_needs_no_model(run, song, tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "none"))
    code, out, err = run("render", song, tmp_path / "o.wav", "--preset", "loudness-guard")
    assert (code, err) == (0, "")
    assert "nothing but measured" in out
    picture = tmp_path / "o.png"
    assert run("render", song, tmp_path / "o.wav", "--preset", "drift", "--plot", picture)[0] == 2
    arguments = ("render", song, tmp_path / "o.wav", "--preset", "late-night", "--plot", picture)
    assert run(*arguments)[0] == 0
    assert picture.stat().st_size > 5000
