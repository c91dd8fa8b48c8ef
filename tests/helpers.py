"""Sounds, files, the small model and the measuring that tests share."""

import doctest
import importlib
import os
import signal
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs

from pyplugin import SIGNALS, Node, SignalFrames
from pyplugin.models import registry
from pyplugin.models.card import Card, InputTensor, OutputTensor, Schema
from pyplugin.models.frontends import PRESETS
from pyplugin.models.registry import Model
from pyplugin.models.tflite import GraphWriter

PATCH = 20
BANDS = 96
DATA = Path(__file__).parent / "data"


def whole_corpus() -> list[Path]:
    """Return the folder of the corpus from which tests/data was taken, or nothing without one.

    What is said of a model's figures is tested on it too; PYPLUGIN_CORPUS names its place.
    """
    default = Path(__file__).parents[2] / "shared" / "corpus"
    folder = Path(os.environ.get("PYPLUGIN_CORPUS", default))
    return [folder] if (folder / "manifest.csv").is_file() else []


def published_weights() -> Path:
    """Return the folder of networks that others published, or skip: they are not in the tree.

    PYPLUGIN_WEIGHTS names its place.
    """
    default = Path(__file__).parents[2] / "shared" / "weights"
    folder = Path(os.environ.get("PYPLUGIN_WEIGHTS", default))
    if not folder.is_dir():
        pytest.skip("the networks of others are not here")
    return folder


@dataclass(frozen=True)
class Probe:
    """A small linear model, and the weights that give its expected results."""

    model: Model
    weights: np.ndarray
    bias: np.ndarray

    def dense(self, mel: np.ndarray) -> np.ndarray:
        """The expected results for each patch of a spectrogram: (frames - PATCH + 1, 3)."""
        patches = np.lib.stride_tricks.sliding_window_view(mel, (PATCH, BANDS))[:, 0]
        flat = patches.reshape(len(patches), -1).astype(np.float64)
        return flat @ self.weights.T + self.bias

    def activations(self, mel: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-self.dense(mel)))


def with_patch(card: Card, frames: int) -> Card:
    """The card of a model that takes so many frames, whatever the model takes."""
    inputs = (InputTensor("mel", "float", (1, frames, BANDS)),)
    return structs.replace(card, patch_frames=frames, schema=Schema(inputs, card.outputs))


def mirror(preset: str, patch: int, name: str = "mirror", **changes: object) -> Model:
    """A model whose embedding is its patch, and whose one label is the mean of it."""
    front_end = structs.replace(PRESETS[preset], **changes)  # type: ignore[arg-type]
    shape = (1, patch, front_end.bands)
    graph = GraphWriter()
    x = graph.input("mel", shape)
    flat = graph.reshape("flat", x, (1, patch * front_end.bands))
    one = graph.mean("mean", flat, [1])
    outputs = {"activations": one, "patch": flat}
    data = graph.finish({"mel": x}, outputs, description="returns its patch")
    tensors = (
        OutputTensor("activations", "float", (1, 1), "predictions"),
        OutputTensor("patch", "float", (1, patch * front_end.bands), "embeddings"),
    )
    card = structs.replace(
        registry.info("scene"),
        name=name,
        labels=("mean",),
        schema=Schema((InputTensor("mel", "float", shape),), tensors),
        inference=front_end,
        patch_frames=patch,
        silence_before=False,
        embedding="patch",
        quantisation=None,
        model_types=("tflite-int8",),
    )
    return Model(name, Path(f"{name}.tflite"), card, data)


