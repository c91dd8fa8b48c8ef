"""Curves and labels as files for other programs: tables, MIDI, Audacity, JAMS.

:func:`write_curves` and :func:`write_labels` choose the format by the suffix; a file is whole or
not there.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from pyplugin._native import VERSION
from pyplugin.errors import PypluginError
from pyplugin.outputs.midi_messages import FREE, ControllerTrack, mido, write_midi
from pyplugin.support.cells import guarded, readable
from pyplugin.support.files import replacing
from pyplugin.support.optional import need

if TYPE_CHECKING:
    from pyplugin.support.results import Curve, TagResult


THRESHOLD = 0.3
"""Activation from which :func:`write_labels` takes a tag as present."""

_UNITS = {"_db": "dB", "_hz": "Hz", "_ms": "ms", "_seconds": "s", "_semitones": "semitones"}
"""Endings of pedalboard's parameter names, and the unit that each stands for."""


@dataclass(frozen=True)
class _Job:
    """Arguments of the curve writers: the curves with their ranges, and the options."""

    curves: Mapping[str, Curve]
    ranges: Mapping[str, tuple[float, float]]
    fourteen_bit: bool

    def range(self, target: str) -> tuple[float, float]:
        """Return the given range, widened to the curve's own."""
        values = self.curves[target].values
        known = [float(values.min()), float(values.max()), *self.ranges.get(target, ())]
        return min(known), max(known)

    @property
    def duration(self) -> float:
        """Seconds to the last point."""
        return max(float(curve.times[-1]) for curve in self.curves.values())


def check_curves(path: Path) -> None:
    """Raise what :func:`write_curves` would raise for a path of that suffix on this machine."""
    suffix = _suffix(path, CURVES, "Curves")
    if suffix == ".mid":
        mido()
    elif suffix == ".jams":
        _jams()


def check_labels(path: Path) -> None:
    """Raise what :func:`write_labels` would raise for a path of that suffix on this machine."""
    if _suffix(path, LABELS, "Labels") == ".jams":
        _jams()


def write_curves(
    path: str | Path,
    curves: Mapping[str, Curve],
    *,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    fourteen_bit: bool = False,
) -> None:
    """Write parameters over time.

    ``.csv``: a column of seconds and one for each parameter. ``.json``: times, values, minimum,
    maximum and, where the name shows it, unit of each. ``.mid``: a track a parameter, of controller
    20 to 31 of a channel (the thirteenth parameter is controller 20 of the next channel), changes
    only. ``.jams``: an annotation of the namespace ``vector`` for each.

    Parameters
    ----------
    path
        Where to.
    curves
        By target, ``effect.parameter``; times in seconds, in order.
    ranges
        Minimum and maximum by target, widened to the curve's own; by default the curve's own.
    fourteen_bit
        In ``.mid``: two messages a value instead of one.

    Raises
    ------
    PypluginError
        Another suffix, no curves, points that are not finite, or a library that is missing.
    """
    path = Path(path)
    write = CURVES[_suffix(path, CURVES, "Curves")]
    if not curves:
        raise PypluginError("There are no curves to write: no parameter is automated.")
    for target, curve in curves.items():
        points = [curve.times, curve.values]
        if len(curve.times) == 0 or len(curve.times) != len(curve.values):
            raise PypluginError(
                f"The curve of {target} has {len(curve.times)} times and {len(curve.values)} "
                "values; as many of both are expected, and at least one."
            )
        if not np.isfinite(points).all() or (np.diff(curve.times) < 0).any():
            raise PypluginError(
                f"The curve of {target} has non-finite points (NaN, Inf), or times out of order."
            )
    write(path, _Job(curves, ranges or {}, fourteen_bit))


def _suffix(path: Path, formats: Iterable[str], what: str) -> str:
    suffix = path.suffix.lower()
    if suffix not in formats:
        known = ", ".join(formats)
        raise PypluginError(f"{what} are written to one of {known}; {path.name!r} was given.")
    return suffix


def _text_file(path: Path, newline: str | None = None) -> TextIO:
    """Open a file for text in UTF-8 with what is no valid text in it escaped."""
    return path.open("w", encoding="utf-8", errors="backslashreplace", newline=newline)


def _curves_csv(path: Path, job: _Job) -> None:
    """Write a row for each time at which a curve has a point; the others get an empty cell."""
    rows: dict[float, dict[str, float]] = {}
    for target, curve in job.curves.items():
        for time, value in zip(curve.times.tolist(), curve.values.tolist(), strict=True):
            rows.setdefault(time, {})[target] = value
    with replacing(path) as partial, _text_file(partial, newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["time", *map(guarded, job.curves)])
        for time, row in sorted(rows.items()):
            cells = (f"{row[target]:.6g}" if target in row else "" for target in job.curves)
            table.writerow([f"{time:.3f}", *cells])


