"""SavedModels and checkpoints with their graph, written by hand and by TensorFlow."""

import numpy as np
import pytest
import wiring
from checkpoints import checkpoint
from wiring import const, data, node, node_body, number, placeholder

from pyplugin.errors import ModelError
from pyplugin.models.graphs.saved_model import read_meta, read_saved_model
from pyplugin.models.graphs.source import graph_of

RNG = np.random.default_rng(31)
KERNEL = RNG.normal(size=(4, 3)).astype("f4")


def texts(name, *values):
    tensor = number(1, 7) + data(2, wiring.shape((len(values),)))
    tensor += b"".join(data(8, value) for value in values)
    return node(name, "Const", dtype=number(6, 7), value=data(8, tensor))


def function(name, arguments, results, nodes, returned):
    signature = data(1, name) + b"".join(data(2, data(1, each)) for each in arguments)
    signature += b"".join(data(3, data(1, each) + number(3, 1)) for each in results)
    pairs = b"".join(data(4, data(1, key) + data(2, value)) for key, value in returned.items())
    return data(1, data(1, signature) + b"".join(data(3, each) for each in nodes) + pairs)


def call(name, function_name, *inputs):
    return node(name, "StatefulPartitionedCall", *inputs, f=data(10, data(1, function_name)))


def graph():
    """A matrix in a variable, used and restored in functions, as TensorFlow 2 saves them."""
    forward = function(
        "forward",
        ("x", "handle"),
        ("y",),
        [
            node_body("read", "ReadVariableOp", "handle", dtype=number(6, 1)),
            node_body("product", "MatMul", "x", "read:value:0"),
            node_body("last", "Sigmoid", "product:product:0"),
            node_body("same", "Identity", "last:y:0", "^read"),
        ],
        {"y": "same:output:0"},
    )
    restore = function(
        "restore",
        ("prefix", "handle"),
        (),
        [
            node_body(
                "names",
                "Const",
                value=data(8, number(1, 7) + data(8, "step") + data(8, "layer/kernel/.VALUE")),
            ),
            node_body("slices", "Const", value=data(8, number(1, 7) + data(8, "") + data(8, ""))),
            node_body("values", "RestoreV2", "prefix", "names:output:0", "slices:output:0"),
            node_body("value", "Identity", "values:tensors:1"),
            node_body("assign", "AssignVariableOp", "handle", "value:output:0"),
        ],
        {},
    )
    return b"".join(
        [
            placeholder("serving_default_x", (-1, 4)),
            node("kernel", "VarHandleOp", shared_name=data(2, "kernel")),
            texts("saver_filename", ""),
            call("StatefulPartitionedCall", "forward", "serving_default_x", "kernel"),
            call("StatefulPartitionedCall_1", "restore", "saver_filename", "kernel"),
            data(2, forward + restore),
        ]
    )


def saved_model(signatures, content=None):
    meta = data(1, data(4, "serve")) + data(2, content or graph())
    for name, output in signatures.items():
        tensor = data(2, data(1, "out") + data(2, data(1, output)))
        meta += data(5, data(1, name) + data(2, tensor))
    return number(1, 1) + data(2, meta)


def files():
    return checkpoint({"layer/kernel/.VALUE": KERNEL, "step": np.zeros(1, "f4")})


ONE = saved_model({"serving_default": "StatefulPartitionedCall:0", "__saved_model_init_op": "a"})


def test_variables_get_what_the_graph_would_restore():
    source = read_saved_model(ONE, files)
    assert source.ends == ["StatefulPartitionedCall/last"]
    assert source.kind(source.ends[0]) == "Sigmoid"
    x = RNG.normal(size=(1, 4)).astype("f4")
    got = graph_of(source, {"y": source.ends[0]}).run(x)["y"]
    np.testing.assert_allclose(got, 1 / (1 + np.exp(-x @ KERNEL)), atol=1e-6)
    assert graph_of(source, {"y": "StatefulPartitionedCall"}).run(x)["y"].tolist() == got.tolist()


def test_signatures_are_listed_and_chosen():
    two = saved_model({"a": "StatefulPartitionedCall:0", "b": "serving_default_x:0"})
    with pytest.raises(ModelError, match="--signature: a, b"):
        read_saved_model(two, files)
    assert read_saved_model(two, files, "a").ends == ["StatefulPartitionedCall/last"]
    usual = {"a": "serving_default_x:0", "serving_default": "StatefulPartitionedCall:0"}
    assert read_saved_model(saved_model(usual), files).ends == ["StatefulPartitionedCall/last"]
    with pytest.raises(ModelError, match="no signature 'c'"):
        read_saved_model(two, files, "c")
    with pytest.raises(ModelError, match="no signature, so"):
        read_saved_model(saved_model({}), files)
    with pytest.raises(ModelError, match="no graph"):
        read_saved_model(b"", files)


def test_a_variable_that_the_checkpoint_lacks_is_named():
    source = read_saved_model(ONE, lambda: checkpoint({"other": KERNEL}))
    with pytest.raises(ModelError, match=r"'kernel' \(VarHandleOp\).*checkpoint"):
        source.value(source.ends[0])


