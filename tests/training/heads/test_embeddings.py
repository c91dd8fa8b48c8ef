"""Embeddings of clips and their cache."""

import numpy as np
import pytest
import soundfile
from helpers import write_noise

import pyplugin
from pyplugin.errors import AudioError, PypluginError

pytest.importorskip("sklearn", reason="training needs scikit-learn: pip install 'tagnode[train]'")

from pyplugin.training.heads import embeddings
from pyplugin.training.heads.embeddings import embed, embed_all

RATE = 22050


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_embeddings_are_those_of_tag_and_are_kept(tmp_path, probe, cache, monkeypatch):
    path = write_noise(tmp_path / "x.wav", 0)
    expected = pyplugin.tag(path, model=probe.model, embedding="dense").embeddings
    np.testing.assert_array_equal(embed(path, probe.model, "dense"), expected)
    monkeypatch.setattr(embeddings, "tag", None)
    np.testing.assert_array_equal(embed(path, probe.model, "dense"), expected)
    (kept,) = cache.rglob("*.npy")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    kept.write_bytes(kept.read_bytes()[:60])  # damaged: made anew
    np.testing.assert_array_equal(embed(path, probe.model, "dense"), expected)


def test_the_cache_has_an_entry_for_each_file_and_layer(tmp_path, probe, cache):
    one, other = write_noise(tmp_path / "1.wav", 1), write_noise(tmp_path / "2.wav", 2)
    for path in (one, other):
        for layer in ("dense", "activations"):
            embed(path, probe.model, layer)
    assert len(list(cache.rglob("*.npy"))) == 4


@pytest.mark.usefixtures("cache")
def test_unusable_clips_are_listed_and_too_many_raise_an_error(tmp_path, probe):
    paths = [write_noise(tmp_path / f"{n}.wav", n) for n in range(6)]
    paths[2].write_text("no sound")
    soundfile.write(paths[4], np.zeros(0), RATE)
    done = []
    usable = [*paths, write_noise(tmp_path / "6.wav", 6), write_noise(tmp_path / "7.wav", 7)]
    embedded = embed_all(usable, probe.model, "dense", progress=lambda n, of: done.append((n, of)))
    assert [part is None for part in embedded.windows] == [n in (2, 4) for n in range(8)]
    assert len(embedded.skipped) == 2
    assert all(
        str(paths[n]) in message for n, message in zip((2, 4), embedded.skipped, strict=True)
    )
    assert done == [(n, 8) for n in range(1, 9)]
    with pytest.raises(PypluginError, match="2 of 6 clips cannot be used, too many"):
        embed_all(paths, probe.model, "dense")


@pytest.mark.usefixtures("cache")
def test_a_clip_with_non_finite_samples_is_rejected(tmp_path, probe):
    samples = np.random.default_rng(0).normal(0, 0.1, RATE)
    samples[[5, 70]] = np.nan, np.inf
    soundfile.write(tmp_path / "x.wav", samples, RATE, subtype="FLOAT")
    for _ in range(2):
        with pytest.raises(AudioError, match=r"x.wav: 2 of its samples are non-finite"):
            embed(tmp_path / "x.wav", probe.model, "dense")


@pytest.mark.usefixtures("cache")
def test_embeddings_that_are_not_finite_are_rejected(tmp_path, probe, monkeypatch):
    path = write_noise(tmp_path / "x.wav", 0)
    result = pyplugin.tag(path, model=probe.model, embedding="dense")
    result.embeddings[0, 0] = np.nan
    monkeypatch.setattr(embeddings, "tag", lambda *_, **__: result)
    with pytest.raises(AudioError, match="non-finite"):
        embed(path, probe.model, "dense")
