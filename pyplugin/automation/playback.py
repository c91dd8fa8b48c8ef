"""Audio through a board with automated parameters: stages, and whole recordings.

A board is split into stages, to work around properties of pedalboard:

- An effect resets when a block is longer than all previous ones: it is first prepared for the
  longest block, with its parameters at their initial values.
- A block with ``reset=True`` is flushed and followed by silence: all blocks have ``reset=False``,
  and the samples that effects delay are fetched at the end.
- Effects behind one that delays the audio would be automated too early: a stage ends there, and
  the next counts its own positions.
- A few effects are silent or wrong in blocks: they process the whole recording at once.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from pyplugin.automation.effects import in_row, leaves, load_pedalboard
from pyplugin.automation.movers import Mover
from pyplugin.errors import PresetError
from pyplugin.support.arrays import Float32, Float64
from pyplugin.support.results import Curve
from pyplugin.support.spelling import snake_case

if TYPE_CHECKING:
    from pedalboard import Plugin


CURVE_RATE = 50.0
"""Points per second of each recorded curve."""

LONGEST = 4096
"""Longest block, in samples."""

_BUFFER = 8192  # pedalboard's default, needed for the positional argument after it
_PATIENCE = 10.0  # most seconds of silence to flush the samples that an effect delays
_GLIDE = 1024  # samples between two pitches: the resolution of time_stretch
_AHEAD = (0.085, 0.012)  # seconds by which it applies them early, above and below 0; measured

# They lose the delayed samples at each block: https://github.com/spotify/pedalboard/issues/415
_NOT_IN_BLOCKS = ("PitchShift", "GSMFullRateCompressor")


def finite(block: Float32) -> Float32:
    """Return a block with 0 for NaN and Inf, which would stay in an effect with feedback."""
    if np.isfinite(block).all():
        return block
    return np.nan_to_num(block, nan=0.0, posinf=0.0, neginf=0.0)


class CurveRecorder:
    """Records the values of parameters, at 50 points per second."""

    def __init__(self, mover: Mover, rate: int) -> None:
        self._mover, self._rate = mover, rate
        self._points = array("d")
        self._count = self._due = 0

    def record(self, until: int) -> None:
        """Record the points before the position ``until``."""
        while self._due < until:
            self._points.extend(self._mover.values(self._due))
            self._count += 1
            self._due = round(self._count * self._rate / CURVE_RATE)

    def curves(self) -> dict[str, Curve]:
        """Return the curve of each target."""
        times = np.arange(self._count, dtype=np.float64) / CURVE_RATE
        points = np.array(self._points).reshape(self._count, len(self._mover.parameters))
        return {
            parameter.name: Curve(times, points[:, index])
            for index, parameter in enumerate(self._mover.parameters)
        }


def stages_of(
    board: Plugin, rate: int, channels: int, most: int, automated: Collection[Plugin] = ()
) -> list[Stage]:
    """Split a board into stages.

    Parameters
    ----------
    board
        The chain.
    rate, channels
        Of the audio; Hz.
    most
        Longest block, in samples.
    automated
        Effects with automated parameters.

    Raises
    ------
    PresetError
        The board cannot process this format, or not with these parameters automated.
    """
    rows = rows_of(board, rate, channels, most)
    for row, at_once in rows:
        inner = [each for each in leaves(row[0]) if each is not row[0] and each in automated]
        if at_once and inner:
            raise PresetError(
                f"The parameters of {name_of(inner[0])} cannot be automated in a Mix beside an "
                "effect that delays the audio, such as a pitch shift; take it out of the Mix."
            )
    return [Stage(row, rate, channels, most, at_once) for row, at_once in rows]


def rows_of(board: Plugin, rate: int, channels: int, most: int) -> list[tuple[list[Plugin], bool]]:
    """Return the effects of each stage, and whether it has to process the whole recording."""
    rows: list[tuple[list[Plugin], bool]] = []
    silence = _silence(channels, most)
    open_row: list[Plugin] = []
    for effect in in_row(board):
        at_once, delays = type(effect).__name__ in _NOT_IN_BLOCKS, False
        if not at_once:
            try:
                effect.reset()
                given_back = effect.process(silence, rate, reset=False).shape[1]
            except (RuntimeError, ValueError) as error:
                raise PresetError(
                    f"{name_of(effect)} does not process {channels}-channel audio at {rate} Hz: "
                    f"{error}"
                ) from error
            delays = given_back < silence.shape[1]
            # A Mix discards the samples that wait for the delayed branch.
            at_once = delays and isinstance(effect, load_pedalboard().Mix)
        if at_once:
            rows += [(open_row, False), ([effect], True)]
            open_row = []
            continue
        open_row.append(effect)
        if delays:
            rows.append((open_row, False))
            open_row = []
    return [row for row in [*rows, (open_row, False)] if row[0]]


def _silence(channels: int, most: int) -> Float32:
    # More samples than channels: pedalboard infers the axis from the shape.
    return np.zeros((channels, max(most, channels + 1)), np.float32)


def name_of(effect: Plugin) -> str:
    """Return an effect's name in messages."""
    return snake_case(type(effect).__name__)


class Stage:
    """Consecutive effects that process audio together.

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
        """Reset the effects, with their parameters at the values of position 0."""
        mover.set(0)
        self.process(self._silence)  # sets the channel axis, which a block of 2 by 2 leaves open
        for part in self._row:
            part.reset()
        # PitchShift withholds its first second: effects behind it are prepared but get no audio.
        pedalboard = load_pedalboard()
        ready = pedalboard.Pedalboard([pedalboard.PitchShift(), *self._row])
        ready.process(self._silence, self._rate, reset=False)

    def process(self, block: Float32) -> Float32:
        """Process a block with the present parameters; the result may be shorter."""
        return np.asarray(self._board.process(block, self._rate, reset=False), np.float32)

    def play(self, blocks: Iterable[Float32], mover: Mover) -> Iterator[Float32]:
        """Process a recording, automated by ``mover``; yield exactly as many samples as went in."""
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
                # Positional arguments: keywords cost half a microsecond.
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
        yield from self._flushed(owed)

    def _flushed(self, owed: int) -> Iterator[Float32]:
        """Flush the effects with silence; yield the ``owed`` samples that they delayed."""
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
        if length < LONGEST:  # a Mix reads past the end; and the axis is inferred from the shape
            sound = np.pad(sound, ((0, 0), (0, LONGEST - length)))
        if any(parameter.target is not None for parameter in mover.parameters):
            semitones = _pitches(self._row[0], mover, sound.shape[1], self._rate)
            done = load_pedalboard().time_stretch(
                sound, self._rate, 1.0, semitones, preserve_formants=False
            )
        else:
            # In one block: a Mix misaligns several.
            done = self._row[0].process(sound, self._rate, buffer_size=sound.shape[1])
        yield done[:, :length]


def _pitches(shift: Plugin, mover: Mover, length: int, rate: int) -> Float64:
    """Return the semitones of each sample, shifted as ``time_stretch`` applies them."""
    semitones = np.empty(length, np.float64)
    for position in range(0, length, _GLIDE):
        mover.set(position)
        semitones[position : position + _GLIDE] = shift.semitones
    late = (round(seconds * rate) for seconds in _AHEAD)
    up, down = (np.pad(semitones, (samples, 0), "edge")[:length] for samples in late)
    return np.maximum(up, 0) + np.minimum(down, 0)