def music(seconds: float, sample_rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Something with the spectrum of music: chords over noise, (channels, n) float32."""
    random = np.random.default_rng(seed)
    t = np.arange(int(seconds * sample_rate)) / sample_rate
    chord = sum(np.sin(2 * np.pi * f * t) for f in (220, 277.2, 329.6, 1318.5))
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 0.7 * t)
    noise = 0.02 * random.standard_normal((channels, len(t)))
    return (0.1 * swell * chord + noise).astype(np.float32)


def play(node: Node, x: np.ndarray, sizes: Sequence[int] = (4096,)) -> SignalFrames:
    at, turn = 0, 0
    while at < x.shape[1]:
        node.process(x[:, at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return node.read_signals()


def measure(x: np.ndarray, rate: int, **options) -> dict[str, np.ndarray]:
    """Every signal of mono or planar audio by name, and the ``time`` in seconds that it is of."""
    x = np.atleast_2d(x).astype(np.float32)
    with Node(rate, len(x), 8192, model=None, queue=65536, **options) as node:
        frames = play(node, x)
    return {"time": frames.end / rate, **dict(zip(SIGNALS, frames.values.T, strict=True))}


def sentence(err: str) -> str:
    """The one line on stderr; a traceback or a second line is a failure."""
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    assert lines[0].startswith("tagnode: "), err
    return lines[0]


def silent_wav(path: Path, *, rate: int = 16000, channels: int = 1, samples: int = 16000) -> None:
    with wave.open(str(path), "wb") as stream:
        stream.setparams((channels, 2, rate, 0, "NONE", ""))
        stream.writeframes(bytes(2 * channels * samples))


BAD_RECORDINGS = {
    "missing": (lambda path: None, "x.wav"),
    "folder": (lambda path: path.mkdir(), "folder"),
    "empty": (lambda path: path.write_bytes(b""), "empty"),
    "text": (lambda path: path.write_text("la la la"), "x.wav"),
    "no samples": (lambda path: silent_wav(path, samples=0), "no samples"),
    "nine channels": (lambda path: silent_wav(path, channels=9), "9"),
    "slow": (lambda path: silent_wav(path, rate=7000), "8000"),
    "fast": (lambda path: silent_wav(path, rate=200000), "192000"),
}


@contextmanager
def limit_file_size(size: int) -> Iterator[None]:
    """Limit files to ``size`` bytes, as a disk that is nearly full does."""
    resource = pytest.importorskip("resource", reason="needs setrlimit")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def written_files(folder: Path) -> set[str]:
    """The files of a folder other than the small model's."""
    return {path.name for path in folder.iterdir() if path.is_file()} - {
        "probe.tflite",
        "probe.json",
    }


def level_noise(label: str, seed: int) -> np.ndarray:
    """One second of noise at 22050 Hz, loud, soft or in bursts, (22050,) float64."""
    level = {"loud": 0.3, "soft": 0.002, "clicks": 0.03}[label]
    x = np.random.default_rng(seed).normal(0, level, 22050)
    if label == "clicks":
        x *= np.arange(22050) % (22050 // 8) < 200
    return x


def noise(channels: int, samples: int, seed: int = 0) -> np.ndarray:
    """White noise on the grid of 16-bit samples, which every lossless format keeps exactly."""
    steps = np.random.default_rng(seed).integers(-(2**15), 2**15, (channels, samples))
    return (steps / 2**15).astype(np.float32)


def tone(samples: int, rate: int = 44100) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 / rate * np.arange(samples)))[None].astype(np.float32)


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def without_privileges(folder: Path) -> Iterator[None]:
    """Permissions do not bind the root user: continue as nobody."""
    if os.geteuid() != 0:
        yield
        return
    for parent in [folder, *folder.parents]:
        if parent.owner() == "root" and parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


needs_permissions = pytest.mark.skipif(
    not hasattr(os, "seteuid"), reason="needs the permissions of a POSIX system"
)


def write_noise(path, seed, seconds=1.0, **tags):
    """A WAV, FLAC or Ogg file of noise at 22050 Hz, with tags such as ``artist``."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(0, 0.1, int(22050 * seconds))
    with soundfile.SoundFile(path, "w", 22050, 1) as file:
        for key, value in tags.items():
            setattr(file, key, value)
        file.write(noise)
    return path


_PACKAGE = Path(__file__).parents[1] / "pyplugin"


def modules_with_examples(*, torch: bool) -> list[str]:
    """Return the modules with examples in their docstrings: those that need PyTorch, or the others.

    PyTorch is needed in ``training`` but not in ``training.heads``.
    """
    found = []
    for path in sorted(_PACKAGE.rglob("*.py")):
        parts = path.relative_to(_PACKAGE).with_suffix("").parts
        needs_torch = parts[0] == "training" and parts[1:2] != ("heads",)
        if needs_torch == torch and ">>> " in path.read_text(encoding="utf-8"):
            found.append(".".join(("pyplugin", *parts)).removesuffix(".__init__"))
    return found


def run_examples(module: str) -> int:
    """Run a module's examples; return how many failed."""
    return doctest.testmod(
        importlib.import_module(module), optionflags=doctest.NORMALIZE_WHITESPACE
    ).failed
