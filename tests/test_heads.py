"""Heads: what scikit-learn says is what numpy says and what the node says; bad files are refused."""

import functools
import json
import struct

import numpy as np
import pytest
from helpers import Probe, music
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

import pyplugin
from pyplugin import Node, State, heads
from pyplugin._native import check, ffi, lib, message
from pyplugin.errors import ModelError, PypluginError
from pyplugin.heads import Affine, Dense, Head, Kernel, Quantile, Sigmoids

CLASSES = 3


def data(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings as a network's are, many of them 0, and classes that they tell apart."""
    random = np.random.default_rng(size)
    classes = np.arange(150) % CLASSES
    x = random.normal(0, 1, (150, size)) + random.normal(0, 0.7, (CLASSES, size))[classes]
    return np.maximum(x, 0).astype(np.float32) * 3, classes


def in_c(head: Head, x: np.ndarray) -> np.ndarray:
    x = np.ascontiguousarray(x, np.float32)
    values, why = np.empty((len(x), len(head.labels)), np.float32), message()
    source = ffi.cast("float *", ffi.from_buffer(x))
    target = ffi.cast("float *", ffi.from_buffer(values))
    check(lib.tagnode_head_run(heads.open_head(head), source, len(x), target, why), why)
    return values


def scaled(kind: str, x: np.ndarray):
    """A scaler of scikit-learn's, fitted, and the stages that are to do the same."""
    if kind == "none":
        return None, ()
    if kind == "standard":
        fitted = StandardScaler().fit(x)
        return fitted, (Affine(1 / fitted.scale_, -fitted.mean_ / fitted.scale_),)
    if kind == "minmax":
        fitted = MinMaxScaler().fit(x)
        return fitted, (Affine(fitted.scale_, fitted.min_),)
    fitted = QuantileTransformer(n_quantiles=60, output_distribution="normal").fit(x)
    fitted.quantiles_ = fitted.quantiles_.astype(np.float32)  # as a file holds them
    return fitted, (Quantile(fitted.quantiles_),)


def logistic(x, y):
    fitted = LogisticRegression(max_iter=2000).fit(x, y)
    return fitted.predict_proba, (Dense(fitted.coef_, fitted.intercept_, "softmax"),)


def network(activation: str):
    def fit(x, y):
        fitted = MLPClassifier((17, 5), activation=activation, max_iter=30, random_state=1)
        fitted.fit(x, y)
        names = ["none" if activation == "identity" else activation] * 2 + ["softmax"]
        layers = zip(fitted.coefs_, fitted.intercepts_, names, strict=True)
        return fitted.predict_proba, tuple(Dense(w.T, b, name) for w, b, name in layers)

    return fit


def support_vectors(kind: str):
    def fit(x, y):
        one = SVC(kernel=kind, gamma=1 / x.shape[1], degree=3, coef0=0.5, C=2)
        fitted = OneVsRestClassifier(one).fit(x, y)
        vectors, coefficients = [], []
        for number, each in enumerate(fitted.estimators_):
            vectors.append(each.support_vectors_)
            block = np.zeros((CLASSES, len(each.support_vectors_)))
            block[number] = each.dual_coef_[0]
            coefficients.append(block)
        stage = Kernel(
            kind,
            1 / x.shape[1],
            3,
            0.5,
            np.concatenate(vectors),
            np.concatenate(coefficients, axis=1),
            np.concatenate([each.intercept_ for each in fitted.estimators_]),
        )
        return fitted.decision_function, (stage,)

    return fit


CLASSIFIERS = {
    "logistic": logistic,
    "mlp-relu": network("relu"),
    "mlp-tanh": network("tanh"),
    "mlp-logistic": network("logistic"),
    "svc-rbf": support_vectors("rbf"),
    "svc-poly": support_vectors("poly"),
}


def made(size: int, *stages, name="kind", backbone="probe", layer="dense", labels=None) -> Head:
    labels = labels or tuple(f"Label {index}" for index in range(CLASSES))
    return Head(name, labels, backbone, layer, size, False, stages, {"licence": "none"})


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:n_quantiles:UserWarning")
@pytest.mark.parametrize("scaling", ["none", "standard", "minmax", "quantile"])
@pytest.mark.parametrize("classifier", CLASSIFIERS)
@pytest.mark.parametrize("size", [3, 200])
def test_numpy_and_c_say_what_scikit_learn_says(classifier, scaling, size, tmp_path):
    x, y = data(size)
    scaler, before = scaled(scaling, x)
    prepare = scaler.transform if scaler is not None else np.asarray
    decide, stages = CLASSIFIERS[classifier](prepare(x), y)
    unseen = x[::-1] * np.float32(1.2) + np.float32(0.1)  # some of it past the ends
    every = np.concatenate([x, unseen])
    expected = decide(prepare(every).astype(np.float64))
    head = heads.load(heads.save(made(size, *before, *stages), tmp_path / "kind.head"))
    bound = 1e-5 * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(heads.run(head, every), expected, rtol=0, atol=bound)
    np.testing.assert_allclose(in_c(head, every), expected, rtol=0, atol=bound)
