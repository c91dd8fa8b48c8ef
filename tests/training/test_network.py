"""The scene network: shapes, and that columns are shared by all windows that contain them."""

from dataclasses import asdict

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import numpy as np
import torch
from small_network import SMALL

from pyplugin.training.corpus import LABELS
from pyplugin.training.network import Layer, NetworkSettings, SceneNetwork


@pytest.fixture(scope="module")
def network() -> SceneNetwork:
    torch.manual_seed(0)
    return SceneNetwork(SMALL).eval()


def test_the_results_have_a_row_for_each_window(network: SceneNetwork) -> None:
    with torch.no_grad():
        logits, embedding = network(torch.rand(5, SMALL.patch, SMALL.bands))
    assert logits.shape == (5, len(LABELS))
    assert embedding.shape == (5, SMALL.embedding)
    assert (embedding >= 0).all()  # after ReLU


def test_windows_of_a_stream_share_their_columns(network: SceneNetwork) -> None:
    """The inline runtime computes each column once, which requires convolutions without padding."""
    mel = torch.rand(1, SMALL.patch + 7, SMALL.bands)
    with torch.no_grad():
        whole = network.columns(mel)
        width = network.columns(mel[:, : SMALL.patch]).shape[2]
        for start in (0, 3, 7):
            window = network.columns(mel[:, start : start + SMALL.patch])
            torch.testing.assert_close(window, whole[:, :, start : start + width])


def test_classifying_columns_is_the_forward_pass(network: SceneNetwork) -> None:
    mel = torch.rand(2, SMALL.patch, SMALL.bands)
    with torch.no_grad():
        for direct, staged in zip(
            network(mel), network.classify(network.columns(mel)), strict=True
        ):
            torch.testing.assert_close(direct, staged)


def test_pooling_ignores_the_order_of_columns(network: SceneNetwork) -> None:
    mel = torch.rand(1, SMALL.patch, SMALL.bands)
    with torch.no_grad():
        columns = network.columns(mel)
        order = torch.from_numpy(np.random.default_rng(0).permutation(columns.shape[2]))
        torch.testing.assert_close(
            network.classify(columns)[0], network.classify(columns[:, :, order])[0]
        )


def test_settings_are_restored_from_their_table() -> None:
    assert NetworkSettings.from_table(asdict(SMALL)) == SMALL
    made = NetworkSettings.from_table({"layers": [{"channels": 4, "time": 3, "bands": 7}]})
    assert made.layers == (Layer(4, 3, 7),)
    assert made.patch == NetworkSettings().patch


@pytest.mark.parametrize(
    "table", [{"patches": 3}, {"layers": [{"channels": 4}]}, {"layers": [{"width": 4}]}]
)
def test_unknown_and_missing_keys_are_rejected(table: dict) -> None:
    with pytest.raises(TypeError):
        NetworkSettings.from_table(table)
