"""Our graphs, float and int8, against the original networks in TensorFlow on six clips."""

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tensorflow_oracle import OUTPUTS, Oracle

from pyplugin.errors import ModelError
from pyplugin.models import musicnn, registry, vgg
from pyplugin.models.networks import NETWORKS
from pyplugin.models.wheel import read_network
from pyplugin.training.calibration import calibrate, measure_drift

Outputs = dict[str, npt.NDArray[np.float32]]
CASES = [(name, 187) for name in NETWORKS] + [("musicnn-mtt", 64), ("musicnn-msd", 64)]


@pytest.fixture(scope="module")
def expected(
    originals: Path, patches: dict[int, npt.NDArray[np.float32]]
) -> Callable[..., Outputs]:
    """What the original network gives for the clips."""
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    known: dict[tuple[str, int], Outputs] = {}

    def run(name: str, length: int) -> Outputs:
        if (name, length) not in known:
            oracle = Oracle(originals / NETWORKS[name].folder, OUTPUTS[name.split("-")[0]])
            parts = [
                oracle(patches[length][start : start + 20])
                for start in range(0, len(patches[length]), 20)
            ]
            known[name, length] = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
        return known[name, length]

    return run


def run_model(path: Path, mel: npt.NDArray[np.float32]) -> Outputs:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")
    runner = interpreter.Interpreter(str(path), num_threads=2).get_signature_runner()
    results = [runner(mel=patch[None]) for patch in mel]
    return {key: np.concatenate([result[key] for result in results]) for key in results[0]}


def file_name(name: str, length: int, *, is_float: bool) -> str:
    return name + ("-p64" if length == 64 else "") + ("-float" if is_float else "") + ".tflite"


@pytest.mark.parametrize(("name", "length"), CASES)
def test_float_gives_what_the_original_gives(
    name: str,
    length: int,
    models: Path,
    patches: dict[int, npt.NDArray[np.float32]],
    expected: Callable[..., Outputs],
) -> None:
    found = run_model(models / file_name(name, length, is_float=True), patches[length])
    original = expected(name, length)
    assert set(found) == set(original)
    for key, values in found.items():
        assert np.abs(values - original[key]).max() <= 1e-4, key


@pytest.mark.parametrize("name", NETWORKS)
def test_float_gives_what_the_original_gives_for_no_music_at_all(
    name: str, models: Path, originals: Path
) -> None:
    """The channels that are left out must not matter for any sound, heard before or not."""
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    random = np.random.default_rng(3)
    shape = (187, 96)
    loudest = 6.9  # a square wave at full scale
    mel = np.stack(
        [
            np.zeros(shape),
            np.full(shape, loudest),
            random.uniform(0, loudest, shape),
            np.where(random.random(shape) < 0.05, loudest, 0),
            np.where(np.arange(96) % 2 == 0, loudest, 0) * np.ones(shape),
        ]
    ).astype(np.float32)
    original = Oracle(originals / NETWORKS[name].folder, OUTPUTS[name.split("-")[0]])(mel)
    found = run_model(models / file_name(name, 187, is_float=True), mel)
    for key, values in found.items():
        assert np.abs(values - original[key]).max() <= 2e-4, key


@pytest.mark.parametrize(("name", "length"), CASES)
def test_int8_stays_near_the_original(
    name: str,
    length: int,
    models: Path,
    patches: dict[int, npt.NDArray[np.float32]],
    expected: Callable[..., Outputs],
) -> None:
    found = run_model(models / file_name(name, length, is_float=False), patches[length])
    original = expected(name, length)["activations"]
    assert np.abs(found["activations"] - original).mean() <= 0.004
    shared = [
        len(set(a) & set(b))
        for a, b in zip(
            np.argsort(-original)[:, :5].tolist(),
            np.argsort(-found["activations"])[:, :5].tolist(),
            strict=True,
        )
    ]
    assert np.mean(shared) >= 4.7


@pytest.mark.parametrize("name", NETWORKS)
def test_labels_are_those_of_the_wheel(name: str, originals: Path) -> None:
    lines = (originals / "configuration.py").read_text().splitlines()
    wanted = f"{NETWORKS[name].folder[:3]}_LABELS = "
    (line,) = (line for line in lines if line.startswith(wanted))
    assert list(NETWORKS[name].labels) == ast.literal_eval(line.removeprefix(wanted))


def test_building_twice_gives_the_same_bytes(wheel: Path, models: Path, tmp_path: Path) -> None:
    for path in registry.get("musicnn-msd", wheel=wheel, folder=tmp_path):
        assert path.read_bytes() == (models / path.name).read_bytes()


@pytest.mark.parametrize("patch", [0, 15, 4097])
def test_musicnn_refuses_patches_out_of_range(patch: int) -> None:
    with pytest.raises(ModelError, match="out of range"):
        musicnn.build({}, patch=patch)


def test_vgg_refuses_other_patches() -> None:
    with pytest.raises(ModelError, match="187 frames only"):
        vgg.build({}, pools=vgg.MTT_POOLS, patch=64)


def test_a_checkpoint_without_a_variable_is_refused() -> None:
    with pytest.raises(ModelError, match="no variable 'conv2d/kernel'"):
        musicnn.build({})


def test_calibration_gives_an_int8_model_that_follows_the_float_one(
    wheel: Path, patches: dict[int, npt.NDArray[np.float32]]
) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    network = NETWORKS["vgg-msd"]
    variables = read_network(wheel, network.folder)
    calibration = calibrate(network, variables, patches[187][::2])
    drift = measure_drift(network, variables, calibration, patches[187][1::2])
    assert drift.float_mean_abs_diff < 0.004
    assert drift.top5_overlap > 4.5
    assert set(drift.per_label) == set(network.labels)
    assert drift.float_mean_abs_diff == pytest.approx(
        np.mean(list(drift.per_label.values())), rel=0.02
    )
