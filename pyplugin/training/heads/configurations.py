"""Configurations of preprocessing and classifier, as scikit-learn pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from sklearn import preprocessing as scalers
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from pyplugin.support.arrays import Indices
from pyplugin.training.heads.selections import SELECTIONS, DescriptorPreprocessing

CLASSIFIERS = ("svm", "mlp", "logistic")
PREPROCESSING = ("standard", "quantile-normal", "minmax", "none")
SEED = 0

Split = tuple[Indices, Indices]


@dataclass(frozen=True)
class Configuration:
    """The settings of a pipeline; those that a classifier lacks are ``None``.

    Attributes
    ----------
    classifier : {"svm", "mlp", "logistic"}
    preprocessing : str
        One of `PREPROCESSING`, or of `selections.SELECTIONS` where the rows are descriptors of
        Essentia.
    balanced : bool
        Classes have equal weights, whatever their number of clips.
    kernel : {"poly", "rbf"} or None
    C, gamma : int or None
        Exponents of 2, as Gaia has them.
    hidden : int or None
        Units of the hidden layer.
    alpha : int or None
        Exponent of 10, the weight decay.
    """

    classifier: str
    preprocessing: str
    balanced: bool
    kernel: str | None = None
    C: int | None = None
    gamma: int | None = None
    hidden: int | None = None
    alpha: int | None = None

    @property
    def words(self) -> str:
        """The choices for a person, as in "svm rbf, C 2^3, gamma 2^-7, after standard"."""
        bases = {"C": "2^", "gamma": "2^", "hidden": "", "alpha": "10^"}
        numbers = [
            f"{name} {base}{getattr(self, name)}"
            for name, base in bases.items()
            if getattr(self, name) is not None
        ]
        kind = f"{self.classifier} {self.kernel}" if self.kernel else self.classifier
        before = [] if self.preprocessing == "none" else [f"after {self.preprocessing}"]
        return ", ".join([kind, *numbers, *before, *(["balanced"] if self.balanced else [])])


class SinglePrecisionQuantiles(scalers.QuantileTransformer):  # type: ignore[misc]
    """A QuantileTransformer with quantiles that a head, float32, holds exactly."""

    quantiles_: Any

    def fit(self, x: Any, y: Any = None) -> SinglePrecisionQuantiles:
        """Find the quantiles and round them."""
        super().fit(x, y)
        self.quantiles_ = self.quantiles_.astype(np.float32).astype(np.float64)
        return self


class BalancedNetwork(MLPClassifier):  # type: ignore[misc]
    """An MLPClassifier whose classes count alike; it has no ``class_weight`` of its own."""

    def fit(self, X: Any, y: Any) -> BalancedNetwork:  # noqa: N803 - scikit-learn's name
        """Fit, with clips weighted by how rare their class is."""
        return super().fit(X, y, sample_weight=compute_sample_weight("balanced", y))  # type: ignore[no-any-return]


def grid(
    classifier: str, *, full: bool, unequal: bool, descriptors: bool = False
) -> list[Configuration]:
    """Return the configurations to try, of equally good ones the smoother first.

    Parameters
    ----------
    full
        All of Gaia's grid, C from 2^-5 to 2^11 and gamma from 2^3 to 2^-11, or a coarse one.
    unequal
        The classes have different numbers of clips: try balanced ones too.
    descriptors
        The rows are descriptors of Essentia: try Gaia's selections of them.
    """
    balances = (False, True) if unequal else (False,)
    before = tuple(SELECTIONS) if descriptors else PREPROCESSING
    if classifier == "svm":
        cs = tuple(range(-5, 12, 2)) if full else (-1, 3, 7)
        gammas = tuple(range(-11, 4, 2)) if full else (-11, -7, -3)
        machines = product(before, ("rbf", "poly"), cs, gammas, balances)
        return [
            Configuration("svm", preprocessing, balanced, kernel, c, gamma)
            for preprocessing, kernel, c, gamma, balanced in machines
        ]
    if classifier == "logistic":
        cs = tuple(range(-11, 12, 2)) if full else (-9, -5, -1, 3)
        return [
            Configuration("logistic", preprocessing, balanced, C=c)
            for preprocessing, c, balanced in product(before, cs, balances)
        ]
    sizes, alphas = ((16, 64, 128), (0, -2, -4)) if full else ((32,), (0, -2))
    every = product(before, sizes, alphas, balances)
    return [
        Configuration("mlp", preprocessing, balanced, hidden=hidden, alpha=alpha)
        for preprocessing, hidden, alpha, balanced in every
    ]


def pipeline(
    configuration: Configuration, rows: int, sizes: Mapping[str, int] | None = None
) -> Pipeline:
    """Return an unfitted pipeline for about `rows` rows.

    Parameters
    ----------
    sizes
        The descriptors of Essentia that the rows are, as for `selections.columns_of`; ``None`` for
        embeddings.
    """
    steps: dict[str, Any] = {
        "none": scalers.FunctionTransformer,
        "standard": scalers.StandardScaler,
        "minmax": scalers.MinMaxScaler,
        "quantile-normal": lambda: SinglePrecisionQuantiles(
            n_quantiles=max(min(100, rows // 3), 2), output_distribution="normal", random_state=SEED
        ),
    }
    if sizes is None:
        before = steps[configuration.preprocessing]()
    else:
        before = DescriptorPreprocessing(configuration.preprocessing, sizes)
    return Pipeline([("preprocessing", before), ("classifier", _classifier(configuration))])


def _classifier(choice: Configuration) -> Any:
    if choice.classifier == "mlp":
        assert choice.hidden is not None
        assert choice.alpha is not None
        kind = BalancedNetwork if choice.balanced else MLPClassifier
        alpha = 10.0**choice.alpha
        return kind((choice.hidden,), alpha=alpha, solver="lbfgs", max_iter=500, random_state=SEED)
    weight = "balanced" if choice.balanced else None
    assert choice.C is not None
    if choice.classifier == "logistic":
        return LogisticRegression(C=2.0**choice.C, class_weight=weight, max_iter=1000)
    assert choice.gamma is not None
    # Poly as in LIBSVM and Gaia: degree 3, coef0 0. The limit is for scales that never converge.
    kernel = {"kernel": choice.kernel, "gamma": 2.0**choice.gamma, "degree": 3, "coef0": 0.0}
    machine = SVC(C=2.0**choice.C, class_weight=weight, max_iter=100_000, **kernel)
    return OneVsRestClassifier(machine)


def calibrated(
    choice: Configuration,
    rows: int,
    splits: Sequence[Split],
    sizes: Mapping[str, int] | None = None,
) -> CalibratedClassifierCV:
    """Return the pipeline with Platt's sigmoids, fitted on its out-of-fold decisions."""
    return CalibratedClassifierCV(
        pipeline(choice, rows, sizes), method="sigmoid", cv=list(splits), ensemble=False
    )
