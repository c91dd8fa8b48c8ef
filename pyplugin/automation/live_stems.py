"""Stems of a live stream in automation: their signals, and boards of their own."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from pyplugin.automation.movers import Mover
from pyplugin.automation.playback import Stage, finite
from pyplugin.automation.stems import StemModel, checked_model, stems_of
from pyplugin.node.node import MAX_BLOCK, Node
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing


class StemAnalysis(Closing):
    """Separates a live stream, and pushes its stems' signals to movers. A context manager.

    What it returns and pushes is `latency` samples old; its positions are those of the samples
    themselves, as in a recording.

    Parameters
    ----------
    model
        Separates.
    sample_rate, channels
        Of the stream; Hz.

    Attributes
    ----------
    model
        As given.
    latency : int
        Samples from a sample to its stems.
    position : int
        Samples whose stems were returned.

    Raises
    ------
    AudioError
        The model does not separate so many channels.
    ModelError
        This machine is too slow for the model.
    """

    def __init__(self, model: StemModel, sample_rate: int, channels: int) -> None:
        self.model, self.position = model, 0
        self._format = (sample_rate, channels)
        self._stream = model.stream(sample_rate, channels)
        self.latency = self._stream.latency
        self._ahead = 0  # samples taken
        self._held: deque[Float32] = deque()  # of which the stems are not there yet
        self._nodes: dict[str, Node] = {}
        self._movers: list[Mover] = []

    @property
    def late(self) -> int:
        """Samples of the stems that were not there when they were due, and are silence."""
        return self._stream.late

    def follow(self, mover: Mover) -> None:
        """Push the signals of the stems that a mover depends on to it, from now on.

        Raises
        ------
        PresetError
            The model has no such stem.
        """
        wanted = stems_of(mover.parameters)
        checked_model(self.model, wanted)
        for stem in wanted:
            if stem not in self._nodes:
                self._nodes[stem] = Node(*self._format, MAX_BLOCK, model=None, offline=True)
        self._movers.append(mover)

    def process(self, block: Float32) -> tuple[Float32, Float32]:
        """Take a block (channels, n); return the samples that are due, with their stems.

        Returns
        -------
        mix
            (channels, m), `latency` samples old. m is n, but less in the first `latency` samples.
        stems
            (stems, channels, m), of the same samples.
        """
        block = finite(block)
        count = block.shape[1]
        self._held.append(np.array(block, np.float32))
        self._ahead += count
        due = max(self._ahead - self.latency - self.position, 0)
        stems = self._stream.process(block)[:, :, count - due :]
        mix = self._taken(due)
        self._analyse(stems)
        self.position += due
        return mix, stems

    def skip(self, samples: int) -> None:
        """Go on after samples that were lost: they count as silence."""
        for count in _parts(samples):
            self.process(np.zeros((self._format[1], count), np.float32))

    def _taken(self, count: int) -> Float32:
        parts = [np.zeros((self._format[1], 0), np.float32)]
        while count:
            block = self._held.popleft()
            parts.append(block[:, :count])
            if block.shape[1] > count:
                self._held.appendleft(block[:, count:])
            count -= parts[-1].shape[1]
        return np.concatenate(parts, axis=1)

    def _analyse(self, stems: Float32) -> None:
        for stem, node in self._nodes.items():
            samples = stems[self.model.stems.index(stem)]
            for begin in range(0, samples.shape[1], MAX_BLOCK):
                node.analyse(np.ascontiguousarray(samples[:, begin : begin + MAX_BLOCK]))
                measured = node.read_signals()
                for emitted, row in zip(measured.emitted, measured.values, strict=True):
                    for mover in self._movers:
                        mover.push(f"stem.{stem}", int(emitted), row)

    def close(self) -> None:
        """Stop separating. Closing twice is harmless."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._stream.close)
            for node in self._nodes.values():
                stack.callback(node.close)


class StemChains:
    """Effects of single stems, live: stems in, their sum with the rest of the stream out.

    Parameters
    ----------
    names
        Of the stems.
    stages
        Effects by the name of the stem.
    """

    def __init__(self, names: tuple[str, ...], stages: Mapping[str, Stage]) -> None:
        self.stages = dict(stages)
        self._rows = [names.index(stem) for stem in stages]
        self._done: list[Float32] = []  # of each chain, what others delay, and of the rest

    def process(self, mix: Float32, stems: Float32) -> Float32:
        """Return the sum, as far as all chains are: (channels, m), m below n with delays."""
        parts = [mix - stems[self._rows].sum(axis=0)]
        for row, stage in zip(self._rows, self.stages.values(), strict=True):
            parts.append(stage.process(np.ascontiguousarray(stems[row])))
        if self._done:
            parts = [np.concatenate(pair, axis=1) for pair in zip(self._done, parts, strict=True)]
        count = min(each.shape[1] for each in parts)
        self._done = [each[:, count:] for each in parts]
        return np.asarray(sum(each[:, :count] for each in parts), np.float32)


def _parts(samples: int) -> list[int]:
    """Return the lengths of blocks.

    Examples
    --------
    >>> _parts(20000)
    [8192, 8192, 3616]
    """
    ends = [*range(0, samples, MAX_BLOCK), samples]
    return [end - begin for begin, end in pairwise(ends)]
