"""Stems through a live board: what a recording gives, so much later, whatever the blocks."""

import numpy as np
import pytest
from boards import RATE, cut, tone
from helpers import music
from hypothesis import given, settings
from hypothesis import strategies as st
from mid_side import MidSide, MidSideStream, mid_side

import pyplugin
from pyplugin.automation.live_stems import StemAnalysis
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.sources import as_combined
from pyplugin.errors import PresetError

pedalboard = pytest.importorskip("pedalboard", reason="needs pedalboard")
LATENCY = 30000


def loudness_of(stem: str):
    return pyplugin.stem(stem).rms().range(-60, 0).scale(-24, 0).attack(0.01).release(0.05)


def board(model, **stems):
    """Its stems through a gain each, moved by a signal of the other and one of the whole."""
    return pyplugin.automate(
        pedalboard.Pedalboard([pedalboard.Reverb()]),
        {
            "gain.gain_db": loudness_of("side"),
            "reverb.wet_level": pyplugin.sources.rms().range(-40, 0).scale(0.4, 0),
        },
        stems={"mid": pedalboard.Pedalboard([pedalboard.Gain()]), **stems},
        stem_model=model,
    )


def test_it_is_the_rendering_of_a_recording_at_its_latency():
    x = np.concatenate([tone(30000), 4 * tone(26000)[:, 6000:], tone(20000)], axis=1)
    x[:, 41000] = np.nan
    auto = board(MidSide(LATENCY))
    want = auto(x, RATE, align=False)
    assert np.ptp(want.curves["gain.gain_db"].values) > 5
    assert np.ptp(want.curves["reverb.wet_level"].values) > 0.05

    @settings(max_examples=10, deadline=None)
    @given(sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=8))
    def whatever_the_blocks(sizes):
        with auto.stream(RATE, 2, max_block=9000) as stream:
            got = np.concatenate([stream.process(block) for block in cut(x, sizes)], axis=1)
            assert stream.delay == LATENCY
        assert got.shape == x.shape
        assert not got[:, :LATENCY].any()
        np.testing.assert_allclose(got[:, LATENCY:], want.audio[:, :-LATENCY], atol=2e-4)

    whatever_the_blocks()


def test_blocks_make_no_difference_at_all():
    x, auto = tone(60000), board(MidSide(LATENCY))
    found = []
    for sizes in ([4096], [1, 700, 8000]):
        with auto.stream(RATE, 2) as stream:
            found.append(np.concatenate([stream.process(part) for part in cut(x, sizes)], axis=1))
    np.testing.assert_array_equal(found[0], found[1])


def test_a_chain_that_delays_stays_in_line_with_the_others():
    """A limiter that never acts delays its stem; the other and the sum wait for it."""
    from pyplugin.automation.effects import effect_types

    limiter = effect_types()["brickwall_limiter"]()
    x = 0.05 * tone(60000)
    auto = pyplugin.automate(
        pedalboard.Pedalboard([]),
        {"gain.gain_db": pyplugin.curve([0.0], 1)},
        stems={
            "mid": pedalboard.Pedalboard([pedalboard.Gain()]),
            "side": pedalboard.Pedalboard([limiter]),
        },
        stem_model=MidSide(LATENCY),
    )
    with auto.stream(RATE, 2) as stream:
        got = np.concatenate([stream.process(block) for block in cut(x, [512])], axis=1)
        late = stream.delay
    assert late > LATENCY
    np.testing.assert_allclose(got[:, late:], x[:, :-late], atol=1e-4)


def test_what_was_lost_is_silence_and_the_rest_keeps_its_place():
    x, auto = tone(80000), board(MidSide(10000))
    holed = x.copy()
    holed[:, 40000:50000] = 0
    with auto.stream(RATE, 2) as stream:
        want = np.concatenate([stream.process(part) for part in cut(holed, [5000])], axis=1)
    with auto.stream(RATE, 2) as stream:
        first = [stream.process(part) for part in cut(x[:, :40000], [5000])]
        stream._analyse(np.zeros((2, 5000), np.float32))  # the node of a device goes on
        stream._analyse(np.zeros((2, 5000), np.float32))
        stream.skip(10000)
        rest = [stream.process(part) for part in cut(x[:, 50000:], [5000])]
    got = np.concatenate([*first, *rest], axis=1)
    np.testing.assert_allclose(got, np.delete(want, slice(40000, 50000), axis=1), atol=1e-6)


def test_signals_alone_need_no_effect_on_a_stem():
    auto = pyplugin.automate(
        pedalboard.Pedalboard([pedalboard.Gain()]),
        {"gain.gain_db": loudness_of("mid")},
        stem_model=MidSide(20000),
    )
    x = tone(60000)
    want = auto(x, RATE, align=False).audio
    with auto.stream(RATE, 2) as stream:
        assert stream.node is None  # nothing else is measured
        got = np.concatenate([stream.process(part) for part in cut(x, [3000])], axis=1)
    np.testing.assert_allclose(got[:, 20000:], want[:, :-20000], atol=1e-5)


def test_everything_is_closed():
    model = MidSide()
    board(model).stream(RATE, 2).close()
    assert model.streams[0].closed
    auto = board(model, nobody=pedalboard.Pedalboard([]))
    with pytest.raises(PresetError, match="no stem 'nobody'"):
        auto.stream(RATE, 2)


def test_the_analysis_returns_the_recording_with_its_stems():
    x = music(2, RATE, 2)
    with StemAnalysis(MidSide(1234), RATE, 2) as analysis:
        pairs = [analysis.process(part) for part in cut(x, [1000, 1, 0, 7777])]
        assert analysis.position == x.shape[1] - 1234
    mix = np.concatenate([pair[0] for pair in pairs], axis=1)
    stems = np.concatenate([pair[1] for pair in pairs], axis=2)
    np.testing.assert_array_equal(mix, x[:, :-1234])
    np.testing.assert_allclose(stems, mid_side(mix), atol=1e-7)


def test_a_mover_of_stems_that_are_not_there_is_refused():
    source = as_combined(pyplugin.stem("drums").rms())
    mover = Mover([AutomatedParameter.of_sources("a.b", source, [], RATE)])
    with (
        StemAnalysis(MidSide(), RATE, 2) as analysis,
        pytest.raises(PresetError, match="no stem 'drums'"),
    ):
        analysis.follow(mover)


def test_late_stems_are_counted():
    with StemAnalysis(MidSide(), RATE, 2) as analysis:
        assert analysis.late == 0
        assert isinstance(analysis._stream, MidSideStream)
        analysis._stream.late = 7
        assert analysis.late == 7
