"""From a fitted pipeline to a head."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler

from pyplugin.heads import Affine, Dense, Head, Kernel, Quantile, Sigmoids, Stage

__all__ = ["head_of", "logistic_head"]

Float32 = npt.NDArray[np.float32]


def _float32(values: npt.ArrayLike) -> Float32:
    return np.ascontiguousarray(values, dtype=np.float32)


def head_of(model: Any, *, name: str, backbone: str, layer: str, about: dict[str, Any]) -> Head:
    """Return a head that answers what a calibrated pipeline's ``predict_proba`` does.

    Parameters
    ----------
    model : CalibratedClassifierCV
        Fitted, with ``ensemble=False``; as `configurations.calibrated` makes them.
    name, backbone, layer, about
        As `pyplugin.heads.Head` has them.
    """
    (fitted,) = model.calibrated_classifiers_
    steps = fitted.estimator.named_steps
    classes = [str(label) for label in model.classes_]
    stages = (
        *_preprocessing(steps["preprocessing"]),
        *_decision(steps["classifier"]),
        _sigmoids(fitted.calibrators, isinstance(steps["classifier"], MLPClassifier)),
    )
    size = int(fitted.estimator.n_features_in_)
    return Head(name, tuple(classes), backbone, layer, size, False, stages, about)


def logistic_head(
    model: Any, label: str, *, name: str, backbone: str, layer: str, about: dict[str, Any]
) -> Head:
    """Return a head of one label from a pipeline that ends in a binary logistic regression."""
    steps = model.named_steps
    classifier = steps["classifier"]
    stages = (
        *_preprocessing(steps["preprocessing"]),
        Dense(
            weights=_float32(classifier.coef_),
            bias=_float32(classifier.intercept_),
            activation="logistic",
        ),
    )
    size = int(model.n_features_in_)
    return Head(name, (label,), backbone, layer, size, True, stages, about)


def _preprocessing(step: Any) -> tuple[Stage, ...]:
    if isinstance(step, StandardScaler):
        return (
            Affine(scale=_float32(1 / step.scale_), offset=_float32(-step.mean_ / step.scale_)),
        )
    if isinstance(step, MinMaxScaler):
        return (Affine(scale=_float32(step.scale_), offset=_float32(step.min_)),)
    if isinstance(step, QuantileTransformer):
        return (Quantile(quantiles=_float32(step.quantiles_)),)
    return ()


def _both(row: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Give a binary classifier, which speaks of its second class only, a row for the first too."""
    return np.concatenate([-row, row]) if len(row) == 1 else row


def _decision(classifier: Any) -> tuple[Stage, ...]:
    if isinstance(classifier, LogisticRegression):
        return (_dense(classifier.coef_, classifier.intercept_, "none"),)
    if isinstance(classifier, MLPClassifier):
        layers = list(zip(classifier.coefs_, classifier.intercepts_, strict=True))
        hidden = [
            Dense(
                weights=_float32(weights.T), bias=_float32(bias), activation=classifier.activation
            )
            for weights, bias in layers[:-1]
        ]
        weights, bias = layers[-1]
        return (*hidden, _dense(weights.T, bias, classifier.out_activation_))
    assert isinstance(classifier, OneVsRestClassifier)
    return (_kernel(classifier.estimators_),)


def _dense(weights: npt.NDArray[Any], bias: npt.NDArray[Any], activation: str) -> Dense:
    return Dense(
        weights=_float32(_both(weights)), bias=_float32(_both(bias)), activation=activation
    )


def _kernel(machines: list[Any]) -> Kernel:
    """Join machines, one a class, over the support vectors that any of them has."""
    vectors, owners = np.unique(
        np.concatenate([machine.support_vectors_ for machine in machines]),
        axis=0,
        return_inverse=True,
    )
    coefficients = np.zeros((len(machines), len(vectors)))
    rows = np.repeat(np.arange(len(machines)), [len(machine.support_) for machine in machines])
    values = np.concatenate([machine.dual_coef_[0] for machine in machines])
    np.add.at(coefficients, (rows, owners.ravel()), values)
    first = machines[0]
    return Kernel(
        kind=first.kernel,
        gamma=float(first.gamma),
        degree=int(first.degree),
        coef0=float(first.coef0),
        vectors=_float32(vectors),
        # of large C: sums of large numbers that nearly cancel, in double precision
        coefficients=_both(coefficients),
        intercepts=_both(np.concatenate([machine.intercept_ for machine in machines])),
    )


def _sigmoids(calibrators: list[Any], probabilities: bool) -> Sigmoids:
    """Return Platt's sigmoids; a binary one is told twice.

    With p1 = 1 / (1 + exp(a d + b)), p0 = 1 - p1 = 1 / (1 + exp(a (-d) - b)); where the classifier
    gives a probability d of the second class, and so 1 - d of the first, -a d is a (1 - d) - a.
    """
    a = np.array([calibrator.a_ for calibrator in calibrators], np.float64)
    b = np.array([calibrator.b_ for calibrator in calibrators], np.float64)
    if len(a) == 1:
        first = -a - b if probabilities else -b
        a, b = np.concatenate([a, a]), np.concatenate([first, b])
    return Sigmoids(a=_float32(a), b=_float32(b), normalise=True)
