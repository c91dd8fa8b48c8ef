"""``tagnode train network``: both forms of it, and input that is refused."""

import re
import shutil
import signal
import subprocess
import sys

import pytest
from genres import LABELS, write_genres
from helpers import limit_file_size, sentence, written_files

from pyplugin.models import registry


@pytest.mark.parametrize("option", ["--corpus", "--out"])
def test_required_options(run, tmp_path, option):
    options = {"--corpus": tmp_path, "--out": tmp_path}
    del options[option]
    code, _, err = run("train", "network", "a.toml", *sum(options.items(), ()))
    assert code == 2
    assert f"Missing option '{option}'" in err


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        ("a.toml", ["--corpus", "c", "--epochs", "3"], "a recipe, which has its own settings"),
        ("folder", ["--corpus", "c"], "--corpus is for a recipe; folder is not a .toml file"),
    ],
)
def test_options_of_the_other_form_are_refused(run, data, more, message):
    code, _, err = run("train", "network", data, "--out", "x", *more)
    assert code == 2
    assert message in err


def test_without_scikit_learn_the_extra_is_reported(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    code, _, err = run("train", "network", "a.toml", "--corpus", tmp_path, "--out", tmp_path)
    assert code == 2
    assert "pip install 'tagnode[network]'" in sentence(err)


def test_a_missing_recipe_and_a_missing_folder_are_reported(run, tmp_path):
    pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
    arguments = ["--corpus", tmp_path, "--out", tmp_path / "missing"]
    code, _, err = run("train", "network", tmp_path / "a.toml", *arguments)
    assert code == 2
    assert "Cannot read the recipe" in sentence(err)


@pytest.fixture(scope="module")
def genres(tmp_path_factory):
    pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
    return write_genres(tmp_path_factory.mktemp("genres"))


QUICK = ["--batch", 4, "--epochs", 1, "--architecture", "deepsound"]


def test_a_folder_makes_a_model_that_is_used_by_its_name(run, genres, tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    code, out, err = run("train", "network", genres, "--out", "my-genres", *QUICK)
    assert code == 0, err
    assert "Training: epoch 1: loss" in err
    assert "6 clips not trained on: accuracy" in out
    names = {"my-genres.tflite", "my-genres.json", "my-genres.report.html"}
    assert written_files(tmp_path / "models") == names
    assert registry.load("my-genres").card.labels == LABELS
    code, out, err = run("tag", genres / "blues" / "blues.00000.wav", "--model", "my-genres")
    assert (code, err) == (0, "")
    assert "my-genres" in out
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    code, out, err = run("plugins", "model", "my-genres", "--as", "custom-1")
    assert code == 0, err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--from", "yamnet"], "only the weights of scene fit.*train head .* --backbone yam"),
        (["--from", "scene", *QUICK], "needs the architecture own"),
        (["--filelist", "{}"], "--filelist is for a ground truth file"),
        (["--groups", "{}"], "lists none of the 24 clips"),
        (["--out", "scene"], "a model 'scene' of pyplugin's own"),
        (["--batch", 10**14], "not enough memory.*smaller --batch"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(run, genres, tmp_path, more, message):
    listed = tmp_path / "list.csv"
    listed.write_text("path,artist\nnone.wav,Ann\n")
    more = [str(word).format(listed) for word in more]
    out = [] if "--out" in more else ["--out", tmp_path / "x.tflite"]
    code, _, err = run("train", "network", genres, *out, *more)
    assert code in (1, 2)
    assert re.search(message, sentence(err))
    assert written_files(tmp_path) == {"list.csv"}


def test_a_missing_folder_and_a_class_of_one_clip_are_reported(run, genres, tmp_path):
    out = ["--out", tmp_path / "x.tflite"]
    code, _, err = run("train", "network", tmp_path / "none", *out)
    assert code == 2
    assert "expected a folder with one subfolder for each class" in sentence(err)
    folder = shutil.copytree(genres, tmp_path / "few")
    (folder / "jazz").mkdir()
    shutil.copy(genres / "blues" / "blues.00000.wav", folder / "jazz")
    code, _, err = run("train", "network", folder, *out)
    assert code == 2
    assert "in two classes, for example" in sentence(err)
    (folder / "blues" / "blues.00000.wav").unlink()
    code, _, err = run("train", "network", folder, *out)
    assert code == 2
    assert "The class 'jazz' has 1 usable clip; at least 3 are needed" in sentence(err)


def test_a_full_disk_leaves_no_half_of_a_model(run, genres, tmp_path):
    out = tmp_path / "x.tflite"
    with limit_file_size(50_000):
        code, _, err = run("train", "network", genres, "--out", out, *QUICK)
    assert code == 1
    assert "cannot be written" in sentence(err)
    assert written_files(tmp_path) == set()


def test_ctrl_c_exports_the_best_so_far(genres, tmp_path):
    out = tmp_path / "x.tflite"
    options = [*QUICK[:2], "--epochs", "400", "--patience", "400", *QUICK[4:]]
    words = ["train", "network", genres, "--out", out, *options]
    program = [sys.executable, "-m", "pyplugin", *map(str, words)]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "epoch 2" in line:
                process.send_signal(signal.SIGINT)
                break
        err = process.stderr.read()
        assert process.wait() == 0, err
    assert "Stopped; exporting the best network so far." in err
    assert "Continue with the same options and --resume." in err
    assert registry.load(out).card.labels == LABELS
    assert written_files(tmp_path) == {"x.tflite", "x.json", "x.report.html", "x.checkpoint"}
