"""The data files of the package."""

import pytest

from pyplugin.support import shipped as module
from pyplugin.support.shipped import shipped


@pytest.mark.parametrize(("name", "file"), [("models", "scene.tflite"), ("presets", "drift.toml")])
def test_the_shipped_files_are_found(name, file):
    assert (shipped(name) / file).is_file()


def test_an_installed_copy_is_preferred(tmp_path, monkeypatch):
    package = tmp_path / "pyplugin"
    (package / "_data" / "models").mkdir(parents=True)
    monkeypatch.setattr(module, "_PACKAGE", package)
    assert shipped("models") == package / "_data" / "models"
    assert shipped("presets") == tmp_path / "presets"
    assert shipped("plugins") == tmp_path / "build" / "plugins"
