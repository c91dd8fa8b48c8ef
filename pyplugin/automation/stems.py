"""Stems in automation: what separates them, boards of their own, and the sum of all.

This room separates nothing itself: callers pass a :class:`StemModel` in, such as
:class:`pyplugin.stems.model.SpleeterModel`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import tee
from typing import Any, Protocol

import numpy as np

from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.playback import Stage
from pyplugin.errors import PresetError
from pyplugin.inputs.recording import Recording
from pyplugin.support.arrays import Float32
from pyplugin.support.spelling import nearest


class LiveStems(Protocol):
    """Separates a live stream, at a constant latency."""

    latency: int
    """Samples from a sample to its stems."""

    late: int
    """Samples that were not there when they were due, and are silence."""

    def process(self, block: Float32) -> Float32:
        """Take a block (channels, n); return the stems `latency` samples earlier.

        (stems, channels, n), with silence before the first sample. Never waits for long.
        """

    def close(self) -> None:
        """Stop. Closing twice is harmless."""


class StemModel(Protocol):
    """Separates recordings and live streams into stems."""

    @property
    def name(self) -> str:
        """For messages."""

    @property
    def stems(self) -> tuple[str, ...]:
        """Their names, in order."""

    def blocks(self, recording: Recording) -> Iterator[tuple[Float32, Float32]]:
        """Yield blocks (channels, n) of a recording with those of its stems.

        The stems, (stems, channels, n), are of the same samples, at the recording's rate; as many
        samples are yielded as the recording has.
        """

    def stream(self, sample_rate: int, channels: int) -> LiveStems:
        """Return what separates a live stream of a rate in Hz, on another thread.

        Raises
        ------
        ModelError
            This machine is too slow for it.
        """


def stems_of(parameters: Iterable[AutomatedParameter]) -> list[str]:
    """Return the stems whose signals parameters depend on, each once."""
    kinds = (route.kind for parameter in parameters for route in parameter.routes)
    return list(dict.fromkeys(kind[5:] for kind in kinds if kind.startswith("stem.")))


def checked_model(model: StemModel | None, wanted: Iterable[str]) -> StemModel:
    """Return a model of stems that has all that are wanted.

    Raises
    ------
    PresetError
        There is none, or it has no such stem.
    """
    if model is None:
        raise PresetError(
            f"Stems are used ({', '.join(wanted)}), but no model separates them; give stem_model."
        )
    for stem in wanted:
        if stem not in model.stems:
            raise PresetError(f"{model.name} has no stem {stem!r}; {nearest(stem, model.stems)}")
    return model


def recombined(
    blocks: Iterable[tuple[Float32, Float32]],
    names: Sequence[str],
    chains: Mapping[str, Sequence[Stage]],
    mover_of: Callable[[Sequence[Any]], Mover],
) -> Iterator[Float32]:
    """Pass stems through chains of effects; yield their sum with the rest of the recording.

    A stem without a chain, and what the stems leave, stay as they are. Memory is that of the
    longest delay between two chains.

    Parameters
    ----------
    blocks
        Blocks of the recording (channels, n) with those of its stems (stems, channels, n).
    names
        Of the stems.
    chains
        Stages by the name of the stem.
    mover_of
        Returns the mover of some effects.
    """
    copies = tee(blocks, len(chains) + 1)
    parts = [_rest(copies[0], [names.index(stem) for stem in chains])]
    for (stem, stages), copy in zip(chains.items(), copies[1:], strict=True):
        part = _one(copy, names.index(stem))
        for stage in stages:
            part = stage.play(part, mover_of(stage.effects))
        parts.append(iter(part))
    yield from added(parts)


def _rest(blocks: Iterable[tuple[Float32, Float32]], taken: list[int]) -> Iterator[Float32]:
    for mix, stems in blocks:
        yield mix - stems[taken].sum(axis=0)


def _one(blocks: Iterable[tuple[Float32, Float32]], index: int) -> Iterator[Float32]:
    for _, stems in blocks:
        yield np.ascontiguousarray(stems[index])


def added(parts: Sequence[Iterator[Float32]]) -> Iterator[Float32]:
    """Add up streams of equal length, in pieces of any sizes.

    Examples
    --------
    >>> one, two = [np.ones((1, 3))], [np.ones((1, 1)), np.ones((1, 2))]
    >>> [piece.shape for piece in added([iter(one), iter(two)])]
    [(1, 1), (1, 2)]
    """
    held = [np.zeros((1, 0), np.float32) for _ in parts]
    while True:
        for index, part in enumerate(parts):
            while not held[index].shape[1]:
                piece = next(part, None)
                if piece is None:
                    return
                held[index] = piece
        count = min(each.shape[1] for each in held)
        yield np.sum([each[:, :count] for each in held], axis=0, dtype=np.float32)
        held = [each[:, count:] for each in held]
