"""Sound through a board whose parameters move: a whole recording, or live.

A board is split into stages. What pedalboard does on its own account is made up for here:

- An effect forgets its state when a block is longer than all before: it is prepared for the
  longest block first, with its parameters where they will be.
- A first block with ``reset=True`` is flushed, and silence follows it: all blocks have
  ``reset=False``, and what effects hold back is fetched at the end.
- What is behind an effect that holds sound back hears later than it moves: a stage ends there, and
  the next counts anew.
- A few effects are silent or wrong in blocks: they are played over the whole recording at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin.automation.effects import in_row, leaves, load_pedalboard
from pyplugin.automation.movers import Mover
from pyplugin.errors import AudioError, PresetError
from pyplugin.node.node import Frames, Node
from pyplugin.support.closing import Closing
from pyplugin.support.results import Curve
from pyplugin.support.spelling import snake_case

if TYPE_CHECKING:
    from pedalboard import Plugin

Float32 = npt.NDArray[np.float32]

__all__ = ["BoardStream", "CurveNotes", "Stage", "finite", "push_frames", "stages_of"]

CURVE_RATE = 50.0
"""Points a second that are kept of each curve."""

LONGEST = 4096
"""Samples of a block, at most."""

_BUFFER = 8192  # pedalboard's own default, which has to be said before what comes after it
_MOST = 512  # samples between two settings of parameters that rest, live
_PATIENCE = 10.0  # seconds of silence that may bring out what an effect holds back
_GLIDE = 1024  # samples between two pitches; time_stretch takes none that are closer
_AHEAD = (0.085, 0.012)  # seconds by which it takes them early, above and below 0; measured

# They lose what they have delayed at each block: https://github.com/spotify/pedalboard/issues/415
_NOT_IN_BLOCKS = ("PitchShift", "GSMFullRateCompressor")


def finite(block: Float32) -> Float32:
    """Return a block with 0 for what is no number: an effect that remembers would never lose it."""
    if np.isfinite(block).all():
        return block
    return np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)


class CurveNotes:
    """Keeps where the parameters are, at 50 points a second."""

    def __init__(self, mover: Mover, rate: int) -> None:
        self._mover, self._rate = mover, rate
        self._points = array("d")
        self._count = self._due = 0

    def note(self, until: int) -> None:
        """Note what is due before the position ``until``."""
        while self._due < until:
            self._points.extend(self._mover.values(self._due))
            self._count += 1
            self._due = round(self._count * self._rate / CURVE_RATE)

    def curves(self) -> dict[str, Curve]:
        """Return the curve of each target."""
        times = np.arange(self._count, dtype=np.float64) / CURVE_RATE
        points = np.array(self._points).reshape(self._count, len(self._mover.lanes))
        return {
            lane.name: Curve(times, points[:, index])
            for index, lane in enumerate(self._mover.lanes)
        }


def stages_of(
    board: Plugin, rate: int, channels: int, most: int, moved: Collection[Plugin] = ()
) -> list[Stage]:
    """Split a board into stages.

    Parameters
    ----------
    board
        The chain.
    rate, channels
        Of the sound.
    most
        Samples of a block, at most.
    moved
        Effects whose parameters will move.

    Raises
    ------
    PresetError
        The board cannot play that, or cannot play it with these parameters moved.
    """
    rows = _rows_of(board, rate, channels, most)
    for row, at_once in rows:
        inner = [effect for effect in leaves(row[0]) if effect is not row[0] and effect in moved]
        if at_once and inner:
            raise PresetError(
                f"The parameters of {_name(inner[0])} cannot move within a Mix beside an effect "
                "that holds sound back, such as a pitch shift; move it out of the Mix."
            )
    return [Stage(row, rate, channels, most, at_once) for row, at_once in rows]


def _rows_of(board: Plugin, rate: int, channels: int, most: int) -> list[tuple[list[Plugin], bool]]:
    """Return the effects of each stage, and whether it has to be played at once."""
    rows: list[tuple[list[Plugin], bool]] = []
    silence = _silence(channels, most)
    open_row: list[Plugin] = []
    for effect in in_row(board):
        at_once, holds_back = type(effect).__name__ in _NOT_IN_BLOCKS, False
        if not at_once:
            try:
                effect.reset()
                given_back = effect.process(silence, rate, reset=False).shape[1]
            except (RuntimeError, ValueError) as error:
                raise PresetError(
                    f"{_name(effect)} does not play {channels}-channel sound at {rate} Hz: {error}"
                ) from error
            holds_back = given_back < silence.shape[1]
            # A Mix throws away what waits in it for the one that holds back.
            at_once = holds_back and isinstance(effect, load_pedalboard().Mix)
        if at_once:
            rows += [(open_row, False), ([effect], True)]
            open_row = []
            continue
        open_row.append(effect)
        if holds_back:
            rows.append((open_row, False))
            open_row = []
    return [row for row in [*rows, (open_row, False)] if row[0]]


def _silence(channels: int, most: int) -> Float32:
    # More samples than channels: pedalboard tells them apart by the shape.
    return np.zeros((channels, max(most, channels + 1)), np.float32)


def _name(effect: Plugin) -> str:
    return snake_case(type(effect).__name__)


class Stage:
    """Effects in a row that are played together.

    Attributes
    ----------
    effects
        All of them, those within a ``Mix`` too.
    """

    def __init__(
        self, row: list[Plugin], rate: int, channels: int, most: int, at_once: bool
    ) -> None:
        self.effects = [effect for part in row for effect in leaves(part)]
        self._rate, self._most, self._at_once = rate, most, at_once
        self._silence = _silence(channels, most)
        self._row, self._board = row, load_pedalboard().Pedalboard(row)

    def start(self, mover: Mover) -> None:
        """Forget all, with the parameters where ``mover`` has them at the beginning."""
        mover.set(0)
        self.process(self._silence)  # the board keeps how channels lie: two by two do not tell
        for part in self._row:
            part.reset()
        # PitchShift keeps its first second: what is behind it is prepared and hears nothing.
        pedalboard = load_pedalboard()
        ready = pedalboard.Pedalboard([pedalboard.PitchShift(), *self._row])
        ready.process(self._silence, self._rate, reset=False)

    def process(self, block: Float32) -> Float32:
        """Play a block with the parameters where they are; what comes may be less."""
        return np.asarray(self._board.process(block, self._rate, reset=False), np.float32)

    def play(self, blocks: Iterable[Float32], mover: Mover) -> Iterator[Float32]:
        """Play a recording, moved by ``mover``; yield exactly as many samples as came in."""
        return self._play_at_once(blocks, mover) if self._at_once else self._play(blocks, mover)

    def _play(self, blocks: Iterable[Float32], mover: Mover) -> Iterator[Float32]:
        most = self._most
        position = owed = 0
        held: Float32 | None = None
        process, rate = self._board.process, self._rate
        self.start(mover)

        def played(samples: Float32, length: int) -> Float32:
            nonlocal position, owed
            start, parts = position, []
            for begin, end in mover.steps(position, position + length, most):
                # By position: names would cost half a microsecond.
                parts.append(process(samples[:, begin - start : end - start], rate, _BUFFER, False))
            position += length
            joined = np.concatenate(parts, axis=1)
            owed += length - joined.shape[1]
            return joined

        for block in blocks:
            waits = held is not None and held.shape[1] > 0
            joined = np.concatenate([held, block], axis=1) if waits else block
            whole = joined.shape[1] // most * most
            if whole:
                yield played(joined, whole)
            held = joined[:, whole:]
        if held is not None and held.shape[1]:
            yield played(held, held.shape[1])
        yield from self._fetched(owed)

    def _fetched(self, owed: int) -> Iterator[Float32]:
        """Yield what the effects still hold back: silence in, ``owed`` samples out."""
        for _ in range(int(_PATIENCE * self._rate / self._silence.shape[1]) + 1):
            if owed <= 0:
                return
            done = self.process(self._silence)[:, :owed]
            owed -= done.shape[1]
            yield done
        yield np.zeros((self._silence.shape[0], owed), np.float32)

    def _play_at_once(self, blocks: Iterable[Float32], mover: Mover) -> Iterator[Float32]:
        sound = np.concatenate(list(blocks), axis=1)
        length = sound.shape[1]
        if length < LONGEST:  # a Mix plays what lies behind the end, and again the shape
            sound = np.pad(sound, ((0, 0), (0, LONGEST - length)))
        if any(lane.target is not None for lane in mover.lanes):
            semitones = _pitches(self._row[0], mover, sound.shape[1], self._rate)
            done = load_pedalboard().time_stretch(
                sound, self._rate, 1.0, semitones, preserve_formants=False
            )
        else:
            # In one block: a Mix mixes up several.
            done = self._row[0].process(sound, self._rate, buffer_size=sound.shape[1])
        yield done[:, :length]


def _pitches(shift: Plugin, mover: Mover, length: int, rate: int) -> npt.NDArray[np.float64]:
    """Return the semitones of each sample as the effect takes them, for ``time_stretch``."""
    semitones = np.empty(length, np.float64)
    for position in range(0, length, _GLIDE):
        mover.set(position)
        semitones[position : position + _GLIDE] = shift.semitones
    up, down = (
        np.pad(semitones, (round(seconds * rate), 0), "edge")[:length] for seconds in _AHEAD
    )
    return np.maximum(up, 0) + np.minimum(down, 0)


class BoardStream(Closing):
    """A board on live sound; made by :meth:`AutomatedBoard.stream`. A context manager.

    What is heard and played does not depend on how the sound is cut into blocks.

    Attributes
    ----------
    board, mover
        The pedalboard, and what moves it.
    node : Node
        What listens, or ``None`` where only curves move the board.
    frames : Frames or None
        What the last block brought, to look at.
    delay : int
        Samples by which the sound itself comes later: 0, but for effects that hold some back.
    """

    def __init__(
        self,
        board: Plugin,
        mover: Mover,
        node: Node | None,
        sample_rate: int,
        channels: int,
        max_block: int,
    ) -> None:
        self.board, self.mover, self.node = board, mover, node
        self._channels, self._most = channels, max_block
        self.frames: Frames | None = None
        self.delay = 0
        self._stage = _live_stage(board, sample_rate, channels)
        self._stage.start(mover)
        self._position = 0
        self._late = np.zeros((channels, 0), np.float32)

    def close(self) -> None:
        """Free the node; closing twice is harmless."""
        if self.node is not None:
            self.node.close()

    def process(self, block: Float32) -> Float32:
        """Hear a block, move the parameters and play it.

        Parameters
        ----------
        block
            (channels, n) float32, n from 0 to ``max_block``. What is no number counts as 0.

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
            self._hear(block)
        return self.play(block)

    def _hear(self, block: Float32) -> None:
        assert self.node is not None
        self.frames = self.node.process(block)
        push_frames(self.mover, self.node, self.frames)

    def play(self, block: Float32) -> Float32:
        """Play a block, moved by what was pushed, for a node that hears elsewhere."""
        block = finite(block)
        start, parts = self._position, [self._late]
        for begin, end in self.mover.steps(start, start + block.shape[1], _MOST):
            parts.append(self._stage.process(block[:, begin - start : end - start]))
        self._position += block.shape[1]
        joined = np.concatenate(parts, axis=1)
        missing = block.shape[1] - joined.shape[1]
        if missing > 0:
            self.delay += missing
            joined = np.concatenate(
                [np.zeros((self._channels, missing), np.float32), joined], axis=1
            )
        self._late = joined[:, block.shape[1] :]
        return joined[:, : block.shape[1]]

    def skip(self, samples: int) -> None:
        """Go on as if so many samples had been played: they were lost on their way here."""
        self._position += samples


def _live_stage(board: Plugin, rate: int, channels: int) -> Stage:
    rows = _rows_of(board, rate, channels, _MOST)
    for row, at_once in rows:
        if at_once:
            names = " beside ".join(_name(effect) for effect in leaves(row[0]))
            raise PresetError(
                f"Pedalboard plays {names} only in whole recordings, not live; take it out of the "
                "board, or use a VST3 plugin for it."
            )
    return Stage([effect for row, _ in rows for effect in row], rate, channels, _MOST, False)


def push_frames(mover: Mover, node: Node, frames: Frames) -> None:
    """Tell a mover what a live node has answered, from the moment that it did."""
    if mover.uses("tag"):
        for emitted, state, row in zip(frames.emitted, frames.state, frames.values, strict=True):
            if state:  # not while warming
                mover.push("tag", int(emitted), row)
    if mover.uses("signal"):
        measured = node.read_signals()
        for emitted, row in zip(measured.emitted, measured.values, strict=True):
            mover.push("signal", int(emitted), row)
