"""Boards in blocks: as pedalboard itself, without loss, delay or zipper noise."""

import numpy as np
import pedalboard
import pytest
from boards import EFFECTS, HOLDING_BACK, RATE, cut, late_branches, still, tone
from pedalboard import Chain, Gain, Mix, Pedalboard, PitchShift, Resample, Reverb
from scipy.signal import hilbert
from scipy.signal.windows import blackmanharris

import pyplugin
from pyplugin import automate, curve
from pyplugin.automation.effects import RESTARTING, parameters_of, range_of
from pyplugin.automation.movers import AutomatedParameter, CurvePath, Mover
from pyplugin.automation.playback import CurveRecorder, finite, stages_of


@pytest.mark.parametrize("kind", sorted(EFFECTS.keys() - HOLDING_BACK - {"mix", "late_mix"}))
def test_automation_equals_a_loop_over_64_samples(kind):
    """A loop over blocks of 64 is what pedalboard itself offers."""
    length = 6400
    x = tone(length)
    for name in parameters_of(EFFECTS[kind]()):
        effect, other = EFFECTS[kind](), EFFECTS[kind]()
        low, high = range_of(effect, name)
        now = getattr(effect, name)
        ends = max(low, now / 2 - 1), min(high, now * 1.5 + 1)
        values = np.linspace(*ends, length)
        board = Pedalboard([other])
        expected = []
        for at in range(0, length, 64):
            setattr(other, name, values[at])
            expected.append(board.process(x[:, at : at + 64], RATE, reset=at == 0))
        got = automate(Pedalboard([effect]), {f"it.{name}": values}, ids={"it": effect})(x, RATE)
        np.testing.assert_allclose(got.audio, np.concatenate(expected, axis=1), atol=1e-6)


@pytest.mark.parametrize("kind", sorted(EFFECTS.keys() - {"gsm", "invert", "mix", "late_mix"}))
def test_repeated_renderings_are_equal_and_of_exact_length(kind):
    x = tone(5000)
    for name in parameters_of(EFFECTS[kind]()):
        effect = EFFECTS[kind]()
        if (type(effect).__name__, name) in RESTARTING:
            continue
        low, high = range_of(effect, name)
        now = getattr(effect, name)
        ends = max(low, now / 2), min(high, now * 1.5 + 1)
        moved = {f"it.{name}": np.linspace(*ends, x.shape[1])}
        auto = automate(Pedalboard([effect]), moved, ids={"it": effect})
        y = auto(x, RATE).audio
        assert y.shape == x.shape
        assert np.isfinite(y).all()
        np.testing.assert_array_equal(auto(x, RATE).audio, y)  # no state of the first run is left


# ---- constant parameters sound as in pedalboard


@pytest.mark.parametrize("kind", sorted(EFFECTS))
@pytest.mark.parametrize("channels", [1, 2])
def test_constant_parameters_equal_pedalboard_at_exact_length(kind, channels):
    whole = tone(44100, channels)
    for length in (1, 2, 31, 511, 512, 513, 5000, 44100):
        x = whole[:, :length]
        padded = np.pad(x, ((0, 0), (0, 4096)))  # (2, 1) counts as (n, channels) otherwise
        own = late_branches() if kind == "late_mix" else [EFFECTS[kind]()]
        expected = sum(effect.process(padded, RATE)[:, :length] for effect in own)
        got = still(EFFECTS[kind]())(x, RATE).audio
        assert got.shape == x.shape
        np.testing.assert_allclose(got, expected, atol=1e-6)


def test_constant_parameters_of_vst3_equal_pedalboard(vst3, late_vst3):
    for path in (vst3, late_vst3):
        plugin = pedalboard.load_plugin(str(path))
        plugin.filter, plugin.cutoff, plugin.gain_db = True, 3000, -3
        for length in (2, 31, 511, 512, 513, 5000):
            x = tone(length)
            expected = plugin.process(np.pad(x, ((0, 0), (0, 1))), RATE)[:, :length]
            got = still(plugin)(x, RATE).audio
            assert got.shape == x.shape
            np.testing.assert_allclose(got, expected, atol=1e-6)
    assert np.abs(got).max() > 0.01


def test_a_board_that_was_used_before_is_reset():
    x, reverb = tone(9000), Reverb()
    auto = still(reverb)
    first = auto(x, RATE).audio
    reverb.process(tone(3000, 1), 22050, reset=False)
    auto.board[1].gain_db = -20  # a curve sets it to 0
    np.testing.assert_array_equal(auto(x, RATE).audio, first)
    np.testing.assert_array_equal(auto(x, RATE, block=100).audio, first)


