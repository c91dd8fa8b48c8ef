"""A comparison has the accuracies that training each head alone has."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest
import soundfile
from helpers import Probe, level_noise, limit_file_size
from msgspec import structs

from pyplugin.errors import PypluginError
from pyplugin.models.model import Model

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.heads.compare import FILES, compare_backbones
from pyplugin.training.heads.train import train_head

RATE = 22050


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks, and clips of the first one from elsewhere, one of them in the wrong class."""
    folder = tmp_path_factory.mktemp("tasks")
    tasks = {"levels": ("loud", "soft"), "kinds": ("clicks", "noise"), "other": ("loud", "soft")}
    for offset, (task, labels) in enumerate(tasks.items()):
        for label in labels:
            (folder / task / label).mkdir(parents=True)
            for seed in range(3 if task == "other" else 6):
                sound = level_noise({"noise": "soft"}.get(label, label), 100 * offset + seed)
                soundfile.write(folder / task / label / f"{seed}.wav", sound[:RATE], RATE)
    soundfile.write(folder / "other" / "loud" / "9.wav", level_noise("soft", 999)[:RATE], RATE)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))


@pytest.fixture(scope="module")
def models(probe: Probe) -> list[Model]:
    """The small model, and the same with the embedding that its labels are."""
    card = structs.replace(probe.model.card, name="labels", embedding="activations")
    return [probe.model, Model("labels", probe.model.path, card, probe.model.data)]


def test_accuracies_are_those_of_each_head_trained_alone(
    folder: Path, models: list[Model], tmp_path: Path
) -> None:
    done = compare_backbones(
        [folder / "levels", folder / "kinds"],
        models,
        tmp_path / "table",
        external=[folder / "other"],
        classifier="logistic",
    )
    assert {each.name for each in (tmp_path / "table").iterdir()} == set(FILES)
    assert [(each.task, each.model) for each in done.scores] == [
        *(("levels", "probe"), ("levels", "labels"), ("kinds", "probe"), ("kinds", "labels")),
    ]
    for each in (done.scores[0], done.scores[3]):
        alone = train_head(
            folder / each.task,
            model=models[each.model == "labels"],
            out=str(tmp_path / "alone.head"),
            classifier="logistic",
            external=folder / "other" if each.task == "levels" else None,
        )
        found = (each.accuracy, each.balanced, each.external, each.configuration)
        words = alone.configuration.words
        assert found == (alone.accuracy, alone.balanced_accuracy, alone.external, words)
    first = done.scores[0]
    assert first.external == pytest.approx((0.75 + 1) / 2)  # one of four in the wrong class
    with (tmp_path / "table" / FILES[0]).open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    assert [row["external"] for row in rows] == ["other", "other", "", ""]
    assert float(rows[0]["drop"]) == pytest.approx(100 * (first.balanced - 0.875), abs=1e-3)


def test_an_interrupted_comparison_is_resumed(
    folder: Path, models: list[Model], tmp_path: Path
) -> None:
    given = ([folder / "levels"], models[:1], tmp_path / "table")
    with limit_file_size(1500), pytest.raises(PypluginError, match="cannot be written"):
        compare_backbones(*given, classifier="logistic")
    (journal,) = (tmp_path / "table").iterdir()
    assert journal.name == "levels-probe.folds.jsonl"
    known = len(journal.read_text().splitlines()) - 2  # a heading, and what was cut off
    steps: list[tuple[str, int]] = []

    def progress(what: str, at: int, of: int) -> None:
        steps.append((what, at))

    done = compare_backbones(*given, classifier="logistic", resume=True, progress=progress)
    assert dict(reversed(steps))["levels, probe: searching"] == known + 1
    assert {each.name for each in (tmp_path / "table").iterdir()} == set(FILES)
    fresh = compare_backbones(*given[:2], tmp_path / "fresh", classifier="logistic")
    assert done.scores == fresh.scores


def test_what_cannot_be_compared_is_refused(
    folder: Path, models: list[Model], tmp_path: Path
) -> None:
    def refused(match: str, tasks: list[Path], given: list[Model], *other: Path, **options: Any):
        with pytest.raises(PypluginError, match=match):
            compare_backbones(tasks, given, tmp_path / "table", external=other, **options)

    levels, kinds = folder / "levels", folder / "kinds"
    refused("2 models are called 'probe'", [levels], [models[0], models[0]])
    shutil.copytree(levels, tmp_path / "else" / "levels")
    refused("2 tasks are called 'levels'", [levels, tmp_path / "else" / "levels"], models)
    refused("has the classes loud, soft, which no task has", [kinds], models, folder / "other")
    refused("both fit the task levels", [levels], models, folder / "other", levels)
    for path in sorted((tmp_path / "else" / "levels" / "soft").iterdir())[1:]:
        path.unlink()
    refused("'soft' has 1 usable clip", [tmp_path / "else" / "levels"], models)
    with pytest.raises(PypluginError, match="cannot be made"):
        compare_backbones([levels], models, tmp_path / "no" / "table")
    assert not list((tmp_path / "table").iterdir())