def _curves_json(path: Path, job: _Job) -> None:
    whole: dict[str, dict[str, Any]] = {}
    for target, curve in job.curves.items():
        low, high = job.range(target)
        whole[target] = {"times": curve.times.tolist(), "values": curve.values.tolist()}
        whole[target] |= {"min": low, "max": high}
        for ending, unit in _UNITS.items():
            if target.endswith(ending):
                whole[target]["unit"] = unit
    with replacing(path) as partial, _text_file(partial) as stream:
        json.dump({"v": 1, "curves": whole}, stream, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def _curves_mid(path: Path, job: _Job) -> None:
    if len(job.curves) > 16 * len(FREE):
        raise PypluginError(
            f"{len(job.curves)} curves were given; a MIDI file has room for {16 * len(FREE)}."
        )
    tracks = []
    for index, (target, curve) in enumerate(job.curves.items()):
        channel, place = divmod(index, len(FREE))
        track = ControllerTrack(
            target, FREE[place], *job.range(target), channel, fourteen_bit=job.fourteen_bit
        )
        for time, value in zip(curve.times.tolist(), curve.values.tolist(), strict=True):
            number = track.scaled(value)
            if not track.events or number != track.events[-1][1]:
                track.events.append((time, number))
        tracks.append(track)
    write_midi(path, tracks, duration=job.duration)


def _curves_jams(path: Path, job: _Job) -> None:
    notes = []
    for target, curve in job.curves.items():
        low, high = job.range(target)
        note = _annotation("vector", job.duration, target=target, min=low, max=high)
        ends = np.append(curve.times[1:], job.duration)
        for time, end, value in zip(curve.times, ends, curve.values, strict=True):
            note.append(time=float(time), duration=float(end - time), value=[float(value)])
        notes.append(note)
    _save_jams(path, notes, job.duration)


@dataclass(frozen=True)
class _Span:
    """Where a tag is present, in seconds, and its mean activation."""

    start: float
    end: float
    label: str
    confidence: float


def _spans(result: TagResult, threshold: float) -> list[_Span]:
    """Find where tags are present: consecutive windows are one span."""
    bounds = result.bounds
    found = []
    for label, values in zip(result.labels, result.activations.T, strict=True):
        present = np.concatenate([[False], values >= threshold, [False]])
        edges = np.flatnonzero(present[1:] != present[:-1])
        for first, after in edges.reshape(-1, 2):
            mean = float(values[first:after].mean(dtype=np.float64))
            name = " ".join(label.split())
            found.append(_Span(float(bounds[first]), float(bounds[after]), name, mean))
    return sorted(found, key=lambda span: span.start)


def write_labels(
    path: str | Path, result: TagResult, *, threshold: float = THRESHOLD, title: str = ""
) -> None:
    """Write where each tag is present.

    A window covers what :attr:`TagResult.bounds` gives it; consecutive windows of at least
    ``threshold`` are one span. ``.txt``: Audacity's labels. ``.jams``: one annotation of the
    namespace ``tag_open``, with the mean activation as confidence.

    Parameters
    ----------
    path
        Where to.
    result
        The tags of a recording.
    threshold
        Activation, 0 to 1.
    title
        Name of the recording, for ``.jams``.

    Raises
    ------
    PypluginError
        Another suffix, a threshold out of range, or a library that is missing.
    """
    path = Path(path)
    write = LABELS[_suffix(path, LABELS, "Labels")]
    if not 0 <= threshold <= 1:
        raise PypluginError(f"The threshold is {threshold}; 0 to 1 is expected.")
    write(path, result, _spans(result, threshold), title)


def _labels_txt(path: Path, result: TagResult, spans: list[_Span], title: str) -> None:
    with replacing(path) as partial, _text_file(partial, newline="") as stream:
        # Audacity has no quoting: a label is the rest of the line.
        table = csv.writer(
            stream, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n"
        )
        table.writerows([f"{span.start:.6f}", f"{span.end:.6f}", span.label] for span in spans)


def _labels_jams(path: Path, result: TagResult, spans: list[_Span], title: str) -> None:
    note = _annotation("tag_open", result.duration, model=result.model)
    for span in spans:
        note.append(
            time=span.start,
            duration=span.end - span.start,
            value=span.label,
            confidence=span.confidence,
        )
    _save_jams(path, [note], result.duration, title)


def _jams() -> Any:
    return need("jams", package="jams", extra="jams", purpose="A .jams file")


def _save_jams(path: Path, notes: list[Any], duration: float, title: str = "") -> None:
    whole = _jams().JAMS()
    whole.file_metadata.duration, whole.file_metadata.title = duration, readable(title)
    whole.annotations.extend(notes)
    with replacing(path) as partial:
        whole.save(str(partial), fmt="jams")


def _annotation(namespace: str, duration: float, **sandbox: Any) -> Any:
    note = _jams().Annotation(namespace=namespace, time=0, duration=duration)
    note.annotation_metadata.data_source = "program"
    note.annotation_metadata.annotation_tools = f"pyplugin {VERSION}"
    note.sandbox.update(**sandbox)
    return note


CURVES: dict[str, Callable[[Path, _Job], None]] = {
    ".csv": _curves_csv,
    ".json": _curves_json,
    ".mid": _curves_mid,
    ".jams": _curves_jams,
}
"""Writers of curves by the suffix of the file."""

LABELS: dict[str, Callable[[Path, TagResult, list[_Span], str], None]] = {
    ".txt": _labels_txt,
    ".jams": _labels_jams,
}
"""Writers of labels by the suffix of the file."""
