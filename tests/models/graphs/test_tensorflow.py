"""Frozen graphs of TensorFlow, against TensorFlow where it is installed, and by hand."""

import numpy as np
import pytest
import wiring
from wiring import const, head_graph, node, placeholder

from pyplugin.errors import ModelError
from pyplugin.models.graphs.source import OpenShapeError, graph_of, layers_of
from pyplugin.models.graphs.tensorflow import FrozenGraph

RNG = np.random.default_rng(11)


def test_a_dense_head_by_hand():
    weights, bias = RNG.normal(size=(4, 3)), RNG.normal(size=3)
    source = FrozenGraph(head_graph(weights, bias))
    assert source.ends == ["model/Softmax"]
    assert source.inputs["model/Placeholder"].shape == (1, 4)
    x = RNG.normal(size=(1, 4))
    want = np.exp(x @ weights + bias)
    got = graph_of(source, {"y": "model/Softmax"}).run(x)["y"]
    np.testing.assert_allclose(got, want / want.sum(), atol=1e-6)
    assert [layer.name for layer in layers_of(source)] == [
        "model/MatMul",
        "model/BiasAdd",
        "model/Softmax",
    ]


def test_switches_are_decided_as_not_in_training():
    graph = b"".join(
        [
            placeholder("x", (-1, 2)),
            node("training", "Placeholder", dtype=wiring.number(6, 10)),
            node("switch", "Switch", "x", "training"),
            const("two", np.float32(2)),
            node("off", "Mul", "switch", "two"),
            node("on", "Neg", "switch:1"),
            node("merge", "Merge", "off", "on"),
            node("y", "Identity", "merge"),
        ]
    )
    assert graph_of(FrozenGraph(graph), {"y": "y"}).run([[1, 2]])["y"].tolist() == [[2, 4]]


def test_functions_are_read():
    def argument(name):
        return wiring.data(1, name) + wiring.number(3, 1)

    body = wiring.data(3, wiring.node_body("double", "Add", "a", "a"))
    signature = wiring.data(1, "f") + wiring.data(2, argument("a")) + wiring.data(3, argument("r"))
    returned = wiring.data(4, wiring.data(1, "r") + wiring.data(2, "double:z:0"))
    function = wiring.data(1, signature) + body + returned
    call = node("y", "PartitionedCall", "x", f=wiring.data(10, wiring.data(1, "f")))
    graph = placeholder("x", (1, 2)) + call + wiring.data(2, wiring.data(1, function))
    assert graph_of(FrozenGraph(graph), {"y": "y"}).run([[1, 2]])["y"].tolist() == [[2, 4]]


def test_a_loop_is_refused():
    graph = placeholder("x", (1, 2)) + node("a", "Add", "x", "b") + node("b", "Relu", "a")
    with pytest.raises(ModelError, match="loop"):
        FrozenGraph(graph).value("b")


def test_what_is_missing_is_named():
    graph = placeholder("x", (1, 2)) + node("a", "Add", "x", "nothing")
    with pytest.raises(ModelError, match="'nothing'"):
        FrozenGraph(graph).value("a")
    with pytest.raises(ModelError, match="NextIteration"):
        FrozenGraph(placeholder("x", (1, 2)) + node("a", "NextIteration", "x")).value("a")
    with pytest.raises(OpenShapeError, match=r"\[\?, \?, 40\]"):
        FrozenGraph(placeholder("x", (-1, -1, 40)))
    with pytest.raises(ModelError, match="no float input"):
        FrozenGraph(const("c", np.float32(1)))


def test_damage_is_an_error():
    data = head_graph(RNG.normal(size=(4, 3)), np.zeros(3))
    for end in range(0, len(data), 3):
        try:
            graph_of(FrozenGraph(data[:end]), {"y": "model/Softmax"})
        except ModelError:
            continue
        raise AssertionError(end)


def test_a_constant_of_another_size_than_its_shape_is_refused():
    tensor = wiring.number(1, 1) + wiring.data(2, wiring.shape((1 << 40,))) + wiring.real(5, 1.0)
    bomb = node("c", "Const", value=wiring.data(8, tensor))
    with pytest.raises(ModelError, match="size"):
        FrozenGraph(placeholder("x", (1, 2)) + bomb + node("y", "Add", "x", "c")).value("y")


# ---- TensorFlow itself


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow", reason="needs tensorflow")


def frozen(tf, function, shape) -> tuple[bytes, str]:
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    spec = tf.TensorSpec(shape, tf.float32)
    made = convert_variables_to_constants_v2(tf.function(function).get_concrete_function(spec))
    return made.graph.as_graph_def().SerializeToString(), made.outputs[0].op.name


