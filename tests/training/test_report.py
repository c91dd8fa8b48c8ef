"""The report of a trained network."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.report import best_threshold


def test_the_best_threshold_is_that_of_all_thresholds() -> None:
    from sklearn.metrics import f1_score

    random = np.random.default_rng(0)
    truth = random.random(300) < 0.3
    values = np.round(np.clip(truth * 0.3 + random.normal(0.4, 0.2, 300), 0, 1), 2)
    threshold, best = best_threshold(truth, values.astype(np.float32))
    tried = [f1_score(truth, values >= each) for each in np.linspace(0.0, 1.0, 1001)]
    assert best == pytest.approx(max(tried))
    assert f1_score(truth, values >= threshold) == pytest.approx(best)
