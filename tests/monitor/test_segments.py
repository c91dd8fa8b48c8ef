"""Segments: their classes, edges and loudness; stable, and independent of how rows are split."""

from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_rows import BEGIN, COLUMNS, absent, in_parts, in_turn, played, rows, silent, spoken

import pyplugin
from pyplugin.monitor.segments import CLASSES, Loudness, Segmenter


def segments(made, sizes=()):
    segmenter = Segmenter(COLUMNS)
    found = [each for part in in_parts(made, sizes) for each in segmenter.push(part)]
    last = segmenter.end()
    found += [] if last is None else [last]
    return [
        (CLASSES[each.kind], (each.start - BEGIN) // 1000, (each.end - BEGIN) // 1000)
        for each in found
    ]


def test_a_programme_with_all_classes():
    over = rows(60, speech=0.9, music=0.9, loudness_momentary=-18)
    other = rows(60, speech=0.1, music=0.1, loudness_momentary=-30)
    made = in_turn(spoken(60), over, played(60), other, silent(60), absent(60))
    found = segments(made)
    assert [kind for kind, _, _ in found] == [
        *("speech", "speech over music", "music", "other", "silence", "off air")
    ]
    for index, (_, start, end) in enumerate(found):
        assert abs(start - 60 * index) <= 4  # the mean of five seconds decides
        assert abs(end - 60 * (index + 1)) <= 4
    assert all(before[2] == after[1] for before, after in pairwise(found))


@pytest.mark.parametrize("length", [1, 3, 5])
def test_a_short_interruption_makes_no_segment(length):
    made = in_turn(played(60), spoken(length), played(60))
    assert segments(made) == [("music", 0, 120 + length)]


def test_a_bed_that_comes_and_goes_does_not_flap():
    random = np.random.default_rng(1)
    music = np.clip(0.48 + 0.25 * random.standard_normal(1800), 0, 1)
    made = rows(1800, speech=0.95, music=music, loudness_momentary=-20)
    assert len(segments(made)) <= 6  # in half an hour, though it crosses 0.5 every other second


@settings(max_examples=60)
@given(st.lists(st.integers(1, 90), max_size=12), st.randoms(use_true_random=False))
def test_parts_of_any_size_give_the_same(sizes, random):
    makers = [spoken, played, silent, absent]
    made = in_turn(*(random.choice(makers)(random.randint(1, 40)) for _ in range(12)))
    whole = segments(made)
    assert segments(made, sizes) == whole
    assert whole[0][1] == 0
    assert whole[-1][2] == len(made)
    assert all(before[2] == after[1] for before, after in pairwise(whole))


def test_integrated_loudness_is_pyloudnorms():
    random = np.random.default_rng(2)
    level = np.repeat(10 ** (random.uniform(-40, 0, 40) / 20), 48000)
    sound = (level * random.standard_normal(40 * 48000) * 0.1).astype(np.float32)
    with pyplugin.Node(48000, 1, 48000, model=None, signals=0.1, offline=True) as node:
        place = list(pyplugin.SIGNALS).index("loudness_momentary")
        meter = Loudness()
        for start in range(0, len(sound), 48000):
            node.process(sound[np.newaxis, start : start + 48000])
            meter.add(node.read_signals().values[:, place])
    expected = pyloudnorm.Meter(48000).integrated_loudness(sound)
    assert meter.integrated == pytest.approx(expected, abs=0.2)


def test_means_and_loudness_are_those_of_the_segment():
    segmenter = Segmenter(COLUMNS)
    ended = segmenter.push(in_turn(spoken(100), played(100)))
    assert [round(each.loudness.integrated, 1) for each in ended] == pytest.approx([-20], abs=1)
    last = segmenter.end()
    assert last.means[1] == pytest.approx(0.95, abs=0.02)
    assert last.loudness.integrated == pytest.approx(-14, abs=0.1)
