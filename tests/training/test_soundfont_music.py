"""Music that is played from SoundFonts: the same for the same seed, and without percussion."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("scipy", reason="needs scipy: pip install 'tagnode[train]'")

from pyplugin.training.corpus import LABELS
from pyplugin.training.soundfont_music import _FAMILIES, _PARTS, render_music
from pyplugin.training.soundfonts import RATE
from pyplugin.training.synthesis import SECONDS
from pyplugin.training.synthetic import SoundSettings, synthetic_sounds


def test_a_seed_renders_one_piece_of_full_length(soundfont: Path) -> None:
    for seed in range(4):
        samples = render_music(soundfont, np.random.default_rng(seed))
        assert samples.shape == (round(RATE * SECONDS),)
        assert 0.01 < np.abs(samples).max() <= 0.501
    again = render_music(soundfont, np.random.default_rng(3))
    np.testing.assert_array_equal(again, samples)


def test_no_instrument_is_a_voice_a_noise_or_percussion() -> None:
    programs = {program for family in _FAMILIES for program in family.programs}
    assert programs <= set(range(128))
    assert not programs & {47, 52, 53, 54, 85, 91, *range(112, 128)}  # of General MIDI, from 0
    assert sum(family.share for family in _FAMILIES) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", _PARTS)
def test_parts_keep_to_their_scale_and_their_time(kind: str) -> None:
    keys = np.array([48, 50, 52, 55, 57, 60])
    for seed in range(5):
        notes = _PARTS[kind](keys, np.random.default_rng(seed))
        assert len(notes) > 1
        for start, lasts, key, velocity in notes:
            assert 0 <= start < SECONDS + 0.1
            assert lasts > 0
            assert key in keys
            assert 1 <= velocity <= 127


def test_played_sounds_have_their_labels(soundfont: Path, tmp_path: Path) -> None:
    settings = SoundSettings(played_music=2, played_percussion=2, soundfonts=(soundfont.name,))
    found = synthetic_sounds(settings, (), [soundfont], tmp_path, seed=1)
    by_label = {label: LABELS.index(label) for label in LABELS}
    assert [sound.category for sound in found] == ["played-percussion"] * 2 + ["played-music"] * 2
    for sound in found:
        presence = sound.presence()
        drums, music = presence[:, by_label["drums"]], presence[:, by_label["music"]]
        if sound.category == "played-music":
            assert drums.max() == 0
            assert music.max() == 1
        else:
            assert drums.max() == 1
        assert presence[:, by_label["voice"]].max() == 0
