"""Analyse every window of a recording with a node, in constant memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pyplugin.node.node import Frames, Node, State

__all__ = ["AudioBlocks", "analyse_windows", "replaced_note", "window_seconds"]

Float32 = npt.NDArray[np.float32]


class AudioBlocks(Protocol):
    """Blocks, (channels, n) float32, and the position in them; see ``inputs.recording``."""

    block: int
    """Largest number of samples per channel in a block."""
    samples_read: int
    """Samples per channel delivered so far."""
    notes: list[str]

    def __iter__(self) -> Iterator[Float32]:
        """Yield the blocks."""

    def share(self) -> float:
        """Return the share that has been read, 0 to 1."""


def window_seconds(node: Node) -> float:
    """Return the window length of the node's model in seconds."""
    front_end = node.model.card.front_end
    return node.patch_frames * front_end.hop / front_end.sample_rate


def analyse_windows(
    node: Node, source: AudioBlocks, progress: Callable[[float], object] | None = None
) -> Iterator[Frames]:
    """Analyse a source with a new offline node; yield the frames of its windows.

    Every window ends within the signal (as in MusiCNN: its mel frames are centred within it), and
    begins there unless the node's models treat the time before as silence. A source too short for
    a result is repeated until it fills a window, and a note is added to ``source.notes``.

    Parameters
    ----------
    node
        Offline, with the source's rate and channels, and a ``max_block`` of ``source.block``.
    source
        The blocks, and where to add notes.
    progress
        Called with the share read so far, 0 to 1, after each block.
    """
    front_end, first = node.model.card.front_end, node.first_frames
    # Mel frame j is centred on model-rate sample j * hop; a result needs this many input samples.
    needed = -(-(first - 1) * front_end.hop * node.sample_rate // front_end.sample_rate)
    beginning: list[Float32] = []
    yielded = 0
    for block in source:
        if source.samples_read < needed:
            beginning.append(block.copy())
        frames = _fresh(node.process(block))
        yielded += len(frames)
        yield frames
        if progress is not None:
            progress(source.share())
    samples = source.samples_read
    tail = np.zeros((node.channels, 0), np.float32)
    if samples < needed:
        once = np.concatenate(beginning, axis=1)
        tail = np.tile(once, -(-needed // samples))[:, samples:needed]
        source.notes.append(
            f"It lasts {samples / node.sample_rate:.2f} s, less than the "
            f"{first * node.mel_seconds:.2f} s that the model needs: it is repeated to fill them."
        )
        samples = needed
    length = -(-samples * front_end.sample_rate // node.sample_rate)
    count = (length // front_end.hop + 1 - first) // node.hop_frames + 1
    flush = node.latency.total + front_end.fft * node.sample_rate // front_end.sample_rate + 1
    silence = np.zeros((node.channels, flush), np.float32)
    rest = np.concatenate([tail, silence], axis=1)
    for at in range(0, rest.shape[1], source.block):
        frames = _fresh(node.process(rest[:, at : at + source.block]), count - yielded)
        yielded += len(frames)
        yield frames
    replaced = node.counters["replaced"]
    if replaced:
        source.notes.append(replaced_note(replaced))


def replaced_note(replaced: int) -> str:
    """Return the note about non-finite samples."""
    return f"{replaced} samples are non-finite (NaN, Inf) and count as 0."


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
