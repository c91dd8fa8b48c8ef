"""Searching, calibrating and converting heads, on embeddings made of numbers."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install pyplugin[train]")

from sklearn.datasets import make_blobs

from pyplugin.errors import PypluginError
from pyplugin.models import heads
from pyplugin.training.heads.configurations import (
    CLASSIFIERS,
    PREPROCESSING,
    Configuration,
    grid,
    pipeline,
)
from pyplugin.training.heads.convert import head_of, logistic_head
from pyplugin.training.heads.report import Page, read_row, write_page, write_table
from pyplugin.training.heads.search import (
    Examples,
    Result,
    choose_folds,
    fitted,
    out_of_fold,
    search,
)
from pyplugin.training.heads.teach import _fit


def blobs(classes: int, count: int = 60, size: int = 12, groups: int | None = None) -> Examples:
    """Clouds that touch, with dimensions that are constant or mostly 0, as embeddings have."""
    x, number = make_blobs(count, size, centers=classes, cluster_std=6.0, random_state=3)
    x[:, 0] = 0
    x[:, 1] = np.maximum(x[:, 1], 0)
    y = np.array([f"class {n}" for n in number])
    random = np.random.default_rng(1)
    apart = np.arange(count) if groups is None else random.integers(groups, size=count)
    return Examples(x.astype(np.float32).astype(np.float64), y, apart)


ALL_BUT_FLAT = Configuration("svm", "minmax", False, "poly", -1, -9)
"""Decisions that differ by 1e-7, which Platt's sigmoid has to spread out."""

CHOICES = {
    "svm-rbf": {"classifier": "svm", "kernel": "rbf", "C": 3, "gamma": -7},
    "svm-poly": {"classifier": "svm", "kernel": "poly", "C": 1, "gamma": -5},
    "mlp": {"classifier": "mlp", "hidden": 16, "alpha": -2},
    "logistic": {"classifier": "logistic", "C": -1},
}


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("preprocessing", PREPROCESSING)
@pytest.mark.parametrize("choice", CHOICES)
def test_a_head_answers_as_scikit_learn_does(choice, preprocessing, classes):
    examples = blobs(classes)
    model = fitted(
        examples, Configuration(preprocessing=preprocessing, balanced=True, **CHOICES[choice])
    )
    head = head_of(model, name="blobs", model="none", output="none", about={})
    strange = np.random.default_rng(5).normal(0, 8, (200, 12)).astype(np.float32)
    for x in (examples.x, strange.astype(np.float64)):
        expected = model.predict_proba(x)
        np.testing.assert_allclose(heads.run(head, x), expected, atol=1e-5)
    assert head.labels == tuple(f"class {n}" for n in range(classes))
    assert head.size == 12
    assert not head.multi_label


@pytest.mark.parametrize("choice", CHOICES)
def test_balanced_is_as_if_every_class_had_as_many_clips(choice):
    x, number = make_blobs([20, 80], 4, cluster_std=4.0, random_state=2)
    y = np.array(["few", "many"])[number]
    as_many = np.concatenate([np.arange(100), np.tile(np.flatnonzero(number == 0), 3)])
    strange = np.random.default_rng(5).normal(0, 8, (500, 4))

    def said(balanced: bool, rows: np.ndarray) -> np.ndarray:
        choose = Configuration(preprocessing="none", balanced=balanced, **CHOICES[choice])
        return pipeline(choose, len(rows)).fit(x[rows], y[rows]).predict(strange)

    plain, weighted = said(False, np.arange(100)), said(True, np.arange(100))
    copied = said(False, as_many)
    assert (weighted == copied).mean() > max(0.9, (plain == copied).mean())
    assert (weighted == "few").mean() > (plain == "few").mean()


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_of_decisions_that_hardly_differ_answers_as_scikit_learn_does(classes):
    examples = blobs(classes)
    model = fitted(examples, ALL_BUT_FLAT)
    head = head_of(model, name="blobs", model="none", output="none", about={})
    expected = model.predict_proba(examples.x)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(heads.run(head, examples.x), expected, atol=1e-5)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_file_of_a_head_answers_the_same(choice, tmp_path):
    examples = blobs(3)
    model = fitted(
        examples, Configuration(preprocessing="standard", balanced=False, **CHOICES[choice])
    )
    head = head_of(model, name="blobs", model="none", output="none", about={"folds": 5})
    heads.save(head, tmp_path / "blobs.head")
    read = heads.load(tmp_path / "blobs.head")
    np.testing.assert_allclose(
        heads.run(read, examples.x), model.predict_proba(examples.x), atol=1e-5
    )
    assert read.about == {"folds": 5}