def cases(tf):
    image, kernel = (1, 9, 8, 4), tf.constant(RNG.normal(size=(3, 2, 4, 5)), tf.float32)
    first = tf.transpose
    nn = tf.nn
    yield lambda x: nn.conv2d(x, kernel, (2, 1), "SAME"), image
    yield lambda x: nn.conv2d(x, kernel, 1, "VALID", dilations=(2, 1)), image
    yield lambda x: nn.conv2d(x, kernel, 1, [[0, 0], [1, 2], [0, 1], [0, 0]]), image
    wide = tf.constant(RNG.normal(size=(3, 3, 4, 2)), tf.float32)
    yield lambda x: nn.depthwise_conv2d(x, wide, (1, 1, 1, 1), "SAME"), image
    yield lambda x: nn.max_pool2d(x, (2, 3), (2, 1), "SAME"), image
    yield lambda x: nn.avg_pool2d(x, (2, 3), (2, 1), "SAME"), image
    yield lambda x: tf.reduce_mean(first(x, (0, 3, 1, 2)), (2, 3)), image
    yield lambda x: tf.reduce_max(x, 1, keepdims=True) - tf.reduce_min(x, 1, keepdims=True), image
    yield lambda x: nn.softmax(tf.reshape(x, (tf.shape(x)[0], -1))), image
    yield lambda x: tf.concat([x[:, 1:, ::2], x[:, :-1, 1::2]], -1), image
    yield lambda x: x[:, None, 1:, ..., 2, tf.newaxis] + x[..., None, :1, 0][:, None, 1:], image
    yield lambda x: tf.concat(tf.split(x, [1, 3], 3)[::-1], 3), image
    yield lambda x: tf.stack([x[:, 2], x[:, 5]], 1), image
    yield lambda x: tf.squeeze(tf.expand_dims(x[:, :1], 2), (1, 2)), image
    yield lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 1], [0, 0]]), image
    yield lambda x: nn.leaky_relu(x, 0.3) + nn.elu(-x) * nn.relu6(9 * x), image
    yield lambda x: tf.math.rsqrt(x + 1) / tf.sqrt(tf.abs(x) + 1) - tf.square(x), image
    yield lambda x: tf.math.log(tf.exp(-x) + 1) + tf.tanh(x) + tf.sigmoid(x), image
    yield lambda x: tf.math.squared_difference(x, tf.reduce_mean(x, (1, 2), keepdims=True)), image
    matrix = tf.constant(RNG.normal(size=(6, 4)), tf.float32)
    yield lambda x: tf.matmul(x, matrix, transpose_b=True) + tf.range(6, dtype=tf.float32), (1, 4)
    norm = [tf.constant(np.abs(RNG.normal(size=4)) + 0.1, tf.float32) for _ in range(4)]

    def normed(x):
        return tf.compat.v1.nn.fused_batch_norm(x, *norm, epsilon=1e-3, is_training=False)[0]

    yield normed, image


@pytest.mark.parametrize("number", range(21))
def test_operators_give_what_tensorflow_gives(tf, number):
    listed = list(cases(tf))
    assert len(listed) == 21
    function, shape = listed[number]
    data, name = frozen(tf, function, shape)
    x = RNG.normal(size=shape).astype("f4")
    want = function(tf.constant(x)).numpy()
    got = graph_of(FrozenGraph(data), {"y": name}).run(x)["y"]
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize(
    ("op", "operands", "attributes"),
    [
        ("Fill", [np.array([1 << 30], "i4"), np.float32(1)], {}),
        ("Fill", [np.array([-1], "i4"), np.float32(1)], {}),
        ("Range", [np.int32(0), np.int32((1 << 31) - 1), np.int32(1)], {}),
        ("Range", [np.int32(0), np.int32(9), np.int32(0)], {}),
        ("GatherV2", [np.zeros(4096, "f4"), np.zeros(1 << 16, "i4"), np.int32(0)], {}),
        ("Split", [np.int32(0), np.zeros(4, "f4")], {"num_split": wiring.number(3, 1 << 40)}),
        ("Split", [np.int32(0), np.zeros(4, "f4")], {}),
        ("Pad", [np.zeros(4, "f4"), np.array([[1 << 30, 0]], "i4")], {}),
    ],
)
def test_constants_that_would_fill_the_memory_are_refused(op, operands, attributes):
    constants = [const(f"c{place}", each) for place, each in enumerate(operands)]
    names = [f"c{place}" for place in range(len(operands))]
    graph = placeholder("x", (1, 4)) + b"".join(constants) + node("y", op, *names, **attributes)
    with pytest.raises(ModelError, match="Layer 'y'"):
        FrozenGraph(graph).value("y")


def test_many_large_constants_are_refused():
    shape = const("shape", np.array([1 << 26], "i4")) + const("one", np.float32(1))
    graph = placeholder("x", (1, 4)) + shape + node("n0", "Fill", "shape", "one")
    graph += b"".join(node(f"n{place + 1}", "Neg", f"n{place}") for place in range(6))
    with pytest.raises(ModelError, match="constants are too large"):
        FrozenGraph(graph).value("n6")
