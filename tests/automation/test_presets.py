"""Presets: those in the package are valid, and errors are reported with their line."""

import re

import pytest
from preset_cases import GOOD, WRONG

import pyplugin
from pyplugin.automation.chains import automated_preset
from pyplugin.automation.effects import build_board
from pyplugin.automation.knobs import Knobs
from pyplugin.automation.presets import parse_preset, read_preset, shipped_presets
from pyplugin.models import registry
from pyplugin.node.signals import SIGNALS
from pyplugin.support.spelling import slug


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_presets_of_the_package_are_valid(name, request):
    preset = read_preset(name)
    assert preset.name == name
    assert len(preset.description) > 40
    board, targets = build_board(preset)
    assert len(board) == len(preset.effects)
    assert set(targets) == {item.target for item in preset.maps} != set()
    labels = registry.labels(preset.model) if preset.model else ()
    known = {f"tag.{slug(label)}" for label in labels}
    known |= {f"signal.{name}" for name in SIGNALS}
    for item in preset.maps:
        assert set(item.source.descriptors) <= known
    others = preset.model == "yamnet"
    automated_preset(preset, model=request.getfixturevalue("yamnet") if others else None)


def test_a_good_preset():
    preset = parse_preset(GOOD)
    assert preset.effects[0].parameters == {"wet_level": 0.1}
    assert preset.maps[0].source.descriptors == ("tag.vocal",)
    board, _ = build_board(preset)
    assert board[0].wet_level == pytest.approx(0.1)


@pytest.mark.parametrize(("old", "new", "line", "words"), WRONG)
def test_errors_are_reported_with_their_line(old, new, line, words):
    assert old in GOOD
    with pytest.raises(pyplugin.PresetError) as caught:
        build_board(parse_preset(GOOD.replace(old, new, 1), "mine.toml"))
    message = str(caught.value)
    assert re.search(words, message), message
    assert message.startswith(f"mine.toml, line {line}:" if line else "mine.toml"), message


def test_effects_of_one_id_and_maps_that_combine_in_two_ways_are_refused():
    twice = GOOD + '[[effect]]\nid = "room"\ntype = "gain"\n'
    with pytest.raises(pyplugin.PresetError, match="two effects"):
        parse_preset(twice)
    again = GOOD + 'combine = "sum"\n' + GOOD[GOOD.index("[[map]]") :] + 'combine = "max"\n'
    with pytest.raises(pyplugin.PresetError, match="two ways"):
        parse_preset(again)


def test_a_value_that_an_effect_rejects_is_reported():
    with pytest.raises(pyplugin.PresetError, match="rejects room_size = 7"):
        build_board(parse_preset(GOOD.replace("wet_level", "room_size").replace("0.7", "7")))


def test_invalid_toml():
    with pytest.raises(pyplugin.PresetError, match="not TOML"):
        parse_preset("[preset\n")
    with pytest.raises(pyplugin.PresetError, match=r"\[preset\]"):
        parse_preset("")


def test_reading_by_name_and_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert read_preset(path).name == "mine"
    with pytest.raises(pyplugin.PresetError, match="'duck-under-voice'"):
        read_preset("duck-under-vice")
    with pytest.raises(pyplugin.PresetError, match=r"missing\.toml"):
        read_preset(tmp_path / "missing.toml")
    path.write_text(GOOD, encoding="utf-8-sig")  # as Windows' Notepad does
    assert read_preset(path).name == "mine"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(pyplugin.PresetError, match="text"):
        read_preset(path)


def test_every_knob_of_a_map_arrives():
    text = GOOD + (
        "below = -30\nhysteresis = 2\ninvert = true\nhold = 0.25\ndelay = 0.5\nattack = 0.125\n"
        'release = 1\ndepth = 0.75\ncurve = "exp"\n'
    )
    assert parse_preset(text).maps[0].source.knobs == Knobs(
        gate="below",
        threshold=-30,
        hysteresis=2,
        invert=True,
        hold=0.25,
        delay=0.5,
        attack=0.125,
        release=1,
        depth=0.75,
        curve="exp",
        min=0,
        max=0.7,
    )
    ranged = parse_preset(GOOD + "low = -60\nhigh = 0\n").maps[0].source.knobs
    assert (ranged.low, ranged.high, ranged.gate) == (-60, 0, "none")
