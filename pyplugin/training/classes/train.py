"""Train a network on a folder of classes, and report on it."""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pyplugin._native import VERSION
from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.models.card import Card, Dataset
from pyplugin.models.folders import data_folder, make_folder
from pyplugin.models.importers.importer import Built
from pyplugin.support.arrays import Float64
from pyplugin.support.files import check_writable
from pyplugin.training.classes.batches import targets_of
from pyplugin.training.classes.checkpoint import Checkpoint, configuration_of
from pyplugin.training.classes.export import Exported, clip_probabilities, export_network
from pyplugin.training.classes.features import ClipFeatures, FeatureSet, compute_features
from pyplugin.training.classes.fit import Fitted, class_accuracy, fit
from pyplugin.training.classes.folds import Folds, Split, choose_splits
from pyplugin.training.classes.report import (
    ClassesReport,
    TestedClips,
    area_under_curve,
    write_page,
)
from pyplugin.training.classes.settings import ClassesSettings
from pyplugin.training.dataset import check_labels, read_dataset

Progress = Callable[[str, int, int, str], object]
"""Called with the step, the number of finished items, the total, and a line, mostly empty."""

_NAME = re.compile("[A-Za-z0-9_-]+")


@dataclass(frozen=True, eq=False)
class TrainClassesResult:
    """The result of `train_classes`.

    Attributes
    ----------
    model, page : Path
        The ``.tflite`` file, whose card is beside it, and the report as HTML.
    card : Card
    tested : TestedClips
        Clips by networks trained without them.
    accuracy : float
        Of the tested clips, the mean over the classes, 0 to 1; NaN without any.
    area : float
        Their ROC-AUC, the mean over the classes.
    fitted : Fitted
        The network that was kept, and the course of its training.
    notes, skipped : list of str
        Sentences for the user.
    interrupted : bool
        Whether ``KeyboardInterrupt`` ended the training; the best network so far was kept.
    """

    model: Path
    page: Path
    card: Card
    tested: TestedClips
    accuracy: float
    area: float
    fitted: Fitted
    notes: list[str]
    skipped: list[str]
    interrupted: bool


def network_path(out: str) -> Path:
    """Return the file of a network: a path that ends in ``.tflite``, or a name in the data folder.

    Raises
    ------
    PypluginError
        It is neither, it is the name of a model of pyplugin's own, or its folder is not writable.
    """
    path = Path(out)
    name = path.name.removesuffix(".tflite")
    if _NAME.fullmatch(name) is None:
        raise PypluginError(
            f"{out!r} is not a name for a network; expected letters, digits, - and _, or the path "
            "of a .tflite file with such a name."
        )
    if path.suffix != ".tflite":
        if path.name != out:
            raise PypluginError(
                f"{out!r} is neither a name nor the path of a .tflite file; let it end in .tflite."
            )
        path = data_folder() / f"{out}.tflite"
        make_folder(path.parent)
    if registry.is_reserved(name, ()):
        raise PypluginError(f"There is a model {name!r} of pyplugin's own; choose another name.")
    check_writable(path)
    return path


