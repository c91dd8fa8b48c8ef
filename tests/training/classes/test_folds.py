"""Parts to train, to stop and to test on: no group is in two, no class is missing."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyplugin.errors import PypluginError
from pyplugin.training.dataset import LabelledClip

pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.classes.folds import choose_splits


def made(artists: int, clips: int, labels=("blues", "disco", "metal")) -> list[LabelledClip]:
    return [
        LabelledClip(Path(f"{label}/{artist}-{number}.wav"), (label,), f"{label} {artist}", "")
        for label in labels
        for artist in range(artists)
        for number in range(clips)
    ]


def groups_of(clips, indices):
    return {clips[index].group for index in indices}


@pytest.mark.parametrize("folds", [0, 3, 5])
def test_groups_are_never_divided_and_each_class_is_trained_on(folds):
    clips = made(6, 3)
    found = choose_splits(clips, folds)
    assert len(found.splits) == max(folds, 1)
    for split in found.splits:
        parts = [groups_of(clips, part) for part in vars(split).values()]
        assert sum(map(len, parts)) == len(set.union(*parts)) == 18
        assert {clips[index].label for index in split.train} == {"blues", "disco", "metal"}
    if folds:
        tested = Counter(np.concatenate([split.test for split in found.splits]).tolist())
        assert tested == Counter(range(len(clips)))
    assert not len(found.final.test)
    assert not found.notes


def test_parts_are_the_same_whatever_else_is_chosen():
    clips = made(5, 2)
    one, other = choose_splits(clips, 5), choose_splits(clips, 5)
    for first, second in zip(one.splits, other.splits, strict=True):
        np.testing.assert_array_equal(first.test, second.test)


def test_a_class_of_one_clip_is_refused():
    clips = [*made(3, 2, ("blues", "disco")), *made(1, 1, ("metal",))]
    with pytest.raises(PypluginError, match="The class 'metal' has 1 usable clip; at least 3"):
        choose_splits(clips)
    with pytest.raises(PypluginError, match="has 1 class; at least 2"):
        choose_splits(made(3, 2, ("blues",)))


def test_groups_are_ignored_with_a_note_if_a_class_has_two():
    clips = [*made(4, 2, ("blues", "disco")), *made(2, 4, ("metal",))]
    found = choose_splits(clips)
    assert any("'metal' come from 2 groups" in note for note in found.notes)
    assert any("there are 4 folds" in n for n in choose_splits(made(4, 2), 9).notes)


def test_the_given_test_part_is_used_unless_it_shares_a_group():
    clips = [
        replace(clip, split="test" if clip.group.endswith("0") else "train") for clip in made(5, 2)
    ]
    (split,) = choose_splits(clips).splits
    assert groups_of(clips, split.test) == {"blues 0", "disco 0", "metal 0"}
    assert not groups_of(clips, split.validation) & groups_of(clips, split.train)
    clips[0] = replace(clips[0], split="train")
    with pytest.raises(PypluginError, match="The group 'blues 0' is in the split 'test' and"):
        choose_splits(clips)


def test_clips_with_several_classes_keep_all_classes_in_training():
    clips = [replace(clip, labels=("music", clip.label)) for clip in made(4, 2, ("blues", "metal"))]
    for split in choose_splits(clips, 4).splits:
        trained = {label for index in split.train for label in clips[index].labels}
        assert trained == {"music", "blues", "metal"}
