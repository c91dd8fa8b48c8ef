"""Plots of the results of commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pyplugin.inputs.recording import Recording
from pyplugin.models.card import FrontEnd
from pyplugin.node.frontend import FrontEndStream
from pyplugin.plot import plot_tags
from pyplugin.support.arrays import Float32, Float64
from pyplugin.support.results import TagResult

if TYPE_CHECKING:
    from pyplugin.automation.board import RenderResult


_COLUMNS = 2048
"""Largest number of columns in a plotted spectrogram; more are repeatedly averaged in pairs."""


def _spectrogram(path: Path, front_end: FrontEnd) -> tuple[Float32, Float64]:
    """Return a recording's mel spectrogram (columns, bands) and the times in seconds (columns,)."""
    columns = np.zeros((0, front_end.bands), np.float32)
    pending, each = columns, 1
    with (
        Recording(path) as source,
        FrontEndStream(front_end, source.sample_rate, source.channels) as stream,
    ):
        for block in source:
            pending = np.concatenate([pending, stream.process(block)])
            whole = len(pending) // each * each
            averaged = pending[:whole].reshape(-1, each, front_end.bands).mean(axis=1)
            columns, pending = np.concatenate([columns, averaged]), pending[whole:]
            while len(columns) > _COLUMNS:
                odd = len(columns) % 2
                rest = np.repeat(columns[len(columns) - odd :], each, axis=0)
                columns = columns[: len(columns) - odd].reshape(-1, 2, front_end.bands).mean(axis=1)
                pending, each = np.concatenate([rest, pending]), 2 * each
        if len(columns) == 0:  # shorter than a mel frame
            columns = np.concatenate([pending, stream.flush()])
    seconds = each * front_end.hop / front_end.sample_rate
    return columns, (np.arange(len(columns), dtype=np.float64) + 0.5) * seconds


def draw_tags(output: Path, recording: Path, result: TagResult, front_end: FrontEnd) -> None:
    """Plot the result of :func:`pyplugin.tag`, and the mel spectrogram of its recording."""
    _draw(output, recording, result, front_end, f"{recording.name}, {result.model}")


def draw_render(output: Path, recording: Path, result: RenderResult) -> None:
    """Plot the analysis and the parameter curves of :func:`pyplugin.render`."""
    from pyplugin.models.frontends import PRESETS

    title = ", ".join(filter(None, (recording.name, result.model, result.preset)))
    _draw(output, recording, result, PRESETS["musicnn"], title)


def draw_stems(output: Path, recording: Path, stems: Mapping[str, Path], model: str) -> None:
    """Plot the mel spectrograms of a recording and of the files of its stems."""
    from pyplugin.models.frontends import PRESETS
    from pyplugin.plot import plot_spectrograms

    mels = {"recording": _spectrogram(recording, PRESETS["musicnn"])}
    mels |= {name: _spectrogram(path, PRESETS["musicnn"]) for name, path in stems.items()}
    count = min(len(mel) for mel, _ in mels.values())  # ends of compressed files may differ
    plot_spectrograms(
        output,
        {name: mel[:count] for name, (mel, _) in mels.items()},
        mels["recording"][1][:count],
        title=f"{recording.name}, {model}",
    )


def _draw(
    output: Path, recording: Path, result: TagResult | RenderResult, front_end: FrontEnd, title: str
) -> None:
    curves = {} if isinstance(result, TagResult) else result.curves
    mel, mel_times = _spectrogram(recording, front_end)
    plot_tags(
        output,
        mel=mel,
        mel_times=mel_times,
        times=result.times,
        activations=result.activations,
        labels=result.labels,
        window=result.window,
        curves={target: (each.times, each.values) for target, each in curves.items()},
        title=title,
    )