def test_a_taught_head_answers_as_scikit_learn_does():
    examples = blobs(2)
    clips = [
        (rows.astype(np.float32), bool(label))
        for label in (0, 1)
        for rows in np.array_split(examples.x[examples.y == f"class {label}"], 4)
    ]
    model = _fit(clips)
    head = logistic_head(model, "one", name="one", model="none", output="none", about={})
    expected = model.predict_proba(examples.x)[:, 1:]
    np.testing.assert_allclose(heads.run(head, examples.x), expected, atol=1e-5)
    assert head.labels == ("one",)
    assert head.multi_label


@pytest.mark.parametrize("groups", [None, 12])
@pytest.mark.parametrize("classes", [2, 4])
def test_folds_test_every_row_once_and_keep_groups_together(classes, groups):
    examples = blobs(classes, 120, groups=groups)
    splits = choose_folds(examples)
    assert len(splits) == 5
    tested = np.concatenate([test for _, test in splits])
    np.testing.assert_array_equal(np.sort(tested), np.arange(120))
    for train, test in splits:
        assert not set(examples.groups[train]) & set(examples.groups[test])
        assert set(examples.y[train]) == set(examples.y)


def test_folds_are_as_many_as_the_smallest_class_allows():
    y = np.array(["few"] * 3 + ["many"] * 30)
    examples = Examples(np.zeros((33, 2)), y, np.arange(33))
    assert len(choose_folds(examples)) == 3


def test_a_class_of_one_group_cannot_be_folded():
    y = np.array(["one"] * 5 + ["other"] * 5)
    examples = Examples(np.zeros((10, 2)), y, np.array([0] * 5 + list(range(1, 6))))
    with pytest.raises(PypluginError, match="'one' has 1 group"):
        choose_folds(examples)


def test_labels_that_say_nothing_are_guessed_at_chance():
    """What is fitted outside a fold would be heard of here: accuracies far above a half."""
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 60)).astype(np.float32).astype(np.float64)
    examples = Examples(x, np.array(["a", "b"] * 40), np.arange(80))
    splits = choose_folds(examples)
    for choice in CHOICES.values():
        configuration = Configuration(preprocessing="quantile-normal", balanced=False, **choice)
        said = out_of_fold(examples, configuration, splits)
        right = (said.argmax(axis=1) == (examples.y == "b")).mean()
        assert 0.3 < right < 0.7
        # and calibration, fitted out of fold too, is not sure of it
        assert np.abs(said[:, 1] - 0.5).mean() < 0.25


def test_probabilities_are_calibrated():
    """Of clips given p, a share of about p is of the class: not of a machine's raw decisions."""
    examples = blobs(2, 600)
    said = out_of_fold(
        examples,
        Configuration(preprocessing="standard", balanced=False, **CHOICES["svm-rbf"]),
        choose_folds(examples),
    )[:, 1]
    is_one = examples.y == "class 1"
    for low in np.arange(0, 1, 0.25):
        chosen = (said >= low) & (said < low + 0.25)
        if chosen.sum() >= 25:
            assert abs(is_one[chosen].mean() - said[chosen].mean()) < 0.15


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("choice", CHOICES)
def test_calibration_turns_no_answer_round(choice, classes):
    """Groups lie far apart, so that out of fold a clip's own class may seem the farthest."""
    random = np.random.default_rng(1)
    groups = np.repeat(np.arange(3 * classes), 12)
    x = random.normal(0, 3, (3 * classes, 4))[groups] + random.normal(0, 0.3, (len(groups), 4))
    x = x.astype(np.float32).astype(np.float64)
    examples = Examples(x, np.array([f"class {n}" for n in groups % classes]), groups)
    configuration = Configuration(preprocessing="standard", balanced=False, **CHOICES[choice])
    model = fitted(examples, configuration)
    assert model.shares_sigmoid_
    plain = pipeline(configuration, len(x)).fit(x, examples.y)
    assert (plain.predict(x) == examples.y).mean() > 0.6
    np.testing.assert_array_equal(model.predict(x), plain.predict(x))
    head = head_of(model, name="turned", model="none", output="none", about={})
    np.testing.assert_allclose(heads.run(head, x), model.predict_proba(x), atol=1e-5)
    assert not fitted(blobs(classes), configuration).shares_sigmoid_


