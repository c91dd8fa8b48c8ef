"""What the units of a layer respond to: :class:`Explainer`."""

from __future__ import annotations

import contextlib
import csv
import math
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin._native import VERSION
from pyplugin.errors import ModelError, PypluginError
from pyplugin.explain.activations import (
    AnalysedRecording,
    seconds_of,
    stream_activations,
)
from pyplugin.explain.best import BestChunks, Chunk
from pyplugin.explain.page import ShownChunk, ShownUnit, page_of
from pyplugin.explain.sounds import Clippings, Cut, common_rate, joined
from pyplugin.inputs.files import PathLike
from pyplugin.models import registry
from pyplugin.models.card import FrontEnd
from pyplugin.models.layer_outputs import with_units
from pyplugin.models.model import Model
from pyplugin.node.frontend import melspectrogram
from pyplugin.outputs.audio_files import AudioWriter
from pyplugin.support.arrays import Float32
from pyplugin.support.cells import encoded, guarded, readable
from pyplugin.support.files import not_written, sentence
from pyplugin.support.optional import need
from pyplugin.support.spelling import counted

SHORTEST = 1.0
"""Seconds of a chunk at least; a receptive field that is shorter is in its middle."""
PAGE, TABLE = "index.html", "chunks.tsv"
_COLUMNS = ("unit", "label", "rank", "activation", "recording", "begin", "end", "sound", "at")


