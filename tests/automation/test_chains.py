"""Presets as chains and as movers: what maps where, and errors at their line."""

import numpy as np
import pytest
from preset_cases import GOOD

import pyplugin
from pyplugin.automation.chains import automated_preset, mover_of, ranges_of, sources_of
from pyplugin.automation.presets import parse_preset

RATE = 48000

TWO_EFFECTS = """
[preset]
name = "two"

[[effect]]
type = "gain"

[[effect]]
type = "reverb"

[[map]]
source = "tag.speech"
target = "gain.gain_db"
min = 0
max = -12
combine = "max"
attack = 0
release = 0

[[map]]
source = "signal.rms_db"
target = "reverb.wet_level"
low = -60
high = 0
min = 0.5
max = 0.1
attack = 0
release = 0

[[map]]
source = ["tag.singing", "tag.music"]
target = "gain.gain_db"
min = 3
max = 9
attack = 0
release = 0
"""


def test_the_maps_of_one_target_are_its_sources_in_order():
    sources = sources_of(parse_preset(TWO_EFFECTS))
    assert list(sources) == ["gain.gain_db", "reverb.wet_level"]
    names = [source.descriptors for source in sources["gain.gain_db"].sources]
    assert names == [("tag.speech",), ("tag.singing", "tag.music")]
    assert sources["gain.gain_db"].combine == "max"  # given with either map
    assert sources["reverb.wet_level"].combine == "sum"


def test_the_range_of_a_target_spans_all_its_maps():
    ranges = ranges_of(parse_preset(TWO_EFFECTS))
    assert ranges == {"gain.gain_db": (-12, 9), "reverb.wet_level": (0.1, 0.5)}


def test_the_mover_of_a_preset_gives_the_values_of_its_maps():
    names = ["tag.scene.speech", "tag.scene.singing", "tag.scene.music"]
    mover = mover_of(parse_preset(TWO_EFFECTS), names, RATE)
    assert [parameter.name for parameter in mover.parameters] == list(
        sources_of(parse_preset(TWO_EFFECTS))
    )
    levels = np.zeros(len(pyplugin.SIGNALS), np.float32)
    levels[list(pyplugin.SIGNALS).index("rms_db")] = -45
    mover.push("signal", 0, levels)
    mover.push("tag", 0, np.array([0.5, 0.25, 0.5], np.float32))
    assert mover.values(0) == pytest.approx([-6, 0.4])  # 6 below its min, against 4.5 above 3
    mover.push("tag", 1, np.array([0.25, 0.25, 0.5], np.float32))
    assert mover.values(1) == pytest.approx([7.5, 0.4])


# ---- errors at their line


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
