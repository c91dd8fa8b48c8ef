"""Effects automated by detected content: a board of one's own, or a preset on a recording.

What is automated is in :mod:`pyplugin.automation`, what separates stems in :mod:`pyplugin.stems`;
they meet here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyplugin.automation.board import AutomatedBoard, Movement, RenderResult
from pyplugin.automation.chains import automated_preset
from pyplugin.automation.effects import effects_of, find_target, load_pedalboard
from pyplugin.automation.presets import Preset, read_preset
from pyplugin.errors import AudioError, PresetError
from pyplugin.node.plan import Plan
from pyplugin.stems.model import stem_model_of

if TYPE_CHECKING:
    from pedalboard import Pedalboard

    from pyplugin.automation.stems import StemModel
    from pyplugin.models.registry import Model
    from pyplugin.stems.network import StemNetwork


def automate(
    board: Pedalboard,
    mappings: Mapping[str, Movement],
    *,
    ids: Mapping[str, Any] | None = None,
    model: str | Model | None = None,
    hop: float | None = None,
    runtime: str | None = None,
    stems: Mapping[str, Pedalboard] | None = None,
    stem_model: str | StemNetwork | StemModel | None = None,
) -> AutomatedBoard:
    """Automate the parameters of a board by descriptors or curves.

    Parameters
    ----------
    board
        A ``pedalboard.Pedalboard``, which may be nested and contain VST3 plugins. The parameters
        of its effects are set in place.
    mappings
        The source of each parameter. The key is ``effect.parameter``: the effect by its class in
        snake_case (``reverb``, a second one ``reverb_2``) or by its id. The value is a source of
        :mod:`pyplugin.sources`, a list of them (their sum), :func:`pyplugin.sources.maximum` of
        them, a curve (:func:`pyplugin.curve`, or one of a result's ``curves``), or an array with
        one value for each sample.
    ids
        Names for effects of the board, to use in keys.
    model, hop, runtime
        As for :class:`pyplugin.Node`; no model is loaded where no source asks for a label.
    stems
        Boards that single stems pass through, by the stem's name, before the sum of all passes
        through `board`. Their effects come first where keys are numbered. Offline only.
    stem_model
        Of the stems: a name, a ready :class:`pyplugin.stems.network.StemNetwork`, or anything that
        separates as a :class:`pyplugin.automation.stems.StemModel` does; ``None`` for
        ``spleeter-2stems``.

    Raises
    ------
    PresetError
        No such effect, parameter or descriptor, a knob out of range, or an invalid curve.
    ModelError
        The model cannot be used.

    Examples
    --------
    >>> import numpy as np
    >>> from pedalboard import Gain, Pedalboard
    >>> from pyplugin.sources import loudness
    >>> auto = automate(Pedalboard([Gain()]), {"gain.gain_db": loudness().below(-30).scale(0, 6)})
    >>> out = auto(np.zeros(44100, np.float32), 44100)
    >>> float(out.curves["gain.gain_db"].values.max())
    6.0
    """
    if not isinstance(board, load_pedalboard().Plugin):
        raise PresetError(f"The board is a {type(board).__name__}; a Pedalboard is expected.")
    if not mappings:
        raise PresetError("Nothing is mapped; give at least one 'effect.parameter'.")
    whole = load_pedalboard().Pedalboard([*stems.values(), board]) if stems else board
    effects = effects_of(whole, ids)
    targets = {name: find_target(name, effects) for name in mappings}
    plan = partial(Plan.for_descriptors, model=model, hop=hop, runtime=runtime)
    separating = stem_model_of(stem_model)
    return AutomatedBoard(board, mappings, targets, plan, stems=stems, stem_model=separating)


def render(
    source: str | Path,
    output: str | Path,
    preset: str | Path | Preset,
    *,
    sidechain: str | Path | None = None,
    model: str | Model | None = None,
    runtime: str | None = None,
    stem_model: str | StemNetwork | StemModel | None = None,
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
        As for :func:`automate`; instead of the preset's.
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
    separating = stem_model_of(stem_model or preset.stems)
    auto = automated_preset(preset, model=model, runtime=runtime, stem_model=separating)
    result = auto(
        source, output=output, sidechain=sidechain, align=align, block=block, progress=progress
    )
    return replace(result, preset=preset.name)
