"""The table and the page of a search."""

import re

import numpy as np
import pytest

from pyplugin.errors import PypluginError

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.heads.configurations import (
    CLASSIFIERS,
    Configuration,
    grid,
)
from pyplugin.training.heads.report import HeadReport, read_row, write_page, write_table
from pyplugin.training.heads.search import (
    Result,
)
from pyplugin.training.pages import Predictions

GAIAS_COLUMNS = """accuracy_rank accuracy accuracy_std normalized_accuracy_rank normalized_accuracy
normalized_accuracy_std results_file param_file kernel C preprocessing balance_classes type
classifier gamma evaluation"""
"""From generate_params_report.py of MTG/gaia."""


def test_the_table_has_the_columns_of_gaias_report_first(tmp_path):
    results = [
        Result(Configuration("svm", "minmax", True, "rbf", 1, -3), (0.4, 0.5), (0.9, 0.9)),
        Result(Configuration("mlp", "none", False, hidden=32, alpha=0), (0.8, 0.6), (0.7, 0.9)),
    ]
    write_table(tmp_path / "r.tsv", "moods", results, unit="window")
    rows = [line.split("\t") for line in (tmp_path / "r.tsv").read_text().splitlines()]
    assert rows[0] == [*GAIAS_COLUMNS.split(), "hidden", "alpha", "className", "per"]
    scores = ["2", "45.000", "5.000", "1", "90.000", "0.000", "", ""]
    choice = ["rbf", "1", "minmax", "True", "C-SVC", "svm", "-3", "nfoldcrossvalidation 2"]
    assert rows[1] == [*scores, *choice, "", "", "moods", "window"]
    assert rows[2][0] == "1"


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_a_row_of_a_report_is_the_configuration_that_was_tried(classifier, tmp_path):
    results = [
        Result(configuration, (0.5, 1.0), (0.25, 0.75))
        for configuration in grid(classifier, full=True, unequal=True)
    ]
    table = tmp_path / "r.tsv"
    write_table(table, "moods", results)
    for number in range(1, len(results) + 1, 11):
        assert read_row(table, number) == results[number - 1].configuration
    header, first, *_ = table.read_text().splitlines()
    row = dict(zip(header.split("\t"), first.split("\t"), strict=True))
    assert (row["accuracy"], row["accuracy_std"]) == ("75.000", "25.000")
    assert (row["normalized_accuracy"], row["className"]) == ("50.000", "moods")


@pytest.mark.parametrize("number", [-1, 0, 2])
def test_a_row_out_of_range_is_rejected(number, tmp_path):
    result = Result(Configuration("logistic", "none", False, C=1), (1.0,), (1.0,))
    write_table(tmp_path / "r.tsv", "x", [result])
    with pytest.raises(PypluginError, match=f"has no row {number}; choose one of 1 to 1"):
        read_row(tmp_path / "r.tsv", number)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("classifier", "forest"),
        ("preprocessing", "whiten"),
        ("kernel", "sigmoid"),
        ("C", "x"),
        ("C", ""),
        ("gamma", "4000"),
        ("balance_classes", "maybe"),
    ],
)
def test_a_damaged_row_is_rejected(column, value, tmp_path):
    result = Result(Configuration("svm", "none", False, "rbf", 1, -3), (1.0,), (1.0,))
    table = tmp_path / "r.tsv"
    write_table(table, "x", [result])
    header, row = table.read_text().splitlines()
    cells = row.split("\t")
    cells[header.split("\t").index(column)] = value
    table.write_text(header + "\n" + "\t".join(cells) + "\n")
    with pytest.raises(PypluginError, match=r"Row 1 of .* is damaged"):
        read_row(table, 1)


@pytest.mark.parametrize("content", [b"", b"a\tb\n1\t2\n", b"\xff\xfe\x00"])
def test_a_file_that_is_not_a_report_is_rejected(content, tmp_path):
    (tmp_path / "r.tsv").write_bytes(content)
    with pytest.raises(PypluginError, match="is not a report"):
        read_row(tmp_path / "r.tsv", 1)
    with pytest.raises(PypluginError, match="cannot be read: no such file"):
        read_row(tmp_path / "missing.tsv", 1)


def test_the_page_is_self_contained_and_escapes_names(tmp_path):
    truth = np.array(["<a>", "<a>", "b", "b"])
    predicted = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.3, 0.7]])
    found = Predictions(["<a>", "b"], truth, predicted, list("wxyz"))
    page = HeadReport("t & t", {"k": "<v>"}, ["n<"], ["s<"], found)
    write_page(tmp_path / "p.html", page)
    text = (tmp_path / "p.html").read_text()
    assert "src=" not in text
    assert "href=" not in text
    assert "<a>" not in text
    # one of two <a> taken for b; AUC by hand: of 4 pairs of scores 0.1, 0.8 against 0.9, 0.7, 3
    matrix = re.findall("<tr><th>([^<]*)</th>(.*?)</tr>", text.split("Confusion matrix")[1])
    counts = {name: re.findall(">([^<]+)</td>", cells) for name, cells in matrix[1:3]}
    assert counts == {"&lt;a&gt;": ["1", "1", "50 %"], "b": ["0", "2", "100 %"]}
    assert "AUC 0.750" in text
    assert "0.80" in text  # the mistake
