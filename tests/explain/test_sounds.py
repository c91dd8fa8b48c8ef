"""The sounds of chunks are the samples of the recordings, at one rate."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from pyplugin.errors import AudioError
from pyplugin.explain.sounds import FADE, GAP, Clippings, Cut, joined

RNG = np.random.default_rng(4)


def test_cuts_are_the_mean_of_the_channels(tmp_path: Path) -> None:
    samples = RNG.uniform(-1, 1, (150_000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "a.wav", samples, 16000, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", samples[:500, 0], 8000, subtype="FLOAT")
    cuts = [Cut(0, 70_000, 149_000), Cut(0, 0, 150_000), Cut(0, 65_000, 66_000), Cut(1, 0, 500)]
    paths = [tmp_path / "a.wav", tmp_path / "b.wav"]
    with Clippings(paths, [*cuts, cuts[0]], tmp_path) as clippings:
        assert clippings.rates == {0: 16000, 1: 8000}
        for cut in cuts:
            whole = samples.mean(axis=1) if cut.recording == 0 else samples[:, 0]
            np.testing.assert_allclose(
                clippings.samples(cut), whole[cut.begin : cut.end], atol=1e-7
            )
    assert {each.name for each in tmp_path.iterdir()} == {"a.wav", "b.wav"}


def test_a_recording_that_became_shorter_is_reported(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 16000)
    with pytest.raises(AudioError, match=r"a.wav is shorter than it was"):
        Clippings([tmp_path / "a.wav"], [Cut(0, 50, 101)], tmp_path)


def test_parts_of_several_rates_become_one_sound() -> None:
    def tone(rate: int) -> np.ndarray:
        return np.sin(2 * np.pi * 500 * np.arange(rate) / rate).astype(np.float32)

    sound, begins = joined([(tone(16000), 16000), (tone(44100), 44100)], 16000)
    assert begins == [0, 16000 + round(GAP * 16000)]
    assert len(sound) == 2 * 16000 + round(GAP * 16000)
    assert not sound[16000 : begins[1]].any()
    edge = round(FADE * 16000)
    for begin in begins:
        inner = slice(begin + edge + 100, begin + 16000 - edge - 100)
        np.testing.assert_allclose(sound[inner], tone(16000)[100 + edge : -100 - edge], atol=2e-3)
        assert abs(sound[begin]) < 1e-6
