"""The table of a comparison, as TSV, Markdown and a page."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyplugin.support.cells import guarded
from pyplugin.support.files import replacing
from pyplugin.training.pages import cell, listed, number, row, write

COLUMNS = (
    "task",
    "backbone",
    "embedding",
    "balanced_accuracy",
    "balanced_accuracy_std",
    "accuracy",
    "external",
    "external_balanced_accuracy",
    "drop",
    "best",
    "classes",
    "clips",
    "folds",
    "configuration",
)
_MEAN = "mean of the tasks"


@dataclass(frozen=True)
class BackboneScore:
    """What a head on a model reaches in a task.

    Attributes
    ----------
    task, model, output : str
        Names of the task and the model, and the output with the embedding.
    classes, clips, folds : int
        Of the task.
    configuration : str
        The best one, for a person.
    accuracy, balanced : float
        Out of fold, 0 to 1; the second is the mean over the classes.
    deviation : float
        Of `balanced` over the folds.
    external_set : str
        Name of the external set; empty for none.
    external : float or None
        Mean over the classes on it.
    """

    task: str
    model: str
    output: str
    classes: int
    clips: int
    folds: int
    configuration: str
    accuracy: float
    balanced: float
    deviation: float
    external_set: str
    external: float | None

    @property
    def drop(self) -> float | None:
        """How much lower the external accuracy is; below 0 if it is higher."""
        return None if self.external is None else self.balanced - self.external


def write_comparison(
    files: Sequence[Path],
    scores: Sequence[BackboneScore],
    notes: Sequence[str],
    skipped: Sequence[str],
) -> None:
    """Write the table.

    Parameters
    ----------
    files
        The TSV, the Markdown and the page.
    scores
        Task by task.
    notes, skipped
        Sentences for the page.

    Raises
    ------
    PypluginError
        A file cannot be written.
    """
    table, text, page = files
    for path, content in ((table, _tsv(scores)), (text, markdown(scores))):
        with replacing(path) as partial:
            partial.write_text(content, encoding="utf-8", errors="backslashreplace")
    write(page, "Comparison of backbones", _page(scores, notes, skipped))


def best_of(scores: Sequence[BackboneScore]) -> set[tuple[str, str]]:
    """Return the task and the model of the best in each task; several, if equal to 0.1 %.

    Examples
    --------
    >>> kept = dict(output="e", classes=2, clips=9, folds=5, configuration="", accuracy=0.5,
    ...             deviation=0.0, external_set="", external=None)
    >>> found = [BackboneScore("t", "a", balanced=0.9, **kept),
    ...          BackboneScore("t", "b", balanced=0.8, **kept)]
    >>> best_of(found)
    {('t', 'a')}
    """
    return _marked(scores, lambda each: each.balanced)


def _marked(
    scores: Sequence[BackboneScore], value: Callable[[BackboneScore], float | None]
) -> set[tuple[str, str]]:
    """Return the task and the model of the highest value in each task."""
    found: set[tuple[str, str]] = set()
    for task in dict.fromkeys(each.task for each in scores):
        values = {
            each.model: round(number, 3)
            for each in scores
            if each.task == task and (number := value(each)) is not None
        }
        found |= {(task, name) for name, each in values.items() if each == max(values.values())}
    return found


def _percent(value: float | None, form: str = ".1f") -> str:
    return "" if value is None else format(100 * value, form)


def _tsv(scores: Sequence[BackboneScore]) -> str:
    stream, best = io.StringIO(), best_of(scores)
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in scores:
        cells = {
            "task": guarded(each.task),
            "backbone": guarded(each.model),
            "embedding": guarded(each.output),
            "balanced_accuracy": _percent(each.balanced, ".3f"),
            "balanced_accuracy_std": _percent(each.deviation, ".3f"),
            "accuracy": _percent(each.accuracy, ".3f"),
            "external": guarded(each.external_set),
            "external_balanced_accuracy": _percent(each.external, ".3f"),
            "drop": _percent(each.drop, ".3f"),
            "best": "yes" if (each.task, each.model) in best else "",
            "classes": each.classes,
            "clips": each.clips,
            "folds": each.folds,
            "configuration": each.configuration,
        }
        writer.writerow([cells[column] for column in COLUMNS])
    return stream.getvalue()


_Line = tuple[str, str, list[tuple[str, bool]]]  # task, measure, (text, best) for each model


def _lines(scores: Sequence[BackboneScore]) -> list[_Line]:
    """Return the lines of the table: up to three for each task, and the means of the tasks."""
    models = list(dict.fromkeys(each.model for each in scores))
    rows = list(scores) + _means(scores, models)
    folds = _marked(rows, lambda each: each.balanced)
    outside = _marked(rows, lambda each: each.external)
    least = _marked(rows, lambda each: None if each.drop is None else -each.drop)
    lines: list[_Line] = []
    for task in dict.fromkeys(each.task for each in rows):
        own = {each.model: each for each in rows if each.task == task}
        several = [own[name] for name in models]
        keys = [(task, name) for name in models]
        deviations = "" if task == _MEAN else " ± "
        cells = [
            _percent(each.balanced) + (deviations and deviations + _percent(each.deviation))
            for each in several
        ]
        lines.append((task, "cross-validation, %", _with(cells, keys, folds)))
        if any(each.external is not None for each in several):
            name = several[0].external_set
            cells = [_percent(each.external) for each in several]
            lines.append(
                ("", f"external{f' ({name})' if name else ''}, %", _with(cells, keys, outside))
            )
            cells = [_percent(each.drop) for each in several]
            lines.append(("", "drop, points", _with(cells, keys, least)))
    return lines


def _with(
    cells: Iterable[str], keys: Iterable[tuple[str, str]], best: set[tuple[str, str]]
) -> list[tuple[str, bool]]:
    return [(text, key in best) for text, key in zip(cells, keys, strict=True)]


def _means(scores: Sequence[BackboneScore], models: Sequence[str]) -> list[BackboneScore]:
    """Return the mean of the tasks for each model; nothing for one task."""
    if len({each.task for each in scores}) < 2:
        return []
    made = []
    for model in models:
        own = [each for each in scores if each.model == model]
        outside = [each for each in own if each.external is not None]
        balanced, external = float(np.mean([each.balanced for each in own])), None
        if len(outside) == len(own):  # otherwise the drop would be between different tasks
            external = float(np.mean([each.external for each in outside]))
        made.append(BackboneScore(_MEAN, model, "", 0, 0, 0, "", 0.0, balanced, 0.0, "", external))
    return made


def markdown(scores: Sequence[BackboneScore]) -> str:
    """Return the table in Markdown, the best of each line in bold."""
    models = list(dict.fromkeys(each.model for each in scores))
    rows = [["task", "balanced accuracy", *models], ["---", "---", *["---:"] * len(models)]]
    for task, measure, cells in _lines(scores):
        shown = [f"**{text}**" if best else text for text, best in cells]
        rows.append([task, measure, *shown])
    lines = [" | ".join(each.replace("|", "\\|") for each in cells) for cells in rows]
    return "".join(f"| {line} |\n" for line in lines)


def _page(
    scores: Sequence[BackboneScore], notes: Sequence[str], skipped: Sequence[str]
) -> list[str]:
    models = list(dict.fromkeys(each.model for each in scores))
    head = row(
        cell("task", "th"),
        cell("balanced accuracy", "th"),
        *(number(name, "th") for name in models),
    )
    lines = [
        row(cell(task, "th"), cell(measure), *(number(text, best=best) for text, best in cells))
        for task, measure, cells in _lines(scores)
    ]
    names = ("task", "backbone", "embedding", "classes", "clips", "folds", "configuration")
    details = [row(*(cell(name, "th") for name in names))]
    for each in scores:
        counts = (each.classes, each.clips, each.folds)
        details.append(
            row(
                *(cell(text) for text in (each.task, each.model, each.output)),
                *(number(str(count)) for count in counts),
                cell(each.configuration),
            )
        )
    return [
        "<p>The mean accuracy over the classes of the best head on each model: in cross-validation "
        "(± the deviation over the folds), on recordings from another source, and the drop between "
        "them. The best of each line is marked. A difference below the deviation says little.</p>",
        f"<table>{head}{''.join(lines)}</table>",
        "<h2>Heads</h2>",
        f"<table>{''.join(details)}</table>",
        listed("Notes", notes),
        listed("Left out", skipped),
    ]
