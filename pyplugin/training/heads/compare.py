"""Compare models by the heads that can be trained on them, task by task.

The table of Alonso-Jiménez et al., "Tensorflow audio models in Essentia" (2020): accuracy in
cross-validation, on recordings from another source, and the drop between them.
"""

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.models.model import Model
from pyplugin.support.files import check_writable, sentence
from pyplugin.support.spelling import slug
from pyplugin.training.dataset import ClipDataset, read_dataset
from pyplugin.training.heads.comparison import BackboneScore, write_comparison
from pyplugin.training.heads.configurations import Configuration, Split
from pyplugin.training.heads.examples import (
    EmbeddedTask,
    Progress,
    Task,
    checked_task,
    embed_task,
    scores,
)
from pyplugin.training.heads.search import choose_folds, fitted, out_of_fold, search_grid

FILES = ("comparison.tsv", "comparison.md", "comparison.html")


@dataclass(frozen=True)
class BackboneComparison:
    """The result of `compare_backbones`.

    Attributes
    ----------
    scores : list of BackboneScore
        Task by task, the models in the order in which they were given.
    files : list of Path
        The table as TSV, Markdown and HTML.
    notes, skipped : list of str
        Sentences for the user.
    """

    scores: list[BackboneScore]
    files: list[Path]
    notes: list[str]
    skipped: list[str]


def compare_backbones(
    data: Sequence[str | Path],
    backbones: Sequence[str | Model],
    out: str | Path,
    *,
    external: Sequence[str | Path] = (),
    classifier: str = "svm",
    full: bool = False,
    resume: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> BackboneComparison:
    """Train a head for each task on each model, and write the table of their accuracies.

    The accuracies are those that `train_head` reports for the same clips: the mean over the
    classes, of the calibrated head of the best configuration, out of fold.

    Parameters
    ----------
    data
        The tasks: what `dataset.read_dataset` reads.
    backbones
        The models; the embedding is the one of the card.
    out
        Folder of the table, which is made if its parent exists.
    external
        Clips from other sources; each is tested on the tasks that have its classes.
    classifier : {"svm", "mlp", "logistic"}
    full
        Try the whole grid rather than a coarse one.
    resume
        Continue an interrupted comparison.
    jobs
        Number of processes and threads.
    progress
        Called with the name of the step, the number of finished items and the total.

    Raises
    ------
    PypluginError
        Two tasks or models have one name, clips cannot be used, an external set fits no task, or a
        file cannot be written.
    """
    folder = Path(out)
    _make_folder(folder)
    files = [folder / name for name in FILES]
    for path in files:
        check_writable(path)
    models = [each if isinstance(each, Model) else registry.load(each) for each in backbones]
    outputs = [model.card.output_named(None).name for model in models]
    _check_names("models", [model.name for model in models])
    tasks = _tasks(data, external)
    report: Progress = progress or (lambda what, done, of: None)
    found: list[BackboneScore] = []
    notes: dict[str, None] = {}
    skipped: dict[str, None] = {}
    journals = []
    for task in tasks:
        for model, output in zip(models, outputs, strict=True):
            steps = partial(_named, report, f"{task.dataset.name}, {model.name}: ")
            made = embed_task(task, model, output, jobs=jobs, progress=steps)
            notes |= dict.fromkeys(f"{task.dataset.name}: {note}" for note in made.notes)
            skipped |= dict.fromkeys(made.skipped)
            journals.append(folder / f"{slug(task.dataset.name)}-{slug(model.name)}.folds.jsonl")
            splits = choose_folds(made.examples)
            results = search_grid(
                made.examples,
                splits,
                classifier,
                full=full,
                journal=journals[-1],
                resume=resume,
                jobs=jobs,
                progress=partial(steps, "Searching"),
            )
            tested = (task, made, splits, results[0].configuration)
            found.append(_score(*tested, model=model.name, output=output))
    write_comparison(files, found, [*notes], [*skipped])
    for journal in journals:
        with contextlib.suppress(OSError):
            journal.unlink()
    return BackboneComparison(found, files, [*notes], [*skipped])


def _score(
    task: Task,
    made: EmbeddedTask,
    splits: list[Split],
    chosen: Configuration,
    *,
    model: str,
    output: str,
) -> BackboneScore:
    """Return what the head of the best configuration reaches."""
    examples, foreign = made.examples, made.foreign
    labels = sorted(set(examples.y.tolist()))
    probabilities = out_of_fold(examples, chosen, splits)
    accuracy, balanced = scores(labels, probabilities, examples.y)
    each = [scores(labels, probabilities[test], examples.y[test])[1] for _, test in splits]
    outside = None
    if foreign is not None:
        outside = scores(labels, fitted(examples, chosen).predict_proba(foreign.x), foreign.y)[1]
    return BackboneScore(
        task=task.dataset.name,
        model=model,
        output=output,
        classes=len(labels),
        clips=len(examples.y),
        folds=len(splits),
        configuration=chosen.words,
        accuracy=accuracy,
        balanced=balanced,
        deviation=float(np.std(each)),
        external_set=task.other.name if task.other is not None else "",
        external=outside,
    )


def _named(report: Progress, name: str, what: str, done: int, of: int) -> None:
    report(f"{name}{what.lower()}", done, of)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise PypluginError(
            f"The folder {folder} cannot be made: {sentence(error)}; name another by --out."
        ) from error


def _check_names(what: str, names: Sequence[str]) -> None:
    """Raise if two tasks or two models would be one row of the table."""
    for name, count in Counter(names).items():
        if count > 1:
            raise PypluginError(
                f"{count} {what} are called {name!r}; a row of the table is found by its name: "
                "give each once, or rename one."
            )


def _tasks(data: Sequence[str | Path], external: Sequence[str | Path]) -> list[Task]:
    """Read the tasks, each with the external set that has its classes."""
    datasets = [read_dataset(each) for each in data]
    _check_names("tasks", [dataset.name for dataset in datasets])
    others: list[ClipDataset | None] = [None] * len(datasets)
    for each in external:
        other = read_dataset(each)
        fits = [n for n, one in enumerate(datasets) if set(other.labels) <= set(one.labels)]
        if not fits:
            known = "; ".join(f"{one.name}: {', '.join(one.labels)}" for one in datasets)
            raise PypluginError(
                f"The external set {other.name} has the classes {', '.join(other.labels)}, which "
                f"no task has ({known})."
            )
        for number in fits:
            taken = others[number]
            if taken is not None:
                raise PypluginError(
                    f"The external sets {taken.name} and {other.name} both fit the task "
                    f"{datasets[number].name}; give one."
                )
            others[number] = other
    return [checked_task(*pair) for pair in zip(datasets, others, strict=True)]
