"""Networks with operators that are not known here, as ``.tflite`` files by TensorFlow's converter.

It runs in a process of its own, :mod:`pyplugin.models.graphs.converter_process`, and gets a graph
without variables, of which it runs nothing but what depends on constants alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graphdef import (
    BOOL,
    VARIABLES,
    GraphNode,
    constant_node,
    node_of,
    written,
)
from pyplugin.models.graphs.saved_model import needed
from pyplugin.models.graphs.tensorflow import FrozenGraph
from pyplugin.support.apart import run_apart
from pyplugin.support.optional import install

_SECONDS = 300.0
_MEMORY = 8 << 30
_EXTRA = "tensorflow"
_LOOPS = re.compile(r"(Stateless)?(While|If|Case)|Enter|Exit|NextIteration|LoopCond|TensorList.*")
_SYSTEM = re.compile(r".*(File|PyFunc|Restore|Save|Summary|Debug|Dataset|Print|Rpc|Queue).*")


def converted(
    source: FrozenGraph, outputs: Sequence[str], why: str, report: Callable[[str], None]
) -> bytes:
    """Return a network as a float ``.tflite`` file.

    Parameters
    ----------
    source
        The network.
    outputs
        References to the layers that become its outputs, in that order and by these names.
    why
        The sentence that says what is not known here.
    report
        Takes a line of what is happening.

    Raises
    ------
    ModelError
        TensorFlow is not installed or cannot convert it, or it has control flow, or operators that
        reach out of the network.
    """
    nodes = needed(source.nodes.values(), outputs)
    for node in nodes:
        if _LOOPS.fullmatch(node.op):
            raise ModelError(
                f"{why} It has control flow ({node.op}), which cannot be imported; export it "
                "without loops and conditions."
            )
        if node.op in VARIABLES:
            raise ModelError(f"The values of the variable {node.name!r} are not in its checkpoint.")
        if _SYSTEM.fullmatch(node.op):
            raise ModelError(
                f"{why} It has an operator that reaches out of the network ({node.op}); such "
                "networks are refused."
            )
    if find_spec("tensorflow") is None:
        raise ModelError(f"{why} TensorFlow may know it: {install(_EXTRA)}.")
    report("Converting the network with TensorFlow; this takes up to a minute ...")
    shapes = {name: value.shape for name, value in source.inputs.items()}
    given = [node.name for node in nodes if node.name in shapes]
    made: bytes = run_apart(
        "pyplugin.models.graphs.converter_process",
        {"inputs": {name: shapes[name] for name in given}, "outputs": list(outputs)},
        {"graph.pb": written([_settled(node, shapes) for node in nodes])},
        what="The conversion by TensorFlow",
        seconds=_SECONDS,
        memory=_MEMORY,
        result="network.tflite",
        error=ModelError,
    )
    return made


def dependent(source: FrozenGraph, names: Sequence[str]) -> list[str]:
    """Return those layers that depend on an input.

    Examples
    --------
    >>> from pyplugin.models.graphs.graphdef import Attribute
    >>> given = {"dtype": Attribute(kind=1), "shape": Attribute(shape=[1, 2])}
    >>> nodes = [GraphNode("x", "Placeholder", [], given), GraphNode("y", "Erfinv", ["x"])]
    >>> dependent(FrozenGraph.of_nodes([*nodes, GraphNode("z", "Const")]), ["y", "z"])
    ['y']
    """
    nodes = source.nodes.values()
    return [
        name
        for name in names
        if any(node.name in source.inputs for node in needed(nodes, [node_of(name)]))
    ]


def _settled(node: GraphNode, shapes: Mapping[str, Sequence[int]]) -> GraphNode:
    """Return a node without its default device and hints; a switch of training is off."""
    if node.op == "Placeholder" and node.attribute("dtype").kind == BOOL:
        return constant_node(node.name, np.array(False))
    if node.op == "PlaceholderWithDefault":
        kept = {"T": node.attribute("dtype")}
        return replace(node, op="Identity", attributes=kept)
    return node
