"""The node's promises, with a model whose answers are known: one clock, any blocks, states."""

import threading
import time

import numpy as np
import pytest
from helpers import PATCH, Probe, music, with_patch
from hypothesis import given, settings
from hypothesis import strategies as st

import pyplugin
from pyplugin import Node, State
from pyplugin.models.heads import Dense, Head
from pyplugin.node.frontend import FrontEndStream
from pyplugin.node.node import Frames

RATES = [16000, 22050, 44100, 48000, 96000]


def run(node: Node, x: np.ndarray, sizes: list[int]) -> Frames:
    """What a node says about a signal that comes in blocks of these sizes, round and round."""
    parts, at, turn = [], 0, 0
    while at < x.shape[1]:
        size = sizes[turn % len(sizes)]
        parts.append(node.process(x[:, at : at + size]))
        at, turn = at + size, turn + 1
    names = ("start", "end", "emitted", "state", "values", "embeddings")
    return Frames(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def assert_same(a: Frames, b: Frames) -> None:
    for name in ("start", "end", "emitted", "state", "values", "embeddings"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def make(probe: Probe, rate: int = 16000, channels: int = 1, **options) -> Node:
    options = {
        "hop": 0.048,
        "offline": True,
        "embedding": "dense",
        "compute_latency": 0.1,
        **options,
    }
    return Node(rate, channels, 8192, model=probe.model, **options)


def test_answers_are_the_models_on_the_front_ends_mel(probe):
    x = music(2, 44100, 2)
    with make(probe, 44100, 2) as node:
        frames = run(node, x, [512])
        hop = node.hop_frames
    mel = pyplugin.melspectrogram(x, 44100)
    fresh = frames.state == State.FRESH
    count = int(fresh.sum())
    assert count > 20
    np.testing.assert_allclose(
        frames.values[fresh], probe.activations(mel)[::hop][:count], atol=1e-5
    )
    np.testing.assert_allclose(frames.embeddings[fresh], probe.dense(mel)[::hop][:count], atol=1e-4)


@pytest.mark.parametrize("rate", RATES)
def test_any_blocks_give_the_same_frames_bit_for_bit(probe, rate):
    x = music(1.2, rate, 2)
    random = np.random.default_rng(rate)
    partitions = [[1], [17], [64], [441], [512], [8192]]
    partitions += [list(random.integers(1, 3000, 50)) for _ in range(3)]
    with make(probe, rate, 2) as node:
        expected = run(node, x, [4096])
        for sizes in partitions:
            node.reset()
            assert_same(run(node, x, sizes), expected)


@settings(max_examples=25, deadline=None)
@given(
    rate=st.integers(8000, 192000),
    hop=st.floats(0.016, PATCH * 0.016),
    latency=st.floats(0, 0.5),
)
def test_one_clock(probe, rate, hop, latency):
    x = music(1.0, rate)
    with make(probe, rate, hop=hop, compute_latency=latency) as node:
        frames = run(node, x, [1000])
        assert (
            node.latency.total
            == node.latency.resampler + node.latency.frontend + node.latency.compute
        )
        assert node.latency.compute == pytest.approx(latency * rate, abs=1)
        np.testing.assert_array_equal(frames.emitted - frames.end, node.latency.total)
        assert (frames.emitted <= x.shape[1]).all()
        # A window ends with its last mel frame: half a frame, 256 samples, past its centre.
        ends = (node.hop_frames * np.arange(len(frames)) + (PATCH - 1) % node.hop_frames + 1) * 256
        np.testing.assert_allclose(frames.end, ends * rate / 16000, atol=rate / 16000 + 1)
        fresh = frames.state == State.FRESH
        np.testing.assert_array_equal(fresh, ends >= PATCH * 256)
        starts = ends - (PATCH + 1) * 256
        np.testing.assert_allclose(
            frames.start, np.maximum(starts * rate / 16000, 0), atol=rate / 16000 + 1
        )


@pytest.mark.parametrize("rate", [16000, 44100, 96000])
def test_a_frame_is_readable_at_the_position_it_says(probe, rate):
    x = music(1.0, rate)
    with make(probe, rate) as node:
        for sample in range(0, x.shape[1], 7):
            frames = node.process(x[:, sample : sample + 7])
            for emitted in frames.emitted:
                assert sample < emitted <= sample + 7


def test_a_step_is_seen_after_the_latency_that_is_reported(probe):
    # Silence, then sound from sample `onset` on: no window that ends before it may have changed.
    rate, onset = 48000, 30011
    x = music(1.5, rate)
    x[:, :onset] = 0
    with make(probe, rate, hop=0.016) as node:
        analysed = run(node, x, [64])
        node.reset()
        silent = run(node, np.zeros_like(x), [64])
        reach = node.latency.resampler
    changed = np.flatnonzero((analysed.values != silent.values).any(axis=1))
    assert analysed.end[changed[0]] > onset - reach
    assert analysed.end[changed[0] - 1] <= onset + 0.016 * rate
    assert analysed.end[changed[0]] <= onset + 2 * 0.016 * rate


def test_live_results_equal_offline_results_when_they_come_in_time(probe):
    x = music(2, 16000)
    with make(probe) as node:
        expected = run(node, x, [256])
    with make(probe, offline=False) as node:
        parts = []
        for at in range(0, x.shape[1], 256):
            parts.append(node.process(x[:, at : at + 256]))
            time.sleep(0.004)
        live = np.concatenate([part.values for part in parts])
        state = np.concatenate([part.state for part in parts])
    same = state == State.FRESH
    assert same.sum() >= 0.5 * (expected.state == State.FRESH).sum()
    np.testing.assert_array_equal(live[same], expected.values[: len(live)][same])


def test_a_late_result_is_held_and_counted(probe):
    x = music(2, 16000)
    with make(probe, offline=False, compute_latency=0) as node:
        frames = run(node, x, [8192])
        counters = node.counters
    full = frames.state != State.WARMING
    held = int((frames.state == State.HELD).sum())
    assert held > 0  # the worker cannot have answered within the same block
    assert counters["held"] == held
    assert counters["fresh"] + counters["held"] == full.sum()
    rows = np.flatnonzero(frames.state == State.HELD)
    for row in rows:
        np.testing.assert_array_equal(frames.values[row], frames.values[row - 1])


def test_warming_frames_are_silent(probe):
    with make(probe) as node:
        frames = run(node, music(1, 16000), [512])
    warming = frames.state == State.WARMING
    assert warming.sum() == (PATCH - 1) // 3  # ticks of 3 mel frames before the first full window
    assert not frames.values[warming].any()
    assert (frames.start[warming] == 0).all()


def test_nan_and_infinite_samples_are_counted(probe):
    x = music(1, 16000, 2)
    clean = x.copy()
    x[0, 5000], x[1, 6000:6003] = np.nan, np.inf
    clean[0, 5000], clean[1, 6000:6003] = 0, 0
    with make(probe, channels=2) as node:
        broken = run(node, x, [100])
        assert node.counters["replaced"] == 4
        node.reset()
        assert node.counters["replaced"] == 0
        assert_same(broken, run(node, clean, [100]))


def test_unread_frames_are_dropped_oldest_first_and_counted(probe):
    x = music(3, 16000)
    with make(probe, queue=4, hop=0.016) as node:
        all_frames = run(node, x, [64])
        node.reset()
        # One large block brings more frames than the queue holds.
        frames = node.process(x[:, :8192])
        assert len(frames) == 4
        brought = int((all_frames.emitted <= 8192).sum())
        assert node.counters["dropped"] == brought - 4
        np.testing.assert_array_equal(frames.emitted, all_frames.emitted[brought - 4 : brought])


def test_reset_equals_a_new_node(probe):
    x = music(1.5, 22050)
    with make(probe, 22050) as node:
        first = run(node, x, [300])
        node.process(x[:, :5000])
        node.reset()
        assert node.counters["position"] == 0
        assert_same(run(node, x, [300]), first)


def test_offline_waits_for_models_of_any_speed(musicnn):
    x = music(5, 16000)
    with Node(16000, 1, 80000, model=musicnn, hop=1.0, offline=True, compute_latency=0.5) as node:
        frames = node.process(x)
        assert node.counters["held"] == node.counters["overruns"] == 0
    assert (frames.state == State.FRESH).sum() == 2


def test_the_interpreter_lock_is_released_while_c_works(musicnn):
    x = music(20, 16000)
    ticks, done = 0, threading.Event()

    def count() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    with Node(16000, 1, x.shape[1], model=musicnn, hop=0.5, offline=True) as node:
        counter.start()
        began = time.perf_counter()
        node.process(x)
        took = time.perf_counter() - began
        done.set()
        counter.join()
    assert ticks > 0.1 * took / 0.001


def test_many_nodes_at_once(probe):
    x = music(0.6, 16000)
    nodes = [make(probe) for _ in range(32)]
    expected = run(nodes[0], x, [500])
    for node in nodes[1:]:
        assert_same(run(node, x, [500]), expected)
    for node in nodes:
        node.close()


def test_names_of_descriptors_are_addresses(probe):
    with make(probe) as node:
        assert node.descriptors == [
            "tag.probe.loud-guitar",
            "tag.probe.no-vocals",
            "tag.probe.beat",
        ]
        assert node.labels == ["Loud Guitar", "no vocals", "beat"]
        assert node.hop == pytest.approx(0.048)


def test_an_empty_block_is_fine(probe):
    with make(probe) as node:
        frames = node.process(np.zeros((1, 0), np.float32))
    assert len(frames) == 0
    assert frames.values.shape == (0, 3)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (np.zeros((1, 100)), "float64"),
        (np.zeros(100, np.float32), r"\(100,\)"),
        (np.zeros((2, 100), np.float32), r"\(1, n\)"),
        (np.zeros((1, 8193), np.float32), "8192"),
        ([[0.0]], "list"),
    ],
)
def test_a_wrong_block_is_refused(probe, block, words):
    with make(probe) as node, pytest.raises(pyplugin.AudioError, match=words):
        node.process(block)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 7999}, "8000"),
        ({"rate": 200000}, "192000"),
        ({"channels": 0}, "channels"),
        ({"channels": 9}, "channels"),
        ({"hop": 0.0}, "hop"),
        ({"hop": -1.0}, "hop"),
        ({"hop": 601.0}, "at most 600 s"),
        ({"hop": float("nan")}, "hop"),
        ({"compute_latency": -0.1}, "latency"),
        ({"compute_latency": 61.0}, "latency"),
        ({"queue": 1}, "queue"),
        ({"embedding": "penultimate"}, "dense"),
        ({"runtime": "torch"}, "litert"),
    ],
)
def test_a_wrong_setting_is_refused(probe, options, words):
    with pytest.raises(pyplugin.PypluginError, match=words):
        make(probe, **options)


