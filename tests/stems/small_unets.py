"""Small networks of Spleeter's form, and what they compute by onnxruntime: an oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pyplugin.models import registry
from pyplugin.models.card import render_card
from pyplugin.models.importers.spleeter import FAMILIES, build_family
from pyplugin.models.model import Model

FILTERS = (3, 4, 4, 5, 5, 6)
Variables = dict[str, npt.NDArray[np.float32]]


def numbered(name: str, number: int) -> str:
    return f"{name}_{number}" if number else name


def variables_of(stems: int, seed: int = 1, filters: Sequence[int] = FILTERS) -> Variables:
    """Random weights, of such sizes that signals keep their level."""
    rng = np.random.default_rng(seed)
    made: Variables = {}

    def kernel(name: str, shape: tuple[int, ...], fan: int, size: int) -> None:
        made[f"{name}/kernel"] = rng.normal(0, 1 / np.sqrt(fan), shape).astype(np.float32)
        made[f"{name}/bias"] = rng.normal(0, 0.3, size).astype(np.float32)

    ups = [*reversed(filters[:-1]), 1]
    for stem in range(stems):
        sizes = [2, *filters]
        for level, (taken, size) in enumerate(pairwise(sizes)):
            kernel(numbered("conv2d", 7 * stem + level), (5, 5, taken, size), 25 * taken, size)
        kernel(numbered("conv2d", 7 * stem + 6), (4, 4, 1, 2), 16, 2)
        for level, size in enumerate(ups):
            taken = filters[-1] if level == 0 else 2 * ups[level - 1]
            name = numbered("conv2d_transpose", 6 * stem + level)
            kernel(name, (5, 5, size, taken), 6 * taken, size)
        for level, size in enumerate([*filters, *ups]):
            name = numbered("batch_normalization", 12 * stem + level)
            for part in ("beta", "moving_mean"):
                made[f"{name}/{part}"] = rng.normal(0, 0.3, size).astype(np.float32)
            for part in ("gamma", "moving_variance"):
                made[f"{name}/{part}"] = rng.uniform(0.5, 1.5, size).astype(np.float32)
    return made


def passing(name: str, passed: str) -> Variables:
    """Weights by which one stem has everything that the networks take."""
    stems = FAMILIES[name].stems
    made = {key: np.zeros_like(value) for key, value in variables_of(len(stems)).items()}
    for index, stem in enumerate(stems):
        bias = made[f"{numbered('conv2d', 7 * index + 6)}/bias"]
        bias[:] = 60 if stem == passed else -60
    return made


def written(folder: Path, name: str, variables: Variables, **options: object) -> Model:
    """Build a model and read it from its file."""
    data, card = build_family(name, variables, **options)  # type: ignore[arg-type]
    path = folder / f"{card.name}.tflite"
    path.write_bytes(data)
    path.with_suffix(".json").write_text(render_card(card))
    return registry.load(path)


def by_onnx(
    variables: Mapping[str, npt.NDArray[np.float32]],
    magnitudes: npt.NDArray[np.float32],
    stem: int,
    *,
    elu: bool,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Logits (T, F, 2) and bottleneck (t, f, channels) of one network, by onnxruntime."""
    import onnxruntime
    from onnx import helper, numpy_helper

    nodes, constants = [], []

    def add(kind: str, inputs: list[str], name: str, **attributes: object) -> str:
        nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def constant(name: str, value: npt.NDArray[np.float32]) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def norm(x: str, number: int) -> str:
        name = numbered("batch_normalization", 12 * stem + number)
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        given = [constant(f"{name}/{part}", variables[f"{name}/{part}"]) for part in parts]
        return add("BatchNormalization", [x, *given], f"n{number}", epsilon=1e-3)

    def weights(kind: str, number: int, order: tuple[int, ...]) -> list[str]:
        name = numbered(kind, number)
        kernel = variables[f"{name}/kernel"].transpose(order)
        return [
            constant(f"{name}/kernel", kernel),
            constant(f"{name}/bias", variables[f"{name}/bias"]),
        ]

    x, skips = "x", []
    for level in range(6):
        given = weights("conv2d", 7 * stem + level, (3, 2, 0, 1))
        x = add("Conv", [x, *given], f"c{level}", strides=[2, 2], auto_pad="SAME_UPPER")
        skips.append(x)
        if level < 5:
            x = norm(x, level)
            x = (
                add("Elu", [x], f"a{level}")
                if elu
                else add("LeakyRelu", [x], f"a{level}", alpha=0.2)
            )
    for level in range(6):
        if level:
            x = add("Concat", [skips[5 - level], x], f"m{level}", axis=1)
        given = weights("conv2d_transpose", 6 * stem + level, (3, 2, 0, 1))
        pads = [1, 1, 2, 2]
        x = add("ConvTranspose", [x, *given], f"u{level}", strides=[2, 2], pads=pads)
        x = norm(add("Elu" if elu else "Relu", [x], f"r{level}"), 6 + level)
    given = weights("conv2d", 7 * stem + 6, (3, 2, 0, 1))
    add("Conv", [x, *given], "y", dilations=[2, 2], pads=[3, 3, 3, 3])
    information = [helper.make_tensor_value_info(each, 1, None) for each in ("y", "c5")]
    image = helper.make_tensor_value_info("x", 1, [1, 2, *magnitudes.shape[:2]])
    graph = helper.make_graph(nodes, "unet", [image], information, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    logits, bottom = session.run(None, {"x": magnitudes.transpose(2, 0, 1)[np.newaxis]})
    return logits[0].transpose(1, 2, 0), bottom[0].transpose(1, 2, 0)
