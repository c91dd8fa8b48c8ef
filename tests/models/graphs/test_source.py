"""Sources of networks: shapes that files leave open, the order of layers, outputs by name."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from wiring import const, head_graph, node, placeholder

from pyplugin.errors import ModelError
from pyplugin.models.graphs.source import (
    OpenShapeError,
    graph_of,
    in_order,
    input_shape,
    layers_of,
)
from pyplugin.models.graphs.tensorflow import FrozenGraph


@pytest.mark.parametrize(
    ("sizes", "frames", "shape"),
    [
        ([-1, 187, 96], None, (1, 187, 96)),
        ([0, 40, 0, 1], 256, (1, 40, 256, 1)),
        ([0, 40, 0, 1], None, None),
        ([0, 0, 0], 256, None),
        ([], 256, None),
        ([16, 12], None, (1, 12)),
    ],
)
def test_shapes(sizes, frames, shape):
    assert input_shape(sizes, frames) == shape


def test_an_open_shape_is_shown():
    error = OpenShapeError("x", [-1, 40, 0])
    assert "x: [?, 40, ?]" in str(error)
    assert error.shape == (-1, 40, 0)


@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 12), max_size=3)))
def test_each_layer_comes_after_what_it_reads(reads):
    names = {str(key): [str(each) for each in value if each < key] for key, value in reads.items()}
    done: list[str] = []
    for wanted in names:
        for name in in_order(wanted, done, lambda each: names.get(each, [])):
            assert set(names.get(name, [])) <= set(done)
            done.append(name)
    assert len(done) == len(set(done))
    assert set(names) <= set(done)


def test_loops_are_refused():
    with pytest.raises(ModelError, match="loop through 'a'"):
        list(in_order("a", [], {"a": ["b"], "b": ["a"]}.__getitem__))


def test_outputs_by_name():
    source = FrozenGraph(head_graph(np.eye(3), np.zeros(3)))
    graph = graph_of(source, {"values": "model/Softmax", "logits": "model/BiasAdd"})
    assert list(graph.outputs) == ["values", "logits"]
    with pytest.raises(ModelError, match=r"no layer 'model/Softmx'; did you mean 'model/Softmax'"):
        graph_of(source, {"y": "model/Softmx"})


def test_what_does_not_depend_on_the_input_is_no_layer():
    data = (
        placeholder("x", (-1, 2)) + const("two", np.float32(2)) + node("four", "Add", "two", "two")
    )
    source = FrozenGraph(data + node("y", "Mul", "x", "four"))
    assert [layer.name for layer in layers_of(source)] == ["y"]
    with pytest.raises(ModelError, match="does not depend"):
        graph_of(source, {"y": "four"})
