"""Several models in one node, and models exchanged while audio goes on."""

import threading

import numpy as np
import pytest
from helpers import music
from sharing import build_missing

import pyplugin
from pyplugin import Node, State
from pyplugin.node.node import Frames

NAMES = ["musicnn-mtt", "musicnn-msd", "vgg-mtt"]


@pytest.fixture(scope="module", autouse=True)
def models(musicnn):
    build_missing(*NAMES, "musicnn-mtt-p64")


def run(node: Node, x: np.ndarray, size: int = 512) -> Frames:
    parts = [node.process(x[:, at : at + size]) for at in range(0, x.shape[1], size)]
    names = ("start", "end", "emitted", "state", "values", "embeddings")
    return Frames(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def fresh(frames: Frames) -> np.ndarray:
    return frames.values[frames.state == State.FRESH]


def test_several_models_answer_as_each_alone():
    x = music(6, 22050)
    with Node(22050, 1, 512, model=NAMES, hop=0.5, embedding="penultimate") as node:
        together = run(node, x)
        assert node.runtime == "inline"
        assert len(node.descriptors) == together.values.shape[1] == 150
        assert node.descriptors[50].startswith("tag.musicnn-msd.")
        assert node.counters["late"] == 0
    for index, name in enumerate(NAMES):
        with Node(22050, 1, 512, model=name, hop=0.5) as node:
            alone = fresh(run(node, x))
        both = fresh(together)[:, 50 * index : 50 * index + 50]
        count = min(len(alone), len(both))
        assert count >= 4
        np.testing.assert_array_equal(both[:count], alone[:count])


def test_windows_of_different_lengths_end_together():
    x = music(6, 16000)
    with Node(16000, 1, 512, model=["musicnn-mtt", "musicnn-mtt-p64"], hop=0.4) as node:
        together = run(node, x)
        assert node.counters["late"] == 0
        patch = node.patch_frames
    assert patch == 187
    mel = pyplugin.melspectrogram(x, 16000)
    rows = together.state == State.FRESH
    with Node(16000, 1, 65536, model="musicnn-mtt-p64", hop=0.016) as node:
        every = fresh(run(node, x, 4096))  # the answer after each mel frame from the 64th on
    ends = (together.end[rows] - 256) // 256  # index of the last mel frame of a window
    ends = ends[ends - 63 < len(every)]
    assert len(ends) >= 5
    assert len(mel) >= ends[-1]
    np.testing.assert_array_equal(together.values[rows][: len(ends), 50:], every[ends - 63])


def test_a_swap_loses_no_frame_and_answers_as_the_new_model_alone():
    x = music(14, 16000)
    at = 5 * 16000
    with Node(16000, 1, 512, model="musicnn-mtt", hop=0.25) as node:
        old = run(node, x)
    with Node(16000, 1, 512, model="musicnn-mtt", hop=0.25) as node:
        latency = node.latency
        before = run(node, x[:, :at])
        node.swap("musicnn-msd")
        after = run(node, x[:, at:])
        assert node.latency == latency
        assert node.counters["swaps"] == 1
        assert node.counters["late"] == node.counters["held"] == 0
        assert node.descriptors[0].startswith("tag.musicnn-msd.")
    with Node(16000, 1, 512, model="musicnn-msd", hop=0.25, compute_latency=1.0) as node:
        new = run(node, x)
    np.testing.assert_array_equal(np.concatenate([before.emitted, after.emitted]), old.emitted)
    values = np.concatenate([before.values, after.values])
    ends = np.concatenate([before.end, after.end])
    rows_new = dict(zip(new.end, new.values, strict=True))
    is_old = (values == old.values).all(axis=1)
    known = np.array([end in rows_new for end in ends])
    is_new = [(v == rows_new[e]).all() for e, v in zip(ends[known], values[known], strict=True)]
    turn = int(np.argmin(is_old))
    assert is_old[:turn].all()
    assert all(is_new[turn:])
    assert known.sum() > turn + 15
    # It takes over with the first window that began after the swap.
    assert at + 3.0 * 16000 <= ends[turn] <= at + 3.6 * 16000


def test_swaps_while_audio_runs_on_another_thread():
    x = music(60, 16000)
    with Node(16000, 1, 512, model="musicnn-mtt", hop=0.25) as node:
        done = threading.Event()
        frames = []

        def play() -> None:
            frames.append(run(node, x))
            done.set()

        thread = threading.Thread(target=play)
        thread.start()
        turn = 0
        try:
            while not done.wait(0.05):
                node.swap(("musicnn-msd", "musicnn-mtt")[turn % 2])
                turn += 1
        finally:
            thread.join()
        counters = node.counters
    assert turn >= 2
    assert counters["swaps"] >= 1
    assert counters["late"] == counters["held"] == counters["failures"] == 0
    assert (np.diff(frames[0].emitted) == np.diff(frames[0].emitted)[0]).all()


def test_reset_after_a_swap_is_asked_for():
    x = music(5, 16000)
    with Node(16000, 1, 512, model="musicnn-mtt", hop=0.25) as node:
        node.process(x[:, :512])
        node.swap("musicnn-msd")
        node.process(x[:, :512])
        node.reset()
        values = fresh(run(node, x))
    with Node(16000, 1, 512, model="musicnn-msd", hop=0.25, compute_latency=0.5) as node:
        expected = fresh(run(node, x))
    np.testing.assert_array_equal(values[: len(expected)], expected[: len(values)])


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        ("musicnn-mtt-p64", {}, "window"),
        ("musicnn-mt", {}, "musicnn-mtt"),
        ("musicnn-msd", {"index": 1}, "no model 1"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_and_the_old_one_stays(model, options, words):
    with Node(16000, 1, 512, model="musicnn-mtt", hop=0.25) as node:
        with pytest.raises(pyplugin.PypluginError, match=words):
            node.swap(model, **options)
        assert node.models[0].card.name == "musicnn-mtt"


def test_a_node_with_a_worker_does_not_swap(probe):
    with (
        Node(16000, 1, 512, model=probe.model) as node,
        pytest.raises(pyplugin.PypluginError, match="inline"),
    ):
        node.swap("musicnn-mtt")


@pytest.mark.parametrize(
    ("models", "options", "words"),
    [
        ([], {}, "empty"),
        (["musicnn-mtt"] * 9, {}, "0 to 8"),
    ],
)
def test_models_that_do_not_go_together_are_refused(models, options, words):
    with pytest.raises(pyplugin.PypluginError, match=words):
        Node(16000, 1, 512, model=models, **options)


def test_a_float_model_runs_inline_beside_an_int8_one_and_in_its_place():
    x = music(8, 16000)
    options = {"hop": 0.4, "runtime": "inline"}
    with Node(16000, 1, 512, model="musicnn-mtt-float", **options) as node:
        alone = fresh(run(node, x))
    with Node(16000, 1, 512, model=["musicnn-mtt", "musicnn-mtt-float"], **options) as node:
        both = fresh(run(node, x))
        assert node.counters["late"] == 0
    count = min(len(alone), len(both))
    assert count >= 8
    np.testing.assert_array_equal(both[:count, 50:], alone[:count])
    with Node(16000, 1, 512, model="musicnn-mtt", **options) as node:
        node.swap("musicnn-mtt-float")
        found = fresh(run(node, x))
        assert node.counters["swaps"] == 1
    np.testing.assert_array_equal(found[-3:], alone[len(found) - 3 : len(found)])


def test_a_float_model_runs_on_its_thread_beside_an_int8_one():
    x = music(5, 16000)
    names = ["musicnn-mtt", "musicnn-mtt-float"]
    with Node(16000, 1, 4096, model=names, hop=0.4, offline=True) as node:
        found = fresh(run(node, x))
        assert node.counters["late"] == node.counters["held"] == 0
    assert len(found) >= 4
    np.testing.assert_allclose(found[:, :50], found[:, 50:], atol=0.1)
    assert np.abs(found[:, :50] - found[:, 50:]).mean() < 0.01
