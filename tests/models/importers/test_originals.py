"""The networks that the importers build, float and int8, against the originals in TensorFlow."""

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

from pyplugin.models.importers import musicnn, vgg

NETWORKS = {**musicnn.NETWORKS, **vgg.NETWORKS}
CASES = [
    *((name, length) for name in musicnn.NETWORKS for length in (187, 64)),
    *((name, 187) for name in vgg.NETWORKS),
]


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
    oracle = Oracle(originals / NETWORKS[name].folder, OUTPUTS[name.partition("-")[0]])
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
