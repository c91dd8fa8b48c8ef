"""Discogs-EffNet: recognised and imported as Essentia publishes it, a call in batches of 64.

Its weights are not to be had here; the network has the published input and outputs, and blocks of
EfficientNet with weights of our own. Its heads are those that Essentia publishes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import music, published_weights

import pyplugin
from pyplugin.errors import ModelError
from pyplugin.models import heads, registry
from pyplugin.models.importing import import_file, layers_in

NAME = "discogs-effnet-bs64-1"
BLOCKS = ((16, 3, 1), (24, 3, 2), (40, 5, 2))


class Original:
    """A stem, three blocks with squeeze and excitation, 1280 features, 400 styles."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self._random = np.random.default_rng(6)
        tf1 = tf.compat.v1

        @tf.function(autograph=False)
        def network(mel: Any) -> Any:
            return self._network(tf, mel)

        self._graph = tf.Graph()
        with self._graph.as_default():
            given = tf1.placeholder(
                tf.float32, (64, 128, 96), name="serving_default_melspectrogram"
            )
            with tf.control_dependencies([]):
                self._outputs = network(given)
        call = next(op for op in self._graph.get_operations() if "PartitionedCall" in op.type)
        self._name = call.name
        definition = self._graph.as_graph_def()
        for node in definition.node:
            if node.name == call.name:
                node.name = "PartitionedCall"
        kept = ("serving_default_melspectrogram", "PartitionedCall")
        for node in [node for node in definition.node if node.name not in kept]:
            definition.node.remove(node)
        path.write_bytes(definition.SerializeToString())
        self._session = tf1.Session(graph=self._graph)

    def _weights(self, *shape: int) -> Any:
        scale = np.sqrt(2 / np.prod(shape[:-1])).astype("f4")
        return self._random.standard_normal(shape, np.float32) * scale

    def _network(self, tf: Any, mel: Any) -> Any:
        def normed(x: Any) -> Any:
            size = x.shape[-1]
            parts = [self._random.uniform(0.5, 1.5, size).astype("f4") for _ in range(4)]
            return tf.nn.batch_normalization(
                x, parts[0] - 1, parts[1], parts[2] - 1, parts[3], 1e-3
            )

        x = mel[..., None]
        x = tf.nn.silu(normed(tf.nn.conv2d(x, self._weights(3, 3, 1, 32), 2, "SAME")))
        for size, kernel, stride in BLOCKS:
            inner = 4 * x.shape[-1]
            expanded = tf.nn.conv2d(x, self._weights(1, 1, x.shape[-1], inner), 1, "SAME")
            y = tf.nn.silu(normed(expanded))
            filters = self._weights(kernel, kernel, inner, 1) * np.float32(inner**0.5)
            y = tf.nn.depthwise_conv2d(y, filters, [1, stride, stride, 1], "SAME")
            y = tf.nn.silu(normed(y))
            squeezed = tf.reduce_mean(y, (1, 2), keepdims=True)
            squeezed = tf.nn.silu(tf.nn.conv2d(squeezed, self._weights(1, 1, inner, 8), 1, "SAME"))
            y *= tf.nn.sigmoid(tf.nn.conv2d(squeezed, self._weights(1, 1, 8, inner), 1, "SAME"))
            x = normed(tf.nn.conv2d(y, self._weights(1, 1, inner, size), 1, "SAME"))
        x = tf.nn.silu(normed(tf.nn.conv2d(x, self._weights(1, 1, 40, 1280), 1, "SAME")))
        x = tf.reshape(tf.reduce_mean(x, (1, 2)), (64, 1280))
        return tf.nn.sigmoid(x @ self._weights(1280, 400)), x

    def __call__(self, patches: Any) -> Any:
        batch = np.zeros((64, 128, 96), np.float32)
        batch[: len(patches)] = patches
        feed = {"serving_default_melspectrogram:0": batch}
        tags, embedding = self._session.run(list(self._outputs), feed)
        return tags[: len(patches)], embedding[: len(patches)]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Original]:
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    path = tmp_path_factory.mktemp("effnet") / f"{NAME}.pb"
    return path, Original(path)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    return tmp_path


