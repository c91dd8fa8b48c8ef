"""The importer of the VGG-like networks; test_originals.py compares what it builds."""

from pathlib import Path

import pytest

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers.vgg import MTT_POOLS, NETWORKS, VGG, build


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
