"""Cards: what is written reads back; every bad field is refused by name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pyplugin.errors import ModelError
from pyplugin.models.card import (
    CalibrationSource,
    Card,
    Dataset,
    Drift,
    InputTensor,
    OutputTensor,
    Schema,
    Waveform,
    load_card,
    parse_card,
    render_card,
)
from pyplugin.models.folders import shipped_folder
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


def test_a_card_reads_back() -> None:
    assert parse_card(render_card(CARD)) == CARD


def test_a_card_without_calibration_reads_back() -> None:
    card = replace(CARD, calibration=None, quantisation=None, model_types=("tflite-float32",))
    assert parse_card(render_card(card)) == card


def test_silence_before_a_stream_is_assumed_only_if_a_card_states_it() -> None:
    assert "silence_before" not in CONTENT
    assert not CARD.silence_before
    card = replace(CARD, silence_before=True)
    assert parse_card(render_card(card)) == card


def described(**changes: Any) -> Card:
    """CARD with changes, written and read back."""
    card = replace(CARD, **changes)
    assert parse_card(render_card(card)) == card
    return card


def test_a_model_with_an_embedding_only_is_described() -> None:
    card = described(labels=(), quantisation=None, schema=Schema(CARD.inputs, OUTPUTS[1:]))
    assert "classes" not in json.loads(render_card(card))
    assert card.output_named(None).size == 7


def test_a_model_without_an_embedding_is_described() -> None:
    card = described(embedding=None, schema=Schema(CARD.inputs, OUTPUTS[:1]))
    with pytest.raises(ModelError, match="small has no embedding of its own; name an output: act"):
        card.output_named(None)
    with pytest.raises(ModelError, match="small has no output 'x'; choose one of activations"):
        card.output_named("x")


@pytest.mark.parametrize(
    "shape", [(1, 187, 96), (1, 187, 96, 1), (1, 1, 187, 96), (1, 96, 187)], ids=str
)
def test_inputs_of_several_ranks_are_described(shape: tuple[int, ...]) -> None:
    described(schema=Schema((InputTensor("mel", "float", shape),), OUTPUTS))


def test_a_model_of_waveforms_is_described() -> None:
    card = described(
        inference=Waveform(16000),
        patch_frames=15600,
        schema=Schema((InputTensor("waveform", "float", (1, 15600)),), OUTPUTS),
    )
    with pytest.raises(ModelError, match="small takes a waveform"):
        _ = card.front_end


@pytest.mark.parametrize("norm", ["none", "z-score", "max"])
def test_normalisation_of_patches_is_described(norm: str) -> None:
    assert described(inference=replace(PRESETS["musicnn"], patch_norm=norm)).front_end


def test_regression_and_several_classifiers_are_described() -> None:
    """A tempo with its unit and range beside two classifiers with labels of their own."""
    outputs = (
        OutputTensor("mood", "float", (1, 2), "predictions", op="Softmax"),
        OutputTensor("voice", "float", (1, 1), "predictions", op="Sigmoid", labels=("voice",)),
        OutputTensor("tempo", "float", (1, 1), "regression", unit="BPM", range=(30.0, 286.0)),
    )
    card = described(embedding=None, schema=Schema(CARD.inputs, outputs))
    assert [output.activation for output in card.outputs] == ["softmax", "sigmoid", None]


@pytest.mark.parametrize("task", ["tempo", "regression model", "voice activity", "moods"])
def test_a_card_has_any_task(task: str) -> None:
    assert described(type=task).type == task


def test_essentias_fields_are_kept() -> None:
    described(
        email="a@example.org",
        release_date="2020-03-31",
        framework="tensorflow",
        framework_version="2.8.0",
        programming_env={"language": "python"},
        citation="Somebody, 2020",
        dataset=Dataset("none", "none", 22211, {"arousal": {"R^2 Score": -0.6}}, link="x"),
    )


@pytest.mark.parametrize("path", [path for path in FIELDS if path != ("embedding",)], ids=str)
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
        (("type",), ["auto-tagging"]),
        (("classes",), ["piano", "piano"]),
        (("classes",), ["piano", 3]),
        (("classes",), ["piano"]),
        (("model_types",), ["keras"]),
        (("dataset", "metrics"), {"ROC-AUC": "high"}),
        (("schema", "inputs", 0, "shape"), [1, 96, 186]),
        (("schema", "inputs", 0, "shape"), [1, 187]),
        (("schema", "inputs", 0, "shape"), [187]),
        (("schema", "inputs", 0, "shape"), ["batch_size", 187, 96]),
        (("schema", "inputs", 0, "shape"), [1] * 7),
        (("schema", "inputs", 0, "shape"), [64, 187, 96]),
        (("schema", "outputs", 0, "range"), [1.0, 0.0]),
        (("schema", "outputs", 0, "range"), [0.0]),
        (("schema", "outputs", 1, "classes"), ["one"]),
        (("schema", "outputs", 0, "classes"), ["one", "one"]),
        (("schema", "inputs", 0, "type"), "int8"),
        (("schema", "outputs", 0, "shape"), [2, 2]),
        (("schema", "outputs", 0, "output_purpose"), "embeddings"),
        (("schema", "outputs", 1, "output_purpose"), "predictions"),
        (("schema", "outputs", 1, "output_purpose"), ""),
        (("schema", "outputs", 1, "name"), "activations"),
        (("inference", "sample_rate"), 7999),
        (("inference", "frame"), 513),
        (("inference", "hop"), 0),
        (("inference", "window"), "hamming"),
        (("inference", "log"), "log"),
        (("inference", "log_scale"), 1e10),
        (("inference", "algorithm"), "cqt"),
        (("inference", "patch_norm"), "mean"),
        (("inference", "fmax"), 8001.0),
        (("inference", "fmin"), 8000.0),
        (("patch_frames",), 187.5),
        (("patch_frames",), 10**30),
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
    named = {"output_purpose": "outputs", "name": "one name"}
    with pytest.raises(ModelError, match=named.get(str(path[-1]), str(path[-1]))):
        parse_card(text)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", "null", "[" * 100_000, '{"name": NaN}', '{"name": 1e999}']
)
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
    with pytest.raises(ModelError, match=r"x\.json.*'name'"):
        load_card(path)
    path.write_text(" " * (1 << 20) + "{}")
    with pytest.raises(ModelError, match="larger"):
        load_card(path)


def test_a_card_file_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(render_card(CARD), encoding="utf-8")
    assert load_card(path) == CARD


def test_the_shipped_card_reads_back() -> None:
    path = shipped_folder() / "scene.json"
    assert json.loads(render_card(load_card(path))) == json.loads(path.read_text())


def test_a_sentence_has_the_place_what_is_given_and_what_is_expected() -> None:
    content = json.loads(render_card(CARD))
    content["inference"]["window"] = "hamming"
    with pytest.raises(ModelError) as caught:
        parse_card(json.dumps(content))
    assert str(caught.value) == (
        "The card's 'inference.window' is 'hamming'; expected one of hann-periodic, hann-symmetric."
    )
