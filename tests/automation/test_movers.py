"""Automation in time: closed forms, independence of blocks, real renderings."""

import numpy as np
import pytest
import soundfile
from helpers import Probe, music
from hypothesis import given
from hypothesis import strategies as st
from pedalboard import Gain, Pedalboard

import pyplugin
from pyplugin.automation.knobs import Knobs
from pyplugin.automation.movers import Automation
from pyplugin.automation.presets import Effect, Map, Preset, parse_preset
from pyplugin.automation.rendering import render
from pyplugin.automation.sources import Source

RATE = 48000


def made(**knobs) -> Automation:
    return Automation([Knobs(**{"attack": 0.0, "release": 0.0, **knobs})], RATE)


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


def preset(**knobs) -> Preset:
    knobs = {"min": -60.0, "max": 0.0, **knobs}
    item = Map(Source(("tag.beat",), Knobs(**knobs)), "gain.gain_db")
    return Preset("test", "", (Effect("gain", "gain"),), (item,))


def write(path, x: np.ndarray, rate: int = RATE) -> None:
    soundfile.write(path, x.T, rate, subtype="FLOAT")


def gains(source, output) -> np.ndarray:
    """The gain in dB that was applied to each sample of a constant signal."""
    x, _ = soundfile.read(source, dtype="float64")
    y, _ = soundfile.read(output, dtype="float64")
    assert x.shape == y.shape
    return 20 * np.log10(np.maximum(np.abs(y / x), 1e-6))


def test_the_gain_applied_is_the_curve_of_the_tags(probe: Probe, tmp_path):
    source, key, output = tmp_path / "in.wav", tmp_path / "key.wav", tmp_path / "out.wav"
    write(source, np.full((1, 3 * RATE), 0.5, np.float32))
    write(key, music(3, RATE))
    result = render(
        source, output, preset(attack=0.2, release=0.2), sidechain=key, model=probe.model, block=64
    )
    applied = gains(source, output)
    tags = pyplugin.tag(key, model=probe.model)
    # The curve from its definition: a one-pole towards each window's value from its middle on.
    level, expected = tags.activations[0, 2], []
    middles = tags.times + tags.window / 2 - 0.008  # a window is centred on its mel frames
    for position in np.arange(0, 3 * RATE, 64):
        # A rise is early by its attack: the maximum within that time.
        last = max(np.searchsorted(middles, position / RATE + 0.2, "right") - 1, 0)
        row = max(np.searchsorted(middles, position / RATE, "right") - 1, 0)
        expected.append(-60 + 60 * level)
        level += (tags.activations[row : last + 1, 2].max() - level) * (
            1 - np.exp(-64 / RATE / 0.2)
        )
    np.testing.assert_allclose(applied[::64][: len(expected)], expected, atol=0.25)
    assert np.ptp(expected) > 1
    curve = result.curves["gain.gain_db"]
    np.testing.assert_allclose(
        curve.values, applied[np.round(curve.times * RATE).astype(int)], atol=0.061
    )


@pytest.mark.parametrize("block", [1, 100, 512, 4096])
def test_output_is_as_long_as_the_input_for_any_block(probe, tmp_path, block):
    source, output = tmp_path / "in.wav", tmp_path / "out.wav"
    write(source, music(0.5 if block == 1 else 2.123, RATE, 2))
    result = render(source, output, preset(), model=probe.model, block=block)
    assert soundfile.info(output).frames == soundfile.info(source).frames
    assert result.duration == pytest.approx(soundfile.info(source).duration)
    assert soundfile.info(output).channels == 2


def test_an_effect_with_a_delay_of_its_own_keeps_the_length(probe, tmp_path):
    source, output = tmp_path / "in.wav", tmp_path / "out.wav"
    write(source, music(2, RATE))
    item = Map(Source(("tag.beat",), Knobs(min=2.0, max=3.0)), "pitch_shift.semitones")
    shifted = Preset("shift", "", (Effect("pitch_shift", "pitch_shift"),), (item,))
    render(source, output, shifted, model=probe.model, block=512)
    assert soundfile.info(output).frames == 2 * RATE


def test_curves_do_not_depend_on_the_block(probe, tmp_path):
    source = tmp_path / "in.wav"
    write(source, music(3, RATE))
    curves = []
    for block in (48, 96, 480):
        result = render(source, tmp_path / f"{block}.wav", preset(), model=probe.model, block=block)
        curves.append(result.curves["gain.gain_db"])
    for curve in curves[1:]:
        np.testing.assert_array_equal(curve.times, curves[0].times)
        np.testing.assert_array_equal(curve.values, curves[0].values)


def test_voices_duck_a_real_recording(clips, tmp_path):
    """radio-hour: speech 0-6 s, music 6-14 s, silence, then speech over music from 19.5 s on."""
    output = tmp_path / "out.wav"
    result = render(clips / "radio-hour.ogg", output, "duck-under-voice")
    curve = result.curves["bed.gain_db"]
    assert curve.values[(curve.times > 1) & (curve.times < 5)].max() < -11
    assert curve.values[(curve.times > 10) & (curve.times < 13.5)].min() > -1
    assert curve.values[(curve.times > 22) & (curve.times < 29)].max() < -10


def test_drums_open_the_filter_on_real_recordings(clips, tmp_path):
    middle = {}
    for name in ("drum-loop", "classical-strings"):
        result = render(clips / f"{name}.ogg", tmp_path / "o.wav", "open-with-drums")
        middle[name] = np.median(result.curves["filter.cutoff_hz"].values)
    assert middle["drum-loop"] > 10000
    assert middle["classical-strings"] < 1500


def test_a_failed_rendering_leaves_no_file(probe, tmp_path):
    source = tmp_path / "in.wav"
    write(source, music(1, RATE))
    wrong = parse_preset(
        '[preset]\nname = "x"\n[[effect]]\ntype = "gain"\n[[map]]\nsource = "tag.nothing"\n'
        'target = "gain.gain_db"\nmin = 0\nmax = 1\n'
    )
    with pytest.raises(pyplugin.PresetError, match=r"line 6.*tag\.nothing"):
        render(source, tmp_path / "out.wav", wrong, model=probe.model)
    with pytest.raises(pyplugin.AudioError, match="input"):
        render(source, source, preset(), model=probe.model)

    def stop(share: float) -> None:
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(source, tmp_path / "out.wav", preset(), model=probe.model, progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_signals_of_different_units_cannot_be_added(probe):
    for wrong in (
        pyplugin.sources.rms() + pyplugin.sources.onset(),
        pyplugin.sources.rms() + pyplugin.label("beat"),
    ):
        with pytest.raises(pyplugin.PresetError, match="cannot be added"):
            pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": wrong}, model=probe.model)
    both = pyplugin.sources.flux() + pyplugin.sources.percussive()
    pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": both})
