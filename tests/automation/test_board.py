"""automate() on every kind of plugin: the audio follows the curves, for any block size."""

import tracemalloc
import warnings

import numpy as np
import pedalboard
import pytest
import soundfile
from helpers import Probe, music
from hypothesis import given, settings
from hypothesis import strategies as st
from pedalboard import Chain, Convolution, Gain, Mix, Pedalboard, PitchShift, Resample, Reverb
from scipy.signal import hilbert
from scipy.signal.windows import blackmanharris

import pyplugin
from pyplugin import automate, curve, label
from pyplugin.automation.board import AutomatedBoard
from pyplugin.automation.effects import effect_types, parameters_of, range_of
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.sources import as_combined

RATE = 48000
HOLDING_BACK = {"brickwall_limiter", "mp3_compressor", "resample", "pitch_shift", "gsm"}


def late_branches() -> list[pedalboard.Plugin]:
    return [Chain([Gain(-6), Resample(8000)]), pedalboard.Delay(0.01)]


MADE = {
    **effect_types(),
    "convolution": lambda: Convolution(
        np.hanning(700).astype(np.float32)[None], 0.8, sample_rate=RATE
    ),
    "gsm": pedalboard.GSMFullRateCompressor,
    "invert": pedalboard.Invert,
    "mix": lambda: Mix([Chain([Gain(-6), Reverb()]), pedalboard.Delay(0.01)]),
    "late_mix": lambda: Mix(late_branches()),
}
MADE["pitch_shift"] = lambda: PitchShift(3)


def tone(length: int, channels: int = 2) -> np.ndarray:
    """A signal without long silence or repetition, different in each channel."""
    return music(length / RATE + 1, RATE, channels, seed=3)[:, :length]


def gain_of(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.abs(np.asarray(y, np.float64) / x))


def still(effect) -> AutomatedBoard:
    """The effect on a board with one automated parameter, whose value is constant."""
    end = Gain(0)
    return automate(Pedalboard([effect, end]), {"end.gain_db": curve([0.0], 1)}, ids={"end": end})


# ---- the audio follows the curves


@pytest.mark.parametrize("built_in", [True, False])
def test_the_gain_applied_is_the_curve(built_in, request, probe: Probe):
    key, x = music(2, RATE), np.full((2, 2 * RATE), 0.25, np.float32)
    effect = Gain() if built_in else pedalboard.load_plugin(str(request.getfixturevalue("vst3")))
    name = "gain.gain_db" if built_in else "vst3_plugin.gain_db"
    moved = label("Loud Guitar").range(0.3, 0.7).scale(-40, 6).attack(0.02).release(0.1)
    auto = automate(Pedalboard([effect]), {name: moved}, model=probe.model)
    out = auto(x, RATE, sidechain=key)
    assert list(out.curves) == [name]
    assert out.audio.shape == x.shape
    points = out.curves[name]
    assert np.ptp(points.values) > 5
    at = np.round(points.times * RATE).astype(int)
    # A changing parameter is set every 64 samples, so it is less than 64 samples late.
    slope = 46 / (0.02 * RATE) * 64
    applied = gain_of(out.audio, x)
    np.testing.assert_allclose(applied[0, at], points.values, atol=slope)
    assert np.abs(applied[0, at] - points.values).mean() < 0.1
    np.testing.assert_array_equal(applied[0], applied[1])


