"""From a recipe and a corpus to a model that runs in the callback."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import limit_file_size, music

from pyplugin import Node, State
from pyplugin.cli import cli
from pyplugin.errors import PypluginError
from pyplugin.models import registry

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.corpus import LABELS
from pyplugin.training.recipe import read_recipe, train_network
from pyplugin.training.sequences import SceneSettings
from pyplugin.training.synthetic import SoundSettings
from pyplugin.training.teacher import TeacherSettings
from pyplugin.training.train import TrainSettings

RECIPE = """
name = "small"
description = "Four kinds of sound."
version = "1"
license = "MIT"
link = "tests"
dataset = "made here"
citation = "none"
calibration = 40
[sounds]
made_notes = 1
[scenes]
count = 6
seconds = 4.0
validation = 2
[network]
preset = "scene"
patch = 30
embedding = 10
segments = 2
level_free = true
layers = [
    { channels = 4, time = 3, bands = 7, step = 2 },
    { channels = 8, time = 3, bands = 45, dilation = 2 },
]
[training]
steps = 4
batch = 4
seed = 9
"""


def test_the_recipe_makes_a_model_that_runs_in_the_callback(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    arguments = ["train", "network", str(tmp_path / "small.toml"), "--corpus", str(corpus)]
    arguments += ["--out", str(tmp_path), "--cache", str(tmp_path / "cache")]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    assert "Scenes: 6 of 6" in result.stderr
    model = registry.load(tmp_path / "small.tflite")
    assert model.card.front_end.log_scale == 1e5
    assert set(model.card.dataset.metrics) == {
        f"ROC-AUC {name}" for name in ("speech", "music", "drums", "tonal", "noise", "voice")
    }
    report = (tmp_path / "small.md").read_text()
    assert "## Degraded" in report
    assert "## Worst recordings" in report
    x = music(3.0, 16000)
    with Node(16000, 1, 512, model=model, hop=0.1, runtime="inline") as node:
        frames = [node.process(x[:, at : at + 512]) for at in range(0, x.shape[1], 512)]
    assert sum((part.state == State.FRESH).sum() for part in frames) > 20


def test_the_cache_is_used_and_the_result_is_the_same(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(RECIPE)
    recipe = read_recipe(tmp_path / "small.toml")
    models, stages = [], []
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        seen: list[tuple[str, int, int]] = []
        path = train_network(
            recipe,
            corpus,
            tmp_path / name,
            cache=tmp_path / "cache",
            progress=lambda *each, seen=seen: seen.append(each),
        )
        models.append(path.read_bytes())
        stages.append(seen)
    assert models[0] == models[1]
    assert ("Scenes", 0, 6) in stages[0]
    assert [each[1:] for each in stages[1] if each[0] == "Scenes"] == [(6, 6)]
    assert [each[1:] for each in stages[1] if each[0] == "Training"] == [(4, 4)]


def test_the_tables_of_a_recipe_are_its_settings(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(RECIPE + "[teacher]\nsteps = 7\n")
    recipe = read_recipe(path)
    assert recipe.training == TrainSettings(steps=4, batch=4, seed=9)
    assert recipe.scenes == SceneSettings(count=6, seconds=4.0, validation=2)
    assert recipe.sounds == SoundSettings(made_notes=1)
    assert recipe.teacher == TeacherSettings(model="yamnet", steps=7)
    assert recipe.network.segments == 2
    assert recipe.yamnet == "yamnet"
    path.write_text(RECIPE)
    assert read_recipe(path).yamnet == ""


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("calibration", "calibratoin", "calibratoin"),
        ("batch = 4", "batches = 4", "batches"),
        ("made_notes", "notes", "notes"),
        ("made_notes = 1", "played_music = 1", "need soundfonts"),
        ("segments = 2", "segments = 5", "24 columns"),
        ("count = 6", "count = 0", "a count of at least 1"),
        ("[sounds]", "[sound]", "sound"),
        ("[network]", "[network", "is not valid TOML"),
        ('version = "1"', "", "version"),
        ("calibration = 40", "offsets = { drum = 1 }", "'drum'"),
        ("calibration = 40", 'offsets = { drums = "more" }', "a number is expected"),
        ("calibration = 40", 'disputed = [{ path = "a", label = "drum", reason = "" }]', "'drum'"),
    ],
)
def test_an_invalid_recipe_is_reported(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(RECIPE.replace(old, new))
    with pytest.raises(PypluginError, match=sentence):
        read_recipe(path)


def test_a_missing_soundfont_is_reported(corpus: Path, tmp_path: Path) -> None:
    played = 'played_music = 1\nsoundfonts = ["none.sf2"]'
    (tmp_path / "small.toml").write_text(RECIPE.replace("made_notes = 1", played))
    arguments = ["train", "network", str(tmp_path / "small.toml"), "--corpus", str(corpus)]
    arguments += ["--out", str(tmp_path), "--soundfonts", str(tmp_path)]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code != 0
    assert "none.sf2" in str(result.exception)
    assert "--soundfonts" in str(result.exception)


def test_a_missing_teacher_is_reported_before_any_work(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(RECIPE + '[teacher]\nmodel = "no-yamnet"\n')
    recipe = read_recipe(tmp_path / "small.toml")
    with pytest.raises(PypluginError, match="tagnode models import yamnet"):
        train_network(recipe, corpus, tmp_path, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_full_disk_is_reported_before_scenes_are_composed(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(RECIPE.replace("made_notes = 1", "made_notes = 0"))
    recipe = read_recipe(tmp_path / "small.toml")
    with (
        limit_file_size(250_000),  # enough for a sound, not for six scenes
        pytest.raises(PypluginError, match=r"mel\.npy' cannot be written"),
    ):
        train_network(recipe, corpus, tmp_path, cache=tmp_path / "cache")
    assert not list(tmp_path.glob("small.tflite"))
    train_network(recipe, corpus, tmp_path, cache=tmp_path / "cache")  # with more space it goes on


def test_ctrl_c_ends_without_a_traceback_and_the_command_goes_on(
    corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "small.toml").write_text(RECIPE.replace("count = 6", "count = 60"))
    words = ["train", "network", tmp_path / "small.toml", "--corpus", corpus]
    words += ["--out", tmp_path, "--cache", tmp_path / "cache"]
    program = [sys.executable, "-m", "pyplugin", *map(str, words)]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Scenes: 12 of 60" in line:
                process.send_signal(signal.SIGINT)
                break
        err = process.stderr.read()
        assert process.wait() == 130, err
    assert "Run the same command again to go on." in err
    assert "Traceback" not in err
    result = CliRunner().invoke(cli, list(map(str, words)))
    assert result.exit_code == 0, result.output
    assert "Scenes: 6 of 60" not in result.stderr
    assert "Scenes: 60 of 60" in result.stderr


def test_disputed_labels_are_counted_only_in_their_own_line(corpus: Path, tmp_path: Path) -> None:
    entry = '[[disputed]]\npath = "drums-3.wav"\nlabel = "noise"\nreason = "Nobody knows."\n'
    (tmp_path / "small.toml").write_text(RECIPE + entry)
    arguments = ["train", "network", str(tmp_path / "small.toml"), "--corpus", str(corpus)]
    result = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path)])
    assert result.exit_code == 0, result.output
    report = (tmp_path / "small.md").read_text()
    assert "- drums-3.wav, noise: Nobody knows. With this label the ROC-AUC of noise" in report
    table = report.split("## As recorded")[1].split("##")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line]
    windows = {cells[0]: int(cells[4]) + int(cells[5]) for cells in rows if cells[0] in LABELS}
    assert windows["noise"] < windows["tonal"]


def test_a_disputed_label_of_an_unknown_recording_is_reported(corpus: Path, tmp_path: Path) -> None:
    entry = '[[disputed]]\npath = "drums-9.wav"\nlabel = "noise"\nreason = "Nobody knows."\n'
    (tmp_path / "small.toml").write_text(RECIPE + entry)
    recipe = read_recipe(tmp_path / "small.toml")
    with pytest.raises(PypluginError, match=r"drums-9\.wav"):
        train_network(recipe, corpus, tmp_path)


def test_the_shipped_recipe_is_read_and_makes_the_shipped_shape() -> None:
    recipe = read_recipe(registry.shipped_folder() / "scene.toml")
    card = registry.load("scene").card
    assert card.name == recipe.name
    assert card.inputs[0].shape == (1, recipe.network.patch, recipe.network.bands)
    embedding = next(each for each in card.outputs if each.purpose == "embeddings")
    assert embedding.size == recipe.network.embedding == 64
    assert recipe.network.columns % recipe.network.segments == 0
