"""What a head is trained and tested on: the clips of a task, and their embeddings.

``read_task``
    The clips of a training set and of an external set, checked.
``embed_task``
    Their embeddings by a model, ready for folds.
``describe_task``
    The same of files with descriptors by Essentia.
``scores``
    Accuracies of probabilities.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.models.model import Model
from pyplugin.support.arrays import Float32, Float64, Indices, Texts
from pyplugin.training.dataset import (
    LEAST,
    ClipDataset,
    check_classes,
    check_labels,
    read_dataset,
)
from pyplugin.training.heads.descriptors import DescriptorTable, group_of_file, read_tables
from pyplugin.training.heads.embeddings import embed_all
from pyplugin.training.heads.search import Examples, Onsets

Progress = Callable[[str, int, int], object]


@dataclass(frozen=True)
class Task:
    """Clips to train on, and clips from another source to test on.

    Attributes
    ----------
    dataset
        The training set.
    other
        The external set, or ``None``.
    """

    dataset: ClipDataset
    other: ClipDataset | None


@dataclass(frozen=True)
class EmbeddedTask:
    """The embeddings of a task by a model.

    Attributes
    ----------
    examples
        Of the training set.
    clips
        (n,) The number of the clip of each example.
    foreign
        Of the external set, or ``None``.
    notes, skipped
        Sentences for the user; a sentence for each clip that cannot be used.
    table
        The descriptors, for a task of files by Essentia's extractor.
    """

    examples: Examples
    clips: Indices
    foreign: Examples | None
    notes: list[str]
    skipped: list[str]
    table: DescriptorTable | None = None


def read_task(
    data: str | Path,
    filelist: str | Path | None = None,
    external: str | Path | None = None,
    *,
    descriptors: bool = False,
) -> Task:
    """Read and check the clips of a task.

    Parameters
    ----------
    data, filelist
        The training set; see :func:`pyplugin.training.dataset.read_dataset`.
    external
        The external set, whose classes are among those of the training set; or ``None``.
    descriptors
        The clips are files of Essentia's extractor.

    Raises
    ------
    PypluginError
        The clips cannot be used.
    """
    group_of = group_of_file if descriptors else None
    dataset = read_dataset(data, filelist, group_of=group_of)
    other = None if external is None else read_dataset(external, group_of=group_of)
    return checked_task(dataset, other)


def checked_task(dataset: ClipDataset, other: ClipDataset | None) -> Task:
    """Check clips that have been read, and return them as a task.

    Raises
    ------
    PypluginError
        The clips cannot be used.
    """
    checked = None if other is None else _external(other, dataset)
    check_labels(dataset.labels)
    check_classes(Counter(clip.label for clip in dataset.clips), dataset.name)
    return Task(dataset, checked)


def embed_task(
    task: Task,
    model: Model,
    output: str,
    *,
    windows: bool = False,
    jobs: int = 1,
    progress: Progress,
) -> EmbeddedTask:
    """Return the embeddings of a task.

    Parameters
    ----------
    task
        The clips.
    model, output
        The model, and which of its outputs is the embedding.
    windows
        An example is a window instead of the mean of a clip.
    jobs
        Number of threads.
    progress
        Called with the name of the step, the number of finished items and the total.

    Raises
    ------
    PypluginError
        Too few clips can be used, or their embeddings are all equal.
    """
    notes = [*task.dataset.notes]
    given = (model, output, windows, jobs, progress)
    examples, clips, skipped = embedded(task.dataset, *given, onsets=True)
    examples = _with_enough_groups(examples, clips, notes)
    _check_examples(examples)
    foreign = None
    if task.other is not None:
        foreign, _, left = embedded(task.other, *given)
        skipped = [*skipped, *left]
        notes += task.other.notes
    return EmbeddedTask(examples, clips, foreign, notes, skipped)


def describe_task(task: Task, *, progress: Progress) -> EmbeddedTask:
    """Return the descriptors of a task of files by Essentia's extractor.

    Parameters
    ----------
    task
        The files.
    progress
        Called with the name of the step, the number of finished items and the total.

    Raises
    ------
    PypluginError
        Too few files can be used, or their descriptors are all equal.
    """
    reading = partial(progress, "Reading")
    table = read_tables([clip.path for clip in task.dataset.clips], progress=reading)
    notes = [*task.dataset.notes, *table.notes]
    clips = np.array(table.used)
    examples = _with_enough_groups(_described(task.dataset, table), clips, notes)
    _check_examples(examples)
    foreign, skipped = None, table.skipped
    if task.other is not None:
        paths = [clip.path for clip in task.other.clips]
        outside = read_tables(paths, like=table, progress=reading)
        foreign = _described(task.other, outside)
        skipped = [*skipped, *outside.skipped]
        notes += [*task.other.notes, *outside.notes]
    return EmbeddedTask(examples, clips, foreign, notes, skipped, table)


def _described(dataset: ClipDataset, table: DescriptorTable) -> Examples:
    clips = [dataset.clips[index] for index in table.used]
    names = [clip.group or f"\0{clip.path}" for clip in clips]
    groups = np.unique(names, return_inverse=True)[1]
    return Examples(table.rows, np.array([clip.label for clip in clips]), groups, table.sizes)


def embedded(
    dataset: ClipDataset,
    model: Model,
    output: str,
    windows: bool,
    jobs: int,
    report_progress: Progress,
    onsets: bool = False,
) -> tuple[Examples, Indices, list[str]]:
    """Return the rows to train on, the index of the clip of each, and the skipped clips."""
    paths, analysing = [clip.path for clip in dataset.clips], partial(report_progress, "Analysing")
    embedded = embed_all(paths, model, output, onsets=onsets, jobs=jobs, progress=analysing)
    rows: list[Float32] = []
    labels: list[str] = []
    clips: list[int] = []
    groups: list[int] = []
    numbers: dict[str, int] = {}
    for index, (clip, found) in enumerate(zip(dataset.clips, embedded.windows, strict=True)):
        if found is None:
            continue
        mean = found.mean(axis=0, dtype=np.float64).astype(np.float32)[None]
        part = found if windows else mean
        number = numbers.setdefault(clip.group or f"\0{clip.path}", len(numbers))
        rows.append(part)
        labels += [clip.label] * len(part)
        clips += [index] * len(part)
        groups += [number] * len(part)
    x = np.concatenate(rows).astype(np.float64)
    begun = None
    if embedded.onsets is not None:
        firsts = np.unique(clips, return_index=True)
        parts = [embedded.onsets[index] for index in firsts[0].tolist()]
        of = np.repeat(firsts[1], [len(part) for part in parts])
        begun = Onsets(np.concatenate(parts).astype(np.float64), of)
    examples = Examples(x, np.array(labels), np.array(groups), onsets=begun)
    return examples, np.array(clips), embedded.skipped


def scores(labels: list[str], probabilities: Float64, truth: Texts) -> tuple[float, float]:
    """Return the accuracy, and its mean over the classes in `truth`."""
    right = np.asarray(labels)[probabilities.argmax(axis=1)] == truth
    each = [right[truth == label].mean() for label in sorted(set(truth.tolist()))]
    return float(right.mean()), float(np.mean(each))


def _external(other: ClipDataset, dataset: ClipDataset) -> ClipDataset:
    """Check an external set against the one trained on."""
    unknown = sorted(set(other.labels) - set(dataset.labels))
    if unknown:
        raise PypluginError(
            f"The external set has the class {unknown[0]!r}, which the training set lacks; it has "
            f"{', '.join(dataset.labels)}."
        )
    notes = []
    known = {clip.digest for clip in dataset.clips if clip.digest}
    same = sum(clip.digest in known for clip in other.clips)
    if same:
        notes.append(
            f"{same} clips of the external set are in the training set, so its score is optimistic."
        )
    shared = {clip.group for clip in dataset.clips} & {clip.group for clip in other.clips} - {""}
    if shared:
        notes.append(
            f"{len(shared)} groups of the external set are in the training set, for example "
            f"{min(shared)}, so its score is optimistic."
        )
    return ClipDataset(other.name, other.clips, notes)


def _check_examples(examples: Examples) -> None:
    check_classes(examples.groups_of_classes(), "The set of usable clips")
    if np.ptp(examples.x, axis=0).max() == 0:
        raise PypluginError(
            "The embeddings of all clips are equal, so they cannot be classified. Check that the "
            "clips are not silent, and the model."
            if examples.sizes is None
            else "The descriptors of all files are equal, so they cannot be classified; run the "
            "extractor again."
        )


def _with_enough_groups(examples: Examples, clips: Indices, notes: list[str]) -> Examples:
    """If a class has too few groups for folds, group rows by clip only."""
    label, count = min(examples.groups_of_classes().items(), key=lambda item: item[1])
    alone = replace(examples, groups=clips)
    if count >= LEAST or alone.groups_of_classes()[label] == count:
        return examples
    notes.append(
        f"All clips of {label!r} come from {count} groups or artists; at least {LEAST} are needed "
        "to keep groups together. Folds ignore groups, so the accuracy may be that of "
        "recognising an artist."
    )
    return alone
