"""A card with every part, as content, and the places of its fields."""

import json
from collections.abc import Callable
from typing import Any

from pyplugin.models.card import (
    CalibrationSource,
    Card,
    Dataset,
    Drift,
    InputTensor,
    OutputTensor,
    Schema,
    render_card,
)
from pyplugin.models.frontends import PRESETS

OUTPUTS = (
    OutputTensor("activations", "float", (1, 2), "predictions"),
    OutputTensor("dense", "float", (1, 7), "embeddings"),
)
CARD = Card(
    name="small",
    type="auto-tagging",
    link="https://example.org",
    version="1",
    description="A card for tests.",
    license="MIT",
    author="Nobody",
    labels=("piano", "no piano"),
    model_types=("tflite-int8",),
    dataset=Dataset("none", "none", "0", {"ROC-AUC": 0.5}),
    schema=Schema((InputTensor("mel", "float", (1, 187, 96)),), OUTPUTS),
    inference=PRESETS["musicnn"],
    patch_frames=187,
    default_hop=1.0,
    embedding="dense",
    calibration=CalibrationSource("noise", 1, 2),
    sha256="0" * 64,
    quantisation=Drift(0.01, 0.1, 4.5, {"piano": 0.01, "no piano": 0.01}),
)
CONTENT: dict[str, Any] = json.loads(render_card(CARD))


def paths(content: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The place of every field."""
    found = []
    if isinstance(content, dict):
        for key, value in content.items():
            found += [(*path, key), *paths(value, (*path, key))]
    elif isinstance(content, list) and content and isinstance(content[0], dict):
        for number, value in enumerate(content):
            found += paths(value, (*path, number))
    return found


FREE = {"metrics", "per_label"}  # objects whose keys are the author's
FIELDS = [path for path in paths(CONTENT) if not FREE & set(path[:-1])]


def changed(path: tuple[str | int, ...], change: Callable[[Any, str | int], None]) -> str:
    content = json.loads(json.dumps(CONTENT))
    place = content
    for key in path[:-1]:
        place = place[key]
    change(place, path[-1])
    return json.dumps(content)


# Fields that do not matter for running.
OPTIONAL = {
    *((key,) for key in ("type", "link", "version", "description", "license", "author")),
    *((key,) for key in ("dataset", "embedding", "calibration", "quantisation")),
    *(("dataset", key) for key in ("name", "citation", "size", "metrics")),
    *(("inference", key) for key in ("window", "fmin")),
    *(("inference", key) for key in ("log_offset", "log_floor")),  # its log has a scale
}
