"""What recordings are analysed with."""

import hashlib
import pickle

import pytest

from pyplugin import ModelError, PypluginError
from pyplugin.catalogue.setup import Setup, check_same
from pyplugin.models import registry


def test_workers_get_the_same_setup(setup):
    copy = pickle.loads(pickle.dumps(setup))
    assert copy.identity == setup.identity
    data = registry.load("scene").data
    assert setup.identity["models"] == [
        {"name": "scene", "sha256": hashlib.sha256(data).hexdigest()}
    ]
    assert setup.embedding_size == 64


def test_a_model_that_is_named_twice_is_refused():
    with pytest.raises(ModelError, match="scene is named twice"):
        Setup.of(["scene", "scene"])


def test_the_model_of_a_head_comes_with_it(musicnn, labelled_head):
    del musicnn
    made = Setup.of(["scene"], [labelled_head])
    assert [each["name"] for each in made.identity["models"]] == ["scene", "musicnn-mtt"]
    assert made.descriptors[-2:] == ["head.mood.sad", "head.mood.happy"]
    assert Setup.of([], [labelled_head]).plan.models[0].name == "musicnn-mtt"


@pytest.fixture
def labelled_head(tmp_path):
    import numpy as np

    from pyplugin.models import heads

    stages = (heads.Dense(np.zeros((2, 200)), np.zeros(2), "softmax"),)
    head = heads.Head("mood", ("sad", "happy"), "musicnn-mtt", "penultimate", 200, False, stages)
    return heads.save(head, tmp_path / "mood.head")


@pytest.mark.parametrize("change", [{"hop": 2.0}, {"windows": False}, {"models": []}])
def test_another_setup_is_refused_with_both(setup, change, tmp_path):
    there = setup.identity
    with pytest.raises(PypluginError) as caught:
        check_same(tmp_path, there, {**there, **change})
    (key,) = change
    assert str(tmp_path) in str(caught.value)
    assert key in str(caught.value)
    check_same(tmp_path, there, there)
