"""MusiCNN as teacher of drums in music, where the manifest does not say."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pyplugin.tagging import tag
from pyplugin.training.corpus import LABELS, Clip, read_samples

__all__ = ["TEACHER", "taught"]

TEACHER = "musicnn-mtt-float"

_TAGS = ("drums", "beat", "beats")
# It says 0.3 to 0.7 of bare drums, 0.08 to 0.34 of jazz with a drum kit, up to 0.04 of an orchestra
# without, and also 0.04 of a rock band: only its extremes are taken for an answer.
_YES, _NO = 0.25, 0.01
_SURE = 0.95  # what a target says, since the teacher errs


def taught(
    clips: Sequence[Clip],
    *,
    cache: Path | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> list[Clip]:
    """Ask the teacher about drums in music of which they are not known.

    Parameters
    ----------
    clips : sequence of Clip
    cache : Path, optional
        A folder to keep answers in.
    report : callable, optional
        Takes a line of progress.

    Returns
    -------
    list of Clip
        The same, some with `drummed`.
    """
    drums = LABELS.index("drums")
    asked = sum(bool(np.isnan(clip.targets[drums])) for clip in clips)
    report(f"asking {TEACHER} about drums in {asked} recordings")
    return [_taught(clip, cache) if np.isnan(clip.targets[drums]) else clip for clip in clips]


def _taught(clip: Clip, cache: Path | None) -> Clip:
    name = f"drums-{clip.path.stem}-{clip.group}.npy".replace(":", "-")
    path = None if cache is None else cache / name
    if path is not None and path.is_file():
        answers = np.load(path)
    else:
        samples, rate = read_samples(clip.path)
        result = tag(samples, rate, model=TEACHER, hop=1.0)
        columns = [result.labels.index(name) for name in _TAGS]
        strongest = result.activations[:, columns].max(axis=1)
        answers = np.stack([result.times + result.window / 2.0, strongest], axis=1)
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, answers)
    said = answers[:, 1]
    answers[:, 1] = np.where(said >= _YES, _SURE, np.where(said <= _NO, 1.0 - _SURE, np.nan))
    return replace(clip, drummed=answers)
