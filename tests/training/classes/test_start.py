"""The weights of `scene`: the network computes what the model does, before it is trained."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import torch

from pyplugin.models import registry
from pyplugin.training.calibration import run_patches
from pyplugin.training.classes.batches import Batches, targets_of
from pyplugin.training.classes.settings import ARCHITECTURES
from pyplugin.training.classes.start import network_from_scene
from pyplugin.training.network import SceneNetwork


def test_the_embedding_is_that_of_scene_up_to_quantisation(features):
    labels = ("blues", "disco", "metal")
    batches = Batches(features, targets_of(features, labels), ARCHITECTURES["own"], 125)
    windows, _ = batches.batch(40, np.random.default_rng(0))
    network = network_from_scene(3, windows)
    with torch.no_grad():
        found = SceneNetwork.forward(network, torch.from_numpy(windows))[1].numpy()
    scene = registry.load("scene")
    wanted = run_patches(scene.data, windows, ("embedding",))["embedding"]
    assert wanted.max() > 1
    apart = np.abs(found - wanted) / wanted.max()  # int8 saturates for a few loud windows
    assert (apart.max(), np.quantile(apart, 0.95)) < (0.1, 0.01)
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.999
    assert network(torch.from_numpy(windows)).shape == (40, 1, 3)
