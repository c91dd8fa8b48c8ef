"""The examples of a task, and their scores."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.heads.examples import scores


def test_balanced_accuracy_is_the_mean_over_the_classes():
    truth = np.array(["a"] * 8 + ["b"] * 2)
    probabilities = np.tile([0.9, 0.1], (10, 1))  # always a
    assert scores(["a", "b"], probabilities, truth) == (0.8, 0.5)
