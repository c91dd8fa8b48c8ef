"""The files of both architectures compute what PyTorch does."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import torch

from pyplugin.models.card import Dataset, parse_card, render_card
from pyplugin.training.calibration import run_patches
from pyplugin.training.classes.batches import Batches, targets_of
from pyplugin.training.classes.export import export_network, network_of
from pyplugin.training.classes.features import compute_features
from pyplugin.training.classes.fit import Fitted
from pyplugin.training.classes.networks import new_network, predict
from pyplugin.training.classes.settings import ARCHITECTURES, ClassesSettings
from pyplugin.training.export import variables_of

LABELS = ("blues", "disco", "metal")


def untrained(name: str, windows: np.ndarray) -> Fitted:
    """A network whose batch norms are not in their initial state."""
    torch.manual_seed(3)
    network = new_network(name, len(LABELS)).train()
    with torch.no_grad():
        for norm in network.norms:
            norm.weight.uniform_(0.5, 1.5)
            norm.bias.uniform_(-0.2, 0.2)
            norm.momentum = 0.5
        for _ in range(6):
            network(torch.from_numpy(windows))
    return Fitted(network.eval(), 1)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_files_compute_what_pytorch_does(name, exclusive, clips):
    settings = ClassesSettings(architecture=name, exclusive=exclusive)
    found = compute_features(clips, settings.kind).clips
    patch = settings.kind.patch
    batches = Batches(found, targets_of(found, LABELS), settings.kind, patch)
    windows, _ = batches.batch(30, np.random.default_rng(1))
    fitted = untrained(name, windows)
    wanted = predict(fitted.network, windows, exclusive=exclusive)
    source = network_of(fitted, LABELS, settings, "made", "Made.")
    data = source.build(variables_of(fitted.network), patch=patch)
    values = run_patches(data, windows, ("activations", "embedding"))
    np.testing.assert_allclose(values["activations"], wanted, atol=1e-4)
    assert values["embedding"].shape[1] == source.outputs[2].size
    about = Dataset("made", "none", "24 clips", {})
    int8 = export_network(fitted, found, found, LABELS, settings, name="made", dataset=about)
    values = run_patches(int8.data, windows, ("activations",))["activations"]
    assert np.abs(values - wanted).mean() < 0.02
    card = parse_card(render_card(int8.card))
    assert card == int8.card
    assert (card.labels, card.model_types) == (LABELS, ("tflite-int8",))
    assert card.results[0].activation == ("softmax" if exclusive else "sigmoid")
    assert card.front_end == settings.kind.front_end