def test_probabilities_of_a_balanced_head_are_those_where_classes_are_as_frequent():
    x, number = make_blobs([30, 270], 4, cluster_std=6.0, random_state=2)
    y = np.array(["few", "many"])[number]
    examples = Examples(x, y, np.arange(300))
    found = {}
    for balanced in (False, True):
        choice = Configuration("logistic", "standard", balanced, C=-1)
        said = out_of_fold(examples, choice, choose_folds(examples))
        found[balanced] = [
            (said[y == label].argmax(axis=1) == n).mean() for n, label in enumerate(("few", "many"))
        ]
    assert np.mean(found[True]) > np.mean(found[False]) + 0.05
    assert abs(found[True][0] - found[True][1]) < 0.2 < found[False][1] - found[False][0]


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_the_full_grid_holds_the_coarse_one(classifier):
    coarse = grid(classifier, full=False, unequal=True)
    full = grid(classifier, full=True, unequal=True)
    assert len(set(full)) == len(full) > len(set(coarse)) == len(coarse)
    if classifier != "logistic":  # whose coarse steps are wider
        assert {c for c in coarse if c.hidden != 32} <= set(full)


def test_the_full_grid_is_gaias():
    full = [c for c in grid("svm", full=True, unequal=False) if c.preprocessing == "standard"]
    assert {c.C for c in full} == {-5, -3, -1, 1, 3, 5, 7, 9, 11}
    assert {c.gamma for c in full} == {3, 1, -1, -3, -5, -7, -9, -11}
    assert len(full) == 2 * 9 * 8
    machine = pipeline(full[0], 60).named_steps["classifier"].estimator
    assert (machine.C, machine.gamma) == (2**-5, 2**-11)


@pytest.fixture(scope="module")
def small():
    examples = blobs(3)
    return SimpleNamespace(
        examples=examples,
        splits=choose_folds(examples),
        grid=grid("logistic", full=False, unequal=False),
    )


def test_the_ranking_is_by_accuracy_and_the_same_in_parallel(small, tmp_path):
    one = search(small.examples, small.grid, small.splits, journal=tmp_path / "1")
    two = search(small.examples, small.grid, small.splits, journal=tmp_path / "2", jobs=2)
    assert one == two
    means = [round(np.mean(result.balanced_accuracies), 6) for result in one]
    assert means == sorted(means, reverse=True)
    best = one[0]
    for (train, test), accuracy in zip(small.splits, best.accuracies, strict=True):
        model = pipeline(best.configuration, len(train))
        model.fit(small.examples.x[train], small.examples.y[train])
        said = model.predict(small.examples.x[test])
        assert accuracy == pytest.approx((said == small.examples.y[test]).mean())


def test_an_interrupted_search_goes_on_where_it_stopped(small, tmp_path):
    journal = tmp_path / "folds.jsonl"

    def interrupt(done, of):
        if done == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(small.examples, small.grid, small.splits, journal=journal, progress=interrupt)
    assert len(journal.read_text().splitlines()) == 1 + 7
    with journal.open("a") as stream:
        stream.write('{"task": "cut sho')
    seen = []
    resumed = search(
        small.examples,
        small.grid,
        small.splits,
        journal=journal,
        resume=True,
        progress=lambda done, of: seen.append((done, of)),
    )
    total = len(small.grid) * len(small.splits)
    assert seen == [(n, total) for n in range(8, total + 1)]
    assert resumed == search(small.examples, small.grid, small.splits, journal=tmp_path / "anew")


def test_a_journal_of_other_examples_is_refused(small, tmp_path):
    journal = tmp_path / "folds.jsonl"
    journal.write_text(json.dumps({"key": "another"}) + "\n")
    with pytest.raises(PypluginError, match="start anew, without --resume"):
        search(small.examples, small.grid, small.splits, journal=journal, resume=True)
    journal.write_bytes(b"\x00\xff")
    with pytest.raises(PypluginError, match="start anew, without --resume"):
        search(small.examples, small.grid, small.splits, journal=journal, resume=True)


# ---------------------------------------------------------------------------------- the report


GAIAS_COLUMNS = """accuracy_rank accuracy accuracy_std normalized_accuracy_rank normalized_accuracy
normalized_accuracy_std results_file param_file kernel C preprocessing balance_classes type
classifier gamma evaluation"""
"""From generate_params_report.py of MTG/gaia."""


