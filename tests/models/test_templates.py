"""Starts of cards: what is read of a file is in them, and the import takes them."""

import json

import numpy as np
import pytest
from helpers import published_weights
from wiring import head_graph

from pyplugin.errors import ModelError
from pyplugin.models import heads, registry
from pyplugin.models.frontends import PRESETS
from pyplugin.models.graphs.graph import GraphBuilder
from pyplugin.models.graphs.lowering import tflite_of
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importing import import_file
from pyplugin.models.templates import card_template

RNG = np.random.default_rng(41)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    return tmp_path


def network(folder, bands=96):
    """A network that is not known: (1, 32, bands) to three values."""
    builder = GraphBuilder()
    x = builder.input("x", (1, 32, bands))
    mean = builder.reduce("mean", x, (1,), keep=False)
    y = builder.softmax(builder.dense(mean, RNG.normal(size=(bands, 3)), np.zeros(3)))
    path = folder / "net.tflite"
    path.write_bytes(tflite_of(builder.finish({"y": y})))
    return path


def test_a_template_that_is_filled_in_is_all_that_an_import_needs(folder):
    path = network(folder)
    content = json.loads(card_template(path))
    assert "3 labels" in content["// classes"]
    assert content["classes"] == []
    assert content["schema"]["outputs"][0]["output_purpose"] == "predictions"
    with pytest.raises(ModelError, match="nothing names them"):
        import_file(path, ImportOptions(card=write(folder, content)))
    content["classes"] = ["low", "middle", "high"]
    content["default_hop"] = 0.25
    content["inference"] |= {"log": "db", "log_floor": 1e-7, "// log": "as it was trained"}
    done = import_file(path, ImportOptions(card=write(folder, content)))
    card = registry.info(done.name)
    assert card.labels == ("low", "middle", "high")
    assert (card.front_end.log, card.front_end.log_floor) == ("db", 1e-7)
    assert card.default_hop == 0.25


def write(folder, content):
    path = folder / "mine.json"
    path.write_text(json.dumps(content, indent=1))
    return path


def test_an_error_in_it_has_its_line(folder):
    path = network(folder)
    content = json.loads(card_template(path))
    content["classes"] = ["a", "b", "c"]
    content["inference"]["log"] = "ln"
    mine = write(folder, content)
    line = next(i for i, row in enumerate(mine.read_text().splitlines(), 1) if '"log":' in row)
    with pytest.raises(ModelError, match=rf"mine\.json, line {line}: .*'inference.log' is 'ln'"):
        import_file(path, ImportOptions(card=mine))
    content["classes"] = "a"
    with pytest.raises(
        ModelError, match=r"mine\.json, line 4: .*'classes' is 'a'; expected a list"
    ):
        import_file(path, ImportOptions(card=write(folder, content)))
    for key, value in (("default_hop", "often"), ("patch_frames", -1), ("patch_frames", True)):
        broken = {**content, "classes": ["a", "b", "c"], key: value}
        broken["inference"] = {**content["inference"], "log": "none"}
        with pytest.raises(ModelError, match=rf"mine\.json, line \d+: The card's '{key}' is"):
            import_file(path, ImportOptions(card=write(folder, broken)))
    content["classes"] = ["a", "b"]
    content["inference"]["log"] = "db"
    with pytest.raises(ModelError, match="3 values, but its card has 2 labels"):
        import_file(path, ImportOptions(card=write(folder, content)))


def test_labels_of_one_name_are_made_distinct_and_named(folder):
    path = network(folder)
    content = json.loads(card_template(path)) | {"classes": ["a", "A", "b"]}
    content["inference"]["log_floor"] = 1e-10
    done = import_file(path, ImportOptions(card=write(folder, content)))
    assert registry.info(done.name).labels == ("a", "A 2", "b")
    assert any("A 2" in note for note in done.notes)


def test_frames_that_a_file_leaves_open_stay_in_the_card(folder):
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    kind = onnx.TensorProto.FLOAT
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w"], ["c"]),
        onnx.helper.make_node("GlobalAveragePool", ["c"], ["g"]),
        onnx.helper.make_node("Flatten", ["g"], ["f"]),
        onnx.helper.make_node("Softmax", ["f"], ["y"]),
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [onnx.helper.make_tensor_value_info("x", kind, (1, 1, "frames", 96))],
        [onnx.helper.make_tensor_value_info("y", kind, (1, 2))],
        [onnx.numpy_helper.from_array(RNG.normal(size=(2, 1, 3, 5)).astype("f4"), "w")],
    )
    path = folder / "open.onnx"
    path.write_bytes(onnx.helper.make_model(graph, ir_version=9).SerializeToString())
    with pytest.raises(ModelError, match="--patch"):
        card_template(path)
    content = json.loads(card_template(path, ImportOptions(patch=48)))
    content["classes"] = ["a", "b"]
    done = import_file(path, ImportOptions(card=write(folder, content)))
    assert registry.info(done.name).patch_frames == 48


def test_a_head_needs_no_front_end(folder):
    path = folder / "mood-msd-musicnn-1.pb"
    path.write_bytes(head_graph(RNG.normal(size=(200, 2)), np.zeros(2), last="Softmax"))
    content = json.loads(card_template(path))
    assert content["inference"] == {"embedding_model": {"model_name": "musicnn-msd"}}
    assert "200 values" in content["// inference"]
    content["classes"] = ["good", "bad"]
    done = import_file(path, ImportOptions(card=write(folder, content)))
    assert (done.kind, heads.load(done.name).model) == ("head", "musicnn-msd")


def test_a_known_network_is_filled_in(folder):
    path = published_weights() / "yamnet" / "yamnet_spectra_in.tflite"
    content = json.loads(card_template(path))
    assert len(content["classes"]) == 521
    assert content["license"] == "Apache-2.0"
    assert content["inference"]["log_offset"] == PRESETS["yamnet"].log_offset
