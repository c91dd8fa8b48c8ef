"""From a recording or an array to tags: :func:`tag`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin.inputs.recording import Recording
from pyplugin.models.heads import Head
from pyplugin.node.plan import Plan
from pyplugin.node.windows import analyse_windows, window_seconds
from pyplugin.support.results import HeadResult, TagResult

if TYPE_CHECKING:
    from pyplugin.models.registry import Model

    Float32 = npt.NDArray[np.float32]

__all__ = ["tag"]


def tag(
    audio: str | Path | npt.ArrayLike,
    sample_rate: int | None = None,
    *,
    model: str | Model | None = None,
    heads: Sequence[str | Path | Head] = (),
    hop: float | None = None,
    embedding: str | None = None,
    runtime: str | None = None,
    progress: Callable[[float], object] | None = None,
    each: Callable[[float, float, Float32], object] | None = None,
) -> TagResult:
    """Name what a recording sounds like.

    Parameters
    ----------
    audio
        The path of a recording of any format and length, or samples (n,) or (channels, n) as
        floats with full scale 1.0.
    sample_rate
        Of the samples, Hz, 8000 to 192000; for arrays only.
    model
        A name of ``pyplugin models list``, the path of a .tflite file with its card beside it, or
        a loaded model. ``None`` for the one that the first head is made for, or musicnn-mtt.
    heads
        Classifiers on the model's embedding, as for :class:`Node`.
    hop
        Seconds between two windows, up to the model's window; ``None`` for the card's default.
    embedding
        Output to keep as ``TagResult.embeddings``, ``"penultimate"`` say; ``None`` for none.
    runtime
        ``"inline"``, ``"litert"``, ``"tflite-runtime"``, or ``None``, as for :class:`Node`.
    progress
        Called with the share heard so far, 0 to 1, after each block.
    each
        Called with each window as it comes: where it starts and ends, in seconds, and its
        activations (L,), then what the heads say.

    Raises
    ------
    AudioError
        The recording or the array cannot be used.
    ModelError
        The model or a head cannot.

    See Also
    --------
    Node : the same on a stream.

    Examples
    --------
    >>> result = pyplugin.tag("song.ogg", hop=0.5)  # doctest: +SKIP
    >>> result.top(3)  # doctest: +SKIP
    [('guitar', 0.41), ('rock', 0.33), ('fast', 0.12)]
    """
    plan = Plan.of(model, heads, hop=hop, runtime=runtime)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(Recording(audio, sample_rate))
        node = stack.enter_context(
            plan.build(
                source.sample_rate,
                source.channels,
                source.block,
                embedding=embedding,
                offline=True,
                whole_windows=True,
            )
        )
        window, parts, count = window_seconds(node), [], 0
        for frames in analyse_windows(node, source, progress):
            parts.append((frames.values, frames.embeddings))
            if each is not None:
                for activations in frames.values:
                    each(count * node.hop, count * node.hop + window, activations)
                    count += 1
        stacked = np.concatenate([values for values, _ in parts])
        embeddings = np.concatenate([embedding for _, embedding in parts])
        return TagResult(
            model=node.model.card.name,
            labels=node.labels,
            times=np.arange(len(stacked), dtype=np.float64) * node.hop,
            window=window,
            hop=node.hop,
            activations=stacked[:, : len(node.labels)],
            embeddings=embeddings if embedding is not None else None,
            duration=source.read_samples / source.sample_rate,
            notes=source.notes,
            heads={
                head.name: HeadResult(list(head.labels), stacked[:, node.head_columns[head.name]])
                for head in node.heads
            },
            replaced=node.counters["replaced"],
        )
