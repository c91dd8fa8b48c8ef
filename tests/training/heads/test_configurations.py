"""Grids of configurations, and what balancing classes means."""

import numpy as np
import pytest
from head_cases import CHOICES

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from sklearn.datasets import make_blobs

from pyplugin.training.heads.configurations import (
    CLASSIFIERS,
    Configuration,
    grid,
    pipeline,
)


@pytest.mark.parametrize("choice", CHOICES)
def test_balanced_weights_equal_repeated_clips(choice):
    x, number = make_blobs([20, 80], 4, cluster_std=4.0, random_state=2)
    y = np.array(["few", "many"])[number]
    as_many = np.concatenate([np.arange(100), np.tile(np.flatnonzero(number == 0), 3)])
    strange = np.random.default_rng(5).normal(0, 8, (500, 4))

    def predicted(balanced: bool, rows: np.ndarray) -> np.ndarray:
        choose = Configuration(preprocessing="none", balanced=balanced, **CHOICES[choice])
        return pipeline(choose, len(rows)).fit(x[rows], y[rows]).predict(strange)

    plain, weighted = predicted(False, np.arange(100)), predicted(True, np.arange(100))
    copied = predicted(False, as_many)
    assert (weighted == copied).mean() > max(0.9, (plain == copied).mean())
    assert (weighted == "few").mean() > (plain == "few").mean()


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
