"""Starts: Essentia's cards, whose missing fields are named, become cards of ours."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pyplugin.errors import ModelError
from pyplugin.models.card import InputTensor, OutputTensor, Schema, parse_card
from pyplugin.models.folders import shipped_folder
from pyplugin.models.frontends import PRESETS
from pyplugin.models.starts import parse_start

SHARED = Path(__file__).parents[3] / "shared" / "corpus"

# After the form of Essentia's cards: a tagger, and a classifier on its embedding.
TAGGER: dict[str, Any] = {
    "name": "Tiny Tagger",
    "type": "auto-tagging",
    "link": "https://example.org/tiny-tagger-1.pb",
    "version": "1",
    "description": "prediction of two tags",
    "author": "Nobody",
    "email": "nobody@example.org",
    "release_date": "2020-03-31",
    "framework": "tensorflow",
    "framework_version": "1.15.0",
    "classes": ["rock", "pop"],
    "model_types": ["frozen_model"],
    "dataset": {"name": "none", "citation": "none", "size": "2 songs", "metrics": {"ROC-AUC": 0.5}},
    "schema": {
        "inputs": [{"name": "model/Placeholder", "type": "float", "shape": [187, 96]}],
        "outputs": [
            {
                "name": "model/Sigmoid",
                "type": "float",
                "shape": [1, 2],
                "op": "Sigmoid",
                "output_purpose": "predictions",
            },
            {
                "name": "model/dense/BiasAdd",
                "type": "float",
                "shape": [1, 200],
                "op": "fully connected",
                "output_purpose": "embeddings",
            },
        ],
    },
    "citation": "",
    "inference": {"sample_rate": 16000, "algorithm": "TensorflowPredictMusiCNN"},
    "internal_notes": ["unknown to both"],
}
CLASSIFIER: dict[str, Any] = {
    "name": "tiny valence",
    "type": "regression model",
    "version": "2",
    "classes": ["valence"],
    "dataset": {"name": "none", "size": 1000, "metrics": {"valence": {"R^2 Score": -0.5}}},
    "schema": {
        "inputs": [{"name": "model/Placeholder", "type": "float", "shape": ["batch_size", 200]}],
        "outputs": [{"name": "model/Identity", "type": "float", "shape": [1], "op": "Identity"}],
    },
    "inference": {
        "sample_rate": 16000,
        "algorithm": "TensorflowPredict2D",
        "embedding_model": {"algorithm": "TensorflowPredictMusiCNN", "model_name": "tiny-tagger-1"},
    },
}


def test_a_tagger_is_a_start() -> None:
    start = parse_start(json.dumps(TAGGER))
    assert (start.name, start.labels) == ("Tiny Tagger", ("rock", "pop"))
    assert [output.purpose for output in start.schema.outputs] == ["predictions", "embeddings"]
    assert start.content["internal_notes"] == ["unknown to both"]
    assert start.missing == (
        "The card's 'model_types[0]' is 'frozen_model'; expected one of tflite-int8, "
        "tflite-float32, onnx.",
        "The card's 'inference.algorithm' is 'TensorflowPredictMusiCNN'; expected one of mel, "
        "waveform, stft.",
        "The card has no field 'patch_frames', such as 125.",
        "The card has no field 'default_hop', such as 0.1.",
        "The card has no field 'sha256'.",
    )


def test_a_classifier_is_a_start() -> None:
    start = parse_start(json.dumps(CLASSIFIER))
    model = start.inference.embedding_model
    assert model is not None
    assert model.model_name == "tiny-tagger-1"
    assert start.schema.inputs[0].shape == ("batch_size", 200)
    assert any("'schema.inputs[0].shape[0]' is 'batch_size'" in each for each in start.missing)


def test_a_start_is_completed_to_a_card() -> None:
    start = parse_start(json.dumps(TAGGER))
    outputs = (
        OutputTensor("tags", "float", (1, 2), "predictions", op="Sigmoid"),
        OutputTensor("dense", "float", (1, 200), "embeddings"),
    )
    given = {
        "license": "CC-BY-NC-SA-4.0",
        "model_types": ["tflite-float32"],
        "schema": Schema((InputTensor("mel", "float", (1, 187, 96)),), outputs),
        "inference": PRESETS["essentia-musicnn"],
        "patch_frames": 187,
        "default_hop": 1.0,
        "calibration": None,
        "sha256": "0" * 64,
        "quantisation": None,
        "embedding": "dense",
    }
    card = start.completed(**given)
    assert (card.name, card.labels, card.email) == (start.name, start.labels, "nobody@example.org")
    assert card.outputs == outputs
    with pytest.raises(ModelError, match="no field 'patch_frames'"):
        start.completed(**{key: value for key, value in given.items() if key != "patch_frames"})
    with pytest.raises(ModelError, match="unknown field 'colour'"):
        start.completed(**given, colour="blue")
    with pytest.raises(ModelError, match="2 predictions, but 'classes' has 3"):
        start.completed(**given, classes=["rock", "pop", "jazz"])


def test_our_own_card_is_a_complete_start() -> None:
    text = (shipped_folder() / "scene.json").read_text()
    start = parse_start(text)
    assert start.missing == ()
    assert start.completed() == parse_card(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": 3}, "'name' is 3; expected text"),
        ({"classes": "rock"}, "'classes' is 'rock'; expected a list"),
        ({"schema": {"outputs": [{"shape": [1]}]}}, r"no field 'schema.outputs\[0\].name'"),
        ({"inference": {"sample_rate": "high"}}, "'inference.sample_rate' is 'high'"),
    ],
)
def test_a_field_of_another_type_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        parse_start(json.dumps(TAGGER | change))


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"name": "' + "x" * (1 << 20)])
def test_what_is_no_start_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="card"):
        parse_start(text)


def test_every_card_of_essentias_is_a_start() -> None:
    corpus = Path(os.environ.get("PYPLUGIN_CORPUS", SHARED))
    folder = corpus.parent / "weights" / "essentia-json"
    paths = sorted(folder.glob("*.json"))
    if not paths:
        pytest.skip(f"no cards of Essentia's at {folder}")
    for path in paths:
        content = json.loads(path.read_text())
        start = parse_start(path.read_text())
        assert start.labels == tuple(content["classes"]), path.name
        outputs = content["schema"]["outputs"]
        assert [output.name for output in start.schema.outputs] == [
            each["name"] for each in outputs
        ]
        assert start.content == content
        for field in ("patch_frames", "sha256"):
            begin = f"The card has no field '{field}'"
            assert any(each.startswith(begin) for each in start.missing), path.name
        assert any("inference" in sentence for sentence in start.missing), path.name
