"""What is known of a network: its outputs, its card."""

from pathlib import Path

import numpy as np
import pytest
from wiring import node, placeholder

from pyplugin.errors import ModelError
from pyplugin.models.adapting import (
    described,
    network_model,
    tflite_model,
)
from pyplugin.models.graphs.graph import GraphBuilder
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.graphs.onnx import OnnxNetwork
from pyplugin.models.graphs.tensorflow import FrozenGraph
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.starts import parse_start
from pyplugin.models.tflite_file import TfliteFile

HERE = Path("net.pb")


def test_the_predictions_are_found():
    two = placeholder("x", (-1, 4)) + node("a", "Relu", "x") + node("b", "Sigmoid", "x")
    found, output = described(HERE, FrozenGraph(two), None, ImportOptions())
    assert (output, found.ends) == ("b", [("b", "Sigmoid", (1, 4))])
    start = parse_start(
        '{"name": "x", "schema": {"outputs": [{"name": "a", "output_purpose": "predictions"}]}}'
    )
    assert described(HERE, FrozenGraph(two), start, ImportOptions())[1] == "a"
    assert described(HERE, FrozenGraph(two), start, ImportOptions(output="b"))[1] == "b"


def test_a_card_has_what_the_user_and_the_card_beside_state(tmp_path):
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    graph = placeholder("x", (-1, 20, 96)) + node("y", "Sigmoid", "x")
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    kind = onnx.TensorProto.FLOAT
    nodes = [
        onnx.helper.make_node("ReduceMean", ["x"], ["m"], axes=[1], keepdims=0),
        onnx.helper.make_node("MatMul", ["m", "w"], ["l"]),
        onnx.helper.make_node("Sigmoid", ["l"], ["y"]),
    ]
    whole = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", kind, (1, 20, 96))],
        [onnx.helper.make_tensor_value_info("y", kind, (1, 2))],
        [onnx.numpy_helper.from_array(np.ones((96, 2), "f4"), "w")],
    )
    opset = [onnx.helper.make_opsetid("", 13)]
    model = onnx.helper.make_model(whole, opset_imports=opset, ir_version=8)
    start = parse_start('{"name": "x", "author": "Me", "license": "MIT", "version": 2}')
    options = ImportOptions(front_end="musicnn", labels=tmp_path / "labels.txt", layers=("m",))
    source = OnnxNetwork(model.SerializeToString())
    card, data, notes = network_model(Path("my net.onnx"), source, start, options)
    assert (card.name, card.author, card.license, card.version) == ("my-net", "Me", "MIT", "2")
    assert [(each.name, each.size) for each in card.outputs] == [("activations", 2), ("m", 96)]
    assert (card.embedding, card.patch_frames, notes) == ("m", 20, [])
    assert TfliteFile(data).inputs == {"mel": (1, 20, 96)}
    with pytest.raises(ModelError, match="64 bands"):
        network_model(HERE, FrozenGraph(graph), None, ImportOptions(front_end="vggish"))


def test_predictions_without_a_last_activation_and_a_licence_are_noted(tmp_path):
    (tmp_path / "labels.txt").write_text("one\n")
    builder = GraphBuilder()
    x = builder.input("x", (1, 20, 96))
    y = builder.reshape(builder.reduce("mean", x, (1, 2), keep=False), (1, 1))
    file = TfliteFile(tflite_of(builder.finish({"y": y})))
    options = ImportOptions(front_end="musicnn", labels=tmp_path / "labels.txt")
    card, _, notes = tflite_model(Path("net.tflite"), file, None, options)
    assert card.license == "unknown"
    assert card.outputs[0].purpose == "regression"
    assert "regression" in notes[0]
    assert "licence is not known" in notes[1]
