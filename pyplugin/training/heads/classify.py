"""Apply a head on descriptors to a file of Essentia's extractor; needs no scikit-learn."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyplugin.errors import ModelError
from pyplugin.models import heads
from pyplugin.training.heads.descriptors import read_descriptors, vector_of


@dataclass(frozen=True)
class Classified:
    """The result of `classify`.

    Attributes
    ----------
    probabilities : dict of str to float
        By class, in the order of the head.
    unknown : list of str
        Descriptors whose text, such as a key, is in no file that the head was trained on.
    """

    probabilities: dict[str, float]
    unknown: list[str]


def classify(head: heads.Head, path: Path) -> Classified:
    """Classify a recording by its descriptors.

    Parameters
    ----------
    head
        As trained by ``tagnode train head --features``.
    path
        A file of Essentia's extractor.

    Raises
    ------
    ModelError
        The head takes an embedding, or its card is damaged.
    PypluginError
        The file cannot be read, or lacks a descriptor.
    """
    if head.model != heads.EXTRACTOR:
        raise ModelError(
            f"The head {head.name} takes the embedding of {head.model}, not files of Essentia's "
            f"extractor: run `tagnode tag RECORDING --head {head.name}`."
        )
    sizes, texts = _inputs(head)
    vector, unknown = vector_of(read_descriptors(path), sizes, texts, path)
    values = heads.run(head, vector[None])[0].tolist()
    return Classified(dict(zip(head.labels, values, strict=True)), unknown)


def _inputs(head: heads.Head) -> tuple[dict[str, int], dict[str, list[str]]]:
    """Return the descriptors that a head takes, from its card."""
    card: Any = head.about.get("descriptors")
    sizes = card.get("sizes") if isinstance(card, dict) else None
    texts = card.get("texts") if isinstance(card, dict) else None
    whole = (
        isinstance(sizes, dict)
        and isinstance(texts, dict)
        and all(type(size) is int and size > 0 for size in sizes.values())
        and sum(sizes.values()) == head.size
        and all(
            sizes.get(name) == 1
            and isinstance(known, list)
            and all(isinstance(value, str) for value in known)
            for name, known in texts.items()
        )
    )
    if not whole:
        raise ModelError(
            f"The card of the head {head.name} does not list its {head.size} descriptors; it is "
            "damaged: train it again."
        )
    assert isinstance(sizes, dict)
    assert isinstance(texts, dict)
    return sizes, texts
