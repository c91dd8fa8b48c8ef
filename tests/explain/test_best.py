"""The chunks that are kept are those of a search through everything at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.explain.activations import Activations
from pyplugin.explain.best import BestChunks, Statistics

LENGTH, TOP = 5, 3


def by_search(recordings: list[list[float]]) -> list[tuple[int, int, float]]:
    """The best of the peaks: recording, frame and value, the highest first."""
    peaks = []
    for number, values in enumerate(recordings):
        at: int | None = None
        for frame, value in enumerate(values):
            if at is None or frame - at >= LENGTH:
                if at is not None:
                    peaks.append((number, at, values[at]))
                at = frame
            elif value > values[at]:
                at = frame
        if at is not None:
            peaks.append((number, at, values[at]))
    return sorted(peaks, key=lambda peak: -peak[2])[:TOP]


def kept(recordings: list[list[float]], sizes: list[int]) -> list[tuple[int, int, float]]:
    best = BestChunks([LENGTH, LENGTH], TOP)
    for number, values in enumerate(recordings):
        at, turn = 0, 0
        while at < len(values):
            end = at + sizes[turn % len(sizes)]
            column = np.array(values[at:end], np.float32)[:, None]
            frames = np.arange(at, at + len(column))[:, None].repeat(2, axis=1)
            best.add(number, Activations(np.hstack([column, -column]), frames, frames))
            at, turn = end, turn + 1
        best.end()
    return [(each.recording, each.first, each.value) for each in best.of(0)]


VALUES = st.lists(st.integers(0, 6).map(float), min_size=0, max_size=40)


@given(st.lists(VALUES, min_size=1, max_size=4), st.lists(st.integers(1, 50), min_size=1))
def test_any_division_of_the_activations_keeps_the_same(
    recordings: list[list[float]], sizes: list[int]
) -> None:
    assert kept(recordings, sizes) == by_search(recordings)


def test_one_moment_is_one_chunk_and_a_plateau_is_one_each_length() -> None:
    assert kept([[0, 8, 9, 8, 0, 0, 0, 0]], [3])[0] == (0, 2, 9.0)
    assert kept([[7.0] * 12], [12]) == [(0, 0, 7.0), (0, 5, 7.0), (0, 10, 7.0)]


def test_values_that_are_not_finite_never_count() -> None:
    nan, inf = float("nan"), float("inf")
    assert kept([[nan, 1, inf, nan, nan, nan, nan, nan, 2]], [2]) == [(0, 8, 2.0), (0, 1, 1.0)]
    assert kept([[nan] * 20], [20]) == []


def test_the_curve_is_around_the_chunk() -> None:
    best = BestChunks([4], 1)
    values = np.array([0, 1, 2, 9, 2, 1, 0, 0, 0, 0], np.float32)[:, None]
    frames = np.arange(10)[:, None]
    best.add(0, Activations(values, frames - 1, frames + 1))
    best.end()
    (chunk,) = best.of(0)
    assert chunk.curve.tolist() == [[1, 1], [2, 2], [3, 9], [4, 2], [5, 1]]


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=30), st.integers(1, 9))
def test_the_spread_is_numpys(values: list[float], size: int) -> None:
    column = np.array(values, np.float32)[:, None]
    found = Statistics(1)
    for at in range(0, len(column), size):
        found.add(column[at : at + size])
    x = column.astype(np.float64)
    spread = found.of(0)
    np.testing.assert_allclose(
        [spread.least, spread.greatest, spread.mean, spread.deviation],
        [x.min(), x.max(), x.mean(), x.std()],
        atol=1e-9,
    )
