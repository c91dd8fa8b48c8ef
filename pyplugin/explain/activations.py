"""The activations of a recording's units, and the mel frames that they depend on, as a stream."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pyplugin.errors import AudioError
from pyplugin.inputs.files import PathLike
from pyplugin.inputs.recording import Recording
from pyplugin.models.card import FrontEnd
from pyplugin.models.layer_outputs import UnitOutput
from pyplugin.models.receptive_fields import UnitFields
from pyplugin.node.plan import Plan
from pyplugin.node.windows import analyse_windows
from pyplugin.support.arrays import Float32, Float64, Indices, Int64


@dataclass(frozen=True)
class Activations:
    """Activations at n positions in time, in the order of time.

    Attributes
    ----------
    values
        (n, units) float32.
    first, last
        (n, units) of int: mel frames of the recording that each value depends on.
    """

    values: Float32
    first: Int64
    last: Int64

    @property
    def centres(self) -> Float64:
        """(n,) The middle of the frames of each position, on average over the units."""
        return np.asarray((self.first + self.last).mean(axis=1) / 2)

    def of(self, units: Indices) -> Activations:
        """Return those of some units."""
        return Activations(self.values[:, units], self.first[:, units], self.last[:, units])


def seconds_of(front_end: FrontEnd, first: float, last: float) -> tuple[float, float]:
    """Return the begin and the end of the samples in mel frames `first` to `last`, in seconds.

    Examples
    --------
    >>> from pyplugin.models.frontends import PRESETS
    >>> seconds_of(PRESETS["yamnet"], 0, 1), seconds_of(PRESETS["musicnn"], 1, 1)
    ((0.0, 0.035), (0.0, 0.032))
    """
    before = front_end.frame / 2 if front_end.framing == "centred" else 0
    rate = front_end.sample_rate
    begin = (first * front_end.hop - before) / rate
    return begin, (last * front_end.hop - before + front_end.frame) / rate


class Positions:
    """Which positions of each window count: overlapping windows have most of them in common.

    Those near the middle of a window are taken, where a network that pads its patch sees the least
    of the padding; of the first and the last window of a recording also the others.

    Parameters
    ----------
    fields
        Of the layer.
    patch, hop
        Mel frames of a window, and between two.
    """

    def __init__(self, fields: UnitFields, patch: int, hop: int) -> None:
        self._fields, self._hop = fields, hop
        centres = (fields.first + fields.last).mean(axis=1) / 2
        middle = (patch - 1) / 2
        central = np.flatnonzero((centres >= middle - hop / 2) & (centres < middle + hop / 2))
        if len(central) == 0:
            central = np.array([np.abs(centres - middle).argmin()])
        self._central = np.arange(central[0], central[-1] + 1)
        self._before = np.arange(central[0])
        self._after = np.arange(central[-1] + 1, len(centres))

    def within(self, window: int, values: Float32) -> Activations:
        """Return what counts of a window, (positions, units), that another one follows."""
        first = self._before if window == 0 else self._before[:0]
        return self._part(window, values, np.concatenate([first, self._central]))

    def rest(self, window: int, values: Float32) -> Activations:
        """Return what else counts if no window follows."""
        return self._part(window, values, self._after)

    def _part(self, window: int, values: Float32, places: Indices) -> Activations:
        start = window * self._hop
        fields = self._fields
        return Activations(
            values[places], fields.first[places] + start, fields.last[places] + start
        )


@dataclass
class AnalysedRecording:
    """A recording of which the activations were taken.

    Attributes
    ----------
    path
        As it was given.
    sample_rate
        In Hz.
    duration
        In seconds; known at the end.
    notes
        Sentences for the user; complete at the end.
    """

    path: PathLike
    sample_rate: int
    duration: float
    notes: list[str]


def stream_activations(
    path: PathLike,
    layer: UnitOutput,
    *,
    hop: float | None = None,
    about: Callable[[AnalysedRecording], object],
    progress: Callable[[float], object] | None = None,
) -> Iterator[Activations]:
    """Yield the activations of a recording, in constant memory.

    Parameters
    ----------
    path
        The recording.
    layer
        The model and its layer.
    hop
        Seconds between two windows; ``None`` for the one of the card.
    about
        Called once with what is known of the recording, before the first activations.
    progress
        Called with the share that is done, 0 to 1.

    Raises
    ------
    AudioError
        It cannot be read, or is shorter than the receptive field of the layer.
    ModelError
        The model cannot be run.
    """
    plan = Plan.of(layer.model, hop=hop)
    front_end = layer.model.card.front_end
    mel_seconds = front_end.hop / front_end.sample_rate
    field = (int(layer.fields.frames.max()) - 1) * mel_seconds
    with Recording(path) as source:
        each_hop = (hop or layer.model.card.default_hop) * source.sample_rate
        with plan.build(
            source.sample_rate,
            source.channels,
            source.block,
            embedding=layer.output,
            offline=True,
            whole_windows=True,
            queue=math.ceil(source.block / each_hop) + 2,
        ) as node:
            found = AnalysedRecording(path, source.sample_rate, 0.0, source.notes)
            about(found)
            positions = Positions(layer.fields, layer.model.card.patch_frames, node.hop_frames)
            count, tail = 0, None
            for frames in analyse_windows(node, source, progress):
                duration = source.read_samples / source.sample_rate
                if len(frames) and duration < field:
                    raise AudioError(
                        f"{Path(path)} lasts {duration:.2f} s, less than the receptive field of "
                        f"the layer, {field:.2f} s; give a longer recording."
                    )
                found.duration = duration
                for values in layer.activations(frames.embeddings):
                    tail = values
                    yield _before_end(positions.within(count, values), duration / mel_seconds)
                    count += 1
            if tail is not None:
                yield _before_end(positions.rest(count - 1, tail), found.duration / mel_seconds)


def _before_end(part: Activations, end: float) -> Activations:
    """Leave out the positions after a recording that was repeated to fill a window."""
    kept = part.centres <= end
    return Activations(part.values[kept], part.first[kept], part.last[kept])
