"""From a recording or an array to tags: :func:`tag` and its result.

:func:`heard_windows` is the engine: it streams a source through a node in constant memory and
yields each window's frame as it comes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError
from pyplugin.frontend import as_planar, check_rate
from pyplugin.heads import Head
from pyplugin.heads import load as load_head
from pyplugin.node import DEFAULT_MODEL, Frames, Node, State

if TYPE_CHECKING:
    from pyplugin.models.registry import Model

    Float32 = npt.NDArray[np.float32]

__all__ = [
    "BLOCK",
    "HeadResult",
    "Recording",
    "TagResult",
    "heard_windows",
    "replaced_note",
    "tag",
    "window_seconds",
]

BLOCK = 65536
"""Samples a channel that are read at once; results do not depend on it."""


@dataclass(frozen=True)
class HeadResult:
    """What a head said of a recording: ``activations`` (n, C) of its C ``labels``, 0 to 1."""

    labels: list[str]
    activations: Float32

    @property
    def mean(self) -> Float32:
        """(C,) float32: each label's activation, averaged over the windows."""
        return _mean(self.activations)


@dataclass(frozen=True)
class TagResult:
    """What a model heard in a recording.

    Attributes
    ----------
    model
        Its name.
    labels
        The L labels, as the model spells them.
    times
        (n,) float64: where each window starts, in seconds.
    window, hop
        Length of a window and distance between two, in seconds.
    activations
        (n, L) float32, 0 to 1.
    embeddings
        (n, E) float32 of the layer asked for, or ``None``.
    duration
        Of the recording, in seconds.
    notes
        Sentences about the input that a person should see: it was shorter than a window, it was
        cut off, samples were not numbers.
    heads
        What each head said of the same windows, by its name.
    replaced
        Samples that were NaN or infinite and counted as 0.
    """

    model: str
    labels: list[str]
    times: npt.NDArray[np.float64]
    window: float
    hop: float
    activations: Float32
    embeddings: Float32 | None
    duration: float
    notes: list[str] = field(default_factory=list)
    heads: dict[str, HeadResult] = field(default_factory=dict)
    replaced: int = 0

    @property
    def mean(self) -> Float32:
        """(L,) float32: each label's activation, averaged over the windows."""
        return _mean(self.activations)

    def top(self, k: int = 5) -> list[tuple[str, float]]:
        """Return the ``k`` labels of the highest mean with it, the highest first."""
        mean = self.mean
        best = np.argsort(-mean, kind="stable")[: max(k, 0)]
        return [(self.labels[index], float(mean[index])) for index in best]


def _mean(activations: Float32) -> Float32:
    return np.asarray(activations.mean(axis=0, dtype=np.float64), np.float32)


class Recording:
    """A recording or an array as blocks, (channels, n) float32, and what is known about it.

    A context manager, which closes the recording.

    Parameters
    ----------
    audio
        A path, or samples (n,) or (channels, n).
    sample_rate
        Of the samples, Hz; must be ``None`` for a path.

    Attributes
    ----------
    samples : numpy.ndarray or None
        (channels, n) float32 of an array, ``None`` for a path.
    flat : bool
        The array had one dimension.
    heard : int
        Samples a channel delivered so far.
    notes : list of str
        Sentences for a person; complete once all blocks were taken.

    Raises
    ------
    AudioError
        It cannot be read, or an array came without its rate.
    """

    def __init__(self, audio: str | Path | npt.ArrayLike, sample_rate: int | None = None) -> None:
        self.heard = 0
        self.samples: Float32 | None = None
        self.flat = False
        self.notes: list[str] = []
        self._reader: Any = None
        if isinstance(audio, (str, Path)):
            from pyplugin.audio import AudioReader

            if sample_rate is not None:
                raise AudioError("A file has its own sample rate; sample_rate is for arrays.")
            self._reader = AudioReader(audio, block=BLOCK)
            self.sample_rate = self._reader.sample_rate
            self.channels = self._reader.channels
            self.duration: float | None = self._reader.duration
            return
        if sample_rate is None:
            raise AudioError("An array comes without its sample rate; give sample_rate in Hz.")
        self.samples = as_planar(audio)
        self.flat = np.ndim(audio) == 1
        self.sample_rate = check_rate(sample_rate)
        self.channels = self.samples.shape[0]
        self.duration = self.samples.shape[1] / self.sample_rate

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reader is not None:
            self._reader.close()

    def share(self) -> float:
        """Return how much was heard, 0 to 1; 0 while the duration is not known."""
        return min(self.heard / self.sample_rate / self.duration, 1.0) if self.duration else 0.0

    def __iter__(self) -> Iterator[Float32]:
        for block in self._blocks():
            self.heard += block.shape[1]
            yield block
        if self._reader is not None:
            self.notes.extend(self._reader.warnings)
        if self.heard == 0:
            raise AudioError("The recording has 0 samples; at least 1 is expected.")

    def _blocks(self) -> Iterator[Float32]:
        if self.samples is None:
            return iter(self._reader)
        return _cut(self.samples)


