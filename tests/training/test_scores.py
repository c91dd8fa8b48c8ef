"""Probabilities and scores, against hand counts of pairs."""

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

import numpy as np
import torch
from small_network import SMALL

from pyplugin.training.corpus import LABELS
from pyplugin.training.network import SceneNetwork
from pyplugin.training.scores import predict, score

SPEECH = LABELS.index("speech")


def columns(speech: list[float], other: float) -> np.ndarray:
    values = np.full((len(speech), len(LABELS)), other, np.float32)
    values[:, SPEECH] = speech
    return values


def test_the_auc_is_the_share_of_ordered_pairs() -> None:
    truth, values = [1, 1, 0, 0, 0], [0.9, 0.4, 0.5, 0.4, 0.1]
    pairs = [
        (a > b) + 0.5 * (a == b)
        for a, x in zip(values, truth, strict=True)
        for b, y in zip(values, truth, strict=True)
        if x > y
    ]
    (found,) = score(columns(truth, 0.0), columns(values, 0.0)).values()
    assert found.auc == pytest.approx(np.mean(pairs))
    assert (found.positives, found.negatives) == (2, 3)


def test_the_precision_is_averaged_over_the_positives() -> None:
    # Ranks of the positives are 1 and 3: precisions 1 and 2/3.
    (found,) = score(columns([1, 0, 1], 0.0), columns([0.9, 0.6, 0.3], 0.0)).values()
    assert found.precision == pytest.approx((1 + 2 / 3) / 2)


def test_unknown_windows_are_not_counted() -> None:
    values = columns([0.9, 0.1, 0.5], 0.0)
    (found,) = score(columns([1, 0, np.nan], np.nan), values).values()
    assert (found.auc, found.positives, found.negatives) == (1.0, 1, 1)


def test_labels_without_positives_or_negatives_have_no_score() -> None:
    assert score(columns([1, 1], 0.0), columns([0.5, 0.6], 0.1)) == {}


def test_probabilities_do_not_depend_on_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = SceneNetwork(SMALL)
    random = np.random.default_rng(0)
    windows = random.random((7, SMALL.patch, SMALL.bands)).astype(np.float32)
    whole = predict(network, windows)
    assert whole.shape == (7, len(LABELS))
    assert ((whole > 0) & (whole < 1)).all()
    monkeypatch.setattr("pyplugin.training.scores._BATCH", 3)
    np.testing.assert_allclose(predict(network, windows), whole, atol=1e-6)
    np.testing.assert_allclose(predict(network, windows, quick=True), whole, atol=0.02)
