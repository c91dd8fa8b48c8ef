"""The networks of stems: against onnxruntime, on checkpoints of every family."""

import numpy as np
import pytest
from small_unets import FILTERS, by_onnx, variables_of, written

from pyplugin.errors import ModelError
from pyplugin.models.importers.spleeter import FAMILIES
from pyplugin.models.unet import UNetLayout, embedding_size, layout_of
from pyplugin.stems.network import StemNetwork

pytest.importorskip("ai_edge_litert", reason="needs LiteRT")


@pytest.mark.parametrize("name", list(FAMILIES))
@pytest.mark.parametrize("wide", [False, True], ids=["narrow", "wide"])
def test_the_networks_are_those_of_the_checkpoint(tmp_path, name, wide):
    family = FAMILIES[name]
    filters = (20, 40, 36, 33, 32, 48) if wide else FILTERS  # all ways to convolve transposed
    variables = variables_of(len(family.stems), seed=3, filters=filters)
    network = StemNetwork(written(tmp_path, name, variables, patch=64))
    magnitudes = np.abs(np.random.default_rng(4).normal(size=(64, 1024, 2))).astype(np.float32)
    masks, embedding = network.run(magnitudes)
    found = [
        by_onnx(variables, magnitudes, index, elu=family.elu) for index in range(len(family.stems))
    ]
    logits = np.stack([each[0] for each in found]).astype(np.float64)
    if family.softmax:
        want = np.exp(logits) / np.exp(logits).sum(axis=0)
    else:
        want = 1 / (1 + np.exp(-logits))
    assert network.stems == family.stems
    np.testing.assert_allclose(masks, want, atol=2e-5)
    parts = [
        np.concatenate([bottom.mean(axis=(0, 1)), np.abs(bottom).mean(axis=2).ravel()])
        for _, bottom in found
    ]
    np.testing.assert_allclose(embedding, np.concatenate(parts), atol=1e-5)


def test_weights_of_16_bits_are_half_as_large_and_nearly_the_same(tmp_path):
    variables = variables_of(2, filters=(16, 16, 32, 32, 64, 64))
    whole = written(tmp_path, "spleeter-2stems", variables, patch=64)
    half = written(tmp_path, "spleeter-2stems", variables, patch=64, half=True)
    assert half.name == "spleeter-2stems-fp16-p64"
    assert len(half.data) < 0.6 * len(whole.data)
    magnitudes = np.abs(np.random.default_rng(5).normal(size=(64, 1024, 2))).astype(np.float32)
    one, other = (StemNetwork(each).run(magnitudes)[0] for each in (whole, half))
    assert 0 < np.abs(one - other).max() < 0.01


def test_the_embedding_of_two_published_networks_has_1280_values():
    assert embedding_size(UNetLayout(2, (16, 32, 64, 128, 256, 512)), 512) == 1280


def _without(variables, name):
    return {key: value for key, value in variables.items() if key != name}


@pytest.mark.parametrize(
    ("damaged", "message"),
    [
        (lambda v: {}, "0 kernels"),
        (lambda v: _without(v, "conv2d_3/kernel"), "25 kernels.*partial"),
        (lambda v: _without(v, "batch_normalization_4/beta"), "no batch_normalization_4/beta"),
        (
            lambda v: {**v, "conv2d_2/bias": np.zeros(7, np.float32)},
            r"2/bias has shape \(7,",
        ),
        (lambda v: {**v, "conv2d/bias": np.full(3, np.nan, np.float32)}, "not finite"),
    ],
    ids=["empty", "partial", "no norm", "shape", "NaN"],
)
def test_another_or_damaged_checkpoint_is_refused(damaged, message):
    with pytest.raises(ModelError, match=message):
        layout_of(damaged(variables_of(2)))
