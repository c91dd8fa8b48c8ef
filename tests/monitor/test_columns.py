"""Rows: means and maxima of what came within a second."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.monitor.columns import PEAKS, Columns, RowMaker, joined, runs
from pyplugin.node.signals import SIGNALS

COLUMNS = Columns(("tag.scene.speech", "tag.scene.music", "head.mood.happy"))


def test_a_row_has_means_and_of_peaks_the_largest():
    maker = RowMaker(COLUMNS)
    signals = np.random.default_rng(0).normal(size=(10, len(SIGNALS))).astype(np.float32)
    labels = np.array([[0.2, 0.4, 0.6], [0.4, 0.8, 0.2]])
    for each in labels:
        maker.add_labels(each.tolist())
    for each in signals:
        maker.add_signals(each)
    row = maker.row(1000, {"station.down": 0.0})
    np.testing.assert_allclose(row.values[0, :3], labels.mean(axis=0), rtol=1e-6)
    for index, name in enumerate(SIGNALS):
        column = signals[:, index]
        expected = column.max() if name in PEAKS else column.mean()
        assert row.values[0, COLUMNS.index(f"signal.{name}")] == pytest.approx(expected, rel=1e-4)
    place = list(SIGNALS).index("loudness_momentary")
    np.testing.assert_array_equal(row.momentary[0, :10], signals[:, place])
    empty = maker.row(2000, {"station.down": 1.0})
    assert np.isnan(empty.values[0, :3]).all()
    assert empty.values[0, COLUMNS.index("station.down")] == 1
    both = joined([row, empty])
    assert both.times.tolist() == [1000, 2000]
    np.testing.assert_array_equal(both.part(1, 2).values, empty.values)


def test_names_are_accepted_full_and_short():
    for name in ("tag.scene.music", "tag.music", "music"):
        assert COLUMNS.names[COLUMNS.index(name)] == "tag.scene.music"
    for name in ("signal.rms_db", "rms_db"):
        assert COLUMNS.names[COLUMNS.index(name)] == "signal.rms_db"
    with pytest.raises(ValueError, match="did you mean 'music'"):
        COLUMNS.index("musik")


@given(st.lists(st.integers(0, 2)))
def test_runs_are_those_of_groupby(values):
    expected, at = [], 0
    for _, group in itertools.groupby(values):
        length = len(list(group))
        expected.append((at, at + length))
        at += length
    assert list(runs(np.array(values))) == expected
