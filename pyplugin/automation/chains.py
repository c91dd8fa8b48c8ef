"""Presets as chains of effects with their automation, or as values for outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyplugin.automation.board import AutomatedBoard
from pyplugin.automation.effects import boards_of, build_board
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.presets import Map, Preset
from pyplugin.automation.sources import Combined
from pyplugin.errors import PresetError
from pyplugin.node.plan import Plan

if TYPE_CHECKING:
    from pyplugin.automation.stems import StemModel
    from pyplugin.models.registry import Model


def sources_of(preset: Preset) -> dict[str, Combined]:
    """Return the sources of each target of a preset.

    Examples
    --------
    >>> from pyplugin.automation.presets import read_preset
    >>> list(sources_of(read_preset("duck-under-voice")))
    ['bed.gain_db']
    """
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
    """Return the lowest and highest value of each target of a preset, from min and max.

    Examples
    --------
    >>> from pyplugin.automation.presets import read_preset
    >>> ranges_of(read_preset("duck-under-voice"))
    {'bed.gain_db': (-12.0, 0.0)}
    """
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
    stem_model: StemModel | None = None,
) -> AutomatedBoard:
    """Build the chain of a preset with its automation.

    Parameters
    ----------
    preset
        From :func:`pyplugin.automation.presets.read_preset`.
    model, runtime
        As for :class:`pyplugin.Node`; instead of the preset's.
    plan
        Models and heads that are already loaded.
    stem_model
        Separates stems, for presets that use them.

    Raises
    ------
    PresetError
        An effect, parameter or descriptor that does not exist, or a value out of range; the
        message names the line.
    """
    board, targets = build_board(preset)
    try:
        if plan is None:
            model, names = model or preset.model, preset.descriptors
            plan = Plan.for_descriptors(names, model=model, hop=preset.hop, runtime=runtime)
        whole, stems = boards_of(preset, board)
        return AutomatedBoard(
            whole,
            sources_of(preset),
            targets,
            plan,
            stems=stems,
            stem_model=stem_model,
        )
    except PresetError as error:
        raise _at_its_line(preset, error) from error


def mover_of(preset: Preset, descriptors: Sequence[str], sample_rate: int) -> Mover:
    """Return the mover of a preset, for outputs only: no effect is set.

    Parameters
    ----------
    preset
        Its maps.
    descriptors
        Full names of the labels of models and heads, in the order of a frame's values.
    sample_rate
        Of the positions, Hz.
    """
    of = AutomatedParameter.of_sources
    sources = sources_of(preset).items()
    return Mover([of(target, each, descriptors, sample_rate) for target, each in sources])


def _at_its_line(preset: Preset, error: PresetError) -> PresetError:
    """Add the line of the preset that a message refers to."""
    for index, item in enumerate(preset.maps):
        for name in item.source.descriptors:
            if repr(name) in str(error):
                return preset.lines.error("map", index, "source", str(error))
        if str(error).startswith(f"{item.target}: "):
            problem = str(error).removeprefix(f"{item.target}: ")
            return preset.lines.error("map", index, _key(problem), problem)
    return error


def _key(problem: str) -> str | None:
    """Return the knob at the beginning of a sentence: "attack is …"."""
    words = problem.split()
    return words[0] if words else None
