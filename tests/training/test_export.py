"""The .tflite files compute what the PyTorch network computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from pyplugin.models import registry
from pyplugin.models.card import Dataset, Schema
from pyplugin.models.quantisation import activation_quantisation
from pyplugin.models.structs import card_struct
from pyplugin.node.runtimes import open_model

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

import torch
from small_network import SMALL

from pyplugin.training.calibration import calibrate, run_patches
from pyplugin.training.corpus import LABELS
from pyplugin.training.export import scene_network, variables_of
from pyplugin.training.network import NetworkSettings, SceneNetwork
from pyplugin.training.windows import WindowSet


def test_the_float_file_equals_pytorch(window_set: WindowSet, trained: SceneNetwork) -> None:
    windows = window_set.windows()[::20]
    model = source().build(variables_of(trained))
    found = run_patches(model, windows, ("logits", "embedding"))
    with torch.no_grad():
        logits, embedding = trained(torch.from_numpy(windows))
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(found["embedding"], embedding, atol=1e-4)
    assert embedding.numpy().std() > 0.01


def test_the_int8_file_is_close_to_the_float_file(
    window_set: WindowSet, trained: SceneNetwork
) -> None:
    windows = window_set.windows()[::20]
    network, variables = source(), variables_of(trained)
    calibration = calibrate(network, variables, window_set.windows()[::7])
    model = network.build(variables, calibration=calibration)
    expected = run_patches(network.build(variables), windows, ("activations",))["activations"]
    found = run_patches(model, windows, ("activations",))["activations"]
    assert np.abs(found - expected).max() < 0.05


def test_inline_int8_layers_are_within_a_step_of_litert_and_float_layers_equal(
    window_set: WindowSet, trained: SceneNetwork
) -> None:
    windows = window_set.windows()[::20]
    # The first dense layer passes on what comes out of the last int8 layer: maxima, then means.
    depth = SMALL.layers[-1].channels
    network = source(replace(SMALL, embedding=2 * depth))
    variables = variables_of(trained) | {
        "dense.weight": np.eye(2 * depth, dtype=np.float32),
        "dense.bias": np.zeros(2 * depth, np.float32),
        "logits.weight": np.random.default_rng(0)
        .normal(0.0, 0.3, (len(LABELS), 2 * depth))
        .astype(np.float32),
    }
    calibration = calibrate(network, variables, window_set.windows()[::7])
    model = network.build(variables, calibration=calibration)
    names = [output.name for output in network.outputs]
    wanted = run_patches(model, windows, names)
    found = run_inline(model, network.outputs, windows)
    last = f"layer_{len(SMALL.layers)}"
    step = activation_quantisation(*calibration.ranges[last]).scale * np.abs(
        calibration.equalisation[last]
    )
    assert len(np.unique(wanted["embedding"][:, 0])) > 10
    apart = np.abs(found["embedding"] - wanted["embedding"]) / np.tile(step, 2)
    assert apart.max() <= 1.0 + 1e-3
    assert (apart < 1e-3).mean() > 0.99
    np.testing.assert_allclose(found["activations"], wanted["activations"], atol=1e-4)


def source(settings: NetworkSettings = SMALL):
    return scene_network(
        settings, name="small", description="small", dataset=Dataset("made", "here", "small", {})
    )


def run_inline(model: bytes, outputs, windows) -> dict[str, np.ndarray]:
    scene = registry.load("scene").card
    inputs = (structs.replace(scene.inputs[0], shape=(1, *windows.shape[1:])),)
    card = structs.replace(
        scene, patch_frames=windows.shape[1], schema=Schema(inputs, tuple(outputs))
    )
    loaded = registry.Model("small", Path("small.tflite"), card, model)
    inline = open_model(loaded, card_struct(card), "inline")
    results = [inline.run(window, [output.size for output in outputs]) for window in windows]
    inline.close()
    return {
        output.name: np.stack([result[number] for result in results])
        for number, output in enumerate(outputs)
    }
