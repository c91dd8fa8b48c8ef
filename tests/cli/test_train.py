"""``tagnode train network``: invalid input, without training."""

import sys

import pytest
from helpers import sentence


@pytest.mark.parametrize("option", ["--corpus", "--out"])
def test_required_options(run, tmp_path, option):
    options = {"--corpus": tmp_path, "--out": tmp_path}
    del options[option]
    code, _, err = run("train", "network", "a.toml", *sum(options.items(), ()))
    assert code == 2
    assert f"Missing option '{option}'" in err


def test_without_scikit_learn_the_extra_is_reported(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    code, _, err = run("train", "network", "a.toml", "--corpus", tmp_path, "--out", tmp_path)
    assert code == 2
    assert "pip install 'tagnode[network]'" in sentence(err)


def test_a_missing_recipe_and_a_missing_folder_are_reported(run, tmp_path):
    pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
    arguments = ["--corpus", tmp_path, "--out", tmp_path / "missing"]
    code, _, err = run("train", "network", tmp_path / "a.toml", *arguments)
    assert code == 2
    assert "Cannot read the recipe" in sentence(err)
