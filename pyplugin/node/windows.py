"""A whole recording through a node: the frame of every window, in constant memory."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from pyplugin.node.frontend import frames_within
from pyplugin.node.node import Frames, Node, State
from pyplugin.support.arrays import Float32


class WindowSource(Protocol):
    """Blocks, (channels, n) float32, and how far they have come; ``inputs.recording`` has one."""

    block: int
    """Samples a channel of a block, at most."""
    read_samples: int
    """Samples a channel delivered so far."""
    notes: list[str]

    def __iter__(self) -> Iterator[Float32]:
        """Yield the blocks."""

    @property
    def position(self) -> float:
        """Share of it that was read, 0 to 1."""


def window_seconds(node: Node) -> float:
    """Return the length of the longest window that the node's models see, in seconds."""
    return max(
        card.patch_frames * card.front_end.hop / card.front_end.sample_rate
        for card in (model.card for model in node.models)
    )


def analyse_windows(
    node: Node, source: WindowSource, progress: Callable[[float], object] | None = None
) -> Iterator[Frames]:
    """Stream a source through a fresh offline node; yield the frames of its windows.

    Every window ends within the signal (its mel frames are centred within it, as in MusiCNN, or end
    within it, where they begin at their sample, as in YAMNet), and begins within it unless the
    node's models assume silence before the stream. A source that is too short for a window is
    repeated, and a note is added to ``source.notes``.

    Parameters
    ----------
    node
        Offline, with the source's rate and channels, and a ``max_block`` of ``source.block``.
    source
        Where the blocks come from.
    progress
        Called with the share analysed so far, 0 to 1, after each block.
    """
    front_end, first = node.model.card.front_end, node.first_frames
    # Input samples of the first window, whose last mel frame is centred on the last of them, or
    # ends with it.
    reach = front_end.frame if front_end.framing == "from-zero" else 0
    last = (first - 1) * front_end.hop + reach
    needed = -(-last * node.sample_rate // front_end.sample_rate)
    beginning: list[Float32] = []
    yielded = 0
    for block in source:
        if source.read_samples < needed:
            beginning.append(block.copy())
        frames = _fresh(node.process(block))
        yielded += len(frames)
        yield frames
        if progress is not None:
            progress(source.position)
    length = source.read_samples
    tail = np.zeros((node.channels, 0), np.float32)
    if length < needed:
        once = np.concatenate(beginning, axis=1)
        tail = np.tile(once, -(-needed // length))[:, length:needed]
        source.notes.append(
            f"It lasts {length / node.sample_rate:.2f} s, less than the "
            f"{first * node.mel_seconds:.2f} s that the model needs: it was repeated."
        )
        length = needed
    samples = -(-length * front_end.sample_rate // node.sample_rate)
    count = (frames_within(front_end, samples) - first) // node.hop_frames + 1
    flush = node.latency.total + front_end.fft * node.sample_rate // front_end.sample_rate + 1
    rest = np.pad(tail, ((0, 0), (0, flush)))
    for at in range(0, rest.shape[1], source.block):
        frames = _fresh(node.process(rest[:, at : at + source.block]), count - yielded)
        yielded += len(frames)
        yield frames
    replaced = node.counters["replaced"]
    if replaced:
        source.notes.append(replaced_note(replaced))


def replaced_note(replaced: int) -> str:
    """Return the note on non-finite samples."""
    return f"{replaced} samples were NaN or infinite and counted as 0."


def _fresh(frames: Frames, most: int | None = None) -> Frames:
    rows = np.flatnonzero(frames.state == State.FRESH)[:most]
    return Frames(**{name: array[rows] for name, array in vars(frames).items()})
