"""Sources: a descriptor and its knobs, sums, and what is refused."""

import dataclasses

import numpy as np
import pytest
from pedalboard import Gain, Pedalboard

import pyplugin
from pyplugin.automation.knobs import Knobs
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.sources import Combined, Source, as_combined

A, B = Source(("tag.a",)), Source(("tag.b",))


@pytest.mark.parametrize(
    ("changed", "knobs"),
    [
        (A.above(0.5, hysteresis=0.1), {"gate": "above", "threshold": 0.5, "hysteresis": 0.1}),
        (A.below(-30), {"gate": "below", "threshold": -30, "hysteresis": 0}),
        (A.range(-60, -6), {"low": -60, "high": -6}),
        (A.scale(20, 2000, curve="log"), {"min": 20, "max": 2000, "curve": "log"}),
        (A.scale(1, 2), {"min": 1, "max": 2, "curve": "lin"}),
        (A.attack(0.1), {"attack": 0.1}),
        (A.release(0.2), {"release": 0.2}),
        (A.hold(0.3), {"hold": 0.3}),
        (A.delay(0.4), {"delay": 0.4}),
        (A.depth(0.7), {"depth": 0.7}),
        (A.invert(), {"invert": True}),
        (A.invert().invert(), {"invert": False}),
        (A.set(hold=1, curve="exp", low=None), {"hold": 1, "curve": "exp", "low": None}),
    ],
)
def test_a_method_sets_its_knobs_and_no_other(changed, knobs):
    assert changed.descriptors == A.descriptors
    assert dataclasses.asdict(changed.knobs) == {**dataclasses.asdict(Knobs()), **knobs}


def test_methods_keep_the_knobs_set_before_and_the_source_itself():
    first = A.attack(0.1)
    second = first.scale(0, 6).attack(0.2)
    assert (first.knobs.attack, first.knobs.max) == (0.1, 1)
    assert (second.knobs.attack, second.knobs.max) == (0.2, 6)
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.descriptors = ()  # type: ignore[misc]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: A.attack("fast"), "attack is 'fast'; a number"),
        (lambda: A.scale(None, 1), "min is None; a number"),
        (lambda: A.scale(0, True), "max is True; a number"),
        (lambda: A.scale(0, 1, curve="cubic"), "curve is 'cubic'; choose one of"),
        (lambda: A.set(invert=1), "invert is 1; true or false"),
        (lambda: A.set(gate="over"), "gate is 'over'; did you mean 'above'"),
        (lambda: A.above("loud"), "threshold is 'loud'; a number"),
        (lambda: A.range(0, [1]), r"high is \[1\]; a number"),
    ],
)
def test_a_knob_of_a_wrong_type_is_refused_at_once(wrong, words):
    with pytest.raises(pyplugin.PresetError, match=words):
        wrong()


# ---- sums


def test_a_sum_adds_the_descriptors_before_the_knobs():
    total = (A + B).range(0, 2).scale(0, -12).attack(0).release(0)
    assert total.descriptors == ("tag.a", "tag.b")
    names = ["tag.m.a", "tag.m.other", "tag.m.b"]
    mover = Mover([AutomatedParameter.of_sources("x.y", as_combined(total), names, 48000)])
    mover.push("tag", 0, np.array([0.25, 0.9, 0.5], np.float32))
    assert mover.values(0) == pytest.approx([-12 * 0.75 / 2])


def test_a_sum_keeps_the_knobs_of_the_one_that_has_some():
    assert (A.attack(0.3) + B).knobs == (A + B.attack(0.3)).knobs == Knobs(attack=0.3)
    assert (A + B).knobs == Knobs()
    assert (A + B + Source(("tag.c",))).descriptors == ("tag.a", "tag.b", "tag.c")
    for second in (B.attack(0.3), B.hold(1)):
        with pytest.raises(pyplugin.PresetError, match="Add first and set the knobs of the sum"):
            A.attack(0.3) + second


@pytest.mark.parametrize("other", [3, "tag.b", None, ["tag.b"], Combined((B,))])
def test_only_sources_can_be_added_to_a_source(other):
    with pytest.raises(TypeError, match=r"unsupported operand"):
        A + other


def test_signals_of_different_units_cannot_be_added(probe):
    for wrong in (
        pyplugin.sources.rms() + pyplugin.sources.onset(),
        pyplugin.sources.rms() + pyplugin.label("beat"),
    ):
        with pytest.raises(pyplugin.PresetError, match="cannot be added"):
            pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": wrong}, model=probe.model)
    both = pyplugin.sources.flux() + pyplugin.sources.percussive()
    pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": both})


# ---- several sources of one parameter


def test_one_source_and_several_become_combined():
    assert as_combined(A) == Combined((A,), "sum")
    assert as_combined([A, B]) == as_combined(each for each in (A, B)) == Combined((A, B), "sum")
    largest = Combined((A, B), "max")
    assert as_combined(largest) is largest


@pytest.mark.parametrize(("combine", "expected"), [("sum", 1 + 0.5 * 4 - 0.75 * 8), ("max", 4)])
def test_combined_sources_add_or_the_farthest_from_its_minimum_applies(combine, expected):
    """The first goes from 1 to 5, the second from 10 to 2."""
    still = {"attack": 0, "release": 0}
    both = Combined((A.scale(1, 5).set(**still), B.scale(10, 2).set(**still)), combine)
    mover = Mover([AutomatedParameter.of_sources("x.y", both, ["tag.m.a", "tag.m.b"], 48000)])
    mover.push("tag", 0, np.array([0.5, 0.75], np.float32))
    assert mover.values(0) == pytest.approx([expected])