def test_each_parameter_of_a_vst3_plugin_is_automated(vst3):
    plugin = pedalboard.load_plugin(str(vst3))
    length = RATE
    x = tone(length)
    half = np.repeat([0.0, 1.0], length // 2)
    auto = automate(
        Pedalboard([plugin]),
        {
            "strip.filter": half,
            "strip.cutoff": curve([200.0], 1),
            "strip.gain_db": -6 * half,
        },
        ids={"strip": plugin},
    )
    y = auto(x, RATE).audio
    np.testing.assert_allclose(y[:, : length // 2], x[:, : length // 2], atol=1e-6)
    pole, state = np.exp(-2 * np.pi * 200 / RATE), np.zeros(2)
    steps = np.array(plugin.parameters["cutoff"].valid_values)
    pole = np.exp(-2 * np.pi * steps[np.argmin(np.abs(steps - 200))] / RATE)
    expected = []
    for sample in x[:, length // 2 :].T.astype(np.float64):
        state = sample + pole * (state - sample)
        expected.append(10 ** (-6 / 20) * state)
    np.testing.assert_allclose(y[:, length // 2 :], np.transpose(expected), atol=1e-4)


def test_effects_in_nested_boards_are_automated():
    x = np.full((2, 4 * 4096), 0.5, np.float32)
    inner, deep = Gain(), Gain()
    board = Pedalboard([Chain([inner, Mix([Pedalboard([deep]), Chain([])])])])
    first, second = np.repeat([0.0, -6.0], 8192), np.repeat([0.0, -12.0, 0.0, -12.0], 4096)
    out = automate(board, {"gain.gain_db": first, "gain_2.gain_db": second})(x, RATE)
    expected = 10 ** (first / 20) * (1 + 10 ** (second / 20))
    np.testing.assert_allclose(out.audio / x, np.stack([expected] * 2), rtol=1e-5)


@pytest.mark.parametrize("kind", sorted(MADE.keys() - HOLDING_BACK - {"mix", "late_mix"}))
def test_automation_equals_a_loop_over_64_samples(kind):
    """A loop over blocks of 64 is what pedalboard itself offers."""
    length = 6400
    x = tone(length)
    for name in parameters_of(MADE[kind]()):
        effect, other = MADE[kind](), MADE[kind]()
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


@pytest.mark.parametrize("kind", sorted(MADE.keys() - {"gsm", "invert", "mix", "late_mix"}))
def test_repeated_renderings_are_equal_and_of_exact_length(kind):
    x = tone(5000)
    for name in parameters_of(MADE[kind]()):
        effect = MADE[kind]()
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


@pytest.mark.parametrize("kind", sorted(MADE))
@pytest.mark.parametrize("channels", [1, 2])
def test_constant_parameters_equal_pedalboard_at_exact_length(kind, channels):
    whole = tone(44100, channels)
    for length in (1, 2, 31, 511, 512, 513, 5000, 44100):
        x = whole[:, :length]
        padded = np.pad(x, ((0, 0), (0, 4096)))  # (2, 1) counts as (n, channels) otherwise
        own = late_branches() if kind == "late_mix" else [MADE[kind]()]
        expected = sum(effect.process(padded, RATE)[:, :length] for effect in own)
        got = still(MADE[kind]())(x, RATE).audio
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


def test_a_result_is_an_array_of_any_type():
    out = still(Gain(-6))(tone(100), RATE)
    assert np.shares_memory(np.asarray(out), out.audio)
    np.testing.assert_array_equal(np.asarray(out, np.float64), out.audio)
    copied = np.array(out)
    assert not np.shares_memory(copied, out.audio)
    np.testing.assert_array_equal(copied, out.audio)


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


def test_ten_minutes_of_signals_take_little_memory(tmp_path):
    """Descriptors are kept in arrays and converted in pieces."""
    file = tmp_path / "long.wav"
    rng = np.random.default_rng(0)
    soundfile.write(file, rng.uniform(-0.1, 0.1, 10 * 60 * 8000), 8000)
    auto = automate(Pedalboard([Gain()]), {"gain.gain_db": pyplugin.sources.rms()})
    auto(file, output=tmp_path / "out.wav")  # loads modules
    tracemalloc.start()
    auto(file, output=tmp_path / "out.wav")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12e6


@pytest.mark.parametrize("shape", [(700,), (1, 700), (2, 700), (5, 700), (2, 2), (1,), (3, 2)])
def test_arrays_keep_their_shape(shape):
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    moved = {"gain.gain_db": np.full(shape[-1], -6.0)}
    out = automate(Pedalboard([Gain()]), moved)(x, RATE)
    assert out.audio.shape == shape
    np.testing.assert_allclose(out.audio, x * 10 ** (-6 / 20), rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(out), out.audio)


# ---- effects that delay the audio


@pytest.mark.parametrize("kind", ["late_vst3", "resample", "brickwall_limiter", "mp3_compressor"])
def test_effects_behind_a_delaying_one_are_automated_in_time(kind, request):
    if kind == "late_vst3":
        effect = pedalboard.load_plugin(str(request.getfixturevalue("late_vst3")))
    else:
        effect = MADE[kind]()
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


def test_a_file_gets_the_samples_of_an_array(tmp_path):
    x = tone(30000)
    source, output = tmp_path / "in.wav", tmp_path / "out.wav"
    soundfile.write(source, x.T, RATE, subtype="FLOAT")
    board = Pedalboard([pedalboard.MP3Compressor(), PitchShift(2), Gain()])
    auto = automate(board, {"gain.gain_db": np.linspace(0, -12, 30000)})
    result = auto(source, output=output)
    assert result.audio is None
    written, _ = soundfile.read(output, dtype="float32")
    np.testing.assert_allclose(written.T, auto(x, RATE).audio, atol=1e-4)
    output.unlink()
    with pytest.raises(pyplugin.PresetError, match="29999 values and the recording 30000"):
        automate(board, {"gain.gain_db": np.zeros(29999)})(source, output=output)
    assert not output.exists()


# ---- live


def cut(x: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    parts, at, turn = [], 0, 0
    while at < x.shape[1]:
        parts.append(x[:, at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return parts


def test_a_stream_equals_a_recording_without_alignment(probe: Probe):
    """Labels with all knobs, and curves, on effects with long tails."""
    board = Pedalboard([pedalboard.LowpassFilter(), Chain([Reverb(), Gain()]), pedalboard.Delay()])
    moved = {
        "lowpass_filter.cutoff_frequency_hz": label("beat").scale(200, 9000, curve="log"),
        "reverb.wet_level": [
            label("Loud Guitar").range(0.2, 0.8).scale(0, 0.4).attack(0).release(0.03).hold(0.05),
            label("no vocals").above(0.45, hysteresis=0.1).scale(0, 0.3).delay(0.0213).invert(),
        ],
        "gain.gain_db": curve([0, -3, -3, -3, -3, -9, 2], 7.3),
        "delay.mix": curve([0.4], 1),
    }
    auto = automate(board, moved, model=probe.model, runtime="inline")
    x = np.concatenate([tone(30000), 4 * tone(26000)[:, 6000:], tone(20000)], axis=1)
    out = auto(x, RATE, align=False)
    spans = [float(np.ptp(each.values)) for each in out.curves.values()]
    assert spans[0] > 100
    assert spans[1] > 0.1
    assert spans[2] > 5
    wet = out.curves["reverb.wet_level"]
    assert wet.times[np.flatnonzero(np.diff(wet.values))[0]] > 0.3  # the first window has to fill

    @settings(max_examples=20, deadline=None)
    @given(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=12))
    def whatever_the_blocks(sizes):
        with auto.stream(RATE, 2) as stream:
            parts = [stream.process(block) for block in cut(x, sizes)]
            assert stream.delay == 0
        assert [part.shape for part in parts] == [part.shape for part in cut(x, sizes)]
        np.testing.assert_array_equal(np.concatenate(parts, axis=1), out.audio)

    whatever_the_blocks()


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
        effect = MADE[kind]()
    x = tone(9000)
    expected = still(effect)(x, RATE).audio
    with still(effect).stream(RATE, 2) as stream:
        y = np.concatenate([stream.process(block) for block in cut(x, sizes)], axis=1)
        delay = stream.delay
    assert y.shape == x.shape
    assert delay > 50
    np.testing.assert_array_equal(y[:, :delay], 0)
    np.testing.assert_array_equal(y[:, delay:], expected[:, : 9000 - delay])


def test_a_node_of_another_model_is_refused(probe: Probe, musicnn):
    moved = {"gain.gain_db": label("beat")}
    auto = automate(Pedalboard([Gain()]), moved, model=probe.model, runtime="inline")
    words = f"does not run .*: {probe.model.card.name}"
    with (
        pyplugin.Node(RATE, 2, 512, model=musicnn) as node,
        pytest.raises(pyplugin.PresetError, match=words),
    ):
        auto.stream(RATE, 2, node=node)


def test_a_stream_of_an_impossible_format_is_refused():
    auto = automate(Pedalboard([Gain()]), {"gain.gain_db": pyplugin.sources.rms()})
    for wrong in ((7000, 2), (44100.5, 2), ("a", 2), (RATE, 0), (RATE, 9)):
        with pytest.raises(pyplugin.AudioError, match="is expected"):
            auto.stream(*wrong)
    with pytest.raises(pyplugin.AudioError, match="block"):
        auto.stream(RATE, 2, max_block=0)
    with auto.stream(RATE, 2, max_block=100_000) as stream:
        assert stream.process(np.zeros((2, 100_000), np.float32)).shape == (2, 100_000)


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


# ---- messages


@pytest.mark.parametrize(
    ("given_curve", "words"),
    [
        (np.zeros(99), "99 values and the recording 100 samples"),
        (np.zeros(0), r"shape \(0,\); \(n,\) is expected"),
        (np.zeros((2, 100)), r"shape \(2, 100\)"),
        (np.r_[np.zeros(40), np.nan, np.zeros(59)], "not finite at index 40"),
        (np.r_[np.zeros(99), np.inf], "not finite at index 99"),
        (curve([], 10), r"shape \(0,\)"),
        (curve([0, np.nan], 10), "not finite at index 1"),
        (pyplugin.Curve(np.array([0.0, 1.0]), np.zeros(3)), r"\(2,\) and values of shape \(3,\)"),
        (pyplugin.Curve(np.array([1.0, 0.0]), np.zeros(2)), "decrease; sort"),
        ("loud", "mapped to a str"),
        ({"a": 1}, "mapped to a dict"),
        ([label("a"), 3], "an item of the list is not a source"),
        ([], r"shape \(0,\)"),
    ],
)
def test_an_invalid_curve_is_refused(given_curve, words):
    with pytest.raises(pyplugin.PresetError, match=words) as caught:
        automate(Pedalboard([Gain()]), {"gain.gain_db": given_curve})(np.zeros(100), RATE)
    assert "gain.gain_db" in str(caught.value)


def test_a_sidechain_of_samples_goes_with_a_file(tmp_path):
    file, x = tmp_path / "in.wav", tone(9000)
    soundfile.write(file, x.T, RATE, subtype="FLOAT")
    auto = automate(Pedalboard([Gain()]), {"gain.gain_db": pyplugin.sources.rms()})
    key = tone(4000, 1)
    expected = auto(x, RATE, sidechain=key).audio
    np.testing.assert_array_equal(auto(file, RATE, sidechain=key).audio, expected)
    with pytest.raises(pyplugin.AudioError, match="without its sample rate"):
        auto(file, sidechain=key)
    with pytest.raises(pyplugin.AudioError, match="own sample rate"):
        auto(file, RATE, sidechain=file)


@pytest.mark.parametrize("given", [True, None, 3.0, len, "vocal"])
def test_other_types_than_sources_and_curves_are_named(given):
    words = f"mapped to a {type(given).__name__}; a source"
    with pytest.raises(pyplugin.PresetError, match=words):
        automate(Pedalboard([Gain()]), {"gain.gain_db": given})


def test_other_wrong_arguments_are_refused(vst3):
    with pytest.raises(pyplugin.PresetError, match="board is a list; a Pedalboard"):
        automate([Gain()], {"gain.gain_db": pyplugin.sources.rms()})
    with pytest.raises(pyplugin.PresetError, match="threshold is True; a number"):
        pyplugin.sources.rms().above(True)
    board = Pedalboard([Gain()])
    good = {"gain.gain_db": np.zeros(100)}
    with pytest.raises(pyplugin.PresetError, match="Nothing is mapped"):
        automate(board, {})
    with pytest.raises(pyplugin.PresetError, match="rate of a curve is 0"):
        curve([1], 0)
    with pytest.raises(pyplugin.PresetError, match="block is 0"):
        automate(board, good)(np.zeros(100), RATE, block=0)
    with pytest.raises(pyplugin.AudioError, match="0 samples"):
        automate(board, {"gain.gain_db": curve([0], 1)})(np.zeros(0), RATE)
    plugin = pedalboard.load_plugin(str(vst3))
    with pytest.raises(pyplugin.PresetError, match="vst3_plugin does not process 1-channel audio"):
        still(plugin)(np.zeros(100), RATE)
    with pytest.raises(pyplugin.PresetError, match=r"mp3_compressor does not process .* 96000 Hz"):
        still(pedalboard.MP3Compressor())(np.zeros(100), 96000)


def test_a_curve_out_of_range_is_clamped_with_one_warning():
    reverb, x = Reverb(), tone(2000)
    auto = automate(Pedalboard([reverb]), {"reverb.wet_level": np.linspace(0, 3, 2000)})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert np.isfinite(auto(x, RATE).audio).all()
    assert [str(each.message)[:17] for each in caught] == ["reverb.wet_level "]
    assert reverb.wet_level == 1
