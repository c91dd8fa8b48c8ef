"""Pseudo-labels of drums: where they are unknown, and only from clear activations."""

from pathlib import Path

import numpy as np
import pytest

from pyplugin.support.results import TagResult
from pyplugin.training import teacher
from pyplugin.training.corpus import LABELS, CorpusClip
from pyplugin.training.teacher import pseudo_label

soundfile = pytest.importorskip("soundfile", reason="needs soundfile")
DRUMS = LABELS.index("drums")


def clip(path: Path, drums: float) -> CorpusClip:
    targets = np.zeros(len(LABELS), np.float32)
    targets[DRUMS] = drums
    return CorpusClip(path, 4.0, "music", "g:1", "train", targets)


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """Replace the teacher by known activations; the list has its calls."""
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    made = []

    def tag(samples, rate, *, model, hop):
        made.append((len(samples), rate, model))
        activations = np.array(
            [[0.9, 0.3, 0.0], [0.9, 0.1, 0.2], [0.9, 0.005, 0.01], [0.9, 0.0, 0.0]], np.float32
        )
        labels = ["guitar", "drums", "beat", "beats"]
        values = np.concatenate([activations, np.zeros((4, 1), np.float32)], axis=1)
        return TagResult(model, labels, np.arange(4.0), 3.0, hop, values, None, 7.0)

    monkeypatch.setattr(teacher, "tag", tag)
    return made


def test_only_clear_activations_give_a_label(calls, tmp_path):
    (labelled,) = pseudo_label([clip(tmp_path / "a.wav", np.nan)])
    assert calls == [(16000, 16000, "musicnn-mtt-float")]
    np.testing.assert_allclose(labelled.drum_labels[:, 0], [1.5, 2.5, 3.5, 4.5])  # middles
    np.testing.assert_allclose(labelled.drum_labels[:, 1], [0.95, np.nan, 0.05, 0.05])


@pytest.mark.parametrize("drums", [0.0, 1.0])
def test_known_drums_are_not_changed(calls, tmp_path, drums):
    known = clip(tmp_path / "a.wav", drums)
    assert pseudo_label([known]) == [known]
    assert calls == []


def test_the_cache_replaces_the_teacher(calls, tmp_path):
    unknown = clip(tmp_path / "a.wav", np.nan)
    first, again = (pseudo_label([unknown], cache=tmp_path / "cache")[0] for _ in range(2))
    assert len(calls) == 1
    np.testing.assert_array_equal(first.drum_labels, again.drum_labels)


def test_progress_has_the_number_of_unknown_recordings(calls, tmp_path):
    lines = []
    clips = [clip(tmp_path / "a.wav", np.nan), clip(tmp_path / "a.wav", 1.0)]
    pseudo_label(clips, report=lines.append)
    assert lines == ["labelling drums in 1 recordings with musicnn-mtt-float"]
