"""Write curves and labels for other programs: CSV, JSON, MIDI, Audacity, JAMS.

:func:`write_curves` and :func:`write_labels` choose the format by the suffix, and write atomically.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.outputs.midi_messages import (
    UNDEFINED_CONTROLLERS,
    ControllerTrack,
    mido,
    scaled,
    write_midi,
)
from pyplugin.support.files import replacing
from pyplugin.support.optional import need
from pyplugin.support.version import __version__

if TYPE_CHECKING:
    from pyplugin.support.results import Curve, TagResult

__all__ = ["THRESHOLD", "check_curves", "check_labels", "write_curves", "write_labels"]

THRESHOLD = 0.3
"""Default of the least activation of a tag in :func:`write_labels`."""

_UNITS = {"_db": "dB", "_hz": "Hz", "_ms": "ms", "_seconds": "s", "_semitones": "semitones"}
"""The unit of a parameter of pedalboard, by the ending of its name."""


@dataclass(frozen=True)
class _Job:
    """The input of the writers: curves with their ranges, and the options."""

    curves: Mapping[str, Curve]
    ranges: Mapping[str, tuple[float, float]]
    fourteen_bit: bool

    def range(self, target: str) -> tuple[float, float]:
        """Return the given range, extended to the values of the curve."""
        values = self.curves[target].values
        known = [float(values.min()), float(values.max()), *self.ranges.get(target, ())]
        return min(known), max(known)

    @property
    def duration(self) -> float:
        """Time of the last point in seconds."""
        return max(float(curve.times[-1]) for curve in self.curves.values())


def check_curves(path: Path) -> None:
    """Raise if :func:`write_curves` does not support the suffix or lacks a library for it.

    Parameters
    ----------
    path
        The file to write later.

    Raises
    ------
    PypluginError
        The suffix is unknown, or the library is missing.
    """
    suffix = _suffix(path, _CURVES, "Curves")
    if suffix == ".mid":
        mido()
    elif suffix == ".jams":
        _jams()


def check_labels(path: Path) -> None:
    """Raise if :func:`write_labels` does not support the suffix or lacks a library for it.

    Parameters
    ----------
    path
        The file to write later.

    Raises
    ------
    PypluginError
        The suffix is unknown, or the library is missing.
    """
    if _suffix(path, _LABELS, "Labels") == ".jams":
        _jams()


def write_curves(
    path: str | Path,
    curves: Mapping[str, Curve],
    *,
    ranges: Mapping[str, tuple[float, float]] | None = None,
    fourteen_bit: bool = False,
) -> None:
    """Write parameter curves.

    ``.csv``: a column of times in seconds and one for each parameter. ``.json``: times, values,
    minimum, maximum and, if its name contains it, unit of each parameter. ``.mid``: one track for
    each parameter, with the changes of controller 20 to 31 of a channel (the thirteenth parameter
    is controller 20 of the next channel). ``.jams``: an annotation in the namespace ``vector`` for
    each parameter.

    Parameters
    ----------
    path
        The file to write.
    curves
        Curves by target, ``effect.parameter``; times in seconds, in order.
    ranges
        Minimum and maximum by target, extended to the values of the curve; the default is the
        minimum and maximum of the curve.
    fourteen_bit
        In ``.mid``: 14-bit values in two messages each.

    Raises
    ------
    PypluginError
        The suffix is unknown, there are no curves, a point is non-finite, or a library is missing.
    """
    path = Path(path)
    write = _CURVES[_suffix(path, _CURVES, "Curves")]
    if not curves:
        raise PypluginError("There are no curves to write; use a preset with at least one [[map]].")
    for target, curve in curves.items():
        points = [curve.times, curve.values]
        if len(curve.times) == 0 or len(curve.times) != len(curve.values):
            raise PypluginError(
                f"The curve of {target} has {len(curve.times)} times and {len(curve.values)} "
                "values; expected the same number of both, at least one."
            )
        if not np.isfinite(points).all() or (np.diff(curve.times) < 0).any():
            raise PypluginError(
                f"The curve of {target} has non-finite points, or times that are not in order."
            )
    write(path, _Job(curves, ranges or {}, fourteen_bit))


def _suffix(path: Path, formats: Iterable[str], what: str) -> str:
    suffix = path.suffix.lower()
    if suffix not in formats:
        known = ", ".join(formats)
        raise PypluginError(
            f"{what} cannot be written to {path.name!r}; the name must end in one of {known}."
        )
    return suffix


def _curves_csv(path: Path, job: _Job) -> None:
    """Write a row for each time with a point of any curve; cells of others are empty."""
    rows: dict[float, dict[str, float]] = {}
    for target, curve in job.curves.items():
        for time, value in zip(curve.times.tolist(), curve.values.tolist(), strict=True):
            rows.setdefault(time, {})[target] = value
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["time", *job.curves])
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
    with replacing(path) as partial, partial.open("w", encoding="utf-8") as stream:
        json.dump({"v": 1, "curves": whole}, stream, ensure_ascii=False, allow_nan=False)
        stream.write("\n")


def _curves_mid(path: Path, job: _Job) -> None:
    if len(job.curves) > 16 * len(UNDEFINED_CONTROLLERS):
        raise PypluginError(
            f"There are {len(job.curves)} curves; a MIDI file can have at most "
            f"{16 * len(UNDEFINED_CONTROLLERS)}."
        )
    tracks = []
    for index, (target, curve) in enumerate(job.curves.items()):
        channel, place = divmod(index, len(UNDEFINED_CONTROLLERS))
        track = ControllerTrack(target, UNDEFINED_CONTROLLERS[place], *job.range(target), channel)
        for time, value in zip(curve.times.tolist(), curve.values.tolist(), strict=True):
            number = scaled(value, track.low, track.high, fourteen_bit=job.fourteen_bit)
            if not track.events or number != track.events[-1][1]:
                track.events.append((time, number))
        tracks.append(track)
    write_midi(path, tracks, fourteen_bit=job.fourteen_bit, duration=job.duration)


def _curves_jams(path: Path, job: _Job) -> None:
    library = _jams()
    whole = library.JAMS()
    whole.file_metadata.duration = job.duration
    for target, curve in job.curves.items():
        low, high = job.range(target)
        note = _annotation(library, "vector", job.duration, target=target, min=low, max=high)
        ends = np.append(curve.times[1:], job.duration)
        for time, end, value in zip(curve.times, ends, curve.values, strict=True):
            note.append(time=float(time), duration=float(end - time), value=[float(value)])
        whole.annotations.append(note)
    with replacing(path) as partial:
        whole.save(str(partial), fmt="jams")


@dataclass(frozen=True)
class _Span:
    """A time span of a tag in seconds, and its mean activation in it."""

    start: float
    end: float
    label: str
    confidence: float


def _spans(result: TagResult, threshold: float) -> list[_Span]:
    """Return the spans of tags: consecutive windows are one span; a window counts at its middle."""
    middles, half = result.times + result.window / 2, result.hop / 2
    if result.duration < result.window:  # the window is the recording, repeated
        middles, half = np.full(len(result.times), result.duration / 2), result.duration / 2
    found = []
    for label, values in zip(result.labels, result.activations.T, strict=True):
        present = np.concatenate([[False], values >= threshold, [False]])
        edges = np.flatnonzero(present[1:] != present[:-1])
        for first, after in edges.reshape(-1, 2):
            start, end = float(middles[first] - half), float(middles[after - 1] + half)
            mean = float(values[first:after].mean(dtype=np.float64))
            found.append(_Span(start, min(end, result.duration), " ".join(label.split()), mean))
    return sorted(found, key=lambda span: span.start)


def write_labels(
    path: str | Path, result: TagResult, *, threshold: float = THRESHOLD, title: str = ""
) -> None:
    """Write the time spans of each tag.

    A window counts at its middle, half a hop to either side; consecutive windows with an activation
    of at least ``threshold`` are one span. ``.txt``: labels of Audacity. ``.jams``: one annotation
    in the namespace ``tag_open``, with the mean activation as confidence.

    Parameters
    ----------
    path
        The file to write.
    result
        The result of :func:`pyplugin.tag`.
    threshold
        Least activation of a tag, 0 to 1.
    title
        Name of the recording, for ``.jams``.

    Raises
    ------
    PypluginError
        The suffix is unknown, the threshold is out of range, or a library is missing.
    """
    path = Path(path)
    write = _LABELS[_suffix(path, _LABELS, "Labels")]
    if not 0 <= threshold <= 1:
        raise PypluginError(f"The threshold is {threshold}; expected 0 to 1.")
    write(path, result, _spans(result, threshold), title)


def _labels_txt(path: Path, result: TagResult, spans: list[_Span], title: str) -> None:
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        # Audacity does not support quotes: a label is the rest of the line.
        table = csv.writer(
            stream, delimiter="\t", quoting=csv.QUOTE_NONE, quotechar=None, lineterminator="\n"
        )
        table.writerows([f"{span.start:.6f}", f"{span.end:.6f}", span.label] for span in spans)


def _labels_jams(path: Path, result: TagResult, spans: list[_Span], title: str) -> None:
    library = _jams()
    whole = library.JAMS()
    whole.file_metadata.duration = result.duration
    whole.file_metadata.title = title
    note = _annotation(library, "tag_open", result.duration, model=result.model)
    for span in spans:
        note.append(
            time=span.start,
            duration=span.end - span.start,
            value=span.label,
            confidence=span.confidence,
        )
    whole.annotations.append(note)
    with replacing(path) as partial:
        whole.save(str(partial), fmt="jams")


def _jams() -> Any:
    return need("jams", package="jams", extra="jams", purpose="A .jams file")


def _annotation(library: Any, namespace: str, duration: float, **sandbox: Any) -> Any:
    note = library.Annotation(namespace=namespace, time=0, duration=duration)
    note.annotation_metadata.data_source = "program"
    note.annotation_metadata.annotation_tools = f"pyplugin {__version__}"
    note.sandbox.update(**sandbox)
    return note


_CURVES: dict[str, Callable[[Path, _Job], None]] = {
    ".csv": _curves_csv,
    ".json": _curves_json,
    ".mid": _curves_mid,
    ".jams": _curves_jams,
}
_LABELS: dict[str, Callable[[Path, TagResult, list[_Span], str], None]] = {
    ".txt": _labels_txt,
    ".jams": _labels_jams,
}
