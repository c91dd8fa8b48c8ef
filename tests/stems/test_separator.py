"""Streams through a separator: a known answer, blocks, overlap, formats."""

import numpy as np
import pytest
from helpers import music

from pyplugin.errors import AudioError, ModelError
from pyplugin.stems.network import StemNetwork
from pyplugin.stems.separator import Separator, checked_overlap

pytest.importorskip("ai_edge_litert", reason="needs LiteRT")


def separated(network, audio, rate=44100, block=65536, **options):
    separator = Separator(network, rate, len(audio), **options)
    parts = [separator.process(audio[:, at : at + block]) for at in range(0, audio.shape[1], block)]
    return np.concatenate([*parts, separator.finish()], axis=2)


@pytest.mark.parametrize("rate", [44100, 48000, 22050, 8000])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_passes_whole_comes_back(passing_network, rate, channels):
    at = np.arange(4 * rate - 77) / rate
    audio = 0.4 * np.sin(2 * np.pi * np.array([[440.0], [3000.0]])[:channels] * at)
    audio = audio.astype(np.float32)
    vocals, rest = separated(passing_network, audio, rate, above="average")
    assert vocals.shape == audio.shape
    inside = slice(rate // 2, -rate // 2)  # a sine that begins suddenly has all frequencies
    error = np.sqrt(np.mean((vocals - audio)[:, inside] ** 2)) / np.sqrt(np.mean(audio**2))
    assert error < (1e-6 if rate == 44100 else 1e-3)
    assert np.abs(rest).max() < 1e-4


@pytest.mark.parametrize("length", [1, 100, 1024, 60000, 200000])
def test_there_are_as_many_samples_as_went_in(random_network, length):
    audio = np.random.default_rng(length).normal(0, 0.1, (2, length)).astype(np.float32)
    assert separated(random_network, audio).shape == (2, 2, length)


def test_nothing_in_is_nothing_out(random_network):
    assert Separator(random_network, 44100, 2).finish().shape == (2, 2, 0)


@pytest.mark.parametrize("overlap", [0, 64])
def test_blocks_do_not_matter(random_network, overlap):
    audio = music(6, 48000, 2)
    want = separated(random_network, audio, 48000, overlap=overlap)
    for block in (1000, 48001, audio.shape[1]):
        got = separated(random_network, audio, 48000, block, overlap=overlap)
        np.testing.assert_array_equal(got, want)


def test_seams_are_those_of_one_long_run_in_the_middle(folder, random_network):
    """Patches that overlap differ less from one long run, and not at all far from their edges."""
    from small_unets import variables_of, written

    long = StemNetwork(written(folder, "spleeter-2stems", variables_of(2), patch=512))
    audio = music(11, 44100, 2)[:, : 470 * 1024]
    want = separated(long, audio, overlap=0)[0]
    errors = [
        np.sqrt(np.mean((separated(random_network, audio, overlap=overlap)[0] - want) ** 2))
        for overlap in (0, 64)
    ]
    assert errors[1] < 0.7 * errors[0]


def test_silence_stays_silent(random_network):
    assert not separated(random_network, np.zeros((2, 100000), np.float32)).any()


def test_clipped_and_non_finite_samples_pass(random_network):
    audio = np.clip(10 * music(2, 44100, 2), -1, 1)
    broken = audio.copy()
    broken[0, [7, 500]], broken[1, 50000] = np.nan, np.inf
    separator = Separator(random_network, 44100, 2)
    got = np.concatenate([separator.process(broken), separator.finish()], axis=2)
    assert np.isfinite(got).all()
    assert separator.replaced == 3
    audio[~np.isfinite(broken)] = 0
    np.testing.assert_array_equal(got, separated(random_network, audio))


def test_a_wiener_filter_nearly_keeps_the_sum(random_network):
    audio = music(4, 44100, 2)
    plain = separated(random_network, audio, above="average")
    filtered = separated(random_network, audio, above="average", wiener=1)
    assert np.abs(filtered - plain).max() > 1e-3
    inside = slice(5000, -5000)
    error = (filtered.sum(axis=0) - audio)[:, inside]
    assert np.sqrt(np.mean(error**2)) < 0.05 * np.sqrt(np.mean(audio**2))


def test_wrong_parameters_are_refused(random_network, probe):
    with pytest.raises(AudioError, match="6 channels; stems are separated from 1 or 2"):
        Separator(random_network, 44100, 6)
    with pytest.raises(AudioError, match=r"overlap is 100.*multiple of 64 from 0 to 64"):
        Separator(random_network, 44100, 2, overlap=100)
    with pytest.raises(AudioError, match="11 iterations"):
        Separator(random_network, 44100, 2, wiener=11)
    with pytest.raises(AudioError, match="4000 Hz"):
        Separator(random_network, 4000, 2)
    with pytest.raises(ModelError, match="0 threads"):
        StemNetwork("spleeter-2stems", threads=0)
    with pytest.raises(ModelError, match="no model of stems"):
        StemNetwork("scene")
    assert checked_overlap(512, None) == 128
