"""Descriptors move effects: :func:`render` takes a recording through a chain that hears it.

The descriptor stream of a node drives one :class:`Automation` (in C) a mapping; its envelope is
exact in time, so curves do not depend on the block size.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin._native import check, ffi, lib, message
from pyplugin.effects import Target, build_board
from pyplugin.errors import AudioError, PresetError
from pyplugin.node import DEFAULT_MODEL, Node, slug
from pyplugin.presets import Map, Preset, nearest, read_preset
from pyplugin.tagging import BLOCK, Source, heard_windows, window_seconds

if TYPE_CHECKING:
    from pedalboard import Pedalboard

    from pyplugin.models.registry import Model

    Float32 = npt.NDArray[np.float32]

__all__ = ["Automation", "Curve", "RenderResult", "render"]

CURVE_RATE = 50.0
"""Points a second that are kept of each curve."""


class Automation:
    """One mapping on its way: descriptor values go in at positions, the parameter comes out.

    Parameters
    ----------
    mapping
        Its knobs.
    sample_rate
        That positions count in, Hz.

    Raises
    ------
    PresetError
        A knob out of range.
    """

    def __init__(self, mapping: Map, sample_rate: int) -> None:
        why = message()
        knobs = ffi.new(
            "tagnode_mapping *",
            {
                "gate": mapping.threshold is not None,
                "threshold": mapping.threshold or 0.0,
                "invert": mapping.invert,
                "attack": mapping.attack,
                "release": mapping.release,
                "curve": getattr(lib, f"TAGNODE_CURVE_{mapping.curve.upper()}"),
                "min": mapping.min,
                "max": mapping.max,
            },
        )
        self._state = ffi.new("tagnode_automation *")
        status = lib.tagnode_automation_init(self._state, knobs, sample_rate, why)
        check(status, why, PresetError)

    def push(self, position: int, value: float) -> None:
        """From ``position`` on the descriptor has ``value``; positions must not go back."""
        lib.tagnode_automation_push(self._state, position, value)

    def at(self, position: int) -> float:
        """Return the parameter at ``position``."""
        return float(lib.tagnode_automation_at(self._state, position))


@dataclass(frozen=True)
class Curve:
    """How a parameter moved: (n,) seconds and (n,) values, in the parameter's unit."""

    times: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class RenderResult:
    """What a rendering did.

    Attributes
    ----------
    preset, model
        Their names.
    curves
        By target, ``effect-id.parameter``, at about 50 points a second.
    labels, times, activations, window, hop
        What was heard: as in :class:`pyplugin.TagResult`.
    duration
        Seconds written.
    clipped
        Samples past full scale that the output format cut off.
    notes
        Sentences for a person.
    """

    preset: str
    model: str
    curves: dict[str, Curve]
    labels: list[str]
    times: npt.NDArray[np.float64]
    activations: Float32
    window: float
    hop: float
    duration: float
    clipped: int
    notes: list[str]


@dataclass(frozen=True)
class _Heard:
    """What was heard, and when: seconds of the middle of each window, its activations."""

    times: npt.NDArray[np.float64]
    activations: Float32
    notes: list[str]


def _listen(node: Node, source: Source, progress: Callable[[float], object]) -> _Heard:
    middles, values = [], []
    for frames in heard_windows(node, source, progress):
        middles.append((frames.start + frames.end) / (2 * node.sample_rate))
        values.append(frames.values)
    return _Heard(np.concatenate(middles), np.concatenate(values), source.notes)


class _Mover:
    """Moves the targets of a preset's maps by what was heard."""

    def __init__(self, preset: Preset, targets: Sequence[Target], node: Node, rate: int) -> None:
        self._maps = preset.maps
        self._targets = targets
        self._rate = rate
        self._automations = []
        self._columns = []
        for index, item in enumerate(preset.maps):
            try:
                self._automations.append(Automation(item, rate))
                self._columns.append(_columns(item, node))
            except PresetError as error:
                raise preset.lines.error("map", index, "source", str(error)) from error
        self._heard: _Heard | None = None
        self._next = 0
        self._times: list[float] = []
        self._points: list[list[float]] = []

    def start(self, heard: _Heard) -> None:
        """Take what was heard; the first window's answer holds from the beginning."""
        self._heard = heard

    def move(self, position: int) -> None:
        """Set every target to its value at the sample ``position``."""
        assert self._heard is not None
        times, values = self._heard.times, self._heard.activations
        while self._next < len(times) and (
            self._next == 0 or times[self._next] * self._rate <= position
        ):
            at = round(times[self._next] * self._rate) if self._next else 0
            for automation, columns in zip(self._automations, self._columns, strict=True):
                automation.push(at, float(values[self._next, columns].sum()))
            self._next += 1
        moved = [automation.at(position) for automation in self._automations]
        for target, value in zip(self._targets, moved, strict=True):
            target.set(value)
        if position >= len(self._times) * self._rate / CURVE_RATE:
            self._times.append(position / self._rate)
            self._points.append(moved)

    def curves(self) -> dict[str, Curve]:
        times = np.array(self._times)
        points = np.array(self._points).reshape(len(times), len(self._maps))
        return {item.target: Curve(times, points[:, i]) for i, item in enumerate(self._maps)}


