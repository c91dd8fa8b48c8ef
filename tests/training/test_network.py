"""The scene network: shapes, and that columns are shared by all windows that contain them."""

from dataclasses import asdict, replace

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import numpy as np
import torch
from small_network import SMALL

from pyplugin.training.corpus import LABELS
from pyplugin.training.network import Layer, NetworkSettings, SceneNetwork, add_offsets, zero_mean


@pytest.fixture(scope="module")
def network() -> SceneNetwork:
    torch.manual_seed(0)
    return SceneNetwork(SMALL).eval()


def test_offsets_are_added_to_the_logits_of_their_labels() -> None:
    torch.manual_seed(0)
    some, mel = SceneNetwork(SMALL).eval(), torch.rand(3, SMALL.patch, SMALL.bands)
    with torch.no_grad():
        before, _ = some(mel)
        add_offsets(some, {"drums": 1.5, "voice": -2.0})
        after, _ = some(mel)
    wanted = torch.zeros(len(LABELS))
    wanted[LABELS.index("drums")], wanted[LABELS.index("voice")] = 1.5, -2.0
    torch.testing.assert_close(after - before, wanted.expand(3, -1))


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


@pytest.mark.parametrize("segments", [1, 2, 5])
def test_answers_in_a_sequence_are_those_of_its_windows(segments: int) -> None:
    torch.manual_seed(segments)
    network = SceneNetwork(replace(SMALL, segments=segments)).eval()
    mel = torch.rand(2, SMALL.patch + 9, SMALL.bands)
    with torch.no_grad():
        columns = network.columns(mel)
        ends = torch.tensor([SMALL.columns - 1, SMALL.columns + 3, columns.shape[2] - 1])
        found = network.answers(columns, ends)
        for place, start in enumerate((0, 4, 9)):
            logits, _ = network(mel[:, start : start + SMALL.patch])
            torch.testing.assert_close(found[:, place], logits)


def test_segments_know_what_was_recent() -> None:
    """Each half counts by itself; within a half, the order of columns is ignored."""
    torch.manual_seed(0)
    network = SceneNetwork(replace(SMALL, segments=2)).eval()
    with torch.no_grad():
        columns = network.columns(torch.rand(1, SMALL.patch, SMALL.bands))
        half = columns.shape[2] // 2
        order = np.random.default_rng(0).permutation(half)
        within = np.concatenate([order, half + order])
        across = np.concatenate([half + order, order])
        plain, kept, moved = (
            network.classify(columns[:, :, each])[0]
            for each in (np.arange(2 * half), within, across)
        )
    torch.testing.assert_close(kept, plain)
    assert (moved - plain).abs().max() > 1e-3


@pytest.mark.parametrize("decibels", [-20.0, -7.0, 15.0])
def test_a_level_free_network_ignores_the_level(decibels: float) -> None:
    """Where 100000 power is far above 1, the input is the logarithm of the power alone."""
    torch.manual_seed(0)
    free = SceneNetwork(replace(SMALL, level_free=True)).eval()
    plain = SceneNetwork(SMALL).eval()
    plain.load_state_dict(free.state_dict())
    power = 10.0 ** torch.empty(3, SMALL.patch, SMALL.bands).uniform_(2.0, 6.0)
    louder = power * 10.0 ** (decibels / 10.0)
    apart = []
    for network in (free, plain):
        with torch.no_grad():
            one, other = (network(torch.log10(1.0 + 1e5 * each))[0] for each in (power, louder))
        apart.append(float((one - other).abs().max()))
    assert apart[0] < 1e-4
    assert apart[1] > 1e-3


def test_kernels_less_their_mean_have_none() -> None:
    kernels = zero_mean(torch.rand(4, 2, 3, 7))
    torch.testing.assert_close(kernels.mean(dim=(1, 2, 3)), torch.zeros(4))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"segments": 3}, "20 columns"), ({"segments": 0}, "0 segments"), ({"preset": "x"}, "'x'")],
)
def test_impossible_settings_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **wrong)


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
