"""A small network in ONNX that is imported as an int8 model with an embedding."""

from pathlib import Path

import numpy as np
import pytest

import pyplugin
from pyplugin.models import registry
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importing import import_file

NAME = "net-1.5"  # a dot, as files of others have it
LABELS = ("Loud", "Soft, or none", "Noise (other)")


def import_network(place: Path) -> None:
    """Import it into a folder of models."""
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    random = np.random.default_rng(5)
    kind, kernel = onnx.TensorProto.FLOAT, random.normal(size=(8, 1, 3, 5)) / 10
    matrix = random.normal(size=(8, 3))
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["c"]),
        onnx.helper.make_node("Relu", ["c"], ["r"]),
        onnx.helper.make_node("GlobalAveragePool", ["r"], ["g"]),
        onnx.helper.make_node("Flatten", ["g"], ["embedding"]),
        onnx.helper.make_node("MatMul", ["embedding", "m"], ["l"]),
        onnx.helper.make_node("Softmax", ["l"], ["y"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", kind, (1, 1, 32, 96))],
        [onnx.helper.make_tensor_value_info("y", kind, (1, 3))],
        [
            onnx.numpy_helper.from_array(kernel.astype("f4"), "w"),
            onnx.numpy_helper.from_array(matrix.astype("f4"), "m"),
        ],
    )
    path = place / f"{NAME}.onnx"
    path.write_bytes(onnx.helper.make_model(graph, ir_version=9).SerializeToString())

    def recorded(model):
        noise = np.concatenate([random.normal(0, level, 80000) for level in (0.3, 0.002, 0.03)])
        result = pyplugin.tag(noise, 16000, model=model, hop=0.256, embedding="patch")
        return [result.embeddings[::2], result.embeddings[1::2]]

    options = ImportOptions(
        front_end="musicnn",
        known_labels=LABELS,
        layers=("embedding",),
        licence="MIT",
        patches=recorded,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYPLUGIN_MODELS", str(place))
        done = import_file(path, options)
        assert registry.info(NAME).model_types == ("tflite-int8",), done.notes
