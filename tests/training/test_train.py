"""Training: what a network learns, from labels and from teachers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")
pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'tagnode[train]'")

import torch
from small_network import SMALL

from pyplugin.training.corpus import read_clips
from pyplugin.training.evaluate import predict, score
from pyplugin.training.mixing import MixSettings
from pyplugin.training.network import SceneNetwork
from pyplugin.training.train import TrainSettings, fit
from pyplugin.training.windows import VariantSettings, WindowSet, build_windows

PLAIN = MixSettings(mixture=0.0, onset=0.0, synthetic=0.0, silence=0.0)


def test_a_network_learns_four_kinds_of_sound(corpus: Path, window_set: WindowSet) -> None:
    # Three recordings of each kind, augmented by frequency shifts.
    easy = replace(PLAIN, equaliser=0.0, band_limit=0.0, noise=0.0, shift=1.0)
    network = fit(window_set, SMALL, easy, TrainSettings(steps=300, batch=32, average=0.9))
    held_out = build_windows(
        read_clips(corpus, "test"), [VariantSettings()], patch=30, step=15, seed=2
    )
    found = score(held_out.targets, predict(network, held_out.windows()))
    assert set(found) == {"speech", "music", "drums", "tonal", "noise"}
    assert min(each.auc for each in found.values()) > 0.95


def test_the_same_seed_gives_the_same_weights(window_set: WindowSet) -> None:
    settings = TrainSettings(steps=3, batch=16)
    first, again = (fit(window_set, SMALL, MixSettings(), settings) for _ in range(2))
    other = fit(window_set, SMALL, MixSettings(), replace(settings, seed=2))
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True)
    )
    assert not all(
        torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True)
    )


@pytest.mark.parametrize(("target", "share"), [(1.0, 0.25), (0.0, 0.25), (np.nan, 1.0)])
def test_a_student_learns_the_mean_of_its_teachers_by_their_share(
    window_set: WindowSet, target: float, share: float
) -> None:
    # Their output is constant; the student starts as the first one and has to change.
    biases = [[3.0, 2.0, 1.0, 0.0, -1.0, -2.0], [-2.0, 1.0, 0.0, -3.0, 2.0, -1.0]]
    teachers = [SceneNetwork(SMALL) for _ in biases]
    for teacher, bias in zip(teachers, biases, strict=True):
        torch.nn.init.zeros_(teacher.logits.weight)
        teacher.logits.bias.data = torch.tensor(bias)
    teacher_mean = np.mean(1.0 / (1.0 + np.exp(-np.array(biases))), axis=0)
    known = replace(window_set, targets=np.full_like(window_set.targets, target))
    settings = TrainSettings(
        steps=150, batch=16, learning_rate=0.03, average=0.9, teacher_weight=0.25
    )
    student = fit(known, SMALL, PLAIN, settings, teachers=teachers)
    wanted = share * teacher_mean + (1.0 - share) * np.nan_to_num(target, nan=0.0)
    found = predict(student, window_set.windows()[::20])
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), atol=0.08)
