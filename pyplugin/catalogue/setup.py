"""What the recordings of a catalogue are analysed with."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyplugin.errors import ModelError, PypluginError
from pyplugin.models import registry
from pyplugin.models.heads import Head
from pyplugin.models.heads import encode as encode_head
from pyplugin.node.node import DEFAULT_MODEL, MAX_BLOCK
from pyplugin.node.plan import Plan

HOP = 1.0
"""Seconds between two windows, unless another hop is asked for."""

PRESENT = 0.3
"""Activation from which a window counts in a label's share; also that of exported labels."""

TEMPO_EVERY = 4
"""Signal frames from one value of the tempo to the next: then it is that of pyplugin.tempo."""

_SIGNAL_HOP = 0.128  # seconds; what is later than the last of them is missing in the loudness


@dataclass(frozen=True)
class Setup:
    """Models, heads and what is kept of their results; every worker gets one.

    Attributes
    ----------
    plan
        All models and heads, in one node, which measures signals too.
    embedding
        Output of the first model whose mean is kept; ``None`` for none.
    windows
        Keep the activations of each window.

    Examples
    --------
    >>> setup = Setup.of(["scene"])
    >>> setup.descriptors[0], setup.embedding, setup.identity["models"][0]["name"]
    ('tag.scene.speech', None, 'scene')
    """

    plan: Plan
    embedding: str | None = None
    windows: bool = False

    @classmethod
    def of(
        cls,
        models: Sequence[str] = (),
        heads: Sequence[str | Path] = (),
        *,
        hop: float = HOP,
        embeddings: bool = False,
        windows: bool = False,
    ) -> Setup:
        """Return the setup of these models and heads.

        Parameters
        ----------
        models
            Names or files; none: those of the heads, or the default model.
        heads
            Names or files. A model that a head needs and that is not named is added.
        hop
            Seconds between two windows, the same for all models.
        embeddings
            Keep the mean embedding of the first model that has one.
        windows
            Keep the activations of each window.

        Raises
        ------
        ModelError
            A model or head is missing, damaged, named twice or has no embedding.
        """
        loaded = [registry.load(each) for each in models]
        opened: list[Head] = []
        for each in heads:
            plan = Plan.of(None, [each])
            opened += plan.heads
            if plan.heads[0].model not in [model.name for model in loaded]:
                loaded += plan.models
        loaded = loaded or [registry.load(DEFAULT_MODEL)]
        names = [model.name for model in loaded]
        twice = [name for name in names if names.count(name) > 1]
        if twice:
            raise ModelError(f"The model {twice[0]} is named twice; name it once.")
        embedding = None
        if embeddings:
            having = [model for model in loaded if model.card.embedding is not None]
            if not having:
                raise ModelError(f"{' and '.join(names)} has no embedding; leave out --embeddings.")
            loaded.sort(key=lambda model: model is not having[0])  # a node returns the first one's
            embedding = having[0].card.embedding
        plan = Plan(tuple(loaded), tuple(opened), hop, None, _SIGNAL_HOP)
        plan.build(44100, 1, MAX_BLOCK, offline=True, embedding=embedding).close()  # fail now
        return cls(plan, embedding, windows)

    @property
    def descriptors(self) -> list[str]:
        """Full names of the labels, in the order of the columns."""
        return self.plan.descriptors

    @property
    def embedding_size(self) -> int:
        """Number of values of the embedding; 0 for none."""
        if self.embedding is None:
            return 0
        return self.plan.models[0].card.output_named(self.embedding).size

    @property
    def identity(self) -> dict[str, Any]:
        """What makes results comparable, as JSON: two setups with the same give the same rows."""
        return {
            "models": [
                {"name": model.name, "sha256": model.card.sha256} for model in self.plan.models
            ],
            "heads": [
                {"name": head.name, "sha256": hashlib.sha256(encode_head(head)).hexdigest()}
                for head in self.plan.heads
            ],
            "hop": self.plan.hop,
            "embedding": self.embedding,
            "windows": self.windows,
            "present": PRESENT,
            "descriptors": self.descriptors,
            "embedding_size": self.embedding_size,
        }


def check_same(folder: Path, there: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    """Raise unless a catalogue was made with this setup.

    Parameters
    ----------
    folder
        Of the catalogue, for the message.
    there, wanted
        Identities: the catalogue's, and of the setup.

    Raises
    ------
    PypluginError
        It was not; the sentence has both.

    Examples
    --------
    >>> check_same(Path("tags"), {"hop": 1.0}, {"hop": 1.0})
    """
    for key in dict.fromkeys([*wanted, *there]):
        if there.get(key) != wanted.get(key):
            raise PypluginError(
                f"'{folder}' was made with {_named(key, there)}; this would be "
                f"{_named(key, wanted)}. Give the options that it was made with, none of them to "
                "take those of the folder, or another folder."
            )


def _named(key: str, identity: Mapping[str, Any]) -> str:
    value = identity.get(key)
    if key in ("models", "heads"):
        parts = [f"{each['name']} ({each['sha256'][:8]})" for each in value or ()]
        return f"the {key} {', '.join(parts)}" if parts else f"no {key}"
    return f"{key} {value}"