def test_the_table_has_the_columns_of_gaias_report_first(tmp_path):
    results = [
        Result(Configuration("svm", "minmax", True, "rbf", 1, -3), (0.4, 0.5), (0.9, 0.9)),
        Result(Configuration("mlp", "none", False, hidden=32, alpha=0), (0.8, 0.6), (0.7, 0.9)),
    ]
    write_table(tmp_path / "r.tsv", "moods", results, unit="window")
    rows = [line.split("\t") for line in (tmp_path / "r.tsv").read_text().splitlines()]
    assert rows[0] == [*GAIAS_COLUMNS.split(), "hidden", "alpha", "className", "per"]
    scores = ["2", "45.000", "5.000", "1", "90.000", "0.000", "", ""]
    choice = ["rbf", "1", "minmax", "True", "C-SVC", "svm", "-3", "nfoldcrossvalidation 2"]
    assert rows[1] == [*scores, *choice, "", "", "moods", "window"]
    assert rows[2][0] == "1"


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_a_row_of_a_report_is_the_configuration_that_was_tried(classifier, tmp_path):
    results = [
        Result(configuration, (0.5, 1.0), (0.25, 0.75))
        for configuration in grid(classifier, full=True, unequal=True)
    ]
    table = tmp_path / "r.tsv"
    write_table(table, "moods", results)
    for number in range(1, len(results) + 1, 11):
        assert read_row(table, number) == results[number - 1].configuration
    header, first, *_ = table.read_text().splitlines()
    row = dict(zip(header.split("\t"), first.split("\t"), strict=True))
    assert (row["accuracy"], row["accuracy_std"]) == ("75.000", "25.000")
    assert (row["normalized_accuracy"], row["className"]) == ("50.000", "moods")


@pytest.mark.parametrize("number", [-1, 0, 2])
def test_a_row_out_of_range_is_refused(number, tmp_path):
    result = Result(Configuration("logistic", "none", False, C=1), (1.0,), (1.0,))
    write_table(tmp_path / "r.tsv", "x", [result])
    with pytest.raises(PypluginError, match=f"has no row {number}; choose one of 1 to 1"):
        read_row(tmp_path / "r.tsv", number)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("classifier", "forest"),
        ("preprocessing", "whiten"),
        ("kernel", "sigmoid"),
        ("C", "x"),
        ("C", ""),
        ("gamma", "4000"),
        ("balance_classes", "maybe"),
    ],
)
def test_a_damaged_row_is_refused(column, value, tmp_path):
    result = Result(Configuration("svm", "none", False, "rbf", 1, -3), (1.0,), (1.0,))
    table = tmp_path / "r.tsv"
    write_table(table, "x", [result])
    header, row = table.read_text().splitlines()
    cells = row.split("\t")
    cells[header.split("\t").index(column)] = value
    table.write_text(header + "\n" + "\t".join(cells) + "\n")
    with pytest.raises(PypluginError, match=r"Row 1 of .* is damaged"):
        read_row(table, 1)


@pytest.mark.parametrize("content", [b"", b"a\tb\n1\t2\n", b"\xff\xfe\x00"])
def test_what_is_no_report_is_refused(content, tmp_path):
    (tmp_path / "r.tsv").write_bytes(content)
    with pytest.raises(PypluginError, match="is no report"):
        read_row(tmp_path / "r.tsv", 1)
    with pytest.raises(PypluginError, match="cannot be read: no such file"):
        read_row(tmp_path / "missing.tsv", 1)


def test_the_page_stands_alone_and_escapes_names(tmp_path):
    truth = np.array(["<a>", "<a>", "b", "b"])
    said = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
    page = Page("t & t", {"k": "<v>"}, ["n<"], ["s<"], ["<a>", "b"], truth, said, list("wxyz"))
    write_page(tmp_path / "p.html", page)
    text = (tmp_path / "p.html").read_text()
    assert "src=" not in text
    assert "href=" not in text
    assert "<a>" not in text
    # one of two <a> taken for b; AUC by hand: of 4 pairs of scores 0.1, 0.8 against 0.9, 0.7, 3
    matrix = re.findall("<tr><th>([^<]*)</th>(.*?)</tr>", text.split("What was taken for what")[1])
    counts = {name: re.findall(">([^<]+)</td>", cells) for name, cells in matrix[1:3]}
    assert counts == {"&lt;a&gt;": ["1", "1", "50 %"], "b": ["0", "2", "100 %"]}
    assert "AUC 0.750" in text
    assert "0.80" in text  # the mistake
