"""What every input does: deliver blocks, and report what happens to it as events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pyplugin.support.arrays import Float32

if TYPE_CHECKING:
    from pyplugin.node.node import Node


MakeNode = Callable[[int, int], "Node"]
"""Takes a sample rate in Hz and a number of channels, returns a node for them."""

EventKind = Literal["disconnected", "ended", "format", "gap", "note", "reconnected", "title"]


@dataclass(frozen=True)
class Event:
    """Something that happened to an input.

    Attributes
    ----------
    kind
        ``"title"``: the title changed. ``"disconnected"``, ``"reconnected"``: the source went away
        or is back. ``"format"``: sample rate or channels changed; the blocks that follow have the
        new ones. ``"gap"``: samples were lost. ``"ended"``: the source is finished, as a file is.
        ``"note"``: anything else that a person should see.
    message
        One sentence.
    samples
        Samples a channel that were lost, of a gap, at the sample rate before it; otherwise 0.
    title
        The new title, of a ``"title"``; empty where the station has none now.
    """

    kind: EventKind
    message: str
    samples: int = 0
    title: str = ""


class Input(Protocol):
    """A source of audio.

    It never raises for what a network or a device does: it reports an event and goes on.
    """

    @property
    def sample_rate(self) -> int:
        """In Hz; of the last block, and before it of the first."""

    @property
    def channels(self) -> int:
        """1 to 8; of the same block."""

    @property
    def title(self) -> str:
        """Name of the device, file or stream."""

    def read(self, timeout: float) -> Float32 | None:
        """Return what arrived within ``timeout`` seconds.

        Returns
        -------
        numpy.ndarray or None
            (channels, n) float32, n from 0; ``None`` once the input has ended.
        """

    def events(self) -> list[Event]:
        """Return what happened since the last call, oldest first."""

    def close(self) -> None:
        """Release the source. Closing twice is harmless."""


class NodeInput(Input, Protocol):
    """An input whose own audio thread runs the node: sound devices."""

    @property
    def node(self) -> Node:
        """The node; another one after a change of format."""

    @property
    def counters(self) -> dict[str, int]:
        """Counters of the stream, and those of the node."""
