"""Every configuration on every fold, and the ranking.

``choose_folds``
    Folds that keep the shares of the classes, and groups together.
``Search``
    Runs configurations on folds; what is finished is kept in a file, to resume from.
``out_of_fold``
    What the calibrated pipeline says of rows that it was not trained on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import (
    StratifiedGroupKFold,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.utils.class_weight import compute_sample_weight
from threadpoolctl import ThreadpoolController

from pyplugin.errors import PypluginError
from pyplugin.support.files import replacing, sentence
from pyplugin.training.heads.configurations import (
    SEED,
    Configuration,
    Split,
    calibrated,
    pipeline,
)

__all__ = ["Examples", "Result", "choose_folds", "fitted", "out_of_fold", "search"]

FOLDS = 5
INNER_FOLDS = 3
LEAST = 3
"""Clips, or groups, of a class: one to test on, and two to fit and calibrate with."""


@dataclass(frozen=True)
class Examples:
    """Embeddings with their classes.

    Attributes
    ----------
    x : numpy.ndarray
        (n, E) float64, values that float32 holds.
    y : numpy.ndarray
        (n,) of str.
    groups : numpy.ndarray
        (n,) of int: rows of one number never stand on both sides of a fold.
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.str_]
    groups: npt.NDArray[np.intp]

    def groups_of_classes(self) -> Counter[str]:
        """Return how many groups each class has."""
        pairs = {*zip(self.y.tolist(), self.groups.tolist(), strict=True)}
        return Counter(label for label, _ in pairs)

    def part(self, rows: npt.NDArray[np.intp]) -> Examples:
        """Return some of the rows."""
        return Examples(self.x[rows], self.y[rows], self.groups[rows])


