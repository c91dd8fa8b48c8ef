"""Cards: what is written reads back; every bad field is refused by name."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyplugin.errors import ModelError
from pyplugin.models.card import (
    CalibrationSource,
    Card,
    Dataset,
    Drift,
    Input,
    Output,
    load_card,
    parse_card,
    render_card,
)
from pyplugin.models.frontends import PRESETS

CARD = Card(
    name="small",
    link="https://example.org",
    version="1",
    description="A card for tests.",
    license="MIT",
    author="Nobody",
    labels=("piano", "no piano"),
    model_types=("tflite-int8",),
    dataset=Dataset("none", "none", "0", {"ROC-AUC": 0.5}),
    inputs=(Input("mel", "float", (1, 187, 96)),),
    outputs=(Output("activations", 2, "predictions"), Output("dense", 7, "embeddings")),
    front_end=PRESETS["musicnn"],
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


def test_a_card_reads_back() -> None:
    assert parse_card(render_card(CARD)) == CARD


def test_a_card_without_calibration_reads_back() -> None:
    card = replace(CARD, calibration=None, quantisation=None, model_types=("tflite-float32",))
    assert parse_card(render_card(card)) == card


def test_a_card_takes_what_was_before_for_silence_only_if_it_says_so() -> None:
    assert "silence_before" not in CONTENT
    assert not CARD.silence_before
    card = replace(CARD, silence_before=True)
    assert parse_card(render_card(card)) == card


@pytest.mark.parametrize("path", FIELDS, ids=str)
def test_a_missing_field_is_named(path: tuple[str | int, ...]) -> None:
    text = changed(path, lambda place, key: place.pop(key))
    with pytest.raises(ModelError, match=str(path[-1])):
        parse_card(text)


@pytest.mark.parametrize("path", FIELDS, ids=str)
@pytest.mark.parametrize("bad", [True, -1, "", []], ids=repr)
def test_a_bad_value_is_named(path: tuple[str | int, ...], bad: object) -> None:
    text = changed(path, lambda place, key: place.update({key: bad}))
    with pytest.raises(ModelError, match=str(path[-1])):
        parse_card(text)


@pytest.mark.parametrize(
    "group",
    [
        (),
        ("dataset",),
        ("schema",),
        ("schema", "inputs", 0),
        ("schema", "outputs", 1),
        ("inference",),
        ("calibration",),
        ("quantisation",),
    ],
    ids=str,
)
def test_an_unknown_field_is_named(group: tuple[str | int, ...]) -> None:
    text = changed((*group, "colour"), lambda place, key: place.update({key: "blue"}))
    with pytest.raises(ModelError, match=r"unknown field '.*colour'"):
        parse_card(text)


@pytest.mark.parametrize(
    ("path", "bad"),
    [
        (("type",), "music-emotion"),
        (("classes",), ["piano", "piano"]),
        (("classes",), ["piano", 3]),
        (("classes",), ["piano"]),
        (("model_types",), ["onnx"]),
        (("dataset", "metrics"), {"ROC-AUC": "high"}),
        (("schema", "inputs", 0, "shape"), [1, 96, 187]),
        (("schema", "inputs", 0, "shape"), [1, 187]),
        (("schema", "inputs", 0, "type"), "int8"),
        (("schema", "outputs", 0, "shape"), [2, 2]),
        (("schema", "outputs", 0, "output_purpose"), "embeddings"),
        (("schema", "outputs", 1, "output_purpose"), "predictions"),
        (("schema", "outputs", 1, "name"), "activations"),
        (("inference", "sample_rate"), 7999),
        (("inference", "frame"), 513),
        (("inference", "hop"), 0),
        (("inference", "window"), "hamming"),
        (("inference", "log"), "log"),
        (("inference", "log_scale"), float("nan")),
        (("inference", "log_floor"), float("inf")),
        (("inference", "fmax"), 8001.0),
        (("inference", "fmin"), 8000.0),
        (("patch_frames",), 187.0),
        (("patch_frames",), 186),
        (("default_hop",), 0),
        (("silence_before",), 1),
        (("silence_before",), None),
        (("embedding",), "penultimate"),
        (("sha256",), "0" * 63),
        (("sha256",), "G" * 64),
        (("calibration", "patches"), 0),
        (("quantisation", "top5_overlap"), 5.1),
        (("quantisation", "per_label"), {"piano": 0.01}),
    ],
    ids=str,
)
def test_a_value_out_of_range_is_named(path: tuple[str | int, ...], bad: object) -> None:
    text = changed(path, lambda place, key: place.update({key: bad}))
    named = {"shape": "shape|for 2 patches", "output_purpose": "outputs", "name": "one name"}
    named |= {"classes": "classes"}
    with pytest.raises(ModelError, match=named.get(str(path[-1]), str(path[-1]))):
        parse_card(text)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", "null", "[" * 100_000])
def test_what_is_no_card_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="card"):
        parse_card(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(sorted(CONTENT)), inner),
    )
)
def test_other_json_never_raises_anything_else(content: object) -> None:
    with pytest.raises(ModelError):
        parse_card(json.dumps(content))


def test_the_path_is_in_the_message(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(ModelError, match=r"x\.json"):
        load_card(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match=r"x\.json.*UTF-8"):
        load_card(path)
    path.write_text("{}")
    with pytest.raises(ModelError, match=r"x\.json.*'type'"):
        load_card(path)
    path.write_text(" " * (1 << 20) + "{}")
    with pytest.raises(ModelError, match="larger"):
        load_card(path)


def test_a_card_file_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(render_card(CARD), encoding="utf-8")
    assert load_card(path) == CARD
