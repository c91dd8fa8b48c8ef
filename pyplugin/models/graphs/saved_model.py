"""TensorFlow's SavedModels and checkpoints with their graph (``.meta``), without TensorFlow.

Both are a graph with variables, whose values are in a checkpoint. Which variable is which entry of
the checkpoint is in the graph too: its operators that restore them are read, and nothing is run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pyplugin.errors import ModelError
from pyplugin.models.checkpoint import read_checkpoint
from pyplugin.models.graphs.graphdef import (
    VARIABLES,
    GraphNode,
    constant_node,
    is_control,
    node_of,
    number_of,
    pair_of,
    read_nodes,
    texts_of,
    type_attribute,
)
from pyplugin.models.graphs.tensorflow import FrozenGraph
from pyplugin.models.graphs.wire import content, fields, text
from pyplugin.support.arrays import Array
from pyplugin.support.spelling import nearest

_ASSIGNMENTS = ("AssignVariableOp", "Assign")
_USUAL = "serving_default"
_COPIES = ("Identity", "IdentityN")

Read = Callable[[], tuple[bytes, bytes]]
"""Returns what a checkpoint's two files have: the index, and the arrays."""


@dataclass
class _Meta:
    """A graph as it is saved: ``MetaGraphDef``."""

    graph: memoryview = field(default_factory=lambda: memoryview(b""))
    tags: list[str] = field(default_factory=list)
    signatures: dict[str, list[str]] = field(default_factory=dict)  # references to outputs


def read_saved_model(
    data: bytes, read: Read, signature: str | None = None, frames: int | None = None
) -> FrozenGraph:
    """Return the network of a SavedModel.

    Parameters
    ----------
    data
        Content of ``saved_model.pb``.
    read
        Returns its checkpoint; it is not called where the graph has no variables.
    signature
        Which one; None for ``serving_default``, or the only one.
    frames
        Size of a dimension of the input that the file leaves open.

    Raises
    ------
    ModelError
        It is damaged, or has no such signature; or several, and none was chosen.
    """
    graphs = [_meta(content(value)) for number, value in fields(memoryview(data)) if number == 2]
    if not graphs:
        raise ModelError("The SavedModel has no graph.")
    chosen = next((each for each in graphs if each.tags == ["serve"]), graphs[0])
    nodes = read_nodes(chosen.graph)
    named = {node.name: node for node in nodes}
    stated = _outputs(chosen.signatures, signature)
    outputs = [_source(each, named).removesuffix(":0") for each in stated]
    kept = needed(nodes, stated)
    return FrozenGraph.of_nodes(_filled(nodes, kept, read), frames, outputs)


def read_meta(data: bytes, read: Read, frames: int | None = None) -> FrozenGraph:
    """Return the network of a checkpoint with its graph, ``.meta``; otherwise as for a SavedModel.

    Raises
    ------
    ModelError
        It is damaged.
    """
    nodes = read_nodes(_meta(memoryview(data)).graph)
    return FrozenGraph.of_nodes(_filled(nodes, nodes, read), frames)


def needed(nodes: Iterable[GraphNode], outputs: Iterable[str]) -> list[GraphNode]:
    """Return the nodes that some outputs depend on, in their order."""
    named = {node.name: node for node in nodes}
    pending, found = [node_of(each) for each in outputs], set()
    while pending:
        name = pending.pop()
        if name not in found and name in named:
            found.add(name)
            pending += [node_of(each) for each in named[name].inputs if not is_control(each)]
    return [node for node in named.values() if node.name in found]


def _meta(message: memoryview) -> _Meta:
    made = _Meta()
    for number, value in fields(message):
        if number == 1:
            made.tags = [text(inner) for part, inner in fields(content(value)) if part == 4]
        elif number == 2:
            made.graph = content(value)
        elif number == 5:
            name, signature = pair_of(content(value))
            made.signatures[text(name)] = _references(signature)
    return made


def _references(signature: memoryview) -> list[str]:
    """Return the outputs of a ``SignatureDef``, as references to nodes."""
    found = []
    for number, value in fields(signature):
        if number == 2:
            _, tensor = pair_of(content(value))
            names = [text(inner) for part, inner in fields(tensor) if part == 1]
            found += [name.removesuffix(":0") for name in names]
    return found


def _outputs(signatures: Mapping[str, Sequence[str]], wanted: str | None) -> list[str]:
    known = {name: refs for name, refs in signatures.items() if refs and name[:2] != "__"}
    if not known:
        raise ModelError("It has no signature, so nothing states its outputs.")
    if wanted is None and len(known) > 1 and _USUAL not in known:
        names = ", ".join(known)
        raise ModelError(f"It has several signatures; choose one by --signature: {names}.")
    name = wanted or (_USUAL if _USUAL in known else next(iter(known)))
    if name not in known:
        raise ModelError(f"It has no signature {name!r}; {nearest(name, known)}")
    return list(known[name])


# ---- variables


def _filled(nodes: Sequence[GraphNode], kept: Sequence[GraphNode], read: Read) -> list[GraphNode]:
    """Return the nodes that are kept, with the values of variables in their place."""
    variables = {node.name for node in kept if node.op in VARIABLES}
    if not variables:
        return list(kept)
    entries = _entries(nodes)
    wanted = {entries.get(name, name) for name in variables}
    arrays = read_checkpoint(*read(), wanted=wanted.__contains__, skip_others=True)
    return [_replaced(node, arrays.get(entries.get(node.name, node.name))) for node in kept]


def _replaced(node: GraphNode, values: Array | None) -> GraphNode:
    if node.op in VARIABLES and values is not None:
        return constant_node(node.name, values)
    if node.op == "ReadVariableOp":
        kind = node.attribute("dtype").kind
        return replace(node, op="Identity", attributes={"T": type_attribute(kind)})
    return node


def _entries(nodes: Sequence[GraphNode]) -> dict[str, str]:
    """Return the name in the checkpoint of each variable, by the operators that restore them."""
    named = {node.name: node for node in nodes}
    found: dict[str, str] = {}
    for node in nodes:
        if node.op not in _ASSIGNMENTS or len(node.inputs) < 2:
            continue
        variable, value = (_source(each, named) for each in node.inputs[:2])
        restore = named.get(node_of(value))
        if restore is None or restore.op != "RestoreV2" or len(restore.inputs) < 2:
            continue
        names = named.get(node_of(_source(restore.inputs[1], named)))
        tensor = names.attribute("value").tensor if names is not None else None
        listed = texts_of(tensor) if isinstance(tensor, memoryview) else []
        if number_of(value) < len(listed):
            found[node_of(variable)] = listed[number_of(value)]
    return found


def _source(reference: str, named: Mapping[str, GraphNode]) -> str:
    """Return what a reference is to, past operators that return what they take."""
    for _ in range(len(named)):
        node = named.get(node_of(reference))
        if node is None or node.op not in _COPIES or number_of(reference) >= len(node.inputs):
            break
        reference = node.inputs[number_of(reference)]
    return reference
