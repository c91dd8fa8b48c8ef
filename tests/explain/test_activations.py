"""The activations of a recording are those of the network on its spectrogram, each once."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from planted import HEIGHT, PATCH, RATE, noise, planted_weights

from pyplugin.errors import AudioError
from pyplugin.explain.activations import AnalysedRecording, Positions, stream_activations
from pyplugin.explain.best import BestChunks
from pyplugin.inputs import recording
from pyplugin.models import registry
from pyplugin.models.layer_outputs import UnitOutput, with_units
from pyplugin.models.model import Model
from pyplugin.node.frontend import melspectrogram
from pyplugin.support.arrays import Float32, Int64


def whole(path: Path, layer: UnitOutput, hop: float | None = None) -> tuple[Float32, Int64]:
    """All activations, (n, units), and their first frames."""
    about: list[AnalysedRecording] = []
    parts = list(stream_activations(path, layer, hop=hop, about=about.append))
    assert len(about) == 1
    found = [
        np.concatenate([getattr(part, name) for part in parts]) for name in ("values", "first")
    ]
    return found[0], found[1]


@pytest.mark.parametrize("hop", [None, 0.05, 0.5])
def test_each_position_is_analysed_once(planted: Model, sounds: Path, hop: float | None) -> None:
    layer = with_units(planted, "detectors")
    values, first = whole(sounds / "gap.wav", layer, hop)
    samples, _ = soundfile.read(sounds / "gap.wav")
    mel = melspectrogram(samples, RATE).astype(np.float64)
    weights, bias = planted_weights()
    rows = np.lib.stride_tricks.sliding_window_view(mel, (HEIGHT, mel.shape[1]))[:, 0]
    expected = np.einsum("nhb,uhb->nu", rows, weights) + bias
    assert (np.diff(first[:, 0]) == 1).all()
    assert first[0, 0] == 0
    assert len(values) >= len(expected) - PATCH  # windows end within the recording
    np.testing.assert_allclose(values, expected[: len(values)], atol=1e-3)


def test_any_block_size_keeps_the_same_chunks(
    planted: Model, sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for block in (65536, 1000, 4099):
        monkeypatch.setattr(recording, "BLOCK", block)
        best = BestChunks(with_units(planted, "detectors").fields.frames + 60, 4)
        for number, name in enumerate(("tone.wav", "gap.wav", "noise.wav")):
            layer = with_units(planted, "detectors")
            for part in stream_activations(sounds / name, layer, about=lambda _: None):
                best.add(number, part)
            best.end()
        found.append([[vars(each) | {"curve": None} for each in best.of(u)] for u in range(2)])
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 4


def test_positions_of_any_network_are_in_order_and_cover_its_windows() -> None:
    """With strides, one value a window, and hops that a stride does not divide."""
    for layer, hop in (("layer_6", 7), ("layer_6", 40), ("embedding", 7), ("layer_1", 125)):
        fields = with_units(registry.load("scene"), layer).fields
        positions, at = Positions(fields, 125, hop), []
        values = np.zeros(fields.first.shape, np.float32)
        for window in range(5):
            at += positions.within(window, values).centres.tolist()
        at += positions.rest(4, values).centres.tolist()
        assert at == sorted(set(at))
        assert at[0] == (fields.first[0] + fields.last[0]).mean() / 2
        longest = max(hop, np.diff(fields.first[:, 0]).max(initial=1))
        assert max(np.diff(at)) <= longest


def test_a_recording_shorter_than_the_field_is_refused(planted: Model, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "click.wav", noise(0.02, 1), RATE)
    with pytest.raises(AudioError, match=r"click.wav lasts 0.02 s, less than the receptive field"):
        whole(tmp_path / "click.wav", with_units(planted, "detectors"))
    soundfile.write(tmp_path / "short.wav", noise(0.2, 1), RATE)  # of a window, not of the field
    values, first = whole(tmp_path / "short.wav", with_units(planted, "detectors"))
    assert first.max() <= 0.2 * RATE / 256
    assert len(values) > 8


def test_memory_does_not_grow_with_the_audio(planted: Model, tmp_path: Path) -> None:
    path, peaks = tmp_path / "long.wav", []
    for minutes in (0.5, 2):
        soundfile.write(path, noise(60 * minutes, 5, 8000), 8000)
        layer = with_units(planted, "detectors")
        best = BestChunks(layer.fields.frames + 60, 4)
        tracemalloc.start()
        for part in stream_activations(path, layer, hop=0.5, about=lambda _: None):
            best.add(0, part)
        best.end()
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
