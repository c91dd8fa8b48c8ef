"""Results: means over windows, and the highest labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pyplugin.support.results import HeadResult, TagResult


def result(activations: np.ndarray) -> TagResult:
    labels = [f"tag {n}" for n in range(activations.shape[1])]
    times = np.arange(len(activations), dtype=np.float64)
    return TagResult("model", labels, times, 3.0, 1.0, activations, None, 10.0)


def test_the_mean_is_over_windows():
    activations = np.array([[0.0, 1.0], [0.5, 0.5]], np.float32)
    np.testing.assert_array_equal(result(activations).mean, [0.25, 0.75])
    np.testing.assert_array_equal(HeadResult(["a", "b"], activations).mean, [0.25, 0.75])
    assert result(activations).mean.dtype == np.float32


def test_the_mean_of_many_windows_is_exact():
    # A float32 sum of a million values of 0.1 is off in the third digit.
    activations = np.full((1_000_000, 1), 0.1, np.float32)
    assert result(activations).mean[0] == pytest.approx(0.1, rel=1e-6)


@given(
    activations=hnp.arrays(np.float32, (3, 6), elements=st.floats(0, 1, width=32)),
    k=st.integers(-2, 9),
)
def test_the_top_labels_are_a_sorted_ranking(activations, k):
    tagged = result(activations)
    top = tagged.top(k)
    means = dict(zip(tagged.labels, tagged.mean.tolist(), strict=True))
    assert len(top) == min(max(k, 0), 6)
    assert all(value == means[label] for label, value in top)
    values = [value for _, value in top]
    assert values == sorted(means.values(), reverse=True)[: len(values)]


def test_equal_labels_are_in_the_order_of_the_model():
    top = result(np.full((1, 3), 0.5, np.float32)).top(2)
    assert [label for label, _ in top] == ["tag 0", "tag 1"]
