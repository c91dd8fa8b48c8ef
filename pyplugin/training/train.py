"""Train a scene network on sequences, with or without a teacher; it can be interrupted."""

import copy
import hashlib
import json
import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from pyplugin.support.arrays import Float32, Int64
from pyplugin.support.files import not_written, replacing
from pyplugin.training.corpus import LABELS, Presence
from pyplugin.training.network import NetworkSettings, SceneNetwork
from pyplugin.training.scores import score
from pyplugin.training.sequences import (
    Batch,
    SequenceSet,
    at_random_levels,
    augmented,
    front_end_values,
)
from pyplugin.training.sounds import Progress

_VERSION = 2  # of the state in the cache
_SMOOTHING = 0.02
_WARM_UP = 0.05  # of the steps, at least 20 steps
_EVERY = 6  # mel frames from one answer to the next
_WEIGHTS = {"speech": 1.5, "singing": 1.5, "tonal": 0.7, "voice": 1.5}  # of the losses; others: 1
# Sequences with more of these are used twice: speech alone and steady noise are what a user tries.
_TWICE = {"speech": 0.35, "noise": 0.6}  # share of their frames
_TAUGHT_ONLY = 0.5  # weight of an answer that only the teacher knows
_REPORTED, _KEPT = 100, 100  # steps
_VALIDATED_AT_ONCE = 20
_VALIDATION_SEED = 5


@dataclass(frozen=True)
class TrainSettings:
    """Settings of the optimiser.

    Attributes
    ----------
    steps, batch : int
        Steps, and sequences in each.
    learning_rate : float
        Maximum; it rises linearly over the first 5 % of the steps, then decays as a cosine.
    weight_decay : float
    average : float
        Decay per step of the exponential moving average of the weights, which is the result.
    seed : int
    teacher_weight : float
        Weight of the probabilities of the teacher where a label is known, 0 to 1.
    """

    steps: int = 2500
    batch: int = 12
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    average: float = 0.998
    seed: int = 1
    teacher_weight: float = 0.35


def fit(
    sequences: SequenceSet,
    network: NetworkSettings,
    settings: TrainSettings,
    *,
    validation: SequenceSet | None = None,
    cache: Path | None = None,
    progress: Progress = lambda stage, done, of: None,
    report: Callable[[str], None] = lambda line: None,
) -> SceneNetwork:
    """Train a network on the wanted answers of sequences, and on the probabilities of a teacher.

    A network has an answer every 6 mel frames of a sequence. Where a label is known, its target is
    mixed with the teacher's probability; where it is unknown, the target is that probability.

    Parameters
    ----------
    sequences : SequenceSet
    network : NetworkSettings
    settings : TrainSettings
    validation : SequenceSet, optional
        Sequences of other groups, to report scores on during training.
    cache : Path, optional
        Folder for the state of the training: a later call with the same arguments goes on, with the
        result of a training without interruption.
    progress : callable, optional
    report : callable, optional
        Called with a line about the loss and the scores.

    Returns
    -------
    SceneNetwork
        In evaluation mode.

    Raises
    ------
    PypluginError
        The state cannot be written.
    """
    session = _TrainingRun(sequences, network, settings)
    state = None if cache is None else cache / f"network-{session.digest}.pt"
    if state is not None:
        session.resume(state)
    if state is not None and session.step:
        report(f"going on at step {session.step} of {settings.steps}")
    progress("Training", session.step, settings.steps)
    with ThreadPoolExecutor(1) as thread:
        batch = thread.submit(session.batch, session.step)
        while session.step < settings.steps:
            ready = batch.result()
            batch = thread.submit(session.batch, session.step + 1)
            session.advance(ready)
            progress("Training", session.step, settings.steps)
            last = session.step == settings.steps
            if session.step % _REPORTED == 0 or last:
                line = f"step {session.step}: loss {session.running:.4f}"
                if validation is not None:
                    line += _scores(session.averaged, validation)
                report(line)
            if state is not None and (session.step % _KEPT == 0 or last):
                session.save(state)
    averaged: SceneNetwork = session.averaged
    averaged.to(memory_format=torch.contiguous_format).eval()
    return averaged


