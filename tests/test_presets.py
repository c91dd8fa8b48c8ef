"""Presets: those that ship are sound, and what is wrong in one is named with its line."""

import re

import pytest

import pyplugin
from pyplugin.effects import build_board, effect_types
from pyplugin.node import slug
from pyplugin.presets import parse_preset, read_preset, shipped_presets

GOOD = """
[preset]
name = "mine"
description = "A test."

[[effect]]
id = "room"
type = "reverb"
wet_level = 0.1

[[map]]
source = "tag.vocal"
target = "room.wet_level"
min = 0.0
max = 0.7
"""


@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_shipped_presets_are_sound(name, musicnn):
    preset = read_preset(name)
    assert preset.name == name
    assert len(preset.description) > 40
    board, targets = build_board(preset)
    assert len(board) == len(preset.effects)
    assert len(targets) == len(preset.maps) > 0
    known = {f"tag.{slug(label)}" for label in musicnn.card.labels}
    for item in preset.maps:
        assert set(item.sources) <= known


def test_a_good_preset():
    preset = parse_preset(GOOD)
    assert preset.effects[0].parameters == {"wet_level": 0.1}
    assert preset.maps[0].sources == ("tag.vocal",)
    board, _ = build_board(preset)
    assert board[0].wet_level == pytest.approx(0.7)  # the last end that was tried; moved before use


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ('name = "mine"', "name = 3", 3, "text in quotes"),
        ('name = "mine"', 'nme = "mine"', 3, "'nme'.*'name'"),
        ("[[effect]]", "[effect]", 6, r"\[\[effect\]\]"),
        ("[[map]]", "[[maps]]", 0, "'maps'.*'map'"),
        ('type = "reverb"', 'type = "revreb"', 8, "'revreb'.*'reverb'"),
        ('type = "reverb"', 'type = "chain"', 8, "'chain'"),
        ("wet_level = 0.1", "wet_leval = 0.1", 9, "'wet_leval'.*'wet_level'"),
        ("wet_level = 0.1", 'wet_level = "high"', 9, "number"),
        ("wet_level = 0.1", "wet_level = true", 9, "number"),
        ('id = "room"', 'id = "the room"', 7, "the room"),
        ('source = "tag.vocal"', "source = 3", 12, "descriptor"),
        ('source = "tag.vocal"', "source = []", 12, "descriptor"),
        ('target = "room.wet_level"', 'target = "room"', 13, r"effect-id\.parameter"),
        ('target = "room.wet_level"', 'target = "rom.wet_level"', 13, "'rom'.*'room'"),
        ('target = "room.wet_level"', 'target = "room.wetlevel"', 13, "'wetlevel'.*'wet_level'"),
        ("min = 0.0", "minimum = 0.0", 14, "'minimum'"),
        ("min = 0.0", 'min = 0.0\ncurve = "cubic"', 15, "'cubic'.*lin"),
        ("min = 0.0", "min = 0.0\ninvert = 1", 15, "true or false"),
        ("max = 0.7", "", 11, "max is missing"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old, new, line, words):
    assert old in GOOD
    with pytest.raises(pyplugin.PresetError) as caught:
        build_board(parse_preset(GOOD.replace(old, new, 1), "mine.toml"))
    message = str(caught.value)
    assert re.search(words, message), message
    assert message.startswith(f"mine.toml, line {line}:" if line else "mine.toml"), message


def test_effects_of_one_id_and_maps_of_one_target_are_refused():
    twice = GOOD + '[[effect]]\nid = "room"\ntype = "gain"\n'
    with pytest.raises(pyplugin.PresetError, match="two effects"):
        parse_preset(twice)
    again = GOOD + '[[map]]\nsource = "tag.beat"\ntarget = "room.wet_level"\nmin = 0\nmax = 1\n'
    with pytest.raises(pyplugin.PresetError, match="twice"):
        parse_preset(again)


def test_a_value_that_an_effect_refuses_is_found_beforehand():
    with pytest.raises(pyplugin.PresetError, match="refuses room_size = 7"):
        build_board(parse_preset(GOOD.replace("wet_level", "room_size").replace("0.7", "7")))


def test_text_that_is_no_toml():
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
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(pyplugin.PresetError, match="text"):
        read_preset(path)


def test_effects_with_parameters_are_known():
    types = effect_types()
    assert {"gain", "reverb", "delay", "ladder_filter", "high_shelf_filter", "pitch_shift"} <= set(
        types
    )
    assert "pedalboard" not in types
