"""Mixed batches: labels, shares and shifts."""

from dataclasses import replace

import numpy as np
import pytest

from pyplugin.training.corpus import LABELS
from pyplugin.training.mixing import CATEGORIES, Mixer, MixSettings
from pyplugin.training.windows import WindowSet

PLAIN = MixSettings(mixture=0.0, onset=0.0, synthetic=0.0, silence=0.0)


def test_a_mixture_has_the_labels_of_both(window_set: WindowSet) -> None:
    settings = replace(PLAIN, mixture=1.0)
    mel, targets = Mixer(window_set, settings, 1).batch(200)
    assert mel.shape == (200, 30, 96)
    assert np.isfinite(mel).all()
    assert mel.min() >= 0.0
    speech, others = targets[:, LABELS.index("speech")], np.delete(targets, 0, axis=1)
    both = (speech == 1.0) & (np.nan_to_num(others) == 1.0).any(axis=1)
    assert both.mean() > 0.3
    singles = Mixer(window_set, PLAIN, 1).batch(200)[1]
    assert not (singles[:, 0] * np.nan_to_num(singles[:, 1:]).any(axis=1)).any()


def test_a_category_has_the_share_that_is_asked_for(window_set: WindowSet) -> None:
    """Tonal sounds are the category instrument; the others keep their shares of what is left."""
    usual = Mixer(window_set, PLAIN, 1).batch(2000)[1]
    none = Mixer(window_set, replace(PLAIN, categories={"instrument": 0.0}), 1).batch(2000)[1]
    most = Mixer(window_set, replace(PLAIN, categories={"instrument": 4.0}), 1).batch(2000)[1]
    shares = [[np.mean((each == row).all(axis=1)) for row in np.eye(6)] for each in (usual, none)]
    tonal, speech, noise = (LABELS.index(name) for name in ("tonal", "speech", "noise"))
    kinds = {clip.category for clip in window_set.sources}
    total = sum(CATEGORIES[kind] for kind in kinds)
    assert shares[0][tonal] == pytest.approx(CATEGORIES["instrument"] / total, abs=0.05)
    assert shares[1][tonal] == 0.0
    assert shares[1][speech] / shares[1][noise] == pytest.approx(2.0, abs=0.5)
    assert np.mean((most == np.eye(6)[tonal]).all(axis=1)) > 0.85


def test_shifts_are_by_whole_bands(window_set: WindowSet) -> None:
    still = replace(PLAIN, equaliser=0.0, band_limit=0.0, noise=0.0)
    plain, targets = Mixer(window_set, still, 1).batch(100)
    shifted, same = Mixer(window_set, replace(still, shift=1.0), 1).batch(100)
    np.testing.assert_array_equal(same, targets)
    found = set()
    for before, after in zip(plain, shifted, strict=True):
        matches = [
            by
            for by in range(-6, 7)
            if np.allclose(after[:, 6:-6], np.roll(before, by, axis=1)[:, 6:-6], atol=1e-5)
        ]
        assert matches
        found.add(matches[0])
    assert len(found) > 8


def test_onsets_and_offsets_keep_the_labels(window_set: WindowSet) -> None:
    still = replace(PLAIN, equaliser=0.0, band_limit=0.0, noise=0.0, level=0.0)
    whole, had = Mixer(window_set, still, 1).batch(200)
    parts, has = Mixer(window_set, replace(still, onset=1.0), 1).batch(200)
    same = np.isclose(whole, parts, atol=1e-5).all(axis=2)
    half = same.shape[1] // 2
    assert (same[:, half:].all(axis=1) | same[:, :half].all(axis=1)).all()
    assert (~same).any(axis=1).mean() > 0.7
    np.testing.assert_array_equal(has[had == 1.0], 1.0)
    np.testing.assert_array_equal(had[has == 1.0], 1.0)
    # After another sound, its labels are unknown instead of absent.
    assert 0.02 < (np.isnan(has) & (had == 0.0)).mean() < 0.3
