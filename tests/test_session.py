"""Session: results reach outputs whole and in order, whatever the blocks."""

import numpy as np
import pytest
from frames import Kept
from helpers import music
from hypothesis import given, settings
from hypothesis import strategies as st
from mid_side import MidSide
from sharing import build_missing

import pyplugin
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.sources import as_combined
from pyplugin.inputs.input import Event
from pyplugin.inputs.recording import Recording
from pyplugin.models import registry
from pyplugin.node.node import descriptors_of
from pyplugin.session import Session

RATE = 16000


class Cut:
    """An input that delivers given blocks, then ends."""

    title, sample_rate, channels = "test", RATE, 1

    def __init__(self, blocks):
        self.blocks, self.closed, self.reported = iter(blocks), False, []

    def read(self, timeout):
        return next(self.blocks, None)

    def events(self):
        reported, self.reported = self.reported, []
        return reported

    def close(self):
        self.closed = True


def mover(rate: int, descriptors: list[str]) -> Mover:
    sources = {
        "room.wet_level": pyplugin.label("beat").scale(0, 1).attack(0.1).release(0.2),
        "gain.gain_db": pyplugin.sources.rms().range(-60, 0).scale(-60, 0).attack(0).release(0),
    }
    return Mover(
        [
            AutomatedParameter.of_sources(name, as_combined(source), descriptors, rate)
            for name, source in sources.items()
        ]
    )


def run(probe, samples: np.ndarray, cuts: list[int]) -> Kept:
    kept, input = Kept(), Cut(np.split(samples, cuts, axis=1))

    def make_node(rate, channels):
        options = {"model": probe.model, "offline": True, "signals": 0.016}
        return pyplugin.Node(rate, channels, 8192, **options)

    names = descriptors_of([probe.model])
    with Session(
        input, make_node, outputs=[kept], make_mover=lambda rate: mover(rate, names)
    ) as session:
        session.run()
    assert kept.closed
    assert input.closed
    return kept


@given(cuts=st.lists(st.integers(0, 2 * RATE), max_size=8).map(sorted))
@settings(max_examples=15, deadline=None)
def test_frames_and_parameters_are_the_same_for_any_blocks(probe, cuts):
    samples = music(2, RATE)
    expected, found = run(probe, samples, []), run(probe, samples, cuts)
    assert len(expected.frames) > 8
    assert found.frames == expected.frames


def test_outputs_receive_the_nodes_own_frames(probe):
    samples = music(2, RATE)
    kept = run(probe, samples, [])
    with pyplugin.Node(RATE, 1, 3 * RATE, model=probe.model, offline=True, signals=0.016) as node:
        last = np.zeros((1, node.latency.total), np.float32)  # brings out what is on its way
        frames = node.process(np.concatenate([samples, last], axis=1))
        measured = node.read_signals()
    assert [frame.end for frame in kept.frames] == pytest.approx(frames.end / RATE)
    assert [frame.time for frame in kept.frames] == pytest.approx(frames.emitted / RATE)
    assert [frame.state for frame in kept.frames] == list(frames.state)
    for frame, row in zip(kept.frames, frames.values, strict=True):
        assert list(frame.labels.values()) == pytest.approx(row)
        last = np.searchsorted(measured.emitted / RATE, frame.time, "right") - 1
        level = measured.values[last, list(pyplugin.SIGNALS).index("rms_db")]
        assert frame.signals["rms_db"] == pytest.approx(level)
        assert frame.parameters["gain.gain_db"] == pytest.approx(np.clip(level, -60, 0), abs=1e-4)


def test_without_a_model_a_frame_comes_each_hop():
    kept = Kept()
    with Session(
        Recording(music(1.9, RATE), RATE),
        lambda rate, channels: pyplugin.Node(rate, channels, 2 * RATE, model=None),
        outputs=[kept],
        hop=0.5,
    ) as session:
        session.run()
    assert [frame.time for frame in kept.frames] == pytest.approx([0.5, 1, 1.5], abs=0.017)
    assert all(
        frame.tags == {} and len(frame.signals) == len(pyplugin.SIGNALS) for frame in kept.frames
    )