def test_what_has_no_variables_needs_no_checkpoint():
    content = placeholder("x", (1, 2)) + node("y", "Relu", "x")

    def nothing():
        raise AssertionError

    source = read_saved_model(saved_model({"s": "y:0"}, content), nothing)
    assert graph_of(source, {"y": "y"}).run([[-1, 2]])["y"].tolist() == [[0, 2]]


def test_a_checkpoint_with_its_graph_as_tensorflow_1_saves_it():
    content = b"".join(
        [
            placeholder("x", (-1, 4)),
            node("w", "VariableV2", dtype=number(6, 1)),
            node("step", "VariableV2", dtype=number(6, 9)),
            node("w/read", "Identity", "w"),
            node("y", "MatMul", "x", "w/read"),
            const("prefix", np.float32(0)),
            texts("names", "net/w"),
            node("restore", "RestoreV2", "prefix", "names", "names"),
            node("assign", "Assign", "w", "restore"),
            node("all", "NoOp", "^assign"),
        ]
    )
    source = read_meta(data(2, content), lambda: checkpoint({"net/w": KERNEL}))
    x = RNG.normal(size=(1, 4)).astype("f4")
    np.testing.assert_allclose(graph_of(source, {"y": "y"}).run(x)["y"], x @ KERNEL, atol=1e-6)


def test_cut_files_are_refused_or_equal():
    for end in range(0, len(ONE), 7):
        try:
            graph_of(read_saved_model(ONE[:end], files), {"y": "StatefulPartitionedCall/last"})
        except ModelError:
            continue
        raise AssertionError(end)


# ---- TensorFlow itself


@pytest.fixture(scope="module")
def tf():
    return pytest.importorskip("tensorflow", reason="needs tensorflow")


def opened(folder):
    stem = folder / "variables" / "variables"

    def read():
        return (
            stem.with_suffix(".index").read_bytes(),
            stem.with_suffix(".data-00000-of-00001").read_bytes(),
        )

    return lambda **rest: read_saved_model((folder / "saved_model.pb").read_bytes(), read, **rest)


def keras_network(tf):
    layers = tf.keras.layers
    return tf.keras.Sequential(
        [
            tf.keras.Input((20, 8, 1)),
            layers.Conv2D(3, (3, 2), activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.GlobalAveragePooling2D(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def test_networks_of_keras_give_what_they_gave(tf, tmp_path):
    tf.keras.utils.set_random_seed(5)
    network = keras_network(tf)
    network.layers[1].set_weights([np.abs(RNG.normal(size=3)) + 0.1 for _ in range(4)])
    network.export(tmp_path / "net", verbose=False)
    source = opened(tmp_path / "net")()
    x = RNG.normal(size=(1, 20, 8, 1)).astype("f4")
    got = graph_of(source, {"y": source.ends[0]}).run(x)["y"]
    np.testing.assert_allclose(got, network(x).numpy(), atol=1e-6)


def test_modules_with_several_signatures(tf, tmp_path):
    class Module(tf.Module):
        def __init__(self):
            self.kernel = tf.Variable(KERNEL)
            self.steps = tf.Variable(3, dtype=tf.int64)

        @tf.function(input_signature=[tf.TensorSpec((None, 4))])
        def product(self, x):
            return {"y": tf.matmul(x, self.kernel)}

        @tf.function(input_signature=[tf.TensorSpec((None, 3))])
        def scores(self, x):
            return {"y": tf.nn.softmax(x), "z": tf.sigmoid(x)}

    module = Module()
    signatures = {"product": module.product, "scores": module.scores}
    tf.saved_model.save(module, str(tmp_path), signatures=signatures)
    read = opened(tmp_path)
    with pytest.raises(ModelError, match="product, scores"):
        read()
    source = read(signature="product")
    x = RNG.normal(size=(1, 4)).astype("f4")
    got = graph_of(source, {"y": source.ends[0]}).run(x)["y"]
    np.testing.assert_allclose(got, x @ KERNEL, atol=1e-6)
    two = read(signature="scores")
    assert sorted(two.kind(end) for end in two.ends) == ["Sigmoid", "Softmax"]


def test_checkpoints_of_tensorflow_1(tf, tmp_path):
    v1 = tf.compat.v1
    graph = tf.Graph()
    with graph.as_default(), v1.Session(graph=graph) as session:
        x = v1.placeholder(tf.float32, (None, 4), name="x")
        with v1.variable_scope("net", use_resource=False):
            kernel = v1.get_variable("kernel", initializer=KERNEL)
        v1.train.create_global_step()
        y = tf.nn.softmax(tf.matmul(x, kernel), name="y")
        loss = tf.reduce_sum(y)
        v1.train.AdamOptimizer().minimize(loss, v1.train.get_global_step())
        session.run(v1.global_variables_initializer())
        v1.train.Saver().save(session, str(tmp_path / "model.ckpt"))
        given = RNG.normal(size=(1, 4)).astype("f4")
        want = session.run(y, {x: given})
    stem = tmp_path / "model.ckpt"

    def read():
        return tuple(
            stem.with_name(stem.name + end).read_bytes()
            for end in (".index", ".data-00000-of-00001")
        )

    source = read_meta(stem.with_name("model.ckpt.meta").read_bytes(), read)
    got = graph_of(source, {"y": "y"}).run(given)["y"]
    np.testing.assert_allclose(got, want, atol=1e-6)
