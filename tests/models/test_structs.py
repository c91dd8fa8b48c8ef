"""What a node cannot run, which cards may describe, is refused before any sound."""

from typing import Any

import pytest
from msgspec.structs import replace

import pyplugin
from pyplugin import Node
from pyplugin.models import registry
from pyplugin.models.card import Card, InputTensor, OutputTensor, Schema, Waveform
from pyplugin.models.structs import card_struct

SCENE = registry.load("scene")
MEL = SCENE.card.inputs[0]
TAGS, LOGITS, EMBEDDING = SCENE.card.outputs


def card(*outputs: OutputTensor, inputs: tuple[InputTensor, ...] = (MEL,), **changes: Any) -> Card:
    return replace(SCENE.card, schema=Schema(inputs, outputs or SCENE.card.outputs), **changes)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (card(EMBEDDING), "has labels, but no output of predictions or of regression"),
        (card(LOGITS, TAGS), "one output of predictions .* is expected, the first; .* logits"),
        (card(TAGS, replace(LOGITS, purpose="predictions")), "one output of predictions"),
        (card(TAGS, replace(LOGITS, purpose="regression")), "one output of predictions"),
        (
            card(replace(TAGS, purpose="regression"), labels=("speech",)),
            "activations has 7 values, but the card has 1 labels",
        ),
        (card(*SCENE.card.outputs * 9), "27 outputs; at most"),
        (card(replace(TAGS, labels=tuple("abcdefg"))), "other labels than the card"),
        (
            card(inputs=(replace(MEL, shape=(1, 96, 125)),)),
            r"\[1, 96, 125\]; expected frames before",
        ),
        (card(inputs=(MEL, MEL)), "has 2 inputs"),
        (card(inference=Waveform(16000), patch_frames=12000), "scene takes a waveform"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_a_node_cannot_run_is_refused_with_the_reason(given: Card, words: str) -> None:
    with pytest.raises(pyplugin.ModelError, match=words):
        card_struct(given)
    with pytest.raises(pyplugin.ModelError, match=words):
        Node(16000, 1, 512, model=registry.Model("scene", SCENE.path, given, SCENE.data))


@pytest.mark.parametrize("number", range(1, 5))
def test_the_front_end_is_in_the_struct(number: int) -> None:
    norm = ("none", "z-score", "max", "top-db", "relative-db")[number]
    changes = {
        "mel_scale": "none",
        "mel_triangles": "mel",
        "exponent": "half",
        "log": "log-zero",
        "log_floor": 0.25,
        "framing": "from-zero",
        "patch_norm": norm,
        "patch_range": 60.0,
    }
    struct = card_struct(card(inference=replace(SCENE.card.front_end, **changes)))
    end = struct.frontend
    assert (end.mel_scale, end.mel_triangles, end.exponent) == (2, 1, 2)
    assert (end.log, end.log_parameter, end.framing) == (5, 0.25, 1)
    assert (struct.patch_norm, struct.patch_range) == (number, 60.0)


@pytest.mark.parametrize("shape", [(1, 125, 96), (1, 125, 96, 1), (1, 1, 125, 96)], ids=str)
def test_dimensions_of_one_make_no_difference(shape: tuple[int, ...]) -> None:
    struct = card_struct(card(inputs=(replace(MEL, shape=shape),)))
    assert (struct.patch_frames, struct.frontend.bands, struct.outputs) == (125, 96, 3)
    assert list(struct.output_size[0:3]) == [7, 7, 64]
