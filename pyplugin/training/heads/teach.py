"""Train a head of one label on a few clips."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from pyplugin._native import VERSION
from pyplugin.errors import PypluginError
from pyplugin.models import heads, registry
from pyplugin.node.node import DEFAULT_MODEL
from pyplugin.support.arrays import Float32, Float64
from pyplugin.support.spelling import slug
from pyplugin.training.dataset import clips_below, file_hash
from pyplugin.training.heads.background import load_background
from pyplugin.training.heads.convert import logistic_head
from pyplugin.training.heads.embeddings import embed_all
from pyplugin.training.heads.train import head_path

STRENGTH = 0.1
"""C of the regression: strong regularisation for few clips and many dimensions."""
_PARTS = 10


@dataclass(frozen=True)
class TeachResult:
    """The result of `teach`.

    Attributes
    ----------
    head : Path
        The ``.head`` file.
    correct, tested : int
        Clips that are classified correctly by a head trained without them, and their total; 0 of 0
        if a side has a single clip.
    false_positives, background : int
        Background windows with the label by a head trained without them, and their total; 0 of 0
        if negative clips were given.
    skipped : list of str
        A sentence for each clip that was left out.
    """

    head: Path
    correct: int
    tested: int
    false_positives: int
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
) -> TeachResult:
    """Train a head of one label on clips with the label and clips without it.

    It is a logistic regression on the embedding of each window, in which all clips of a side, and
    both sides, have equal weights.

    Parameters
    ----------
    label
        The label of the positive clips.
    positive, negative
        Files, or folders of them. Without negative ones, the background that comes with pyplugin is
        used: windows of all kinds of sound, `background.load_background`.
    model, embedding
        The model, and which of its outputs is used; ``None`` for the card's embedding.
    out
        A name, by default the label's, or the path of a ``.head`` file.
    jobs
        Threads.
    progress
        Called with the name of the step, the number of finished items and the total.

    Raises
    ------
    PypluginError
        A side has no clip that can be used, one is on both sides, or none is negative and there
        is no background for the model.
    """
    if not label.strip() or not slug(label):
        raise PypluginError(f"{label!r} is not a label; give a word, as in `tagnode teach organ`.")
    sides = [clips_below(positive), clips_below(negative)]
    if not sides[0]:
        raise PypluginError(f"There are no clips with {label!r}; give at least one.")
    if negative and not sides[1]:
        raise PypluginError(
            f"There are no clips without {label!r} in {negative[0]}; give at least one."
        )
    missing = [path for side in sides for path in side if not path.is_file()]
    if missing:
        raise PypluginError(f"There is no file {missing[0]}; check the path.")
    both = {file_hash(path) for path in sides[0]} & {file_hash(path) for path in sides[1]} - {""}
    if both:
        culprit = next(path for path in sides[1] if file_hash(path) in both)
        raise PypluginError(f"{culprit} is given with and without {label!r}; leave out one.")
    path = head_path(out or slug(label))
    model = model if isinstance(model, registry.Model) else registry.load(model)
    output = model.card.output_named(embedding).name
    background = [] if negative else _background(label, model, output)

    analysing = partial(progress, "Analysing") if progress is not None else None
    embedded = embed_all([*sides[0], *sides[1]], model, output, jobs=jobs, progress=analysing)
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
    correct, tested = _leave_one_out(clips, background)
    false_positives = _count_false_positives(clips, background)
    about = {
        "made_by": f"pyplugin {VERSION}, scikit-learn {sklearn.__version__}",
        "taught_with": {"positive": count, "negative": len(clips) - count},
        "left_out": {"right": correct, "of": tested},
    }
    if background:
        about["background"] = {"mistaken": false_positives, "of": len(background)}
    fitted = _fit(fitted_on)
    named = {"name": path.stem, "model": model.name, "output": output}
    heads.save(logistic_head(fitted, label, about=about, **named), path)
    return TeachResult(path, correct, tested, false_positives, len(background), embedded.skipped)


_Clip = tuple[Float32, bool]
_Clips = Sequence[_Clip]


def _fit(clips: _Clips) -> Pipeline:
    """Fit on windows, with equal weights for the clips of a side and for both sides."""
    x = np.concatenate([windows for windows, _ in clips]).astype(np.float64)
    y = np.concatenate([np.full(len(windows), value) for windows, value in clips])
    clips_of = {side: sum(value == side for _, value in clips) for side in (True, False)}
    shares = [np.full(len(w), 1 / (len(w) * clips_of[value])) for w, value in clips]
    weights = np.concatenate(shares)
    classifier = LogisticRegression(C=STRENGTH, max_iter=1000)
    model = Pipeline([("preprocessing", StandardScaler()), ("classifier", classifier)])
    return model.fit(x, y, classifier__sample_weight=weights * len(clips) / 2)


def _background(label: str, model: registry.Model, output: str) -> list[_Clip]:
    try:
        return [(row[None], False) for row in load_background(model, output)]
    except PypluginError as error:
        raise PypluginError(
            f"{error}. Give clips without {label!r} after --not: a few of the sounds it must be "
            "distinguished from."
        ) from error


def _leave_one_out(clips: _Clips, background: _Clips) -> tuple[int, int]:
    """Cross-validate by leaving out each clip; return the numbers of correct and tested clips."""
    correct = tested = 0
    for index, (windows, value) in enumerate(clips):
        rest = [*clips[:index], *clips[index + 1 :], *background]
        if len({side for _, side in rest}) == 2:
            correct += bool((_probabilities_by(rest, windows).mean() > 0.5) == value)
            tested += 1
    return correct, tested


def _count_false_positives(clips: _Clips, background: _Clips) -> int:
    """Cross-validate in tenths of the background; return the number of false positives."""
    false_positives = 0
    for part in np.array_split(np.arange(len(background)), _PARTS if background else 1):
        left = set(part.tolist())
        rest = [clip for index, clip in enumerate(background) if index not in left]
        if left:
            out = np.concatenate([background[index][0] for index in sorted(left)])
            false_positives += int((_probabilities_by([*clips, *rest], out) > 0.5).sum())
    return false_positives


def _probabilities_by(clips: _Clips, windows: Float32) -> Float64:
    """Return the probabilities (n,) of windows by a head trained on `clips`."""
    return np.asarray(_fit(clips).predict_proba(windows.astype(np.float64))[:, 1])
