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
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float64, Texts
from pyplugin.support.cells import guarded
from pyplugin.support.files import replacing, sentence
from pyplugin.training.heads.configurations import CLASSIFIERS, PREPROCESSING, Configuration
from pyplugin.training.heads.html_page import cell, listed, number_cell, row, write_html
from pyplugin.training.heads.search import Result

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
_SHOWN_ERRORS = 50
_WIDE = 60  # characters in all class names; above this, column names are rotated
_DASHES = ("", ' stroke-dasharray="7 3"', ' stroke-dasharray="2 3"')
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")


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
    if preprocessing not in PREPROCESSING or classifier not in CLASSIFIERS:
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
    labels : sequence of str
        The C classes.
    truth : numpy.ndarray
        (n,) of str.
    probabilities : numpy.ndarray
        (n, C), by models trained without the row.
    names : sequence of str
        Names of the n rows.
    results : sequence of Result
    unit : {"clip", "window"}
        Unit of a row.
    external_set : tuple or None
        Name, `truth` and `probabilities` of an external set.
    """

    title: str
    facts: dict[str, str]
    notes: list[str]
    skipped: list[str]
    labels: Sequence[str]
    truth: Texts
    probabilities: Float64
    names: Sequence[str]
    results: Sequence[Result] = ()
    unit: str = "clip"
    external_set: tuple[str, Texts, Float64] | None = None


def write_page(path: Path, page: HeadReport) -> None:
    """Write the page: facts, confusion matrices, ROC curves, errors, the top of the ranking."""
    parts = [
        f"<h1>{html.escape(page.title)}</h1>",
        f"<p>A head with the classes {html.escape(', '.join(page.labels))}.</p>",
        _facts(page.facts),
        listed("Notes", page.notes),
        f"<h2>Confusion matrix</h2><p>Each {page.unit} by a head trained without it.</p>",
        _confusion(page.labels, page.truth, page.probabilities),
        _external(page),
        "<h2>ROC</h2>",
        _roc(page),
        _errors(page),
        _ranking(page),
        listed("Left out", page.skipped),
    ]
    write_html(path, page.title, parts)


def _facts(facts: dict[str, str]) -> str:
    rows = (row(cell(key, "th"), cell(value)) for key, value in facts.items())
    return f"<table>{''.join(rows)}</table>"


def _confusion(labels: Sequence[str], truth: Texts, probabilities: Float64) -> str:
    predicted = np.asarray(labels)[probabilities.argmax(axis=1)]
    upright = ' class="upright"' if sum(map(len, labels)) > _WIDE else ' class="number"'
    rows = [
        row(
            cell("true \\ predicted", "th"),
            *(cell(label, "th", upright) for label in labels),
            number_cell("correct", "th"),
        )
    ]
    for index, counts in enumerate(confusion_matrix(truth, predicted, labels=list(labels))):
        if not (total := counts.sum()):
            continue
        shares = counts / total
        cells = (
            number_cell(
                str(count), style=f' style="background: rgb(31 119 180 / {0.6 * share:.2f})"'
            )
            for count, share in zip(counts, shares, strict=True)
        )
        rows.append(
            row(cell(labels[index], "th"), *cells, number_cell(f"{100 * shares[index]:.0f} %"))
        )
    return f"<table>{''.join(rows)}</table>"


def _external(page: HeadReport) -> str:
    if page.external_set is None:
        return ""
    name, truth, probabilities = page.external_set
    return (
        f"<p>The external set, {html.escape(name)}, by the final head.</p>"
        f"{_confusion(page.labels, truth, probabilities)}"
    )


def _roc(page: HeadReport) -> str:
    """Draw a curve for each class against the rest, in a square of 300 units."""
    lines: list[str] = []
    legend: list[str] = []
    for index, label in enumerate(page.labels):
        positive = page.truth == label
        if len(page.labels) == 2 and index == 0:
            continue  # the curve of the other class, mirrored
        false, true, _ = roc_curve(positive, page.probabilities[:, index])
        area = roc_auc_score(positive, page.probabilities[:, index])
        points = " ".join(
            f"{40 + 300 * x:.1f},{310 - 300 * y:.1f}" for x, y in zip(false, true, strict=True)
        )
        colour = _COLOURS[index % len(_COLOURS)]
        dashes = _DASHES[index // len(_COLOURS) % 3]
        look = f'fill="none" stroke="{colour}" stroke-width="2"{dashes}'
        lines.append(f'<polyline points="{points}" {look}/>')
        y = 30 + 20 * len(legend)
        legend.append(
            f'<path d="M360 {y - 4}h24" {look}/>'
            f'<text x="392" y="{y}">{html.escape(label)}: AUC {area:.3f}</text>'
        )
    height = max(355, 30 + 20 * len(legend))
    return (
        f'<svg viewBox="0 0 760 {height}" width="760" font-size="13" role="img">'
        '<rect x="40" y="10" width="300" height="300" fill="none" stroke="#999"/>'
        '<line x1="40" y1="310" x2="340" y2="10" stroke="#ccc" stroke-dasharray="4"/>'
        '<text x="40" y="328" text-anchor="middle">0</text>'
        '<text x="340" y="328" text-anchor="middle">1</text>'
        '<text x="32" y="314" text-anchor="end">0</text>'
        '<text x="32" y="18" text-anchor="end">1</text>'
        '<text x="190" y="340" text-anchor="middle">false positive rate</text>'
        '<text x="18" y="160" text-anchor="middle" transform="rotate(-90 18 160)">'
        f"true positive rate</text>{''.join(lines)}{''.join(legend)}</svg>"
    )


def _errors(page: HeadReport) -> str:
    probabilities = page.probabilities.argmax(axis=1)
    wrong = np.flatnonzero(np.asarray(page.labels)[probabilities] != page.truth)
    order = np.argsort(-page.probabilities[wrong, probabilities[wrong]], kind="stable")
    shown_errors = wrong[order][:_SHOWN_ERRORS]
    if not len(shown_errors):
        return ""
    rows = [
        row(
            cell(page.names[i]),
            cell(str(page.truth[i])),
            cell(page.labels[probabilities[i]]),
            number_cell(f"{page.probabilities[i].max():.2f}"),
        )
        for i in shown_errors
    ]
    head = row(
        *(cell(name, "th") for name in (page.unit, "true", "predicted")),
        number_cell("probability", "th"),
    )
    shown = "All"
    if len(wrong) > len(shown_errors):
        shown = f"The first {len(shown_errors)} of {len(wrong)}"
    title = f"<h2>Errors</h2><p>{shown}, by descending probability.</p>"
    return f"{title}<table>{head}{''.join(rows)}</table>"


def _ranking(page: HeadReport) -> str:
    if not page.results:
        return ""
    rows = [
        row(
            number_cell(str(number)),
            *(
                number_cell(f"{100 * np.mean(values):.1f} ± {100 * np.std(values):.1f}")
                for values in (result.balanced_accuracies, result.accuracies)
            ),
            cell(result.configuration.words),
        )
        for number, result in enumerate(page.results[:_SHOWN_ROWS], 1)
    ]
    head = row(
        *(number_cell(name, "th") for name in ("row", "mean over the classes, %", "accuracy, %")),
        cell("configuration", "th"),
    )
    return (
        f"<h2>Ranking</h2><p>The first {len(rows)} of {len(page.results)}, per {page.unit}: means "
        "and standard deviations over the folds, before calibration. The best of many is "
        "slightly optimistic: expect less on other recordings.</p>"
        f"<table>{head}{''.join(rows)}</table>"
    )
