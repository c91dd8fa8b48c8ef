"""Windows to test on: as of a stream, with the answers that are wanted at their ends."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")

from pyplugin import melspectrogram
from pyplugin.models.frontends import PRESETS
from pyplugin.training.corpus import LABELS, read_clips
from pyplugin.training.held_out import (
    DisputedLabel,
    WindowSet,
    build_windows,
    mask_disputed,
    with_channels,
)
from pyplugin.training.recordings import recorded_sounds
from pyplugin.training.scenes import wanted_answers
from pyplugin.training.sounds import RATE, Sound, as_floats

MUSICNN = PRESETS["musicnn"]


def test_a_window_is_that_of_the_stream(sounds: list[Sound], window_set: WindowSet) -> None:
    """It ends a step later than the one before; what is before the recording is silence."""
    mel = melspectrogram(as_floats(sounds[0].samples()), RATE)
    stream = np.concatenate([np.zeros((29, 96)), mel])
    windows = window_set.windows(np.flatnonzero(window_set.clips == 0))
    wanted = wanted_answers(sounds[0].presence())
    for number, window in enumerate(windows):
        end = 4 * (number + 1)  # frames of the recording
        np.testing.assert_allclose(window, stream[end - 1 : end + 29], atol=2e-3)
    ends = np.arange(3, len(wanted), 4)[: len(windows)]
    targets = window_set.targets[window_set.clips == 0]
    np.testing.assert_array_equal(np.nan_to_num(targets, nan=-1), wanted[ends])


def test_disputed_labels_are_found_by_relative_paths(corpus: Path, tmp_path: Path) -> None:
    sounds = recorded_sounds(read_clips(corpus, "test"), tmp_path)
    window_set = build_windows(sounds, MUSICNN, patch=30, step=15)
    masked = mask_disputed(window_set, [DisputedLabel("drums-3.wav", "noise", "Nobody knows.")])
    meant = np.array(["drums-3.wav" in sound.name for sound in sounds])[window_set.clips]
    changed = np.isnan(masked.targets) & ~np.isnan(window_set.targets)
    assert np.isnan(masked.targets[meant, LABELS.index("noise")]).all()
    assert changed[meant, LABELS.index("noise")].sum() == changed.sum() > 0


def test_degraded_recordings_are_as_long_and_differ(sounds: list[Sound]) -> None:
    pytest.importorskip("av", reason="needs av: pip install 'tagnode[audio]'")
    plain, degraded, again = (
        build_windows(sounds[:4], MUSICNN, patch=30, step=15, degraded=worse, seed=1)
        for worse in (False, True, True)
    )
    np.testing.assert_array_equal(degraded.mel, again.mel)
    assert abs(len(plain.starts) - len(degraded.starts)) <= 4
    assert np.abs(plain.mel[: len(degraded.mel)][:1000] - degraded.mel[:1000]).max() > 0.1


def test_channels_change_level_and_bandwidth_only(window_set: WindowSet) -> None:
    changed, plain = with_channels(window_set, seed=1), window_set.windows()
    assert changed.shape == plain.shape
    silent = plain == 0
    np.testing.assert_array_equal(changed[silent], 0)
    ratios = np.expm1(changed * np.log(10.0)).sum((1, 2)) / np.maximum(
        np.expm1(plain * np.log(10.0)).sum((1, 2)), 1e-9
    )
    loud = plain.max(axis=(1, 2)) > 2
    assert ratios[loud].max() < 10**1.2 * 1.01  # a gain of up to 12 dB, and filters that only take


def test_an_unknown_label_is_refused() -> None:
    with pytest.raises(TypeError, match="'drum' is not a label"):
        DisputedLabel("a.wav", "drum", "")
