"""The networks, and the probabilities and losses of their logits, against NumPy."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import torch

from pyplugin.training.classes.networks import log_probabilities, loss_of, new_network, predict
from pyplugin.training.classes.settings import ARCHITECTURES


def test_probabilities_are_means_over_the_steps():
    logits = np.random.default_rng(1).normal(0, 2, (5, 3, 4)).astype(np.float32)
    soft = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    sigmoid = 1 / (1 + np.exp(-logits))
    for exclusive, wanted in ((True, soft), (False, sigmoid)):
        found = log_probabilities(torch.from_numpy(logits), exclusive=exclusive).exp()
        np.testing.assert_allclose(found, wanted.mean(axis=1), rtol=1e-5)


def test_losses_are_cross_entropies():
    logits = torch.tensor([[[2.0, -1.0, 0.5]]])
    targets = torch.tensor([[1.0, 0.0, 0.0]])
    p = np.exp([2.0, -1.0, 0.5]) / np.exp([2.0, -1.0, 0.5]).sum()
    assert loss_of(logits, targets, exclusive=True).item() == pytest.approx(-np.log(p[0]))
    s = 1 / (1 + np.exp([-2.0, 1.0, -0.5]))
    wanted = -(np.log(s[0]) + np.log(1 - s[1]) + np.log(1 - s[2])) / 3
    assert loss_of(logits, targets, exclusive=False).item() == pytest.approx(wanted)


def test_deepsound_gives_a_result_for_36_frames_and_one_more_for_each_8():
    network = new_network("deepsound", 10).eval()
    kind = ARCHITECTURES["deepsound"]
    assert [layer.out_channels for layer in network.convolutions] == [256] * 3
    mel = torch.randn(2, kind.frames, 128)
    logits = network(mel)
    assert logits.shape == (2, 13, 10)
    alone = torch.cat([network(mel[:, 8 * n : 8 * n + kind.patch]) for n in range(13)], dim=1)
    np.testing.assert_allclose(logits.detach(), alone.detach(), atol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_predictions_sum_to_one(name):
    kind = ARCHITECTURES[name]
    windows = np.zeros((3, kind.frames, kind.front_end.bands), np.float32)
    found = predict(new_network(name, 4), windows, exclusive=True)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)
