"""Hops longer than a window: the same results, further apart, for less work."""

import numpy as np
import pytest
from helpers import music, noise
from sharing import build_missing

import pyplugin

RATE = 16000
BASE = 0.512  # seconds: 32 mel frames


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    return np.concatenate([music(20, RATE, 1), 0.3 * noise(1, 20 * RATE)], axis=1)


@pytest.mark.parametrize("times", [5, 6, 7, 20])
@pytest.mark.parametrize("name", ["scene", "musicnn-mtt"])
def test_every_nth_result_bit_for_bit(name, times, sound, request):
    if name != "scene":
        request.getfixturevalue("musicnn")
    all_of_them = pyplugin.tag(sound, RATE, model=name, hop=BASE)
    found = pyplugin.tag(sound, RATE, model=name, hop=BASE * times)
    assert found.hop > found.window or times == 5
    assert len(found.times) == len(all_of_them.times[::times])
    np.testing.assert_array_equal(found.activations, all_of_them.activations[::times])
    np.testing.assert_allclose(found.times, all_of_them.times[::times])


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
def test_in_blocks_with_a_latency_that_is_constant(rate):
    x = music(16, rate, 1)

    def frames(size: int):
        with pyplugin.Node(rate, 1, 4096, hop=3.0) as node:
            parts = [node.process(x[:, at : at + size]) for at in range(0, x.shape[1], size)]
            assert node.counters["late"] == 0
            latencies = {int(v) for part in parts for v in part.emitted - part.end}
            assert latencies <= {node.latency.total}
            return np.concatenate([part.values for part in parts])

    expected = frames(4096)
    assert len(expected) >= 4
    for size in (64, 777):
        np.testing.assert_array_equal(frames(size), expected)


def test_two_models_of_other_windows(sound):
    build_missing("musicnn-mtt", "musicnn-mtt-p64")
    result = [
        pyplugin.tag(sound, RATE, model=name, hop=4.0).activations
        for name in ("musicnn-mtt", "musicnn-mtt-p64")
    ]
    with pyplugin.Node(
        RATE, 1, 8192, model=["musicnn-mtt", "musicnn-mtt-p64"], hop=4.0, offline=True
    ) as node:
        parts = [node.process(sound[:, at : at + 8192]) for at in range(0, sound.shape[1], 8192)]
    values = np.concatenate([part.values for part in parts])
    columns = np.split(values, [50], axis=1)
    assert any(np.array_equal(row, result[0][1]) for row in columns[0])
    assert len(values) >= 8
