"""Automation in time: closed forms, independence of blocks."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pyplugin
from pyplugin import label
from pyplugin.automation.knobs import Knobs
from pyplugin.automation.movers import AutomatedParameter, Automation, Mover
from pyplugin.automation.sources import as_combined

RATE = 48000


def made(**knobs) -> Automation:
    return Automation([Knobs(**{"attack": 0.0, "release": 0.0, **knobs})], RATE)


@given(
    st.lists(st.tuples(st.integers(0, 9600), st.floats(0, 1, width=32)), min_size=1, max_size=60),
    st.sampled_from([0.05, 0.1, 0.25, 1.0]),
)
def test_median_is_that_of_the_results_of_the_last_seconds(results, seconds):
    automation = made(median=seconds)
    position, taken = 0, []
    for later, value in results:
        position += later
        automation.push(0, position, value)
        taken.append((position, value))
        last = [value for at, value in taken if at > position - round(seconds * RATE)]
        assert automation.at(position) == np.float32(statistics.median_low(last))


def test_attack_and_release_are_time_constants():
    automation = made(attack=0.1, release=0.4)
    automation.push(0, 0, 0.0)
    automation.push(0, 1000, 1.0)
    for seconds in (0.0, 0.05, 0.1, 0.3):
        at = automation.at(1000 + round(seconds * RATE))
        assert at == pytest.approx(1 - np.exp(-seconds / 0.1), abs=1e-6)
    automation.push(0, 1000 + RATE, 0.0)
    top = 1 - np.exp(-1 / 0.1)
    for seconds in (0.0, 0.2, 0.4, 2.0):
        at = automation.at(1000 + RATE + round(seconds * RATE))
        assert at == pytest.approx(top * np.exp(-seconds / 0.4), abs=1e-6)


@pytest.mark.parametrize(
    ("curve", "formula"),
    [
        ("lin", lambda x, low, high: low + (high - low) * x),
        ("log", lambda x, low, high: low * (high / low) ** x),
        ("exp", lambda x, low, high: low + (high - low) * x**2),
    ],
)
@pytest.mark.parametrize(("low", "high"), [(20.0, 20000.0), (5.0, 0.5)])
def test_curves(curve, formula, low, high):
    for x in np.linspace(0, 1, 11):
        automation = made(curve=curve, min=low, max=high)
        automation.push(0, 0, x)
        assert automation.at(0) == pytest.approx(formula(np.float32(x), low, high), rel=1e-5)


def test_a_threshold_makes_a_gate():
    automation = made(gate="above", threshold=0.5, max=-12.0)
    for position, (value, expected) in enumerate([(0.49, 0), (0.5, -12), (0.51, -12), (0, 0)]):
        automation.push(0, position, value)
        assert automation.at(position) == expected


def test_values_beyond_one_are_clamped_and_invert_turns_over():
    for value, plain in [(1.7, 1.0), (-3.0, 0.0), (float("nan"), 0.0), (0.25, 0.25)]:
        for invert in (False, True):
            automation = made(invert=invert)
            automation.push(0, 0, value)
            assert automation.at(0) == pytest.approx(1 - plain if invert else plain)


@given(
    events=st.lists(
        st.tuples(st.integers(0, 5000), st.floats(0, 1, width=32)), min_size=1, max_size=20
    ),
    asked=st.lists(st.integers(0, 5000), max_size=20),
    attack=st.floats(0, 3),
    release=st.floats(0, 3),
)
def test_the_curve_does_not_depend_on_the_positions_of_reads(events, asked, attack, release):
    quiet = made(attack=attack, release=release)
    asking = made(attack=attack, release=release)
    position = 0
    for step, value in events:
        for other in sorted(asked):
            asking.at(position + min(other, step))
        position += step
        quiet.push(0, position, value)
        asking.push(0, position, value)
    for later in (0, 1, 100, 48000):
        assert quiet.at(position + later) == asking.at(position + later)
        assert 0 <= quiet.at(position + later) <= 1


@pytest.mark.parametrize(
    ("knobs", "words"),
    [
        ({"attack": -1.0}, "[Aa]ttack"),
        ({"release": 601.0}, "release"),
        ({"curve": "log", "min": 0.0}, "log"),
        ({"max": float("inf")}, "max"),
        ({"gate": "above", "threshold": float("nan")}, "threshold"),
    ],
)
def test_a_wrong_knob_is_refused(knobs, words):
    with pytest.raises(pyplugin.PresetError, match=words):
        made(**knobs)


def test_parameters_at_rest_are_set_each_block_and_others_every_64_samples():
    source = label("x").attack(0.05).release(0.05)
    parameter = AutomatedParameter.of_sources("x", as_combined(source), ["tag.m.x"], RATE)
    mover = Mover([parameter])
    mover.push("tag", 0, np.array([0.0], np.float32))
    mover.push("tag", 5000, np.array([1.0], np.float32))
    steps = list(mover.steps(0, 40000, 512))
    assert [end for _, end in steps] == [*(begin for begin, _ in steps[1:]), 40000]
    assert all(begin % 64 == 0 for begin, _ in steps)
    lengths = [end - begin for begin, end in steps]
    event = next(at for at, (begin, _) in enumerate(steps) if begin >= 5000)
    assert steps[event][0] == 5056
    assert set(lengths[: event - 1]) == {512}
    assert set(lengths[event : event + 60]) == {64}
    assert set(lengths[-5:-1]) == {512}
