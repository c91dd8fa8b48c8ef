"""What tests of built graphs share: running a file, and what the original network gives."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tensorflow_oracle import OUTPUTS, Oracle

from pyplugin.models.importers.musicnn_wheel import WheelNetwork

Outputs = dict[str, npt.NDArray[np.float32]]
Patches = npt.NDArray[np.float32]


def run_model(path: Path, mel: Patches) -> Outputs:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="needs ai-edge-litert")
    runner = interpreter.Interpreter(str(path), num_threads=2).get_signature_runner()
    results = [runner(mel=patch[None]) for patch in mel]
    return {key: np.concatenate([result[key] for result in results]) for key in results[0]}


def file_name(name: str, length: int, *, is_float: bool) -> str:
    return name + ("-p64" if length == 64 else "") + ("-float" if is_float else "") + ".tflite"


def originals_of(
    networks: Mapping[str, WheelNetwork], originals: Path, patches: dict[int, Patches]
) -> Callable[[str, int], Outputs]:
    """Return a function that runs an original network on the clips' patches of one length."""
    pytest.importorskip("tensorflow", reason="needs tensorflow")
    known: dict[tuple[str, int], Outputs] = {}

    def run(name: str, length: int) -> Outputs:
        if (name, length) not in known:
            oracle = Oracle(originals / networks[name].folder, OUTPUTS[name.split("-")[0]])
            parts = [
                oracle(patches[length][start : start + 20])
                for start in range(0, len(patches[length]), 20)
            ]
            known[name, length] = {key: np.concatenate([p[key] for p in parts]) for key in parts[0]}
        return known[name, length]

    return run


def check_float(found: Outputs, original: Outputs, limit: float) -> None:
    assert set(found) == set(original)
    for key, values in found.items():
        assert np.abs(values - original[key]).max() <= limit, key


def check_int8(found: Outputs, original: Outputs) -> None:
    """Mean difference, and how many of the five strongest labels are the same."""
    tags, wanted = found["activations"], original["activations"]
    assert np.abs(tags - wanted).mean() <= 0.004
    shared = [
        len(set(a) & set(b))
        for a, b in zip(
            np.argsort(-wanted)[:, :5].tolist(), np.argsort(-tags)[:, :5].tolist(), strict=True
        )
    ]
    assert np.mean(shared) >= 4.7


def extreme_mel() -> Patches:
    """Silence, full scale, noise, single points and stripes: (5, 187, 96)."""
    random = np.random.default_rng(3)
    shape = (187, 96)
    loudest = 6.9  # a square wave at full scale
    return np.stack(
        [
            np.zeros(shape),
            np.full(shape, loudest),
            random.uniform(0, loudest, shape),
            np.where(random.random(shape) < 0.05, loudest, 0),
            np.where(np.arange(96) % 2 == 0, loudest, 0) * np.ones(shape),
        ]
    ).astype(np.float32)
