"""``tagnode train compare`` on short recordings and small models."""

import pytest
from helpers import written_files

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")


def test_the_table_is_printed_and_written(run, labelled_clips, model_file, tmp_path):
    options = ("--backbone", model_file, "--classifier", "logistic", "--jobs", 1)
    out = tmp_path / "table"
    code, printed, err = run(
        *("train", "compare", labelled_clips, "--external", labelled_clips, "--out", out, *options)
    )
    assert code == 0
    assert printed.splitlines()[0] == "clips  probe  100.0 %  external 100.0 %, drop 0.0  best"
    assert "18 clips of the external set are in the training set" in err
    assert written_files(out) == {"comparison.tsv", "comparison.md", "comparison.html"}
    assert printed.splitlines()[1:] == [
        str(out / f"comparison.{kind}") for kind in ("tsv", "md", "html")
    ]


def test_invalid_input_gets_one_sentence(run, labelled_clips, model_file, tmp_path):
    def refused(message, *arguments):
        code, printed, err = run("train", "compare", "--out", tmp_path / "table", *arguments)
        assert (code, printed) == (2, "")
        assert message in err.strip().splitlines()[-1]

    refused("Missing option '--backbone'", labelled_clips)
    refused("There is no model 'nothing'", labelled_clips, "--backbone", "nothing")
    refused("does not exist", labelled_clips / "none", "--backbone", model_file)
    twice = ("--backbone", model_file, "--backbone", model_file)
    refused("2 models are called 'probe'", labelled_clips, *twice)
