"""Signals: descriptors that the node measures, with or without a model.

:data:`SIGNALS` lists them, :meth:`Node.read_signals <pyplugin.Node.read_signals>` returns
:class:`SignalFrames`. docs/signals.md describes each of them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pyplugin._native import ffi, floats, from_struct, lib
from pyplugin.support.arrays import ByValue, Float32, Int64

SIGNAL_HOP: float = lib.tagnode_setup_default().signal_hop
"""Seconds between two signal frames by default: one mel frame of MusiCNN."""


@dataclass(frozen=True)
class Signal:
    """A measured descriptor: its name, unit and usual range.

    Attributes
    ----------
    name
        ``rms_db``; the descriptor is called ``signal.rms_db``.
    unit
        ``dBFS``, ``dBTP``, ``LUFS``, ``dB``, ``Hz``, ``BPM``, ``s`` or ``""``.
    meaning
        A short description.
    low, high
        Its usual range, which a mapping uses by default.
    window
        Seconds before a frame's ``end`` that it describes; 0 for the mel frame.

    Examples
    --------
    >>> import pyplugin
    >>> rms = pyplugin.SIGNALS["rms_db"]
    >>> rms.unit, rms.low, rms.high
    ('dBFS', -60.0, 0.0)
    """

    name: str
    unit: str
    meaning: str
    low: float
    high: float
    window: float


def _about(index: int) -> Signal:
    about = lib.tagnode_signal_info(index)
    return from_struct(Signal, about, window=round(about.window, 6))


SIGNALS = {each.name: each for each in map(_about, range(lib.tagnode_signal_count()))}
"""All signals by name, in the order of the columns of :attr:`SignalFrames.values`."""


@dataclass(frozen=True, eq=False)
class SignalFrames(ByValue):
    """Signal frames, one a row, oldest first.

    Attributes
    ----------
    start, end
        (n,) int64: the samples of the mel frame that each belongs to, ``[start, end)``. A signal
        with a longer window, 3 s for example, ends at ``end`` too.
    emitted
        (n,) int64: the position at which the frame became readable; ``emitted - end`` is the
        constant latency of resampler and front-end.
    values
        (n, S) float32, in the order of :data:`SIGNALS`.

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> with pyplugin.Node(48000, 1, 48000, model=None) as node:
    ...     node.analyse(np.full((1, 48000), 0.5, np.float32))
    ...     frames = node.read_signals()
    >>> rms = frames.values[:, list(pyplugin.SIGNALS).index("rms_db")]
    >>> round(float(rms[-1]), 2)
    -6.02
    """

    start: Int64
    end: Int64
    emitted: Int64
    values: Float32

    def __len__(self) -> int:
        return len(self.start)


def take_signals(node: Any) -> SignalFrames:
    """Return all unread signal frames of a ``tagnode *``."""
    room = 256
    heads = ffi.new("tagnode_frame[]", room)
    rows: list[tuple[int, int, int]] = []
    parts: list[Float32] = []
    count = room
    while count == room:
        values = np.empty((room, len(SIGNALS)), np.float32)
        count = lib.tagnode_read_signals(node, heads, floats(values), room)
        rows += [(heads[i].start, heads[i].end, heads[i].emitted) for i in range(count)]
        parts.append(values[:count])
    start, end, emitted = np.array(rows, np.int64).reshape(-1, 3).T
    return SignalFrames(start, end, emitted, np.concatenate(parts))
