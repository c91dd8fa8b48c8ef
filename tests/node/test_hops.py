"""Each model of a node at its own hop."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import mirror, music

import pyplugin
from pyplugin import Node, State
from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.node.node import Frames
from pyplugin.support.arrays import Float32


def run(node: Node, x: Float32, size: int = 4096) -> Frames:
    parts = [node.process(x[:, at : at + size]) for at in range(0, x.shape[1], size)]
    return Frames(
        **{name: np.concatenate([vars(p)[name] for p in parts]) for name in vars(parts[0])}
    )


def mean_of_each_window(name: str, patch: int, x: Float32, rate: int) -> Float32:
    mel = pyplugin.melspectrogram(x, rate, name).astype(np.float64)
    return np.array([mel[j : j + patch].mean() for j in range(len(mel) - patch + 1)])


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)], ids=str)
@pytest.mark.parametrize("runtime", [None, "litert"])
def test_a_result_stays_until_the_next_of_its_model(order: tuple[int, ...], runtime: str) -> None:
    models = [mirror("musicnn", 30, "a"), mirror("musicnn", 40, "b"), mirror("yamnet", 24, "c")]
    hops = [0.064, 0.32, 0.64]
    x = music(5, 16000) * np.linspace(0.05, 1, 80000, dtype=np.float32)  # no two windows are alike
    with Node(
        16000,
        1,
        4096,
        model=[models[i] for i in order],
        hop=[hops[i] for i in order],
        offline=True,
        runtime=runtime,
    ) as node:
        frames = run(node, x)
        ticks = [round(hop / node.hop) for hop in node.hops]
        assert node.counters["late"] == node.counters["held"] == 0
    tick = 0.064 if order[0] == 0 else 0.06  # whole mel frames of the first model
    assert ticks == [round(hops[i] / tick) for i in order]
    values = frames.values[frames.state == State.FRESH]
    assert len(values) > 40
    for column, (index, every) in enumerate(zip(order, ticks, strict=True)):
        model = models[index]
        means = mean_of_each_window(
            ("musicnn", "musicnn", "yamnet")[index], model.card.patch_frames, x, 16000
        )
        got = values[:, column]
        changes = np.flatnonzero(np.diff(got)) + 1
        assert (np.diff(changes) == every).all()
        nearest = np.abs(got[:, None] - means).min(axis=1)
        assert nearest.max() < 1e-4
        # one result is of the first full window, the next ones follow at its hop
        places = np.abs(got[changes, None] - means).argmin(axis=1)
        apart = np.diff(places) * model.card.front_end.hop / 16000
        assert np.abs(apart - every * tick).max() < 0.017


def test_any_block_size_gives_the_same_frames() -> None:
    models = ["scene", mirror("yamnet", 96, "y")]
    x = music(4, 44100)
    results = []
    for size in (64, 1000, 4096):
        with Node(44100, 1, 4096, model=models, hop=[0.1, 0.5], offline=True) as node:
            results.append(run(node, x, size))
    for other in results[1:]:
        count = min(len(results[0]), len(other))
        for name, array in vars(other).items():
            np.testing.assert_array_equal(array[:count], vars(results[0])[name][:count], name)


def test_without_a_hop_each_model_has_that_of_its_card() -> None:
    first, second = mirror("musicnn", 30, "a"), registry.load("scene")
    with Node(16000, 1, 512, model=[first, second]) as node:
        wanted = [first.card.default_hop, second.card.default_hop]
        assert node.hops == pytest.approx(wanted, rel=0.1)
        assert node.hop == pytest.approx(min(node.hops))
    with Node(16000, 1, 512, model=[first, second], hop=[None, 0.4]) as node:
        assert node.hops[0] == pytest.approx(first.card.default_hop, rel=0.1)
    with Node(16000, 1, 512, model=[first, second], hop=0.2) as node:
        assert node.hops == [node.hop, node.hop]


@pytest.mark.parametrize(
    ("hop", "words"),
    [
        ([0.1], "1 hops for 2 models"),
        ([0.1, 0.0], "The hop is 0 s"),
        ([0.1, float("nan")], "The hop is"),
        ([700.0, 0.1], "The hop is 700 s"),
        ([-1.0, 0.1], "The hop is -1 s"),
    ],
    ids=str,
)
def test_wrong_hops_are_refused(hop: list[float], words: str) -> None:
    models = [mirror("musicnn", 30, "a"), mirror("musicnn", 30, "b")]
    with pytest.raises(PypluginError, match=words):
        Node(16000, 1, 512, model=models, hop=hop)
