"""A float .tflite network as a graph model of TensorFlow.js: model.json and weights.bin."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.patch import interpreter_of
from pyplugin.models.tflite_file import FileOperator, TfliteFile

_FLOAT = {"type": "DT_FLOAT"}
_PADDING = ("SAME", "VALID")  # by the numbers of .tflite files


def write(file: Path, folder: Path) -> str:
    """Write a network, and return the name of the output "activations"."""
    graph = _Graph(file)
    for operator in graph.file.operators:
        _WRITERS[operator.kind](graph, operator)
    content = b"".join(values.tobytes() for values in graph.constants.values())
    weights = [
        {"name": name, "shape": list(values.shape), "dtype": values.dtype.name}
        for name, values in graph.constants.items()
    ]
    model = {
        "format": "graph-model",
        "modelTopology": {"node": graph.nodes, "versions": {}},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": weights}],
    }
    folder.mkdir()
    (folder / "weights.bin").write_bytes(content)
    (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
    return f"t{graph.file.tensor('activations')}"


class _Graph:
    """The nodes that are written; the result of a tensor with number i is "ti"."""

    def __init__(self, file: Path) -> None:
        self.file = TfliteFile(file.read_bytes())
        self._read = interpreter_of(file).get_tensor
        self.nodes: list[dict[str, Any]] = []
        self.constants: dict[str, npt.NDArray[Any]] = {}
        self._made = {self.file.source}
        shape = {"dim": [{"size": str(size)} for size in self.file.shape(self.file.source)]}
        attributes = {"dtype": _FLOAT, "shape": {"shape": shape}}
        self.nodes.append({"name": f"t{self.file.source}", "op": "Placeholder", "attr": attributes})

    def values(self, tensor: int) -> npt.NDArray[Any]:
        return self._read(tensor)

    def constant(self, values: npt.NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        kind = {"float32": "DT_FLOAT", "int32": "DT_INT32"}[values.dtype.name]
        self.constants[name] = np.ascontiguousarray(values)
        self.nodes.append({"name": name, "op": "Const", "attr": {"dtype": {"type": kind}}})
        return name

    def input(self, tensor: int) -> str:
        return f"t{tensor}" if tensor in self._made else self.constant(self.values(tensor))

    def add(self, operator: FileOperator, kind: str, inputs: list[str], **attributes: Any) -> None:
        if getattr(operator.options, "fusedActivationFunction", 0):
            raise ValueError(f"{operator.kind} with a fused activation is not written")
        (output,) = operator.outputs
        self._made.add(output)
        attributes = {"T": _FLOAT, **attributes}
        self.nodes.append({"name": f"t{output}", "op": kind, "input": inputs, "attr": attributes})


def _plain(kind: str, **attributes: Any) -> Callable[[_Graph, FileOperator], None]:
    def written(graph: _Graph, operator: FileOperator) -> None:
        graph.add(operator, kind, [graph.input(each) for each in operator.inputs], **attributes)

    return written


def _text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _integers(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


_WITH_BIAS = {"fused_ops": {"list": {"s": [_text("BiasAdd")]}}, "num_args": {"i": "1"}}


def _sliding(options: Any) -> dict[str, Any]:
    return {
        "strides": _integers(1, options.strideH, options.strideW, 1),
        "padding": {"s": _text(_PADDING[options.padding])},
        "data_format": {"s": _text("NHWC")},
    }


def _convolution(graph: _Graph, operator: FileOperator) -> None:
    source, kernel, bias = operator.inputs
    inputs = [graph.values(kernel).transpose(1, 2, 3, 0), graph.values(bias)]
    names = [graph.input(source), *map(graph.constant, inputs)]
    dilations = _integers(1, operator.options.dilationHFactor, operator.options.dilationWFactor, 1)
    more = {"dilations": dilations, **_sliding(operator.options), **_WITH_BIAS}
    graph.add(operator, "_FusedConv2D", names, **more)


def _pool(graph: _Graph, operator: FileOperator) -> None:
    options = operator.options
    size = _integers(1, options.filterHeight, options.filterWidth, 1)
    inputs = [graph.input(operator.inputs[0])]
    graph.add(operator, "MaxPool", inputs, ksize=size, **_sliding(options))


def _dense(graph: _Graph, operator: FileOperator) -> None:
    source, kernel, bias = operator.inputs
    constants = [graph.values(kernel).T, graph.values(bias)]
    inputs = [graph.input(source), *map(graph.constant, constants)]
    straight = {"transpose_a": {"b": False}, "transpose_b": {"b": False}}
    graph.add(operator, "_FusedMatMul", inputs, **straight, **_WITH_BIAS)


def _join(graph: _Graph, operator: FileOperator) -> None:
    axis = graph.constant(np.array(operator.options.axis, np.int32))
    inputs = [*map(graph.input, operator.inputs), axis]
    graph.add(operator, "ConcatV2", inputs, N={"i": str(len(operator.inputs))})


_WRITERS: dict[str, Callable[[_Graph, FileOperator], None]] = {
    "ADD": _plain("AddV2"),
    "CONCATENATION": _join,
    "CONV_2D": _convolution,
    "FULLY_CONNECTED": _dense,
    "LOGISTIC": _plain("Sigmoid"),
    "MAX_POOL_2D": _pool,
    "MAXIMUM": _plain("Maximum"),
    "MEAN": _plain("Mean", keep_dims={"b": True}),
    "MINIMUM": _plain("Minimum"),
    "MUL": _plain("Mul"),
    "PAD": _plain("Pad"),
    "RELU": _plain("Relu"),
    "RESHAPE": _plain("Reshape"),
}
