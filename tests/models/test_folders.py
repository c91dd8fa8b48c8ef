"""Folders of model files: where they are, and what is reported when they cannot be made."""

from pathlib import Path

import pytest

from pyplugin.errors import ModelError
from pyplugin.models import folders


def test_the_environment_names_the_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "mine"))
    assert folders.data_folder() == tmp_path / "mine"
    monkeypatch.delenv("PYPLUGIN_MODELS")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert folders.data_folder().name == "models"
    assert folders.data_folder().is_relative_to(tmp_path)


def test_a_folder_is_made_with_its_parents_or_the_reason_is_given(tmp_path: Path) -> None:
    folders.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=r"cannot be made .*PYPLUGIN_MODELS"):
        folders.make_folder(tmp_path / "file" / "b")


def test_an_installation_without_model_data_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (folders.shipped_folder() / "scene.tflite").is_file()
    monkeypatch.setattr(folders, "shipped", lambda name: tmp_path)
    with pytest.raises(ModelError, match="install it again"):
        folders.shipped_folder()