class Explainer:
    """Finds the chunks of recordings that excite the units of a layer most.

    Add recordings, then write the folder. The memory does not grow with the recordings.

    Parameters
    ----------
    model
        A name, the path of a model file, or a loaded model.
    layer
        One of those that ``tagnode models layers`` lists.
    units
        Numbers of the units, from 0; ``None`` for all.
    top
        How many chunks of each unit.
    hop
        Seconds between two windows; ``None`` for the one of the card.

    Attributes
    ----------
    units : list of int
        Their numbers.
    recordings : list of AnalysedRecording
        Those that were added.

    Raises
    ------
    ModelError
        There is no such model, layer or unit, or the layer is too large.

    Examples
    --------
    >>> explainer = Explainer("scene", "layer_4", units=[0, 3])
    >>> explainer.add("examples/demo/demo.ogg").notes  # doctest: +SKIP
    []
    >>> explainer.write("units")  # doctest: +SKIP
    PosixPath('units/index.html')
    """

    def __init__(
        self,
        model: str | Model,
        layer: str,
        *,
        units: Sequence[int] | None = None,
        top: int = 8,
        hop: float | None = None,
    ) -> None:
        loaded = model if isinstance(model, Model) else registry.load(model)
        self._front_end = loaded.card.front_end
        self._layer, self._name, self._hop = with_units(loaded, layer), layer, hop
        frames = self._layer.fields.frames
        self.units = list(range(len(frames))) if units is None else list(dict.fromkeys(units))
        for unit in self.units:
            if not 0 <= unit < len(frames):
                raise ModelError(
                    f"The layer {layer!r} has no unit {unit}; it has {len(frames)}, 0 to "
                    f"{len(frames) - 1}."
                )
        self._limits = _limits(self._front_end)
        self._mel_seconds = self._front_end.hop / self._front_end.sample_rate
        shortest = math.ceil(SHORTEST / self._mel_seconds)
        self._best = BestChunks(np.maximum(frames[self.units], shortest), top)
        self.recordings: list[AnalysedRecording] = []

    def _seconds(self, frames: int) -> float:
        """Return how long so many mel frames last."""
        begin, end = seconds_of(self._front_end, 0, frames - 1)
        return end - begin

    @property
    def model(self) -> Model:
        """The model, with the layer as one more output."""
        return self._layer.model

    def add(
        self, path: PathLike, progress: Callable[[float], object] | None = None
    ) -> AnalysedRecording:
        """Analyse a recording.

        Parameters
        ----------
        path
            A file or an address; it is read again when the folder is written.
        progress
            Called with the share that is done, 0 to 1.

        Raises
        ------
        AudioError
            It cannot be read, or is shorter than the receptive field.
        ModelError
            The model cannot be run.
        """
        number, chosen = len(self.recordings), np.array(self.units)
        try:
            for part in stream_activations(
                path, self._layer, hop=self._hop, about=self.recordings.append, progress=progress
            ):
                self._best.add(number, part.of(chosen))
        except BaseException:
            del self.recordings[number:]
            raise
        self._best.end()
        return self.recordings[number]

    def write(
        self, out: str | Path, progress: Callable[[str, int, int], object] | None = None
    ) -> Path:
        """Write the page, the sounds, the pictures and a table of the chunks; return the page.

        Parameters
        ----------
        out
            A folder that is empty or does not exist yet; it is complete at once, or not there.
        progress
            Called with the name of the step, how much of it is done, and the total.

        Raises
        ------
        PypluginError
            There are no recordings, the folder has other content or cannot be written, or
            matplotlib is not installed.
        """
        report = progress or (lambda what, done, of: None)
        if not self.recordings:
            raise PypluginError("There is no recording to explain the units by; add at least one.")
        with _new_folder(Path(out)) as folder:
            self._write(folder, report)
        return Path(out) / PAGE

    def _write(self, folder: Path, report: Callable[[str, int, int], object]) -> None:
        chunks = {number: self._chunks(at) for at, number in enumerate(self.units)}
        cuts = [
            self._cut(chunk, at) for at, unit in enumerate(self.units) for chunk in chunks[unit]
        ]
        paths = [each.path for each in self.recordings]
        shown = []

        def cutting(share: float) -> None:
            report("Cutting", round(100 * share), 100)

        with Clippings(paths, cuts, folder, cutting) as clippings, _table(folder) as write_row:
            rate = common_rate(clippings.rates) if cuts else 0
            for at, unit in enumerate(self.units):
                made = self._unit(folder, clippings, at, chunks[unit], rate)
                shown.append(made)
                for rank, each in enumerate(made.chunks, 1):
                    write_row(_row(unit, self._label(unit), rank, made.sound, each))
                report("Writing", at + 1, len(self.units))
        title = f"Units of {self._name} in {self.model.name}"
        (folder / PAGE).write_bytes(encoded(page_of(title, self._facts(), shown)))

    def _chunks(self, at: int) -> list[Chunk]:
        """Return the chunks of a unit; none of one whose activation is constant."""
        spread = self._best.statistics.of(at)
        return self._best.of(at) if spread.greatest > spread.least else []

    def _cut(self, chunk: Chunk, at: int) -> Cut:
        """Return the part of the recording around a chunk, within the recording."""
        recording = self.recordings[chunk.recording]
        total = round(recording.duration * recording.sample_rate)
        begin, end = seconds_of(self._front_end, chunk.centre, chunk.centre)
        length = self._seconds(int(self._best.lengths[at]))
        middle, count = (begin + end) / 2, round(length * recording.sample_rate)
        start = round((middle - length / 2) * recording.sample_rate)
        start = max(min(start, total - count), 0)
        return Cut(chunk.recording, start, min(start + count, total))

    def _unit(
        self, folder: Path, clippings: Clippings, at: int, chunks: list[Chunk], rate: int
    ) -> ShownUnit:
        """Write the sound and the picture of a unit."""
        spread, number = self._best.statistics.of(at), self.units[at]
        name = f"unit-{number:0{len(str(max(self.units)))}}"
        title = " ".join(filter(None, (f"Unit {number}", self._label(number))))
        if not chunks:
            return ShownUnit(title, "", "", 0.0, spread, [])
        cuts = [self._cut(chunk, at) for chunk in chunks]
        parts = [(clippings.samples(cut), clippings.rates[cut.recording]) for cut in cuts]
        sound, begins = joined(parts, rate)
        with AudioWriter(folder / f"{name}.flac", rate, 1, subtype="PCM_16") as writer:
            writer.write(sound[None])
        _picture(folder / f"{name}.png", melspectrogram(sound, rate, self._front_end), self._limits)
        places = [begin / rate for begin in begins]
        shown = [self._shown(*each) for each in zip(chunks, cuts, places, strict=True)]
        seconds = len(sound) / rate
        return ShownUnit(title, f"{name}.flac", f"{name}.png", seconds, spread, shown)

    def _shown(self, chunk: Chunk, cut: Cut, place: float) -> ShownChunk:
        """Return a chunk as it is on the page, whose sound has it at `place`, in seconds."""
        recording = self.recordings[chunk.recording]
        begin, end = (cut.begin / recording.sample_rate, cut.end / recording.sample_rate)
        field = seconds_of(self._front_end, chunk.first, chunk.last)
        within = [place + min(max(each, begin), end) - begin for each in field]
        middle = sum(seconds_of(self._front_end, 0, 0)) / 2
        times = place + chunk.curve[:, 0] * self._mel_seconds + middle - begin
        curve = np.column_stack([np.clip(times, place, place + end - begin), chunk.curve[:, 1]])
        return ShownChunk(
            recording=readable(str(recording.path)),
            value=chunk.value,
            begin=max(field[0], 0.0),
            end=min(field[1], recording.duration),
            at=place,
            field=(within[0], within[1]),
            curve=curve,
        )

    def _label(self, unit: int) -> str:
        """Return the label of a unit of an output that has labels."""
        card = self.model.card
        for output in card.results:
            labels = output.labels or card.labels
            if output.name == self._name and len(labels) > unit:
                return labels[unit]
        return ""

    def _facts(self) -> dict[str, str]:
        fields, kind = self._layer.fields, self._layer.kind
        shape = " x ".join(map(str, fields.shape))
        fields_of = sorted(set(fields.frames[self.units].tolist()))
        seen = [f"{counted(each, 'mel frame')}, {self._seconds(each):.2f} s" for each in fields_of]
        lengths = sorted(set(self._best.lengths.tolist()))
        lasting = [f"{self._seconds(length):.2f} s" for length in lengths]
        hours = sum(each.duration for each in self.recordings)
        of = len(fields.frames)
        return {
            "Model": f"{self.model.name}, version {self.model.card.version}",
            "Layer": f"{self._name}: {kind}, {shape}",
            "Units": f"{len(self.units)} of {of}" if len(self.units) < of else str(of),
            "Receptive field": "; ".join(seen),
            "Chunks": f"{', '.join(lasting)} each",
            "Spectrogram": _bands(self._front_end),
            "Recordings": f"{len(self.recordings)}, {_length(hours)}",
            "Made by": f"tagnode {VERSION}",
        }


