"""``tagnode presets``: list, show, check, new and schema."""

import json

import pytest
from helpers import sentence

from pyplugin.automation.presets import read_preset, shipped_presets


def test_list_names_each_with_its_model_and_its_use(run):
    code, out, _ = run("presets", "list")
    assert code == 0
    for name, path in shipped_presets().items():
        assert f"\n{name} " in out
        assert read_preset(path).description.split()[0] in out
    assert "no model" in out
    assert "musicnn-mtt" in out


def test_show_prints_the_file(run):
    code, out, _ = run("presets", "show", "late-night")
    assert code == 0
    assert out == shipped_presets()["late-night"].read_text()


@pytest.mark.usefixtures("musicnn")
def test_new_writes_a_sound_preset_and_leaves_a_file_alone(run, tmp_path):
    file = tmp_path / "mine.toml"
    for source in shipped_presets():
        assert run("presets", "new", file, "--from", source)[0] == 0
        assert read_preset(file).name == "mine"
        assert run("presets", "check", file)[0] == 0
        code, _, err = run("presets", "new", file)
        assert (code, "already exists" in sentence(err)) == (2, True)
        file.unlink()
    assert "--from" in run("presets", "new", "--help")[1]
    assert run("presets", "new", tmp_path / "mine.json")[0] == 2


@pytest.mark.usefixtures("musicnn")
def test_check_reports_the_errors_of_all_files(run, tmp_path):
    text = shipped_presets()["duck-under-voice"].read_text()
    wrong, label = tmp_path / "wrong.toml", tmp_path / "label.toml"
    wrong.write_text(text.replace("release = 0.8", "realease = 0.8"))
    label.write_text(text.replace('"tag.voice"', '"tag.vioce"'))
    code, out, err = run("presets", "check", wrong, label, "open-with-drums")
    assert code == 2
    assert "open-with-drums: valid; 1 effect, 1 parameter" in out
    first, second = err.strip().splitlines()
    assert "wrong.toml, line" in first
    assert "'release'" in first
    assert "label.toml, line" in second
    assert "'tag.voice'" in second


def test_check_without_the_model_reports_that_labels_are_not_checked(run, tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    code, out, _ = run("presets", "check", "drift", "late-night")
    assert code == 0
    assert "labels are not checked" in out
    assert "late-night: valid; 3 effects, 1 parameter" in out
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(shipped_presets()["drift"].read_text().replace("musicnn-mtt", "musicn-mtt"))
    code, out, err = run("presets", "check", wrong)
    assert (code, out) == (2, "")
    assert "'musicn-mtt'; did you mean 'musicnn-mtt'" in sentence(err)


@pytest.mark.usefixtures("musicnn")
def test_check_names_the_model_that_a_preset_leaves_open(run, tmp_path):
    text = shipped_presets()["open-with-drums"].read_text()
    (tmp_path / "a.toml").write_text(text.replace('model = "scene"', ""))
    assert "automated, scene" in run("presets", "check", tmp_path / "a.toml")[1]


def test_schema_is_the_one_published(run):
    code, out, _ = run("presets", "schema")
    assert code == 0
    assert json.loads(out)["title"] == "pyplugin preset"