def test_a_change_of_format_gets_a_new_node_and_events_are_passed_on(probe):
    """The time of the stream goes on, and the last results of the old node come out."""
    kept, events, nodes = Kept(), [], []
    blocks = [music(1, RATE), music(1, 2 * RATE, 2)]

    class Changing(Cut):
        def read(self, timeout):
            block = super().read(timeout)
            if block is not None and block.shape[0] == 2:
                self.sample_rate, self.channels = 2 * RATE, 2
                self.reported.append(Event("format", "2 channels at 32000 Hz."))
            return block

    def make_node(rate, channels):
        nodes.append((rate, channels))
        return pyplugin.Node(rate, channels, 2048, model=probe.model, hop=0.25, offline=True)

    with Session(Changing(blocks), make_node, outputs=[kept], on_event=events.append) as session:
        session.run()
    assert nodes == [(RATE, 1), (2 * RATE, 2)]
    assert [event.kind for event in events] == ["format"]
    ends = [frame.end for frame in kept.frames]
    assert np.all(np.diff(ends) > 0)
    assert np.all(np.diff(ends) <= 0.25 + 0.07)  # nothing is missing at the seam
    assert ends[-1] == pytest.approx(2, abs=0.3)


def test_levels_that_cannot_be_right_are_reported_once(probe):
    events = []

    def make_node(rate, channels):
        return pyplugin.Node(rate, channels, 2048, model=probe.model, hop=0.25, offline=True)

    loud = [1000 * music(1, RATE) for _ in range(25)]
    with Session(Cut(loud), make_node, on_event=events.append) as session:
        session.run()
    assert [event.kind for event in events] == ["note"]
    assert "times full scale" in events[0].message


def test_a_gap_moves_the_time_of_what_follows(probe):
    kept = Kept()

    class Broken(Cut):
        def read(self, timeout):
            block = super().read(timeout)
            if block is not None and self.first:
                self.reported.append(Event("gap", "3 s are missing.", 3 * RATE))
                self.first = False
            return block

    source = Broken([music(2, RATE), music(2, RATE)])
    source.first = False

    def make_node(rate, channels):
        return pyplugin.Node(rate, channels, 2048, model=probe.model, hop=0.25, offline=True)

    with Session(source, make_node, outputs=[kept]) as session:
        session.step()
        source.first = True
        session.run()
        assert session.seconds == pytest.approx(7, abs=0.3)
    ends = np.array([frame.end for frame in kept.frames])
    assert np.diff(ends).max() == pytest.approx(3.25, abs=0.1)


class Device(Cut):
    """A duplex device: its node analyses every block; some do not arrive, which it counts."""

    def __init__(self, node, blocks, lost):
        super().__init__(blocks)
        self.node, self.losses, self.counters, self.written = node, lost, {"lost": 0}, []

    def read(self, timeout):
        for block in self.blocks:
            self.node.analyse(block)
            if not self.losses.pop(0):
                return block
            self.counters["lost"] += block.shape[1]
        return None

    def write(self, block):
        self.written.append(block)


@pytest.mark.parametrize(
    "lost", [[1, 0, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0]], ids=["first", "second", "two"]
)
def test_the_effects_stay_at_their_place_where_a_device_loses_blocks(lost):
    """What is played is what it would be had nothing been lost, without the lost blocks."""
    pedalboard = pytest.importorskip("pedalboard", reason="needs pedalboard")
    blocks = np.split(np.repeat([1.0, 0.0, 1.0, 0.5], 1024)[np.newaxis].astype("f4"), 4, axis=1)
    level = pyplugin.sources.rms().range(-60, 0).scale(-60, 0).attack(0.05).release(0.1)
    auto = pyplugin.automate(pedalboard.Pedalboard([pedalboard.Gain()]), {"gain.gain_db": level})

    def played(lost):
        with pyplugin.Node(RATE, 1, 1024, signals=0.016, offline=True) as node:
            device = Device(node, blocks, list(lost))
            with Session(device, board=auto) as session:
                session.run()
        return device.written

    whole = played([0, 0, 0, 0])
    wanted = [block for block, gone in zip(whole, lost, strict=True) if not gone]
    np.testing.assert_array_equal(np.concatenate(played(lost), axis=1), np.hstack(wanted))
    assert len({float(block[0, -1]) for block in whole}) > 2  # the gain moves


