"""train head, teach and embed as a person uses them, on small sounds and a small model."""

import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install pyplugin[train]")

import soundfile

import pyplugin
from pyplugin.cli import main
from pyplugin.models import heads
from pyplugin.models.card import render_card
from pyplugin.training.heads.dataset import read_dataset
from pyplugin.training.heads.train import _examples

RATE = 22050


def sound(label: str, seed: int) -> np.ndarray:
    """A second of noise, loud or soft."""
    level = {"loud": 0.3, "soft": 0.002, "clicks": 0.03}[label]
    x = np.random.default_rng(seed).normal(0, level, RATE)
    if label == "clicks":
        x *= np.arange(RATE) % (RATE // 8) < 200
    return x


@pytest.fixture
def model_file(tmp_path, probe, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "probe.tflite"
    path.write_bytes(probe.model.data)
    path.with_suffix(".json").write_text(render_card(probe.model.card))
    return path


@pytest.fixture
def clips(tmp_path) -> Path:
    for number, label in enumerate(("clicks", "loud", "soft")):
        folder = tmp_path / "clips" / label
        folder.mkdir(parents=True)
        for seed in range(6):
            soundfile.write(folder / f"{seed}.wav", sound(label, 10 * number + seed), RATE)
    return tmp_path / "clips"


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


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Lets files grow to so many bytes, as a disk that is about full does."""
    resource = pytest.importorskip("resource", reason="needs setrlimit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def made(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()} - {
        "probe.tflite",
        "probe.json",
    }


class TestTrainHead:
    def options(self, model_file, *more):
        return ["--model", model_file, "--classifier", "logistic", "--jobs", 1, *more]

    def test_a_folder_becomes_a_head_that_tells_its_classes_apart(
        self, run, clips, model_file, tmp_path, probe
    ):
        code, out, err = run(
            "train", "head", clips, *self.options(model_file, "--out", tmp_path / "levels.head")
        )
        assert (code, err) == (0, "")
        assert made(tmp_path) == {"levels.head", "levels.report.tsv", "levels.report.html"}
        assert "accuracy 100.0 %" in out
        head = heads.load(tmp_path / "levels.head")
        assert (head.model, head.output, head.size) == ("probe", "dense", 3)
        assert head.labels == ("clicks", "loud", "soft")
        assert head.about["classes"] == {"clicks": 6, "loud": 6, "soft": 6}
        for label in head.labels:  # sounds that it has not heard
            result = pyplugin.tag(sound(label, 99), RATE, model=probe.model, embedding="dense")
            said = heads.run(head, result.embeddings.mean(axis=0, keepdims=True))
            assert head.labels[int(said.argmax())] == label

    def test_a_row_of_the_report_makes_its_head(self, run, clips, model_file, tmp_path):
        run("train", "head", clips, *self.options(model_file, "--out", tmp_path / "one.head"))
        report = tmp_path / "one.report.tsv"
        before = report.read_bytes()
        options = self.options(model_file, "--out", tmp_path / "two.head")
        assert run("train", "head", clips, *options, "--retrain", report, 5)[0] == 0
        header, *rows = report.read_text().splitlines()
        row = dict(zip(header.split("\t"), rows[4].split("\t"), strict=True))
        chosen = heads.load(tmp_path / "two.head").about["configuration"]
        assert (str(chosen["C"]), chosen["preprocessing"]) == (row["C"], row["preprocessing"])
        assert report.read_bytes() == before
        assert not (tmp_path / "two.report.tsv").exists()
        code, _, err = run("train", "head", clips, *options, "--retrain", report, 500)
        assert code == 2
        assert "has no row 500; choose one of 1 to" in err

    def test_the_external_set_is_reported_and_leakage_warned_of(
        self, run, clips, model_file, tmp_path
    ):
        external = tmp_path / "external"
        for label in ("clicks", "loud", "soft"):
            (external / label).mkdir(parents=True)
            soundfile.write(external / label / "new.wav", sound(label, 77), RATE)
        # soft sounds that the set calls loud: a third of it is wrong
        soundfile.write(external / "loud" / "new.wav", sound("soft", 78), RATE)
        shutil.copy(clips / "soft" / "0.wav", external / "soft" / "known.wav")
        options = self.options(model_file, "--out", tmp_path / "x.head", "--external", external)
        code, out, err = run("train", "head", clips, *options)
        assert code == 0
        assert "elsewhere 66.7 %" in out
        assert "1 clips of the external set were trained on too" in err
        assert heads.load(tmp_path / "x.head").about["external"]["balanced_accuracy"] == 0.6667
        assert "a drop of 33.3 points" in (tmp_path / "x.report.html").read_text()

    def test_windows_of_a_clip_stay_together(self, run, clips, model_file, tmp_path, probe):
        options = self.options(model_file, "--out", tmp_path / "w.head", "--windows")
        assert run("train", "head", clips, *options)[0] == 0
        assert heads.load(tmp_path / "w.head").about["trained_on"] == "windows"
        page = (tmp_path / "w.report.html").read_text()
        assert "Accuracy per window" in page
        assert "Accuracy per clip, its windows averaged" in page
        rows = (tmp_path / "w.report.tsv").read_text().splitlines()[1:]
        assert {row.split("\t")[-1] for row in rows} == {"window"}
        dataset = read_dataset(clips)
        examples, number, _ = _examples(dataset, probe.model, "dense", True, 1, lambda *_: None)
        assert len(examples.y) > 2 * len(dataset.clips)
        assert len(set(number)) == len(dataset.clips)
        for index, clip in enumerate(dataset.clips):
            assert len(set(examples.groups[number == index])) == 1
            assert set(examples.y[number == index]) == {clip.label}

    def test_a_class_by_one_artist_is_warned_of(self, run, clips, model_file, tmp_path):
        rows = [
            f"{path},{path.parent.name},{'Ann' if path.parent.name == 'loud' else path.stem}\n"
            for path in sorted(clips.rglob("*.wav"))
        ]
        (tmp_path / "t.csv").write_text("path,label,artist\n" + "".join(rows))
        options = self.options(model_file, "--out", tmp_path / "g.head")
        code, _, err = run("train", "head", tmp_path / "t.csv", *options)
        assert code == 0
        assert "All clips of 'loud' come from 1 groups or artists" in err

    def test_unreadable_clips_are_listed_and_counted(self, run, clips, model_file, tmp_path):
        (clips / "loud" / "notes.txt").write_text("no sound")
        options = self.options(model_file, "--out", tmp_path / "u.head")
        code, _, err = run("train", "head", clips, *options)
        assert code == 0
        assert "notes.txt" in err
        assert "1 clips were left out" in err
        assert "notes.txt" in (tmp_path / "u.report.html").read_text()

    def test_a_full_disk_ends_in_a_sentence_and_can_be_resumed_from(
        self, run, clips, model_file, tmp_path
    ):
        options = self.options(model_file, "--out", tmp_path / "f.head")
        with files_of_at_most(1000):
            code, _, err = run("train", "head", clips, *options)
        assert code == 2
        assert "f.folds.jsonl' cannot be written" in err
        assert made(tmp_path) == {"f.folds.jsonl"}
        finished = len((tmp_path / "f.folds.jsonl").read_text().splitlines())
        assert finished > 2
        assert run("train", "head", clips, *options, "--resume")[0] == 0
        assert made(tmp_path) == {"f.head", "f.report.tsv", "f.report.html"}
        before = (tmp_path / "f.head").read_bytes()
        retrain = ("--retrain", tmp_path / "f.report.tsv", 1)
        with files_of_at_most(400):
            code, _, err = run("train", "head", clips, *options, *retrain)
        assert code == 2
        assert "f.head cannot be written" in err
        assert (tmp_path / "f.head").read_bytes() == before
        assert made(tmp_path) == {"f.head", "f.report.tsv", "f.report.html"}

    def test_what_cannot_be_trained_on_ends_in_a_sentence_and_no_file(
        self, run, clips, model_file, tmp_path
    ):
        def refused(said, data=clips, out="r.head", *more):
            options = self.options(model_file, "--out", tmp_path / out, *more)
            code, _, err = run("train", "head", data, *options)
            assert code == 2
            assert said in err
            assert len(err.strip().splitlines()) == 1
            assert made(tmp_path) == set()

        refused("no output 'x'", clips, "r.head", "--embedding", "x")
        refused("is no name of a head", clips, "r r.head")
        refused("cannot be read", clips, "r.head", "--retrain", tmp_path / "none.tsv", 1)
        refused(
            "expected a folder of clips for each class", clips / "loud"
        )  # sounds, not folders of them
        lone = tmp_path / "lone"
        shutil.copytree(clips, lone)
        for path in sorted((lone / "soft").iterdir())[1:]:
            path.unlink()
        refused("The class 'soft' has 1 usable clip; at least 3", lone)
        alike = tmp_path / "alike"
        for number, label in enumerate(("a", "b")):
            (alike / label).mkdir(parents=True)
            for count in range(3):  # silences of several lengths: files differ, embeddings do not
                length = RATE + 100 * (3 * number + count)
                soundfile.write(alike / label / f"{count}.wav", np.zeros(length), RATE)
        refused("embeddings of all clips are equal", alike)
        (clips / "LOUD").mkdir()
        soundfile.write(clips / "LOUD" / "0.wav", sound("loud", 50), RATE)
        refused("would have one address, loud")


class TestTeach:
    def test_a_label_is_heard_where_it_is_and_not_elsewhere(
        self, run, clips, model_file, tmp_path, probe
    ):
        out = tmp_path / "loud.head"
        positive = [clips / "loud" / f"{n}.wav" for n in range(3)]
        negative = [clips / "soft", clips / "clicks"]
        code, said, err = run(
            "teach", "loud", *positive, "--not", *negative, "--model", model_file, "--out", out
        )
        assert (code, err) == (0, "")
        assert "15 of 15 clips are right" in said
        head = heads.load(out)
        assert head.labels == ("loud",)
        assert head.multi_label
        for label, expected in (("loud", True), ("soft", False), ("clicks", False)):
            result = pyplugin.tag(sound(label, 99), RATE, model=probe.model, embedding="dense")
            assert (heads.run(head, result.embeddings).mean() > 0.5) == expected

    def test_what_cannot_be_taught_ends_in_a_sentence(self, run, clips, model_file, tmp_path):
        loud, soft = clips / "loud", clips / "soft"
        (tmp_path / "bad.wav").write_text("no sound")
        (empty := tmp_path / "empty").mkdir()
        for said, arguments in {
            "has no background for probe. Give clips without it after --not": ["loud", loud],
            "There are no clips without 'loud' in": ["loud", loud, "--not", empty],
            "is given with and without 'loud'": ["loud", loud, "--not", soft, loud / "1.wav"],
            "There is no file": ["loud", loud, "--not", tmp_path / "none.wav"],
            "'!' is no label": ["!", loud, "--not", soft],
            "No clip with 'loud' can be used": ["loud", tmp_path / "bad.wav", "--not", soft],
        }.items():
            out = tmp_path / "t.head"
            code, _, err = run("teach", *arguments, "--model", model_file, "--out", out)
            assert code == 2, said
            assert said in err
            assert not out.exists()


class TestEmbed:
    def test_npy_and_parquet_hold_the_windows_of_all_files(
        self, run, clips, model_file, tmp_path, probe
    ):
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs pyarrow: pyplugin[train]")
        files = [clips / "loud" / "0.wav", clips / "soft" / "0.wav"]
        results = [pyplugin.tag(file, model=probe.model, embedding="dense") for file in files]
        expected = np.concatenate([result.embeddings for result in results])
        for name in ("e.npy", "e.parquet"):
            code, _, err = run("embed", *files, "--model", model_file, "--out", tmp_path / name)
            assert (code, err) == (0, "")
        np.testing.assert_array_equal(np.load(tmp_path / "e.npy"), expected)
        table = parquet.read_table(tmp_path / "e.parquet").to_pydict()
        np.testing.assert_array_equal(np.array(table["embedding"], np.float32), expected)
        np.testing.assert_array_equal(table["start"], np.concatenate([r.times for r in results]))
        windows = np.subtract(table["end"], table["start"])
        np.testing.assert_allclose(windows, results[0].window)
        assert table["file"] == [
            str(f) for f, r in zip(files, results, strict=True) for _ in r.times
        ]

    def test_the_plot_is_a_picture(self, run, clips, model_file, tmp_path):
        pytest.importorskip("matplotlib", reason="needs matplotlib: pip install pyplugin[plot]")
        options = ["--model", model_file, "--out", tmp_path / "e.npy", "--plot", tmp_path / "e.png"]
        assert run("embed", *(clips / "loud").iterdir(), *options)[0] == 0
        data = (tmp_path / "e.png").read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(data[16:20], "big") == 1440

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            (["--out", "x.csv"], "--out writes .npy or .parquet; x.csv was given"),
            (["--out", "x.npy", "--plot", "x.svg"], "--plot draws .png"),
            (["--out", "x.npy", "--embedding", "none"], "no output 'none'"),
            (["--out", "missing/x.npy"], "its folder does not exist"),
        ],
    )
    def test_mistakes_end_in_a_sentence(
        self, run, clips, model_file, tmp_path, options, said, monkeypatch
    ):
        monkeypatch.chdir(tmp_path)
        code, _, err = run("embed", clips / "loud" / "0.wav", "--model", model_file, *options)
        assert code == 2
        assert said in err
        assert made(tmp_path) == set()

    @pytest.mark.parametrize("name", ["e.npy", "e.parquet", "e.png"])
    def test_a_full_disk_ends_in_a_sentence_and_no_file(
        self, run, clips, model_file, tmp_path, name
    ):
        out = ["--out", tmp_path / name]
        if name.endswith(".png"):
            pytest.importorskip("matplotlib", reason="needs matplotlib: pip install pyplugin[plot]")
            out = ["--out", tmp_path / "e.npy", "--plot", tmp_path / name]
        files = 4 * sorted(clips.rglob("*.wav"))
        with files_of_at_most(1000 if len(out) == 2 else 10_000):
            code, _, err = run("embed", *files, "--model", model_file, *out)
        assert code == 2
        assert f"{name}' cannot be written" in err
        assert made(tmp_path) <= {"e.npy"} - {name}

    def test_what_cannot_be_read_is_left_out(self, run, clips, model_file, tmp_path):
        (tmp_path / "bad.wav").write_text("no sound")
        files = [tmp_path / "bad.wav", clips / "loud" / "0.wav"]
        code, out, err = run("embed", *files, "--model", model_file, "--out", tmp_path / "e.npy")
        assert code == 2
        assert "bad.wav" in err
        assert "e.npy" in out
