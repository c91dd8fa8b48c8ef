"""A network with planted units, and recordings of which one excites each."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile
from helpers import BANDS, Probe
from msgspec import structs

from pyplugin.models.card import InputTensor, OutputTensor, Schema
from pyplugin.models.model import Model
from pyplugin.models.tflite import GraphWriter
from pyplugin.node.frontend import melspectrogram

RATE, PATCH, HEIGHT = 16000, 40, 3
SILENCE_BIAS = 5.0


def planted_weights() -> tuple[np.ndarray, np.ndarray]:
    """Weights (3, HEIGHT, BANDS) and bias of a 1 kHz detector, a silence detector and nothing."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    band = melspectrogram(tone, RATE).mean(axis=0).argmax()
    weights = np.zeros((3, HEIGHT, BANDS))
    weights[0] = -0.1 / BANDS
    weights[0, :, band] = 0.1
    weights[1] = -0.1
    return weights.astype(np.float32), np.array([0.0, SILENCE_BIAS, 0.25], np.float32)


def planted_model(probe: Probe) -> Model:
    """The network: detectors at each position in time, and the greatest of each as labels."""
    weights, bias = planted_weights()
    graph = GraphWriter()
    mel = graph.input("mel", (1, PATCH, BANDS))
    image = graph.reshape("image", mel, (1, PATCH, BANDS, 1))
    found = graph.conv_2d(
        "detectors",
        image,
        graph.constant("filters", weights[..., None]),
        graph.constant("bias", bias),
        padding="valid",
    )
    most = graph.max_pool_2d("most", found, (PATCH - HEIGHT + 1, 1))
    activations = graph.logistic("activations", graph.reshape("flat", most, (1, 3)))
    data = graph.finish({"mel": mel}, {"activations": activations}, description="planted")
    card = structs.replace(
        probe.model.card,
        name="planted",
        labels=("1 kHz", "silence", "nothing"),
        schema=Schema(
            (InputTensor("mel", "float", (1, PATCH, BANDS)),),
            (OutputTensor("activations", "float", (1, 3), "predictions"),),
        ),
        patch_frames=PATCH,
        default_hop=0.16,
        embedding=None,
        sha256=sha256(data).hexdigest(),
    )
    return Model("planted", Path("planted.tflite"), card, data)


def noise(seconds: float, seed: int, rate: int = RATE) -> np.ndarray:
    return 0.02 * np.random.default_rng(seed).standard_normal(int(seconds * rate))


def write_sounds(folder: Path) -> Path:
    """Noise; noise with 1 kHz from 2.0 to 2.5 s, with silence from 3.0 to 3.5 s, with 3 kHz."""
    folder.mkdir()
    soundfile.write(folder / "noise.wav", noise(4, 1), RATE)
    for name, frequency, rate in (("tone.wav", 1000, 44100), ("high.wav", 3000, RATE)):
        x = noise(5, 2, rate)
        part = slice(2 * rate, int(2.5 * rate))
        x[part] += 0.3 * np.sin(2 * np.pi * frequency * np.arange(rate // 2) / rate)
        soundfile.write(folder / name, x, rate, subtype="FLOAT")
    x = noise(6, 3)
    x[3 * RATE : int(3.5 * RATE)] = 0
    soundfile.write(folder / "gap.wav", x, RATE, subtype="FLOAT")
    return folder
