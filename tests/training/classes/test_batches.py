"""Batches: which windows are drawn, how often, and what becomes of them."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

from pyplugin.training.augment import log_mel, mel_power
from pyplugin.training.classes.batches import Batches, _chances, spread_windows, targets_of
from pyplugin.training.classes.settings import ARCHITECTURES

LABELS = ("blues", "disco", "metal")
OWN = ARCHITECTURES["own"]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_powers_and_front_end_values_are_inverses(name):
    end = ARCHITECTURES[name].front_end
    power = np.float32([1e-4, 0.01, 1.0, 30.0])
    np.testing.assert_allclose(mel_power(log_mel(power, end), end), power, rtol=1e-4)


def test_classes_and_groups_are_drawn_alike(features):
    few = [each for each in features if each.clip.label != "blues"] + features[:1]
    targets = targets_of(few, LABELS)
    chances = _chances(few, targets)
    np.testing.assert_allclose(chances @ targets, np.full(3, 1 / 3), rtol=1e-6)
    large = [replace(each, clip=replace(each.clip, group="one")) for each in features[:6]]
    chances = _chances(large + features[6:8], targets_of(large + features[6:8], LABELS))
    assert chances[0] < chances[6]


def test_windows_carry_their_class_and_depend_on_the_seed_only(features):
    targets = targets_of(features, LABELS)
    batches = Batches(features, targets, OWN, 60)
    mel, found = batches.batch(64, np.random.default_rng(1))
    assert (mel.shape, mel.dtype) == ((64, 60, 96), np.float32)
    assert np.isfinite(mel).all()
    assert mel.min() >= 0
    assert (found.sum(axis=1) == 1).all()
    # metal is broadband: its top bands are louder than those of the low chords of blues
    high = mel[:, 40:, 60:90].mean(axis=(1, 2))
    assert np.median(high[found[:, 2] == 1]) > 2 * np.median(high[found[:, 0] == 1])
    again, _ = batches.batch(64, np.random.default_rng(1))
    other, _ = batches.batch(64, np.random.default_rng(2))
    np.testing.assert_array_equal(mel, again)
    assert not np.array_equal(mel, other)


def test_windows_are_spread_over_a_clip_and_a_short_one_is_padded(features):
    clip = features[0]
    windows = spread_windows(clip, 60, 3)
    assert windows.shape == (3, 60, 96)
    np.testing.assert_array_equal(windows[0], clip.mel[:60].astype(np.float32))
    np.testing.assert_array_equal(windows[-1], clip.mel[-60:].astype(np.float32))
    short = replace(clip, mel=clip.mel[:40])
    (window,) = spread_windows(short, 60, 3)
    np.testing.assert_array_equal(window[20:60], short.mel.astype(np.float32))


def test_mostly_silent_windows_are_not_drawn(features):
    quiet = features[0].mel.copy()
    quiet[:100] = 0.0
    clip = replace(features[0], mel=quiet)
    batches = Batches([clip], np.ones((1, 1), np.float32), OWN, 50)
    (starts,) = batches._starts
    assert starts.min() == 75  # half of the window is audible
