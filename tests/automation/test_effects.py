"""Effects by name, the ranges of their parameters, and setting them; VST3 plugins too."""

import warnings

import numpy as np
import pedalboard
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pedalboard import Chain, Convolution, Delay, Gain, Mix, Pedalboard, Reverb

import pyplugin
from pyplugin.automation.effects import (
    Target,
    effect_types,
    effects_of,
    find_target,
    in_row,
    leaves,
    parameters_of,
    range_of,
)

PARAMETERS = [
    (kind, parameter)
    for kind, effect in effect_types().items()
    for parameter in parameters_of(effect())
]


@pytest.fixture
def strip(vst3):
    return pedalboard.load_plugin(str(vst3))


def impulse() -> Convolution:
    return Convolution(np.hanning(64).astype(np.float32)[None], 0.3, sample_rate=48000)


# ---- names


def nested() -> tuple[Pedalboard, dict[str, pedalboard.Plugin]]:
    effects = {
        "gain": Gain(1),
        "reverb": Reverb(),
        "gain_2": Gain(2),
        "delay": Delay(),
        "gain_3": Gain(3),
    }
    gain, reverb, second, delay, third = effects.values()
    board = Pedalboard([gain, Chain([Mix([Pedalboard([reverb, second]), delay]), None, third])])
    return board, effects


def test_effects_with_parameters_are_known():
    types = effect_types()
    assert {"gain", "reverb", "delay", "ladder_filter", "high_shelf_filter", "pitch_shift"} <= set(
        types
    )
    assert "pedalboard" not in types


def test_effects_of_nested_boards_have_names_in_the_order_of_the_chain():
    board, effects = nested()
    found = effects_of(board)
    assert list(found) == list(effects)
    assert all(found[name] is effect for name, effect in effects.items())
    assert [effect.gain_db for name, effect in found.items() if "gain" in name] == [1, 2, 3]
    assert list(effects_of(Gain())) == ["gain"]


def test_in_row_keeps_a_mix_whole_and_leaves_opens_it():
    board, effects = nested()
    assert [type(part).__name__ for part in in_row(board)] == ["Gain", "Mix", "Gain"]
    assert list(map(id, leaves(board))) == list(map(id, effects.values()))


def test_ids_take_the_place_of_names():
    board, effects = nested()
    ids = {"voice": effects["gain_2"], "gain": effects["gain"]}
    found = effects_of(board, ids)
    assert list(found) == ["gain", "reverb", "voice", "delay", "gain_3"]
    assert found["voice"] is effects["gain_2"]


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (lambda e: {"other": Gain()}, "'other' is not in the board"),
        (lambda e: {"reverb": e["gain"]}, "'reverb' is the name of another"),
        (lambda e: {"a": e["gain"], "b": e["gain"]}, "two ids"),
    ],
)
def test_a_wrong_id_is_refused(ids, words):
    board, effects = nested()
    with pytest.raises(pyplugin.PresetError, match=words):
        effects_of(board, ids(effects))


def test_an_effect_that_is_in_the_board_twice_is_refused():
    gain = Gain()
    with pytest.raises(pyplugin.PresetError, match="same gain is in the board twice"):
        effects_of(Pedalboard([gain, Mix([Reverb(), gain])]))


# ---- ranges


def test_ranges_that_pedalboard_documents_are_found():
    documented = {
        ("reverb", "room_size"): (0, 1),
        ("pitch_shift", "semitones"): (-72, 72),
        ("delay", "delay_seconds"): (0, 30),
        ("ladder_filter", "drive"): (1, np.inf),
        ("gain", "gain_db"): (-np.inf, np.inf),
        ("chorus", "rate_hz"): (0, 100),
    }
    for (kind, parameter), expected in documented.items():
        assert range_of(effect_types()[kind](), parameter) == expected


@pytest.mark.parametrize(("kind", "parameter"), PARAMETERS)
def test_a_range_is_what_the_effect_accepts(kind, parameter):
    effect = effect_types()[kind]()
    low, high = range_of(effect, parameter)
    assert low < high
    for bound, beyond in ((low, -1), (high, 1)):
        if np.isinf(bound):
            setattr(effect, parameter, beyond * 1e6)
            continue
        setattr(effect, parameter, bound)
        assert getattr(effect, parameter) == pytest.approx(bound, rel=1e-6)
        with pytest.raises((ValueError, RuntimeError, TypeError)):
            setattr(effect, parameter, bound + beyond * max(1e-4 * abs(bound), 1e-5))
    for share in np.linspace(0, 1, 11):
        ends = np.clip((low, high), -1e6, 1e6)
        setattr(effect, parameter, ends[0] + share * (ends[1] - ends[0]))


@pytest.mark.parametrize("kind", [*effect_types(), "convolution"])
def test_finding_a_range_changes_nothing(kind):
    effect = impulse() if kind == "convolution" else effect_types()[kind]()
    names = parameters_of(effect)
    for name in names:
        low, high = range_of(effect, name)
        now = getattr(effect, name)
        setattr(effect, name, min(max(now * 0.9 + 0.01, low), high))
    before = {name: getattr(effect, name) for name in names}
    for name in names:
        range_of(effect, name)
    assert {name: getattr(effect, name) for name in names} == before


