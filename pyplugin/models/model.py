"""A model that has been read: its file and its card."""

from dataclasses import dataclass
from pathlib import Path

from pyplugin.models.card import Card


@dataclass(frozen=True)
class Model:
    """A model that has been read and checked.

    Attributes
    ----------
    name : str
        From the card.
    path : Path
        Of the ``.tflite`` or ``.onnx`` file.
    card : Card
    data : bytes
        Content of the file.
    """

    name: str
    path: Path
    card: Card
    data: bytes