def _columns(item: Map, node: Node) -> list[int]:
    """Find the descriptors of a map: ``tag.<model>.<label>``, or ``tag.<label>`` of any model."""
    short = {f"tag.{slug(label)}": index for index, label in enumerate(node.labels)}
    known = {**short, **{name: index for index, name in enumerate(node.descriptors)}}
    for source in item.sources:
        if source not in known:
            raise PresetError(
                f"{node.model.card.name} has no descriptor {source!r}; {nearest(source, short)}"
            )
    return [known[source] for source in item.sources]


def _played(
    board: Pedalboard, mover: _Mover, blocks: Iterable[Float32], rate: int, step: int
) -> Iterator[Float32]:
    """Run blocks through the chain in steps; yield exactly as many samples as came in."""
    position, owed, silence = 0, 0, None
    for block in _in_steps(blocks, step):
        mover.move(position)
        position += block.shape[1]
        done = board.process(block, rate, reset=position == block.shape[1])
        owed += block.shape[1] - done.shape[1]
        silence = np.zeros_like(block) if silence is None else silence
        yield done
    while owed > 0 and silence is not None:  # what an effect with a delay of its own still holds
        mover.move(position)
        done = board.process(silence, rate, reset=False)[:, :owed]
        if done.shape[1] == 0:
            done = silence[:, :owed]
        owed -= done.shape[1]
        yield done


def _in_steps(blocks: Iterable[Float32], step: int) -> Iterator[Float32]:
    """Cut blocks so that steps begin at multiples of ``step`` wherever the blocks end."""
    held: Float32 | None = None
    for block in blocks:
        joined = block if held is None else np.concatenate([held, block], axis=1)
        whole = joined.shape[1] // step * step
        for start in range(0, whole, step):
            yield np.ascontiguousarray(joined[:, start : start + step])
        held = joined[:, whole:].copy()
    if held is not None and held.shape[1] > 0:
        yield held


def render(
    source: str | Path,
    output: str | Path,
    preset: str | Path | Preset,
    *,
    sidechain: str | Path | None = None,
    model: str | Model | None = None,
    runtime: str | None = None,
    block: int = 128,
    progress: Callable[[float], object] | None = None,
) -> RenderResult:
    """Take a recording through the effects of a preset, moved by what the node hears.

    The recording is heard first and played second, so that a parameter moves with the middle of
    the window that moved it and not seconds later. Memory does not grow with the audio, only with
    the curves and activations.

    Parameters
    ----------
    source
        The recording.
    output
        Where to write: .wav, .flac or .ogg; as long as the recording, at its rate. It is whole or
        not there.
    preset
        A name, a path, or a :class:`pyplugin.presets.Preset`.
    sidechain
        Listen to this recording instead of to ``source``: to a voice that a bed of music makes way
        for, say. Past its end the last answer holds.
    model
        Instead of the preset's.
    runtime
        As for :class:`pyplugin.Node`.
    block
        Samples between two settings of the parameters, 1 to 65536.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    AudioError, PresetError, ModelError
        Before anything is written.
    """
    from pyplugin.audio import AudioReader, AudioWriter, same_file

    if not 1 <= block <= BLOCK:
        raise PresetError(f"The block is {block} samples; 1 to {BLOCK} is expected.")
    for given in (source, sidechain):
        if given is not None and same_file(given, output):
            raise AudioError(f"{output} is an input too; write to another file.")
    preset = preset if isinstance(preset, Preset) else read_preset(preset)
    board, targets = build_board(preset)
    report = progress or (lambda share: None)
    with contextlib.ExitStack() as stack:
        heard_from = stack.enter_context(Source(source if sidechain is None else sidechain))
        reader = stack.enter_context(AudioReader(source))
        writer = stack.enter_context(AudioWriter(output, reader.sample_rate, reader.channels))
        node = stack.enter_context(
            Node(
                heard_from.sample_rate,
                heard_from.channels,
                BLOCK,
                model=model or preset.model or DEFAULT_MODEL,
                hop=preset.hop,
                runtime=runtime,
                offline=True,
            )
        )
        mover = _Mover(preset, targets, node, reader.sample_rate)
        heard = _listen(node, heard_from, lambda share: report(share / 2))
        mover.start(heard)
        written = 0
        for piece in _played(board, mover, reader, reader.sample_rate, block):
            writer.write(piece)
            written += piece.shape[1]
            if reader.frames:
                report(min(0.5 + written / reader.frames / 2, 1))
    return RenderResult(
        preset=preset.name,
        model=node.model.card.name,
        curves=mover.curves(),
        labels=node.labels,
        times=heard.times - window_seconds(node) / 2,
        activations=heard.activations,
        window=window_seconds(node),
        hop=node.hop,
        duration=written / reader.sample_rate,
        clipped=writer.clipped,
        notes=list(dict.fromkeys([*heard.notes, *reader.warnings])),
    )
