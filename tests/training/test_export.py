"""The .tflite files compute what the PyTorch network computes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import music
from msgspec import structs

from pyplugin import Node, State
from pyplugin.models import registry
from pyplugin.models.card import Dataset, InputTensor, Schema
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
from pyplugin.training.held_out import WindowSet
from pyplugin.training.network import NetworkSettings, SceneNetwork
from pyplugin.training.sequences import SequenceSet
from pyplugin.training.train import TrainSettings, fit


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


SEGMENTED = replace(SMALL, segments=4, level_free=True, preset="scene")


@pytest.fixture(scope="module")
def segmented(sequences: SequenceSet) -> SceneNetwork:
    return fit(sequences, SEGMENTED, TrainSettings(steps=15, batch=4))


def scene_windows(window_set: WindowSet) -> np.ndarray:
    """The windows by the front-end of scene, which has another logarithm."""
    power = np.expm1(window_set.windows()[::20] * np.log(10.0)) / 1e4
    return np.log10(1.0 + 1e5 * power).astype(np.float32)


def test_segments_and_zero_mean_kernels_are_in_the_file(
    window_set: WindowSet, segmented: SceneNetwork
) -> None:
    windows = scene_windows(window_set)
    network, variables = source(SEGMENTED), variables_of(segmented)
    found = run_patches(network.build(variables), windows, ("logits", "embedding"))
    halved = variables | {"dense.weight": variables["dense.weight"].astype(np.float16)}
    with torch.no_grad():  # the file has half precision there
        segmented.load_state_dict({name: torch.tensor(np.float32(v)) for name, v in halved.items()})
        logits, embedding = segmented(torch.from_numpy(windows))
    np.testing.assert_allclose(found["logits"], logits, atol=1e-4)
    np.testing.assert_allclose(found["embedding"], embedding, atol=1e-4)
    card = network.card(
        b"", patch=30, int8=True, name="s", description="", version="1", license="", author="",
        dataset=network.dataset, link="", default_hop=0.1,
    )  # fmt: skip
    assert card.front_end.log_scale == 1e5


def test_segments_run_inline_as_in_litert(window_set: WindowSet, segmented: SceneNetwork) -> None:
    windows = scene_windows(window_set)
    network, variables = source(SEGMENTED), variables_of(segmented)
    calibration = calibrate(network, variables, windows)
    model = network.build(variables, calibration=calibration)
    names = [output.name for output in network.outputs]
    wanted, found = run_patches(model, windows, names), run_inline(model, network.outputs, windows)
    for name in names:
        # int8 layers may differ by a step in few values
        assert np.abs(found[name] - wanted[name]).max() < 0.05, name
        assert np.median(np.abs(found[name] - wanted[name])) < 1e-4, name
    drift = run_patches(network.build(variables), windows, ("activations",))["activations"]
    assert np.abs(drift - wanted["activations"]).max() < 0.06


def test_segments_give_the_same_bits_for_any_blocks(
    window_set: WindowSet, segmented: SceneNetwork, tmp_path: Path
) -> None:
    network, variables = source(SEGMENTED), variables_of(segmented)
    calibration = calibrate(network, variables, scene_windows(window_set))
    model = network.build(variables, calibration=calibration)
    card = structs.replace(
        registry.load("scene").card,
        labels=network.labels,
        patch_frames=30,
        inference=SEGMENTED.front_end,
        schema=Schema((InputTensor("mel", "float", (1, 30, 96)),), network.outputs),
    )
    loaded = registry.Model("small", tmp_path / "small.tflite", card, model)
    x = music(3.0, 16000)
    results = []
    for block in (64, 511, 4096):
        with Node(16000, 1, block, model=loaded, hop=0.032, runtime="inline") as node:
            parts = [node.process(x[:, at : at + block]) for at in range(0, x.shape[1], block)]
        fresh = [(part.end[part.state == State.FRESH], part.values[part.state == State.FRESH])
                 for part in parts]  # fmt: skip
        ends = np.concatenate([each[0] for each in fresh]).tolist()
        results.append(dict(zip(ends, np.concatenate([each[1] for each in fresh]), strict=True)))
    common = set(results[0]) & set(results[1]) & set(results[2])
    assert len(common) > 50
    for end in common:
        np.testing.assert_array_equal(results[0][end], results[1][end])
        np.testing.assert_array_equal(results[0][end], results[2][end])


def source(settings: NetworkSettings = SMALL):
    return scene_network(
        settings, name="small", description="small", dataset=Dataset("made", "here", "small", {})
    )


def run_inline(model: bytes, outputs, windows) -> dict[str, np.ndarray]:
    scene = registry.load("scene").card
    inputs = (structs.replace(scene.inputs[0], shape=(1, *windows.shape[1:])),)
    card = structs.replace(
        scene,
        labels=LABELS,
        patch_frames=windows.shape[1],
        schema=Schema(inputs, tuple(outputs)),
    )
    loaded = registry.Model("small", Path("small.tflite"), card, model)
    inline = open_model(loaded, card_struct(card), "inline")
    results = [inline.run(window, [output.size for output in outputs]) for window in windows]
    inline.close()
    return {
        output.name: np.stack([result[number] for result in results])
        for number, output in enumerate(outputs)
    }
