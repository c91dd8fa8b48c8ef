"""Any layer as an output: its values are those within LiteRT, inline and beside the callback."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import music

import pyplugin
from pyplugin import Node
from pyplugin.errors import ModelError, PypluginError
from pyplugin.models import registry
from pyplugin.models.import_options import ImportOptions
from pyplugin.models.importing import import_file, layers_in
from pyplugin.models.layer_outputs import MOST_VALUES, with_layers, with_units
from pyplugin.models.model import Model
from pyplugin.models.structs import card_struct
from pyplugin.node.runtimes import open_model
from pyplugin.support.arrays import Float32

RNG = np.random.default_rng(8)


def within(model: Model, patch: Float32) -> dict[str, Float32]:
    """Every tensor of a model as LiteRT computes it, in floats."""
    litert = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")
    interpreter = litert.Interpreter(
        model_content=model.data, experimental_preserve_all_tensors=True, num_threads=1
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], patch[None])
    interpreter.invoke()
    found = {}
    for each in interpreter.get_tensor_details():
        scale, zero = each["quantization"]
        try:
            values = interpreter.get_tensor(each["index"])
        except ValueError:  # of an operator that a delegate has joined with another
            continue
        found[each["name"]] = (values.astype("f8") - zero) * scale if scale else values
    return found


@pytest.mark.filterwarnings("ignore:.*experimental_preserve_all_tensors")
@pytest.mark.parametrize("runtime", ["inline", "litert"])
def test_each_layer_of_scene(runtime: str) -> None:
    model = registry.load("scene")
    patch = RNG.uniform(0, 3, (125, 96)).astype(np.float32)
    known = within(model, patch)
    layers = [each for each in layers_in(model.path) if math.prod(each.shape) <= MOST_VALUES]
    assert len(layers) > 15
    checked = 0
    for layer in layers:
        if layer.name not in known:
            continue
        made = with_layers(model, [layer.name])
        opened = open_model(made.model, card_struct(made.model.card), runtime)
        sizes = [output.size for output in made.model.card.outputs]
        place = [output.name for output in made.model.card.outputs].index(made.output)
        values = opened.run(patch, sizes)[place]
        opened.close()
        want = known[layer.name].reshape(-1)
        most = 1e-4 * max(np.abs(want).max(), 1)
        np.testing.assert_allclose(values, want, atol=most, err_msg=layer.name)
        checked += 1
    assert checked > 12


def test_several_layers_at_once_in_a_node_of_any_block_size() -> None:
    layer = next(each for each in layers_in(registry.load("scene").path) if each.kind == "CONV_2D")
    names = ["logits", layer.name, "embedding"]
    x = music(4, 22050)
    results = []
    for size in (100, 4096):
        with Node(22050, 1, 4096, layers=names, hop=0.5, offline=True) as node:
            assert list(node.layer_columns) == names
            parts = [node.process(x[:, at : at + size]) for at in range(0, x.shape[1], size)]
            results.append(np.concatenate([part.embeddings for part in parts]))
            columns = node.layer_columns
    np.testing.assert_array_equal(*results)
    for name in ("logits", "embedding"):
        with Node(22050, 1, 4096, embedding=name, hop=0.5) as node:
            alone = np.concatenate(
                [node.process(x[:, at : at + 4096]).embeddings for at in range(0, x.shape[1], 4096)]
            )
        np.testing.assert_array_equal(results[1][:, columns[name]], alone)


def test_the_result_has_each_layer(tmp_path: Path, run: Any) -> None:
    result = pyplugin.tag(music(3, 16000), 16000, layers=["logits", "embedding"])
    assert result.embeddings is not None
    assert result.embeddings.shape == (len(result.times), 71)
    assert [rows.shape[1] for rows in result.layers.values()] == [7, 64]
    np.testing.assert_array_equal(result.layers["embedding"], result.embeddings[:, 7:])
    probabilities = 1 / (1 + np.exp(-result.layers["logits"].astype("f8")))
    np.testing.assert_allclose(result.activations, probabilities, atol=1e-5)


def test_commands_write_layers(tmp_path: Path, run: Any, clips: Path) -> None:
    demo = min(clips.glob("*.ogg"))
    out, table = tmp_path / "a.npz", tmp_path / "b.npz"
    layers = ("--layer", "logits", "--layer", "embedding")
    assert run("tag", demo, *layers, "--embeddings", out)[0] == 0
    assert run("embed", demo, *layers, "--out", table)[0] == 0
    with np.load(out) as one, np.load(table) as other:
        assert sorted(one) == sorted(other) == ["embedding", "logits"]
        np.testing.assert_array_equal(one["embedding"], other["embedding"])
    code, _, err = run("tag", demo, *layers, "--embeddings", tmp_path / "a.npy")
    assert code == 2
    assert ".npz is expected" in err
    code, _, err = run("embed", demo, "--layer", "logit", "--out", tmp_path / "a.npy")
    assert code == 2
    assert "no layer 'logit'; did you mean 'logits'?" in err
    assert run("embed", demo, "--layer", "logits", "--embedding", "logits", "--out", out)[0] == 2
    assert run("tag", demo, "--layer", "logits")[0] == 2


def test_wrong_layers_are_refused() -> None:
    model = registry.load("scene")
    with pytest.raises(ModelError, match="no layer 'logit'"):
        with_layers(model, ["logit"])
    with pytest.raises(ModelError, match="named twice"):
        with_layers(model, ["logits", "logits"])
    with pytest.raises(PypluginError, match="not both"):
        Node(16000, 1, 512, embedding="logits", layers="embedding")
    large = [each for each in layers_in(model.path) if math.prod(each.shape) > MOST_VALUES / 2]
    if len(large) > 1:
        with pytest.raises(ModelError, match="at most 262144 values"):
            with_layers(model, [each.name for each in large[:3]])


def test_units_of_an_image_are_its_channels_and_the_greatest_band_counts() -> None:
    """In an int8 layer of scene: the greatest of its bands, by position and channel."""
    model = registry.load("scene")
    patch = RNG.uniform(0, 3, (125, 96)).astype(np.float32)
    made, whole = with_units(model, "layer_3"), with_layers(model, ["layer_3"])
    rows = []
    for each in (made.model, whole.model):
        opened = open_model(each, card_struct(each.card), None)
        rows.append(opened.run(patch, [output.size for output in each.card.outputs])[-1][None])
        opened.close()
    found = made.activations(rows[0])
    assert found.shape == (1, 117, 48)
    np.testing.assert_array_equal(found, rows[1].reshape(1, 117, 9, 48).max(axis=2))


@pytest.mark.parametrize(
    ("layer", "frames", "positions"), [("c", 3, 30), ("h", 32, 1), ("y", 32, 1)]
)
def test_units_of_a_network_that_onnxruntime_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layer: str, frames: int, positions: int
) -> None:
    """Channels come first; behind an operator that is not known, a unit sees the whole window."""
    networks = pytest.importorskip("onnx_networks")
    monkeypatch.setenv("PYPLUGIN_MODELS", str(tmp_path / "models"))
    kernel = networks.array(2, 1, 3, 96)
    nodes = [
        ("Conv", ["x", "w"], ["c"], {}),
        ("Hardmax", ["c"], ["h"], {"axis": 2}),
        ("ReduceMax", ["c"], ["m"], {"axes": [2, 3], "keepdims": 0}),
        ("ReduceMean", ["h"], ["n"], {"axes": [2, 3], "keepdims": 0}),
        ("Add", ["m", "n"], ["y"], {}),
        ("Softmax", ["y"], ["s"], {}),
    ]
    data = networks.network(nodes, (1, 1, 32, 96), {"w": kernel}, outputs=("s",))
    (tmp_path / "odd.onnx").write_bytes(data)
    (tmp_path / "labels.txt").write_text("one\ntwo\n")
    options = ImportOptions(front_end="musicnn", labels=tmp_path / "labels.txt", licence="MIT")
    model = registry.load(import_file(tmp_path / "odd.onnx", options).path)
    made = with_units(model, layer)
    assert made.fields.first.shape == (positions, 2)
    assert set(made.fields.frames.tolist()) == {frames}
    patch = RNG.uniform(0, 3, (32, 96)).astype(np.float32)
    opened = open_model(made.model, card_struct(made.model.card), None)
    rows = opened.run(patch, [output.size for output in made.model.card.outputs])[-1]
    opened.close()
    windows = np.lib.stride_tricks.sliding_window_view(patch, (3, 96))[:, 0]
    values = np.einsum("nhb,uhb->nu", windows, kernel[:, 0])
    hard = (values == values.max(axis=0)).astype(float)
    want = {"c": values, "h": hard.max(axis=0), "y": values.max(axis=0) + hard.mean(axis=0)}
    np.testing.assert_allclose(
        made.activations(rows[None])[0], want[layer].reshape(-1, 2), atol=1e-3
    )
    with pytest.raises(ModelError, match="no layer 'q'"):
        with_units(model, "q")
