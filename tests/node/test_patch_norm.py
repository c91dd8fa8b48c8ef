"""Patches normalised by their own values: what a model gets, window by window, is its formula."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import mirror, music

import pyplugin
from pyplugin import Node
from pyplugin.models.registry import Model
from pyplugin.support.arrays import Float32, Float64

PATCH = 24


def normalised(patch: Float64, norm: str, span: float) -> Float64:
    """A patch as tempo-cnn, librosa and OpenL3 normalise it."""
    most = patch.max()
    if norm == "z-score":
        return (patch - patch.mean()) / (patch.std() or 1.0)
    if norm == "max":
        return patch / (most or 1.0)
    return np.maximum(patch, most - span) if norm == "top-db" else np.maximum(patch - most, -span)


def patches(model: Model, runtime: str, x: Float32, rate: int) -> tuple[Float32, int]:
    """What the model got from a stream, one row a window, and the hop in mel frames."""
    front_end = model.card.front_end
    hop = 7 * front_end.hop / front_end.sample_rate
    with Node(
        rate, 1, 4096, model=model, runtime=runtime, hop=hop, embedding="patch", offline=True
    ) as node:
        found = [node.process(x[:, at : at + 441]) for at in range(0, x.shape[1], 441)]
        assert node.counters["late"] == 0
        fresh = np.concatenate([frames.embeddings[frames.state == 1] for frames in found])
        assert node.hop_frames == 7
        first = node.first_frames - PATCH
    return fresh.reshape(len(fresh), PATCH, -1), first


@pytest.mark.parametrize("runtime", ["inline", "litert"])
@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("tempocnn", {}),
        ("tempocnn-max", {}),
        ("choi", {"patch_range": 12.0}),
        ("openl3-mel128", {"patch_range": 9.0}),
        ("yamnet", {"patch_norm": "z-score"}),
    ],
)
def test_each_window_is_normalised_by_itself(
    preset: str, changes: dict[str, object], runtime: str
) -> None:
    model = mirror(preset, PATCH, **changes)
    front_end = model.card.front_end
    x = music(6, 22050)
    x[:, 30000:60000] *= 0.01
    mel = pyplugin.melspectrogram(x, 22050, front_end).astype(np.float64)
    found, first = patches(model, runtime, x, 22050)
    assert len(found) >= 8
    for number, patch in enumerate(found):
        begin = first + 7 * number
        expected = normalised(
            mel[begin : begin + PATCH], front_end.patch_norm, front_end.patch_range
        )
        np.testing.assert_allclose(patch, expected, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize("runtime", ["inline", "litert"])
@pytest.mark.parametrize("preset", ["tempocnn", "tempocnn-max", "choi", "openl3-mel128"])
def test_silence_stays_finite(preset: str, runtime: str) -> None:
    model = mirror(preset, PATCH)
    found, _ = patches(model, runtime, np.zeros((1, 90000), np.float32), 22050)
    levels = {"choi": -100.0}  # 10 log10(1e-10)
    assert len(found) >= 2
    np.testing.assert_allclose(found, levels.get(preset, 0.0), atol=1e-4)


def test_a_recordings_windows_end_within_it() -> None:
    """Frames that begin at their sample: as many windows as YAMNet has."""
    model = mirror("yamnet", PATCH)
    front_end = model.card.front_end
    window = front_end.frame + (PATCH - 1) * front_end.hop
    hop = 8 * front_end.hop / front_end.sample_rate
    for length in (window, window + 1279, window + 1280, window + 5000):
        x = music(1, 16000)[:, :length]
        result = pyplugin.tag(x, 16000, model=model, hop=hop, embedding="patch")
        assert len(result.times) == 1 + (length - window) // 1280
        assert result.notes == []
        mel = pyplugin.melspectrogram(x, 16000, "yamnet")
        for number, patch in enumerate(result.embeddings):
            expected = mel[8 * number : 8 * number + PATCH].ravel()
            np.testing.assert_array_equal(patch, expected)
