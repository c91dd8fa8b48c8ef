"""The VGG-like networks, float and int8, against the originals in TensorFlow."""

from collections.abc import Callable
from pathlib import Path

import pytest
from graphs import (
    Outputs,
    Patches,
    check_float,
    check_int8,
    extreme_mel,
    file_name,
    originals_of,
    run_model,
)
from tensorflow_oracle import OUTPUTS, Oracle

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers.vgg import MTT_POOLS, NETWORKS, VGG, build

CASES = [(name, 187) for name in NETWORKS]


@pytest.fixture(scope="module")
def expected(originals: Path, patches: dict[int, Patches]) -> Callable[[str, int], Outputs]:
    return originals_of(NETWORKS, originals, patches)


@pytest.mark.parametrize(("name", "length"), CASES)
def test_float_gives_what_the_original_gives(
    name: str,
    length: int,
    models: Path,
    patches: dict[int, Patches],
    expected: Callable[[str, int], Outputs],
) -> None:
    found = run_model(models / file_name(name, length, is_float=True), patches[length])
    check_float(found, expected(name, length), 1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_float_gives_what_the_original_gives_for_extreme_input(
    name: str, models: Path, originals: Path
) -> None:
    """The channels that are left out must not matter for any input."""
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    mel = extreme_mel()
    oracle = Oracle(originals / NETWORKS[name].folder, OUTPUTS["vgg"])
    check_float(run_model(models / file_name(name, 187, is_float=True), mel), oracle(mel), 2e-4)


@pytest.mark.parametrize(("name", "length"), CASES)
def test_int8_stays_near_the_original(
    name: str,
    length: int,
    models: Path,
    patches: dict[int, Patches],
    expected: Callable[[str, int], Outputs],
) -> None:
    found = run_model(models / file_name(name, length, is_float=False), patches[length])
    check_int8(found, expected(name, length))


def test_other_patches_are_refused() -> None:
    with pytest.raises(ModelError, match="187 frames only"):
        build({}, pools=MTT_POOLS, patch=64)


def test_the_importer_has_no_option(tmp_path: Path) -> None:
    assert VGG().needs().options == ()
    with pytest.raises(ModelError, match="vgg-mtt has no option 'patch'; it has none"):
        registry.get("vgg-mtt", folder=tmp_path, patch=64)
    with pytest.raises(ModelError, match="no model 'vgg-mtt-p64'; did you mean 'vgg-mtt'"):
        registry.get("vgg-mtt-p64", folder=tmp_path)


def test_each_data_set_has_its_own_pools(models: Path) -> None:
    """The two networks differ in their shapes, so that one's pools do not suit the other."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")
    shapes = {}
    for name in NETWORKS:
        graph = interpreter.Interpreter(str(models / f"{name}-float.tflite"))
        found = {each["name"]: tuple(each["shape"]) for each in graph.get_tensor_details()}
        shapes[name] = found["conv_1"]
    # 187 frames by 96 bands, (4, 1) windows: steps of (2, 2), and of (4, 1)
    assert shapes["vgg-mtt"][1:3] == (92, 48)
    assert shapes["vgg-msd"][1:3] == (46, 96)
