"""The plugin with a model that was imported."""

import numpy as np
import pytest
from imported import NAME, import_network

from pyplugin.daw import container
from pyplugin.models import registry

pedalboard = pytest.importorskip("pedalboard")


def test_labels_of_an_imported_model_are_shown_by_name(built, tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    import_network(tmp_path)
    model = registry.load(NAME)
    container.install(model, choice="custom-1")
    plugin = pedalboard.load_plugin(str(built / "Tagnode.vst3"))
    plugin.model = "custom-1"
    noise = np.random.default_rng(1).normal(0, 0.2, (2, 96000)).astype(np.float32)
    plugin(noise, 48000)
    assert plugin.status == "ok"
    source = plugin.parameters["slot_1_source"]
    for number, name in container.other_sources(model.card).items():
        source.raw_value = number / 1000
        label = name.removeprefix("tag.").replace("-", "")
        shown = "".join(filter(str.isalnum, source.string_value.lower()))
        assert shown == label
