"""Models with different front-ends in one node: one clock, and each window where it belongs."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import mirror, music

import pyplugin
from pyplugin import Node, State
from pyplugin.models import registry
from pyplugin.models.card import FrontEnd
from pyplugin.models.registry import Model
from pyplugin.node.node import Frames
from pyplugin.node.windows import window_seconds
from pyplugin.support.arrays import Float32, Float64

LABELS = len(registry.labels("scene"))
PATCHES = {"yamnet": 24, "tempocnn-max": 16, "musicnn": 30}


def models() -> list[Model]:
    return [registry.load("scene")] + [
        mirror(preset, patch, preset) for preset, patch in PATCHES.items()
    ]


def run(node: Node, x: Float32, size: int) -> Frames:
    parts = [node.process(x[:, at : at + size]) for at in range(0, x.shape[1], size)]
    return Frames(
        **{name: np.concatenate([vars(p)[name] for p in parts]) for name in vars(parts[0])}
    )


def last_frame(front_end: FrontEnd, seconds: Float64) -> Float64:
    """Index of the last mel frame whose last sample is at this time or before it."""
    reach = front_end.frame - 1 - (front_end.framing == "centred") * front_end.frame // 2
    found: Float64 = np.floor((seconds * front_end.sample_rate - reach) / front_end.hop)
    return found


@pytest.mark.parametrize("rate", [22050, 48000])
def test_each_window_ends_with_the_last_mel_frame_by_then(rate: int) -> None:
    x = music(6, rate)
    given = models()
    runtimes = {}
    with Node(rate, 1, 4096, model=given, hop=0.1, offline=True) as node:
        frames = run(node, x, 1000)
        assert node.descriptors[LABELS:] == [f"tag.{preset}.mean" for preset in PATCHES]
        assert (frames.emitted - frames.end == node.latency.total).all()
        runtimes = {"first": node.runtime, "hop": round(node.hop, 6)}
        assert node.counters["late"] == node.counters["held"] == 0
        assert window_seconds(node) == pytest.approx(2.0)  # that of scene
    assert runtimes == {"first": "inline", "hop": 0.096}
    fresh = frames.state == State.FRESH
    ends = frames.end[fresh]
    assert fresh.sum() > 20
    for column, model in enumerate(given[1:], LABELS):
        end, patch = model.card.front_end, model.card.patch_frames
        mel = pyplugin.melspectrogram(x, rate, end).astype(np.float64)
        if end.patch_norm == "max":
            means = [mel[j : j + patch].mean() / mel[j : j + patch].max() for j in range(len(mel))]
        else:
            means = [mel[j : j + patch].mean() for j in range(len(mel))]
        # The end is rounded to the next sample of the input.
        places = [last_frame(end, (ends - back) / rate).astype(int) for back in (1, 0)]
        expected = [np.array(means)[place - patch + 1] for place in places]
        got = frames.values[fresh, column]
        close = [np.isclose(got, each, rtol=1e-4, atol=1e-5) for each in expected]
        assert (close[0] | close[1]).all(), model.name


def test_results_are_those_of_the_model_alone() -> None:
    x = music(5, 44100)
    with Node(44100, 1, 4096, model=models(), hop=0.1, offline=True) as node:
        together = run(node, x, 700)
    with Node(44100, 1, 4096, model="scene", hop=0.1, whole_windows=True) as node:
        alone = run(node, x, 4096)
    ends, ours, theirs = np.intersect1d(
        together.end[together.state == State.FRESH],
        alone.end[alone.state == State.FRESH],
        return_indices=True,
    )
    assert len(ends) > 15
    np.testing.assert_array_equal(
        together.values[together.state == State.FRESH][ours, :LABELS],
        alone.values[alone.state == State.FRESH][theirs],
    )


def test_any_block_size_gives_the_same_frames() -> None:
    x = music(4, 48000)
    results = []
    for size in (64, 1000, 4096):
        with Node(48000, 1, 4096, model=models(), hop=0.03, offline=True) as node:
            results.append(run(node, x, size))
    for other in results[1:]:
        count = min(len(results[0]), len(other))
        assert count > 80
        for name, array in vars(other).items():
            np.testing.assert_array_equal(array[:count], vars(results[0])[name][:count], name)


@pytest.mark.parametrize("runtime", ["litert", "inline"])
def test_one_runtime_for_all(runtime: str) -> None:
    given = models()
    with Node(16000, 1, 4096, model=given, hop=0.1, offline=True, runtime=runtime) as node:
        assert node.runtime == runtime
        frames = run(node, music(4, 16000), 4096)
        assert (frames.state == State.FRESH).sum() > 10
