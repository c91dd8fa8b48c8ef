"""The ranking as a table, the best configuration as a page.

``write_table``, ``read_row``
    The table, tab-separated, one row for each configuration, best first.
``write_page``
    One self-contained HTML file.
"""

import csv
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float64, Texts
from pyplugin.support.cells import guarded
from pyplugin.support.files import replacing, sentence
from pyplugin.training import pages
from pyplugin.training.heads.configurations import CLASSIFIERS, PREPROCESSING, Configuration
from pyplugin.training.heads.search import Result
from pyplugin.training.heads.selections import SELECTIONS

# The columns of Gaia's report in its order, with both file names empty, then further ones.
COLUMNS = (
    "accuracy_rank",
    "accuracy",
    "accuracy_std",
    "normalized_accuracy_rank",
    "normalized_accuracy",
    "normalized_accuracy_std",
    "results_file",
    "param_file",
    "kernel",
    "C",
    "preprocessing",
    "balance_classes",
    "type",
    "classifier",
    "gamma",
    "evaluation",
    "hidden",
    "alpha",
    "className",
    "per",
)
_SHOWN_ROWS = 20


def _percent(values: Sequence[float]) -> tuple[str, str]:
    """Return mean and standard deviation."""
    return f"{100 * np.mean(values):.3f}", f"{100 * np.std(values):.3f}"


def write_table(path: Path, name: str, results: Sequence[Result], *, unit: str = "clip") -> None:
    """Write the ranking, with the columns of a report by Gaia.

    Accuracies are in percent, means and standard deviations over the folds; the normalized one is
    the mean over the classes, and rows are sorted by it. C and gamma are exponents of 2, alpha
    of 10.

    Parameters
    ----------
    path
    name
        Name of the dataset.
    results
        Best first.
    unit : {"clip", "window"}
        Unit of the accuracies.
    """
    order = sorted(results, key=lambda result: -float(np.mean(result.accuracies)))
    ranks = {result.configuration: rank for rank, result in enumerate(order, 1)}
    with (
        replacing(path) as partial,
        partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, result in enumerate(results, 1):
            choice = result.configuration
            cells = {
                "accuracy_rank": ranks[choice],
                "normalized_accuracy_rank": number,
                "balance_classes": choice.balanced,
                "type": "C-SVC" if choice.classifier == "svm" else "",
                "evaluation": f"nfoldcrossvalidation {len(result.accuracies)}",
                "className": guarded(name),
                "per": unit,
                **vars(choice),
            }
            cells["accuracy"], cells["accuracy_std"] = _percent(result.accuracies)
            normalized = _percent(result.balanced_accuracies)
            cells["normalized_accuracy"], cells["normalized_accuracy_std"] = normalized
            writer.writerow([cells.get(column) for column in COLUMNS])


def read_row(path: Path, number: int) -> Configuration:
    """Return the configuration in a row of a ranking; the first row is 1.

    Raises
    ------
    PypluginError
        There is no such file or row, or it is not a ranking.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except OSError as error:
        raise PypluginError(f"The report {path} cannot be read: {sentence(error)}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PypluginError(f"{path} is not a report; give a .tsv of `train head`.") from error
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise PypluginError(f"{path} is not a report; give a .tsv of `train head`.")
    if not 1 <= number <= len(rows):
        raise PypluginError(f"{path} has no row {number}; choose one of 1 to {len(rows)}.")
    try:
        return _configuration(rows[number - 1])
    except (ValueError, TypeError, KeyError) as error:
        raise PypluginError(
            f"Row {number} of {path} is damaged; write the report again, or choose another row."
        ) from error


def _configuration(row: dict[str, str]) -> Configuration:
    classifier, preprocessing, kernel = row["classifier"], row["preprocessing"], row["kernel"]
    needed = {"svm": ("C", "gamma"), "logistic": ("C",), "mlp": ("hidden", "alpha")}[classifier]
    values = {name: int(row[name]) for name in needed}
    known = (*PREPROCESSING, *SELECTIONS)
    if preprocessing not in known or classifier not in CLASSIFIERS:
        raise ValueError(preprocessing)
    if classifier == "svm" and kernel not in ("poly", "rbf"):
        raise ValueError(kernel)
    if any(abs(values.get(name, 0)) > 30 for name in ("C", "gamma", "alpha")):
        raise ValueError(row)
    if not 1 <= values.get("hidden", 1) <= 4096:
        raise ValueError(row["hidden"])
    balanced = {"True": True, "False": False}[row["balance_classes"]]
    return Configuration(classifier, preprocessing, balanced, kernel or None, **values)


@dataclass(frozen=True)
class HeadReport:
    """The contents of the page.

    Attributes
    ----------
    title : str
    facts : dict of str to str
    notes, skipped : list of str
    predictions : Predictions
        By models trained without the row.
    results : sequence of Result
    external_set : tuple or None
        Name, `truth` and `probabilities` of an external set.
    """

    title: str
    facts: dict[str, str]
    notes: list[str]
    skipped: list[str]
    predictions: pages.Predictions
    results: Sequence[Result] = ()
    external_set: tuple[str, Texts, Float64] | None = None


def write_page(path: Path, page: HeadReport) -> None:
    """Write the page: facts, confusion matrices, ROC curves, errors, the top of the ranking."""
    found = page.predictions
    known = found.truth[:, None] == np.asarray(found.labels)
    parts = [
        f"<p>A head with the classes {html.escape(', '.join(found.labels))}.</p>",
        pages.facts(page.facts),
        pages.listed("Notes", page.notes),
        f"<h2>Confusion matrix</h2><p>Each {found.unit} by a head trained without it.</p>",
        pages.confusion(found.labels, found.truth, found.probabilities),
        _external(page),
        "<h2>ROC</h2>",
        pages.roc(found.labels, known, found.probabilities),
        pages.errors(found),
        _ranking(page),
        pages.listed("Left out", page.skipped),
    ]
    pages.write(path, page.title, parts)


def _external(page: HeadReport) -> str:
    if page.external_set is None:
        return ""
    name, truth, probabilities = page.external_set
    return (
        f"<p>The external set, {html.escape(name)}, by the final head.</p>"
        f"{pages.confusion(page.predictions.labels, truth, probabilities)}"
    )


def _ranking(page: HeadReport) -> str:
    if not page.results:
        return ""
    rows = [
        pages.row(
            pages.number(str(number)),
            *(
                pages.number(f"{100 * np.mean(values):.1f} ± {100 * np.std(values):.1f}")
                for values in (result.balanced_accuracies, result.accuracies)
            ),
            pages.cell(result.configuration.words),
        )
        for number, result in enumerate(page.results[:_SHOWN_ROWS], 1)
    ]
    head = pages.row(
        *(pages.number(name, "th") for name in ("row", "mean over the classes, %", "accuracy, %")),
        pages.cell("configuration", "th"),
    )
    unit = page.predictions.unit
    return (
        f"<h2>Ranking</h2><p>The first {len(rows)} of {len(page.results)}, per {unit}: means "
        "and standard deviations over the folds, before calibration. The best of many is "
        "slightly optimistic: expect less on other recordings.</p>"
        f"<table>{head}{''.join(rows)}</table>"
    )
