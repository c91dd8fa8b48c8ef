"""The constants for the wheel of musicnn, against its content."""

import ast
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.frontends import PRESETS
from pyplugin.models.importers import musicnn, vgg
from pyplugin.models.importers.musicnn_wheel import WHEEL, read_network
from pyplugin.training.calibration import calibrate, measure_drift

NETWORKS = {**musicnn.NETWORKS, **vgg.NETWORKS}


def configuration(originals: Path, name: str) -> Any:
    """A constant of the wheel's configuration.py, which is parsed and not run."""
    tree = ast.parse((originals / "configuration.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return ast.literal_eval(node.value)
    raise AssertionError(name)


@pytest.mark.parametrize("name", NETWORKS)
def test_labels_are_those_of_the_wheel(name: str, originals: Path) -> None:
    wanted = configuration(originals, f"{NETWORKS[name].folder[:3]}_LABELS")
    assert list(NETWORKS[name].labels) == wanted


def test_the_front_end_is_that_of_the_wheel(originals: Path) -> None:
    front_end = PRESETS["musicnn"]
    assert front_end.sample_rate == configuration(originals, "SR")
    assert front_end.fft == configuration(originals, "FFT_SIZE")
    assert front_end.hop == configuration(originals, "FFT_HOP")
    assert front_end.bands == configuration(originals, "N_MELS")


@pytest.mark.parametrize("name", NETWORKS)
def test_checkpoints_have_as_many_labels_as_the_cards(name: str, wheel: Path) -> None:
    variables = read_network(wheel, NETWORKS[name].folder)
    last = "dense_1/bias" if name.startswith("musicnn") else "dense/bias"
    assert variables[last].shape == (len(NETWORKS[name].labels),)


def test_the_licence_of_the_wheel_is_written_beside_the_models(wheel: Path, tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    registry.get("vgg-msd", source=wheel, folder=tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        expected = archive.read("musicnn-0.1.0.dist-info/LICENSE.md")
    assert (tmp_path / "LICENSE-musicnn.md").read_bytes() == expected


def test_another_wheel_is_refused_and_nothing_kept(tmp_path: Path) -> None:
    other = tmp_path / WHEEL.file_name
    other.write_bytes(b"not the wheel")
    with pytest.raises(ModelError, match=f"not the wheel of musicnn.*{WHEEL.sha256}"):
        registry.get("musicnn-mtt", source=other, folder=tmp_path / "models")
    assert not (tmp_path / "models").exists()


def test_calibration_gives_an_int8_model_that_follows_the_float_one(
    wheel: Path, patches: dict[int, Any]
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
        sum(drift.per_label.values()) / len(drift.per_label), rel=0.02
    )
