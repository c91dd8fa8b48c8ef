"""A head of one label from a handful of clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from pyplugin._native import VERSION
from pyplugin.errors import PypluginError
from pyplugin.models import heads, registry
from pyplugin.node.node import DEFAULT_MODEL
from pyplugin.support.spelling import slug
from pyplugin.training.heads.background import load_background
from pyplugin.training.heads.convert import logistic_head
from pyplugin.training.heads.dataset import clips_below, file_hash
from pyplugin.training.heads.embeddings import embed_all
from pyplugin.training.heads.train import head_path

__all__ = ["Taught", "teach"]

STRENGTH = 0.1
"""C of the regression: few clips and many dimensions want a firm hand."""
_PARTS = 10


@dataclass(frozen=True)
class Taught:
    """What `teach` made.

    Attributes
    ----------
    head : Path
        The ``.head`` file.
    right, tried : int
        Clips that a head without them takes for what they are, and of how many; 0 of 0 where a
        side has a single clip.
    mistaken, background : int
        Windows of pyplugin's background that a head without them takes for the label, and of how
        many; 0 of 0 where negative clips were given.
    skipped : list of str
        A sentence for each clip that was left out.
    """

    head: Path
    right: int
    tried: int
    mistaken: int
    background: int
    skipped: list[str]


def teach(
    label: str,
    positive: Sequence[str | Path],
    negative: Sequence[str | Path] = (),
    *,
    model: str | registry.Model = DEFAULT_MODEL,
    out: str | None = None,
    embedding: str | None = None,
    jobs: int = 1,
    progress: Callable[[str, int, int], object] | None = None,
) -> Taught:
    """Teach a model a label by clips that have it and clips that do not.

    A logistic regression on the embedding of each window; each clip counts alike, and both sides.

    Parameters
    ----------
    label
        What the positive clips are.
    positive, negative
        Files, or folders of them. Without negative ones the label is told from a background that
        comes with pyplugin: windows of all kinds of sound, `background.load_background`.
    model, embedding
        The model, and which of its outputs is used; ``None`` for the card's embedding.
    out
        A name, by default the label's, or the path of a ``.head`` file.
    jobs
        Threads.
    progress
        Called with what is being done, how many are done, and of how many.

    Raises
    ------
    PypluginError
        A side has no clip that can be used, one is on both sides, or none is negative and there
        is no background for the model.
    """
    if not label.strip() or not slug(label):
        raise PypluginError(f"{label!r} is no label; give a word, as in `pyplugin teach organ`.")
    sides = [clips_below(positive), clips_below(negative)]
    if not sides[0]:
        raise PypluginError(f"There are no clips of {label!r}; give at least one.")
    if negative and not sides[1]:
        raise PypluginError(f"There are no clips without {label!r} in {negative[0]}; give some.")
    missing = [path for side in sides for path in side if not path.is_file()]
    if missing:
        raise PypluginError(f"There is no file {missing[0]}.")
    both = {file_hash(path) for path in sides[0]} & {file_hash(path) for path in sides[1]} - {""}
    if both:
        culprit = next(path for path in sides[1] if file_hash(path) in both)
        raise PypluginError(f"{culprit} is given with and without {label!r}; leave out one.")
    path = head_path(out or slug(label))
    model = model if isinstance(model, registry.Model) else registry.load(model)
    output = model.card.output_named(embedding).name
    background = [] if negative else _background(label, model, output)

    say = progress or (lambda what, done, of: None)
    embedded = embed_all(
        [*sides[0], *sides[1]],
        model,
        output,
        jobs=jobs,
        progress=lambda done, of: say("Listening", done, of),
    )
    truth = [True] * len(sides[0]) + [False] * len(sides[1])
    clips = [
        (windows, value)
        for windows, value in zip(embedded.windows, truth, strict=True)
        if windows is not None
    ]
    count = sum(value for _, value in clips)
    if count == 0 or (negative and count == len(clips)):
        which = "with" if count == 0 else "without"
        raise PypluginError(f"No clip {which} {label!r} can be used; {embedded.skipped[0]}")
    fitted_on = [*clips, *background]
    stacked = np.concatenate([windows for windows, _ in fitted_on])
    if np.ptp(stacked, axis=0).max() == 0:
        raise PypluginError("The embeddings of all clips are equal; give clips that differ.")
    right, tried = _left_out(clips, background)
    mistaken = _mistaken(clips, background)
    about = {
        "made_by": f"pyplugin {VERSION}, scikit-learn {sklearn.__version__}",
        "taught_with": {"positive": count, "negative": len(clips) - count},
        "left_out": {"right": right, "of": tried},
    }
    if background:
        about["background"] = {"mistaken": mistaken, "of": len(background)}
    head = logistic_head(
        _fit(fitted_on), label, name=path.stem, model=model.name, output=output, about=about
    )
    heads.save(head, path)
    return Taught(path, right, tried, mistaken, len(background), embedded.skipped)


_Clip = tuple[npt.NDArray[np.float32], bool]
_Clips = Sequence[_Clip]


def _fit(clips: _Clips) -> Pipeline:
    """Fit on windows, weighted so that clips count alike, and both sides."""
    x = np.concatenate([windows for windows, _ in clips]).astype(np.float64)
    y = np.concatenate([np.full(len(windows), value) for windows, value in clips])
    clips_of = {side: sum(value == side for _, value in clips) for side in (True, False)}
    weights = np.concatenate(
        [np.full(len(w), 1 / (len(w) * clips_of[value])) for w, value in clips]
    )
    model = Pipeline(
        [
            ("preprocessing", StandardScaler()),
            ("classifier", LogisticRegression(C=STRENGTH, max_iter=1000)),
        ]
    )
    return model.fit(x, y, classifier__sample_weight=weights * len(clips) / 2)


def _background(label: str, model: registry.Model, output: str) -> list[_Clip]:
    try:
        return [(row[None], False) for row in load_background(model, output)]
    except PypluginError as error:
        raise PypluginError(
            f"What is {label!r} to be told from? {error}. Give clips without it after --not: a "
            "handful of what it will be heard among."
        ) from error


def _left_out(clips: _Clips, background: _Clips) -> tuple[int, int]:
    """Leave out each clip in turn; return how many are then taken for what they are."""
    right = tried = 0
    for index, (windows, value) in enumerate(clips):
        rest = [*clips[:index], *clips[index + 1 :], *background]
        if len({side for _, side in rest}) == 2:
            right += bool((_said(rest, windows).mean() > 0.5) == value)
            tried += 1
    return right, tried


def _mistaken(clips: _Clips, background: _Clips) -> int:
    """Leave out a tenth of the background in turn; return how much is then taken for the label."""
    mistaken = 0
    for part in np.array_split(np.arange(len(background)), _PARTS if background else 1):
        left = set(part.tolist())
        rest = [clip for index, clip in enumerate(background) if index not in left]
        if left:
            out = np.concatenate([background[index][0] for index in sorted(left)])
            mistaken += int((_said([*clips, *rest], out) > 0.5).sum())
    return mistaken


def _said(clips: _Clips, windows: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return the probabilities (n,) of windows by a head of some clips."""
    said: npt.NDArray[np.float64] = _fit(clips).predict_proba(windows.astype(np.float64))[:, 1]
    return said
