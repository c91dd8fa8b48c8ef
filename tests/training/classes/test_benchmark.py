"""The comparison of architectures and heads, on a made dataset of GTZAN's layout."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

sys.path.append(str(Path(__file__).parents[3]))  # the benchmarks are not installed

from benchmarks.networks import main


def test_the_table_has_both_architectures_and_a_head(genres, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = ["--folds", "0", "--epochs", "2", "--batch", "4", "--head", "scene"]
    assert main([str(genres), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line[:1] == "|"]
    assert [row[0] for row in rows[2:]] == ["own", "deepsound", "head on scene"]
    assert float(rows[-1][1]) > 60
    assert all(0 <= float(row[1]) <= 100 for row in rows[2:])


def test_a_model_that_is_not_there_is_an_error(genres, capsys):
    options = ["--folds", "0", "--epochs", "1", "--batch", "2", "--head", "none"]
    assert main([str(genres), *options]) == 1
    assert "There is no model 'none'" in capsys.readouterr().err