def _cut(samples: Float32) -> Iterator[Float32]:
    for start in range(0, samples.shape[1], BLOCK):
        yield samples[:, start : start + BLOCK]


def window_seconds(node: Node) -> float:
    """Return the length of the window that the node's model sees, in seconds."""
    front_end = node.model.card.front_end
    return node.patch_frames * front_end.hop / front_end.sample_rate


def heard_windows(
    node: Node, source: Recording, progress: Callable[[float], object] | None = None
) -> Iterator[Frames]:
    """Stream a source through a fresh offline node; yield the frames of its windows.

    Every window ends within the signal (in MusiCNN's sense: the mel frames centred within it), and
    begins there unless the node's models take what was before for silence. A source too short for
    an answer is repeated until it gives one, and ``source.notes`` says so.

    Parameters
    ----------
    node
        Made with the source's rate and channels, ``max_block`` of at least :data:`BLOCK`, offline.
    source
        Where the blocks come from.
    progress
        Called with the share heard so far, 0 to 1, after each block.
    """
    front_end, first = node.model.card.front_end, node.first_frames
    # Mel frame j is centred on model-rate sample j * hop; so many input samples give one answer.
    needed = -(-(first - 1) * front_end.hop * node.sample_rate // front_end.sample_rate)
    beginning: list[Float32] = []
    yielded = 0
    for block in source:
        if source.heard < needed:
            beginning.append(block.copy())
        frames = _fresh(node.process(block))
        yielded += len(frames)
        yield frames
        if progress is not None:
            progress(source.share())
    heard = source.heard
    tail = np.zeros((node.channels, 0), np.float32)
    if heard < needed:
        once = np.concatenate(beginning, axis=1)
        tail = np.tile(once, -(-needed // heard))[:, heard:needed]
        source.notes.append(
            f"It lasts {heard / node.sample_rate:.2f} s, less than the "
            f"{first * node.mel_seconds:.2f} s that the model needs: it was repeated to fill them."
        )
        heard = needed
    length = -(-heard * front_end.sample_rate // node.sample_rate)
    count = (length // front_end.hop + 1 - first) // node.hop_frames + 1
    flush = node.latency.total + front_end.fft * node.sample_rate // front_end.sample_rate + 1
    silence = np.zeros((node.channels, flush), np.float32)
    for block in _cut(np.concatenate([tail, silence], axis=1)):
        frames = _fresh(node.process(block), count - yielded)
        yielded += len(frames)
        yield frames
    replaced = node.counters["replaced"]
    if replaced:
        source.notes.append(replaced_note(replaced))


def replaced_note(replaced: int) -> str:
    """Return the sentence about samples that were no numbers."""
    return f"{replaced} samples were NaN or infinite; they counted as 0."


def _fresh(frames: Frames, most: int | None = None) -> Frames:
    rows = np.flatnonzero(frames.state == State.FRESH)[:most]
    return Frames(
        frames.start[rows],
        frames.end[rows],
        frames.emitted[rows],
        frames.state[rows],
        frames.values[rows],
        frames.embeddings[rows],
    )


def tag(
    audio: str | Path | npt.ArrayLike,
    sample_rate: int | None = None,
    *,
    model: str | Model | None = None,
    heads: Sequence[str | Path | Head] = (),
    hop: float | None = None,
    layer: str | None = None,
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
    layer
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
    loaded = [each if isinstance(each, Head) else load_head(each) for each in heads]
    if model is None:
        model = loaded[0].backbone if loaded else DEFAULT_MODEL
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(Recording(audio, sample_rate))
        node = stack.enter_context(
            Node(
                source.sample_rate,
                source.channels,
                BLOCK,
                model=model,
                heads=loaded,
                hop=hop,
                layer=layer,
                runtime=runtime,
                offline=True,
                whole_windows=True,
            )
        )
        window, parts, count = window_seconds(node), [], 0
        for frames in heard_windows(node, source, progress):
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
            embeddings=embeddings if layer is not None else None,
            duration=source.heard / source.sample_rate,
            notes=source.notes,
            heads={
                head.name: HeadResult(list(head.labels), stacked[:, node.head_columns[head.name]])
                for head in node.heads
            },
            replaced=node.counters["replaced"],
        )