def train_classes(
    data: str | Path,
    *,
    out: str,
    settings: ClassesSettings | None = None,
    filelist: str | Path | None = None,
    groups: str | Path | None = None,
    cache: str | Path | None = None,
    resume: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
    interrupted: Callable[[], None] | None = None,
) -> TrainClassesResult:
    """Train a network that classifies recordings, quantise it, and report on it.

    Parameters
    ----------
    data, filelist, groups
        The clips and their classes; see `dataset.read_dataset`.
    out
        A name, or the path of a ``.tflite`` file. Card and report are written beside it.
    settings
    cache
        Folder to store mel spectrograms in.
    resume
        Continue an interrupted training.
    jobs
        Number of threads that read recordings.
    progress
    interrupted
        Called when ``KeyboardInterrupt`` ends the training after at least one epoch; then the best
        network so far is exported. Without it the exception is raised.

    Returns
    -------
    TrainClassesResult

    Raises
    ------
    PypluginError
        The clips cannot be used, a file cannot be written, memory is short, or the interrupted
        training had another configuration.
    """
    settings = settings or ClassesSettings()
    show: Progress = progress or (lambda what, done, of, line: None)
    path = network_path(out)
    files = {suffix: path.with_suffix(suffix) for suffix in (".report.html", ".checkpoint")}
    for target in files.values():
        check_writable(target)
    dataset = read_dataset(data, filelist, groups=groups, exclusive=settings.exclusive)
    check_labels(dataset.labels)
    choose_splits(dataset.clips, settings.folds)  # what is wrong with classes shows at once
    checkpoint = Checkpoint(files[".checkpoint"], configuration_of(settings, dataset.clips))
    resumed = resume and checkpoint.resume()
    with _memory_errors(settings):
        features = compute_features(
            dataset.clips,
            settings.kind,
            exclusive=settings.exclusive,
            clip_seconds=settings.clip_seconds,
            cache=None if cache is None else Path(cache),
            jobs=jobs,
            progress=lambda done, of: show("Reading", done, of, ""),
        )
        run = _Training(features, dataset.labels, settings, checkpoint, show, interrupted)
        run.notes = [*dataset.notes, *features.notes, *run.folds.notes]
        if resume and not resumed:
            run.notes.append("There was no interrupted training to resume.")
        about = Dataset(dataset.name, "none", _size(features.clips), {})
        return run.finish(path, files[".report.html"], about)


