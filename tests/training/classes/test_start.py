"""The weights of `scene`: the network computes what the model does, before it is trained."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import torch

from pyplugin.models import registry
from pyplugin.models.card import Dataset
from pyplugin.training.calibration import calibrate, run_patches
from pyplugin.training.classes.batches import Batches, targets_of
from pyplugin.training.classes.settings import ARCHITECTURES, ClassesSettings, preset_of_scene
from pyplugin.training.classes.start import network_from_scene, scene_settings, scene_weights
from pyplugin.training.export import scene_network, variables_of
from pyplugin.training.network import Layer, NetworkSettings, SceneNetwork

LABELS = ("blues", "disco", "metal")


def test_the_embedding_is_that_of_scene_up_to_quantisation(features):
    kind = ClassesSettings(start="scene").kind
    batches = Batches(features, targets_of(features, LABELS), kind, 125)
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


FIVE = NetworkSettings(
    patch=125,
    layers=(Layer(6, 3, 7, 2), Layer(8, 3, 5, 2), Layer(8, 3, 5, 2, 2), Layer(12, 1, 9),
            Layer(10, 5, 1, 1, 4), Layer(10, 5, 1, 1, 8)),
    embedding=12,
    segments=3,
    level_free=True,
    preset="scene",
)  # fmt: skip


def test_a_level_free_scene_of_segments_is_taken_over(
    features, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As version 5 is: with another front-end, segments and kernels without a mean."""
    torch.manual_seed(1)
    original = SceneNetwork(FIVE).eval()
    for norm in original.norms:
        torch.nn.init.uniform_(norm.bias, 0.1, 0.5)  # so that no channel is always 0
    batches = Batches(
        features, targets_of(features, LABELS), replace(ARCHITECTURES["own"], preset="scene"), 125
    )
    windows, _ = batches.batch(40, np.random.default_rng(0))
    network = scene_network(FIVE, name="scene", description="", dataset=Dataset("", "", "", {}))
    variables = variables_of(original)
    data = network.build(variables, calibration=calibrate(network, variables, windows))
    card = network.card(
        data, patch=125, int8=True, name="scene", description="", version="5", license="",
        author="", dataset=network.dataset, link="", default_hop=0.1,
    )  # fmt: skip
    model = registry.Model("scene", tmp_path / "scene.tflite", card, data)
    monkeypatch.setattr(registry, "load", lambda name: model)
    preset_of_scene.cache_clear()
    try:
        assert ClassesSettings(start="scene").kind.front_end.log_scale == 1e5
        assert scene_settings(scene_weights()) == FIVE
        started = network_from_scene(3, windows)
    finally:
        preset_of_scene.cache_clear()
    with torch.no_grad():
        found = SceneNetwork.forward(started, torch.from_numpy(windows))[1].numpy()
        wanted = original(torch.from_numpy(windows))[1].numpy()
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.99
