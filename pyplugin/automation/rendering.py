"""A preset applied to a recording: :func:`render`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pyplugin.automation.board import AutomatedBoard, RenderResult
from pyplugin.automation.effects import boards_of, build_board
from pyplugin.automation.movers import AutomatedParameter, Mover
from pyplugin.automation.presets import Map, Preset, read_preset
from pyplugin.automation.sources import Combined
from pyplugin.errors import AudioError, PresetError
from pyplugin.node.plan import Plan

if TYPE_CHECKING:
    from pyplugin.models.registry import Model
    from pyplugin.stems.network import StemNetwork


def sources_of(preset: Preset) -> dict[str, Combined]:
    """Return the sources of each target of a preset.

    Examples
    --------
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
    stem_model: str | StemNetwork | None = None,
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
        As for :func:`pyplugin.automate`; instead of the preset's.

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
            stem_model=stem_model or preset.stems,
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
    if preset.uses_stems:
        raise PresetError(
            f"{preset.name} uses stems, which are separated from whole recordings only; use it "
            "with 'tagnode render'."
        )
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


def render(
    source: str | Path,
    output: str | Path,
    preset: str | Path | Preset,
    *,
    sidechain: str | Path | None = None,
    model: str | Model | None = None,
    runtime: str | None = None,
    stem_model: str | StemNetwork | None = None,
    align: bool = True,
    block: int = 512,
    progress: Callable[[float], object] | None = None,
) -> RenderResult:
    """Process a recording with the effects of a preset, automated by detected content.

    The recording is analysed first and processed second, so that each result takes effect at the
    middle of its window and not seconds later. Memory grows with curves and activations, not with
    the audio.

    Parameters
    ----------
    source
        The recording.
    output
        The file to write: .wav, .flac or .ogg; as long as the recording, at its rate. It exists
        only once it is complete.
    preset
        A name, a path, or a :class:`pyplugin.automation.presets.Preset`.
    sidechain
        Analyse this recording instead of ``source``, for example a voice over a bed of music. After
        its end the last result is held.
    model
        Instead of the preset's.
    runtime
        As for :class:`pyplugin.Node`.
    stem_model
        As for :func:`pyplugin.automate`; instead of the preset's.
    align, block
        As for a call of an :class:`pyplugin.automation.board.AutomatedBoard`.
    progress
        Called with the completed share, 0 to 1.

    Raises
    ------
    AudioError, PresetError, ModelError
        Before anything is written.

    See Also
    --------
    pyplugin.automate : The same for a board of your own.

    Examples
    --------
    >>> import numpy as np
    >>> from pyplugin.outputs.audio_files import AudioWriter
    >>> with AudioWriter("song.wav", 16000, 1) as writer:
    ...     writer.write(np.zeros((1, 32000), np.float32))
    >>> result = render("song.wav", "out.wav", "open-with-drums")
    >>> result.duration, sorted(result.curves)
    (2.0, ['filter.cutoff_hz'])
    """
    from pyplugin.inputs.files import same_file

    for given in (source, sidechain):
        if given is not None and same_file(given, output):
            raise AudioError(f"{output} is an input too; write to another file.")
    preset = preset if isinstance(preset, Preset) else read_preset(preset)
    auto = automated_preset(preset, model=model, runtime=runtime, stem_model=stem_model)
    result = auto(
        source, output=output, sidechain=sidechain, align=align, block=block, progress=progress
    )
    return replace(result, preset=preset.name)
