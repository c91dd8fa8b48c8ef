"""Probabilities of a network for windows, and the scores of each label."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from pyplugin.support.arrays import Float32
from pyplugin.training.corpus import LABELS
from pyplugin.training.network import SceneNetwork

_BATCH = 256


@dataclass(frozen=True)
class LabelScore:
    """Scores of one label.

    Attributes
    ----------
    auc : float
        Area under the receiver operating characteristic; 0.5 is chance.
    precision : float
        Average precision.
    positives, negatives : int
        Number of windows with and without the label; unknown ones are not counted.
    """

    auc: float
    precision: float
    positives: int
    negatives: int


def predict(network: SceneNetwork, windows: Float32, *, quick: bool = False) -> Float32:
    """Return the probability of each label in each window.

    Parameters
    ----------
    network : SceneNetwork
    windows : ndarray of float32, shape (n, patch, bands)
    quick : bool
        Compute in bfloat16.

    Returns
    -------
    ndarray of float32, shape (n, labels)
    """
    network.eval()
    found = []
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=quick):
        for first in range(0, len(windows), _BATCH):
            logits, _ = network(torch.from_numpy(windows[first : first + _BATCH]))
            found.append(torch.sigmoid(logits.float()).numpy())
    return np.concatenate(found)


def score(targets: Float32, probabilities: Float32) -> Mapping[str, LabelScore]:
    """Return the scores of each label that has both positive and negative windows.

    Parameters
    ----------
    targets : ndarray of float32, shape (n, labels)
        1, 0, or NaN for unknown.
    probabilities : ndarray of float32, shape (n, labels)
    """
    from sklearn.metrics import average_precision_score, roc_auc_score

    scores = {}
    for number, label in enumerate(LABELS):
        known = ~np.isnan(targets[:, number])
        truth = targets[known, number] > 0.5
        values = probabilities[known, number]
        if truth.any() and not truth.all():
            scores[label] = LabelScore(
                float(roc_auc_score(truth, values)),
                float(average_precision_score(truth, values)),
                int(truth.sum()),
                int((~truth).sum()),
            )
    return scores
