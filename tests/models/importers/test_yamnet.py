"""YAMNet by its name: the published file, given."""

import pytest
from helpers import published_weights

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers.yamnet import FILE


def test_the_published_file_becomes_a_model(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    (path,) = registry.get("yamnet", source=published_weights() / "yamnet" / FILE.name)
    card = registry.info("yamnet")
    assert path.name == "yamnet.tflite"
    assert (len(card.labels), card.license, card.model_types) == (
        521,
        "Apache-2.0",
        ("tflite-int8",),
    )
    assert [(each.name, each.size) for each in card.outputs] == [
        ("activations", 521),
        ("embedding", 1024),
    ]


def test_another_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    (tmp_path / "y.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    with pytest.raises(ModelError, match="SHA-256"):
        registry.get("yamnet", source=tmp_path / "y.tflite")
