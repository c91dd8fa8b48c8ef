"""Names of descriptors: made and read in one place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.models import registry
from pyplugin.support import descriptors
from pyplugin.support.descriptors import accepted_names, short_name, tag_name, unknown

WORDS = st.text("abcxyz0", min_size=1, max_size=6)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=12))
def test_a_short_name_is_that_of_the_first_model_with_the_label(pairs):
    names = [tag_name(label, model) for model, label in pairs]
    accepted = accepted_names(names)
    assert set(accepted) == {*names, *map(short_name, names)}
    for name in names:
        assert accepted[name] == name
        label = name.split(".")[2]
        assert accepted[f"tag.{label}"] == next(x for x in names if x.split(".")[2] == label)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("signal.rms", "no signal 'signal.rms'; did you mean 'signal.rms_db'"),
        ("head.mod.happy", "no head 'head.mod.happy'; did you mean 'head.mood.happy'"),
        ("tag.a.vocl", "no descriptor 'tag.a.vocl'; did you mean 'tag.a.vocal'"),
        ("tag.vocl", "a and b has no descriptor 'tag.vocl'; did you mean 'tag.vocal'"),
    ],
)
def test_a_name_that_is_not_there_gets_the_nearest(name, words):
    names = ["tag.a.vocal", "tag.b.drums", "head.mood.happy"]
    assert words in unknown(name, names, ["signal.rms_db", "signal.flux"])


def test_names_without_a_model_are_those_of_signals():
    assert "without a model" in unknown("tag.vocal", [], ["signal.flux"])
    assert "without a model" in unknown("head.mood.happy", [], ["signal.flux"])


def test_labels_of_the_shipped_model_have_names_of_their_own():
    labels = registry.load("scene").card.labels
    names = [descriptors.tag_name(label) for label in labels]
    assert len(set(names)) == len(labels)
    assert all(descriptors.kind_of(name) == "tag" for name in names)
    assert descriptors.kind_of("gain.gain_db") is None
