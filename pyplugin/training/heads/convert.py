"""Convert a fitted scikit-learn pipeline to a head."""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler

from pyplugin.models.heads import Affine, Dense, Head, HeadStage, Kernel, Quantile, Sigmoids
from pyplugin.support.arrays import Float32, Float64
from pyplugin.training.heads.selections import SELECTIONS, DescriptorPreprocessing


def _float32(values: npt.ArrayLike) -> Float32:
    return np.ascontiguousarray(values, dtype=np.float32)


def _dense(weights: npt.ArrayLike, bias: npt.ArrayLike, activation: str = "none") -> Dense:
    return Dense(_float32(weights), _float32(bias), activation)


def head_of(
    fitted: Any,
    *,
    name: str,
    model: str,
    output: str,
    about: dict[str, Any],
    silence_before: bool = False,
) -> Head:
    """Return a head with the same results as ``predict_proba`` of a calibrated pipeline.

    Parameters
    ----------
    fitted : CalibratedClassifierCV
        Fitted, with ``ensemble=False``; as `configurations.calibrated` makes them.
    name, model, output, about, silence_before
        As in `pyplugin.models.heads.Head`.
    """
    (calibrated,) = fitted.calibrated_classifiers_
    steps = calibrated.estimator.named_steps
    classes = tuple(str(label) for label in fitted.classes_)
    stages = (
        *_preprocessing(steps["preprocessing"]),
        *_probabilities(steps["classifier"], calibrated.calibrators),
    )
    before = steps["preprocessing"]
    size = int(calibrated.estimator.n_features_in_)
    if isinstance(before, DescriptorPreprocessing):
        size = len(before.columns_)
    return Head(name, classes, model, output, size, False, stages, about, silence_before)


def logistic_head(
    fitted: Any, label: str, *, name: str, model: str, output: str, about: dict[str, Any]
) -> Head:
    """Return a head of one label from a pipeline that ends in a binary logistic regression."""
    steps = fitted.named_steps
    classifier = steps["classifier"]
    stages = (
        *_preprocessing(steps["preprocessing"]),
        _dense(classifier.coef_, classifier.intercept_, "logistic"),
    )
    size = int(fitted.n_features_in_)
    return Head(name, (label,), model, output, size, True, stages, about)


def _preprocessing(step: Any) -> tuple[HeadStage, ...]:
    if isinstance(step, StandardScaler):
        return (Affine(_float32(1 / step.scale_), _float32(-step.mean_ / step.scale_)),)
    if isinstance(step, MinMaxScaler):
        return (Affine(scale=_float32(step.scale_), offset=_float32(step.min_)),)
    if isinstance(step, QuantileTransformer):
        return (Quantile(quantiles=_float32(step.quantiles_)),)
    if isinstance(step, DescriptorPreprocessing):
        return _descriptors(step)
    return ()


def _descriptors(step: DescriptorPreprocessing) -> tuple[HeadStage, ...]:
    """Return the stages after the selection of columns."""
    stages: list[HeadStage] = []
    if SELECTIONS[step.selection].normalise:
        stages.append(Affine(_float32(step.scale_), _float32(step.offset_)))
    if step.quantiles_ is not None:
        rest = len(step.columns_) - step.quantiles_.n_features_in_
        stages.append(Quantile(_float32(step.quantiles_.quantiles_), rest))
    stages.append(Affine(_float32(step.final_scale_), _float32(step.final_offset_)))
    return tuple(stages)


def _both(row: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Add the row of the first class of a binary classifier, which has the second one only."""
    return np.concatenate([-row, row]) if len(row) == 1 else row


def _probabilities(classifier: Any, calibrators: list[Any]) -> tuple[HeadStage, ...]:
    """Return the stages of a classifier and its sigmoids, 1 / (1 + exp(a d + b)).

    Where d is linear in coefficients, a and b are multiplied into these in double precision: if
    the decisions hardly differ, a and b are huge and nearly cancel.
    """
    a, b = _sigmoids(calibrators, isinstance(classifier, MLPClassifier))
    if isinstance(classifier, MLPClassifier):
        return (*_network(classifier), Sigmoids(a=_float32(a), b=_float32(b), normalise=True))
    plain = Sigmoids(a=_float32(np.ones_like(a)), b=_float32(np.zeros_like(b)), normalise=True)
    if isinstance(classifier, LogisticRegression):
        weights = _both(classifier.coef_) * a[:, None]
        return _dense(weights, _both(classifier.intercept_) * a + b), plain
    assert isinstance(classifier, OneVsRestClassifier)
    return _kernel(classifier.estimators_, a, b), plain


def _network(classifier: Any) -> tuple[HeadStage, ...]:
    *hidden, last = zip(classifier.coefs_, classifier.intercepts_, strict=True)
    layers = [_dense(weights.T, bias, classifier.activation) for weights, bias in hidden]
    return (*layers, _dense(_both(last[0].T), _both(last[1]), classifier.out_activation_))


def _kernel(machines: list[Any], a: Float64, b: Float64) -> Kernel:
    """Merge the machines of all classes over the union of their support vectors."""
    every = np.concatenate([machine.support_vectors_ for machine in machines])
    vectors, owners = np.unique(every, axis=0, return_inverse=True)
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
        # in double precision: at large C, large terms nearly cancel
        coefficients=_both(coefficients) * a[:, None],
        intercepts=_both(np.concatenate([machine.intercept_ for machine in machines])) * a + b,
    )


def _sigmoids(calibrators: list[Any], probabilities: bool) -> tuple[Float64, Float64]:
    """Return Platt's a and b for each class; a binary classifier has those of the second only.

    With p1 = 1 / (1 + exp(a d + b)), p0 = 1 - p1 = 1 / (1 + exp(a (-d) - b)); where the classifier
    gives a probability d of the second class, and so 1 - d of the first, -a d is a (1 - d) - a.
    """
    a = np.array([calibrator.a_ for calibrator in calibrators], np.float64)
    b = np.array([calibrator.b_ for calibrator in calibrators], np.float64)
    if len(a) == 1:
        first = -a - b if probabilities else -b
        a, b = np.concatenate([a, a]), np.concatenate([first, b])
    return a, b
