"""Models as detectors of the labels of `scene`, to be compared on the same recordings.

Each answers at every mel frame with what it knows at that time: a result is held from the end of
its window until the next one. What a model has no class for is NaN.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models import registry
from pyplugin.support.arrays import Float32, Float64
from pyplugin.support.optional import need
from pyplugin.tagging import tag
from pyplugin.training.corpus import LABELS, SINGING, SPEECH, VOICE
from pyplugin.training.sounds import FRAME_RATE, HOP, RATE
from pyplugin.training.yamnet import DRUMS

Detector = Callable[[Float32], Float32]
"""Takes samples (n,) at 16 kHz, returns (n // 256, 7): 0 to 1, or NaN."""

_STEP = 0.1  # seconds from one result to the next
_CHUNK, _CONTEXT = 512, 64  # samples that silero-vad takes, and of those before
_YAMNET: Mapping[str, Sequence[str]] = {
    "speech": ("Speech", "Narration, monologue", "Conversation"),
    "singing": (
        "Singing",
        "Choir",
        "Child singing",
        "Rapping",
        "Humming",
        "Vocal music",
        "Chant",
    ),
    "music": ("Music",),
    "drums": DRUMS,
    "noise": (
        "White noise",
        "Pink noise",
        "Noise",
        "Static",
        "Air conditioning",
        "Engine",
        "Rain",
        "Wind",
        "Mechanical fan",
        "Drill",
        "Vehicle",
        "Hiss",
        "Traffic noise, roadway noise",
    ),
}
_MUSICNN: Mapping[str, Sequence[str]] = {
    "voice": (
        "vocal",
        "vocals",
        "singing",
        "voice",
        "male vocal",
        "female vocal",
        "male voice",
        "female voice",
        "choir",
        "choral",
        "opera",
    ),
    "drums": ("drums", "beat", "beats"),
}


@dataclass(frozen=True)
class Peer:
    """A detector to compare.

    Attributes
    ----------
    name : str
    detect : callable
    """

    name: str
    detect: Detector


def tagger(name: str, classes: Mapping[str, Sequence[str]] | None = None) -> Peer:
    """Return a model of pyplugin as a detector.

    Parameters
    ----------
    name : str
        Name or path of the model.
    classes : mapping of str to sequence of str, optional
        For each label, the classes of the model whose highest score is taken; without it, the
        model's classes are the labels.

    Returns
    -------
    Peer

    Raises
    ------
    ModelError
        There is no such model, or it has none of the labels.
    """
    model = registry.load(name)
    if classes is None:
        classes = {label: (label,) for label in LABELS if label in model.card.labels}
    if not classes:
        raise ModelError(
            f"{name} has none of the labels {', '.join(LABELS)}; give a version of scene."
        )
    front_end = model.card.front_end
    samples = (model.card.patch_frames - 1) * front_end.hop / front_end.sample_rate * RATE
    before = max(0, round(samples) - round(_STEP * RATE))

    def detect(signal: Float32) -> Float32:
        padded = np.concatenate([np.zeros(before, np.float32), signal])
        short = round((model.card.patch_frames + 2) * HOP) - len(padded)
        result = tag(np.pad(padded, (0, max(0, short))), RATE, model=model, hop=_STEP)
        values = np.full((len(result.times), len(LABELS)), np.nan, np.float32)
        for label, names in classes.items():
            columns = [result.labels.index(each) for each in names]
            values[:, LABELS.index(label)] = result.activations[:, columns].max(axis=1)
        if np.isnan(values[:, VOICE]).all():
            values[:, VOICE] = np.minimum(1.0, values[:, SPEECH] + values[:, SINGING])
        ends = np.asarray(result.times) + result.window - before / RATE
        return held(values, ends, len(signal) // HOP)

    return Peer("/".join(Path(name).parts[-2:]), detect)  # a path with its folder: of two versions


def yamnet(name: str = "yamnet") -> Peer:
    """Return YAMNet as a detector; see `tagger`."""
    return tagger(name, _YAMNET)


def musicnn(name: str = "musicnn-mtt") -> Peer:
    """Return MusiCNN as a detector of voices and drums; see `tagger`."""
    return tagger(name, _MUSICNN)


def silero(folder: Path) -> Peer:
    """Return silero-vad as a detector of speech.

    Parameters
    ----------
    folder : Path
        Where its package is installed, without what it depends on: ONNX Runtime runs its network.

    Returns
    -------
    Peer

    Raises
    ------
    PypluginError
        ONNX Runtime or the package is missing.
    """
    runtime = need("onnxruntime", package="onnxruntime", extra="onnx", purpose="silero-vad")
    path = folder / "silero_vad" / "data" / "silero_vad.onnx"
    if not path.is_file():
        raise ModelError(
            f"silero-vad is not in {folder}: pip install --no-deps --target {folder} silero-vad"
        )
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        str(path), sess_options=options, providers=["CPUExecutionProvider"]
    )

    def detect(signal: Float32) -> Float32:
        scores = _speech(session, signal)
        values = np.full((len(scores), len(LABELS)), np.nan, np.float32)
        values[:, SPEECH] = scores
        ends = np.arange(1, len(scores) + 1, dtype=np.float64) * (_CHUNK / RATE)
        return held(values, ends, len(signal) // HOP)

    return Peer("silero-vad", detect)


def _speech(session: Any, signal: Float32) -> Float64:
    """Return the probability of speech in each chunk."""
    state = np.zeros((2, 1, 128), np.float32)
    padded = np.pad(signal, (_CONTEXT, -len(signal) % _CHUNK)).astype(np.float32)
    scores = []
    for first in range(0, len(padded) - _CONTEXT, _CHUNK):
        chunk = padded[None, first : first + _CONTEXT + _CHUNK]
        given = {"input": chunk, "state": state, "sr": np.array(RATE, np.int64)}
        score, state = session.run(None, given)
        scores.append(float(np.ravel(score)[0]))
    return np.array(scores)


def held(values: Float32, ends: Float64, frames: int) -> Float32:
    """Return, at the end of each mel frame, the newest result.

    Parameters
    ----------
    values : ndarray of float32, shape (n, labels)
    ends : ndarray of float64, shape (n,)
        Times in seconds at which they are known, increasing.
    frames : int

    Returns
    -------
    ndarray of float32, shape (frames, labels)

    Examples
    --------
    >>> held(np.float32([[1], [2]]), np.array([0.02, 0.05]), 4)[:, 0].tolist()
    [1.0, 1.0, 1.0, 2.0]
    """
    at = np.searchsorted(ends - 1e-9, (np.arange(frames) + 1) / FRAME_RATE, side="right") - 1
    return values[np.clip(at, 0, len(values) - 1)]
