"""The tempo of recordings: :func:`tempo`, measured from onsets or by a model such as TempoCNN."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError, ModelError
from pyplugin.inputs.recording import Recording
from pyplugin.models import registry
from pyplugin.node.node import Node
from pyplugin.node.signals import SIGNALS
from pyplugin.support.arrays import ByValue, Float32, Float64
from pyplugin.support.results import Curve
from pyplugin.tagging import tag

if TYPE_CHECKING:
    from pyplugin.inputs.files import Source
    from pyplugin.models.registry import Model

_STEP = 0.512  # seconds between two measured values
_NEAR = 0.04  # of a tempo: what counts as the same
_LABEL = re.compile(r"(\d+(?:\.\d+)?) BPM")


@dataclass(frozen=True, eq=False)
class TempoResult(ByValue):
    """The tempo of a recording over time and as a whole.

    Attributes
    ----------
    times
        (n,) float64: seconds, the middle of what each value is about.
    bpm
        (n,) float32: beats per minute; 0 where there is no beat.
    confidence
        (n,) float32, 0 to 1; comparable within one way of measuring only.
    overall
        Beats per minute of the whole recording; 0 where it has no beat.
    overall_confidence
        0 to 1: the share of the time (by confidence) at that tempo, or the model's probability.
    duration
        Of the recording in seconds.
    notes
        Sentences about the input that a person should see.
    """

    times: Float64
    bpm: Float32
    confidence: Float32
    overall: float
    overall_confidence: float
    duration: float
    notes: list[str]

    def curve(self, beats: float = 1.0) -> Curve:
        """Return the time of a number of beats, for parameters such as that of a delay.

        Parameters
        ----------
        beats
            How many, above 0: 0.75 for three quarters of one.

        Returns
        -------
        Curve
            Seconds over time. Where there is no beat it goes on to the next tempo.

        Raises
        ------
        AudioError
            The recording has no beat.

        See Also
        --------
        pyplugin.sources.beat : The same as a signal, also live.

        Examples
        --------
        >>> import pyplugin
        >>> from pedalboard import Delay, Pedalboard
        >>> clicks = np.zeros(16000 * 15)
        >>> clicks[::8000] = 1.0
        >>> dotted = tempo(clicks, 16000).curve(0.75)
        >>> auto = pyplugin.automate(Pedalboard([Delay()]), {"delay.delay_seconds": dotted})
        >>> round(float(auto(clicks, 16000).curves["delay.delay_seconds"].values[-1]), 3)
        0.375
        """
        beating = self.bpm > 0
        if not beating.any():
            raise AudioError("The recording has no beat, so no time can be given in beats.")
        return Curve(self.times[beating], 60.0 * beats / self.bpm[beating].astype(np.float64))


def tempo(
    audio: Source | npt.ArrayLike,
    sample_rate: int | None = None,
    *,
    model: str | Model | None = None,
    hop: float | None = None,
    progress: Callable[[float], object] | None = None,
) -> TempoResult:
    """Estimate the tempo of a recording, locally and as a whole.

    Parameters
    ----------
    audio, sample_rate
        As for :func:`pyplugin.tag`.
    model
        A model whose labels are tempi, such as an imported TempoCNN; ``None`` measures the
        autocorrelation of onsets, which needs no model.
    hop
        Seconds between two windows of a model; ``None`` for that of its card.
    progress
        Called with the share read so far, 0 to 1.

    Raises
    ------
    AudioError
        The recording or the array cannot be used.
    ModelError
        The model cannot be used, or has labels that are no tempi.

    Examples
    --------
    >>> import numpy as np
    >>> from pyplugin.tempo import tempo
    >>> clicks = np.zeros(16000 * 15)
    >>> clicks[::8000] = 1.0
    >>> round(tempo(clicks, 16000).overall)
    120
    """
    if model is None:
        return _measured(audio, sample_rate, progress)
    return _by_model(audio, sample_rate, model, hop, progress)


def _measured(
    audio: Source | npt.ArrayLike,
    sample_rate: int | None,
    progress: Callable[[float], object] | None,
) -> TempoResult:
    names = list(SIGNALS)
    columns = [names.index("tempo_bpm"), names.index("tempo_confidence")]
    parts, ends = [], []
    with (
        Recording(audio, sample_rate) as source,
        Node(source.sample_rate, source.channels, source.block, model=None, signals=_STEP) as node,
    ):
        for block in source:
            node.analyse(block)
            frames = node.read_signals()
            parts.append(frames.values[:, columns])
            ends.append(frames.end / source.sample_rate)
            if progress is not None and source.duration:
                progress(min(source.read_samples / source.sample_rate / source.duration, 1.0))
        duration, notes = source.read_samples / source.sample_rate, source.notes
    values, times = np.concatenate(parts), np.concatenate(ends)
    window = SIGNALS["tempo_bpm"].window
    times = np.maximum(times - window / 2, times / 2)  # the middle; of less at the start
    overall, share = overall_tempo(values[:, 0], values[:, 1])
    return TempoResult(times, values[:, 0], values[:, 1], overall, share, duration, notes)


def overall_tempo(bpm: Float32, confidence: Float32) -> tuple[float, float]:
    """Return the tempo with the most confidence around it, and its share of all.

    Parameters
    ----------
    bpm, confidence
        (n,) float32: values over time; 0 BPM where there is no beat.

    Examples
    --------
    >>> overall_tempo(np.float32([0, 120, 121]), np.float32([0, 0.5, 0.5]))
    (120.5, 1.0)
    """
    beating = bpm > 0
    if not beating.any():
        return 0.0, 0.0
    values, weights = bpm[beating].astype(float), confidence[beating].astype(float)
    logs = np.log(values)
    order = np.argsort(logs, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weights[order])])
    low = np.searchsorted(logs[order], logs - _NEAR, side="right")
    high = np.searchsorted(logs[order], logs + _NEAR, side="left")
    best = np.abs(logs - logs[int(np.argmax(sums[high] - sums[low]))]) < _NEAR
    overall = float(np.average(values[best], weights=weights[best]))
    return overall, float(weights[best].sum() / weights.sum())


def _by_model(
    audio: Source | npt.ArrayLike,
    sample_rate: int | None,
    model: str | Model,
    hop: float | None,
    progress: Callable[[float], object] | None,
) -> TempoResult:
    loaded = registry.load(model) if isinstance(model, str) else model
    found = [_LABEL.fullmatch(label) for label in loaded.card.labels]
    tempi = np.array([float(each[1]) for each in found if each is not None], np.float32)
    if len(tempi) != len(found) or not found:
        raise ModelError(
            f"The labels of {loaded.name} are no tempi, such as '120 BPM'; give a model of the "
            "tempo, such as TempoCNN, or none."
        )
    result = tag(audio, sample_rate, model=loaded, hop=hop, progress=progress)
    local = result.activations.argmax(axis=1)
    mean = result.mean
    return TempoResult(
        (result.bounds[1:] + result.bounds[:-1]) / 2,
        tempi[local],
        result.activations.max(axis=1),
        float(tempi[mean.argmax()]),
        float(mean.max()),
        result.duration,
        result.notes,
    )
