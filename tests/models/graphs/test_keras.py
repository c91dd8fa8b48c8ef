"""Keras networks, against Keras where it is installed, and by hand."""

import io
import json
import zipfile

import numpy as np
import pytest

from pyplugin.errors import ModelError
from pyplugin.models.graphs.keras import LAYERS, KerasNetwork, h5_arrays, read_h5, read_keras
from pyplugin.models.graphs.source import OpenShapeError, graph_of

RNG = np.random.default_rng(13)


def dense(name, units, activation, **rest):
    config = {"name": name, "units": units, "activation": activation, **rest}
    return {"class_name": "Dense", "config": config}


def sequential(*layers, shape=(None, 4)):
    entry = {"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": shape}}
    return {"class_name": "Sequential", "config": {"layers": [entry, *layers]}}


def run(source, x):
    return graph_of(source, {"y": source.ends[-1]}).run(x)["y"]


def test_a_sequential_network_by_hand():
    kernel, bias = RNG.normal(size=(4, 3)), RNG.normal(size=3)
    arrays = {"d": {"kernel": kernel, "bias": bias}}
    x = RNG.normal(size=(1, 4))
    for activation, function in {
        "linear": lambda y: y,
        "relu": lambda y: np.maximum(y, 0),
        "softmax": lambda y: np.exp(y) / np.exp(y).sum(),
        "sigmoid": lambda y: 1 / (1 + np.exp(-y)),
        "hard_sigmoid": lambda y: np.clip(0.2 * y + 0.5, 0, 1),
        "swish": lambda y: y / (1 + np.exp(-y)),
    }.items():
        source = KerasNetwork(sequential(dense("d", 3, activation)), arrays)
        np.testing.assert_allclose(run(source, x), function(x @ kernel + bias), atol=1e-6)


def test_code_is_never_run():
    layer = {"class_name": "Lambda", "config": {"name": "l", "function": ["code", None, None]}}
    source = KerasNetwork(sequential(layer), {})
    with pytest.raises(ModelError, match="holds code, which is never run"):
        source.value("l")


def test_what_is_not_known_is_named():
    with pytest.raises(ModelError, match="Mystery"):
        KerasNetwork(sequential({"class_name": "Mystery", "config": {"name": "m"}}), {}).value("m")
    with pytest.raises(OpenShapeError, match=r"in: \[\?, \?, 40\]"):
        KerasNetwork(sequential(dense("d", 1, None), shape=(None, None, 40)), {})
    with pytest.raises(ModelError, match="kernel"):
        KerasNetwork(sequential(dense("d", 3, None)), {}).value("d")


@pytest.mark.parametrize(
    "config",
    [
        *(None, {}, [], {"class_name": "Model", "config": {}}, 3),
        {"class_name": "X", "config": [1]},
        {"class_name": "Sequential", "config": [{"class_name": [], "config": {"name": "a"}}]},
    ],
)
def test_other_json_is_an_error(config):
    with pytest.raises(ModelError):
        KerasNetwork(config, {})


def test_files_that_are_none():
    pytest.importorskip("h5py", reason="needs h5py")
    with pytest.raises(ModelError, match="HDF5"):
        h5_arrays(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ModelError, match="Keras"):
        read_keras(b"PK\x03\x04" + bytes(100))
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("config.json", json.dumps(sequential()))
        with pytest.raises(ModelError, match=r"model\.weights\.h5"):
            read_keras(file.getvalue())


def test_weights_alone_are_not_a_network(tmp_path):
    h5py = pytest.importorskip("h5py", reason="needs h5py")
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.create_dataset("d/d/kernel:0", data=np.ones((4, 3), "f4"))
        file.attrs["layer_names"] = [b"d"]
    data = (tmp_path / "w.h5").read_bytes()
    assert h5_arrays(data)[0]["d"]["kernel"].shape == (4, 3)
    with pytest.raises(ModelError, match=r"weights only.*model\.save"):
        read_h5(data)


# ---- Keras itself


@pytest.fixture(scope="module")
def keras():
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    import keras

    keras.utils.set_random_seed(1)
    return keras


def networks(keras):
    layers = keras.layers

    def functional(shape, build):
        x = keras.Input(shape)
        return keras.Model(x, build(x))

    def residual(x):
        y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        y = layers.BatchNormalization()(y)
        z = layers.Conv2D(4, 1, strides=1, use_bias=False)(x)
        y = layers.Add()([y, z])
        y = layers.Concatenate()([y, layers.MaxPooling2D(3, 1, padding="same")(y)])
        y = layers.SeparableConv2D(6, (3, 2), activation="elu")(y)
        y = layers.DepthwiseConv2D(3, padding="same")(y)
        y = layers.AveragePooling2D((2, 2))(layers.Dropout(0.5)(y))
        return layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(y))

    yield functional((10, 8, 2), residual)

    def recurrent(x):
        y = layers.Conv1D(6, 3, padding="causal", activation="relu")(x)
        y = layers.MaxPooling1D(2)(y)
        y = layers.Conv1D(6, 3, dilation_rate=2, padding="same")(layers.ReLU()(y))
        y = layers.GRU(5, return_sequences=True)(y)
        y = layers.GRU(4, reset_after=False, recurrent_activation="hard_sigmoid")(y)
        return layers.Dense(3, activation="sigmoid")(y)

    yield functional((12, 4), recurrent)

    def shapes(x):
        y = layers.Permute((2, 1))(x)
        y = layers.Reshape((4, 3, 4))(y)
        y = layers.ZeroPadding2D(((1, 0), (2, 1)))(y)
        y = layers.LeakyReLU(negative_slope=0.2)(layers.GlobalMaxPooling2D(keepdims=True)(y))
        return layers.Softmax()(layers.Flatten()(layers.Multiply()([y, y])))

    yield functional((12, 4), shapes)
    yield keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(4, activation="tanh"),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
    )


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_networks_give_what_keras_gives(keras, tmp_path, number, suffix):
    pytest.importorskip("h5py", reason="needs h5py")
    model = list(networks(keras))[number]
    for weight in model.weights:  # norms that have seen something
        if "moving" in weight.path or "gamma" in weight.path:
            weight.assign(np.abs(RNG.normal(size=weight.shape)) + 0.5)
    path = tmp_path / f"model{suffix}"
    model.save(path)
    source = (read_keras if suffix == ".keras" else read_h5)(path.read_bytes())
    x = RNG.normal(size=(1, *model.input_shape[1:])).astype("f4")
    want = model.predict(x, verbose=0)
    np.testing.assert_allclose(run(source, x), want, atol=1e-5)


def test_every_layer_is_known_to_keras(keras):
    for name in LAYERS:
        assert hasattr(keras.layers, name)
