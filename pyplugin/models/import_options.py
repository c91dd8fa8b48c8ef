"""What a user gives to an import besides the file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyplugin.models.model import Model
from pyplugin.support.arrays import Float32


@dataclass(frozen=True)
class ImportOptions:
    """What a user gives besides the file; None or empty: it is found out.

    Attributes
    ----------
    name
        Of the model or head.
    card
        A card beside the file, complete or not.
    labels
        A file of labels, one a line, or a CSV with a column ``display_name``.
    front_end
        Name of a preset, or a ``.json`` file with a card's ``inference``.
    model, embedding
        Of a head: the model and the output that it takes.
    output
        The layer of the predictions.
    layers
        Further layers that become outputs; the first of them is the embedding.
    patch
        Mel frames at once, where the file leaves them open.
    hop
        Seconds between two results.
    licence
        Of the weights.
    known_labels
        Labels, where an importer knows them.
    patches
        Takes the model in float, with an output ``patch`` that is its input, and returns that
        output, (n, size), for each of some recordings: the network becomes int8 if that changes
        little, see :mod:`pyplugin.models.graphs.int8`.
    signature
        Of a SavedModel that has several.
    runtime
        ``"onnxruntime"``: an ``.onnx`` file is kept for it, also if its operators are known.
    report
        Takes a line of what is happening.
    """

    name: str | None = None
    card: Path | None = None
    labels: Path | None = None
    front_end: str | None = None
    model: str | None = None
    embedding: str | None = None
    output: str | None = None
    layers: tuple[str, ...] = ()
    patch: int | None = None
    hop: float | None = None
    licence: str | None = None
    known_labels: tuple[str, ...] = ()
    patches: Callable[[Model], Sequence[Float32]] | None = None
    signature: str | None = None
    runtime: str | None = None
    report: Callable[[str], None] = lambda line: None
