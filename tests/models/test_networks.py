"""Cards of networks: their fields and the hash of the file."""

import hashlib

import pytest

from pyplugin.models.card import Dataset, OutputTensor, parse_card, render_card
from pyplugin.models.networks import Network

OUTPUTS = (
    OutputTensor("activations", "float", (1, 2), "predictions"),
    OutputTensor("dense", "float", (1, 8), "embeddings"),
)
NETWORK = Network(
    name="net",
    description="A network.",
    labels=("one", "two"),
    dataset=Dataset("set", "none", "3 songs", {}),
    outputs=OUTPUTS,
    embedding="dense",
    build=bytes,
    activations=(),
    turnable=frozenset(),
    corrected="dense",
)


@pytest.mark.parametrize("int8", [False, True])
def test_a_card_describes_the_file_and_can_be_read_back(int8):
    fields = {
        "name": "net-p20",
        "link": "https://example.org",
        "version": "1",
        "description": "A network (20 frames).",
        "license": "MIT",
        "author": "Me",
        "default_hop": 1.0,
        "dataset": NETWORK.dataset,
        "calibration": None,
        "quantisation": None,
    }
    card = NETWORK.card(b"file", patch=20, int8=int8, **fields)
    assert card.sha256 == hashlib.sha256(b"file").hexdigest()
    assert card.inputs[0].shape == (1, 20, 96)
    assert card.model_types == (("tflite-int8",) if int8 else ("tflite-float32",))
    assert (card.outputs, card.output_named(None).size) == (OUTPUTS, 8)
    assert parse_card(render_card(card)) == card