def test_non_finite_samples_count_as_zero_and_are_reported():
    clean, broken = tone(9000), tone(9000)
    clean[:, 1000:1010] = 0
    broken[:, 1000:1010] = [[np.nan], [-np.inf]]
    expected = still(Reverb())(clean, RATE)
    out = still(Reverb())(broken, RATE)
    np.testing.assert_array_equal(out.audio, expected.audio)
    assert out.notes == ["20 samples were NaN or infinite and counted as 0."]
    assert np.isnan(broken[0, 1000])  # the caller's array is unchanged
    moved = automate(Pedalboard([Gain()]), {"gain.gain_db": pyplugin.sources.rms()})
    assert moved(broken, RATE).notes == out.notes
    with still(Reverb()).stream(RATE, 2) as stream:
        y = np.concatenate([stream.process(block) for block in cut(broken, [700])], axis=1)
    np.testing.assert_array_equal(y, expected.audio)


# ---- effects that delay the audio


@pytest.mark.parametrize("kind", ["late_vst3", "resample", "brickwall_limiter", "mp3_compressor"])
def test_effects_behind_a_delaying_one_are_automated_in_time(kind, request):
    if kind == "late_vst3":
        effect = pedalboard.load_plugin(str(request.getfixturevalue("late_vst3")))
    else:
        effect = EFFECTS[kind]()
    x = tone(20480)
    gain = Gain()
    values = np.repeat([0.0, -20.0, 0.0, -40.0, 0.0], 4096)
    out = automate(Pedalboard([effect, gain]), {"gain.gain_db": values})(x, RATE)
    expected = effect.process(x, RATE) * 10 ** (values / 20)
    np.testing.assert_allclose(out.audio, expected, atol=1e-6)


def test_pitch_follows_its_curve():
    t = np.arange(3 * RATE) / RATE
    x = (0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    semitones = np.interp(t, [0.5, 2.5], [0, 12])
    gain = np.interp(t, [1.4, 1.5], [0, -6])
    board = Pedalboard([Gain(), Chain([PitchShift()])])
    y = automate(board, {"pitch_shift.semitones": semitones, "gain.gain_db": gain})(x, RATE).audio
    assert y.shape == x.shape
    phase = np.unwrap(np.angle(hilbert(y)))
    for second in (0.25, 0.75, 1.25, 1.75, 2.25, 2.7):
        at, near = round(second * RATE), 1024
        hertz = (phase[at + near] - phase[at - near]) / (2 * near) * RATE / (2 * np.pi)
        assert 12 * np.log2(hertz / 440) == pytest.approx(semitones[at], abs=0.1)
        level = np.sqrt((y[at - near : at + near] ** 2).mean()) * np.sqrt(2) / 0.3
        assert 20 * np.log10(level) == pytest.approx(gain[at], abs=1.5)


def test_a_mix_with_a_delay_processes_at_once_and_is_not_automated():
    x, inner, behind = tone(9000), Gain(-6), Gain()
    board = Pedalboard([Mix([PitchShift(4), inner]), behind])
    values = np.repeat([0.0, -20.0, 0.0], [4096, 4096, 808])
    out = automate(board, {"behind.gain_db": values}, ids={"behind": behind})(x, RATE)
    branches = PitchShift(4).process(x, RATE) + Gain(-6).process(x, RATE)
    np.testing.assert_allclose(out.audio, branches * 10 ** (values / 20), atol=1e-6)
    with pytest.raises(pyplugin.PresetError, match="gain cannot be automated in a Mix"):
        automate(board, {"gain.gain_db": values})(x, RATE)


# ---- live


def test_a_stream_that_skips_first_begins_at_the_value_there():
    auto = automate(
        Pedalboard([Gain()]), {"gain.gain_db": pyplugin.sources.silence().scale(-20, -20)}
    )
    with auto.stream(RATE, 2) as stream:
        stream.skip(10)
        y = stream.process(np.ones((2, 200), np.float32))
    np.testing.assert_allclose(y, 0.1, rtol=1e-5)


@pytest.mark.parametrize("sizes", [[512], [1], [2, 2, 1], [64, 7, 300], [8192]])
@pytest.mark.parametrize("kind", ["resample", "brickwall_limiter", "late_vst3"])
def test_a_stream_with_a_delaying_effect_is_late_by_its_delay(kind, sizes, request):
    if kind == "late_vst3":
        effect = pedalboard.load_plugin(str(request.getfixturevalue("late_vst3")))
    else:
        effect = EFFECTS[kind]()
    x = tone(9000)
    expected = still(effect)(x, RATE).audio
    with still(effect).stream(RATE, 2) as stream:
        y = np.concatenate([stream.process(block) for block in cut(x, sizes)], axis=1)
        delay = stream.delay
    assert y.shape == x.shape
    assert delay > 50
    np.testing.assert_array_equal(y[:, :delay], 0)
    np.testing.assert_array_equal(y[:, delay:], expected[:, : 9000 - delay])


def test_blocks_of_a_wrong_shape_are_refused():
    with still(Reverb()).stream(RATE, 2, max_block=100) as stream:
        assert stream.process(np.zeros((2, 0), np.float32)).shape == (2, 0)
        for shape in ((2, 101), (1, 100), (100,)):
            with pytest.raises(pyplugin.AudioError, match=r"\(2, n\) with n up to 100"):
                stream.process(np.zeros(shape, np.float32))


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        (PitchShift(), "processes pitch_shift only in whole recordings"),
        (Chain([PitchShift()]), "processes pitch_shift only in whole recordings"),
        (Mix([Reverb(), Resample()]), "processes reverb beside resample only in whole recordings"),
    ],
)
def test_effects_for_whole_recordings_are_refused_live(effect, words):
    with pytest.raises(pyplugin.PresetError, match=words):
        still(effect).stream(RATE, 2)


