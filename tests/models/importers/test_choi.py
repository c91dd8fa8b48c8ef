"""Choi's tagger: librosa's spectrogram and the network in numpy against the node."""

import numpy as np
import pytest
from helpers import music, published_weights

import pyplugin
from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.graphs.keras import KerasNetwork, h5_arrays
from pyplugin.models.graphs.source import graph_of
from pyplugin.models.importers import choi

librosa = pytest.importorskip("librosa", reason="needs librosa")


def test_the_node_gives_what_librosa_and_the_network_give(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    path = published_weights() / "choi" / "music_tagger_crnn_weights_theano.h5"
    (built,) = registry.get("choi-crnn", source=path)
    assert registry.info("choi-crnn").license == "MIT"
    samples = music(31, 12000)[0].astype(np.float64)
    got = pyplugin.tag(samples, 12000, model=str(built), hop=60)

    mel = librosa.feature.melspectrogram(
        y=samples, sr=12000, n_fft=512, hop_length=256, n_mels=96, pad_mode="constant"
    )
    level = librosa.power_to_db(mel[:, :1366] ** 2, ref=1.0, amin=1e-10, top_db=80.0)
    groups, _ = h5_arrays(path.read_bytes())
    network = KerasNetwork(choi._config(), choi._arrays(groups), version="1")
    want = graph_of(network, {"y": "output"}).run(level.T)["y"]
    np.testing.assert_allclose(got.activations[:1], want, atol=1e-3)
    assert got.labels[0] == "rock"


def test_another_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    (tmp_path / "w.h5").write_bytes(b"\x89HDF")
    with pytest.raises(ModelError, match="SHA-256"):
        registry.get("choi-crnn", source=tmp_path / "w.h5")
    with pytest.raises(ModelError, match="lacks an array"):
        choi._arrays({"conv1": {"conv1_b": np.zeros(3)}})
