"""automate(): the audio follows the curves, offline and live."""

import warnings

import numpy as np
import pedalboard
import pytest
import soundfile
from boards import RATE, cut, still, tone
from helpers import Probe, music
from hypothesis import given, settings
from hypothesis import strategies as st
from pedalboard import Chain, Gain, Mix, Pedalboard, PitchShift, Reverb

import pyplugin
from pyplugin import automate, curve, label

# ---- the audio follows the curves


def gain_of(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 20 * np.log10(np.abs(np.asarray(y, np.float64) / x))


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


# ---- what goes in and comes out


def test_a_result_is_an_array_of_any_type():
    out = still(Gain(-6))(tone(100), RATE)
    assert np.shares_memory(np.asarray(out), out.audio)
    np.testing.assert_array_equal(np.asarray(out, np.float64), out.audio)
    copied = np.array(out)
    assert not np.shares_memory(copied, out.audio)
    np.testing.assert_array_equal(copied, out.audio)


@pytest.mark.parametrize("shape", [(700,), (1, 700), (2, 700), (5, 700), (2, 2), (1,), (3, 2)])
def test_arrays_keep_their_shape(shape):
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    moved = {"gain.gain_db": np.full(shape[-1], -6.0)}
    out = automate(Pedalboard([Gain()]), moved)(x, RATE)
    assert out.audio.shape == shape
    np.testing.assert_allclose(out.audio, x * 10 ** (-6 / 20), rtol=1e-6)
    np.testing.assert_array_equal(np.asarray(out), out.audio)


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


# ---- live


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
