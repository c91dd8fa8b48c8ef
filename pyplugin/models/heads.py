"""Heads: small classifiers on a model's embedding, in files of their own.

A :class:`Head` is a chain of stages, each of which takes the output of the one before it::

    Affine      x * scale + offset: standardised, or between 0 and 1
    Quantile    scikit-learn's QuantileTransformer, to a normal distribution
    Dense       weights, bias and an activation: logistic regression, networks
    Kernel      support vectors, one class against the rest
    Sigmoids    probabilities of decision values

:func:`save` and :func:`load` write and read ``NAME.head``; ``tagnode.h`` has the format. A
:class:`pyplugin.Node` runs heads in C; :func:`run` is the same in numpy.
"""

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from pyplugin._native import created, lib
from pyplugin.errors import ModelError
from pyplugin.models.folders import data_folder, make_folder, read_file, shipped_folder
from pyplugin.support.arrays import Float32, Float64
from pyplugin.support.descriptors import head_name
from pyplugin.support.documents import parse_json
from pyplugin.support.files import write_file
from pyplugin.support.spelling import nearest, slug

ACTIVATIONS = ("none", "relu", "tanh", "logistic", "softmax")
"""Of :class:`Dense`, in the order of the file's numbers."""

KERNELS = ("rbf", "poly")
"""Of :class:`Kernel`, in the order of the file's numbers."""

EXTRACTOR = "essentia-music-extractor"
"""The model of heads on descriptors in files of Essentia's extractor, instead of an embedding."""

_MAGIC = b"TAGHEAD1"
_SILENCE = 256  # added to the number of stages
_SIZE_LIMIT = 256 << 20  # bytes of a file
_NAME = re.compile("[A-Za-z0-9_-]+")
_CARD = {  # the types in JSON of what is not in the stages
    "name": str,
    "labels": list,
    "model": str,
    "output": str,
    "size": int,
    "multi_label": bool,
    "about": dict,
}
_EDGE = 1e-7  # of a probability, where scikit-learn cuts it off


@dataclass(frozen=True, eq=False)
class Affine:
    """x * scale + offset, (D,) each."""

    scale: npt.ArrayLike
    offset: npt.ArrayLike

    def run(self, x: Float64) -> Float64:
        """Return the result for x (n, D)."""
        return x * _double(self.scale) + _double(self.offset)


@dataclass(frozen=True, eq=False)
class Quantile:
    """To a normal distribution by quantiles, as scikit-learn's QuantileTransformer does.

    Attributes
    ----------
    quantiles
        (Q, D), ascending.
    unchanged
        How many values after these D stay as they are.
    """

    quantiles: npt.ArrayLike
    unchanged: int = 0

    def run(self, x: Float64) -> Float64:
        """Return the result for x (n, D + unchanged)."""
        quantiles = _double(self.quantiles)
        ranked = quantiles.shape[1]
        columns = zip(x.T[:ranked], quantiles.T, strict=True)
        return np.stack([*(_to_normal(*each) for each in columns), *x.T[ranked:]], axis=1)


def _to_normal(x: Float64, quantiles: Float64) -> Float64:
    shares = np.linspace(0, 1, len(quantiles))
    up = np.interp(x, quantiles, shares)
    down = -np.interp(-x, -quantiles[::-1], -shares[::-1])
    p = (up + down) / 2
    p[x + _EDGE > quantiles[-1]] = 1
    p[x - _EDGE < quantiles[0]] = 0
    return np.array([NormalDist().inv_cdf(each) for each in np.clip(p, _EDGE, 1 - _EDGE)])


@dataclass(frozen=True, eq=False)
class Dense:
    """``weights`` (out, in) times x, and ``bias`` (out,), through one of :data:`ACTIVATIONS`."""

    weights: npt.ArrayLike
    bias: npt.ArrayLike
    activation: str = "none"

    def run(self, x: Float64) -> Float64:
        """Return the result for x (n, in): (n, out)."""
        y: Float64 = x @ _double(self.weights).T + _double(self.bias)
        if self.activation == "relu":
            return np.maximum(y, 0)
        if self.activation == "tanh":
            return np.tanh(y)
        if self.activation == "logistic":
            return _logistic(y)
        if self.activation == "softmax":
            y = np.exp(y - y.max(axis=1, keepdims=True))
            y /= y.sum(axis=1, keepdims=True)
        return y