# ---- steps


def beyond_the_carrier(y: np.ndarray) -> float:
    """The power more than 200 Hz from 1 kHz, in dB of the total."""
    power = np.abs(np.fft.rfft(y * blackmanharris(len(y)))) ** 2
    far = np.abs(np.fft.rfftfreq(len(y), 1 / RATE) - 1000) > 200
    return 10 * np.log10(power[far].sum() / power.sum())


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(lambda t: -6 + 6 * np.cos(2 * np.pi * t / 4), id="swell"),
        pytest.param(
            lambda t: -12 * np.where(t < 2, 1 - np.exp(-t / 0.05), np.exp(-(t - 2) / 0.5)),
            id="duck",
        ),
    ],
)
def test_a_moving_gain_leaves_no_zipper_noise(values):
    t = np.arange(4 * RATE) / RATE
    x = (0.5 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)
    drawn = values(t)
    auto = automate(Pedalboard([Gain()]), {"gain.gain_db": curve(drawn[::480], 100)})
    coarse, gain = [], Gain()
    for at in range(0, len(x), 512):
        gain.gain_db = drawn[at]
        coarse.append(gain.process(x[at : at + 512], RATE, reset=at == 0))
    assert beyond_the_carrier(x * 10 ** (drawn / 20)) < -80
    assert beyond_the_carrier(auto(x, RATE).audio) < -62
    assert beyond_the_carrier(np.concatenate(coarse)) > -62


# ---- curves


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 11025])
def test_curves_have_50_points_per_second_however_they_are_recorded(rate):
    ramp = curve([0.0, 30.0], 1 / 3)  # 10 per second
    length = 2 * rate + 1
    found = []
    for step in (length, 1000, 7):
        mover = Mover([AutomatedParameter("gain.gain_db", CurvePath("gain.gain_db", ramp, rate))])
        recorder = CurveRecorder(mover, rate)
        for until in [*range(step, length, step), length]:
            recorder.record(until)
        found.append(recorder.curves()["gain.gain_db"])
    for each in found:
        np.testing.assert_allclose(each.times, np.arange(101) / 50)
        np.testing.assert_allclose(each.values, 10 * each.times, atol=10 / rate)


def test_finite_replaces_only_what_is_not_finite():
    clean = tone(100)
    assert finite(clean) is clean
    broken = clean.copy()
    broken[0, [3, 5, 7]] = np.nan, np.inf, -np.inf
    expected = clean.copy()
    expected[0, [3, 5, 7]] = 0
    np.testing.assert_array_equal(finite(broken), expected)
    assert np.isnan(broken[0, 3])


def test_a_stage_ends_at_an_effect_that_delays_the_audio_or_needs_it_whole():
    first, late, inner, last = Gain(), Resample(8000), Gain(), Gain()
    shift = PitchShift(3)
    board = Pedalboard([first, Chain([late, Mix([inner])]), shift, last])
    stages = stages_of(board, RATE, 2, 512)
    assert [stage.effects for stage in stages] == [[first, late], [inner], [shift], [last]]
