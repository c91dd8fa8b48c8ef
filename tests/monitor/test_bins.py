"""Bins: what is packed comes back within half a step."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from station_rows import BEGIN, COLUMNS, in_parts, rows

from pyplugin.monitor.bins import Binner, Layout

LAYOUT = Layout.of(COLUMNS)


@settings(max_examples=40)
@given(st.lists(st.integers(1, 40), max_size=8), st.integers(0, 9), st.randoms())
def test_bins_have_the_means_and_maxima_of_their_seconds(sizes, offset, random):
    begin = BEGIN // 10_000 * 10_000 + 1000 * offset
    seed = random.randint(0, 2**31)
    generator = np.random.default_rng(seed)
    speech = generator.random(95).astype(np.float32)
    loudness = generator.uniform(-60, 0, 95).astype(np.float32)
    speech[generator.random(95) < 0.2] = np.nan
    made = rows(95, begin=begin, speech=speech, loudness_short=loudness)
    binner = Binner(LAYOUT)
    bins = [each for part in in_parts(made, sizes) for each in binner.push(part) if len(part)]
    bins += binner.end()
    assert sum(each.seconds for each in bins) == 95
    assert all(each.start % 10_000 == 0 for each in bins)
    means, tops = LAYOUT.unpack([each.values for each in bins])
    for index, each in enumerate(bins):
        inside = (made.times > each.start) & (made.times <= each.start + 10_000)
        assert each.seconds == inside.sum()
        known = speech[inside][~np.isnan(speech[inside])]
        if len(known):
            assert abs(means[index, 0] - known.mean()) <= 0.5 / 254 + 1e-6
            assert abs(tops[index, 0] - known.max()) <= 0.5 / 254 + 1e-6
        else:
            assert np.isnan(means[index, 0])
        level = means[index, COLUMNS.index("loudness_short")]
        assert abs(level - loudness[inside].mean()) <= 0.5 * 127 / 254 + 1e-4


def test_a_layout_is_read_as_it_was_written():
    assert Layout.parse(LAYOUT.text) == LAYOUT