@dataclass(frozen=True, eq=False)
class Kernel:
    """Decision values of support vectors, one class against the rest.

    Attributes
    ----------
    kind
        ``"rbf"``: exp(-gamma |x - v|^2); ``"poly"``: (gamma x v + coef0) ** degree.
    gamma, degree, coef0
        Of the kernel; ``degree`` 0 to 16.
    vectors
        (n, D), those of all classes.
    coefficients
        (out, n), 0 where a vector is not one of that class's.
    intercepts
        (out,).
    """

    kind: str
    gamma: float
    degree: int
    coef0: float
    vectors: npt.ArrayLike
    coefficients: npt.ArrayLike
    intercepts: npt.ArrayLike

    def run(self, x: Float64) -> Float64:
        """Return the decision values of x (n, D): (n, out)."""
        vectors = _double(self.vectors)
        products: Float64 = x @ vectors.T
        if self.kind == "rbf":
            squares = (x**2).sum(axis=1)[:, None] + (vectors**2).sum(axis=1) - 2 * products
            kernel = np.exp(-self.gamma * np.maximum(squares, 0))
        else:
            kernel = (self.gamma * products + self.coef0) ** self.degree
        return np.asarray(kernel @ _double(self.coefficients).T + _double(self.intercepts))


@dataclass(frozen=True, eq=False)
class Sigmoids:
    """1 / (1 + exp(a x + b)), (C,) each, after Platt; ``normalise`` divides by their sum."""

    a: npt.ArrayLike
    b: npt.ArrayLike
    normalise: bool = False

    def run(self, x: Float64) -> Float64:
        """Return the probabilities of x (n, C)."""
        y = _logistic(-(x * _double(self.a) + _double(self.b)))
        if not self.normalise:
            return y
        sums = y.sum(axis=1, keepdims=True)
        return np.where(sums > 0, y / np.where(sums > 0, sums, 1), 1 / y.shape[1])


HeadStage = Affine | Quantile | Dense | Kernel | Sigmoids
"""A step of a head."""


@dataclass(frozen=True, eq=False)
class Head:
    """A classifier on an embedding.

    Attributes
    ----------
    name
        Letters, digits, ``-`` and ``_``.
    labels
        (C,) of its values, in order.
    model
        Name of the model that it was trained on.
    output
        Which of the model's outputs it takes.
    size
        Floats of that output.
    multi_label
        Whether several labels can be present at once; otherwise the values are one distribution.
    stages
        1 to 16.
    about
        Any JSON object: training report, dataset, licence, versions.
    silence_before
        Whether it was trained on windows that begin with silence, too, so that a node whose model
        has ``silence_before`` need not wait for a whole window of sound.
    """

    name: str
    labels: tuple[str, ...]
    model: str
    output: str
    size: int
    multi_label: bool
    stages: tuple[HeadStage, ...]
    about: dict[str, Any] = field(default_factory=dict)
    silence_before: bool = False

    @property
    def descriptors(self) -> list[str]:
        """``head.<name>.<label>`` for each label."""
        return [head_name(self.name, label) for label in self.labels]

    def check_takes_sound(self) -> None:
        """Check that the head runs on a model.

        Raises
        ------
        ModelError
            It takes descriptors in files of Essentia's extractor.
        """
        if self.model == EXTRACTOR:
            raise ModelError(
                f"The head {self.name} takes files of Essentia's extractor, not sound: run "
                f"`tagnode classify {self.name} FILE.json`."
            )


