"""What the page shows of a recording, where the server computes it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin.inputs.recording import Recording
from pyplugin.models.heads import Head
from pyplugin.models.registry import Model
from pyplugin.node.node import Node
from pyplugin.node.signals import SIGNALS
from pyplugin.support.arrays import Float32
from pyplugin.tagging import tag

COLUMNS = 1500
"""Columns of the picture of the mel spectrogram, at most."""

LOUDNESS = "loudness_momentary"
_SIGNALS = 0.1  # seconds
_TAGS = 0.9  # share of the progress that is the tags'


def analyse(
    path: Path, model: Model, head: Head | None, report: Callable[[float], object]
) -> dict[str, Any]:
    """Return the tags of a recording, as ``tagnode tag --json``, its loudness and mel spectrogram.

    Parameters
    ----------
    path
        Of the recording.
    model, head
        What analyses it.
    report
        Takes the share that is done, 0 to 1.

    Returns
    -------
    dict
        What ``analysis.js`` makes of the results of the WebAssembly, too.

    Raises
    ------
    PypluginError
        It cannot be read, or not with this model.
    """
    heads = [] if head is None else [head]
    result = tag(path, model=model, heads=heads, progress=lambda share: report(_TAGS * share))
    parts = [result.activations, *(each.activations for each in result.heads.values())]
    labels = [{"text": label, "head": ""} for label in result.labels]
    for name, each in result.heads.items():
        labels += [{"text": label, "head": name} for label in each.labels]
    loudness, loudness_hop, mel, mel_hop = _measured(path)
    report(1.0)
    return {
        "model": result.model,
        "labels": labels,
        "hop": result.hop,
        "window": result.window,
        "duration": result.duration,
        "values": np.hstack(parts).astype(np.float64).round(6).tolist(),
        "loudness": {"hop": loudness_hop, "values": loudness.astype(float).round(2).tolist()},
        "mel": picture(mel, mel_hop),
        "notes": result.notes,
    }


def _measured(path: Path) -> tuple[Float32, float, Float32, float]:
    with (
        Recording(path) as recording,
        Node(
            recording.sample_rate,
            recording.channels,
            recording.block,
            model=None,
            signals=_SIGNALS,
            mel_queue=8192,
            queue=4096,
            offline=True,
        ) as node,
    ):
        loudness, mel = [], []
        at = list(SIGNALS).index(LOUDNESS)
        for block in recording:
            node.analyse(block)
            loudness.append(node.read_signals().values[:, at])
            mel.append(node.read_mel())
        hop = max(round(_SIGNALS / node.mel_seconds), 1) * node.mel_seconds
        return np.concatenate(loudness), hop, np.concatenate(mel), node.mel_seconds


def picture(mel: Float32, hop: float) -> dict[str, Any]:
    """Return a mel spectrogram as bytes, lowest band first, with the largest of each few frames.

    Examples
    --------
    >>> import numpy as np
    >>> picture(np.array([[0, 1], [2, 0.5]], np.float32), 0.016)["bands"]
    2
    """
    few = max(-(-len(mel) // COLUMNS), 1)
    columns = [mel[at : at + few].max(axis=0) for at in range(0, len(mel), few)]
    grid = np.stack(columns) if columns else np.zeros((0, mel.shape[1]), np.float32)
    low, high = (float(grid.min()), float(grid.max())) if grid.size else (0.0, 1.0)
    scaled = np.rint(255 * (grid - low) / (high - low or 1.0)).astype(np.uint8)
    return {
        "bands": int(mel.shape[1]),
        "columns": len(grid),
        "hop": few * hop,
        "data": base64.b64encode(scaled.tobytes()).decode(),
    }