class _TrainingRun:
    """The network under training, its optimiser and its average."""

    def __init__(
        self, sequences: SequenceSet, network: NetworkSettings, settings: TrainSettings
    ) -> None:
        self.settings, self._sequences, self._sizes = settings, sequences, network
        self.step, self.running = 0, 0.0
        torch.manual_seed(settings.seed)
        self._network = SceneNetwork(network).to(memory_format=torch.channels_last)
        self.averaged: SceneNetwork = copy.deepcopy(self._network).eval()
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        self._order = _once_or_twice(sequences.wanted)
        self._weights = torch.tensor([_WEIGHTS.get(label, 1.0) for label in LABELS])

    @property
    def digest(self) -> str:
        """A name for what the result depends on."""
        taught = getattr(self._sequences.taught, "filename", None)
        words = [
            _VERSION,
            self._sequences.folder.name,
            str(Path(taught).name if taught else ""),
            asdict(self._sizes),
            asdict(self.settings),
        ]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:12]

    def batch(self, step: int) -> tuple[Float32, Batch]:
        """Return the input and the answers of a step, which depend on its number only."""
        random = np.random.default_rng((self.settings.seed, step))
        numbers = self._numbers(step)
        silence = self._sizes.patch - 1
        end = self._sizes.front_end
        found = augmented(self._sequences.batch(numbers), silence, random, end)
        return front_end_values(found, end), found

    def _numbers(self, step: int) -> Int64:
        """Return the sequences of a step: all in a random order, again and again."""
        batch = min(self.settings.batch, len(self._order))
        each = max(1, len(self._order) // batch)
        random = np.random.default_rng((self.settings.seed, 1 << 20, step // each))
        first = step % each * batch
        return np.sort(random.permutation(self._order)[first : first + batch])

    def advance(self, ready: tuple[Float32, Batch]) -> None:
        """Make a step of the optimiser."""
        values, batch = ready
        settings, at = self.settings, self.step
        torch.manual_seed(settings.seed * 1_000_003 + at)
        for group in self._optimiser.param_groups:
            group["lr"] = settings.learning_rate * _rate_factor(at, settings.steps)
        self._network.train()
        with torch.autocast("cpu", torch.bfloat16):
            columns = self._network.columns(torch.from_numpy(values))
        first = int(np.random.default_rng((settings.seed, 2 << 20, at)).integers(_EVERY))
        ends = torch.arange(self._sizes.columns - 1 + first, columns.shape[2], _EVERY)
        logits = self._network.answers(columns.float(), ends)
        frames = (ends + self._sizes.patch - self._sizes.columns).numpy()
        loss = self._loss(logits, batch, frames)
        self._optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
        self._optimiser.step()
        self.step += 1
        _update_average(
            self.averaged, self._network, min(settings.average, self.step / (self.step + 10.0))
        )
        self.running += (loss.item() - self.running) * max(0.02, 1.0 / self.step)

    def _loss(self, logits: torch.Tensor, batch: Batch, frames: Int64) -> torch.Tensor:
        """Return the mean cross-entropy of the answers that are known or taught."""
        wanted = torch.from_numpy(batch.wanted[:, frames].astype(np.float32))
        known = wanted >= 0
        target = wanted.clamp(0.0, 1.0) * (1.0 - 2.0 * _SMOOTHING) + _SMOOTHING
        weight = known.float()
        if batch.taught is not None and self.settings.teacher_weight > 0:
            taught = torch.from_numpy(batch.taught[:, frames])
            has = ~taught.isnan()
            given = torch.nan_to_num(taught)
            mixed = torch.lerp(target, given, self.settings.teacher_weight)
            target = torch.where(has, torch.where(known, mixed, given), target)
            weight = torch.where(known, 1.0, _TAUGHT_ONLY) * (known | has)
        weight = weight * self._weights
        cross_entropy = nn.functional.binary_cross_entropy_with_logits
        each = cross_entropy(logits, target, reduction="none")
        return (each * weight).sum() / weight.sum().clamp(min=1e-6)

    def resume(self, path: Path) -> None:
        """Go on with a state, if there is one; a damaged one counts as none."""
        if not path.is_file():
            return
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
            parts = [state[name] for name in ("network", "averaged", "optimiser")]
            self.step, self.running = int(state["step"]), float(state["running"])
        except (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError):
            return
        for part, content in zip(
            (self._network, self.averaged, self._optimiser), parts, strict=True
        ):
            part.load_state_dict(content)

    def save(self, path: Path) -> None:
        """Write the state."""
        state = {
            "network": self._network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "step": self.step,
            "running": self.running,
        }
        with replacing(path) as partial:
            try:
                torch.save(state, partial)
            except (OSError, RuntimeError) as error:  # PyTorch's writer has no error number
                reason = error if isinstance(error, OSError) else OSError(str(error))
                raise not_written(path, reason) from error


def _once_or_twice(wanted: Presence) -> Int64:
    """Return the number of each sequence, and again of those with much of `_TWICE`."""
    twice = np.zeros(len(wanted), np.bool_)
    for label, share in _TWICE.items():
        twice |= (wanted[:, :, LABELS.index(label)] == 1).mean(axis=1) > share
    return np.concatenate([np.arange(len(wanted)), np.flatnonzero(twice)])


def _scores(network: SceneNetwork, validation: SequenceSet) -> str:
    """Return the ROC-AUC of each label on validation sequences at random levels."""
    random = np.random.default_rng(_VALIDATION_SEED)
    end = network.settings.front_end
    truths, values = [], []
    for first in range(0, len(validation), _VALIDATED_AT_ONCE):
        numbers = range(first, min(first + _VALIDATED_AT_ONCE, len(validation)))
        batch = at_random_levels(validation.batch(list(numbers)), random)
        found, frames = answers(network, front_end_values(batch, end))
        truths.append(batch.wanted[:, frames].reshape(-1, len(LABELS)))
        values.append(found.reshape(-1, len(LABELS)))
    truth = np.concatenate(truths).astype(np.float32)
    truth[truth < 0] = np.nan
    scores = score(truth, np.concatenate(values))
    return "".join(f", {label} {each.auc:.4f}" for label, each in scores.items())


def answers(network: SceneNetwork, mel: Float32) -> tuple[Float32, Int64]:
    """Return probabilities every 6 frames of sequences, and the frames at whose ends they are.

    Parameters
    ----------
    network : SceneNetwork
    mel : ndarray of float32, shape (n, frames, bands)
        Front-end values.

    Returns
    -------
    probabilities : ndarray of float32, shape (n, count, labels)
    frames : ndarray of int64, shape (count,)
    """
    network.eval()
    sizes = network.settings
    with torch.inference_mode():
        columns = network.columns(torch.from_numpy(mel))
        ends = torch.arange(sizes.columns - 1, columns.shape[2], _EVERY)
        logits = network.answers(columns, ends)
    frames = (ends + sizes.patch - sizes.columns).numpy()
    return np.asarray(torch.sigmoid(logits).numpy()), np.asarray(frames, np.int64)


def _rate_factor(step: int, steps: int) -> float:
    warm = max(20.0, _WARM_UP * steps)
    if step < warm:
        return (step + 1) / warm
    return float(0.5 + 0.5 * np.cos(np.pi * (step - warm) / max(1.0, steps - warm)))


def _update_average(averaged: SceneNetwork, network: SceneNetwork, kept: float) -> None:
    values: Sequence[Any] = list(network.state_dict().items())  # detached, so without gradients
    means = averaged.state_dict()
    for name, value in values:
        if value.dtype.is_floating_point:
            means[name].lerp_(value, 1.0 - kept)
        else:
            means[name].copy_(value)
