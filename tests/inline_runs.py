"""Networks for the inline runtime, and its answers: of whole windows, and in a stream."""

from hashlib import sha256

import numpy as np
from msgspec import structs

from pyplugin import Node, State
from pyplugin.models import registry
from pyplugin.models.card import InputTensor, OutputTensor, Schema
from pyplugin.models.structs import card_struct
from pyplugin.node.runtimes import open_model


def whole_windows(model: registry.Model, mel: np.ndarray, hop: int, runtime="inline"):
    """Activations and embedding of each window, computed afresh from its whole patch."""
    sizes = [output.size for output in model.card.outputs]
    opened = open_model(model, card_struct(model.card), runtime)
    patch = model.card.patch_frames
    answers = [
        opened.run(np.ascontiguousarray(mel[start : start + patch]), sizes)
        for start in range(0, len(mel) - patch + 1, hop)
    ]
    opened.close()
    return [np.stack(values) for values in zip(*answers, strict=True)]


def streamed(model: registry.Model, x: np.ndarray, hop: float, sizes=(512,), **options):
    """Values and embeddings of the fresh frames of a node, and the node's counters."""
    embedding = model.card.embedding
    with Node(
        16000, 1, 65536, model=model, hop=hop, embedding=embedding, runtime="inline", **options
    ) as node:
        parts, at, turn = [], 0, 0
        while at < x.shape[1]:
            size = sizes[turn % len(sizes)]
            parts.append(node.process(x[:, at : at + size]))
            at, turn = at + size, turn + 1
        counters, latency = node.counters, node.latency
    fresh = [part.state == State.FRESH for part in parts]
    values = np.concatenate([p.values[rows] for p, rows in zip(parts, fresh, strict=True)])
    embeddings = np.concatenate([p.embeddings[rows] for p, rows in zip(parts, fresh, strict=True)])
    assert counters["late"] == counters["held"] == counters["failures"] == 0
    assert all((p.emitted - p.end == latency.total).all() for p in parts)
    return values, embeddings


def with_card(name: str, data: bytes, patch: int, bands: int, classes: int) -> registry.Model:
    """A network and its card: activations and a layer "dense", of as many values."""
    base = registry.load("musicnn-mtt")
    card = structs.replace(
        base.card,
        name=name,
        labels=tuple("abcdefgh"[:classes]),
        schema=Schema(
            (InputTensor("mel", "float", (1, patch, bands)),),
            (
                OutputTensor("activations", "float", (1, classes), "predictions"),
                OutputTensor("dense", "float", (1, classes), "embeddings"),
            ),
        ),
        inference=structs.replace(base.card.front_end, bands=bands),
        patch_frames=patch,
        embedding="dense",
        sha256=sha256(data).hexdigest(),
    )
    return registry.Model(name, base.path, card, data)
