"""Train a head on a folder of clips, and report on it."""

import contextlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from pyplugin._native import VERSION
from pyplugin.errors import PypluginError
from pyplugin.models import heads, registry
from pyplugin.models.folders import make_folder
from pyplugin.support.arrays import Float64, Indices, Texts
from pyplugin.support.files import check_writable
from pyplugin.training.dataset import ClipDataset
from pyplugin.training.heads.configurations import Configuration
from pyplugin.training.heads.convert import head_of
from pyplugin.training.heads.descriptors import DescriptorTable
from pyplugin.training.heads.examples import (
    Progress,
    describe_task,
    embed_task,
    read_task,
    scores,
)
from pyplugin.training.heads.report import HeadReport, read_row, write_page, write_table
from pyplugin.training.heads.search import (
    Result,
    choose_folds,
    fitted,
    out_of_fold,
    search_grid,
)
from pyplugin.training.heads.selections import SELECTIONS, DescriptorPreprocessing
from pyplugin.training.pages import Predictions

TOLERANCE = 1e-5
"""Largest difference of a head from scikit-learn in probability without a note in the report."""

_NAME = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class TrainHeadResult:
    """The result of `train_head`.

    Attributes
    ----------
    head : Path
        The ``.head`` file.
    table : Path or None
        The ranking; ``None`` with `retrain`.
    page : Path
        The report as HTML.
    unit : {"clip", "window"}
        Unit of the accuracies.
    accuracy, balanced_accuracy : float
        Out of fold, 0 to 1.
    external : float or None
        Balanced accuracy on the external set.
    configuration : Configuration
    results : list of Result
        The ranking.
    notes, skipped : list of str
        Sentences for the user.
    """

    head: Path
    table: Path | None
    page: Path
    unit: str
    accuracy: float
    balanced_accuracy: float
    external: float | None
    configuration: Configuration
    results: list[Result]
    notes: list[str]
    skipped: list[str]

    @property
    def difference(self) -> str | None:
        """Why the accuracy of the head is not that of the first row of the ranking, if it is not.

        The ranking has means over the folds of the classifiers' decisions; the head's accuracy is
        that of all rows at once, by the class with the highest calibrated probability.
        """
        if not self.results:
            return None
        first = self.results[0].balanced
        if f"{100 * first:.1f}" == f"{100 * self.balanced_accuracy:.1f}":
            return None
        return (
            f"(row 1 has {100 * first:.1f} %: the mean of {len(self.results[0].accuracies)} folds, "
            f"by decisions before calibration; the head's is of all {self.unit}s at once, by its "
            "calibrated probabilities)"
        )


def head_path(out: str) -> Path:
    """Return the file of a head: a path that ends in ``.head``, or a name in the data folder.

    Raises
    ------
    PypluginError
        It is neither, or its folder is not writable.
    """
    path = Path(out)
    if _NAME.fullmatch(path.name.removesuffix(".head")) is None:
        raise PypluginError(
            f"{out!r} is not a name for a head; expected letters, digits, - and _, or the path of "
            "a .head file with such a name."
        )
    if path.suffix != ".head":
        if path.name != out:
            raise PypluginError(
                f"{out!r} is neither a name nor the path of a .head file; let it end in .head."
            )
        path = heads.heads_folder() / f"{out}.head"
        make_folder(path.parent)
    check_writable(path)
    return path


