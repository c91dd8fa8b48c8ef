"""The ranking as a table, the winner as a page.

``write_table``, ``read_row``
    The table, tab-separated: a row for each configuration, the best first.
``write_page``
    One HTML file with nothing beside it.
"""

from __future__ import annotations

import csv
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from pyplugin.errors import PypluginError
from pyplugin.files import replacing, sentence
from pyplugin.training.heads.configurations import CLASSIFIERS, PREPROCESSING, Configuration
from pyplugin.training.heads.search import Result

__all__ = ["Page", "read_row", "write_page", "write_table"]

COLUMNS = (
    "row",
    "className",
    "accuracy",
    "accuracy_std",
    "normalized_accuracy",
    "normalized_accuracy_std",
    "folds",
    "classifier",
    "preprocessing",
    "kernel",
    "C",
    "gamma",
    "hidden",
    "alpha",
    "balanceClasses",
)
_SHOWN_ROWS = 20
_SHOWN_MISTAKES = 50
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")


def _cells(number: int, name: str, result: Result) -> list[str]:
    choice = result.configuration
    scores = []
    for values in (result.accuracies, result.balanced_accuracies):
        scores += [f"{100 * np.mean(values):.3f}", f"{100 * np.std(values):.3f}"]
    fields = (choice.kernel, choice.C, choice.gamma, choice.hidden, choice.alpha)
    return [
        str(number),
        name,
        *scores,
        str(len(result.accuracies)),
        choice.classifier,
        choice.preprocessing,
        *("" if value is None else str(value) for value in fields),
        str(choice.balanced),
    ]


def write_table(path: Path, name: str, results: Sequence[Result]) -> None:
    """Write the ranking.

    Accuracies are in percent, means and standard deviations over the folds; the normalized one is
    the mean of the classes' own. C and gamma are exponents of 2, alpha of 10.
    """
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(COLUMNS)
        for number, result in enumerate(results, 1):
            writer.writerow(_cells(number, name, result))


def read_row(path: Path, number: int) -> Configuration:
    """Return the configuration of a row, counted from 1, of a ranking.

    Raises
    ------
    PypluginError
        There is no such file or row, or it is no ranking.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except OSError as error:
        raise PypluginError(f"The report {path} cannot be read: {sentence(error)}.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise PypluginError(f"{path} is no report; give a .tsv of `train head`.") from error
    if not rows or not set(COLUMNS) <= set(rows[0]):
        raise PypluginError(f"{path} is no report; give a .tsv of `train head`.")
    if not 1 <= number <= len(rows):
        raise PypluginError(f"{path} has no row {number}; choose one of 1 to {len(rows)}.")
    try:
        return _configuration(rows[number - 1])
    except (ValueError, TypeError, KeyError) as error:
        raise PypluginError(
            f"Row {number} of {path} is damaged; write the report again, or choose another."
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
    balanced = {"True": True, "False": False}[row["balanceClasses"]]
    return Configuration(classifier, preprocessing, balanced, kernel or None, **values)


@dataclass(frozen=True)
class Page:
    """What the page shows.

    Attributes
    ----------
    title : str
    facts : dict of str to str
    notes, skipped : list of str
    labels : sequence of str
        The C classes.
    truth : numpy.ndarray
        (n,) of str.
    said : numpy.ndarray
        (n, C) probabilities, of rows that the model was not trained on.
    names : sequence of str
        Of the n rows.
    results : sequence of Result
    name : str
        Of what is told apart.
    """

    title: str
    facts: dict[str, str]
    notes: list[str]
    skipped: list[str]
    labels: Sequence[str]
    truth: npt.NDArray[np.str_]
    said: npt.NDArray[np.float64]
    names: Sequence[str]
    results: Sequence[Result] = ()
    name: str = ""


def write_page(path: Path, page: Page) -> None:
    """Write the page: facts, confusion matrix, ROC curves, mistakes, the head of the ranking."""
    parts = [
        f"<h1>{html.escape(page.title)}</h1>",
        _facts(page.facts),
        _listed("Notes", page.notes),
        "<h2>Confusion</h2>"
        "<p>Rows: what a clip is. Columns: what it was taken for, out of fold.</p>",
        _confusion(page),
        "<h2>ROC</h2>",
        _roc(page),
        _mistakes(page),
        _ranking(page),
        _listed("Left out", page.skipped),
    ]
    text = _PAGE.format(title=html.escape(page.title), body="\n".join(filter(None, parts)))
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto; }}
th, td {{ border: 1px solid #ddd; padding: .25em .6em; text-align: left; }}
th {{ font-weight: 600; }}
td.count {{ text-align: right; }}
svg {{ max-width: 100%; height: auto; }}
</style></head><body>
{body}
</body></html>
"""


