"""Presets: those in the package are valid, and errors are reported with their line."""

import json
import re
import sys

import jsonschema
import numpy as np
import pytest

import pyplugin
from pyplugin.automation.effects import build_board, effect_types
from pyplugin.automation.knobs import Knobs
from pyplugin.automation.presets import parse_preset, read_preset, shipped_folder, shipped_presets
from pyplugin.automation.rendering import automated_preset
from pyplugin.automation.schema import preset_schema
from pyplugin.inputs.files import load
from pyplugin.models import registry
from pyplugin.node.signals import SIGNALS
from pyplugin.support.spelling import slug

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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


@pytest.mark.usefixtures("musicnn")
@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_presets_of_the_package_are_valid(name):
    preset = read_preset(name)
    assert preset.name == name
    assert len(preset.description) > 40
    board, targets = build_board(preset)
    assert len(board) == len(preset.effects)
    assert set(targets) == {item.target for item in preset.maps} != set()
    labels = registry.load(preset.model).card.labels if preset.model else ()
    known = {f"tag.{slug(label)}" for label in labels}
    known |= {f"signal.{name}" for name in SIGNALS}
    for item in preset.maps:
        assert set(item.source.descriptors) <= known
    automated_preset(preset)


def test_a_good_preset():
    preset = parse_preset(GOOD)
    assert preset.effects[0].parameters == {"wet_level": 0.1}
    assert preset.maps[0].source.descriptors == ("tag.vocal",)
    board, _ = build_board(preset)
    assert board[0].wet_level == pytest.approx(0.1)


WRONG = [
    ('name = "mine"', "name = 3", 3, "string in quotes"),
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
    ("min = 0.0", "min = 0.0\nbelow = 1\nthreshold = 2", 15, "two gates"),
    ("min = 0.0", "min = 0.0\nhysteresis = 1", 15, "gate"),
    ("min = 0.0", "min = 0.0\nlow = 1\nthreshold = 2", 15, "a gate has no low"),
    ("min = 0.0", "min = 0.0\nbelow = 1\nhigh = 2", 16, "a gate has no high"),
    ('name = "mine"', 'name = "mine"\nhop = 0', 4, "hop is 0 s"),
    ('name = "mine"', 'name = "mine"\nhop = -1', 4, "hop is -1 s"),
    ('source = "tag.vocal"', 'source = "rms_db"', 12, "'rms_db' is not a descriptor.*signal"),
    ('source = "tag.vocal"', 'source = ["tag.vocal", "vocals"]', 12, "'vocals' is not a desc"),
    ("min = 0.0", "min = 0.0\ncombine = 'product'", 15, "'product'.*sum"),
    ("min = 0.0", "min = 0.0\nhold = 'long'", 15, "number"),
    ("max = 0.7", "", 11, "max is missing"),
]


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


def test_effects_with_parameters_are_known():
    types = effect_types()
    assert {"gain", "reverb", "delay", "ladder_filter", "high_shelf_filter", "pitch_shift"} <= set(
        types
    )
    assert "pedalboard" not in types


@pytest.fixture(scope="module")
def schema():
    return preset_schema()


def valid(schema, text: str) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(tomllib.loads(text))


def test_the_published_schema_is_that_of_the_code(schema):
    published = json.loads((shipped_folder() / "preset.schema.json").read_text())
    made_with = published.pop("$comment")
    if made_with != schema.pop("$comment"):
        pytest.skip(f"the published schema is of {made_with}, another one is installed")
    assert published == schema


@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_shipped_presets_follow_the_schema(schema, name):
    jsonschema.validate(
        tomllib.loads(shipped_presets()[name].read_text()), schema, jsonschema.Draft202012Validator
    )


@pytest.mark.parametrize(("old", "new", "line", "words"), WRONG)
def test_the_schema_refuses_what_the_parser_refuses(schema, old, new, line, words):
    assert valid(schema, GOOD)
    elsewhere = ("rom.wet_level", "room.wetlevel", "hysteresis")  # needs more than one key
    assert valid(schema, GOOD.replace(old, new, 1)) == any(part in new for part in elsewhere)


def test_the_schema_knows_the_range_of_each_parameter(schema):
    assert not valid(schema, GOOD.replace("wet_level = 0.1", "wet_level = 1.1"))
    assert not valid(schema, GOOD.replace("wet_level = 0.1", "wet_level = -0.1"))
    assert valid(schema, GOOD.replace("wet_level = 0.1", "wet_level = 1"))


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


def test_labels_and_signals_of_one_source_are_refused_at_its_line(musicnn):
    text = GOOD.replace('"tag.vocal"', '["tag.vocal", "signal.rms_db"]')
    with pytest.raises(pyplugin.PresetError, match=r"mine\.toml, line 12: .*different units"):
        automated_preset(parse_preset(text, "mine.toml"), model=musicnn)


@pytest.mark.parametrize(
    ("knob", "line", "words"),
    [
        ("attack = -1", 16, "attack is -1 s"),
        ("hold = 601", 16, "hold is 601 s"),
        ("depth = 2", 16, "depth is 2"),
        ('curve = "log"', None, "log curve"),
        ("low = 1\nhigh = 1", None, "must differ"),
    ],
)
def test_a_knob_out_of_range_is_named_with_its_line(knob, line, words, musicnn):
    with pytest.raises(pyplugin.PresetError, match=words) as caught:
        automated_preset(parse_preset(GOOD + knob + "\n", "mine.toml"), model=musicnn)
    assert str(caught.value).startswith(f"mine.toml, line {line}:" if line else "mine.toml, line ")


