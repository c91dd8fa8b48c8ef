"""Networks that are written as ``.tflite``, float or int8."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyplugin.models.card import Card, Dataset, InputTensor, OutputTensor, Schema
from pyplugin.models.frontends import PRESETS


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
    kind : str
        The task, as in cards.
    preset : str
        The front-end, one of `pyplugin.models.frontends.PRESETS`.
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
    kind: str = field(default="auto-tagging", kw_only=True)
    preset: str = field(default="musicnn", kw_only=True)

    def card(self, data: bytes, *, patch: int, int8: bool, **about: Any) -> Card:
        """Return the card of a file that `build` returned.

        Parameters
        ----------
        data : bytes
        patch : int
            Mel frames that it takes at once.
        int8 : bool
            Whether it was built with a calibration.
        **about
            The fields of the card that are not the network's: name, description, licence ...
        """
        front_end = PRESETS[self.preset]
        mel = InputTensor("mel", "float", (1, patch, front_end.bands))
        return Card(
            type=self.kind,
            labels=self.labels,
            model_types=("tflite-int8" if int8 else "tflite-float32",),
            schema=Schema((mel,), self.outputs),
            inference=front_end,
            patch_frames=patch,
            embedding=self.embedding,
            sha256=hashlib.sha256(data).hexdigest(),
            **about,
        )