class _Training:
    """One training: a network for each split, the one that is kept, and the report."""

    def __init__(
        self,
        features: FeatureSet,
        labels: tuple[str, ...],
        settings: ClassesSettings,
        checkpoint: Checkpoint,
        show: Progress,
        interrupted: Callable[[], None] | None,
    ) -> None:
        self._features, self._labels, self._settings = features, labels, settings
        self._checkpoint, self._show, self._interrupted = checkpoint, show, interrupted
        self.folds: Folds = choose_splits([each.clip for each in features.clips], settings.folds)
        self.notes: list[str] = []
        self._tested: dict[int, Float64] = {}

    def finish(self, path: Path, page: Path, about: Dataset) -> TrainClassesResult:
        """Train, export and report."""
        fitted, exported = self._train(path.stem, about)
        tested = self._all_tested()
        accuracy = area = float("nan")
        if tested.names:
            accuracy = class_accuracy(
                tested.probabilities, tested.targets, self._settings.exclusive
            )
            area = area_under_curve(tested)
        card = _with_metrics(exported.card, accuracy, area)
        registry.store(Built(((exported.data, card),)), path.parent)
        settings = self._settings
        report = ClassesReport(
            path.stem,
            self._facts(fitted, tested, accuracy, area, len(exported.data)),
            self.notes,
            self._features.skipped,
            self._labels,
            settings.exclusive,
            tested,
            fitted,
        )
        write_page(page, report)
        if not fitted.interrupted:
            self._checkpoint.remove()
        return TrainClassesResult(
            path,
            page,
            card,
            tested,
            accuracy,
            area,
            fitted,
            self.notes,
            self._features.skipped,
            fitted.interrupted,
        )

    def _train(self, name: str, about: Dataset) -> tuple[Fitted, Exported]:
        """Train and test a network for each split; return the one that is kept."""
        count = len(self.folds.splits)
        for number, split in enumerate(self.folds.splits):
            key = f"tested-{number}"
            if key in self._checkpoint.state and self._settings.folds:
                self._tested[number] = self._checkpoint.state[key].numpy()
                continue
            step = f"Fold {number + 1} of {count}" if self._settings.folds else "Training"
            fitted, exported = self._fit(number, split, step, name, about)
            self._tested[number] = clip_probabilities(exported, self._clips(split.test))
            if fitted.interrupted or not self._settings.folds:
                if fitted.interrupted:
                    self.notes.append(
                        f"Training was interrupted; the network is that of epoch {fitted.epoch}, "
                        "the best so far."
                    )
                return fitted, exported
            done = {key: torch.from_numpy(self._tested[number]), f"fit-{number}": {}}
            self._checkpoint.save(**done)
        fitted, exported = self._fit(count, self.folds.final, "Training on all", name, about)
        if fitted.interrupted:
            self.notes.append(
                f"Training was interrupted; the network is that of epoch {fitted.epoch}, the best "
                "so far."
            )
        return fitted, exported

    def _fit(
        self, number: int, split: Split, step: str, name: str, about: Dataset
    ) -> tuple[Fitted, Exported]:
        key = f"fit-{number}"
        train, validation = self._clips(split.train), self._clips(split.validation)
        fitted = fit(
            train,
            validation,
            self._labels,
            self._settings,
            state=self._checkpoint.state.get(key) or None,
            save=lambda state: self._checkpoint.save(**{key: state}),
            progress=partial(self._show, step),
            interrupted=self._interrupted,
        )
        exported = export_network(
            fitted, train, validation, self._labels, self._settings, name=name, dataset=about
        )
        return fitted, exported

    def _clips(self, indices: Sequence[int] | Any) -> list[ClipFeatures]:
        return [self._features.clips[index] for index in indices]

    def _all_tested(self) -> TestedClips:
        """Return all clips that were tested."""
        order = [index for n in self._tested for index in self.folds.splits[n].test.tolist()]
        clips = self._clips(order)
        found = [self._tested[number] for number in self._tested]
        width = len(self._labels)
        return TestedClips(
            ["/".join(each.clip.path.parts[-2:]) for each in clips],
            targets_of(clips, self._labels),
            np.concatenate(found) if found else np.zeros((0, width)),
        )

    def _facts(
        self, fitted: Fitted, tested: TestedClips, accuracy: float, area: float, size: int
    ) -> dict[str, str]:
        settings, splits = self._settings, self.folds.splits
        counts = Counter(label for each in self._features.clips for label in each.clip.labels)
        kind = settings.kind
        hop = 1000.0 * kind.step / kind.frame_rate
        start = f", started from the weights of {settings.start}" if settings.start else ""
        facts = {
            "Clips": ", ".join(f"{label} {count}" for label, count in sorted(counts.items())),
            "Network": f"{settings.architecture}{start}; int8, {size / 1000:.0f} kB; windows of "
            f"{kind.patch / kind.frame_rate:.2f} s, at most one result every {hop:.0f} ms",
        }
        on = f"on {len(tested.names)} clips that were not trained on"
        on += ", tested in turn" if settings.folds else ""
        if tested.names and settings.exclusive:
            facts["Accuracy"] = f"{100 * accuracy:.1f} %, the mean over the classes, {on}"
        if tested.names:
            facts["ROC-AUC"] = f"{area:.3f}, the mean over the classes, {on}"
        kept = self.folds.final if settings.folds else splits[0]
        facts["Best epoch"] = (
            f"{fitted.epoch} of {len(fitted.losses)}, by the loss on {len(kept.validation)} "
            "validation clips"
        )
        facts["Settings"] = (
            f"at most {settings.epochs} epochs, patience {settings.patience}, batches of "
            f"{settings.batch} windows, learning rate {settings.learning_rate:g}, seed "
            f"{settings.seed}"
        )
        return {**facts, "Made by": f"pyplugin {VERSION}, PyTorch {torch.__version__}"}


def _size(clips: Sequence[ClipFeatures]) -> str:
    minutes = sum(each.seconds for each in clips) / 60.0
    return f"{len(clips)} clips, {minutes:.0f} minutes"


def _with_metrics(card: Card, accuracy: float, area: float) -> Card:
    import msgspec

    found = {"accuracy, mean over the classes": accuracy, "ROC-AUC, mean": area}
    metrics = {name: round(v, 4) for name, v in found.items() if math.isfinite(v)}
    dataset = msgspec.structs.replace(card.dataset, metrics=metrics)
    return msgspec.structs.replace(card, dataset=dataset)


@contextmanager
def _memory_errors(settings: ClassesSettings) -> Iterator[None]:
    """Raise an error for users when memory is short."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        short = isinstance(error, MemoryError) or "allocate memory" in str(error)
        if not short:
            raise
        seconds = settings.clip_seconds
        less = "30" if seconds is None or seconds > 30 else f"{seconds / 2:g}"
        failure = PypluginError(
            f"There is not enough memory to train with batches of {settings.batch} windows; use "
            f"a smaller --batch, or --clip-seconds {less} to use less of each clip."
        )
        failure.exit_code = 1
        raise failure from error
