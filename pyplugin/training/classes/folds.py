"""Which clips to train on, to stop early on, and to test on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Indices, Texts
from pyplugin.training.dataset import LEAST, LabelledClip, check_classes

_FOLDS = 5
_TRIES = 20  # seeds, until every class is in every training part


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of the clips to train, to stop early and to test on; no group is in two of them."""

    train: Indices
    validation: Indices
    test: Indices


@dataclass(frozen=True, eq=False)
class Folds:
    """The splits of a set of clips.

    Attributes
    ----------
    splits : list of Split
        One for each part of the clips to test on.
    final : Split
        For the network that is kept if each part was tested: nothing is left to test on.
    notes : list of str
    """

    splits: list[Split]
    final: Split
    notes: list[str]


def choose_splits(clips: Sequence[LabelledClip], folds: int = 0, *, seed: int = 0) -> Folds:
    """Divide clips into parts to train, to stop early and to test on.

    The parts depend on classes and groups only, so that architectures are compared on the same
    ones. Clips whose `split` is ``test`` are the test part, if there are any.

    Parameters
    ----------
    clips
    folds
        0 for one split, with about a fifth of the groups to test on and another one to stop on;
        otherwise the number of splits, whose test parts make up all clips.
    seed

    Returns
    -------
    Folds

    Raises
    ------
    PypluginError
        A class has too few clips, or groups are too large.
    """
    check_classes(Counter(label for clip in clips for label in clip.labels), "The dataset")
    notes: list[str] = []
    labels, groups = _strata(clips), _groups(clips)
    groups = _with_enough_groups(clips, groups, notes)
    given = np.array([clip.split == "test" for clip in clips])
    if given.any() and folds == 0:
        return _given_test(clips, given, labels, groups, seed, notes)
    least = min(_groups_of_classes(clips, groups).values())
    count = min(folds or _FOLDS, least)
    if folds > count:
        notes.append(f"A class has {least} groups only, so there are {count} folds, not {folds}.")
    parts = _parts(clips, labels, groups, count, seed, left=2)
    everything, none = np.arange(len(clips)), np.zeros(0, np.int64)
    splits = []
    for test in parts if folds else parts[:1]:
        train, validation = _divided(clips, np.setdiff1d(everything, test), labels, groups, seed)
        splits.append(Split(train, validation, test))
    return Folds(splits, Split(*_divided(clips, everything, labels, groups, seed), none), notes)


def _given_test(
    clips: Sequence[LabelledClip],
    given: Indices,
    labels: Texts,
    groups: Indices,
    seed: int,
    notes: list[str],
) -> Folds:
    """Take the test part from the column `split`."""
    shared = set(groups[given].tolist()) & set(groups[~given].tolist())
    if shared:
        clip = next(clip for clip, group in zip(clips, groups, strict=True) if group in shared)
        raise PypluginError(
            f"The group {clip.group!r} is in the split 'test' and in another one; put all of it "
            "into one, or test figures are too high."
        )
    rest = np.flatnonzero(~given)
    others = [clips[index] for index in rest.tolist()]
    check_classes(Counter(label for clip in others for label in clip.labels), "The training part")
    split = Split(*_divided(clips, rest, labels, groups, seed), np.flatnonzero(given))
    notes.append(f"Tested on the {int(given.sum())} clips of the split 'test'.")
    return Folds([split], split, notes)


def _divided(
    clips: Sequence[LabelledClip], rest: Indices, labels: Texts, groups: Indices, seed: int
) -> tuple[Indices, Indices]:
    """Divide some of the clips into those to train and, about a fifth of the groups, to stop on."""
    others = [clips[index] for index in rest.tolist()]
    count = min(_FOLDS, *_groups_of_classes(others, groups[rest]).values())
    validation = rest[_parts(others, labels[rest], groups[rest], count, seed, left=1)[0]]
    return np.setdiff1d(rest, validation), validation


def _strata(clips: Sequence[LabelledClip]) -> Texts:
    """Return the rarest class of each clip."""
    counts = Counter(label for clip in clips for label in clip.labels)
    return np.array([min(clip.labels, key=lambda each: (counts[each], each)) for clip in clips])


def _groups(clips: Sequence[LabelledClip]) -> Indices:
    numbers: dict[str, int] = {}
    names = [clip.group or f"\0{clip.path}" for clip in clips]
    return np.array([numbers.setdefault(name, len(numbers)) for name in names])


def _groups_of_classes(clips: Sequence[LabelledClip], groups: Indices) -> Counter[str]:
    pairs = {
        (label, int(group))
        for clip, group in zip(clips, groups, strict=True)
        for label in clip.labels
    }
    return Counter(label for label, _ in pairs)


def _with_enough_groups(
    clips: Sequence[LabelledClip], groups: Indices, notes: list[str]
) -> Indices:
    """Return the groups; each clip on its own if a class has too few."""
    label, count = min(_groups_of_classes(clips, groups).items(), key=lambda item: item[1])
    if count >= LEAST:
        return groups
    notes.append(
        f"All clips of {label!r} come from {count} groups or artists; at least {LEAST} are needed "
        "to keep groups together. Parts ignore groups, so the accuracy may be that of recognising "
        "an artist."
    )
    return np.arange(len(clips))


def _parts(
    clips: Sequence[LabelledClip],
    labels: Texts,
    groups: Indices,
    count: int,
    seed: int,
    *,
    left: int,
) -> list[Indices]:
    """Divide clips into parts; outside of each part, every class has `left` groups at least."""
    if count < 2:
        raise PypluginError(
            "The groups of a class are too large to train, to stop and to test on different ones; "
            "use smaller groups, or more clips."
        )
    alone = len(set(groups.tolist())) == len(groups)
    splitter = StratifiedKFold if alone else StratifiedGroupKFold
    classes = {label for clip in clips for label in clip.labels}
    for attempt in range(seed, seed + _TRIES):
        kind = splitter(count, shuffle=True, random_state=attempt)
        parts = [test for _, test in kind.split(labels, labels, None if alone else groups)]
        rests = [np.setdiff1d(np.arange(len(clips)), part) for part in parts]
        found = [_groups_of_classes([clips[i] for i in rest], groups[rest]) for rest in rests]
        enough = all(min(each[label] for label in classes) >= left for each in found)
        if enough and all(map(len, parts)):
            return parts
    raise PypluginError(
        f"The groups are too large for {count} parts with every class in each training part; use "
        "smaller groups, or more clips."
    )
