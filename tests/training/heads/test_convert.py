"""A head gives the results of the scikit-learn pipeline that it was converted from."""

import numpy as np
import pytest
from head_cases import CHOICES, blobs

from pyplugin.models import heads

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.heads.configurations import (
    PREPROCESSING,
    Configuration,
)
from pyplugin.training.heads.convert import head_of
from pyplugin.training.heads.search import (
    fitted,
)

ALL_BUT_FLAT = Configuration("svm", "minmax", False, "poly", -1, -9)
"""Decisions that differ by 1e-7, which Platt's sigmoid has to spread out."""


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("preprocessing", PREPROCESSING)
@pytest.mark.parametrize("choice", CHOICES)
def test_a_head_equals_scikit_learn(choice, preprocessing, classes):
    examples = blobs(classes)
    model = fitted(
        examples, Configuration(preprocessing=preprocessing, balanced=True, **CHOICES[choice])
    )
    head = head_of(model, name="blobs", model="none", output="none", about={})
    strange = np.random.default_rng(5).normal(0, 8, (200, 12)).astype(np.float32)
    for x in (examples.x, strange.astype(np.float64)):
        expected = model.predict_proba(x)
        np.testing.assert_allclose(heads.run(head, x), expected, atol=1e-5)
    assert head.labels == tuple(f"class {n}" for n in range(classes))
    assert head.size == 12
    assert not head.multi_label


@pytest.mark.parametrize("classes", [2, 3])
def test_a_head_with_nearly_equal_decisions_equals_scikit_learn(classes):
    examples = blobs(classes)
    model = fitted(examples, ALL_BUT_FLAT)
    head = head_of(model, name="blobs", model="none", output="none", about={})
    expected = model.predict_proba(examples.x)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(heads.run(head, examples.x), expected, atol=1e-5)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_saved_head_equals_scikit_learn(choice, tmp_path):
    examples = blobs(3)
    model = fitted(
        examples, Configuration(preprocessing="standard", balanced=False, **CHOICES[choice])
    )
    head = head_of(model, name="blobs", model="none", output="none", about={"folds": 5})
    heads.save(head, tmp_path / "blobs.head")
    read = heads.load(tmp_path / "blobs.head")
    np.testing.assert_allclose(
        heads.run(read, examples.x), model.predict_proba(examples.x), atol=1e-5
    )
    assert read.about == {"folds": 5}
