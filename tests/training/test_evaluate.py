"""The command that compares scene with others, on a made corpus."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.errors import PypluginError
from pyplugin.training import evaluate as module
from pyplugin.training.evaluate import as_tsv, evaluate, main
from pyplugin.training.measures import Measure


def test_the_command_prints_and_writes_a_table(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch
) -> None:
    monkeypatch.setattr(module, "SOUNDFONTS", tmp_path)  # rendering takes long
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))  # only scene is there
    arguments = ["--corpus", str(corpus), "--out", str(tmp_path / "table.tsv")]
    assert main([*arguments, "--silero", str(tmp_path), "--per-group", "1"]) == 0
    out, err = capsys.readouterr()
    assert "noise: ROC-AUC" in out
    assert "left out: music from SoundFonts" in err
    assert err.count("left out:") >= 3
    rows = [line.split("\t") for line in (tmp_path / "table.tsv").read_text().splitlines()]
    assert rows[0] == ["measure", "better", "scene"]
    assert {len(row) for row in rows} == {3}
    values = {row[0]: row[2] for row in rows[1:]}
    assert float(values["noise: ROC-AUC"]) > 0.9
    assert values["voice in songs against music: ROC-AUC"] == ""  # no songs here


def test_a_split_that_is_not_there_is_reported(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--corpus", str(corpus), "--split", "none", "--silero", str(tmp_path)]
    assert main(arguments) == 1
    assert "no recordings of 'none'" in capsys.readouterr().err


def test_a_missing_corpus_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--corpus", str(tmp_path), "--silero", str(tmp_path)]) == 1
    assert "manifest.csv" in capsys.readouterr().err


def test_without_sounds_there_is_nothing_to_evaluate() -> None:
    with pytest.raises(PypluginError, match="no recordings"):
        evaluate([], [])


def test_a_table_has_a_row_for_each_measure_and_a_column_for_each_model() -> None:
    found = {
        "one": [Measure("a", 0.5), Measure("b", np.nan, "less")],
        "other": [Measure("a", 0.25), Measure("b", 2.0, "less")],
    }
    assert (
        as_tsv(found) == "measure\tbetter\tone\tother\na\tmore\t0.5000\t0.2500\nb\tless\t\t2.0000\n"
    )