@dataclass(frozen=True)
class Result:
    """How well a configuration did.

    Attributes
    ----------
    configuration : Configuration
    accuracies, balanced_accuracies : tuple of float
        0 to 1, one a fold.
    """

    configuration: Configuration
    accuracies: tuple[float, ...]
    balanced_accuracies: tuple[float, ...]

    @property
    def rank(self) -> tuple[float, float, float]:
        """Sorts results, the best first: balanced accuracy, accuracy, steadiness."""
        return (
            -round(float(np.mean(self.balanced_accuracies)), 6),
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
        raise PypluginError(f"The class {label!r} has {least} group of clips; 2 are needed.")
    alone = len(set(examples.groups.tolist())) == len(examples.groups)
    kind = StratifiedKFold if alone else StratifiedGroupKFold
    classes = set(examples.y.tolist())
    for seed in range(SEED, SEED + 20):
        splitter = kind(folds, shuffle=True, random_state=seed)
        splits = list(splitter.split(examples.x, examples.y, None if alone else examples.groups))
        if all(set(examples.y[train].tolist()) == classes and len(test) for train, test in splits):
            return splits
    raise PypluginError(
        f"No {folds} folds have every class in their training part; the groups are too large: use "
        "smaller ones, or more clips."
    )


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Hold back warnings of what did not converge: its accuracy says so.

    One thread: matrices this small lose more to threads than they gain.
    """
    with warnings.catch_warnings(), _threads().limit(limits=1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        # matmul on values beyond float64, at kernels that do not fit the scale
        with np.errstate(all="ignore"):
            yield


def _scores(examples: Examples, configuration: Configuration, split: Split) -> tuple[float, float]:
    train, test = split
    with _quietly():
        model = pipeline(configuration, len(train)).fit(examples.x[train], examples.y[train])
        said = model.predict(examples.x[test])
    with warnings.catch_warnings():  # a class that a fold of groups does not test
        warnings.simplefilter("ignore", UserWarning)
        return (
            float(accuracy_score(examples.y[test], said)),
            float(balanced_accuracy_score(examples.y[test], said)),
        )


def fitted(examples: Examples, configuration: Configuration) -> Any:
    """Return the calibrated pipeline, fitted on all the examples.

    Its attribute ``shares_sigmoid_`` tells that classes could not have sigmoids of their own: where
    few groups hold most of a class, what is said of clips out of fold may be the less the more it
    is theirs, and Platt's sigmoid would turn the answer round.
    """
    with _quietly():
        inner = choose_folds(examples, INNER_FOLDS)
        model = calibrated(configuration, len(examples.y), inner)
        # These weights are for the sigmoids alone; the pipeline, which takes none, has its own.
        warnings.filterwarnings("ignore", message=".*does not appear to accept sample_weight")
        weights = compute_sample_weight("balanced" if configuration.balanced else None, examples.y)
        model.fit(examples.x, examples.y, sample_weight=weights)
        sigmoids = model.calibrated_classifiers_[0].calibrators
        # of a decision d they make 1 / (1 + exp(a d + b))
        model.shares_sigmoid_ = any(sigmoid.a_ >= 0 for sigmoid in sigmoids)
        if model.shares_sigmoid_:
            _share_sigmoid(model, examples, configuration, inner, weights)
        return model


def _share_sigmoid(
    model: Any,
    examples: Examples,
    configuration: Configuration,
    splits: Sequence[Split],
    weights: npt.NDArray[np.float64],
) -> None:
    """Give all classes one rising sigmoid, so that the strongest stays the strongest."""
    said = cross_val_predict(
        pipeline(configuration, len(examples.y)),
        examples.x,
        examples.y,
        cv=splits,
        method="predict_proba" if configuration.classifier == "mlp" else "decision_function",
    )
    if said.ndim == 1:
        said = np.column_stack([-said, said])
    mean, deviation = float(said.mean()), float(said.std()) or 1.0
    own = (examples.y[:, None] == model.classes_).ravel()
    spread = ((said - mean) / deviation).reshape(-1, 1)
    fit = LogisticRegression().fit(spread, own, np.repeat(weights, said.shape[1]))
    slope, offset = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if slope <= 0:
        slope, offset = 1.0, 0.0
    for calibrator in model.calibrated_classifiers_[0].calibrators:
        calibrator.a_ = -slope / deviation
        calibrator.b_ = slope * mean / deviation - offset


def out_of_fold(
    examples: Examples, configuration: Configuration, splits: Sequence[Split]
) -> npt.NDArray[np.float64]:
    """Return the probabilities (n, C) of each row by the pipeline of the fold that tests it."""
    said = np.zeros((len(examples.y), len(set(examples.y.tolist()))))
    for train, test in splits:
        said[test] = fitted(examples.part(train), configuration).predict_proba(examples.x[test])
    return said


def _key(examples: Examples, splits: Sequence[Split]) -> str:
    digest = hashlib.sha256(examples.x.tobytes())
    digest.update("\n".join(examples.y.tolist()).encode())
    for _, test in splits:
        digest.update(np.asarray(test, np.int64).tobytes() + b"|")
    return digest.hexdigest()


def _finished(journal: Path, key: str) -> dict[str, tuple[float, float]]:
    """Return the scores that an earlier search left, by configuration and fold."""
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
        head = json.loads(lines[0])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PypluginError(f"{journal} cannot be read: {sentence(error)}.") from error
    except (ValueError, IndexError):
        head, lines = None, []
    if not isinstance(head, dict) or head.get("key") != key:
        raise PypluginError(
            f"{journal} is of other clips or another model; start anew, without --resume."
        )
    done = {}
    for line in lines[1:]:
        with contextlib.suppress(ValueError, TypeError, KeyError):  # the last may be cut short
            entry = json.loads(line)
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
        A file for what is finished. It stays when the search is interrupted.
    resume
        Go on from the journal, if there is one.
    jobs
        Processes.
    progress
        Called with how many fits are done, and of how many.

    Raises
    ------
    PypluginError
        The journal cannot be written, or is of other examples.
    """
    key = _key(examples, splits)
    done = _finished(journal, key) if resume else {}
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
        _note(journal, name, scores)
        done[name] = scores
        count += 1
        if progress is not None:
            progress(count, len(tasks))
    results = []
    for configuration in configurations:
        pairs = [
            done[json.dumps([asdict(configuration), fold], sort_keys=True)]
            for fold in range(len(splits))
        ]
        results.append(Result(configuration, *map(tuple, zip(*pairs, strict=True))))
    return sorted(results, key=lambda result: result.rank)


def _note(journal: Path, name: str, scores: tuple[float, float]) -> None:
    try:
        with journal.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"task": name, "scores": scores}) + "\n")
    except OSError as error:
        raise PypluginError(
            f"'{journal}' cannot be written: {sentence(error)}; make room and go on with --resume."
        ) from error


def _run(
    examples: Examples, tasks: dict[str, tuple[Configuration, Split]], jobs: int
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield (task, scores) as they come."""
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
