"""Cross-validation of every configuration, and the ranking.

``choose_folds``
    Stratified folds that keep groups together.
``search``
    Runs configurations on folds; finished ones are stored in a file, to resume from.
``out_of_fold``
    Probabilities of rows by a calibrated pipeline trained without them.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import ThreadpoolController

from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float64, Indices, Texts
from pyplugin.support.documents import parse_json
from pyplugin.support.files import not_written, replacing, sentence
from pyplugin.training.heads.configurations import (
    SEED,
    Configuration,
    Split,
    calibrated,
    grid,
    pipeline,
)

FOLDS = 5
INNER_FOLDS = 3


@dataclass(frozen=True)
class Onsets:
    """Embeddings of windows that begin with silence.

    Attributes
    ----------
    x : numpy.ndarray
        (m, E) float64.
    rows : numpy.ndarray
        (m,) of int: a row of `Examples` that is from the same clip.
    """

    x: Float64
    rows: Indices


@dataclass(frozen=True)
class Examples:
    """Embeddings with their classes.

    Attributes
    ----------
    x : numpy.ndarray
        (n, E) float64, exactly representable as float32.
    y : numpy.ndarray
        (n,) of str.
    groups : numpy.ndarray
        (n,) of int: rows of one group are never on both sides of a fold.
    sizes : mapping of str to int or None
        The descriptors of Essentia that the rows are, and how many columns each has; ``None`` for
        embeddings.
    onsets : Onsets or None
        Rows that are trained on, too, and not tested.
    """

    x: Float64
    y: Texts
    groups: Indices
    sizes: Mapping[str, int] | None = None
    onsets: Onsets | None = None

    def groups_of_classes(self) -> Counter[str]:
        """Return how many groups each class has."""
        pairs = {*zip(self.y.tolist(), self.groups.tolist(), strict=True)}
        return Counter(label for label, _ in pairs)

    def part(self, rows: Indices) -> Examples:
        """Return some of the rows."""
        onsets = None
        if self.onsets is not None:
            places = {int(row): place for place, row in enumerate(rows)}
            kept = [n for n, row in enumerate(self.onsets.rows.tolist()) if row in places]
            moved = [places[int(self.onsets.rows[n])] for n in kept]
            onsets = Onsets(self.onsets.x[kept], np.array(moved, int))
        return Examples(self.x[rows], self.y[rows], self.groups[rows], self.sizes, onsets)

    def with_onsets(self) -> tuple[Float64, Texts]:
        """Return all rows to train on, and their classes: the examples, then the onsets."""
        if self.onsets is None:
            return self.x, self.y
        x = np.concatenate([self.x, self.onsets.x])
        return x, np.concatenate([self.y, self.y[self.onsets.rows]])

    def extended(self, splits: Sequence[Split]) -> list[Split]:
        """Return splits of the rows of `with_onsets`, from splits of the examples."""
        if self.onsets is None:
            return list(splits)
        found = []
        for parts in splits:
            every = [
                np.concatenate(
                    [rows, len(self.y) + np.flatnonzero(np.isin(self.onsets.rows, rows))]
                )
                for rows in parts
            ]
            found.append((every[0], every[1]))
        return found


@dataclass(frozen=True)
class Result:
    """The scores of a configuration.

    Attributes
    ----------
    configuration : Configuration
    accuracies, balanced_accuracies : tuple of float
        0 to 1, one for each fold.
    """

    configuration: Configuration
    accuracies: tuple[float, ...]
    balanced_accuracies: tuple[float, ...]

    @property
    def balanced(self) -> float:
        """The mean of the balanced accuracies."""
        return float(np.mean(self.balanced_accuracies))

    @property
    def rank(self) -> tuple[float, float, float]:
        """Sort key, best first: balanced accuracy, accuracy, low deviation."""
        return (
            -round(self.balanced, 6),
            -round(float(np.mean(self.accuracies)), 6),
            float(np.std(self.balanced_accuracies)),
        )


def choose_folds(examples: Examples, most: int = FOLDS) -> list[Split]:
    """Return up to `most` folds; each class is in the training part of all of them.

    Raises
    ------
    PypluginError
        A class has fewer than two groups, or groups span classes so that no folds exist.
    """
    label, least = min(examples.groups_of_classes().items(), key=lambda item: item[1])
    folds = min(most, least)
    if folds < 2:
        raise PypluginError(
            f"The class {label!r} has {least} group of clips; at least 2 are needed: add clips "
            "from others."
        )
    alone = len(set(examples.groups.tolist())) == len(examples.groups)
    kind = StratifiedKFold if alone else StratifiedGroupKFold
    classes = set(examples.y.tolist())
    for seed in range(SEED, SEED + 20):
        splitter = kind(folds, shuffle=True, random_state=seed)
        splits = list(splitter.split(examples.x, examples.y, None if alone else examples.groups))
        if all(set(examples.y[train].tolist()) == classes and len(test) for train, test in splits):
            return splits
    raise PypluginError(
        f"The groups are too large for {folds} folds with every class in each training part; use "
        "smaller groups, or more clips."
    )


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Suppress warnings about convergence, which shows in the accuracy, and use one thread.

    Matrices of this size are slower with several threads.
    """
    with warnings.catch_warnings(), _threads().limit(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        # overflow in kernels that do not fit the scale of the data
        with np.errstate(all="ignore"):
            yield


def _scores(examples: Examples, configuration: Configuration, split: Split) -> tuple[float, float]:
    train, test = split
    with _without_warnings():
        model = pipeline(configuration, len(train), examples.sizes)
        model.fit(*examples.part(train).with_onsets())
        probabilities = model.predict(examples.x[test])
    with warnings.catch_warnings():  # about classes that are missing in a test fold
        warnings.simplefilter("ignore", UserWarning)
        given = (examples.y[test], probabilities)
        return float(accuracy_score(*given)), float(balanced_accuracy_score(*given))


def fitted(examples: Examples, configuration: Configuration) -> Any:
    """Return the calibrated pipeline, fitted on all the examples.

    Its attribute ``shares_sigmoid_`` is true if the classes cannot have separate sigmoids: if few
    groups contain most of a class, out-of-fold decisions may decrease with membership, and Platt's
    sigmoid would invert the result.
    """
    with _without_warnings():
        inner = examples.extended(choose_folds(examples, INNER_FOLDS))
        x, y = examples.with_onsets()
        model = calibrated(configuration, len(examples.y), inner, examples.sizes)
        # These weights are for the sigmoids only; the pipeline has its own.
        warnings.filterwarnings("ignore", message=".*does not appear to accept sample_weight")
        weights = compute_sample_weight("balanced" if configuration.balanced else None, examples.y)
        weights = np.pad(weights, (0, len(y) - len(weights)))  # none for onsets
        model.fit(x, y, sample_weight=weights)
        sigmoids = model.calibrated_classifiers_[0].calibrators
        # for a decision d they compute 1 / (1 + exp(a d + b))
        model.shares_sigmoid_ = any(sigmoid.a_ >= 0 for sigmoid in sigmoids)
        if model.shares_sigmoid_:
            _share_sigmoid(model, examples, configuration, inner, weights)
        return model


def _share_sigmoid(
    model: Any,
    examples: Examples,
    configuration: Configuration,
    splits: Sequence[Split],
    weights: Float64,
) -> None:
    """Give all classes one increasing sigmoid, which keeps their order."""
    method = "predict_proba" if configuration.classifier == "mlp" else "decision_function"
    plain = pipeline(configuration, len(examples.y), examples.sizes)
    x, y = examples.with_onsets()
    probabilities = cross_val_predict(plain, x, y, cv=splits, method=method)
    if probabilities.ndim == 1:
        probabilities = np.column_stack([-probabilities, probabilities])
    mean, deviation = float(probabilities.mean()), float(probabilities.std()) or 1.0
    own = (y[:, None] == model.classes_).ravel()
    spread = ((probabilities - mean) / deviation).reshape(-1, 1)
    fit = LogisticRegression().fit(spread, own, np.repeat(weights, probabilities.shape[1]))
    slope, offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if slope <= 0:
        slope, offset = 1.0, 0.0
    for calibrator in model.calibrated_classifiers_[0].calibrators:
        calibrator.a_ = -slope / deviation
        calibrator.b_ = slope * mean / deviation - offset


def out_of_fold(
    examples: Examples, configuration: Configuration, splits: Sequence[Split]
) -> Float64:
    """Return the probabilities (n, C) of each row by the pipeline of the fold that tests it."""
    probabilities = np.zeros((len(examples.y), len(set(examples.y.tolist()))))
    for train, test in splits:
        model = fitted(examples.part(train), configuration)
        probabilities[test] = model.predict_proba(examples.x[test])
    return probabilities


def _key(examples: Examples, splits: Sequence[Split]) -> str:
    digest = hashlib.sha256(examples.with_onsets()[0].tobytes())
    digest.update("\n".join(examples.y.tolist()).encode())
    for _, test in splits:
        digest.update(np.asarray(test, np.int64).tobytes() + b"|")
    return digest.hexdigest()


def _read_journal(journal: Path, key: str) -> dict[str, tuple[float, float]]:
    """Return the scores of an interrupted search, by configuration and fold."""
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
        head = parse_json(lines[0])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PypluginError(f"{journal} cannot be read: {sentence(error)}.") from error
    except (ValueError, IndexError):
        head, lines = None, []
    if not isinstance(head, dict) or head.get("key") != key:
        raise PypluginError(
            f"{journal} belongs to other clips or another model; start again without --resume."
        )
    done = {}
    for line in lines[1:]:
        with contextlib.suppress(ValueError, TypeError, KeyError):  # the last line may be truncated
            entry = parse_json(line)
            done[entry["task"]] = (float(entry["scores"][0]), float(entry["scores"][1]))
    return done


def search(
    examples: Examples,
    configurations: Sequence[Configuration],
    splits: Sequence[Split],
    *,
    journal: Path,
    resume: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> list[Result]:
    """Try every configuration on every fold; return the results, the best first.

    Parameters
    ----------
    journal
        File with finished results. It remains if the search is interrupted.
    resume
        Continue from the journal, if it exists.
    jobs
        Processes.
    progress
        Called with the number of finished fits and the total.

    Raises
    ------
    PypluginError
        The journal cannot be written, or belongs to other examples.
    """
    key = _key(examples, splits)
    done = _read_journal(journal, key) if resume else {}
    tasks = {
        json.dumps([asdict(configuration), fold], sort_keys=True): (configuration, split)
        for configuration in configurations
        for fold, split in enumerate(splits)
    }
    open_tasks = {name: task for name, task in tasks.items() if name not in done}
    with replacing(journal) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps({"key": key}) + "\n")
        for name, scores in done.items():
            stream.write(json.dumps({"task": name, "scores": scores}) + "\n")
    count = len(tasks) - len(open_tasks)
    for name, scores in _run(examples, open_tasks, jobs):
        _append_journal(journal, name, scores)
        done[name] = scores
        count += 1
        if progress is not None:
            progress(count, len(tasks))
    scores_of: dict[Configuration, list[tuple[float, float]]] = defaultdict(list)
    for name, (configuration, _) in tasks.items():
        scores_of[configuration].append(done[name])
    results = [
        Result(configuration, *map(tuple, zip(*pairs, strict=True)))
        for configuration, pairs in scores_of.items()
    ]
    return sorted(results, key=lambda result: result.rank)


def search_grid(
    examples: Examples,
    splits: Sequence[Split],
    classifier: str,
    *,
    full: bool = False,
    journal: Path,
    resume: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> list[Result]:
    """Try the configurations of a classifier as `search` does; `full` is as for `grid`."""
    unequal = len(set(Counter(examples.y.tolist()).values())) > 1
    descriptors = examples.sizes is not None
    choices = grid(classifier, full=full, unequal=unequal, descriptors=descriptors)
    options = {"journal": journal, "resume": resume, "jobs": jobs, "progress": progress}
    return search(examples, choices, splits, **options)  # type: ignore[arg-type]


def _append_journal(journal: Path, name: str, scores: tuple[float, float]) -> None:
    try:
        with journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"task": name, "scores": scores}) + "\n")
    except OSError as error:
        failure = not_written(journal, error)
        failure.args = (f"{failure}, and continue with --resume",)
        raise failure from error


def _run(
    examples: Examples, tasks: dict[str, tuple[Configuration, Split]], jobs: int
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield (task, scores) in order of completion."""
    if jobs == 1 or len(tasks) < 2:
        for name, (configuration, split) in tasks.items():
            yield name, _scores(examples, configuration, split)
        return
    pool = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
    yield from pool(
        joblib.delayed(_named)(name, examples, configuration, split)
        for name, (configuration, split) in tasks.items()
    )


def _named(
    name: str, examples: Examples, configuration: Configuration, split: Split
) -> tuple[str, tuple[float, float]]:
    return name, _scores(examples, configuration, split)
