"""OpenL3: its full table of layers with weights of our own, against Keras, from audio on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import music

import pyplugin
from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers import openl3
from pyplugin.support.arrays import Float32

h5py = pytest.importorskip("h5py", reason="needs h5py")
librosa = pytest.importorskip("librosa", reason="needs librosa")

POOLS = {("mel128", 6144): (4, 8), ("mel128", 512): (16, 24)}
POOLS |= {("mel256", 6144): (8, 8), ("mel256", 512): (32, 24)}


def original() -> Any:
    """The audio network behind its spectrogram, as openl3/models.py builds it for any bands."""
    keras = pytest.importorskip("tensorflow", reason="needs tensorflow").keras
    layers = keras.layers
    keras.utils.set_random_seed(3)
    x = given = layers.Input((None, 199, 1))
    x = layers.BatchNormalization()(x)
    for filters in (64, 128, 256):
        for _ in range(2):
            x = layers.Conv2D(filters, 3, padding="same", kernel_initializer="he_normal")(x)
            x = layers.BatchNormalization()(x)
            x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D(2, strides=2)(x)
    x = layers.Conv2D(512, 3, padding="same", kernel_initializer="he_normal")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Activation("relu")(x)
    x = layers.Conv2D(512, 3, padding="same", name="audio_embedding_layer")(x)
    network = keras.Model(given, x)
    random = np.random.default_rng(4)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            size = layer.gamma.shape[0]
            near = random.uniform(0.8, 1.2, (4, size)) * [[1], [0.1], [0.1], [1]]
            layer.set_weights(list(near))
    return network


def write(network: Any, path: Path, *, older: bool) -> None:
    """Write the weights as Keras 2 lays them out, under numbers of a later session."""
    counts = {"Conv2D": 8, "BatchNormalization": 8}
    names = {"Conv2D": "conv2d", "BatchNormalization": "batch_normalization"}
    variables = {
        "Conv2D": ("kernel", "bias"),
        "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    }
    with h5py.File(path, "w") as file:
        if older:
            file["melspectrogram_1/melspectrogram_1/freq2mel:0"] = np.zeros((4, 4), np.float32)
        for layer in network.layers:
            kind = type(layer).__name__
            if kind not in counts:
                continue
            counts[kind] += 1
            name = f"{names[kind]}_{counts[kind]}"
            if layer.name == "audio_embedding_layer":
                name = layer.name
            for variable, array in zip(variables[kind], layer.get_weights(), strict=True):
                file[f"{name}/{name}/{variable}:0"] = array


@pytest.fixture(scope="module")
def network() -> Any:
    return original()


def front_end(samples: Float32, bands: int, *, older: bool) -> Float32:
    """The levels of all frames in dB: kapre 0.1.4's for `older`, else kapre 0.3.5's."""
    mel = librosa.feature.melspectrogram(
        y=samples.astype(np.float64),
        sr=48000,
        n_fft=2048,
        hop_length=242,
        n_mels=bands,
        power=2.0 if older else 1.0,
        htk=older,
        center=older,
        pad_mode="constant",
    )
    found: Float32 = 10 * np.log10(np.maximum(np.sqrt(mel) if older else mel, 1e-10)).T
    return found


@pytest.mark.filterwarnings("ignore:Empty filters")
@pytest.mark.parametrize(
    ("bands", "size", "older"),
    [
        ("mel256", 512, False),
        ("mel256", 6144, True),
        ("mel128", 6144, False),
        ("mel128", 512, True),
    ],
)
def test_it_gives_what_keras_gives_from_audio_on(
    bands: str, size: int, older: bool, network: Any, tmp_path: Path
) -> None:
    assert network.count_params() == 4_689_860
    path = tmp_path / f"openl3_audio_{bands}_music.h5"
    write(network, path, older=older)
    (built,) = registry.get(f"openl3-music-{bands}-emb{size}", source=path, folder=tmp_path)
    card = registry.info(built)
    assert (card.labels, card.license, card.default_hop) == ((), "CC-BY-4.0", 1.0)
    samples = music(2.2, 48000)
    got = pyplugin.tag(samples, 48000, model=str(built), embedding="embedding", hop=1.0)

    mel = front_end(samples[0], int(bands[3:]), older=older)
    starts = range(0, len(mel) - 198, 198)
    patches = np.stack([mel[start : start + 199] for start in starts])
    top = patches.max(axis=(1, 2), keepdims=True)
    patches = np.maximum(patches - top, -80).transpose(0, 2, 1)[..., None]
    maps = network.predict(patches, verbose=0)  # (n, bands / 8, 24, 512)
    height, width = POOLS[bands, size]
    shape = (len(maps), maps.shape[1] // height, height, 24 // width, width, 512)
    pooled = maps.reshape(shape).max(axis=(2, 4))
    assert got.embeddings is not None
    want = pooled.reshape(len(maps), -1)
    assert want.shape == (2, size)
    np.testing.assert_allclose(got.embeddings[:2], want, atol=2e-4 * np.abs(want).max())


def test_what_is_not_openl3_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"openl3-env-mel128-emb512 needs .*--from"):
        registry.get("openl3-env-mel128-emb512")
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["conv2d/conv2d/kernel:0"] = np.zeros(3, np.float32)
    with pytest.raises(ModelError, match="it has 0 batch norms and 1 convolutions"):
        registry.get("openl3-env-mel128-emb512", source=tmp_path / "x.h5", folder=tmp_path)
    groups = {f"batch_normalization_{n}": {"gamma": np.zeros(2)} for n in range(8)}
    groups |= {f"conv2d_{n}": {} for n in range(7)} | {"audio_embedding_layer": {}}
    with pytest.raises(ModelError, match=r"gamma of its layer 'batch_normalization_0' has \[2\]"):
        openl3._arrays(groups)
