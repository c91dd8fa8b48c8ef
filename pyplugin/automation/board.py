"""A pedalboard automated by descriptors: :class:`AutomatedBoard`, offline and live.

Offline the recording is analysed first and processed second, so that parameters follow the audio
without latency. Live (:meth:`AutomatedBoard.stream`) they follow after the latency of the node.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pyplugin.automation.analysis import Analysis, analyse, with_stems
from pyplugin.automation.claims import claim, rendering
from pyplugin.automation.effects import leaves
from pyplugin.automation.live_stems import StemAnalysis
from pyplugin.automation.movers import AutomatedParameter, CurvePath, Mover
from pyplugin.automation.playback import LONGEST, CurveRecorder, finite, stages_of
from pyplugin.automation.sources import Combined, Source, as_combined
from pyplugin.automation.stems import StemModel, checked_model, recombined, stems_of
from pyplugin.automation.streaming import BoardStream
from pyplugin.errors import AudioError, PresetError
from pyplugin.inputs.recording import BLOCK, Recording
from pyplugin.node.frontend import check_rate
from pyplugin.node.node import MAX_BLOCK, Node
from pyplugin.node.plan import Plan
from pyplugin.node.windows import replaced_note
from pyplugin.support.arrays import ByValue, Float32, Float64
from pyplugin.support.results import Curve

if TYPE_CHECKING:
    from pedalboard import Pedalboard

    from pyplugin.automation.effects import Target

Movement = Source | Combined | Sequence[Source] | Curve | npt.ArrayLike
"""What may automate a parameter: descriptors, or a curve."""


@dataclass(frozen=True, eq=False)
class RenderResult(ByValue):
    """The result of a rendering. ``numpy.asarray`` of it is ``audio``.

    Attributes
    ----------
    audio
        float32, of the given shape; ``None`` if it was written to a file.
    sample_rate
        Hz.
    curves
        The values of the parameters, by target, ``effect.parameter``, at 50 points per second.
    model, labels, times, activations, window, hop
        As in :class:`pyplugin.TagResult`; empty without a model. Times before 0 are of windows that
        begin with silence before the recording.
    duration
        Seconds.
    clipped
        Samples beyond full scale that were clipped by the output format.
    notes
        Sentences for the user.
    preset
        The name of the preset, if there was one.

    See Also
    --------
    pyplugin.automate, pyplugin.render : they return it.

    Examples
    --------
    >>> import numpy as np, pyplugin
    >>> from pedalboard import Gain, Pedalboard
    >>> level = pyplugin.signal("rms_db").range(-60, 0).scale(-12, 0).attack(0)
    >>> auto = pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": level})
    >>> result = auto(np.zeros(48000, np.float32), 48000)
    >>> np.asarray(result).shape, float(result.curves["gain.gain_db"].values.min())
    ((48000,), -12.0)
    """

    audio: Float32 | None
    sample_rate: int
    curves: dict[str, Curve]
    model: str
    labels: list[str]
    times: Float64
    activations: Float32
    window: float
    hop: float
    duration: float
    clipped: int = 0
    notes: list[str] = field(default_factory=list)
    preset: str = ""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if self.audio is None:
            raise AudioError("The audio was written to a file; load that.")
        if copy is None:  # NumPy 1 does not accept None
            return np.asarray(self.audio, dtype)
        return np.array(self.audio, dtype, copy=copy)


class AutomatedBoard:
    """A board with its automation, from :func:`pyplugin.automate`. Call it with a recording.

    Attributes
    ----------
    board
        The pedalboard.
    stems
        The pedalboards of single stems, by the stem's name. Their results and the rest of the
        recording are added up, and pass through `board`.
    plan : Plan
        Models and heads that provide the descriptors.
    """

    def __init__(
        self,
        board: Pedalboard,
        mappings: Mapping[str, Movement],
        targets: Mapping[str, Target],
        plan: Plan | Callable[[list[str]], Plan],
        *,
        stems: Mapping[str, Pedalboard] | None = None,
        stem_model: StemModel | None = None,
    ) -> None:
        self.board = board
        self.stems = dict(stems or {})
        self._stem_model = stem_model
        self._targets = dict(targets)
        self._sources: dict[str, Combined] = {}
        self._given: dict[str, Curve | Float64] = {}
        for name, given in mappings.items():
            self._take(name, given)
        sources = [source for each in self._sources.values() for source in each.sources]
        names = [name for source in sources for name in source.descriptors]
        self.plan = plan if isinstance(plan, Plan) else plan(names)
        self._parameters(48000, self._paths(48000))  # raises its errors now

    def _effects(self) -> list[Any]:
        """Return the board's effects as they are now.

        Raises
        ------
        PresetError
            One that is automated is no longer among them.
        """
        boards = (*self.stems.values(), self.board)
        effects = [each for board in boards for each in leaves(board)]
        for name, target in self._targets.items():
            if not any(each is target.effect for each in effects):
                raise PresetError(
                    f"The effect of {name} is no longer on the board; call automate() again after "
                    "a change of the board."
                )
        return effects

    def _take(self, name: str, given: Movement) -> None:
        listed = isinstance(given, (list, tuple)) and any(isinstance(x, Source) for x in given)
        if isinstance(given, (Source, Combined)) or listed:
            combined = as_combined(given)  # type: ignore[arg-type] # as the line above found
            if not all(isinstance(each, Source) for each in combined.sources):
                raise PresetError(f"{name}: an item of the list is not a source.")
            self._sources[name] = combined
        elif isinstance(given, Curve):
            CurvePath(name, given, 1)
            self._given[name] = given
        else:
            wrong = PresetError(
                f"{name} is mapped to a {type(given).__name__}; a source such as "
                "label('vocal'), a curve, or an array of numbers is expected."
            )
            try:
                points = np.asarray(given, np.float64)
            except (TypeError, ValueError) as error:
                raise wrong from error
            if points.ndim == 0:  # True, None or 3
                raise wrong
            if points.ndim != 1 or points.size == 0:
                raise PresetError(
                    f"The curve of {name} has shape {points.shape}; (n,) is expected, one value "
                    "for each sample. For fewer, give curve(values, rate)."
                )
            CurvePath(name, Curve(np.arange(points.size, dtype=np.float64), points), 1)
            self._given[name] = points

    def _parameters(self, rate: int, paths: Mapping[str, CurvePath]) -> list[AutomatedParameter]:
        descriptors = self.plan.descriptors
        of = AutomatedParameter.of_sources
        return [
            of(name, self._sources[name], descriptors, rate, target)
            if name in self._sources
            else AutomatedParameter(name, paths[name], target)
            for name, target in self._targets.items()
        ]

    def _paths(self, rate: int) -> dict[str, CurvePath]:
        paths = {}
        for name, given in self._given.items():
            if not isinstance(given, Curve):
                given = Curve(np.arange(given.size) / rate, given)
            paths[name] = CurvePath(name, given, rate)
        return paths

    def _used_stem_model(self, parameters: Sequence[AutomatedParameter]) -> StemModel | None:
        """Return what separates the stems that are used, if any are.

        Raises
        ------
        PresetError
            There is no model of stems, or it has no such stem.
        """
        wanted = dict.fromkeys([*self.stems, *stems_of(parameters)])
        return checked_model(self._stem_model, list(wanted)) if wanted else None

    def _check_length(self, length: int) -> None:
        for name, given in self._given.items():
            if not isinstance(given, Curve) and given.size != length:
                raise PresetError(
                    f"The curve of {name} has {given.size} values and the recording {length} "
                    "samples; one value for each sample is expected. For fewer, give "
                    "curve(values, rate)."
                )

    def __call__(
        self,
        audio: str | Path | npt.ArrayLike,
        sample_rate: int | None = None,
        *,
        output: str | Path | None = None,
        sidechain: str | Path | npt.ArrayLike | None = None,
        align: bool = True,
        block: int = 512,
        progress: Callable[[float], object] | None = None,
    ) -> RenderResult:
        """Process a recording with the board, automated by detected content.

        An hour from file to file takes about 40 MB for each measured source, less for labels: the
        descriptors are kept, the audio is not. A board with a ``PitchShift``, a
        ``GSMFullRateCompressor``, or a ``Mix`` with an effect that delays the audio processes the
        whole recording at once.

        Parameters
        ----------
        audio
            A path, or samples (n,) or (channels, n), full scale 1.0.
        sample_rate
            Of the samples, Hz; for arrays only: ``audio``, ``sidechain``, or both.
        output
            Write to this file (.wav, .flac, .ogg) instead of returning the audio. It exists only
            once it is complete.
        sidechain
            Analyse this instead of ``audio``; after its end the last result is held.
        align
            Each result takes effect at the middle of its window, and a rise begins earlier by its
            attack, so that a duck is two thirds down when the voice begins. ``False``: as late as
            with a live node.
        block
            Samples between two settings of parameters at rest, 1 to 4096; those that change are set
            every 64.
        progress
            Called with the completed share, 0 to 1.

        Returns
        -------
        RenderResult
            Audio of the same shape, and the curves.

        Raises
        ------
        AudioError, PresetError
            Before anything is written.
        """
        if not 1 <= block <= LONGEST:
            raise PresetError(f"The block is {block} samples; 1 to {LONGEST} is expected.")
        report = progress or (lambda share: None)
        with contextlib.ExitStack() as stack:
            stack.enter_context(rendering(self._effects()))
            of_sidechain = isinstance(audio, (str, Path)) and not (
                sidechain is None or isinstance(sidechain, (str, Path))
            )
            played = stack.enter_context(Recording(audio, None if of_sidechain else sample_rate))
            if played.samples is not None:
                self._check_length(played.samples.shape[1])
            rate, automated = played.sample_rate, [each.effect for each in self._targets.values()]
            format_of = (rate, played.channels, block, automated)
            stages = stages_of(self.board, *format_of)
            chains = {stem: stages_of(board, *format_of) for stem, board in self.stems.items()}
            writer: Any = _Collected(played)
            if output is not None:
                from pyplugin.outputs.audio_files import AudioWriter

                writer = stack.enter_context(AudioWriter(output, rate, played.channels))
            paths = self._paths(rate)
            parameters, analysis = self._parameters(rate, paths), None
            stem_model = self._used_stem_model(parameters)
            if any(parameter.routes for parameter in parameters):
                analysed = audio if sidechain is None else sidechain
                known = None if isinstance(analysed, (str, Path)) else sample_rate
                source = stack.enter_context(Recording(analysed, known))
                node = stack.enter_context(
                    self.plan.build(source.sample_rate, source.channels, BLOCK, offline=True)
                )
                analysis = analyse(node, source, parameters, lambda share: report(share / 2))
                if stem_model is not None:
                    again = stack.enter_context(Recording(analysed, known))
                    analysis = with_stems(analysis, again, stem_model, parameters)

            def mover_of(effects: Sequence[Any]) -> Mover:
                every = self._parameters(rate, paths)
                chosen = [each for each in every if each.target and each.target.effect in effects]
                return analysis.mover(chosen, rate, align) if analysis else Mover(chosen)

            pieces: Iterable[Float32] = _finite(played)
            if chains and stem_model is not None:
                blocks = stem_model.blocks(played)
                pieces = recombined(blocks, stem_model.stems, chains, mover_of)
            for stage in stages:
                pieces = stage.play(pieces, mover_of(stage.effects))
            written, curves = 0, CurveRecorder(mover_of(automated), rate)
            for piece in pieces:
                writer.write(piece)
                written += piece.shape[1]
                curves.record(written)
                report(0.5 + played.position / 2)
            self._check_length(written)
        return _result(self, analysis, played, curves, written, writer)

    def stream(
        self,
        sample_rate: int,
        channels: int,
        *,
        max_block: int = MAX_BLOCK,
        node: Node | None = None,
    ) -> BoardStream:
        """Return the board for live audio: blocks in, blocks out.

        With stems the audio is delayed until they are there, by a constant time that the stream's
        ``delay`` has, and the parameters move with it.

        Parameters
        ----------
        sample_rate, channels
            Of the audio; Hz, 1 to 8.
        max_block
            Longest block, in samples.
        node
            A node that analyses and is read elsewhere; the stream then only processes
            (:meth:`BoardStream.play`) and does not close it. ``None``: the stream has its own.

        Raises
        ------
        AudioError
            A rate, number of channels or block out of range.
        PresetError
            An effect that pedalboard processes only in whole recordings, such as ``PitchShift``; a
            ``node`` with other models than the board's.
        ModelError
            This machine is too slow to separate the stems live; the message has both times.

        Examples
        --------
        >>> from pedalboard import Gain, Pedalboard
        >>> import pyplugin
        >>> from pyplugin.sources import rms
        >>> auto = pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": rms().scale(0, 6)})
        >>> with auto.stream(48000, 2) as stream:
        ...     stream.process(np.zeros((2, 512), np.float32)).shape
        (2, 512)
        """
        sample_rate = check_rate(sample_rate)
        effects = self._effects()
        parameters = self._parameters(sample_rate, self._paths(sample_rate))
        stem_model = self._used_stem_model(parameters)
        own_names = self.plan.descriptors
        if node is not None and own_names and node.descriptors != own_names:
            names = " and ".join(model.card.name for model in self.plan.models)
            raise PresetError(f"The node does not run the board's models: {names}.")
        routes = [route for parameter in parameters for route in parameter.routes]
        needs_node = node is None and any(not each.kind.startswith("stem.") for each in routes)
        with contextlib.ExitStack() as stack:
            own: Node | None = None
            if needs_node:
                own = stack.enter_context(self.plan.build(sample_rate, channels, max_block))
            stems: StemAnalysis | None = None
            if stem_model is not None:
                stems = stack.enter_context(StemAnalysis(stem_model, sample_rate, channels))
            live = BoardStream(
                self.board,
                Mover(parameters),
                own,
                sample_rate,
                channels,
                max_block,
                claim(effects),
                stems,
                self.stems,
            )
            stack.pop_all()  # the stream closes the node and the stems
        return live


def _finite(recording: Recording) -> Iterator[Float32]:
    """Yield the blocks of a recording with 0 for NaN and Inf; add a note with their number."""
    replaced = 0
    for block in recording:
        clean = finite(block)
        if clean is not block:
            replaced += int(np.count_nonzero(~np.isfinite(block)))
        yield clean
    if replaced:
        recording.notes.append(replaced_note(replaced))


class _Collected:
    """Takes the place of a writer: keeps the blocks."""

    clipped = 0

    def __init__(self, source: Recording) -> None:
        self._parts: list[Float32] = []
        self._source = source

    def write(self, piece: Float32) -> None:
        self._parts.append(piece)

    def audio(self) -> Float32:
        whole = np.concatenate(self._parts, axis=1)
        return whole[0] if self._source.flat else whole


def _result(
    auto: AutomatedBoard,
    analysis: Analysis | None,
    played: Recording,
    curves: CurveRecorder,
    written: int,
    writer: Any,
) -> RenderResult:
    none = np.zeros((0, 0), np.float32)
    notes = [*(analysis.notes if analysis else ()), *played.notes]
    labels = [label for model in auto.plan.models for label in model.card.labels]
    return RenderResult(
        audio=writer.audio() if isinstance(writer, _Collected) else None,
        sample_rate=played.sample_rate,
        curves=curves.curves(),
        model=auto.plan.models[0].card.name if auto.plan.models else "",
        labels=labels,
        times=analysis.times if analysis else np.zeros(0),
        activations=analysis.activations if analysis else none,
        window=analysis.window if analysis else 0.0,
        hop=analysis.hop if analysis else 0.0,
        duration=written / played.sample_rate,
        clipped=writer.clipped,
        notes=list(dict.fromkeys(notes)),
    )
