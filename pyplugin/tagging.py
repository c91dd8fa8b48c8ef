"""Tag recordings and arrays: :func:`tag`."""

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
from pyplugin.support.arrays import Float32
from pyplugin.support.results import HeadResult, TagResult

if TYPE_CHECKING:
    from pyplugin.inputs.files import Source
    from pyplugin.models.registry import Model


def tag(
    audio: Source | npt.ArrayLike,
    sample_rate: int | None = None,
    *,
    model: str | Model | None = None,
    heads: Sequence[str | Path | Head] = (),
    hop: float | None = None,
    track: int | None = None,
    embedding: str | None = None,
    layers: str | Sequence[str] = (),
    runtime: str | None = None,
    progress: Callable[[float], object] | None = None,
    each: Callable[[float, float, Float32], object] | None = None,
) -> TagResult:
    """Detect the content of a recording: the activation of each tag in each window.

    Parameters
    ----------
    audio
        A recording of any format and length: its path, ``"-"`` for standard input, an HTTP or HTTPS
        URL, its bytes, or an open binary file; or samples (n,) or (channels, n) as floats with full
        scale 1.0.
    sample_rate
        Sample rate of an array in Hz, 8000 to 192000; otherwise ``None``.
    model
        A name of ``tagnode models list``, the path of a model file with its card beside it, or
        a loaded model. ``None`` for the model of the first head, or ``"scene"`` without heads.
    heads
        Classifiers on the model's embedding, as for :class:`Node`.
    hop
        Seconds between the starts of two windows, above 0 and up to 600; ``None`` for the default
        of the card.
    track
        Which audio track of a file with several, from 1; ``None`` for its default one.
    embedding
        Output of the model to return as ``TagResult.embeddings``, such as
        ``"penultimate"``; ``None`` for none.
    layers
        Layers of the model to return instead, in ``TagResult.layers`` by their names and side by
        side in ``TagResult.embeddings``: any of those that ``tagnode models layers`` lists.
    runtime
        ``"inline"``, ``"litert"``, ``"tflite-runtime"``, ``"onnxruntime"`` or ``None``, as for
        :class:`Node`.
    progress
        Called with the share read so far, 0 to 1, after each block.
    each
        Called with each window as soon as it is analysed: its start and end in seconds, and the
        activations of its L labels followed by those of the heads, (L + H,) float32.

    Returns
    -------
    TagResult
        Labels, times (n,) and activations (n, L) of the n windows.

    Raises
    ------
    AudioError
        The recording or the array cannot be used.
    ModelError
        The model or a head cannot be used, or `hop`, `embedding` or `layers` does not fit the
        model.

    See Also
    --------
    Node : The same analysis of a stream.

    Examples
    --------
    >>> import numpy as np
    >>> from pyplugin import tag
    >>> noise = np.random.default_rng(0).normal(0, 0.1, 5 * 16000)
    >>> result = tag(noise, 16000)
    >>> result.labels
    ['speech', 'singing', 'music', 'drums', 'tonal', 'noise', 'voice']
    >>> result.top(1)[0][0]
    'noise'
    """
    plan = Plan.of(model, heads, hop=hop, runtime=runtime)
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(Recording(audio, sample_rate, track=track))
        node = stack.enter_context(
            plan.build(
                source.sample_rate,
                source.channels,
                source.block,
                embedding=embedding,
                layers=layers,
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
            embeddings=embeddings if embedding is not None or node.layer_columns else None,
            duration=source.read_samples / source.sample_rate,
            notes=source.notes,
            heads={
                head.name: HeadResult(list(head.labels), stacked[:, node.head_columns[head.name]])
                for head in node.heads
            },
            replaced=node.counters["replaced"],
            layers={name: embeddings[:, where] for name, where in node.layer_columns.items()},
        )
