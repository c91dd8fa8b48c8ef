"""Live audio through a board with automated parameters: :class:`BoardStream`."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from pyplugin.automation.claims import release
from pyplugin.automation.effects import leaves
from pyplugin.automation.live_stems import StemAnalysis, StemChains
from pyplugin.automation.movers import Mover
from pyplugin.automation.playback import Stage, finite, name_of, rows_of
from pyplugin.errors import AudioError, PresetError, PypluginError
from pyplugin.node.node import MAX_BLOCK, Frames, Node
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

if TYPE_CHECKING:
    from pedalboard import Plugin

_MOST = 512  # samples between two settings of parameters at rest


class BoardStream(Closing):
    """A board for live audio, from :meth:`AutomatedBoard.stream`. A context manager.

    The result does not depend on block sizes.

    Attributes
    ----------
    board, mover
        The pedalboard, and its automation.
    node : Node or None
        Analyses the audio; ``None`` where the board has only curves, or a node of the caller's.
    frames : Frames or None
        Descriptor frames of the last block.
    stems : StemAnalysis or None
        Separates the stems that effects or sources need, if any do.
    delay : int
        Samples by which the audio is delayed: 0 unless an effect delays it, or stems are separated.
    """

    def __init__(
        self,
        board: Plugin,
        mover: Mover,
        node: Node | None,
        sample_rate: int,
        channels: int,
        max_block: int,
        claimed: frozenset[int] = frozenset(),
        stems: StemAnalysis | None = None,
        stem_boards: Mapping[str, Plugin] | None = None,
    ) -> None:
        self._release = weakref.finalize(self, release, claimed)
        self.board, self.mover, self.node, self.stems = board, mover, node, stems
        self._channels, self._most = channels, max_block
        self.frames: Frames | None = None
        self.delay = 0 if stems is None else stems.latency
        chains = {
            stem: _live_stage(each, sample_rate, channels)
            for stem, each in (stem_boards or {}).items()
        }
        self._stage = _live_stage(board, sample_rate, channels)
        for stage in (*chains.values(), self._stage):
            stage.start(mover)
        if stems is not None:
            stems.follow(mover)
            self._chains = StemChains(stems.model.stems, chains)
        self._position = 0
        self._late = np.zeros((channels, 0), np.float32)

    def close(self) -> None:
        """Close the node and the stems, and give the board back. Closing twice is harmless."""
        self._release()
        if self.stems is not None:
            self.stems.close()
        if self.node is not None:
            self.node.close()

    def process(self, block: Float32) -> Float32:
        """Analyse a block, set the parameters and process it.

        Parameters
        ----------
        block
            (channels, n) float32, n from 0 to ``max_block``. NaN and Inf count as 0.

        Returns
        -------
        numpy.ndarray
            (channels, n) float32.
        """
        if block.ndim != 2 or block.shape[0] != self._channels or block.shape[1] > self._most:
            raise AudioError(
                f"The block has shape {block.shape}; ({self._channels}, n) with n up to "
                f"{self._most} is expected."
            )
        if self.node is not None:
            self._analyse(block)
        return self.play(block)

    def _analyse(self, block: Float32) -> None:
        assert self.node is not None
        self.frames = self.node.process(block)
        push_frames(self.mover, self.node, self.frames)

    def play(self, block: Float32) -> Float32:
        """Process a block, automated by pushed descriptors, where a node elsewhere analyses."""
        if not self._release.alive:
            raise PypluginError("The stream is closed; open another one with stream().")
        if self.stems is None:
            samples = finite(block)
            return self._played(
                samples.shape[1], lambda begin, end: self._stage.process(samples[:, begin:end])
            )
        mix, stems = self.stems.process(block)

        def summed(begin: int, end: int) -> Float32:
            return self._stage.process(
                self._chains.process(mix[:, begin:end], stems[:, :, begin:end])
            )

        due = mix.shape[1]
        played = self._played(due, summed)
        return np.pad(played, ((0, 0), (block.shape[1] - due, 0)))

    def _played(self, count: int, process: Callable[[int, int], Float32]) -> Float32:
        """Process the next samples, from `begin` to `end` of them at a time."""
        start, parts = self._position, [self._late]
        for begin, end in self.mover.steps(start, start + count, _MOST):
            parts.append(process(begin - start, end - start))
        self._position += count
        joined = np.concatenate(parts, axis=1)
        missing = count - joined.shape[1]
        if missing > 0:
            self.delay += missing
            joined = np.pad(joined, ((0, 0), (missing, 0)))
        self._late = joined[:, count:]
        return joined[:, :count]

    def skip(self, samples: int) -> None:
        """Advance the position by ``samples`` that were lost before they got here."""
        if self.stems is None:
            self._position += samples
            return
        for begin in range(0, samples, MAX_BLOCK):  # lost to the stems, too: they are silence
            count = min(MAX_BLOCK, samples - begin)
            self.play(np.zeros((self._channels, count), np.float32))


def _live_stage(board: Plugin, rate: int, channels: int) -> Stage:
    rows = rows_of(board, rate, channels, _MOST)
    for row, at_once in rows:
        if at_once:
            names = " beside ".join(name_of(effect) for effect in leaves(row[0]))
            raise PresetError(
                f"Pedalboard processes {names} only in whole recordings, not live; take it out of "
                "the board, or use a VST3 plugin instead."
            )
    return Stage([effect for row, _ in rows for effect in row], rate, channels, _MOST, False)


def push_frames(mover: Mover, node: Node, frames: Frames) -> None:
    """Push the results of a live node to a mover, at the positions where they were emitted."""
    if mover.uses("tag"):
        for emitted, state, row in zip(frames.emitted, frames.state, frames.values, strict=True):
            if state:  # not while warming
                mover.push("tag", int(emitted), row)
    if mover.uses("signal"):
        measured = node.read_signals()
        for emitted, row in zip(measured.emitted, measured.values, strict=True):
            mover.push("signal", int(emitted), row)
