"""Silence before a stream: a model that learnt onsets answers from the first hop on."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import music
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import pyplugin
from pyplugin import Node, State, label
from pyplugin.models import registry
from pyplugin.models.heads import Dense, Head
from pyplugin.models.structs import card_struct
from pyplugin.node import runtimes
from pyplugin.node.node import Frames
from pyplugin.node.runtimes import open_model

RATE, MEL_HOP = 16000, 256
RUNTIMES = [
    "inline",
    *(
        name
        for name, version in runtimes.installed().items()
        if version is not None and name != "onnxruntime"  # which runs .onnx files only
    ),
]
SCENE = registry.load("scene")
PATCH = SCENE.card.patch_frames


def make(rate: int = RATE, **options) -> Node:
    options = {"hop": 0.096, "offline": True, "embedding": "embedding", **options}
    return Node(rate, 1, 8192, model=SCENE, **options)


def run(node: Node, x: np.ndarray, sizes: tuple[int, ...] = (4096,)) -> Frames:
    """What a node says of a signal in blocks of these sizes, round and round, and never late."""
    parts, at, turn = [], 0, 0
    while at < x.shape[1]:
        parts.append(node.process(x[:, at : at + sizes[turn % len(sizes)]]))
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    counters = node.counters
    assert counters["late"] == counters["held"] == counters["failures"] == 0
    names = ("start", "end", "emitted", "state", "values", "embeddings")
    return Frames(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def assert_same(a: Frames, b: Frames) -> None:
    for name in ("start", "end", "emitted", "state", "values", "embeddings"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


@settings(max_examples=15, deadline=None)
@given(
    hop=st.integers(1, PATCH),
    sizes=st.lists(st.integers(1, 8192), min_size=1).map(tuple),
    onset=st.integers(0, RATE),
)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_it_is_as_if_digital_silence_had_been_analysed(runtime, hop, sizes, onset):
    x = music(2.5, RATE)
    x[:, :onset] = 0
    ticks = PATCH // hop + 1  # so long that all windows begin within it, and both grids agree
    silence = np.zeros((1, ticks * hop * MEL_HOP), np.float32)
    options = {"hop": hop * MEL_HOP / RATE, "runtime": runtime}
    with make(**options) as node:
        frames = run(node, x, sizes)
    with make(**options, whole_windows=True) as node:
        whole = run(node, np.concatenate([silence, x], axis=1))
    assert len(frames) == len(whole) - ticks
    assert (frames.state == State.FRESH).all()
    np.testing.assert_array_equal(frames.values, whole.values[ticks:])
    np.testing.assert_array_equal(frames.embeddings, whole.embeddings[ticks:])
    np.testing.assert_array_equal(frames.emitted, whole.emitted[ticks:] - silence.shape[1])
    np.testing.assert_array_equal(
        frames.start, np.maximum(whole.start[ticks:] - silence.shape[1], 0)
    )


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_windows_are_silent_mel_frames_and_then_those_of_the_stream(runtime, rate):
    x = music(2.6, rate)
    front_end = SCENE.card.front_end
    silent = pyplugin.melspectrogram(np.zeros((1, RATE), np.float32), RATE, front_end)[:1]
    mel = np.concatenate([np.repeat(silent, PATCH, 0), pyplugin.melspectrogram(x, rate, front_end)])
    with make(rate, runtime=runtime) as node:
        frames, hop = run(node, x), node.hop_frames
    opened = open_model(SCENE, card_struct(SCENE.card), runtime)
    sizes = [output.size for output in SCENE.card.outputs]
    ends = (PATCH - 1) % hop + 1 + hop * np.arange(len(frames))
    assert len(ends) > PATCH // hop + 2
    for row, end in enumerate(ends):
        values, _, embedding = opened.run(np.ascontiguousarray(mel[end : end + PATCH]), sizes)
        np.testing.assert_array_equal(frames.values[row], values)
        np.testing.assert_array_equal(frames.embeddings[row], embedding)
    opened.close()
    assert (frames.state == State.FRESH).all()


@pytest.mark.parametrize("rate", [RATE, 44100])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_blocks_and_what_was_before_a_reset_change_nothing(runtime, rate):
    x = music(1.5, rate)
    with make(rate, runtime=runtime) as node:
        expected = run(node, x)
        for sizes in ((1,), (17,), (441,), (8192,), (3, 5000, 1, 77)):
            node.process(-x[:, : 3000 + sizes[0] % 977])
            node.reset()
            assert_same(run(node, x, sizes), expected)


def test_the_runtimes_agree():
    x = music(1.5, 44100)
    answers = []
    for runtime in RUNTIMES:
        with make(44100, runtime=runtime, compute_latency=0.25) as node:
            answers.append(run(node, x))
    for other in answers[1:]:
        np.testing.assert_array_equal(other.emitted, answers[0].emitted)
        np.testing.assert_allclose(other.values, answers[0].values, atol=1e-4)


def test_a_sound_at_the_beginning_is_detected_within_a_second():
    noise = np.random.default_rng(0).normal(0, 0.1, (1, 2 * RATE)).astype(np.float32)
    with make() as node:
        frames = run(node, noise)
    detected = frames.values[:, SCENE.card.labels.index("noise")] > 0.5
    assert frames.emitted[np.argmax(detected)] <= RATE
    assert detected.any()


def test_a_card_that_does_not_say_so_begins_with_a_whole_window():
    x = music(2.5, RATE)
    plain = replace(SCENE, card=structs.replace(SCENE.card, silence_before=False))
    with make(whole_windows=True) as node:
        whole = run(node, x)
        assert node.first_frames == PATCH
    with Node(RATE, 1, 8192, model=plain, hop=0.096, embedding="embedding") as node:
        assert_same(run(node, x), whole)
        assert node.first_frames == PATCH
    assert (whole.state == State.WARMING).sum() == (PATCH - 1) // 6


@pytest.fixture
def longer(musicnn):
    """A model with scene's front-end and longer windows."""
    return replace(musicnn, card=structs.replace(musicnn.card, inference=SCENE.card.inference))