def train_head(
    data: str | Path,
    *,
    model: str | registry.Model | None = None,
    out: str,
    embedding: str | None = None,
    classifier: str = "svm",
    filelist: str | Path | None = None,
    external: str | Path | None = None,
    windows: bool = False,
    features: bool = False,
    full: bool = False,
    retrain: tuple[str | Path, int] | None = None,
    resume: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> TrainHeadResult:
    """Train a head that classifies clips, or files of Essentia's extractor.

    Parameters
    ----------
    data, filelist
        The clips and their classes; see `dataset.read_dataset`.
    model
        The model with the embedding; ``None`` with `features`.
    out
        A name, or the path of a ``.head`` file. The report is written beside it.
    embedding
        Which of its outputs is used; ``None`` for the card's embedding.
    classifier : {"svm", "mlp", "logistic"}
    external
        Clips of the same classes from another source, to test on.
    windows
        Train on each window rather than on the mean of each clip.
    features
        The clips are files of Essentia's extractor, whose descriptors are selected and preprocessed
        as by Gaia; see `selections`.
    full
        Try the whole grid rather than a coarse one.
    retrain
        A ranking and one of its rows: train the head with that configuration.
    resume
        Continue an interrupted search.
    jobs
        Number of processes and threads.
    progress
        Called with the name of the step, the number of finished items and the total.

    Returns
    -------
    TrainHeadResult

    Raises
    ------
    PypluginError
        The clips cannot be used, or a file cannot be written. No partial file remains.
    """
    report_progress: Progress = progress or (lambda what, done, of: None)
    path = head_path(out)
    table, page = path.with_suffix(".report.tsv"), path.with_suffix(".report.html")
    for target in (table, page):
        check_writable(target)
    loaded = _backbone(model, features)
    chosen = None if retrain is None else _row(retrain, features)
    output = "descriptors" if loaded is None else loaded.card.output_named(embedding).name
    task = read_task(data, filelist, external, descriptors=features)
    dataset, other = task.dataset, task.other
    if loaded is None:
        made = describe_task(task, progress=report_progress)
    else:
        made = embed_task(
            task, loaded, output, windows=windows, jobs=jobs, progress=report_progress
        )
    examples, foreign = made.examples, made.foreign
    clips, notes, skipped = made.clips, made.notes, made.skipped
    splits = choose_folds(examples)
    results: list[Result] = []
    if chosen is None:
        journal = path.with_suffix(".folds.jsonl")
        results = search_grid(
            examples,
            splits,
            classifier,
            full=full,
            journal=journal,
            resume=resume,
            jobs=jobs,
            progress=partial(report_progress, "Searching"),
        )
        chosen = results[0].configuration
    probabilities = out_of_fold(examples, chosen, splits)
    final = fitted(examples, chosen)
    if final.shares_sigmoid_:
        notes.append(
            "Out-of-fold decisions do not increase with class membership, so probabilities are "
            "inaccurate. Clips from more groups or artists would help."
        )
    labels = [str(label) for label in final.classes_]
    accuracy, balanced = scores(labels, probabilities, examples.y)
    about = _about(dataset, clips, windows, chosen)
    about |= {"folds": len(splits), **_figures(accuracy, balanced)}
    columns = np.arange(examples.x.shape[1])
    if made.table is not None:
        about["descriptors"], columns = _descriptors(made.table, final)
    if windows:
        whole = scores(labels, *_per_clip(probabilities, examples.y, clips))
        about |= _figures(*whole, "_per_clip")
    external_score, shown = None, None
    if other is not None and foreign is not None:
        shown = (other.name, foreign.y, final.predict_proba(foreign.x))
        external_score = scores(labels, shown[2], foreign.y)[1]
        about["external"] = {"dataset": other.name, "balanced_accuracy": round(external_score, 4)}
    name = heads.EXTRACTOR if loaded is None else loaded.name
    begins = examples.onsets is not None
    if begins:
        about["trained_on"] += ", and windows that begin with silence"
    head = head_of(
        final, name=path.stem, model=name, output=output, about=about, silence_before=begins
    )
    run = heads.run(head, examples.x[:, columns])
    drift = float(np.abs(run - final.predict_proba(examples.x)).max())
    if not drift <= TOLERANCE:
        notes.append(
            f"The head's probabilities are up to {drift:.1g} from scikit-learn's, which computes "
            "in double precision; a row of the report with smaller C or gamma is closer."
        )
    heads.save(head, path)
    unit = "window" if windows else "clip"
    if results:
        write_table(table, dataset.name, results, unit=unit)
    report = HeadReport(
        title=path.stem,
        facts=_facts(about, name, output, chosen, unit, external_score),
        notes=notes,
        skipped=skipped,
        predictions=Predictions(
            labels, examples.y, probabilities, _names(dataset, clips, windows), unit
        ),
        results=results,
        external_set=shown,
    )
    write_page(page, report)
    if results:
        with contextlib.suppress(OSError):
            journal.unlink()
    return TrainHeadResult(
        path,
        table if results else None,
        page,
        unit,
        accuracy,
        balanced,
        external_score,
        chosen,
        results,
        notes,
        skipped,
    )


def _backbone(model: str | registry.Model | None, features: bool) -> registry.Model | None:
    if features and model is not None:
        raise PypluginError("Files of Essentia's extractor need no model; leave it out.")
    if not features and model is None:
        raise PypluginError("A head needs a model, whose embedding it takes; name one.")
    return model if model is None or isinstance(model, registry.Model) else registry.load(model)


def _row(retrain: tuple[str | Path, int], features: bool) -> Configuration:
    """Return the configuration in a row of a ranking."""
    path, number = Path(retrain[0]), retrain[1]
    found = read_row(path, number)
    if (found.preprocessing in SELECTIONS) != features:
        raise PypluginError(
            f"Row {number} of {path} is of a head on "
            f"{'an embedding' if features else 'descriptors'}; give a report of a head that was "
            f"trained {'with' if features else 'without'} --features."
        )
    return found


def _descriptors(table: DescriptorTable, final: Any) -> tuple[dict[str, Any], Indices]:
    """Return what a head's card says of the descriptors that it takes, and their columns."""
    (calibrated,) = final.calibrated_classifiers_
    step: DescriptorPreprocessing = calibrated.estimator.named_steps["preprocessing"]
    texts = {name: [*values] for name, values in table.texts.items() if name in step.used}
    card = {"extractors": table.versions, "sizes": step.used, "texts": texts}
    return card, step.columns_


def _about(
    dataset: ClipDataset, clips: Indices, windows: bool, chosen: Configuration
) -> dict[str, Any]:
    trained_on = "windows" if windows else "means of clips"
    if chosen.preprocessing in SELECTIONS:
        trained_on = "descriptors of clips"
    used = Counter(dataset.clips[number].label for number in set(clips.tolist()))
    return {
        "made_by": f"pyplugin {VERSION}, scikit-learn {sklearn.__version__}",
        "dataset": dataset.name,
        "classes": dict(sorted(used.items())),
        "trained_on": trained_on,
        "configuration": {k: v for k, v in vars(chosen).items() if v is not None},
    }


def _figures(accuracy: float, balanced: float, ending: str = "") -> dict[str, float]:
    """Return what a head's card has of scores."""
    figures = {"accuracy": accuracy, "balanced_accuracy": balanced}
    return {f"{name}{ending}": round(value, 4) for name, value in figures.items()}


def _per_clip(probabilities: Float64, truth: Texts, clips: Indices) -> tuple[Float64, Texts]:
    """Return the mean probabilities of the windows of each clip, and its class."""
    _, first, number, counts = np.unique(
        clips, return_index=True, return_inverse=True, return_counts=True
    )
    means = np.zeros((len(first), probabilities.shape[1]))
    np.add.at(means, number, probabilities)
    return means / counts[:, None], truth[first]


def _names(dataset: ClipDataset, clips: Indices, windows: bool) -> list[str]:
    """Return the name of each row for the page: the clip, and the number of the window."""
    seen: Counter[int] = Counter()
    names = []
    for index in clips.tolist():
        seen[index] += 1
        more = f", window {seen[index]}" if windows else ""
        names.append(f"{dataset.clips[index].path.name}{more}")
    return names


def _facts(
    about: dict[str, Any],
    model: str,
    output: str,
    chosen: Configuration,
    unit: str,
    external_score: float | None,
) -> dict[str, str]:

    def percent(key: str) -> str:
        return f"{100 * about[key]:.1f} %"

    kind = {"Model": f"{model}, output {output}"}
    if "descriptors" in about:
        sizes = about["descriptors"]["sizes"]
        versions = "; ".join(about["descriptors"]["extractors"])
        kind = {
            "Descriptors": f"{len(sizes)} with {sum(sizes.values())} values, by Essentia's "
            f"extractor ({versions})"
        }
    facts = {
        **kind,
        "Clips": ", ".join(f"{label} {count}" for label, count in about["classes"].items()),
        "Trained on": about["trained_on"],
        "Configuration": chosen.words,
        f"Accuracy per {unit}": f"{percent('accuracy')}, in {about['folds']} folds",
        f"Mean over the classes, per {unit}": percent("balanced_accuracy"),
    }
    if unit == "window":
        facts["Accuracy per clip, its windows averaged"] = percent("accuracy_per_clip")
        facts["Mean over the classes, per clip"] = percent("balanced_accuracy_per_clip")
    if external_score is not None:
        drop = 100 * (about["balanced_accuracy"] - external_score)
        change = f"a drop of {drop:.1f} points" if drop >= 0 else f"{-drop:.1f} points more"
        facts[f"The same per {unit} on the external set, {about['external']['dataset']}"] = (
            f"{100 * external_score:.1f} %, {change}"
        )
    return {**facts, "Made by": about["made_by"]}
