"""Cards: what is written reads back; every bad field is refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest
from card_cases import CARD, CONTENT, FIELDS, OPTIONAL, OUTPUTS, changed
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pyplugin.errors import ModelError
from pyplugin.models.card import (
    Card,
    Dataset,
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


@pytest.mark.parametrize("path", sorted(OPTIONAL), ids=str)
def test_a_field_that_does_not_matter_may_be_missing(path: tuple[str, ...]) -> None:
    assert path in FIELDS
    text = changed(path, lambda place, key: place.pop(key))
    card = parse_card(text)
    assert parse_card(render_card(card)) == card


@pytest.mark.parametrize("path", [path for path in FIELDS if path not in OPTIONAL], ids=str)
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


LINES = json.dumps(CONTENT, indent=1).splitlines()


@pytest.mark.parametrize(
    ("line", "change", "sentence"),
    [
        (
            ' "patch_frames": 187,',
            ' "patch_frames": "187",',
            "The card's 'patch_frames' is '187'; expected a whole number, such as 125.",
        ),
        (
            '  "log": "log10-1p",',
            '  "log": "ln",',
            "The card's 'inference.log' is 'ln'; expected one of log10-1p, log-offset, log-floor, "
            "log-zero, db, none.",
        ),
        (
            ' "default_hop": 1.0,',
            ' "default_hup": 1.0,',
            "The card has an unknown field 'default_hup'.",
        ),
        (
            '  "log_scale": 10000.0,',
            '  "log_scale": 0,',
            "The card's 'inference.log_scale' is 0; a 'log' of log10-1p needs more than 0.",
        ),
        (
            '  "piano",',
            '  "no piano",',
            "The card's 'classes' has 'no piano' twice; give each label a name of its own.",
        ),
        (
            '  "piano",',
            '  "piano", "organ",',
            "The card's 'schema.outputs[0]' has 2 predictions, but 'classes' has 3 labels; give 2.",
        ),
        (' "name": "small",', ' "name": "small"', "Not a card: "),
    ],
)
def test_an_error_has_its_line_what_is_given_what_is_expected_and_an_example(
    tmp_path: Path, line: str, change: str, sentence: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text("\n".join(change if each == line else each for each in LINES))
    with pytest.raises(ModelError) as caught:
        load_card(path)
    where = LINES.index(line) + 1
    if "'classes' has" in sentence:  # the label's line is not that of the field
        where = next(
            number
            for number, each in enumerate(LINES, 1)
            if each.strip().startswith('"classes"' if "twice" in sentence else '"outputs"')
        )
        where += "outputs[0]" in sentence  # the first item
    if sentence.startswith("Not a card"):
        where += 1  # where the comma is missed
    assert str(caught.value).startswith(f"{path}, line {where}: {sentence}")


def test_a_missing_field_has_the_line_of_what_it_belongs_to_and_an_example() -> None:
    content = json.loads(render_card(CARD))
    del content["inference"]["bands"]
    text = json.dumps(content, indent=1)
    line = text[: text.index('"inference"')].count("\n") + 1
    with pytest.raises(ModelError) as caught:
        parse_card(text)
    assert str(caught.value) == (
        f"line {line}: The card has no field 'inference.bands', such as 96."
    )
