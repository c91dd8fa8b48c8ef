"""The descriptors of a whole recording, and the positions at which they take effect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pyplugin.automation.knobs import Knobs
from pyplugin.automation.movers import AutomatedParameter, Mover, Route
from pyplugin.automation.stems import StemModel
from pyplugin.inputs.recording import BLOCK, Recording
from pyplugin.node.node import Frames, Node
from pyplugin.node.signals import SIGNALS, SignalFrames
from pyplugin.node.windows import analyse_windows, replaced_note, window_seconds
from pyplugin.support.arrays import ByValue, Float32, Float64, Int64


@dataclass(frozen=True, eq=False)
class DescriptorTrack(ByValue):
    """Descriptors of one kind over time: (n,) seconds, and values (n, D)."""

    start: Float64
    end: Float64
    emitted: Float64
    values: Float32


@dataclass(frozen=True, eq=False)
class Analysis(ByValue):
    """The descriptors of a recording.

    Attributes
    ----------
    times, activations, window, hop
        As in :class:`pyplugin.TagResult`; empty without a model. Times before 0 are of windows that
        begin with silence before the recording.
    notes
        Sentences for the user.
    """

    times: Float64
    activations: Float32
    window: float
    hop: float
    notes: list[str]
    _tracks: dict[str, DescriptorTrack]
    _columns: dict[str, tuple[int, ...]]  # descriptors of the columns of each track
    _mel_window: float  # seconds: that of the audio in the mel frames of a window

    def mover(self, parameters: Sequence[AutomatedParameter], rate: int, align: bool) -> Mover:
        """Return a mover of ``parameters`` that knows these descriptors.

        Parameters
        ----------
        parameters
            The parameters.
        rate
            Of the positions, Hz.
        align
            Apply each result from the middle of its window; ``False``: as late as a live node.
        """
        events = [
            self._events(route, knobs, rate, align)
            for parameter in parameters
            for route, knobs in zip(parameter.routes, parameter.knobs, strict=True)
        ]
        return Mover(parameters, [_in_turn(*each) for each in events])

    def _events(self, route: Route, knobs: Knobs, rate: int, align: bool) -> _Events:
        track = self._tracks[route.kind]
        columns = [self._columns[route.kind].index(column) for column in route.columns]
        values = track.values[:, columns].sum(axis=1, dtype=np.float64)
        if align:
            times, lead = self._middles(track, route), knobs.attack
        else:
            times, lead = track.emitted, 0.0
        positions = np.round(times * rate).astype(np.int64)
        if align:
            past = max(np.count_nonzero(positions < 0) - 1, 0)
            positions, values = positions[past:], values[past:]
            positions[:1] = 0  # the first result holds from the beginning
        return _with_lead(positions, values, round(lead * rate), _rises(knobs))

    def _middles(self, track: DescriptorTrack, route: Route) -> Float64:
        """Return the middle of what each value describes, in seconds; may be below 0."""
        if route.kind == "tag":
            return track.end - self._mel_window / 2
        window = list(SIGNALS.values())[route.columns[0]].window
        middle = (track.start + track.end) / 2
        return middle if window == 0 else np.maximum(track.end - window / 2, 0)


_Events = tuple[Int64, Float64]  # positions in ascending order, and values


def _in_turn(positions: Int64, values: Float64) -> Iterator[tuple[int, float]]:
    """Yield the events in pieces: a list of Python numbers would take five times the memory."""
    for at in range(0, len(positions), 4096):
        part = slice(at, at + 4096)
        yield from zip(positions[part].tolist(), values[part].tolist(), strict=True)


def _rises(knobs: Knobs) -> bool:
    """Return whether the parameter moves towards max when the descriptor rises."""
    upward = knobs.gate == "above" if knobs.gate != "none" else knobs.high > knobs.low
    return bool(upward != knobs.invert)


def _with_lead(positions: Int64, values: Float64, lead: int, rises: bool) -> _Events:
    """Advance each rise by ``lead`` samples: the maximum within that time, as in a limiter.

    Where the parameter falls as the descriptor rises, the minimum is used.
    """
    if lead <= 0 or len(positions) < 2:
        return positions, values
    changes = np.unique(np.concatenate([positions, positions - lead]))
    changes = changes[changes >= positions[0]]
    first = np.maximum(np.searchsorted(positions, changes, "right") - 1, 0)
    last = np.searchsorted(positions, changes + lead, "right") - 1
    turned = values if rises else -values
    # Maxima of 1, 2, 4 ... neighbours: two of them cover any interval.
    levels = [turned]
    while 2 ** len(levels) <= (last - first).max() + 1:
        half = 2 ** (len(levels) - 1)
        levels.append(np.maximum(levels[-1][:-half], levels[-1][half:]))
    largest = np.empty(len(changes))
    which = np.frexp(last - first + 1)[1] - 1
    for level, table in enumerate(levels):
        rows = which == level
        largest[rows] = np.maximum(table[first[rows]], table[last[rows] + 1 - 2**level])
    return changes, largest if rises else -largest


def with_stems(
    analysis: Analysis,
    recording: Recording,
    model: StemModel,
    parameters: Sequence[AutomatedParameter],
) -> Analysis:
    """Add the signals of a recording's stems that parameters depend on.

    Parameters
    ----------
    analysis
        Of the same recording.
    recording
        Opened anew.
    model
        Separates the stems.
    parameters
        The parameters.
    """
    wanted: dict[str, set[int]] = {}
    for route in (route for parameter in parameters for route in parameter.routes):
        if route.kind.startswith("stem."):
            wanted.setdefault(route.kind, set()).update(route.columns)
    if not wanted:
        return analysis
    rate, channels = recording.sample_rate, recording.channels
    tracks: dict[str, DescriptorTrack] = {}
    with contextlib.ExitStack() as stack:
        nodes = {
            kind: stack.enter_context(Node(rate, channels, BLOCK, model=None, offline=True))
            for kind in wanted
        }
        parts: dict[str, list[SignalFrames]] = {kind: [] for kind in wanted}
        for _, stems in model.blocks(recording):
            for kind, node in nodes.items():
                index = model.stems.index(kind.removeprefix("stem."))
                node.analyse(np.ascontiguousarray(stems[index]))
                parts[kind].append(node.read_signals())
        for kind, node in nodes.items():
            flush = node.latency.total + round(4 * node.mel_seconds * rate)
            node.process(np.zeros((channels, flush), np.float32))
            parts[kind].append(node.read_signals())
            tracks[kind] = _stem_track(parts[kind], sorted(wanted[kind]), recording, rate)
    columns = {kind: tuple(sorted(each)) for kind, each in wanted.items()}
    return replace(
        analysis, _tracks=analysis._tracks | tracks, _columns=analysis._columns | columns
    )


def _stem_track(
    parts: Sequence[SignalFrames], kept: list[int], recording: Recording, rate: int
) -> DescriptorTrack:
    positions: list[tuple[Int64, ...]] = []
    values: list[Float32] = []
    for got in parts:
        inside = (got.start + got.end) // 2 < max(recording.read_samples, 1)
        positions.append((got.start[inside], got.end[inside], got.emitted[inside]))
        values.append(got.values[inside][:, kept])
    return _track(positions, np.concatenate(values), rate)


def analyse(
    node: Node,
    recording: Recording,
    parameters: Sequence[AutomatedParameter],
    progress: Callable[[float], object],
) -> Analysis:
    """Analyse a whole recording; keep the descriptors that the parameters depend on.

    Memory grows by about 100 kB a minute for the signals in use, and by a row of activations for
    each hop.

    Parameters
    ----------
    node
        Offline, with the recording's rate and channels.
    recording
        The audio.
    parameters
        The parameters.
    progress
        Called with the share analysed, 0 to 1.
    """
    routes = [route for parameter in parameters for route in parameter.routes]
    measured = {column for each in routes if each.kind == "signal" for column in each.columns}
    kept = tuple(sorted(measured))
    tags: list[tuple[Int64, ...]] = []
    activations: list[Float32] = []
    signals: list[tuple[Int64, ...]] = []
    values: list[Float32] = []
    blocks = analyse_windows if node.models else _measured
    for frames in blocks(node, recording, progress):
        tags.append((frames.start, frames.end, frames.emitted))
        activations.append(frames.values)
        if kept:
            got = node.read_signals()
            inside = (got.start + got.end) // 2 < max(recording.read_samples, 1)
            signals.append((got.start[inside], got.end[inside], got.emitted[inside]))
            values.append(got.values[inside][:, kept])
    signal_values = np.concatenate(values) if values else np.zeros((0, 0), np.float32)
    tracks = {
        "tag": _track(tags, np.concatenate(activations), node.sample_rate),
        "signal": _track(signals, signal_values, node.sample_rate),
    }
    window = mel_window = 0.0
    if node.models:
        front_end = node.model.card.front_end
        window = window_seconds(node)
        mel_window = window + (front_end.frame - front_end.hop) / front_end.sample_rate
    tag = tracks["tag"]
    return Analysis(
        times=tag.end - window,
        activations=tag.values[:, : len(node.labels)],
        window=window,
        hop=node.hop if node.models else 0.0,
        notes=list(recording.notes),
        _tracks=tracks,
        _columns={"tag": tuple(range(tag.values.shape[1])), "signal": kept},
        _mel_window=mel_window,
    )


def _track(positions: list[tuple[Int64, ...]], values: Float32, rate: int) -> DescriptorTrack:
    empty = np.zeros(0, np.int64)
    parts = zip(*(positions or [(empty, empty, empty)]), strict=True)
    start, end, emitted = (np.concatenate(part) / rate for part in parts)
    return DescriptorTrack(start, end, emitted, values)


def _measured(
    node: Node, recording: Recording, progress: Callable[[float], object]
) -> Iterator[Frames]:
    """Stream a recording through a node without a model; yield the frames of each block."""
    for block in recording:
        yield node.process(block)
        progress(recording.position)
    flush = node.latency.total + round(4 * node.mel_seconds * node.sample_rate)
    yield node.process(np.zeros((node.channels, flush), np.float32))
    replaced = node.counters["replaced"]
    if replaced:
        recording.notes.append(replaced_note(replaced))
