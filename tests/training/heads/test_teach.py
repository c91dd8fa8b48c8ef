"""Heads of one label from a handful of clips."""

import numpy as np
import pytest
from head_cases import blobs

from pyplugin.models import heads

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.heads.convert import logistic_head
from pyplugin.training.heads.teach import _fit


def test_a_head_of_one_label_equals_scikit_learn():
    examples = blobs(2)
    clips = [
        (rows.astype(np.float32), bool(label))
        for label in (0, 1)
        for rows in np.array_split(examples.x[examples.y == f"class {label}"], 4)
    ]
    model = _fit(clips)
    head = logistic_head(model, "one", name="one", model="none", output="none", about={})
    expected = model.predict_proba(examples.x)[:, 1:]
    np.testing.assert_allclose(heads.run(head, examples.x), expected, atol=1e-5)
    assert head.labels == ("one",)
    assert head.multi_label
