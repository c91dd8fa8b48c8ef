"""Keras networks: a configuration in JSON, and arrays by layer; without Keras.

``.h5`` and ``.keras`` files need h5py. Layers that hold code (``Lambda``) are refused, as is all
that is not in :data:`LAYERS`.
"""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graph import Amounts, GraphBuilder, Value, constant
from pyplugin.models.graphs.hdf5 import read_hdf5
from pyplugin.models.graphs.source import (
    DAMAGE,
    OpenShapeError,
    UntranslatedError,
    in_order,
    input_shape,
)
from pyplugin.support.arrays import Array
from pyplugin.support.documents import DocumentError, parse_json

Arrays = Mapping[str, Array]
"""A layer's arrays by their last names: ``kernel``, ``bias``, ``gamma`` …"""

_WHOLE = "model_weights/"  # where the arrays of a network saved whole are
_MOST_LAYERS, _MOST_STEPS = 10_000, 4096
_CONFIG_LIMIT = 64 << 20


class KerasNetwork:
    """A :class:`pyplugin.models.graphs.source.NetworkSource` of a Keras configuration.

    Parameters
    ----------
    config
        ``{"class_name": "Sequential" | "Model" | "Functional", "config": …}``.
    arrays
        By the name of the layer.
    frames
        Size of a dimension of the input that the configuration leaves open.
    version
        Keras' version that wrote it: a hard sigmoid has another slope since 3.

    Raises
    ------
    ModelError
        The configuration is not one, or has no input of a known shape.
    """

    framework = "keras"

    def __init__(
        self,
        config: Any,
        arrays: Mapping[str, Arrays],
        frames: int | None = None,
        version: str = "",
    ) -> None:
        self.title = ""
        self._slope = 1 / 6 if version.startswith("3") else 0.2
        self.builder = GraphBuilder()
        self.inputs: dict[str, Value] = {}
        self._arrays = arrays
        try:
            self._layers = _layers(config)
            if isinstance(config["config"], Mapping):
                self.title = str(config["config"].get("name", ""))
            self._read = {name: _sources(name, each) for name, each in self._layers.items()}
            self._chain(config)
            self._start(frames)
        except DAMAGE as error:
            raise ModelError(f"The configuration of the network is damaged ({error}).") from error
        self.names = [name for name in self._layers if name not in self.inputs]
        used = {source for sources in self._read.values() for source in sources}
        self.ends = [name for name in self.names if name not in used]
        self._values: dict[str, Value] = dict(self.inputs)

    def _chain(self, config: Mapping[str, Any]) -> None:
        """Give the layers of a sequential network their sources, and an input where it has none."""
        if config["class_name"] != "Sequential":
            return
        first = next(iter(self._layers))
        if self._layers[first]["class_name"] != "InputLayer":
            size = self._layers[first]["config"].get("batch_input_shape")
            size = size or self._layers[first]["config"].get("batch_shape")
            entry = {"class_name": "InputLayer", "config": {"batch_input_shape": size}}
            self._layers = {"input": entry, **self._layers}
        names = list(self._layers)
        self._read = {name: [before] for before, name in itertools.pairwise(names)}
        self._read[names[0]] = []

    def _start(self, frames: int | None) -> None:
        unknown: tuple[str, list[int]] | None = None
        for name, layer in self._layers.items():
            if layer["class_name"] != "InputLayer":
                continue
            given = layer["config"].get("batch_input_shape") or layer["config"].get("batch_shape")
            sizes = [-1 if size is None else int(size) for size in given or ()]
            shape = input_shape(sizes, frames)
            if shape is None:
                unknown = (name, sizes)
            else:
                self.inputs[name] = self.builder.input(name, shape)
        if not self.inputs:
            if unknown is not None:
                raise OpenShapeError(*unknown)
            raise ModelError("The network has no input.")

    def kind(self, name: str) -> str:
        """Return Keras' name of a layer's class."""
        return str(self._layers[name]["class_name"])

    def value(self, name: str) -> Value:
        """Return the result of a layer."""
        for layer in in_order(name, self._values, self._needed):
            self._values[layer] = self._translated(layer)
        return self._values[name]

    def _needed(self, name: str) -> list[str]:
        if name not in self._layers:
            raise ModelError(f"The network has no layer {name!r}, which another one reads.")
        return self._read[name]

    def _translated(self, name: str) -> Value:
        layer = self._layers[name]
        inputs = [self._values[each] for each in self._read[name]]
        return self._apply(layer["class_name"], name, layer["config"], inputs)

    def _apply(self, kind: str, name: str, config: Any, inputs: list[Value]) -> Value:
        translate = LAYERS.get(str(kind))
        if translate is None:
            what = "holds code, which is never run" if kind == "Lambda" else "is not known here"
            raise UntranslatedError(f"The layer {name!r} is of the class {kind}, which {what}.")
        try:
            return translate(self, config, self._arrays.get(name, {}), inputs)
        except ModelError as error:
            raise UntranslatedError(f"Layer {name!r} ({kind}): {error}.") from None
        except DAMAGE as error:
            raise ModelError(f"Layer {name!r} ({kind}) is damaged ({error}).") from error

    def activated(self, x: Value, name: Any) -> Value:
        """Apply an activation by its name."""
        build = self.builder
        if name in (None, "linear"):
            return x
        if name == "softmax":
            return build.softmax(x)
        if name in ("swish", "silu"):
            return build.binary("mul", x, build.unary("sigmoid", x))
        if name == "hard_sigmoid":
            slope = build.binary("mul", x, constant(np.float32(self._slope)))
            raised = build.binary("add", slope, constant(np.float32(0.5)))
            above = build.binary("maximum", raised, constant(np.float32(0)))
            return build.binary("minimum", above, constant(np.float32(1)))
        if name in ("relu", "relu6", "elu", "sigmoid", "tanh", "exp"):
            return build.unary(name, x)
        raise ModelError(f"the activation {name!r} is not known here")


