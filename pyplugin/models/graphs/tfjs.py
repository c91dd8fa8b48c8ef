"""TensorFlow.js networks: ``model.json`` with arrays in files beside it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graphdef import Attribute, GraphNode
from pyplugin.models.graphs.keras import KerasNetwork
from pyplugin.models.graphs.source import DAMAGE, NetworkSource
from pyplugin.models.graphs.tensorflow import FrozenGraph
from pyplugin.support.arrays import Array
from pyplugin.support.documents import DocumentError, parse_json

_TYPES = {"float32": "<f4", "int32": "<i4", "bool": "?", "float16": "<f2", "uint8": "u1"}
_TYPES |= {"uint16": "<u2", "int8": "i1"}
_KINDS = {"DT_FLOAT": 1, "DT_INT32": 3, "DT_INT64": 9, "DT_BOOL": 10}


def read_tfjs(text: str, read: Callable[[str], bytes], frames: int | None = None) -> NetworkSource:
    """Read a layers model or a graph model.

    Parameters
    ----------
    text
        Content of ``model.json``.
    read
        Returns the content of a file beside it.
    frames
        Size of a dimension of the input that the file leaves open.

    Raises
    ------
    ModelError
        The file is damaged, or of another kind.
    """
    try:
        whole = parse_json(text)
        topology = whole["modelTopology"]
        arrays = _arrays(whole["weightsManifest"], read)
        if "node" in topology:
            return FrozenGraph.of_nodes([_node(each, arrays) for each in topology["node"]], frames)
        config = topology.get("model_config", topology)
        by_layer: dict[str, dict[str, Array]] = {}
        for name, array in arrays.items():
            layer, _, last = name.rpartition("/")
            by_layer.setdefault(layer.split("/")[0], {})[last] = array
        version = str(topology.get("keras_version", ""))
        return KerasNetwork(config, _named_by_layer(config, by_layer), frames, version)
    except DocumentError as error:
        raise ModelError(f"The file is not JSON: {error}") from error
    except DAMAGE as error:
        raise ModelError(
            f"The file is damaged or no network of TensorFlow.js ({error})."
        ) from error


def _named_by_layer(
    config: Any, arrays: Mapping[str, dict[str, Array]]
) -> dict[str, dict[str, Array]]:
    """Give arrays of a wrapped layer the name of the layer around it too."""
    found = dict(arrays)
    inner = config["config"]
    for layer in inner if isinstance(inner, list) else inner["layers"]:
        wrapped = layer["config"].get("layer")
        if isinstance(wrapped, Mapping):
            name, own = layer["config"]["name"], wrapped["config"]["name"]
            if own in arrays:
                found.setdefault(name, dict(arrays[own]))
    return found


def _arrays(manifest: Any, read: Callable[[str], bytes]) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for group in manifest:
        data = b"".join(read(str(path)) for path in group["paths"])
        at = 0
        for entry in group["weights"]:
            array, at = _array(entry, data, at)
            found[str(entry["name"])] = array
    return found


def _array(entry: Any, data: bytes, at: int) -> tuple[Array, int]:
    packed = entry.get("quantization")
    kind = np.dtype(_TYPES[(packed or entry)["dtype"]])
    shape = [int(size) for size in entry["shape"]]
    count = int(np.prod(shape, dtype=np.float64))
    end = at + count * kind.itemsize
    if min(shape, default=0) < 0 or end > len(data):
        raise ModelError("The arrays of the network are cut off.")
    values: Array = np.frombuffer(data[at:end], kind).reshape(shape)
    if packed and "scale" in packed:
        values = values.astype(np.float32) * np.float32(packed["scale"])
        values = values + np.float32(packed["min"])
    elif packed:
        values = values.astype(np.float32)
    return values, end


def _node(entry: Any, arrays: Mapping[str, Array]) -> GraphNode:
    node = GraphNode(
        str(entry["name"]), str(entry["op"]), [str(each) for each in entry.get("input", ())]
    )
    for name, value in entry.get("attr", {}).items():
        node.attributes[str(name)] = _attribute(value)
    if node.op == "Const":
        node.attributes["value"] = Attribute(tensor=arrays[node.name])
    return node


def _attribute(value: Any) -> Attribute:
    made = Attribute()
    items = value.get("list") or {}
    made.integers = [int(each) for each in items.get("i", ())]
    made.texts = [_text(each) for each in items.get("s", ())]
    made.text = _text(value["s"]) if "s" in value else ""
    made.integer = int(value.get("i", 0))
    made.real = float(value.get("f", 0.0))
    made.flag = bool(value.get("b", False))
    made.kind = _KINDS.get(value.get("type"), 0)
    shape = value.get("shape") or {}
    made.shape = [int(each.get("size", 0)) for each in shape.get("dim", ())]
    return made


def _text(value: Any) -> str:
    try:
        return base64.b64decode(value, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return str(value)
