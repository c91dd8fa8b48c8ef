"""Networks that are written as ``.tflite``, float or int8."""

from collections.abc import Callable
from dataclasses import dataclass

from pyplugin.models.card import Dataset, OutputTensor

__all__ = ["Network"]


@dataclass(frozen=True)
class Network:
    """What calibration and the card need to know of one trained network.

    Attributes
    ----------
    name : str
        Of the model.
    description : str
        A sentence.
    labels : tuple of str
    dataset : Dataset
    outputs : tuple of OutputTensor
        In the order of the graph.
    embedding : str
        Name of the output that is used where one embedding is wanted.
    build : callable
        Takes the weights by name and, as keywords, `patch`, `calibration` and `description`;
        returns the ``.tflite`` file.
    activations : tuple of str
        Tensors of the float graph, by name, whose ranges calibration measures.
    turnable : frozenset of str
        The activations whose channels may change their sign.
    corrected : str
        The first float layer after the int8 ones; its bias takes up their mean error.
    """

    name: str
    description: str
    labels: tuple[str, ...]
    dataset: Dataset
    outputs: tuple[OutputTensor, ...]
    embedding: str
    build: Callable[..., bytes]
    activations: tuple[str, ...]
    turnable: frozenset[str]
    corrected: str
