"""Models as detectors: when they know what."""

from pathlib import Path

import numpy as np
import pytest
from helpers import DATA

from pyplugin.errors import ModelError, PypluginError
from pyplugin.models import registry

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")

from pyplugin.training.corpus import LABELS, read_clips, read_samples
from pyplugin.training.peers import held, silero, tagger
from pyplugin.training.sounds import RATE, resampled

SILERO = Path(__file__).parents[2] / "build" / "silero"


def test_the_newest_result_is_held_until_the_next() -> None:
    random = np.random.default_rng(0)
    ends = np.cumsum(random.uniform(0.01, 0.3, 30))
    values = random.random((30, 2)).astype(np.float32)
    found = held(values, ends, 250)
    for frame in range(250):
        known = [row for row, end in zip(values, ends, strict=True) if end <= (frame + 1) / 62.5]
        np.testing.assert_array_equal(found[frame], known[-1] if known else values[0])


def test_scene_detects_noise_after_its_onset() -> None:
    scene = tagger("scene")
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * RATE).astype(np.float32)
    noise[: 2 * RATE] = 0
    found = scene.detect(noise)
    assert found.shape == (5 * RATE // 256, len(LABELS))
    detected = found[:, LABELS.index("noise")]
    assert detected[:120].max() < 0.5
    assert detected[190:].min() > 0.5
    assert not np.isnan(found).any()  # voice follows from speech and singing
    name = "voice"
    if name not in registry.load("scene").card.labels:
        np.testing.assert_allclose(
            found[:, -1], np.minimum(1, found[:, 0] + found[:, 1]), atol=1e-6
        )


def test_a_model_without_our_labels_is_refused(musicnn: registry.Model) -> None:
    with pytest.raises(ModelError, match="none of the labels"):
        tagger(str(musicnn.path), {})


def test_a_missing_package_is_reported_with_the_command(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'tagnode[onnx]'")
    with pytest.raises(PypluginError, match="pip install --no-deps --target"):
        silero(tmp_path)


@pytest.mark.skipif(not (SILERO / "silero_vad").is_dir(), reason="needs silero-vad: make evaluate")
def test_silero_finds_speech_and_nothing_else() -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'tagnode[onnx]'")
    peer = silero(SILERO)
    means = {}
    for clip in read_clips(DATA):
        if clip.category in ("speech", "ambience"):
            samples = resampled(*read_samples(clip.path))
            found = peer.detect(samples)
            assert np.isnan(found[:, 1:]).all()
            means.setdefault(clip.category, []).append(found[:, 0].mean())
    assert np.mean(means["speech"]) > 0.5
    assert np.mean(means["ambience"]) < 0.2
