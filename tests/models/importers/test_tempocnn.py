"""TempoCNN's wheel: what is built from it, with weights of our own in its place."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.models.importers import importer, tempocnn
from pyplugin.models.wheel import Wheel

RNG = np.random.default_rng(31)


def network() -> bytes:
    """Return a network of Keras' with TempoCNN's input and values."""
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    layers = [
        {
            "class_name": "InputLayer",
            "config": {"name": "x", "batch_input_shape": [None, 40, None, 1]},
        },
        {"class_name": "GlobalAveragePooling2D", "config": {"name": "mean"}},
        {"class_name": "Dense", "config": {"name": "d", "activation": "softmax"}},
    ]
    config = {"class_name": "Sequential", "config": {"layers": layers}}
    with io.BytesIO() as file:
        with h5py.File(file, "w") as root:
            root.attrs["model_config"] = json.dumps(config)
            root.create_dataset("model_weights/d/d/kernel:0", data=RNG.normal(size=(1, 256)))
            root.create_dataset("model_weights/d/d/bias:0", data=np.zeros(256))
        return file.getvalue()


def test_networks_of_the_wheel_are_built(tmp_path, monkeypatch, run):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    path = tmp_path / "tempocnn.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tempocnn/models/fcn.h5", network())
        archive.writestr("tempocnn-0.0.8.dist-info/LICENSE", "AGPL")
    wheel = Wheel("tempocnn", path.name, hashlib.sha256(path.read_bytes()).hexdigest(), 1)
    monkeypatch.setattr(tempocnn, "WHEEL", wheel)
    code, _, err = run("models", "get", "tempocnn-fcn", "--from", path)
    assert code == 2
    assert "AGPL-3.0-only" in err
    assert "--accept-license" in err
    assert not (tmp_path / "models").exists()
    assert run("models", "get", "tempocnn-fcn", "--from", path, "--accept-license")[0] == 0
    card = registry.info("tempocnn-fcn")
    assert (card.labels[0], card.labels[-1], card.patch_frames) == ("30 BPM", "285 BPM", 256)
    assert (tmp_path / "models" / "LICENSE-tempocnn").read_text() == "AGPL"
    with pytest.raises(ModelError, match=r"cnn\.h5"):
        registry.get("tempocnn-cnn", source=path)


def test_every_network_has_a_name():
    names = [name for name in importer.names() if name.startswith("tempocnn-")]
    assert len(names) == len(set(names)) == 24
    assert "tempocnn-deeptemp-k8" in names