@pytest.mark.parametrize("max_block", [0, -1, 1 << 21, 512.0])
def test_a_wrong_max_block_is_refused(probe, max_block):
    with pytest.raises(pyplugin.AudioError, match="max_block"):
        Node(16000, 1, max_block, model=probe.model)


def test_a_closed_node_says_so(probe):
    node = make(probe)
    node.close()
    node.close()
    for call in (
        lambda: node.process(np.zeros((1, 1), np.float32)),
        node.reset,
        lambda: node.counters,
    ):
        with pytest.raises(pyplugin.PypluginError, match="closed"):
            call()


def test_a_damaged_model_is_refused(probe):
    from dataclasses import replace

    broken = replace(probe.model, data=probe.model.data[:1000])
    with pytest.raises(pyplugin.ModelError):
        Node(16000, 1, 512, model=broken)
    wrong = replace(probe.model, card=with_patch(probe.model.card, 21))
    with pytest.raises(pyplugin.ModelError, match="21"):
        Node(16000, 1, 512, model=wrong)


@pytest.mark.parametrize("rate", [16000, 44100])
def test_the_mel_frames_kept_are_those_of_the_model(probe, rate):
    samples = music(1, rate, 2)
    with FrontEndStream(probe.model.card.front_end, rate, 2) as stream:
        expected = stream.process(samples)
    with Node(rate, 2, 4096, model=probe.model, mel_queue=1000) as node:
        parts = []
        for start in range(0, rate, 1234):
            node.analyse(np.ascontiguousarray(samples[:, start : start + 1234]))
            parts.append(node.read_mel())
        np.testing.assert_array_equal(np.concatenate(parts), expected)
        assert node.mel_seconds == 0.016
        node.analyse(np.ascontiguousarray(samples[:, :4096]))
        node.reset()
        assert len(node.read_mel()) == 0


def test_the_newest_mel_frames_are_kept_and_none_unless_asked():
    samples = music(1, 16000)
    with (
        Node(16000, 1, 16000, model=None, mel_queue=10) as few,
        Node(16000, 1, 16000, model=None, mel_queue=100) as all_of_them,
        Node(16000, 1, 16000, model=None) as none,
    ):
        for node in (few, all_of_them, none):
            node.analyse(samples)
        np.testing.assert_array_equal(few.read_mel(), all_of_them.read_mel()[-10:])
        assert len(none.read_mel()) == 0
    with pytest.raises(pyplugin.PypluginError, match="mel_queue is -1"):
        Node(16000, 1, 16000, model=None, mel_queue=-1)


def test_a_head_of_another_model_is_refused_with_the_models_that_there_are(probe):
    head = Head("mood", ("a",), "musicnn-mtt", "dense", 2, True, (Dense([[1.0, 1.0]], [0.0]),))
    for models, have in (([probe.model], probe.model.card.name), (None, "no model")):
        with pytest.raises(pyplugin.ModelError, match=f"the node has {have}: give it"):
            pyplugin.Node(16000, 1, 512, model=models, heads=[head])
