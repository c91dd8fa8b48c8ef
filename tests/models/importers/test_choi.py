"""Choi's tagger: librosa's spectrogram and the network in numpy against the node."""

import json

import numpy as np
import pytest
from helpers import music, published_weights

import pyplugin
from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.graphs.keras import KerasNetwork, h5_arrays
from pyplugin.models.graphs.source import graph_of
from pyplugin.models.importers import choi
from pyplugin.support.shipped import shipped

librosa = pytest.importorskip("librosa", reason="needs librosa")

NORM = ("running_mean", "running_std", "gamma", "beta")


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


def test_the_convnet_has_the_measured_statistics(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    path = published_weights() / "choi" / "mode0_cnn_weights_theano.h5"
    (built,) = registry.get("choi-cnn", source=path)
    card = registry.info("choi-cnn")
    assert "lacks the statistics of its batch norms; these were measured on" in card.description
    samples = music(30, 12000)[0].astype(np.float64)
    got = pyplugin.tag(samples, 12000, model=str(built), hop=60)

    groups, _ = h5_arrays(path.read_bytes())
    norms = json.loads((shipped("models") / "choi-cnn.json").read_text())["norms"]
    mel = librosa.feature.melspectrogram(
        y=samples, sr=12000, n_fft=512, hop_length=256, n_mels=96, pad_mode="constant"
    )
    x = librosa.power_to_db(mel[:, :1366] ** 2, ref=1.0, amin=1e-10, top_db=80.0)[None, None]
    first = {name: groups["bn_0_freq"][f"bn_0_freq_{name}"] for name in NORM}
    x = (x - first["running_mean"]) / np.sqrt(first["running_std"] + 1e-3)
    x = x * first["gamma"] + first["beta"]
    for number, pool in enumerate(((2, 4), (2, 4), (2, 4), (3, 5), (4, 4)), 1):
        stored = groups[f"bn{number}"]
        assert not stored[f"bn{number}_running_mean"].any()
        assert (stored[f"bn{number}_running_std"] == 1).all()
        kernel = groups[f"conv{number}"][f"conv{number}_W"][:, :, ::-1, ::-1]  # Theano's order
        around = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(around, (3, 3), axis=(2, 3))
        x = np.einsum("bchwij,ocij->bohw", windows, kernel, optimize=True)
        x += groups[f"conv{number}"][f"conv{number}_b"][:, None, None]
        mean, variance = (np.array(norms[f"bn{number}"][key]) for key in ("mean", "variance"))
        x = (x - mean[:, None, None]) / np.sqrt(variance[:, None, None] + 1e-3)
        x = x * stored[f"bn{number}_gamma"][:, None, None]
        x = x + stored[f"bn{number}_beta"][:, None, None]
        x = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))
        height, width = x.shape[2] // pool[0], x.shape[3] // pool[1]
        x = x[:, :, : height * pool[0], : width * pool[1]]
        x = x.reshape(1, -1, height, pool[0], width, pool[1]).max(axis=(3, 5))
    logits = x.reshape(1, -1) @ groups["output"]["output_W"] + groups["output"]["output_b"]
    np.testing.assert_allclose(got.activations[:1], 1 / (1 + np.exp(-logits)), atol=1e-3)
    assert got.activations.max() > 0.05  # as stored it is nearly silent
