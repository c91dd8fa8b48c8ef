"""A small scene network that trains in seconds; a module that imports this needs PyTorch."""

import pytest

pytest.importorskip("torch", reason="needs torch: pip install 'tagnode[network]'")

import torch

from pyplugin.training.network import Layer, NetworkSettings

torch.set_num_threads(1)  # two would wait for each other on a busy machine

SMALL = NetworkSettings(
    patch=30,
    layers=(Layer(4, 3, 7, 2), Layer(6, 3, 5, 4, 2), Layer(8, 1, 11), Layer(8, 3, 1, 1, 2)),
    embedding=10,
)
