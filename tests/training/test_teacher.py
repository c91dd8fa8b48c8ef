"""The teacher: what it learns from embeddings, and how it is kept."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.corpus import LABELS
from pyplugin.training.sequences import SequenceSet
from pyplugin.training.sounds import save_array
from pyplugin.training.teacher import TeacherSettings, teach

SPEECH, NOISE = LABELS.index("speech"), LABELS.index("noise")
SETTINGS = TeacherSettings(steps=120, batch=8, learning_rate=1e-2)


@pytest.fixture
def embedded(tmp_path_factory: pytest.TempPathFactory) -> SequenceSet:
    """Sequences of 4 s with speech in one of two halves, which their embeddings show.

    Noise is unknown there, and known, at all times, in a few further ones.
    """
    folder = tmp_path_factory.mktemp("embedded")
    random = np.random.default_rng(0)
    count, windows, frames = 40, 14, 250
    wanted = np.zeros((count, frames, len(LABELS)), np.int8)
    embeddings = random.normal(0, 0.3, (count, windows, 16)).astype(np.float16)
    ends = np.round((np.arange(windows) * 0.24 + 0.96) * 62.5).astype(int) - 1
    for number in range(count):
        half = slice(0, 125) if number % 2 else slice(125, 250)
        wanted[number, half, SPEECH] = 1
        embeddings[number, wanted[number, np.minimum(ends, 249), SPEECH] == 1, 3] += 3
        if number < 30:
            wanted[number, :, NOISE] = -1
        elif number % 4 < 2:
            wanted[number, :, NOISE] = 1
            embeddings[number, :, 5] += 3
    embeddings[:6, :, 5] += 3  # noise that nobody has labelled
    for name, values in (
        ("mel", np.zeros((count, frames, 96), np.float16)),
        ("wanted", wanted),
        ("embeddings", embeddings),
        ("done", np.ones(count, np.bool_)),
    ):
        save_array(folder / f"{name}.npy", values)
    return SequenceSet(folder)


def test_it_separates_known_labels_and_fills_in_unknown_ones(embedded: SequenceSet) -> None:
    lines: list[str] = []
    taught = np.asarray(teach(embedded, SETTINGS, report=lines.append), np.float32)
    assert taught.shape == embedded.wanted.shape
    assert "speech 1.000" in lines[0]
    assert np.isnan(taught[:, :59]).all()  # before the end of the first window
    assert not np.isnan(taught[:, 59:]).any()
    assert taught[:6, 80:, NOISE].mean() > 0.7
    assert taught[6:30, 80:, NOISE].mean() < 0.3


def test_it_is_kept_and_read_again(embedded: SequenceSet, tmp_path: Path) -> None:
    first = np.asarray(teach(embedded, SETTINGS))
    calls: list[tuple[str, int, int]] = []
    again = teach(embedded, SETTINGS, progress=lambda *each: calls.append(each))
    assert calls == []
    np.testing.assert_array_equal(first, again)


def test_other_settings_are_another_teacher(embedded: SequenceSet) -> None:
    calls: list[tuple[str, int, int]] = []
    other = TeacherSettings(steps=3, batch=8)
    teach(embedded, other, progress=lambda *each: calls.append(each))
    assert calls == [("Teacher", number, 3) for number in (1, 2, 3)]
