"""Folds, probabilities out of fold, and the search over configurations."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from head_cases import CHOICES, blobs

from pyplugin.errors import PypluginError
from pyplugin.models import heads

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from sklearn.datasets import make_blobs

from pyplugin.training.heads.configurations import (
    Configuration,
    grid,
    pipeline,
)
from pyplugin.training.heads.convert import head_of
from pyplugin.training.heads.search import (
    Examples,
    choose_folds,
    fitted,
    out_of_fold,
    search,
)


@pytest.mark.parametrize("groups", [None, 12])
@pytest.mark.parametrize("classes", [2, 4])
def test_folds_test_each_row_once_and_keep_groups_together(classes, groups):
    examples = blobs(classes, 120, groups=groups)
    splits = choose_folds(examples)
    assert len(splits) == 5
    tested = np.concatenate([test for _, test in splits])
    np.testing.assert_array_equal(np.sort(tested), np.arange(120))
    for train, test in splits:
        assert not set(examples.groups[train]) & set(examples.groups[test])
        assert set(examples.y[train]) == set(examples.y)


def test_the_smallest_class_limits_the_number_of_folds():
    y = np.array(["few"] * 3 + ["many"] * 30)
    examples = Examples(np.zeros((33, 2)), y, np.arange(33))
    assert len(choose_folds(examples)) == 3


def test_a_class_of_one_group_cannot_be_folded():
    y = np.array(["one"] * 5 + ["other"] * 5)
    examples = Examples(np.zeros((10, 2)), y, np.array([0] * 5 + list(range(1, 6))))
    with pytest.raises(PypluginError, match="'one' has 1 group"):
        choose_folds(examples)


def test_random_labels_give_chance_accuracy():
    """Fitting outside a fold would show here as accuracies far above one half."""
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 60)).astype(np.float32).astype(np.float64)
    examples = Examples(x, np.array(["a", "b"] * 40), np.arange(80))
    splits = choose_folds(examples)
    for choice in CHOICES.values():
        configuration = Configuration(preprocessing="quantile-normal", balanced=False, **choice)
        predicted = out_of_fold(examples, configuration, splits)
        right = (predicted.argmax(axis=1) == (examples.y == "b")).mean()
        assert 0.3 < right < 0.7
        # and calibration, fitted out of fold too, is not sure of it
        assert np.abs(predicted[:, 1] - 0.5).mean() < 0.25


def test_probabilities_are_calibrated():
    """Of clips with probability p, a share of about p is of the class."""
    examples = blobs(2, 600)
    predicted = out_of_fold(
        examples,
        Configuration(preprocessing="standard", balanced=False, **CHOICES["svm-rbf"]),
        choose_folds(examples),
    )[:, 1]
    is_one = examples.y == "class 1"
    for low in np.arange(0, 1, 0.25):
        chosen = (predicted >= low) & (predicted < low + 0.25)
        if chosen.sum() >= 25:
            assert abs(is_one[chosen].mean() - predicted[chosen].mean()) < 0.15


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("choice", CHOICES)
def test_calibration_keeps_the_order_of_classes(choice, classes):
    """Groups are far apart, so the class of an out-of-fold clip may seem the farthest."""
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


def test_probabilities_of_a_balanced_head_are_those_for_equal_class_frequencies():
    x, number = make_blobs([30, 270], 4, cluster_std=6.0, random_state=2)
    y = np.array(["few", "many"])[number]
    examples = Examples(x, y, np.arange(300))
    found = {}
    for balanced in (False, True):
        choice = Configuration("logistic", "standard", balanced, C=-1)
        predicted = out_of_fold(examples, choice, choose_folds(examples))
        found[balanced] = [
            (predicted[y == label].argmax(axis=1) == n).mean()
            for n, label in enumerate(("few", "many"))
        ]
    assert np.mean(found[True]) > np.mean(found[False]) + 0.05
    assert abs(found[True][0] - found[True][1]) < 0.2 < found[False][1] - found[False][0]


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
        predicted = model.predict(small.examples.x[test])
        assert accuracy == pytest.approx((predicted == small.examples.y[test]).mean())


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


def test_a_journal_of_other_examples_is_rejected(small, tmp_path):
    journal = tmp_path / "folds.jsonl"
    journal.write_text(json.dumps({"key": "another"}) + "\n")
    with pytest.raises(PypluginError, match="start again without --resume"):
        search(small.examples, small.grid, small.splits, journal=journal, resume=True)
    journal.write_bytes(b"\x00\xff")
    with pytest.raises(PypluginError, match="start again without --resume"):
        search(small.examples, small.grid, small.splits, journal=journal, resume=True)
