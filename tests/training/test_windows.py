"""Windows of a corpus, their labels and their cache."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pyplugin.training.corpus import LABELS, read_clips
from pyplugin.training.windows import DisputedLabel, VariantSettings, build_windows, mask_disputed


def test_disputed_labels_are_found_by_relative_paths(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(corpus)
    clips = read_clips(Path(), "test")
    window_set = build_windows(clips, [VariantSettings()], patch=30, step=15, seed=1)
    masked = mask_disputed(window_set, [DisputedLabel("drums-3.wav", "noise", "Nobody knows.")])
    meant = np.array([clip.path == Path("drums-3.wav") for clip in clips])[window_set.clips]
    unknown = np.isnan(masked.targets)
    assert not np.isnan(window_set.targets).any()
    assert unknown[meant, LABELS.index("noise")].all()
    assert unknown.sum() == meant.sum() > 0


def test_silent_windows_are_left_out(corpus: Path, tmp_path: Path) -> None:
    import soundfile

    clip = read_clips(corpus, "train")[0]
    samples, rate = soundfile.read(clip.path)
    samples[: 3 * rate] = 0.0
    soundfile.write(tmp_path / "half.wav", samples, rate)
    half = replace(clip, path=tmp_path / "half.wav")
    found = build_windows([half], [VariantSettings()], patch=30, step=1, seed=0).starts / 62.5
    assert found.min() == pytest.approx(3.0 - 15 / 62.5, abs=0.05)


def test_the_cache_gives_equal_variants(corpus: Path, tmp_path: Path) -> None:
    clips = read_clips(corpus, "test")
    changed = VariantSettings(speed=0.1, room=1.0)
    window_sets = [
        build_windows(clips, [changed], patch=30, step=4, seed=1, cache=cache)
        for cache in (None, tmp_path, tmp_path)
    ]
    for other in window_sets[1:]:
        np.testing.assert_array_equal(other.mel, window_sets[0].mel)
        np.testing.assert_array_equal(other.starts, window_sets[0].starts)