def _row(cells: Sequence[str], kind: str = "td") -> str:
    return "<tr>" + "".join(f"<{kind}>{html.escape(cell)}</{kind}>" for cell in cells) + "</tr>"


def _facts(facts: dict[str, str]) -> str:
    rows = (
        f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
        for key, value in facts.items()
    )
    return f"<table>{''.join(rows)}</table>"


def _listed(title: str, sentences: Sequence[str]) -> str:
    if not sentences:
        return ""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>{title}</h2><ul>{items}</ul>"


def _confusion(page: Page) -> str:
    guesses = np.asarray(page.labels)[page.said.argmax(axis=1)]
    matrix = confusion_matrix(page.truth, guesses, labels=list(page.labels))
    rows = []
    for label, counts in zip(page.labels, matrix, strict=True):
        cells = "".join(
            f'<td class="count" style="background: rgb(31 119 180 / {share:.2f})">{count}</td>'
            for count, share in zip(counts, 0.6 * counts / max(counts.sum(), 1), strict=True)
        )
        rows.append(f"<tr><th>{html.escape(label)}</th>{cells}</tr>")
    return f"<table>{_row(['', *page.labels], 'th')}{''.join(rows)}</table>"


def _roc(page: Page) -> str:
    """Draw a curve for each class against the rest, in a square of 300 units."""
    lines: list[str] = []
    legend: list[str] = []
    for index, label in enumerate(page.labels):
        positive = page.truth == label
        if positive.all() or not positive.any():
            continue
        false, true, _ = roc_curve(positive, page.said[:, index])
        area = roc_auc_score(positive, page.said[:, index])
        points = " ".join(
            f"{40 + 300 * x:.1f},{310 - 300 * y:.1f}" for x, y in zip(false, true, strict=True)
        )
        colour = _COLOURS[index % len(_COLOURS)]
        lines.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )
        legend.append(
            f'<text x="360" y="{30 + 20 * len(legend)}" fill="{colour}">'
            f"{html.escape(label)}: AUC {area:.3f}</text>"
        )
    height = max(350, 30 + 20 * len(legend))
    return (
        f'<svg viewBox="0 0 640 {height}" width="640" font-size="13" role="img">'
        '<rect x="40" y="10" width="300" height="300" fill="none" stroke="#999"/>'
        '<line x1="40" y1="310" x2="340" y2="10" stroke="#ccc" stroke-dasharray="4"/>'
        '<text x="190" y="335" text-anchor="middle">false positives (share)</text>'
        '<text x="20" y="160" text-anchor="middle" transform="rotate(-90 20 160)">'
        f"true positives (share)</text>{''.join(lines)}{''.join(legend)}</svg>"
    )


def _mistakes(page: Page) -> str:
    said = page.said.argmax(axis=1)
    wrong = np.flatnonzero(np.asarray(page.labels)[said] != page.truth)
    surest = wrong[np.argsort(-page.said[wrong, said[wrong]], kind="stable")][:_SHOWN_MISTAKES]
    if not len(surest):
        return ""
    rows = [
        _row([page.names[i], str(page.truth[i]), page.labels[said[i]], f"{page.said[i].max():.2f}"])
        for i in surest
    ]
    head = _row(["clip", "is", "taken for", "probability"], "th")
    return f"<h2>Mistakes, the surest first</h2><table>{head}{''.join(rows)}</table>"


def _ranking(page: Page) -> str:
    if not page.results:
        return ""
    rows = [
        _row(_cells(number, page.name, result))
        for number, result in enumerate(page.results[:_SHOWN_ROWS], 1)
    ]
    return (
        f"<h2>Ranking</h2><p>The first {len(rows)} of {len(page.results)}. The best of many is a "
        "little lucky: expect less of it on other sound.</p>"
        f"<table>{_row(COLUMNS, 'th')}{''.join(rows)}</table>"
    )
