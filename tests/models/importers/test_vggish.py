"""VGGish: its full table of layers with weights of our own, against TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import music, published_weights

import pyplugin
from pyplugin.errors import ModelError
from pyplugin.inputs.recording import Recording
from pyplugin.models import registry
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importers import vggish
from pyplugin.models.importing import import_file
from pyplugin.support.arrays import Float32

CONVOLUTIONS = [
    ("conv1", 1, 64),
    ("conv2", 64, 128),
    ("conv3/conv3_1", 128, 256),
    ("conv3/conv3_2", 256, 256),
    ("conv4/conv4_1", 256, 512),
    ("conv4/conv4_2", 512, 512),
]
DENSE = [("fc1/fc1_1", 12288, 4096), ("fc1/fc1_2", 4096, 4096), ("fc2", 4096, 128)]
LAYER = "model/vggish/fc2/Relu"
OTHERS = ("model/vggish/pool3/MaxPool", "model/fully_connected/Relu")
POOLED = ("conv1", "conv2", "conv3/conv3_2", "conv4/conv4_2")


def weights() -> dict[str, Float32]:
    """He's initialisation, which keeps the size of the activations."""
    random = np.random.default_rng(5)
    shapes = {name: (3, 3, ins, outs) for name, ins, outs in CONVOLUTIONS}
    shapes |= {name: (ins, outs) for name, ins, outs in DENSE}
    found: dict[str, Float32] = {}
    for name, shape in shapes.items():
        scale = np.float32(np.sqrt(24 / np.prod(shape[:-1])))
        found[f"vggish/{name}/weights"] = (random.random(shape, np.float32) - 0.5) * scale
        found[f"vggish/{name}/biases"] = random.standard_normal(shape[-1:], np.float32) * 0.1
    return found


class Original:
    """The graph of vggish_slim.py in TensorFlow, with its variables' names."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        tf1 = tf.compat.v1
        with tf.Graph().as_default():
            arrays = weights()
            variables = {
                name: tf1.get_variable(name, array.shape, use_resource=False)
                for name, array in arrays.items()
            }
            self.count = sum(array.size for array in arrays.values())
            self._input = tf1.placeholder(tf.float32, (None, 96, 64))
            x = self._input[..., None]
            for name, _, _ in CONVOLUTIONS:
                w, b = (variables[f"vggish/{name}/{kind}"] for kind in ("weights", "biases"))
                x = tf.nn.relu(tf.nn.conv2d(x, w, 1, "SAME") + b)
                if name in POOLED:
                    x = tf.nn.max_pool2d(x, 2, 2, "SAME")
            x = tf.reshape(x, (-1, 12288))
            for name, _, _ in DENSE:
                w, b = (variables[f"vggish/{name}/{kind}"] for kind in ("weights", "biases"))
                x = x @ w + b
                x = tf.nn.relu(x) if name != "fc2" else x
            self._output = x
            self.session = tf1.Session()
            for name, array in arrays.items():
                variables[name].load(array, self.session)
            saver = tf1.train.Saver(write_version=tf1.train.SaverDef.V1)
            self.path = Path(saver.save(self.session, str(folder / "vggish_model.ckpt")))

    def __call__(self, patches: Float32) -> Float32:
        found: Float32 = self.session.run(self._output, {self._input: patches})
        return found


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Original]:
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    made = Original(tmp_path_factory.mktemp("original"))
    yield made
    made.session.close()


@pytest.fixture(scope="module")
def built(original: Original, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    (path,) = registry.get("vggish", source=original.path, folder=folder)
    return path


def test_it_gives_what_tensorflow_gives_from_audio_on(original: Original, built: Path) -> None:
    assert original.count == 72_141_184
    samples = music(3, 16000)
    card = registry.info(built)
    assert (card.labels, card.embedding, card.type) == ((), "embedding", "embedding")
    assert [(each.name, each.size) for each in card.outputs] == [("embedding", 128)]
    got = pyplugin.tag(samples, 16000, model=str(built), embedding="embedding", hop=0.48)
    assert (got.labels, got.activations.shape) == ([], (len(got.times), 0))
    mel = pyplugin.melspectrogram(samples, 16000, "vggish")  # tested against its formulas
    starts = range(0, len(mel) - 95, 48)
    want = original(np.stack([mel[start : start + 96] for start in starts]))
    assert got.embeddings is not None
    assert len(got.embeddings) == len(want) == 5
    np.testing.assert_allclose(got.embeddings, want, atol=1e-4 * np.abs(want).max())


def test_commands_take_a_model_that_has_no_labels(
    built: Path, clips: Path, tmp_path: Path, run: Any
) -> None:
    clip = min(clips.glob("*.ogg"))
    code, out, err = run("tag", clip, "--model", built)
    assert (code, out) == (2, "")
    assert "vggish has no labels, an embedding only" in err
    assert run("embed", clip, "--model", built, "--out", tmp_path / "e.npy")[0] == 0
    assert np.load(tmp_path / "e.npy").shape[1] == 128


def test_what_is_not_vggish_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"vggish needs vggish_model\.ckpt .*--from"):
        registry.get("vggish")
    with pytest.raises(ModelError, match=r"conv1 has none, expected \[3, 3, 1, 64\]"):
        vggish._arrays({})
    (tmp_path / "x.ckpt").write_bytes(bytes(100))
    with pytest.raises(ModelError, match="damaged"):
        registry.get("vggish", source=tmp_path / "x.ckpt", folder=tmp_path)


def test_essentias_small_vggish_gives_what_tensorflow_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clips: Path
) -> None:
    """A frozen graph of VGGish with a classifier, its layers at run time among them."""
    tf = pytest.importorskip("tensorflow", reason="needs tensorflow")
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path))
    path = published_weights() / "essentia-test-graphs" / "small_vggish_init.pb"
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    options = ImportOptions(
        name="small", labels=tmp_path / "labels.txt", output="model/Sigmoid", layers=(LAYER,)
    )
    import_file(path, options)
    clip = min(clips.glob("*.ogg"))
    with Recording(clip) as recording:
        samples = np.concatenate(list(recording), axis=1)
        rate = recording.sample_rate
    got = pyplugin.tag(samples, rate, model="small", embedding=registry.info("small").embedding)
    mel = pyplugin.melspectrogram(samples, rate, "vggish")
    starts = range(0, len(mel) - 95, 96)
    patches = np.stack([mel[start : start + 96] for start in starts])
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
        tf.import_graph_def(definition, name="")
        placeholders = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
        feed = {each: patches if each.dtype == tf.float32 else False for each in placeholders}
        wanted = ["model/Sigmoid:0", f"{LAYER}:0", *(f"{name}:0" for name in OTHERS)]
        tags, layer, *others = session.run(wanted, feed)
    assert got.embeddings is not None
    count = len(got.times)
    assert count >= len(tags) - 1 > 3
    np.testing.assert_allclose(got.activations[: len(tags)], tags[:count], atol=1e-5)
    want = layer.reshape(len(tags), -1)[:count]
    np.testing.assert_allclose(
        got.embeddings[: len(tags)], want, atol=1e-4 * max(np.abs(want).max(), 1e-3)
    )
    got = pyplugin.tag(samples, rate, model="small", layers=OTHERS)
    for name, other in zip(OTHERS, others, strict=True):
        want = other.reshape(len(tags), -1)[:count]
        np.testing.assert_allclose(got.layers[name][: len(tags)], want, atol=1e-5)
