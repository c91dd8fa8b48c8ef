"""What was heard in a whole recording, and when each answer shall count."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pyplugin.automation.movers import Lane, Mover, Route
from pyplugin.automation.sources import Knobs
from pyplugin.inputs.recording import Recording
from pyplugin.node.node import Frames, Node
from pyplugin.node.signals import SIGNALS
from pyplugin.node.windows import analyse_windows, replaced_note, window_seconds

__all__ = ["Analysis", "analyse"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """One kind of descriptor over time: (n,) seconds, and values (n, D)."""

    start: Float64
    end: Float64
    emitted: Float64
    values: Float32


@dataclass(frozen=True)
class Analysis:
    """What was heard in a recording.

    Attributes
    ----------
    times, activations, window, hop
        As in :class:`pyplugin.TagResult`; empty without a model. Times before 0 are of windows that
        begin with silence before the recording.
    notes
        Sentences for a person.
    """

    times: Float64
    activations: Float32
    window: float
    hop: float
    notes: list[str]
    _told: dict[str, Told]
    _columns: dict[str, tuple[int, ...]]  # of the descriptors, what the columns of _told are
    _heard: float  # seconds that a window hears: mel frames reach beyond it

    def told_to(self, lanes: Sequence[Lane], sample_rate: int, align: bool) -> Mover:
        """Return what moves the lanes by the whole story, in samples of ``sample_rate``."""
        events = [
            self._events(route, knobs, sample_rate, align)
            for lane in lanes
            for route, knobs in zip(lane.routes, lane.knobs, strict=True)
        ]
        return Mover(lanes, [_in_turn(*each) for each in events])

    def _events(self, route: Route, knobs: Knobs, rate: int, align: bool) -> _Events:
        told = self._told[route.kind]
        columns = [self._columns[route.kind].index(column) for column in route.columns]
        values = told.values[:, columns].sum(axis=1, dtype=np.float64)
        if align:
            times, lead = self._middles(told, route), knobs.attack
        else:
            times, lead = told.emitted, 0.0
        positions = np.round(times * rate).astype(np.int64)
        if align:
            past = max(np.count_nonzero(positions < 0) - 1, 0)
            positions, values = positions[past:], values[past:]
            positions[:1] = 0  # one answer holds at the beginning
        return _with_lead(positions, values, round(lead * rate), _rises(knobs))

    def _middles(self, told: Told, route: Route) -> Float64:
        """Return when what was described was in its middle; before 0 with silence before."""
        if route.kind == "tag":
            return told.end - self._heard / 2
        window = list(SIGNALS.values())[route.columns[0]].window
        return (told.start + told.end) / 2 if window == 0 else np.maximum(told.end - window / 2, 0)


_Events = tuple[npt.NDArray[np.int64], Float64]  # positions that do not go back, and values


def _in_turn(positions: npt.NDArray[np.int64], values: Float64) -> Iterator[tuple[int, float]]:
    """Yield the events, of which Python's own numbers would take five times the memory."""
    for at in range(0, len(positions), 4096):
        part = slice(at, at + 4096)
        yield from zip(positions[part].tolist(), values[part].tolist(), strict=True)


def _rises(knobs: Knobs) -> bool:
    """Tell whether more of the descriptor means more of the parameter's way."""
    if knobs.gate is not None:
        return (knobs.gate == "above") != knobs.invert
    assert knobs.low is not None
    assert knobs.high is not None
    return (knobs.high > knobs.low) != knobs.invert


def _with_lead(
    positions: npt.NDArray[np.int64], values: Float64, lead: int, rises: bool
) -> _Events:
    """Have each rise come ``lead`` samples early: the maximum of what comes within that time.

    Limiters look ahead in the same way. Where more of the descriptor means less of the parameter's
    way the minimum takes its place.
    """
    if lead <= 0 or len(positions) < 2:
        return positions, values
    changes = np.unique(np.concatenate([positions, positions - lead]))
    changes = changes[changes >= positions[0]]
    first = np.maximum(np.searchsorted(positions, changes, "right") - 1, 0)
    last = np.searchsorted(positions, changes + lead, "right") - 1
    turned = values if rises else -values
    # Maxima of 1, 2, 4 ... neighbours: two of them cover any stretch.
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


def analyse(
    node: Node,
    recording: Recording,
    lanes: Sequence[Lane],
    progress: Callable[[float], object],
) -> Analysis:
    """Hear a whole recording; keep what the lanes listen to.

    Memory grows by some 100 kB a minute for the signals that are listened to, and by a row of
    activations for each hop.
    """
    measured = {
        column
        for lane in lanes
        for route in lane.routes
        if route.kind == "signal"
        for column in route.columns
    }
    kept = tuple(sorted(measured))
    tags: list[tuple[npt.NDArray[np.int64], ...]] = []
    activations: list[Float32] = []
    signals: list[tuple[npt.NDArray[np.int64], ...]] = []
    values: list[Float32] = []
    blocks = analyse_windows if node.models else _measured
    for frames in blocks(node, recording, progress):
        tags.append((frames.start, frames.end, frames.emitted))
        activations.append(frames.values)
        if kept:
            got = node.read_signals()
            inside = (got.start + got.end) // 2 < max(recording.samples_read, 1)
            signals.append((got.start[inside], got.end[inside], got.emitted[inside]))
            values.append(got.values[inside][:, kept])
    told = {
        "tag": _told(tags, np.concatenate(activations), node.sample_rate),
        "signal": _told(
            signals,
            np.concatenate(values) if values else np.zeros((0, 0), np.float32),
            node.sample_rate,
        ),
    }
    window = heard = 0.0
    if node.models:
        front_end = node.model.card.front_end
        window = window_seconds(node)
        heard = window + (front_end.frame - front_end.hop) / front_end.sample_rate
    tag = told["tag"]
    return Analysis(
        times=tag.end - window,
        activations=tag.values[:, : len(node.labels)],
        window=window,
        hop=node.hop if node.models else 0.0,
        notes=list(recording.notes),
        _told=told,
        _columns={"tag": tuple(range(tag.values.shape[1])), "signal": kept},
        _heard=heard,
    )


def _told(positions: list[tuple[npt.NDArray[np.int64], ...]], values: Float32, rate: int) -> Told:
    start, end, emitted = (
        np.concatenate(part) / rate if positions else np.zeros(0)
        for part in (zip(*positions, strict=True) if positions else ((), (), ()))
    )
    return Told(start, end, emitted, values)


def _measured(
    node: Node, recording: Recording, progress: Callable[[float], object]
) -> Iterator[Frames]:
    """Stream a recording through a node without a model; yield after each block."""
    for block in recording:
        yield node.process(block)
        progress(recording.share())
    flush = node.latency.total + round(4 * node.mel_seconds * node.sample_rate)
    yield node.process(np.zeros((node.channels, flush), np.float32))
    replaced = node.counters["replaced"]
    if replaced:
        recording.notes.append(replaced_note(replaced))
