"""What TensorFlow is not given, and cannot convert; tests/models/test_importing.py has the rest."""

import numpy as np
import pytest
import wiring
from wiring import const, node, placeholder

from pyplugin.errors import ModelError
from pyplugin.models.graphs import converter
from pyplugin.models.graphs.converter import converted, dependent
from pyplugin.models.graphs.tensorflow import FrozenGraph

FLOAT = wiring.number(6, 1)


def unknown(*, kind="Sin"):
    """A matrix, an operator that is not known here, and a softmax; a switch for training."""
    return b"".join(
        [
            placeholder("x", (-1, 6)),
            node("training", "Placeholder", dtype=wiring.number(6, 10)),
            const("kernel", np.ones((6, 3), "f4")),
            node("product", "MatMul", "x", "kernel", T=FLOAT),
            node("odd", kind, "product", T=FLOAT),
            node("last", "Softmax", "odd", T=FLOAT),
            node("never", "Identity", "training", T=wiring.number(6, 10)),
        ]
    )


def test_operators_that_tflite_lacks_are_named():
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    with pytest.raises(ModelError, match=r"TensorFlow cannot convert it.*no operator Digamma"):
        converted(FrozenGraph(unknown(kind="Digamma")), ["last"], "Why.", print)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("StatelessWhile", "control flow"),
        ("NextIteration", "control flow"),
        ("TensorListStack", "control flow"),
        ("ReadFile", "reaches out"),
        ("EagerPyFunc", "reaches out"),
        ("VarHandleOp", "not in its checkpoint"),
    ],
)
def test_what_is_refused_before_tensorflow_sees_it(kind, words, monkeypatch):
    monkeypatch.setattr(converter, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=words):
        converted(FrozenGraph(unknown(kind=kind)), ["last"], "Why.", print)


def test_without_tensorflow_its_command_is_named(monkeypatch):
    monkeypatch.setattr(converter, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"Why\. .*pip install 'tagnode\[tensorflow\]'"):
        converted(FrozenGraph(unknown()), ["last"], "Why.", print)


def test_what_depends_on_no_input_is_no_output():
    assert dependent(FrozenGraph(unknown()), ["never", "last"]) == ["last"]