def with_card(path: Path, folder: Path) -> Path:
    """Return a copy of the file, with Essentia's card beside it in what an import reads."""
    copied = folder / path.name
    copied.write_bytes(path.read_bytes())
    outputs = [
        {"name": "PartitionedCall:0", "shape": [64, 400], "output_purpose": "predictions"},
        {"name": "PartitionedCall:1", "shape": [64, 1200], "output_purpose": "embeddings"},
    ]
    card = {
        "name": "Effnet Discogs",
        "classes": [f"Style {number}" for number in range(400)],
        "schema": {"inputs": [], "outputs": outputs},
        "inference": {"sample_rate": 16000, "algorithm": "TensorflowPredictEffnetDiscogs"},
    }
    copied.with_suffix(".json").write_text(json.dumps(card))
    return copied


def patches_of(samples: Any) -> Any:
    mel = pyplugin.melspectrogram(samples, 16000, "essentia-musicnn")
    return np.stack([mel[start : start + 128] for start in range(0, len(mel) - 127, 62)])


def test_tags_and_embedding_are_those_of_tensorflow(
    files: tuple[Path, Original], folder: Path
) -> None:
    path, original = files
    assert {layer.name for layer in layers_in(path)} >= {"PartitionedCall", "PartitionedCall:1"}
    done = import_file(with_card(path, folder))
    card = registry.info(NAME)
    assert (done.kind, done.name, card.license) == ("model", NAME, "CC-BY-NC-SA-4.0")
    assert [(each.name, each.size) for each in card.outputs] == [
        ("activations", 400),
        ("embedding", 1280),
    ]
    samples = music(4, 16000)
    got = pyplugin.tag(samples, 16000, model=NAME, embedding="embedding")
    tags, embedding = original(patches_of(samples))
    assert len(got.times) == len(tags) == 2
    np.testing.assert_allclose(got.activations, tags, atol=1e-4)
    np.testing.assert_allclose(got.embeddings, embedding, atol=1e-4 * np.abs(embedding).max())


def test_its_heads_run_on_it(files: tuple[Path, Original], folder: Path) -> None:
    import_file(with_card(files[0], folder))
    folder_of_heads = published_weights() / "essentia-heads-discogs-effnet"
    path = folder_of_heads / "danceability-discogs-effnet-1.pb"
    cards = published_weights() / "essentia-json"
    head = folder / path.name
    head.write_bytes(path.read_bytes())
    head.with_suffix(".json").write_bytes((cards / f"{path.stem}.json").read_bytes())
    done = import_file(head)
    assert (done.kind, done.name, done.notes) == ("head", "danceability", ())
    import tensorflow as tf

    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    samples = music(4, 16000)
    embedding = files[1](patches_of(samples))[1]
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        tf.import_graph_def(definition, name="")
        given = next(op for op in graph.get_operations() if op.type == "Placeholder")
        want = session.run("model/Softmax:0", {given.outputs[0]: embedding})
    got = pyplugin.tag(samples, 16000, heads=["danceability"])
    assert got.model == NAME
    np.testing.assert_allclose(got.heads["danceability"].activations, want, atol=1e-4)


def test_a_head_without_its_model_names_the_command(folder: Path, run: Any) -> None:
    stages = (heads.Dense(np.zeros((2, 1280)), np.zeros(2), "softmax"),)
    labels = ("sad", "non_sad")
    heads.save(heads.Head("mood_sad", labels, NAME, "embedding", 1280, False, stages))
    words = rf"mood_sad runs on the model {NAME}, .* `tagnode models import {NAME}\.pb`"
    with pytest.raises(ModelError, match=words):
        pyplugin.tag(np.zeros(16000), 16000, heads=["mood_sad"])
    code, _, err = run("tag", "x.wav", "--head", "mood_sad")
    assert code == 2
    assert f"tagnode models import {NAME}.pb" in err