def test_the_range_is_found_without_a_second_instance():
    effect = impulse()
    assert parameters_of(effect) == ["mix"]
    assert range_of(effect, "mix") == (-np.inf, np.inf)
    assert effect.mix == pytest.approx(0.3)


# ---- VST3


def test_parameters_of_a_vst3_plugin_are_its_numbers_and_switches(strip, late_vst3):
    assert parameters_of(strip) == ["gain_db", "level_db", "cutoff", "filter"]
    assert range_of(strip, "gain_db") == (-60, 12)
    assert range_of(strip, "cutoff") == (20, 20000)
    assert range_of(strip, "filter") == (0, 1)
    late = pedalboard.load_plugin(str(late_vst3))
    assert "latency_frames" in late.parameters  # the plugin marks it as not automatable
    assert parameters_of(late) == parameters_of(strip)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(value=st.floats(-60, 12))
def test_a_number_is_set_as_asked(strip, value):
    Target("strip.gain_db", strip, "gain_db").set(value)
    assert float(strip.gain_db) == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize("value", [-60.0, 12.0])
def test_the_ends_are_reached(strip, value):
    Target("strip.gain_db", strip, "gain_db").set(value)
    assert strip.parameters["gain_db"].raw_value == (value > 0)
    assert float(strip.gain_db) == value


def test_each_step_of_a_stepped_parameter_is_reached(strip):
    target = Target("strip.cutoff", strip, "cutoff")
    steps = [20 * 1000 ** (step / 240) for step in range(241)]
    assert len(strip.parameters["cutoff"].valid_values) == len(steps)
    for step in steps:
        target.set(step)
        assert float(strip.cutoff) == pytest.approx(step, rel=1e-3)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(octaves=st.floats(0, np.log2(1000)))
def test_between_two_steps_it_is_one_of_them_and_near_one_that_one(strip, octaves):
    asked = min(20 * 2**octaves, 20000)
    Target("strip.cutoff", strip, "cutoff").set(asked)
    steps = np.array(strip.parameters["cutoff"].valid_values)
    above = min(max(int(np.searchsorted(steps, asked)), 1), 240)
    share = (asked - steps[above - 1]) / (steps[above] - steps[above - 1])
    allowed = {above - 1, above}
    if abs(share - 0.5) > 0.2:
        allowed = {above - 1 + round(share)}
    assert int(np.argmin(np.abs(steps - float(strip.cutoff)))) in allowed


def test_a_switch_turns_at_the_half(strip):
    target = Target("strip.filter", strip, "filter")
    for value, on in [(1, True), (0.49, False), (0.5, True), (0, False), (0.7, True)]:
        target.set(value)
        assert bool(strip.filter) is on


def test_a_gain_that_begins_at_minus_infinity_keeps_its_finite_range(strip):
    assert strip.parameters["level_db"].min_value == -np.inf
    target = Target("strip.level_db", strip, "level_db")
    assert (target.low, target.high) == (pytest.approx(-89.904), 6)
    for value in (6, -42, 0, target.low):
        target.set(value)
        assert float(strip.level_db) == pytest.approx(value, abs=1e-4)


# ---- limits and messages


@pytest.mark.parametrize("kind", ["vst3", "built in"])
def test_a_value_out_of_range_is_clamped_with_one_warning(kind, request):
    if kind == "vst3":
        effect = request.getfixturevalue("strip")
        name, low, high = "gain_db", -60, 12
    else:
        effect, name, low, high = Reverb(), "room_size", 0, 1
    target = Target(f"x.{name}", effect, name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for value, expected in [(high + 1, high), (low - 30, low), (high + 9, high)]:
            target.set(value)
            assert float(getattr(effect, name)) == pytest.approx(expected, abs=1e-6)
    assert len(caught) == 1
    assert f"x.{name}" in str(caught[0].message)
    assert f"{low} to {high}" in str(caught[0].message)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "strip.side",
            "'side' is not a number .*; strip has gain_db, level_db, cutoff",
        ),
        ("strip.gain", "'gain' does not exist; strip has gain_db, level_db, cutoff"),
        ("ladder_filter.mode", "'mode' is not a number .*; .* has cutoff_hz, drive, resonance"),
        ("invert.x", "invert has none"),
        ("verb.wet_level", "no effect 'verb', but strip, ladder_filter, invert"),
        ("gain_db", "'effect.parameter' is expected, with strip, ladder_filter, invert"),
    ],
)
def test_an_unknown_target_is_refused_with_the_known_ones(strip, name, words):
    board = Pedalboard([strip, pedalboard.LadderFilter(), pedalboard.Invert()])
    with pytest.raises(pyplugin.PresetError, match=words):
        find_target(name, effects_of(board, {"strip": strip}))


def test_a_board_that_contains_itself_is_refused():
    chain = pedalboard.Chain([pedalboard.Gain()])
    board = pedalboard.Pedalboard([pedalboard.Mix([chain])])
    chain.append(board)
    with pytest.raises(pyplugin.PresetError, match="contains itself"):
        effects_of(board)
    chain.remove(board)
