"""The tables of the benchmarks: ratios, targets and JSON; networks for TensorFlow.js."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))  # the benchmarks are not installed

from benchmarks import tfjs
from benchmarks.measuring import best_seconds, installed, missing
from benchmarks.patch import interpreter_of
from benchmarks.report import Figure, Row, as_json, text
from pyplugin.models.graphs.source import graph_of
from pyplugin.models.graphs.tfjs import read_tfjs
from pyplugin.models.tflite import GraphWriter


@pytest.fixture
def figure() -> Figure:
    rows = [
        Row("own", 2.0, limit=3.0, against={"peer": 0.25, "absent": 0.1}),
        Row("own, slow", 5.0, limit=4.0, beside={"MiB": 123.4}),
        Row("another library", 8.0, "peer"),
    ]
    return Figure("mel", "one frame", "µs", rows, ["a note"])


def test_targets_of_missing_peers_are_not_counted(figure):
    assert figure.verdicts() == [True, False, True]  # two limits, one ratio of 0.25
    assert (figure.targets, figure.missed) == (3, 1)


def test_the_table_has_ratios_and_targets(figure):
    lines = text(figure).splitlines()
    assert lines[0] == "mel: one frame"
    assert lines[1].split() == ["µs", "/", "peer", "MiB"]
    assert lines[2].split("  ")[1:][0].strip() == "own"
    assert "2 (target 3)" in lines[2]
    assert "0.25 (target 0.25)" in lines[2]
    assert "5 (target 4, MISSED)" in lines[3]
    assert "0.625" in lines[3]
    assert lines[3].endswith("123")
    assert lines[-1] == "  a note"


def test_columns_are_aligned(figure):
    lines = text(figure).splitlines()[1:5]
    column = lines[0].index("/ peer")
    assert lines[1][column:].startswith("0.25")
    assert lines[2][column:].startswith("0.625")


def test_the_json_has_rows_and_ratios(figure):
    read = json.loads(as_json({"cpu": "x"}, [figure]))
    assert read["machine"] == {"cpu": "x"}
    rows = read["figures"][0]["rows"]
    assert rows[0]["ratios"] == {"peer": 0.25}
    assert "ratios" not in rows[2]


def test_the_least_time_of_interleaved_calls_is_returned(monkeypatch):
    now, order = [0.0], []
    durations = {"a": iter([9, 3, 1, 2]), "b": iter([9, 5, 6, 4])}

    def call(name):
        def run():
            order.append(name)
            now[0] += next(durations[name])

        return run

    monkeypatch.setattr("benchmarks.measuring.time.perf_counter", lambda: now[0])
    best = best_seconds({name: call(name) for name in durations}, rounds=3, warm_up=1)
    assert best == {"a": 1, "b": 4}
    assert order == ["a", "b"] * 4


def test_a_missing_peer_is_listed_with_its_command():
    assert not installed("no-such-package")
    (note,) = missing("no-such-package", "numpy")
    assert "no-such-package" in note
    assert "pip install 'tagnode[bench]'" in note


def network() -> bytes:
    """Return a float network with every operator that is written for TensorFlow.js."""
    random, graph = np.random.default_rng(3), GraphWriter()

    def constant(*shape: int) -> Any:
        values = random.normal(0, 0.4, shape).astype(np.float32)
        return graph.constant(f"c{random.integers(1 << 30)}", values)

    mel = graph.input("mel", (1, 9, 8))
    x = graph.reshape("image", mel, (1, 9, 8, 1))
    x = graph.add("shift", graph.mul("scale", x, constant(1)), constant(1))
    x = graph.pad("pad", x, [(0, 0), (1, 1), (0, 0), (0, 0)])
    kernel, bias = constant(4, 3, 2, 1), constant(4)
    x = graph.conv_2d("conv", x, kernel, bias, padding="valid", stride=(2, 1))
    x = graph.maximum("low", graph.minimum("high", x, constant(1, 1, 1, 4)), constant(1, 1, 1, 4))
    most = graph.max_pool_2d("most", x, (5, 7))
    x = graph.concatenation("join", [most, graph.mean("mean", x, (1, 2))], axis=3)
    x = graph.reshape("flat", x, (1, 8))
    x = graph.relu("relu", graph.fully_connected("dense", x, constant(6, 8), constant(6)))
    x = graph.fully_connected("logits", x, constant(3, 6), constant(3))
    outputs = {"activations": graph.logistic("activations", x)}
    return graph.finish({"mel": mel}, outputs, description="small")


def test_networks_for_tensorflow_js_are_the_same(tmp_path):
    pytest.importorskip("ai_edge_litert")
    file = tmp_path / "small.tflite"
    file.write_bytes(network())
    litert = interpreter_of(file)
    patch = litert.get_tensor(litert.get_input_details()[0]["index"])
    litert.invoke()
    want = litert.get_tensor(litert.get_output_details()[0]["index"])
    output = tfjs.write(file, tmp_path / "tfjs")
    content = (tmp_path / "tfjs/model.json").read_text()
    source = read_tfjs(content, lambda name: (tmp_path / "tfjs" / name).read_bytes())
    got = graph_of(source, {"y": output}).run(patch)["y"]
    assert np.ptp(want) > 0.01
    np.testing.assert_allclose(got, want, atol=1e-6)