def test_beside_a_model_that_wants_a_whole_window_it_waits(longer):
    x = music(4, RATE)
    with Node(RATE, 1, 8192, model=[SCENE, longer], hop=0.096) as node:
        frames, frames_needed = run(node, x), node.first_frames
    assert frames_needed == longer.card.patch_frames
    ends = (frames.end - 256) // MEL_HOP + 1  # mel frames
    np.testing.assert_array_equal(frames.state == State.FRESH, ends >= frames_needed)
    mel = pyplugin.melspectrogram(x, RATE, SCENE.card.front_end)
    opened = [open_model(each, card_struct(each.card), "inline") for each in (SCENE, longer)]
    for end, row in zip(ends, frames.values, strict=True):
        if end < frames_needed:
            continue
        expected = [
            each.run(
                np.ascontiguousarray(mel[end - model.card.patch_frames : end]),
                [output.size for output in model.card.outputs],
            )[0]
            for each, model in zip(opened, (SCENE, longer), strict=True)
        ]
        np.testing.assert_array_equal(row, np.concatenate(expected))
    for each in opened:
        each.close()


@pytest.mark.parametrize("hop", [1, 7, PATCH])
def test_windows_of_unlike_length_begin_each_with_their_own_silence(longer, hop):
    models = [replace(longer, card=structs.replace(longer.card, silence_before=True)), SCENE]
    x = music(3.5, RATE)
    with Node(RATE, 1, 8192, model=models, hop=hop * MEL_HOP / RATE) as node:
        frames, longest, first = run(node, x), node.patch_frames, node.first_frames
    assert first == (longest - 1) % hop + 1
    assert (frames.state == State.FRESH).all()
    end = SCENE.card.front_end
    silent = pyplugin.melspectrogram(np.zeros((1, RATE), np.float32), RATE, end)[:1]
    mel = np.concatenate([np.repeat(silent, longest, 0), pyplugin.melspectrogram(x, RATE, end)])
    column = 0
    for model in models:
        opened = open_model(model, card_struct(model.card), "inline")
        sizes = [output.size for output in model.card.outputs]
        columns = slice(column, column + sizes[0])
        for row in range(0, len(frames), 1 + len(frames) // 20):
            last = longest + first + hop * row
            patch = np.ascontiguousarray(mel[last - model.card.patch_frames : last])
            expected = opened.run(patch, sizes)[0]
            np.testing.assert_array_equal(frames.values[row, columns], expected)
        opened.close()
        column += sizes[0]


def test_tag_uses_whole_windows():
    x = music(3, RATE)
    result = pyplugin.tag(x, RATE, model=SCENE, hop=0.096)
    with make(whole_windows=True) as node:
        whole = run(node, np.pad(x, ((0, 0), (0, RATE))))
    count = (x.shape[1] // MEL_HOP + 1 - PATCH) // 6 + 1
    np.testing.assert_array_equal(
        result.activations, whole.values[whole.state == State.FRESH][:count]
    )
    np.testing.assert_allclose(result.times, 0.096 * np.arange(count))


def board(**options):
    from pedalboard import Gain, Pedalboard

    source = label("tonal").scale(-20, 0).attack(0.05).release(0.05)
    return pyplugin.automate(
        Pedalboard([Gain(0)]), {"gain.gain_db": source}, model=SCENE, hop=0.096, **options
    )


@pytest.mark.parametrize("seconds", [0.02, 0.3, 1.5, 3.2])
def test_a_recording_is_analysed_as_if_silence_preceded_it(seconds):
    pytest.importorskip("pedalboard", reason="needs pedalboard: pip install 'tagnode[effects]'")
    x = music(seconds, RATE)
    result = board()(x, RATE)
    before = 22 * 6 * MEL_HOP  # samples
    shorter = np.resize(x[0], max(x.shape[1], 4 * MEL_HOP))  # a hop is analysed at least
    silence = np.zeros(before, np.float32)
    whole = pyplugin.tag(np.concatenate([silence, shorter]), RATE, model=SCENE, hop=0.096)
    analysed = whole.times + whole.window > before / RATE + 0.016
    np.testing.assert_allclose(result.times, whole.times[analysed] - before / RATE, atol=1e-9)
    np.testing.assert_array_equal(result.activations, whole.activations[analysed])
    assert bool(result.notes) == (seconds == 0.02)


def test_live_and_offline_are_the_same():
    pytest.importorskip("pedalboard", reason="needs pedalboard: pip install 'tagnode[effects]'")
    x = music(1.8, RATE)
    offline = board()(x, RATE, align=False)
    with board().stream(RATE, 1, max_block=512) as stream:
        live = [stream.process(x[:, at : at + 512]) for at in range(0, x.shape[1], 512)]
    np.testing.assert_array_equal(np.concatenate(live, axis=1), offline.audio)
    curve = offline.curves["gain.gain_db"]
    assert np.ptp(curve.values[curve.times < 1]) > 0  # it moves before a window is full


def test_the_first_answers_of_an_aligned_recording_are_of_its_middle():
    """At the beginning holds what the window says that has as much silence as sound."""
    pytest.importorskip("pedalboard", reason="needs pedalboard: pip install 'tagnode[effects]'")
    x = music(3, RATE)
    result = board()(x, RATE)
    middles = result.times + result.window / 2 - 0.008
    row, last = (np.searchsorted(middles, at, "right") - 1 for at in (0, 0.05))  # with the attack
    assert 5 < row < 12
    detected = result.activations[row : last + 1, SCENE.card.labels.index("tonal")].max()
    assert result.curves["gain.gain_db"].values[0] == pytest.approx(20 * detected - 20, abs=1e-4)


@pytest.mark.parametrize(("output", "waits"), [("activations", False), ("embedding", True)])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_heads_that_learnt_from_whole_windows_get_whole_windows(runtime, output, waits):
    size = next(each.size for each in SCENE.card.outputs if each.name == output)
    head = Head(
        name="any",
        labels=("yes",),
        model=SCENE.card.name,
        output=output,
        size=size,
        multi_label=True,
        stages=(Dense([[1.0] * size], [0.0]),),
    )
    x = music(2.5, RATE)
    with make(heads=[head], runtime=runtime) as node:
        frames, first = run(node, x), node.first_frames
    with make(runtime=runtime, whole_windows=waits) as node:
        expected = run(node, x)
        assert first == node.first_frames == (PATCH if waits else (PATCH - 1) % node.hop_frames + 1)
    np.testing.assert_array_equal(frames.values[:, :-1], expected.values)
    np.testing.assert_array_equal(frames.state, expected.state)
