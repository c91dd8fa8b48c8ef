"""Clouds of points that stand for embeddings, and classifiers of each kind, for tests of heads."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")
from sklearn.datasets import make_blobs

from pyplugin.training.heads.search import (
    Examples,
)


def blobs(classes: int, count: int = 60, size: int = 12, groups: int | None = None) -> Examples:
    """Clouds that touch, with dimensions that are constant or mostly 0, as embeddings have."""
    x, number = make_blobs(count, size, centers=classes, cluster_std=6.0, random_state=3)
    x[:, 0] = 0
    x[:, 1] = np.maximum(x[:, 1], 0)
    y = np.array([f"class {n}" for n in number])
    random = np.random.default_rng(1)
    apart = np.arange(count) if groups is None else random.integers(groups, size=count)
    return Examples(x.astype(np.float32).astype(np.float64), y, apart)


CHOICES = {
    "svm-rbf": {"classifier": "svm", "kernel": "rbf", "C": 3, "gamma": -7},
    "svm-poly": {"classifier": "svm", "kernel": "poly", "C": 1, "gamma": -5},
    "mlp": {"classifier": "mlp", "hidden": 16, "alpha": -2},
    "logistic": {"classifier": "logistic", "C": -1},
}
