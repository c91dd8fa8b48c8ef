"""A preset taken to a recording: :func:`render`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyplugin.automation.board import AutomatedBoard, RenderResult
from pyplugin.automation.effects import build_board
from pyplugin.automation.movers import Lane, Mover
from pyplugin.automation.presets import Map, Preset, read_preset
from pyplugin.automation.sources import Combined
from pyplugin.errors import AudioError, PresetError

if TYPE_CHECKING:
    from pyplugin.models.registry import Model
    from pyplugin.node.plan import Plan

__all__ = ["automated_preset", "mover_of", "ranges_of", "render", "sources_of"]


def sources_of(preset: Preset) -> dict[str, Combined]:
    """Return what moves each target of a preset."""
    maps: dict[str, list[Map]] = {}
    for item in preset.maps:
        maps.setdefault(item.target, []).append(item)
    return {
        target: Combined(
            tuple(item.source for item in items),
            next((item.combine for item in items if item.combine), "sum"),
        )
        for target, items in maps.items()
    }


def ranges_of(preset: Preset) -> dict[str, tuple[float, float]]:
    """Return between which values the maps of a preset move each target."""
    found: dict[str, tuple[float, float]] = {}
    for item in preset.maps:
        ends = (item.source.knobs.min, item.source.knobs.max, *found.get(item.target, ()))
        found[item.target] = (min(ends), max(ends))
    return found


def automated_preset(
    preset: Preset,
    *,
    model: str | Model | None = None,
    runtime: str | None = None,
    plan: Plan | None = None,
) -> AutomatedBoard:
    """Build the chain of a preset with what moves it.

    Raises
    ------
    PresetError
        An effect, parameter or descriptor that does not exist, a value out of range: names the
        line.
    """
    board, targets = build_board(preset)
    try:
        return AutomatedBoard(
            board,
            sources_of(preset),
            targets,
            model=model or preset.model,
            hop=preset.hop,
            runtime=runtime,
            plan=plan,
        )
    except PresetError as error:
        raise _at_its_line(preset, error) from error


def mover_of(preset: Preset, descriptors: Sequence[str], sample_rate: int) -> Mover:
    """Return how a preset's parameters move, for outputs only: no effect is set.

    Parameters
    ----------
    preset
        Its maps.
    descriptors
        Full names of what models and heads give, in the order of a frame's values.
    sample_rate
        That positions count in, Hz.
    """
    return Mover(
        [
            Lane.of_sources(target, combined, descriptors, sample_rate)
            for target, combined in sources_of(preset).items()
        ]
    )


def _at_its_line(preset: Preset, error: PresetError) -> PresetError:
    """Say in which line of the preset stands what the message is about."""
    for index, item in enumerate(preset.maps):
        for name in item.source.descriptors:
            if repr(name) in str(error):
                return preset.lines.error("map", index, "source", str(error))
        if str(error).startswith(f"{item.target}: "):
            problem = str(error).removeprefix(f"{item.target}: ")
            return preset.lines.error("map", index, _key(problem), problem)
    return error


def _key(problem: str) -> str | None:
    """Return the knob that a sentence begins with: "The attack is …"."""
    words = problem.removeprefix("The ").split()
    return words[0] if words else None


def render(
    source: str | Path,
    output: str | Path,
    preset: str | Path | Preset,
    *,
    sidechain: str | Path | None = None,
    model: str | Model | None = None,
    runtime: str | None = None,
    align: bool = True,
    block: int = 512,
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
        A name, a path, or a :class:`pyplugin.automation.presets.Preset`.
    sidechain
        Listen to this recording instead of to ``source``: to a voice that a bed of music makes way
        for, say. Past its end the last answer holds.
    model
        Instead of the preset's.
    runtime
        As for :class:`pyplugin.Node`.
    align, block
        As for a call of what :func:`pyplugin.automate` returns.
    progress
        Called with the share done, 0 to 1.

    Raises
    ------
    AudioError, PresetError, ModelError
        Before anything is written.
    """
    from pyplugin.inputs.files import same_file

    for given in (source, sidechain):
        if given is not None and same_file(given, output):
            raise AudioError(f"{output} is an input too; write to another file.")
    preset = preset if isinstance(preset, Preset) else read_preset(preset)
    auto = automated_preset(preset, model=model, runtime=runtime)
    result = auto(
        source,
        output=output,
        sidechain=sidechain,
        align=align,
        block=block,
        progress=progress,
    )
    return replace(result, preset=preset.name)
