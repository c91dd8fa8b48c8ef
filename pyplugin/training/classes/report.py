"""The page with the results of a network of classes."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from pyplugin.support.arrays import Float32, Float64
from pyplugin.training import pages
from pyplugin.training.classes.fit import Fitted


@dataclass(frozen=True, eq=False)
class TestedClips:
    """Probabilities of clips by networks that were not trained with them.

    Attributes
    ----------
    names : list of str
    targets : ndarray of float32, shape (n, labels)
    probabilities : ndarray of float64, shape (n, labels)
    """

    names: list[str]
    targets: Float32
    probabilities: Float64


@dataclass(frozen=True, eq=False)
class ClassesReport:
    """The contents of the page.

    Attributes
    ----------
    title : str
    facts : dict of str to str
    notes, skipped : list of str
    labels : tuple of str
    exclusive : bool
    tested : TestedClips
    fitted : Fitted
        The network that is kept.
    """

    title: str
    facts: dict[str, str]
    notes: list[str]
    skipped: list[str]
    labels: tuple[str, ...]
    exclusive: bool
    tested: TestedClips
    fitted: Fitted


def write_page(path: Path, page: ClassesReport) -> None:
    """Write the page: facts, results of the classes, ROC curves, errors, the course of training.

    Raises
    ------
    PypluginError
        The file cannot be written.
    """
    tested, fitted = page.tested, page.fitted
    losses = {"training": fitted.losses, "validation": fitted.validation_losses}
    parts = [
        f"<p>A network with the classes {html.escape(', '.join(page.labels))}.</p>",
        pages.facts(page.facts),
        pages.listed("Notes", page.notes),
        *(_exclusive(page) if page.exclusive else _several(page)),
        "<h2>Training</h2><p>Loss by epoch; the dashed line marks the epoch that was kept. The "
        "loss in training is that of augmented windows, the other one of whole clips.</p>",
        pages.curves("loss", losses, marked=fitted.epoch),
        pages.listed("Left out", page.skipped),
    ]
    if len(tested.names):
        roc = pages.roc(page.labels, tested.targets > 0.5, tested.probabilities)
        parts.insert(-3, f"<h2>ROC</h2>{roc}")
    pages.write(path, page.title, parts)


def _exclusive(page: ClassesReport) -> list[str]:
    if not page.tested.names:
        return []
    labels = np.asarray(page.labels)
    found = pages.Predictions(
        page.labels,
        labels[page.tested.targets.argmax(axis=1)],
        page.tested.probabilities,
        page.tested.names,
    )
    return [
        "<h2>Confusion matrix</h2><p>Each clip by a network trained without it and without the "
        "others of its group.</p>",
        pages.confusion(page.labels, found.truth, found.probabilities),
        pages.errors(found),
    ]


def _several(page: ClassesReport) -> list[str]:
    """Return a table of the classes, for clips that may have several."""
    tested = page.tested
    heads = ("class", "clips", "AUC", "average precision", "found at 0.5", "false at 0.5")
    rows = [pages.row(*(pages.cell(name, "th") for name in heads))]
    for index, label in enumerate(page.labels):
        truth, values = tested.targets[:, index] > 0.5, tested.probabilities[:, index]
        if truth.all() or not truth.any():
            continue
        figures = (
            str(int(truth.sum())),
            f"{roc_auc_score(truth, values):.3f}",
            f"{average_precision_score(truth, values):.3f}",
            f"{100 * (values[truth] >= 0.5).mean():.0f} %",
            f"{100 * (values[~truth] >= 0.5).mean():.0f} %",
        )
        rows.append(pages.row(pages.cell(label, "th"), *map(pages.number, figures)))
    return [
        "<h2>Classes</h2><p>Each clip by a network trained without it and without the others of "
        "its group.</p>",
        f"<table>{''.join(rows)}</table>",
    ]


def area_under_curve(tested: TestedClips) -> float:
    """Return the mean ROC-AUC of the classes that some of the clips have and some have not."""
    areas: Sequence[float] = [
        float(roc_auc_score(truth, values))
        for truth, values in zip(tested.targets.T > 0.5, tested.probabilities.T, strict=True)
        if truth.any() and not truth.all()
    ]
    return float(np.mean(areas)) if areas else float("nan")
