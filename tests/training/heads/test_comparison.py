"""The table of a comparison: what is best, the means, and its three forms."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.heads.comparison import (
    BackboneScore,
    best_of,
    markdown,
    write_comparison,
)


def score(task: str, model: str, balanced: float, external: float | None = None, **more: Any):
    given = {"output": "e", "classes": 2, "clips": 20, "folds": 5, "configuration": "svm", **more}
    outside = "" if external is None else "other"
    return BackboneScore(
        task, model, accuracy=0.5, balanced=balanced, deviation=0.02, external_set=outside,
        external=external, **given,
    )  # fmt: skip


SCORES = [
    score("moods", "small", 0.90, 0.80),
    score("moods", "large", 0.95, 0.70),
    score("genres", "small", 0.80, 0.84),
    score("genres", "large", 0.80, 0.60),
]


def test_the_best_of_each_line_is_bold() -> None:
    assert markdown(SCORES).splitlines() == [
        "| task | balanced accuracy | small | large |",
        "| --- | --- | ---: | ---: |",
        "| moods | cross-validation, % | 90.0 ± 2.0 | **95.0 ± 2.0** |",
        "|  | external (other), % | **80.0** | 70.0 |",
        "|  | drop, points | **10.0** | 25.0 |",
        "| genres | cross-validation, % | **80.0 ± 2.0** | **80.0 ± 2.0** |",
        "|  | external (other), % | **84.0** | 60.0 |",
        "|  | drop, points | **-4.0** | 20.0 |",
        "| mean of the tasks | cross-validation, % | 85.0 | **87.5** |",
        "|  | external, % | **82.0** | 65.0 |",
        "|  | drop, points | **3.0** | 22.5 |",
    ]
    assert best_of(SCORES) == {("moods", "large"), ("genres", "small"), ("genres", "large")}


def test_one_task_has_no_mean_and_no_external_set_no_drop() -> None:
    lines = markdown([score("moods", "small", 0.9), score("moods", "large", 0.8)]).splitlines()
    assert lines[2:] == ["| moods | cross-validation, % | **90.0 ± 2.0** | 80.0 ± 2.0 |"]


def test_tasks_with_and_without_an_external_set_have_no_mean_of_it() -> None:
    lines = markdown([score("a", "small", 0.9, 0.8), score("b", "small", 0.7)]).splitlines()
    assert lines[-1] == "| mean of the tasks | cross-validation, % | **80.0** |"


def test_the_three_forms_are_written(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("c.tsv", "c.md", "c.html")]
    scores = [score("<b>|x", "=cmd", 0.5), score("<b>|x", "large", 0.95, 0.85)]
    write_comparison(files, scores, ["A note."], ["x.wav: no sound"])
    with files[0].open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    found = [[row[name] for name in ("balanced_accuracy", "drop", "best")] for row in rows]
    assert found == [["50.000", "", ""], ["95.000", "10.000", "yes"]]
    assert (rows[0]["backbone"], rows[0]["external_balanced_accuracy"]) == ("'=cmd", "")
    assert "<b>\\|x" in files[1].read_text()
    page = files[2].read_text()
    assert "&lt;b&gt;|x" in page
    assert '<td class="number best">95.0 ± 2.0</td>' in page
    assert "default-src 'none'" in page
    assert "x.wav: no sound" in page
