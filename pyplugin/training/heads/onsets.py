"""Embeddings of windows that begin with silence: of sounds that have just begun.

A model with ``silence_before`` in its card takes what was before a stream for silence. Heads that
are trained on such windows too need not wait for a whole window of sound.
"""

import contextlib
from pathlib import Path

import numpy as np

from pyplugin.inputs.recording import Recording
from pyplugin.models.registry import Model
from pyplugin.support.arrays import Float32
from pyplugin.tagging import tag

SHARES = (0.25, 0.5)
"""How much of a window is sound. Less does not say enough, and its rows outweigh whole windows."""

_POSITIONS = 3  # in a recording at which sound begins
_CANDIDATES = 12
_MOST_SECONDS = 60.0  # of a recording that are looked at


def has_onsets(model: Model, output: str) -> bool:
    """Return whether heads on this output of the model gain from windows that begin in silence."""
    return model.card.silence_before and output in [each.name for each in model.card.outputs]


def window_seconds(model: Model) -> float:
    """Return the length of a model's window, in seconds."""
    front_end = model.card.front_end
    return model.card.patch_frames * front_end.hop / front_end.sample_rate


def embed_onsets(path: Path, model: Model, output: str) -> Float32:
    """Return embeddings (shares, E) float32 of windows whose end is the beginning of a sound.

    Each is the mean over up to three loud places of the recording, at which it is taken to begin.

    Raises
    ------
    AudioError
        The recording cannot be read.
    """
    samples, rate = _beginning(path)
    window = max(round(window_seconds(model) * rate), 1)
    parts = []
    for start in _loud_places(samples, window):
        sound = samples[start : start + window]
        row = []
        for share in SHARES:
            kept = sound[: max(round(share * window), 1)]
            padded = np.concatenate([np.zeros(window - len(kept), np.float32), kept])
            embeddings = tag(padded, rate, model=model, embedding=output).embeddings
            assert embeddings is not None
            row.append(embeddings[0])
        parts.append(row)
    return np.asarray(np.mean(parts, axis=0, dtype=np.float64), np.float32)


def _beginning(path: Path) -> tuple[Float32, int]:
    """Return the first minute of a recording, mono, and its rate."""
    blocks: list[Float32] = []
    with contextlib.closing(Recording(path)) as recording:
        rate, length = recording.sample_rate, 0
        for block in recording:
            blocks.append(block.mean(axis=0, dtype=np.float32))
            length += len(blocks[-1])
            if length >= _MOST_SECONDS * rate:
                break
    return np.nan_to_num(np.concatenate(blocks), posinf=0, neginf=0), rate


def _loud_places(samples: Float32, window: int) -> list[int]:
    """Return where sound may begin: the places with the loudest beginning of a window."""
    last = max(len(samples) - window, 0)
    places = np.unique(np.linspace(0, last, _CANDIDATES).astype(int)).tolist()
    first = max(round(SHARES[0] * window), 1)
    energy = [float((samples[at : at + first] ** 2).sum()) for at in places]
    order = np.argsort(energy)[::-1][:_POSITIONS]
    return sorted(places[index] for index in order.tolist())