# Expected automation on real recordings: (preset, clip, seconds, target, least, most).
EXPECTED = [
    ("late-night", "instrumental-metal", (2, 16), "lift.gain_db", -0.1, 0.1),
    ("late-night", "speech", (1, 15), "lift.gain_db", 1, 12),
    ("loudness-guard", "instrumental-metal", (2, 15), "trim.gain_db", -10, -8),
    ("loudness-guard", "speech", (1, 15), "trim.gain_db", -3, 0),
    ("brighten-the-dull", "drum-loop", (1, 10), "air.gain_db", 3, 6),
    ("tame-the-harsh", "classical-strings", (2, 16), "shelf.gain_db", -8, 0),
    ("crunch-the-drums", "drum-loop", (0.5, 10), "crunch.drive_db", 0.1, 16),
    ("echo-in-the-gaps", "instrumental-metal", (1, 15), "echo.mix", 0.07, 0.2),
    ("echo-in-the-gaps", "radio-hour", (15.5, 18.5), "echo.mix", 0.45, 0.5),
    ("hiss-gate", "radio-hour", (16, 18.5), "gate.gain_db", -24, -23),
    ("hiss-gate", "sung-rock", (0, 19), "gate.gain_db", -0.1, 0),
    ("pump-on-onsets", "classical-strings", (1, 17), "pump.gain_db", -9, 0),
    ("voice-in-a-hall", "sung-rock", (1, 12), "hall.wet_level", 0.1, 0.35),
    ("voice-in-a-hall", "instrumental-metal", (0, 16), "hall.wet_level", 0, 0.02),
    ("drift", "instrumental-metal", (0, 16), "space.wet_level", 0, 0.02),
    ("tighten-the-heavy", "instrumental-metal", (1, 15), "grip.ratio", 3, 4),
    ("tighten-the-heavy", "classical-strings", (0, 18), "grip.ratio", 1, 1.05),
    ("strings-to-the-front", "classical-strings", (0, 18), "presence.gain_db", 4.5, 5),
    ("strings-to-the-front", "drum-loop", (0, 11), "presence.gain_db", 0, 0.2),
]


@pytest.fixture(scope="module")
def rendered(clips, musicnn):
    """Presets on clips, each once."""
    done = {}

    def render(preset: str, clip: str):
        if (preset, clip) not in done:
            auto = automated_preset(read_preset(preset))
            done[preset, clip] = auto(*load(clips / f"{clip}.ogg"))
        return done[preset, clip]

    render.clips = clips
    return render


@pytest.mark.parametrize(("preset", "clip", "seconds", "target", "least", "most"), EXPECTED)
def test_presets_automate_as_described(rendered, preset, clip, seconds, target, least, most):
    curve = rendered(preset, clip).curves[target]
    values = curve.values[(curve.times >= seconds[0]) & (curve.times < seconds[1])]
    assert least <= np.median(values) <= most
    assert np.percentile(values, 5) >= least - 0.05 * (most - least)
    assert np.percentile(values, 95) <= most + 0.05 * (most - least)


def test_the_drums_are_crunched_and_the_strings_are_not(rendered):
    drive = {
        clip: rendered("crunch-the-drums", clip).curves["crunch.drive_db"].values.mean()
        for clip in ("drum-loop", "classical-strings")
    }
    assert drive["drum-loop"] > 2.5 * drive["classical-strings"]


def test_the_pump_dips_with_the_drums(rendered):
    values = rendered("pump-on-onsets", "drum-loop").curves["pump.gain_db"].values
    assert values.min() < -8.5
    assert np.median(values) > -6


def test_the_phaser_sweeps_in_four_beats(rendered):
    result = rendered("phaser-in-time", "instrumental-metal")
    settled = result.curves["phaser.rate_hz"].values[-100:]
    beats = 4 * 60 * settled  # a minute
    assert np.ptp(beats) < 3
    assert result.curves["phaser.mix"].values[-1] > 0.2


@pytest.mark.parametrize(("name", "level_db"), [("late-night", -17), ("loudness-guard", -25)])
def test_noise_keeps_its_level_through_the_limiter(name, level_db):
    """Noise too loud for one preset and too quiet for the other."""
    noise = np.random.default_rng(0).standard_normal((2, 8 * 44100)).astype(np.float32)
    noise *= 10 ** (level_db / 20)
    out = automated_preset(read_preset(name))(noise, 44100)
    assert np.ptp(out.curves[next(iter(out.curves))].values[-100:]) == 0
    change = np.std(out.audio[:, -88200:]) / np.std(noise[:, -88200:])
    assert abs(20 * np.log10(change)) < 0.3


@pytest.mark.parametrize("name", sorted(shipped_presets()))
def test_presets_change_peak_levels_little(rendered, name):
    """None makes a recording more than 6 dB louder at its peaks, or silent."""
    for clip in ("radio-hour", "classical-strings"):
        source, _ = load(rendered.clips / f"{clip}.ogg")
        ratio = np.abs(rendered(name, clip).audio).max() / np.abs(source).max()
        assert 0.2 < ratio < 2
