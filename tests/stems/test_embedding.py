"""Embeddings of patches: where they begin, and what they are."""

import numpy as np
import pytest
from helpers import music

from pyplugin.errors import AudioError
from pyplugin.stems.embedding import embed_stems
from pyplugin.stems.spectra import Transform

pytest.importorskip("ai_edge_litert", reason="needs LiteRT")
PATCH = 128 * 1024 / 44100


def test_each_row_is_that_of_its_patch(random_network):
    audio = music(10, 44100, 2)
    got = embed_stems(audio, 44100, model=random_network)
    spectra = np.abs(Transform(random_network.front_end, 44100, 2).process(audio)[:, :1024])
    assert got.embeddings.shape == (3, 2 * (6 + 2 * 16))
    assert (got.window, got.hop) == (PATCH, PATCH)
    np.testing.assert_allclose(got.times, [0, PATCH, 2 * PATCH])
    for row, index in zip(got.embeddings, range(3), strict=True):
        patch = np.ascontiguousarray(spectra[128 * index : 128 * (index + 1)])
        np.testing.assert_allclose(row, random_network.run(patch)[1], atol=1e-6)


@pytest.mark.parametrize("hop", [0.5, 2.0, 5.0])
def test_the_hop_may_be_any(random_network, hop):
    audio = music(12, 44100, 1)
    step = round(hop * 44100 / 1024)
    got = embed_stems(audio[0], 44100, model=random_network, hop=hop)
    spectra = Transform(random_network.front_end, 44100, 2).process(np.repeat(audio, 2, axis=0))
    whole = (len(spectra) - 128) // step + 1
    assert whole <= len(got.times) <= whole + 1
    last = np.ascontiguousarray(np.abs(spectra[(whole - 1) * step :][:128, :1024]))
    np.testing.assert_allclose(got.embeddings[whole - 1], random_network.run(last)[1], atol=1e-6)


def test_a_short_recording_has_one(random_network):
    assert embed_stems(music(1, 8000, 1)[0], 8000, model=random_network).times.tolist() == [0]
    with pytest.raises(AudioError, match=r"hop is 0\.001 s"):
        embed_stems(np.zeros(44100), 44100, model=random_network, hop=0.001)
    with pytest.raises(AudioError, match="3 channels"):
        embed_stems(np.zeros((3, 44100)), 44100, model=random_network)
