"""Pseudo-labels of drums in music by MusiCNN, where the manifest has none."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pyplugin.tagging import tag
from pyplugin.training.corpus import LABELS, CorpusClip, read_samples

TEACHER = "musicnn-mtt-float"

_TAGS = ("drums", "beat", "beats")
# Activations are 0.3 to 0.7 for solo drums, 0.08 to 0.34 for jazz with a drum kit, up to 0.04 for
# an orchestra without drums, and also 0.04 for a rock band: only the extremes are used.
_YES, _NO = 0.25, 0.01
_SURE = 0.95  # value of a positive pseudo-label, since the teacher makes errors


def pseudo_label(
    clips: Sequence[CorpusClip],
    *,
    cache: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[CorpusClip]:
    """Add pseudo-labels of drums to clips in which they are unknown.

    Parameters
    ----------
    clips : sequence of CorpusClip
    cache : Path, optional
        Folder to store the activations of the teacher in.
    report : callable, optional
        Called with a line about progress.

    Returns
    -------
    list of CorpusClip
        The same clips, some with `drum_labels`.
    """
    drums = LABELS.index("drums")
    unknown = sum(bool(np.isnan(clip.targets[drums])) for clip in clips)
    report(f"labelling drums in {unknown} recordings with {TEACHER}")
    return [_label_drums(clip, cache) if np.isnan(clip.targets[drums]) else clip for clip in clips]


def _label_drums(clip: CorpusClip, cache: Path | None) -> CorpusClip:
    name = f"drums-{clip.path.stem}-{clip.group}.npy".replace(":", "-")
    path = None if cache is None else cache / name
    if path is not None and path.is_file():
        labels = np.load(path)
    else:
        samples, rate = read_samples(clip.path)
        result = tag(samples, rate, model=TEACHER, hop=1.0)
        columns = [result.labels.index(name) for name in _TAGS]
        strongest = result.activations[:, columns].max(axis=1)
        labels = np.stack([result.times + result.window / 2.0, strongest], axis=1)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, labels)
    activations = labels[:, 1]
    absent = np.where(activations <= _NO, 1.0 - _SURE, np.nan)
    labels[:, 1] = np.where(activations >= _YES, _SURE, absent)
    return replace(clip, drum_labels=labels)