def run(head: Head, embeddings: npt.ArrayLike) -> Float32:
    """Run a head in numpy.

    Parameters
    ----------
    head
        What to run.
    embeddings
        (n, D), a row a window.

    Returns
    -------
    numpy.ndarray
        (n, C) float32; non-finite values become 0.

    Raises
    ------
    ModelError
        The embeddings have another shape.

    Examples
    --------
    >>> stages = (Dense([[1.0, 1.0]], [0.0]),)
    >>> head = Head("sum", ("all",), "scene", "embedding", 2, True, stages)
    >>> run(head, [[0.25, 0.5]])
    array([[0.75]], dtype=float32)
    >>> head.descriptors
    ['head.sum.all']
    """
    values = _double(embeddings)
    if values.ndim != 2 or values.shape[1] != head.size:
        raise ModelError(
            f"The head {head.name} takes embeddings of shape (n, {head.size}); {values.shape} was "
            "given."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        for stage in head.stages:
            values = stage.run(values)
    return np.where(np.isfinite(values), values, 0).astype(np.float32)


# ---- files


def heads_folder() -> Path:
    """Return the folder of the heads made on this machine, which need not exist yet."""
    return data_folder() / "heads"


def available() -> dict[str, Path]:
    """Return the heads in the data folder and those that are shipped, by name."""
    found = {path.stem: path for path in sorted(shipped_folder().glob("*.head"))}
    return {**found, **{path.stem: path for path in sorted(heads_folder().glob("*.head"))}}


def save(head: Head, path: str | Path | None = None) -> Path:
    """Write a head, whole or not at all, and return its path.

    Parameters
    ----------
    head
        What to write.
    path
        ``None`` for the head's name in :func:`heads_folder`, where :func:`load` finds it.

    Raises
    ------
    ModelError
        Its parts do not fit together, or the file cannot be written.
    """
    data = encode(head)
    if path is None:
        make_folder(heads_folder())
        path = heads_folder() / f"{head.name}.head"
    return write_file(path, data, error=ModelError)


def load(path_or_name: str | Path) -> Head:
    """Read a head by its name, or by the path of its ``.head`` file.

    Raises
    ------
    ModelError
        There is none (the nearest one is suggested), or it is damaged.
    """
    path = _located(path_or_name)
    data = read_file(path, "head", _SIZE_LIMIT)
    try:
        return _decoded(data)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def open_head(head: Head) -> Any:
    """Return C's handle of a head, which is given back with it."""
    return _opened(encode(head))


def _located(given: str | Path) -> Path:
    if isinstance(given, Path) or given.endswith(".head"):
        if not Path(given).is_file():
            raise ModelError(f"There is no head file {given}.")
        return Path(given)
    known = available()
    if given not in known:
        none = f"none is in {heads_folder()}; 'tagnode train head' or 'tagnode teach' makes one."
        hint = nearest(given, known) if known else none
        raise ModelError(f"There is no head {given!r}; {hint}")
    return known[given]


def _opened(data: bytes) -> Any:
    """Have C check all sizes and numbers."""
    load, release = lib.tagnode_head_load, lib.tagnode_head_release
    return created("tagnode_head", load, release, data, len(data), error=ModelError)


def encode(head: Head) -> bytes:
    """Return the bytes of a head's file.

    Raises
    ------
    ModelError
        Its parts do not fit together.
    """
    card = {key: getattr(head, key) for key in _CARD} | {"labels": list(head.labels)}
    try:
        text = json.dumps(card, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        problem = f"The field about of the head {head.name} is not JSON: {error}."
        raise ModelError(problem) from error
    parts = [_MAGIC, struct.pack("<I", len(text)), text]
    parts.append(bytes(-sum(map(len, parts)) % 16))
    parts.append(struct.pack("<I", len(head.stages) + _SILENCE * head.silence_before))
    parts.extend(_packed(stage) for stage in head.stages)
    data = b"".join(parts)
    _check_card(card, _opened(data))
    return data


def _packed(stage: HeadStage) -> bytes:
    """Return the file's form of a stage: kind, rows, columns, flags, arrays."""
    settings, doubles = b"", []
    if isinstance(stage, Affine):
        numbers, arrays = (1, 1, np.size(stage.scale), 0), [stage.scale, stage.offset]
    elif isinstance(stage, Quantile):
        rows, columns = _shape(stage.quantiles)
        numbers = (2, rows, columns + stage.unchanged, stage.unchanged)
        arrays = [stage.quantiles]
    elif isinstance(stage, Dense):
        flags = _choice(stage.activation, ACTIVATIONS, "activation")
        rows, columns = _shape(stage.weights)
        _expect("bias", stage.bias, rows)
        numbers, arrays = (3, rows, columns, flags), [stage.weights, stage.bias]
    elif isinstance(stage, Kernel):
        rows, columns = _shape(stage.vectors)
        outputs = np.size(stage.intercepts)
        _expect("coefficients", stage.coefficients, outputs * rows)
        numbers = (4, rows, columns, _choice(stage.kind, KERNELS, "kernel"))
        settings = struct.pack("<IIdd", outputs, stage.degree, stage.gamma, stage.coef0)
        arrays = [stage.vectors]
        doubles = [stage.coefficients, stage.intercepts]
    else:
        numbers, arrays = (5, 1, np.size(stage.a), int(stage.normalise)), [stage.a, stage.b]
    if isinstance(stage, (Affine, Sigmoids)):
        _expect("second array", arrays[1], numbers[2])
    floats = [np.ascontiguousarray(each, "<f4").tobytes() for each in arrays]
    wide = [np.ascontiguousarray(each, "<f8").tobytes() for each in doubles]
    return b"".join([struct.pack("<4I", *numbers), settings, *floats, *wide])


def _shape(array: npt.ArrayLike) -> tuple[int, int]:
    shape = np.shape(array)
    if len(shape) != 2:
        raise ModelError(f"An array of a head has shape {shape}; two dimensions are expected.")
    return shape


def _expect(what: str, array: npt.ArrayLike, size: int) -> None:
    if np.size(array) != size:
        raise ModelError(
            f"The {what} of a head's stage has {np.size(array)} numbers; {size} are expected."
        )


def _choice(given: str, known: Sequence[str], what: str) -> int:
    if given not in known:
        raise ModelError(f"There is no {what} {given!r} for a head; {nearest(given, known)}")
    return known.index(given)


def _decoded(data: bytes) -> Head:
    opened = _opened(data)  # after which every size is right
    (length,) = struct.unpack_from("<I", data, len(_MAGIC))
    begin = len(_MAGIC) + 4
    try:
        card = parse_json(data[begin : begin + length].decode())
    except ValueError as error:
        raise ModelError(f"The head's card is not JSON: {error}.") from error
    _check_card(card, opened)
    at = -(-(begin + length) // 16) * 16
    (count,) = struct.unpack_from("<I", data, at)
    at, stages = at + 4, []
    silence, count = bool(count & _SILENCE), count & ~_SILENCE
    for _ in range(count):
        stage, at = _unpacked(data, at)
        stages.append(stage)
    fields = {key: card[key] for key in _CARD} | {"labels": tuple(card["labels"])}
    return Head(**fields, stages=tuple(stages), silence_before=silence)


def _unpacked(data: bytes, at: int) -> tuple[HeadStage, int]:
    kind, rows, columns, flags = struct.unpack_from("<4I", data, at)
    at += 16

    def array(*shape: int, kind: str = "f4") -> npt.NDArray[Any]:
        nonlocal at
        count = int(np.prod(shape))
        found = np.frombuffer(data, f"<{kind}", count, at).reshape(shape).astype(kind)
        at += found.nbytes
        return found

    stage: HeadStage
    if kind == 1:
        stage = Affine(array(columns), array(columns))
    elif kind == 2:
        stage = Quantile(array(rows, columns - flags), flags)
    elif kind == 3:
        stage = Dense(array(rows, columns), array(rows), ACTIVATIONS[flags])
    elif kind == 4:
        outputs, degree, gamma, coef0 = struct.unpack_from("<IIdd", data, at)
        at += 24
        vectors = array(rows, columns)
        ends = array(outputs, rows, kind="f8"), array(outputs, kind="f8")
        stage = Kernel(KERNELS[flags], gamma, degree, coef0, vectors, *ends)
    else:
        stage = Sigmoids(array(columns), array(columns), bool(flags))
    return stage, at


def _check_card(card: Any, opened: Any) -> None:
    """Check a card's fields, and that they fit the stages."""
    if not isinstance(card, dict):
        _wrong("it is not a JSON object")
    for key, kind in _CARD.items():
        if type(card.get(key)) is not kind:
            _wrong(f"its {key} is {card.get(key)!r}")
    if _NAME.fullmatch(card["name"]) is None:
        _wrong(f"its name is {card['name']!r}; letters, digits, - and _ are expected")
    labels = card["labels"]
    if not all(isinstance(label, str) and slug(label) for label in labels):
        _wrong(f"one of its labels is not text: {labels!r}")
    if len(set(map(slug, labels))) < len(labels):
        _wrong("two of its labels are the same")
    inputs, outputs = lib.tagnode_head_inputs(opened), lib.tagnode_head_outputs(opened)
    if card["size"] != inputs or len(labels) != outputs:
        _wrong(
            f"it has {card['size']} floats and {len(labels)} labels; its stages take {inputs} "
            f"and return {outputs}"
        )


def _wrong(problem: str) -> NoReturn:
    raise ModelError(f"The head's card is wrong: {problem}.")


def _double(array: npt.ArrayLike) -> Float64:
    return np.asarray(array, np.float64)


def _logistic(x: Float64) -> Float64:
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))
