"""Percussion that is played from SoundFonts: strokes out of silence, the same for the same seed."""

from pathlib import Path

import numpy as np
import pytest

from pyplugin import melspectrogram
from pyplugin.errors import PypluginError
from pyplugin.training.augment import mel_power
from pyplugin.training.corpus import LABELS, soundfont_clips
from pyplugin.training.soundfonts import RATE, SOUNDFONTS, render_percussion
from pyplugin.training.synthesis import SECONDS
from pyplugin.training.windows import VariantSettings, build_windows

SEEDS = range(6)


@pytest.fixture(scope="module")
def soundfont() -> Path:
    pytest.importorskip(
        "fluidsynth",
        reason="needs FluidSynth: apt install libfluidsynth3; pip install 'tagnode[network]'",
        exc_type=ImportError,
    )
    found = [path for path in SOUNDFONTS.rglob("*.sf2") if path.is_file()]
    found = [path for path in found if path.stat().st_size > 1_000_000]
    if not found:
        pytest.skip("needs a General MIDI SoundFont: apt install timgm6mb-soundfont")
    return min(found, key=lambda path: path.stat().st_size)


def test_a_seed_renders_one_sound_of_full_length(soundfont: Path) -> None:
    first = render_percussion(soundfont, np.random.default_rng(0))
    for seed in SEEDS:
        samples = render_percussion(soundfont, np.random.default_rng(seed))
        assert samples.shape == (round(RATE * SECONDS),)
        assert np.abs(samples).max() == pytest.approx(0.5, abs=0.001)
    again = render_percussion(soundfont, np.random.default_rng(0))
    np.testing.assert_array_equal(again, first)
    assert not np.array_equal(samples, first)


def test_percussion_consists_of_strokes(soundfont: Path) -> None:
    ratios = []
    for seed in SEEDS:
        samples = render_percussion(soundfont, np.random.default_rng(seed))
        loud = np.sort(mel_power(melspectrogram(samples, RATE)).sum(axis=1))
        ratios.append(float(np.median(loud[-20:] / max(np.median(loud), 1e-9))))
    assert np.median(ratios) > 5.0


def test_windows_have_drums_and_each_clip_is_a_group(soundfont: Path) -> None:
    clips = soundfont_clips([soundfont], 3, SECONDS)
    assert len({clip.group for clip in clips}) == 3
    window_set = build_windows(clips, [VariantSettings(codec=1.0)], patch=60, step=30, seed=1)
    assert set(window_set.clips.tolist()) == {0, 1, 2}
    assert (window_set.targets[:, LABELS.index("drums")] == 1.0).all()
    assert (window_set.targets[:, LABELS.index("speech")] == 0.0).all()
    assert np.isnan(window_set.targets[:, LABELS.index("music")]).all()


def test_an_invalid_soundfont_is_reported(soundfont: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.sf2"
    bad.write_bytes(b"RIFF")
    with pytest.raises(PypluginError, match=r"bad\.sf2"):
        render_percussion(bad, np.random.default_rng(0))