_Translate = Callable[[KerasNetwork, Any, Arrays, list[Value]], Value]


def _channels_last(config: Any) -> None:
    if config.get("data_format", "channels_last") != "channels_last":
        raise ModelError("channels that come first")


def _pair(value: Any) -> tuple[int, int]:
    """Return two numbers; one is that of the first axis, of an image of width 1."""
    numbers = [int(each) for each in value] if isinstance(value, Sequence) else [int(value)] * 2
    return numbers[0], numbers[1]


def _conv_2d(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    _channels_last(config)
    y = net.builder.conv(
        inputs[0],
        arrays["kernel"],
        arrays.get("bias"),
        stride=_pair(config["strides"]),
        dilation=_pair(config.get("dilation_rate", 1)),
        padding=config["padding"],
        groups=int(config.get("groups", 1)),
    )
    return net.activated(y, config.get("activation"))


def _depthwise(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    _channels_last(config)
    kernel = arrays.get("depthwise_kernel", arrays.get("kernel"))
    if kernel is None:
        raise KeyError("depthwise_kernel")
    height, width, channels, each = kernel.shape
    y = net.builder.conv(
        inputs[0],
        kernel.reshape(height, width, 1, channels * each),
        arrays.get("bias"),
        stride=_pair(config["strides"]),
        dilation=_pair(config.get("dilation_rate", 1)),
        padding=config["padding"],
        groups=channels,
    )
    return net.activated(y, config.get("activation"))


def _separable(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    first = {"depthwise_kernel": arrays["depthwise_kernel"]}
    y = _depthwise(net, {**config, "activation": None}, first, inputs)
    y = net.builder.conv(y, arrays["pointwise_kernel"], arrays.get("bias"))
    return net.activated(y, config.get("activation"))


def _conv_1d(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    kernel = arrays["kernel"][:, None]
    flat = {
        "strides": (_first(config["strides"]), 1),
        "dilation_rate": (_first(config.get("dilation_rate", 1)), 1),
        "padding": config["padding"],
        "activation": config.get("activation"),
    }
    build, x = net.builder, inputs[0]
    image = build.reshape(x, (1, x.shape[1], 1, x.shape[2]))
    if config["padding"] == "causal":
        before = (kernel.shape[0] - 1) * flat["dilation_rate"][0]
        image = build.pad(image, ((0, 0), (before, 0), (0, 0), (0, 0)))
        flat["padding"] = "valid"
    y = _conv_2d(net, flat, {**arrays, "kernel": kernel}, [image])
    return build.reshape(y, (1, y.shape[1], y.shape[3]))


def _first(value: Any) -> int:
    return int(value[0]) if isinstance(value, Sequence) else int(value)


def _pool(kind: str, axes: int) -> _Translate:
    def translate(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
        _channels_last(config)
        size, stride = config["pool_size"], config.get("strides") or config["pool_size"]
        build, x = net.builder, inputs[0]
        if axes == 2:
            return build.pool(kind, x, _pair(size), stride=_pair(stride), padding=config["padding"])
        image = build.reshape(x, (1, x.shape[1], 1, x.shape[2]))
        pair = (_first(size), 1), (_first(stride), 1)
        y = build.pool(kind, image, pair[0], stride=pair[1], padding=config["padding"])
        return build.reshape(y, (1, y.shape[1], y.shape[3]))

    return translate


def _whole(kind: str) -> _Translate:
    def translate(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
        _channels_last(config)
        axes = range(1, len(inputs[0].shape) - 1)
        return net.builder.reduce(kind, inputs[0], axes, keep=bool(config.get("keepdims")))

    return translate


def _dense(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    y = net.builder.dense(inputs[0], arrays["kernel"], arrays.get("bias"))
    return net.activated(y, config.get("activation"))


def _norm(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    mean, variance = (arrays[key].astype(np.float64) for key in ("moving_mean", "moving_variance"))
    scale = arrays.get("gamma", np.ones_like(mean)) / np.sqrt(variance + float(config["epsilon"]))
    shift = arrays.get("beta", np.zeros_like(mean)) - mean * scale
    axis, rank = config.get("axis", -1), len(inputs[0].shape)
    shape = [1] * rank
    shape[(axis[0] if isinstance(axis, Sequence) else axis) % rank] = -1
    x = net.builder.binary("mul", inputs[0], constant(scale.astype("f4").reshape(shape)))
    return net.builder.binary("add", x, constant(shift.astype("f4").reshape(shape)))


def _zeros(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    _channels_last(config)
    given = config["padding"]
    if isinstance(given, int):
        given = [given] * 2
    around: Amounts = tuple(
        (each, each) if isinstance(each, int) else (int(each[0]), int(each[1])) for each in given
    )
    rank = len(inputs[0].shape)
    if rank == 3:  # of one axis: before and after
        around = (tuple(int(each) for each in given),)  # type: ignore[assignment]
    return net.builder.pad(inputs[0], ((0, 0), *around, (0, 0)))


def _joined(kind: str) -> _Translate:
    def translate(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
        if kind == "concat":
            return net.builder.concat(inputs, int(config.get("axis", -1)))
        y = inputs[0]
        for x in inputs[1:]:
            y = net.builder.binary(kind, y, x)
        return y

    return translate


def _shaped(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    return net.builder.reshape(inputs[0], (1, *config["target_shape"]))


def _permuted(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    return net.builder.transpose(inputs[0], (0, *config["dims"]))


def _leaky(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    slope = config.get("alpha", config.get("negative_slope", 0.3))
    return net.builder.leaky_relu(inputs[0], float(slope))


def _elu(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    if float(config.get("alpha", 1.0)) != 1.0:
        raise ModelError("an ELU with another alpha than 1")
    return net.builder.unary("elu", inputs[0])


def _relu(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    if config.get("threshold") or config.get("negative_slope"):
        raise ModelError("a ReLU with a threshold or a slope")
    most = config.get("max_value")
    if most not in (None, 6, 6.0):
        raise ModelError(f"a ReLU with a maximum of {most}")
    return net.builder.unary("relu" if most is None else "relu6", inputs[0])


def _each_step(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    inner = config["layer"]
    if inner["class_name"] not in ("Dense", "Activation", "Dropout"):
        raise ModelError(f"{inner['class_name']} at each step is not known here")
    return LAYERS[inner["class_name"]](net, inner["config"], arrays, inputs)


def _gru(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    """Unroll a GRU over its steps; both conventions of the reset gate."""
    if config.get("go_backwards"):
        raise ModelError("a GRU that goes backwards")
    build, x, units = net.builder, inputs[0], int(config["units"])
    if x.shape[1] > _MOST_STEPS:
        raise ModelError(f"a GRU of {x.shape[1]} steps; {_MOST_STEPS} are possible")
    after = bool(config.get("reset_after"))
    bias = arrays.get("bias", np.zeros((2, 3 * units) if after else 3 * units))
    own = bias[0] if after else bias
    given = build.dense(build.reshape(x, x.shape[1:]), arrays["kernel"], own)
    inner = arrays["recurrent_kernel"]
    inner_bias = bias[1] if after else np.zeros(3 * units)
    gate, act = config.get("recurrent_activation", "sigmoid"), config.get("activation", "tanh")

    def part(value: Value, number: int) -> Value:
        return build.slice(value, [(0, 1, 1), (number * units, (number + 1) * units, 1)])

    state, states = constant(np.zeros((1, units), np.float32)), []
    for step in range(x.shape[1]):
        row = build.slice(given, [(step, step + 1, 1), (0, 3 * units, 1)])
        through = build.dense(state, inner[:, : 2 * units], inner_bias[: 2 * units])
        update, reset = (
            net.activated(build.binary("add", part(row, n), part(through, n)), gate)
            for n in range(2)
        )
        last = inner[:, 2 * units :], inner_bias[2 * units :]
        if after:
            kept = build.binary("mul", build.dense(state, *last), reset)
        else:
            kept = build.dense(build.binary("mul", reset, state), *last)
        fresh = net.activated(build.binary("add", part(row, 2), kept), act)
        change = build.binary("sub", state, fresh)
        state = build.binary("add", fresh, build.binary("mul", update, change))
        states.append(state)
    if not config.get("return_sequences"):
        return state
    return build.reshape(build.concat(states, 0), (1, len(states), units))


def _same(net: KerasNetwork, config: Any, arrays: Arrays, inputs: list[Value]) -> Value:
    return inputs[0]


LAYERS: dict[str, _Translate] = {
    "Conv2D": _conv_2d,
    "Conv1D": _conv_1d,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Dense": _dense,
    "BatchNormalization": _norm,
    "MaxPooling2D": _pool("max_pool", 2),
    "MaxPooling1D": _pool("max_pool", 1),
    "AveragePooling2D": _pool("mean_pool", 2),
    "AveragePooling1D": _pool("mean_pool", 1),
    "GlobalAveragePooling2D": _whole("mean"),
    "GlobalAveragePooling1D": _whole("mean"),
    "GlobalMaxPooling2D": _whole("reduce_max"),
    "GlobalMaxPooling1D": _whole("reduce_max"),
    "Activation": lambda net, config, arrays, x: net.activated(x[0], config["activation"]),
    "Softmax": lambda net, config, arrays, x: net.builder.softmax(x[0]),
    "ReLU": _relu,
    "LeakyReLU": _leaky,
    "ELU": _elu,
    "Flatten": lambda net, config, arrays, x: net.builder.reshape(x[0], (1, -1)),
    "Reshape": _shaped,
    "Permute": _permuted,
    "ZeroPadding2D": _zeros,
    "ZeroPadding1D": _zeros,
    "Concatenate": _joined("concat"),
    "Add": _joined("add"),
    "Multiply": _joined("mul"),
    "Maximum": _joined("maximum"),
    "TimeDistributed": _each_step,
    "GRU": _gru,
    "Dropout": _same,
    "SpatialDropout1D": _same,
    "SpatialDropout2D": _same,
    "GaussianNoise": _same,
    "ActivityRegularization": _same,
}
"""Translations by Keras' names of the classes."""


def _layers(config: Any) -> dict[str, Any]:
    """Return the layers by name, in the order of the file."""
    inner = config["config"]
    layers = inner if isinstance(inner, list) else inner["layers"]
    if config["class_name"] not in ("Sequential", "Model", "Functional") or not layers:
        raise ModelError(f"A network of the class {config['class_name']!r} is not known here.")
    if len(layers) > _MOST_LAYERS:
        raise ModelError(f"The network has more than {_MOST_LAYERS} layers.")
    return {str(layer["config"].get("name", layer.get("name"))): layer for layer in layers}


def _sources(name: str, layer: Any) -> list[str]:
    """Return the names of the layers that a layer reads."""
    nodes = layer.get("inbound_nodes") or []
    if len(nodes) > 1:
        raise ModelError(f"The layer {name!r} is used more than once.")
    if not nodes:
        return []
    if isinstance(nodes[0], Mapping):  # Keras 3
        return list(_histories(nodes[0]["args"]))
    return [str(source[0]) for source in nodes[0]]


def _histories(value: Any) -> Sequence[str]:
    if isinstance(value, Mapping):
        history = value.get("config", {}).get("keras_history")
        return [str(history[0])] if history else []
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [name for each in value for name in _histories(each)]
    return []


# ---- files


def read_h5(data: bytes, frames: int | None = None) -> KerasNetwork:
    """Read an ``.h5`` file that has its configuration.

    Raises
    ------
    ModelError
        It is damaged, has weights only, or h5py is missing.
    """
    arrays, texts = h5_arrays(data)
    text = texts.get("model_config")
    if text is None:
        raise ModelError(
            "The file has weights only, not the network that they belong to. Load them into it "
            "with Keras, save both with model.save('network.keras'), and import that."
        )
    return KerasNetwork(_json(text), arrays, frames, texts.get("keras_version", ""))


def h5_arrays(data: bytes) -> tuple[dict[str, dict[str, Array]], dict[str, str]]:
    """Return the arrays by layer and last name of an ``.h5`` file, and its texts.

    Raises
    ------
    ModelError
        It is damaged, or h5py is missing.
    """
    file = read_hdf5(data)
    whole = any(path.startswith(_WHOLE) for path in file.arrays)
    found: dict[str, dict[str, Array]] = {}
    for path, values in file.arrays.items():
        layer, _, rest = path.removeprefix(_WHOLE).partition("/")
        if path.startswith(_WHOLE) == whole and rest:
            found.setdefault(layer, {})[rest.rsplit("/", 1)[-1].split(":")[0]] = values
    return found, file.texts


def read_keras(data: bytes, frames: int | None = None) -> KerasNetwork:
    """Read a ``.keras`` file: a zip with the configuration and an ``.h5`` of the weights.

    Raises
    ------
    ModelError
        It is damaged, or h5py is missing.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in ("config.json", "model.weights.h5"):
                if archive.getinfo(name).file_size > 1 << 30:
                    raise ModelError(f"The file's {name} is larger than 1 GiB.")
            config = _json(archive.read("config.json").decode())
            weights = archive.read("model.weights.h5")
    except ModelError:
        raise
    except Exception as error:  # of damage zipfile raises anything
        raise ModelError(f"The file is damaged or not one of Keras ({error}).") from error
    arrays = read_hdf5(weights).arrays
    try:
        named = _keras_3_arrays(config, arrays)
    except DAMAGE as error:
        raise ModelError(f"The configuration of the network is damaged ({error}).") from error
    return KerasNetwork(config, named, frames, "3")


_VARIABLES = {
    "Conv2D": ("kernel", "bias"),
    "Conv1D": ("kernel", "bias"),
    "Dense": ("kernel", "bias"),
    "DepthwiseConv2D": ("depthwise_kernel", "bias"),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "GRU": ("kernel", "recurrent_kernel", "bias"),
}


def _keras_3_arrays(config: Any, arrays: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Name the numbered variables of Keras 3, which are in groups named by class and number."""
    found: dict[str, dict[str, Array]] = {}
    counts: dict[str, int] = {}
    for name, layer in _layers(config).items():
        stem = _snake(layer["class_name"])
        number = counts.get(stem, 0)
        counts[stem] = number + 1
        group = f"layers/{stem}_{number}" if number else f"layers/{stem}"
        if not any(path.startswith(f"{group}/") for path in arrays):
            group = f"_layer_checkpoint/{name}"
        inner = f"{group}/cell/vars"
        if not any(path.startswith(f"{inner}/") for path in arrays):
            inner = f"{group}/vars"
        kinds = _VARIABLES.get(layer["class_name"], ())
        names = [each for each in kinds if _has(each, layer["config"])]
        found[name] = {
            each: arrays[f"{inner}/{index}"]
            for index, each in enumerate(names)
            if f"{inner}/{index}" in arrays
        }
    return found


def _has(variable: str, config: Mapping[str, Any]) -> bool:
    switch = {"bias": "use_bias", "gamma": "scale", "beta": "center"}.get(variable)
    return switch is None or bool(config.get(switch, True))


def _snake(name: str) -> str:
    """Return a class's name as Keras writes it: ``BatchNormalization``, ``batch_normalization``.

    Examples
    --------
    >>> _snake("Conv2D"), _snake("BatchNormalization"), _snake("GlobalAveragePooling2D")
    ('conv2d', 'batch_normalization', 'global_average_pooling2d')
    """
    text = ""
    for before, letter in zip(" " + name, name, strict=False):
        text += f"_{letter}" if letter.isupper() and before.islower() else letter
    return text.lower()


def _json(text: str) -> Any:
    if len(text) > _CONFIG_LIMIT:
        raise ModelError("The configuration of the network has more than 64 MB.")
    try:
        return parse_json(text)
    except DocumentError as error:
        raise ModelError(f"The configuration of the network is damaged: {error}") from error
