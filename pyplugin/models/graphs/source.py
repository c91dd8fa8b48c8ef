"""What a reader returns: a file's network, of which any layer can be an output."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pyplugin.errors import ModelError
from pyplugin.models.card import ModelType
from pyplugin.models.graphs.graph import Graph, GraphBuilder, Value
from pyplugin.support.spelling import nearest

DAMAGE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What comes of values in a file that are not what its format says."""


@dataclass(frozen=True)
class NetworkLayer:
    """A result within a network.

    Attributes
    ----------
    name, kind
        As its file has them.
    shape
        The first dimension is the batch, 1.
    """

    name: str
    kind: str
    shape: tuple[int, ...]


class OpenShapeError(ModelError):
    """A file does not state how many frames its network takes.

    Attributes
    ----------
    shape
        Of the input; what is not stated is not positive.
    """

    def __init__(self, name: str, shape: Sequence[int]) -> None:
        sizes = ", ".join(str(size) if size > 0 else "?" for size in shape)
        super().__init__(
            f"The file does not state how many frames the network takes ({name}: [{sizes}]); give "
            "them by --patch."
        )
        self.shape = tuple(shape)


class UntranslatedError(ModelError):
    """An operator of a network that is not known here; another program may know it."""


class NetworkSource(Protocol):
    """A network in a file.

    Attributes
    ----------
    builder
        Collects the steps of what has been asked for.
    framework
        As in cards: ``tensorflow``, ``keras``, ``onnx``.
    title
        What the network is called within the file, or ``""``.
    inputs
        The float inputs.
    ends
        Names of the layers that no other one reads, in the order of the file.
    names
        All layers.
    """

    builder: GraphBuilder
    framework: str
    title: str
    inputs: dict[str, Value]
    ends: list[str]
    names: list[str]

    def kind(self, name: str) -> str:
        """Return the operator of a layer, in the words of its framework."""

    def value(self, name: str) -> Value:
        """Return the result of a layer.

        Raises
        ------
        UntranslatedError
            It needs an operator that is not known here.
        ModelError
            It is damaged.
        """


class KeptFile(Protocol):
    """A file whose operators are not translated: a ``.tflite`` file, or ``.onnx`` for onnxruntime.

    Attributes
    ----------
    framework, model_type
        As in cards.
    inputs, outputs
        Shapes by name, in the file's order.
    kinds
        How many operators of each kind there are.
    layers
        Whatever can be an output.
    """

    framework: str

    @property
    def model_type(self) -> ModelType:
        """As in cards."""

    @property
    def inputs(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes by name."""

    @property
    def outputs(self) -> Mapping[str, tuple[int, ...]]:
        """Shapes by name."""

    @property
    def kinds(self) -> Mapping[str, int]:
        """Operators by their kind."""

    @property
    def layers(self) -> Sequence[NetworkLayer]:
        """In the order of the file."""

    def end_kind(self, name: str) -> str:
        """Return the operator that gives a layer."""

    def adapted(
        self, frames: int, bands: int, outputs: Mapping[str, str], *, description: str = ""
    ) -> bytes:
        """Return the file with the input ``mel`` and these layers as outputs."""


def input_shape(sizes: Sequence[int], frames: int | None) -> tuple[int, ...] | None:
    """Return the shape of an input of which the file leaves dimensions open.

    Parameters
    ----------
    sizes
        As in the file; what is not positive is open. The first dimension is the batch.
    frames
        Size of another open dimension, of which there can be one.

    Returns
    -------
    tuple of int or None
        None where the shape stays unknown.

    Examples
    --------
    >>> input_shape([-1, 40, -1, 1], 256), input_shape([-1, 40, -1, 1], None)
    ((1, 40, 256, 1), None)
    """
    open_axes = [axis for axis, size in enumerate(sizes) if axis and size < 1]
    if not sizes or len(open_axes) > 1 or (open_axes and frames is None):
        return None
    return (1, *(frames if size < 1 and frames else size for size in sizes[1:]))


def in_order(
    wanted: str, known: Container[str], needed: Callable[[str], Iterable[str]]
) -> Iterator[str]:
    """Yield what has to be computed for a layer, each after what it needs.

    Parameters
    ----------
    wanted
        The layer.
    known
        Those that are computed; each one that was yielded must be there before the next is taken.
    needed
        Returns the layers that one reads.

    Raises
    ------
    ModelError
        The layers are in a loop.

    Examples
    --------
    >>> reads, done = {"c": ["b", "a"], "b": ["a"], "a": []}, []
    >>> for name in in_order("c", done, reads.get):
    ...     done.append(name)
    >>> done
    ['a', 'b', 'c']
    """
    pending, begun = [wanted], set()
    while pending:
        name = pending[-1]
        missing = [] if name in known else [each for each in needed(name) if each not in known]
        if not missing:
            pending.pop()
            if name not in known:
                yield name
        elif name in begun:
            raise ModelError(f"The network has a loop through {name!r}; loops cannot be read.")
        else:
            begun.add(name)
            pending += missing


def graph_of(source: NetworkSource, outputs: Mapping[str, str]) -> Graph:
    """Return the network from the inputs to some layers.

    Parameters
    ----------
    source
        A file's network.
    outputs
        Layers by the names that the outputs get.

    Raises
    ------
    ModelError
        There is no such layer, or it needs an operator that is not known here.
    """
    for name in outputs.values():
        if name not in source.names:
            raise ModelError(f"The network has no layer {name!r}; {nearest(name, source.names)}")
    values = {public: source.value(name) for public, name in outputs.items()}
    for name, value in values.items():
        if value.constant is not None:
            raise ModelError(f"The layer {outputs[name]!r} does not depend on the input.")
    return replace(source.builder.finish(values), names=_names(source))


def _names(source: NetworkSource) -> dict[Value, str]:
    """Return the name of each layer's result; of several, the first."""
    found: dict[Value, str] = {}
    for name in source.names:
        with contextlib.suppress(ModelError):
            found.setdefault(source.value(name), name)
    return found


def layers_of(source: NetworkSource) -> list[NetworkLayer]:
    """Return the layers that depend on the input, in the order of the file."""
    found = []
    for name in source.names:
        try:
            value = source.value(name)
        except ModelError:
            continue
        if value.constant is None:
            found.append(NetworkLayer(name, source.kind(name), value.shape))
    return found
