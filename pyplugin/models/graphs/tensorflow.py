"""TensorFlow's frozen graphs (``.pb``), without TensorFlow.

Switches are decided by their constants; that a network is not in training is one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pyplugin.errors import ModelError
from pyplugin.models.graphs.graph import GraphBuilder, Value
from pyplugin.models.graphs.graphdef import (
    FLOAT,
    GraphNode,
    is_control,
    node_of,
    number_of,
    read_nodes,
)
from pyplugin.models.graphs.source import (
    DAMAGE,
    OpenShapeError,
    UntranslatedError,
    in_order,
    input_shape,
)
from pyplugin.models.graphs.tensorflow_operators import OPERATORS

_SILENT = {"Const", "NoOp", "Placeholder", "PlaceholderWithDefault", "Assert", "SaveV2"}


class FrozenGraph:
    """A :class:`pyplugin.models.graphs.source.NetworkSource` of a frozen graph.

    Parameters
    ----------
    data
        The file.
    frames
        Size of a dimension of an input, besides the batch, that the file leaves open.

    Raises
    ------
    ModelError
        It is damaged, not a graph, or has no float input of a known shape.
    """

    framework = "tensorflow"
    title = ""

    def __init__(self, data: bytes, frames: int | None = None) -> None:
        self._start(read_nodes(memoryview(data)), frames, ())

    @classmethod
    def of_nodes(
        cls, nodes: Iterable[GraphNode], frames: int | None = None, ends: Sequence[str] = ()
    ) -> FrozenGraph:
        """Return the graph of nodes that were read from another format.

        `ends` are references to the outputs, where the format states them.
        """
        made = cls.__new__(cls)
        made._start(list(nodes), frames, ends)
        return made

    def _start(self, nodes: list[GraphNode], frames: int | None, ends: Sequence[str]) -> None:
        self.builder = GraphBuilder()
        self.inputs: dict[str, Value] = {}
        self.nodes = {node.name: node for node in nodes}
        self._results: dict[str, tuple[Value | None, ...]] = {}
        self.batch = 1
        unknown: tuple[str, list[int]] | None = None
        for node in nodes:
            if node.op != "Placeholder" or node.attribute("dtype").kind != FLOAT:
                continue
            sizes = node.attribute("shape").shape
            self.batch = max([self.batch, *sizes[:1]])
            shape = input_shape(sizes, frames)
            if shape is not None:
                self.inputs[node.name] = self.builder.input(node.name, shape)
            else:
                unknown = (node.name, sizes)
        if not self.inputs:
            if unknown is not None:
                raise OpenShapeError(*unknown)
            raise ModelError("The graph has no float input.")
        named = [node for node in nodes if node.op not in _SILENT]
        self.names = [name for node in named for name in _results_of(node)]
        several = {node.name for node in named if len(_results_of(node)) > 1}
        read = {
            each.removesuffix(":0") if node_of(each) in several else node_of(each)
            for node in nodes
            for each in node.inputs
        }
        self.ends = list(ends) or [name for name in self.names if name not in read]
        self.names += [end for end in self.ends if end not in self.names]

    def kind(self, name: str) -> str:
        """Return TensorFlow's name of a layer's operator."""
        return self.nodes[node_of(name)].op

    def value(self, name: str) -> Value:
        """Return the result of a layer, or of a reference to one of several: ``name:1``."""
        value = self._at(name)
        if value is None:
            raise ModelError(f"The layer {node_of(name)!r} is never reached.")
        return value

    def _at(self, reference: str) -> Value | None:
        wanted, number = node_of(reference), number_of(reference)
        for name in in_order(wanted, self._results, self._needed):
            self._results[name] = self._result(self.nodes[name])
        results = self._results[wanted]
        if number >= len(results):
            raise ModelError(f"The layer {wanted!r} has no output {number}.")
        return results[number]

    def _needed(self, name: str) -> list[str]:
        if name not in self.nodes:
            raise ModelError(f"The graph has no node {name!r}, which another one reads.")
        return [node_of(each) for each in self.nodes[name].inputs if not is_control(each)]

    def _result(self, node: GraphNode) -> tuple[Value | None, ...]:
        inputs = [self._at(each) for each in node.inputs if not is_control(each)]
        if node.op == "Merge":
            live = [each for each in inputs if each is not None]
            return (live[0], None) if len(live) == 1 else (None, None)
        if any(each is None for each in inputs):
            return (None,) * 8
        values = [each for each in inputs if each is not None]
        translate = OPERATORS.get(node.op)
        if translate is None:
            raise UntranslatedError(
                f"The operator {node.op} (layer {node.name!r}) is not known here."
            )
        try:
            result = translate(self, node, values)
        except ModelError as error:
            raise UntranslatedError(f"Layer {node.name!r} ({node.op}): {error}") from None
        except DAMAGE as error:
            raise ModelError(f"Layer {node.name!r} ({node.op}) is damaged ({error}).") from error
        return result if isinstance(result, tuple) else (result,)


def _results_of(node: GraphNode) -> list[str]:
    """Return the names of a node's results: a call of a function may have several."""
    rest = range(1, len(node.inputs)) if node.op == "IdentityN" else ()
    return [node.name, *(f"{node.name}:{number}" for number in rest)]
