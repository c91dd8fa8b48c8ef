"""The analysis of a whole recording: the positions at which its descriptors take effect."""

import tracemalloc

import numpy as np
import pytest
import soundfile
from helpers import Probe, music
from pedalboard import Gain, Pedalboard

import pyplugin
from pyplugin import SIGNALS, Node, automate
from pyplugin.automation.analysis import Analysis, analyse
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.sources import Source, as_combined
from pyplugin.inputs.recording import BLOCK, Recording
from pyplugin.node.node import SignalFrames

RATE = 8000


def bursts(seconds: float) -> np.ndarray:
    """Noise whose level changes five times a second, (1, n) float32."""
    random = np.random.default_rng(5)
    levels = np.repeat(random.uniform(0.001, 0.3, round(5 * seconds)), RATE // 5)
    return (levels * random.uniform(-1, 1, len(levels)))[None].astype(np.float32)


def analysed(x: np.ndarray, source: Source) -> tuple[Analysis, AutomatedParameter]:
    parameter = AutomatedParameter.of_sources("gain.gain_db", as_combined(source), [], RATE)
    with Node(RATE, 1, BLOCK, model=None, offline=True) as node:
        analysis = analyse(node, Recording(x, RATE), [parameter], lambda share: None)
    return analysis, parameter


def measured(x: np.ndarray, name: str) -> tuple[SignalFrames, np.ndarray]:
    """The frames within a recording, and the values of one signal, from a node of their own."""
    with Node(RATE, 1, BLOCK, model=None, offline=True) as node:
        node.process(np.concatenate([x, np.zeros((1, RATE), np.float32)], axis=1))
        frames = node.read_signals()
    inside = (frames.start + frames.end) / 2 < x.shape[1]
    parts = (frames.start[inside], frames.end[inside], frames.emitted[inside])
    values = frames.values[inside]
    return SignalFrames(*parts, values), values[:, list(SIGNALS).index(name)].astype(np.float64)


def over_time(mover: Mover, length: int) -> np.ndarray:
    """The value of the only parameter at each sample."""
    return np.array([mover.values(position)[0] for position in range(length)])


def held(positions: np.ndarray, values: np.ndarray, length: int) -> np.ndarray:
    """Each value from its position on; before the first the first."""
    row = np.searchsorted(positions, np.arange(length), "right") - 1
    return values[np.maximum(row, 0)]


# ---- positions


@pytest.mark.parametrize("name", ["flux", "rms_db", "loudness_momentary"])
def test_a_result_takes_effect_at_the_middle_of_its_window(name):
    x, window = bursts(2), SIGNALS[name].window
    analysis, parameter = analysed(x, pyplugin.sources.signal(name).attack(0).release(0))
    frames, values = measured(x, name)
    middle = (frames.start + frames.end) / 2 if window == 0 else frames.end - window / 2 * RATE
    low, high = SIGNALS[name].low, SIGNALS[name].high
    positions = np.maximum(np.round(middle), 0)
    expected = np.clip((held(positions, values, x.shape[1]) - low) / (high - low), 0, 1)
    assert len(np.unique(expected)) > 20
    got = over_time(analysis.mover([parameter], RATE, align=True), x.shape[1])
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_without_alignment_a_result_takes_effect_where_a_live_node_emits_it():
    x = bursts(2)
    analysis, parameter = analysed(x, pyplugin.sources.rms().attack(0).release(0))
    frames, values = measured(x, "rms_db")
    first = frames.emitted[0]
    expected = np.clip(held(frames.emitted, values, x.shape[1]) / 60 + 1, 0, 1)
    got = over_time(analysis.mover([parameter], RATE, align=False), x.shape[1])
    assert first > 100
    np.testing.assert_allclose(got[first:], expected[first:], atol=1e-5)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("attack", [0.02, 0.3, 5.0])
def test_a_rise_begins_earlier_by_its_attack(attack, invert):
    """One pole towards the largest value within the next attack; a fall is at once."""
    x = bursts(2)
    length = x.shape[1]
    source = pyplugin.sources.flux().range(0, 1).attack(attack).release(0)
    analysis, parameter = analysed(x, source.invert() if invert else source)
    frames, values = measured(x, "flux")
    values = 1 - values if invert else values
    plain = held(np.round((frames.start + frames.end) / 2), values, length)
    lead = round(attack * RATE)
    target = [plain[at : at + lead + 1].max() for at in range(length)]
    expected, level, pole = [], target[0], np.exp(-1 / (attack * RATE))
    for goal in target:
        level = min(level, goal)
        expected.append(level)
        level = goal + (level - goal) * pole
    got = over_time(analysis.mover([parameter], RATE, align=True), length)
    np.testing.assert_allclose(got, expected, atol=2e-5)
    assert np.ptp(got) > 0.01


# ---- what is kept


def test_labels_and_their_times_are_those_of_tag(probe: Probe):
    x = music(2.3, 16000, 2)
    label = as_combined(pyplugin.label("beat"))
    with Node(16000, 2, BLOCK, model=probe.model, offline=True) as node:
        parameter = AutomatedParameter.of_sources("a.b", label, node.descriptors, 16000)
        analysis = analyse(node, Recording(x, 16000), [parameter], lambda share: None)
    tags = pyplugin.tag(x, 16000, model=probe.model)
    assert (analysis.window, analysis.hop) == (tags.window, tags.hop)
    within = analysis.times >= 0
    assert within.sum() == len(tags.times) > 8
    np.testing.assert_allclose(analysis.times[within], tags.times, atol=1e-9)
    np.testing.assert_array_equal(analysis.activations[within], tags.activations)


def test_the_share_analysed_rises_to_the_whole():
    shares = []
    parameter = AutomatedParameter.of_sources("a.b", as_combined(pyplugin.sources.rms()), [], RATE)
    recording = Recording(np.zeros((1, 5 * BLOCK // 2), np.float32), RATE)
    with Node(RATE, 1, BLOCK, model=None, offline=True) as node:
        analysis = analyse(node, recording, [parameter], shares.append)
    assert shares == pytest.approx([0.4, 0.8, 1])
    assert (len(analysis.times), analysis.window, analysis.hop) == (0, 0, 0)


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