def of_the_side() -> dict:
    return {"gain.gain_db": pyplugin.stem("side").rms().range(-60, 0).scale(-60, 0).attack(0.02)}


class Signals(Kept):
    """Keeps the parameters, too."""

    def __init__(self):
        super().__init__()
        self.values = []

    def write_parameters(self, seconds, parameters, signals):
        self.values.append(parameters["gain.gain_db"])


@pytest.mark.parametrize("size", [500, 16000])
def test_signals_of_stems_move_parameters_at_their_latency(size):
    """Those of a rendering, so much later, to the end of the input and with no board."""
    pedalboard = pytest.importorskip("pedalboard", reason="needs pedalboard")
    x, latency = music(3, RATE, 2), 8000
    auto = pyplugin.automate(
        pedalboard.Pedalboard([pedalboard.Gain()]), of_the_side(), stem_model=MidSide(latency)
    )
    curve = auto(x, RATE, align=False).curves["gain.gain_db"]
    kept, input = Signals(), Cut(np.split(x, range(size, 3 * RATE, size), axis=1))
    input.channels = 2

    def make_mover(rate):
        sources = {name: as_combined(source) for name, source in of_the_side().items()}
        of = AutomatedParameter.of_sources
        return Mover([of(name, each, [], rate) for name, each in sources.items()])

    with Session(
        input,
        lambda rate, channels: pyplugin.Node(rate, channels, 500, model=None, offline=True),
        outputs=[kept],
        make_mover=make_mover,
        stem_model=MidSide(latency),
    ) as session:
        session.run()
        assert session.stem_latency == latency
        model = session._own_stems.model
    assert model.streams[0].closed
    want = np.interp(np.arange(3 * RATE) / RATE, curve.times, curve.values)
    at = [max(n - latency, 0) for n in range(500, 3 * RATE + 1, 500)]
    np.testing.assert_allclose(kept.values[: len(at)], want[at], atol=1)
    assert np.ptp(kept.values) > 5
    assert kept.values[-1] == pytest.approx(want[-1], abs=1)


def test_a_mover_of_stems_without_a_model_is_refused():
    source = as_combined(pyplugin.stem("side").rms())
    with pytest.raises(pyplugin.PresetError, match="give stem_model"):
        Session(
            Cut([]),
            lambda rate, channels: pyplugin.Node(rate, channels, 500, model=None),
            make_mover=lambda rate: Mover([AutomatedParameter.of_sources("a.b", source, [], rate)]),
        )


def test_a_board_with_stems_plays_them_at_their_latency():
    pedalboard = pytest.importorskip("pedalboard", reason="needs pedalboard")
    x, latency = music(3, RATE, 2), 8000
    auto = pyplugin.automate(
        pedalboard.Pedalboard([]),
        of_the_side(),
        stems={"mid": pedalboard.Pedalboard([pedalboard.Gain()])},
        stem_model=MidSide(latency),
    )
    with pyplugin.Node(RATE, 2, 1024, signals=0.016, offline=True) as node:
        device = Device(node, np.split(x, range(1000, 3 * RATE, 1000), axis=1), [0] * 99)
        device.channels = 2
        with Session(device, board=auto) as session:
            session.run()
            assert session.stem_latency == latency
    got = np.concatenate(device.written, axis=1)
    want = auto(x, RATE, align=False).audio
    np.testing.assert_allclose(got[:, latency:], want[:, :-latency], atol=2e-4)


def test_labels_that_two_models_share_have_names_of_their_own(musicnn):
    """A label that an earlier model has stands behind its model's name."""
    build_missing("musicnn-msd")
    other, kept = registry.load("musicnn-msd"), Kept()
    shared = set(musicnn.card.labels) & set(other.card.labels)
    assert shared

    def make_node(rate, channels):
        return pyplugin.Node(rate, channels, 8192, model=[musicnn, other], hop=1.0)

    silence = [np.zeros((1, 8000), np.float32)] * 8
    with Session(Cut(silence), make_node, outputs=[kept]) as session:
        session.run()
    names = set(kept.frames[0].labels)
    assert len(names) == 100
    assert names == {*musicnn.card.labels, *other.card.labels} | {
        f"musicnn-msd {name}" for name in shared
    }