def _bands(end: FrontEnd) -> str:
    """Return what a picture shows, from below.

    Examples
    --------
    >>> from pyplugin.models.frontends import PRESETS
    >>> _bands(PRESETS["musicnn"]), _bands(PRESETS["openl3-linear"])
    ('96 mel bands, 0 to 8000 Hz', '257 bands, 0 to 24000 Hz')
    """
    kind = "bands" if end.mel_scale == "none" else "mel bands"
    return f"{end.bands} {kind}, {end.fmin:g} to {end.fmax:g} Hz"


def _length(seconds: float) -> str:
    """Return a duration in words.

    Examples
    --------
    >>> _length(42.0), _length(300.0), _length(9000.0)
    ('42 s', '5.0 min', '2.5 h')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _limits(front_end: FrontEnd) -> tuple[float, float]:
    """Return the least value of a band in silence, and the greatest in a full-scale tone."""
    rate = front_end.sample_rate
    tone = np.sin(2 * np.pi / 16 * np.arange(rate // 2))
    silence, loud = (melspectrogram(x, rate, front_end) for x in (0 * tone, tone))
    return float(silence.min()), float(loud.max())


def _picture(path: Path, mel: Float32, limits: tuple[float, float]) -> None:
    image = need("matplotlib.image", package="matplotlib", extra="plot", purpose="A picture")
    low, high = limits
    image.imsave(path, mel.T, cmap="magma", vmin=low, vmax=high, origin="lower")


def _row(unit: int, label: str, rank: int, sound: str, chunk: ShownChunk) -> list[Any]:
    return [
        unit,
        guarded(label),
        rank,
        f"{chunk.value:.6g}",
        guarded(chunk.recording),
        f"{chunk.begin:.3f}",
        f"{chunk.end:.3f}",
        sound,
        f"{chunk.at:.3f}",
    ]


@contextlib.contextmanager
def _table(folder: Path) -> Iterator[Callable[[list[Any]], object]]:
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(_COLUMNS)
        yield writer.writerow


def check_folder(out: Path) -> None:
    """Raise unless `out` is an empty folder, or one that can be made.

    Raises
    ------
    PypluginError
        It has content, is a file, or its parent folder is missing or cannot be written.
    """
    need("matplotlib.image", package="matplotlib", extra="plot", purpose="A picture")
    with contextlib.suppress(_CheckedError), _new_folder(out):
        raise _CheckedError


class _CheckedError(Exception):
    """Ends `_new_folder` without making the folder."""


@contextlib.contextmanager
def _new_folder(out: Path) -> Iterator[Path]:
    """Yield a hidden folder, which becomes `out` at the end, or is removed on any exception."""
    try:
        if out.is_dir() and any(out.iterdir()):
            raise PypluginError(f"{out} has content already; give an empty folder or a new name.")
        if out.exists() and not out.is_dir():
            raise PypluginError(f"{out} is a file; give an empty folder or a new name.")
        parent = out.absolute().parent
        if not parent.is_dir():
            raise PypluginError(f"The folder {parent} of {out} does not exist; create it.")
        folder = parent / f".{out.absolute().name}.{secrets.token_hex(4)}.part"
        folder.mkdir()
    except OSError as error:
        raise PypluginError(f"{out} cannot be written: {sentence(error)}.") from error
    try:
        yield folder
        folder.rename(out)
    except OSError as error:
        raise not_written(out, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
