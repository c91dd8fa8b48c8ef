"""A teacher: the labels of scenes by YAMNet's embeddings.

YAMNet has learnt from two million clips, and none of its classes is one of ours. A small network on
its embedding is trained on the known labels of the scenes, and its probabilities, smoother than the
labels and there where a label is unknown, are then taught to `scene` (Hinton et al., "Distilling
the knowledge in a neural network", 2015).
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from pyplugin.support.arrays import Array, Float32, Int64
from pyplugin.training.corpus import LABELS
from pyplugin.training.sequences import SequenceSet
from pyplugin.training.sounds import FRAME_RATE, Progress, save_array
from pyplugin.training.yamnet import HOP, WINDOW

_VERSION = 1  # of the file in the cache
_BEFORE = 2  # windows; the embedding of a window and of the one so many before it
_HIDDEN = 192
_DROPOUT = 0.4
_NOISE = 0.1  # relative, on the embeddings
_SMOOTHING = 0.02
_TOGETHER = 50  # sequences


@dataclass(frozen=True)
class TeacherSettings:
    """How the teacher is trained.

    Attributes
    ----------
    model : str
        Name of YAMNet among the models.
    steps, batch : int
        Steps of the optimiser, and sequences in each.
    learning_rate, weight_decay : float
    seed : int
    """

    model: str = "yamnet"
    steps: int = 1500
    batch: int = 48
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    seed: int = 3


def teach(
    sequences: SequenceSet,
    settings: TeacherSettings,
    *,
    progress: Progress = lambda stage, done, of: None,
    report: Callable[[str], None] = lambda line: None,
) -> Array:
    """Train the teacher on sequences, and return its probabilities for them.

    They are kept beside the sequences, and read from there the next time.

    Parameters
    ----------
    sequences : SequenceSet
        With embeddings.
    settings : TeacherSettings
    progress : callable, optional
    report : callable, optional
        Called with a line about the result.

    Returns
    -------
    ndarray of float16, shape (n, frames, labels), memory-mapped
        NaN before the end of the first window.

    Raises
    ------
    PypluginError
        The file cannot be written.
    """
    text = json.dumps([_VERSION, asdict(settings)])
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = sequences.folder / f"taught-{digest}.npy"
    if not path.is_file():
        assert sequences.embeddings is not None
        network = _fit(sequences, sequences.embeddings, settings, progress)
        taught = _probabilities(network, sequences, sequences.embeddings)
        save_array(path, taught)
        report(f"teacher: {_summary(sequences, taught)}")
    found: Array = np.load(path, mmap_mode="r")
    return found


def _fit(
    sequences: SequenceSet, embeddings: Array, settings: TeacherSettings, progress: Progress
) -> nn.Sequential:
    torch.manual_seed(settings.seed)
    random = np.random.default_rng(settings.seed)
    network = nn.Sequential(
        nn.Linear(2 * embeddings.shape[2], _HIDDEN),
        nn.ReLU(),
        nn.Dropout(_DROPOUT),
        nn.Linear(_HIDDEN, len(LABELS)),
    )
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: float(0.5 + 0.5 * np.cos(np.pi * step / settings.steps))
    )
    ends = _ends(embeddings.shape[1], sequences.frames)
    batch = min(settings.batch, len(sequences))
    for step in range(settings.steps):
        numbers = np.sort(random.choice(len(sequences), batch, replace=False))
        inputs = torch.from_numpy(_inputs(embeddings, numbers))
        inputs = inputs * (1.0 + _NOISE * torch.randn_like(inputs))
        wanted = torch.from_numpy(sequences.wanted[numbers][:, ends].astype(np.float32))
        known = (wanted >= 0) & inputs.any(dim=2, keepdim=True)
        smoothed = wanted.clamp(0.0, 1.0) * (1.0 - 2.0 * _SMOOTHING) + _SMOOTHING
        cross_entropy = nn.functional.binary_cross_entropy_with_logits
        each = cross_entropy(network(inputs), smoothed, reduction="none")
        loss = (each * known).sum() / known.sum().clamp(min=1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        progress("Teacher", step + 1, settings.steps)
    return network.eval()


def _ends(windows: int, frames: int) -> Int64:
    """Return the last mel frame of each of YAMNet's windows."""
    ends = np.round((np.arange(windows) * HOP + WINDOW) * FRAME_RATE).astype(np.int64) - 1
    return np.minimum(ends, frames - 1)


def _inputs(embeddings: Array, numbers: Int64) -> Float32:
    """Return the embedding of each window beside that of an earlier one, (n, windows, 2 * size)."""
    now = np.asarray(embeddings[numbers], np.float32)
    before = np.concatenate([np.zeros_like(now[:, :_BEFORE]), now[:, :-_BEFORE]], axis=1)
    return np.concatenate([now, before[:, : now.shape[1]]], axis=2)


def _probabilities(network: nn.Sequential, sequences: SequenceSet, embeddings: Array) -> Array:
    """Return the probabilities at each frame, interpolated between the ends of windows."""
    windows, frames = embeddings.shape[1], sequences.frames
    ends = _ends(windows, frames)
    places = np.clip((np.arange(frames) - ends[0]) / (HOP * FRAME_RATE), 0, windows - 1)
    lower = places.astype(np.int64)
    upper, share = np.minimum(lower + 1, windows - 1), (places - lower)[None, :, None]
    found = np.empty((len(sequences), frames, len(LABELS)), np.float16)
    for first in range(0, len(sequences), _TOGETHER):
        numbers = np.arange(first, min(first + _TOGETHER, len(sequences)))
        with torch.inference_mode():
            inputs = torch.from_numpy(_inputs(embeddings, numbers))
            each = torch.sigmoid(network(inputs)).numpy()
        each[~np.asarray(embeddings[numbers]).any(axis=2)] = np.nan
        found[numbers] = each[:, lower] * (1.0 - share) + each[:, upper] * share
    found[:, : ends[0]] = np.nan
    return found


def _summary(sequences: SequenceSet, taught: Array) -> str:
    """Return how well the teacher separates each label in what it was trained on."""
    from sklearn.metrics import roc_auc_score

    parts, step = [], round(HOP * FRAME_RATE)
    for number, label in enumerate(LABELS):
        truth = np.asarray(sequences.wanted[:, ::step, number])
        values = np.asarray(taught[:, ::step, number], np.float32)
        known = (truth >= 0) & ~np.isnan(values)
        if len(np.unique(truth[known])) == 2:
            parts.append(f"{label} {roc_auc_score(truth[known], values[known]):.3f}")
    return "ROC-AUC on its own training set: " + ", ".join(parts)
