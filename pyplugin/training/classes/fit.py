"""Train a network of classes with early stopping; it can be interrupted and resumed."""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

from pyplugin.support.arrays import Float32, Float64
from pyplugin.training.classes.batches import Batches, spread_windows, targets_of
from pyplugin.training.classes.features import ClipFeatures
from pyplugin.training.classes.networks import (
    ClassNetwork,
    log_probabilities,
    loss_of,
    new_network,
)
from pyplugin.training.classes.settings import ClassesSettings
from pyplugin.training.classes.start import network_from_scene

_SMOOTHING = 0.05
_WARM_UP = 0.05  # of the steps
_WEIGHT_DECAY = 0.02
_AVERAGE = 0.99  # decay of the moving average of the weights, a step
_WINDOWS = 8  # of a validation clip
_START_WINDOWS = 200
_TOGETHER = 32  # clips that are tested at once

Weights = dict[str, torch.Tensor]


@dataclass
class Fitted:
    """A trained network.

    Attributes
    ----------
    network : ClassNetwork
        With the weights of the best epoch, in evaluation mode.
    epoch : int
        The best epoch, from 1.
    losses, validation_losses, accuracies : list of float
        Of each epoch: mean loss in training, mean loss of the classes of validation clips, and
        their accuracy, the mean over the classes (without exclusive classes: over all labels).
    interrupted : bool
    """

    network: ClassNetwork
    epoch: int
    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    interrupted: bool = False


def fit(
    train: Sequence[ClipFeatures],
    validation: Sequence[ClipFeatures],
    labels: Sequence[str],
    settings: ClassesSettings,
    *,
    state: dict[str, Any] | None = None,
    save: Callable[[dict[str, Any]], None] = lambda state: None,
    progress: Callable[[int, int, str], object] = lambda done, of, line: None,
    interrupted: Callable[[], None] | None = None,
) -> Fitted:
    """Train a network until the loss on validation clips no longer decreases.

    Parameters
    ----------
    train, validation : sequence of ClipFeatures
    labels : sequence of str
    settings : ClassesSettings
    state : dict, optional
        Of an earlier call, to resume it: the result is that of a training without interruption.
    save : callable, optional
        Called with the state after each epoch.
    progress : callable, optional
        Called with the number of finished steps, the total, and a line at the end of an epoch.
    interrupted : callable, optional
        Called when ``KeyboardInterrupt`` ends the training after at least one epoch. Without it,
        or before an epoch is complete, the exception is raised.

    Returns
    -------
    Fitted
    """
    targets = targets_of(train, labels)
    batches = Batches(train, targets, settings.kind, settings.kind.frames)
    session = _Session(batches, labels, settings, state)
    checks = _Validation(validation, labels, settings)
    stopped = False
    try:
        while not session.finished:
            loss = session.run_epoch(progress)
            found = checks.measure(session.averaged)
            session.note(loss, *found)
            save(session.state())
            epoch = len(session.losses)
            line = f"epoch {epoch}: loss {loss:.3f}, validation {found[0]:.3f}"
            line += f", accuracy {100 * found[1]:.1f} %"
            progress(epoch * session.steps, settings.epochs * session.steps, line)
    except KeyboardInterrupt:
        if interrupted is None or not session.losses:
            raise
        interrupted()
        stopped = True
    network = session.averaged
    network.load_state_dict(session.best)
    network.to(memory_format=torch.contiguous_format)
    return Fitted(
        network.eval(),
        session.best_epoch,
        session.losses,
        session.validation_losses,
        session.accuracies,
        stopped,
    )


class _Session:
    """The network under training, its optimiser and what was measured."""

    def __init__(
        self,
        batches: Batches,
        labels: Sequence[str],
        settings: ClassesSettings,
        state: dict[str, Any] | None,
    ) -> None:
        self._batches, self._settings = batches, settings
        self.steps = max(settings.least_steps, -(-batches.windows // settings.batch))
        torch.manual_seed(settings.seed)
        self._network = self._initial(len(labels)).to(memory_format=torch.channels_last)
        self.averaged = copy.deepcopy(self._network).eval()
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), lr=settings.learning_rate, weight_decay=_WEIGHT_DECAY
        )
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        self.accuracies: list[float] = []
        self.best: Weights = {}
        if state is not None:
            self._load(state)

    def _initial(self, labels: int) -> ClassNetwork:
        settings = self._settings
        if settings.start == "scene":
            random = np.random.default_rng(settings.seed)
            return network_from_scene(labels, self._batches.batch(_START_WINDOWS, random)[0])
        return new_network(settings.architecture, labels)

    @property
    def best_epoch(self) -> int:
        """The epoch with the lowest validation loss, from 1."""
        return int(np.argmin(self.validation_losses)) + 1

    @property
    def finished(self) -> bool:
        done = len(self.losses)
        if done >= self._settings.epochs:
            return True
        return done > 0 and done - self.best_epoch >= self._settings.patience

    def run_epoch(self, progress: Callable[[int, int, str], object]) -> float:
        """Train for an epoch and return its mean loss; its batches depend on its number only."""
        settings, number = self._settings, len(self.losses)
        random = np.random.default_rng((settings.seed, number))
        torch.manual_seed(settings.seed * 1000 + number)
        self._network.train()
        total = 0.0
        for step in range(self.steps):
            at = number * self.steps + step
            for group in self._optimiser.param_groups:
                group["lr"] = settings.learning_rate * self._rate_factor(at)
            mel, targets = map(torch.from_numpy, self._batches.batch(settings.batch, random))
            with torch.autocast("cpu", torch.bfloat16):
                logits = self._network(mel)
            loss = loss_of(
                logits, targets, exclusive=settings.exclusive, smoothing=_SMOOTHING
            ).mean()
            self._optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
            self._optimiser.step()
            self._average(min(_AVERAGE, (at + 1) / (at + 11.0)))
            total += loss.item()
            progress(at + 1, settings.epochs * self.steps, "")
        return total / self.steps

    def _rate_factor(self, step: int) -> float:
        steps = self._settings.epochs * self.steps
        warm = max(1.0, _WARM_UP * steps)
        if step < warm:
            return (step + 1) / warm
        return float(0.5 + 0.5 * np.cos(np.pi * (step - warm) / max(1.0, steps - warm)))

    def _average(self, kept: float) -> None:
        with torch.no_grad():
            values = self._network.state_dict()
            for name, mean in self.averaged.state_dict().items():
                if mean.dtype.is_floating_point:
                    mean.lerp_(values[name], 1.0 - kept)
                else:
                    mean.copy_(values[name])

    def note(self, loss: float, validation_loss: float, accuracy: float) -> None:
        """Keep what was measured after an epoch, and its weights if they are the best."""
        self.losses.append(loss)
        self.validation_losses.append(validation_loss)
        self.accuracies.append(accuracy)
        if self.best_epoch == len(self.losses):
            self.best = {k: v.clone() for k, v in self.averaged.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """Return all that `_load` needs."""
        return {
            "network": self._network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "best": self.best,
            "history": [self.losses, self.validation_losses, self.accuracies],
        }

    def _load(self, state: dict[str, Any]) -> None:
        self._network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.best = state["best"]
        self.losses, self.validation_losses, self.accuracies = map(list, state["history"])


class _Validation:
    """Measures networks on clips, each class with the same weight."""

    def __init__(
        self, clips: Sequence[ClipFeatures], labels: Sequence[str], settings: ClassesSettings
    ) -> None:
        self._clips, self._frames = clips, settings.kind.frames
        self._targets = targets_of(clips, labels)
        self._exclusive = settings.exclusive

    def measure(self, network: ClassNetwork) -> tuple[float, float]:
        """Return loss and accuracy, means over the classes."""

        def probabilities(windows: Float32) -> Float32:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                logits = network(torch.from_numpy(windows))
                logs = log_probabilities(logits, exclusive=self._exclusive)
            return np.asarray(logs.exp().numpy())

        found = clip_means(probabilities, self._clips, self._frames, _WINDOWS)
        given = (found, self._targets, self._exclusive)
        return class_loss(*given), class_accuracy(*given)


def clip_means(
    probabilities: Callable[[Float32], Float32],
    clips: Sequence[ClipFeatures],
    frames: int,
    most: int,
) -> Float64:
    """Return the mean probabilities of windows of each clip, (n, labels).

    Parameters
    ----------
    probabilities
        Takes windows, (m, frames, bands), and returns (m, labels).
    clips
    frames
        Of a window.
    most
        Greatest number of windows of a clip, spread evenly over it.

    Returns
    -------
    ndarray of float64, shape (n, labels)
    """
    means = []
    for first in range(0, len(clips), _TOGETHER):
        windows = [spread_windows(each, frames, most) for each in clips[first : first + _TOGETHER]]
        found = probabilities(np.concatenate(windows))
        ends = np.cumsum([len(each) for each in windows])
        means += [part.mean(axis=0, dtype=np.float64) for part in np.split(found, ends[:-1])]
    return np.stack(means)


def class_loss(probabilities: Float64, targets: Float32, exclusive: bool) -> float:
    """Return the cross-entropy of clips, the mean over the classes.

    Parameters
    ----------
    probabilities : ndarray, shape (n, labels)
    targets : ndarray, shape (n, labels)
    exclusive : bool
        Whether a clip has exactly one class.

    Returns
    -------
    float

    Examples
    --------
    >>> class_loss(np.array([[0.5, 0.5], [0.5, 0.5]]), np.eye(2), True).__round__(4)
    0.6931
    """
    present = -np.log(np.clip(probabilities, 1e-6, 1.0))
    if exclusive:
        each = (present * targets).sum(0) / np.maximum(targets.sum(0), 1)
        return float(each[targets.any(0)].mean())
    absent = -np.log(np.clip(1.0 - probabilities, 1e-6, 1.0))
    return float(np.mean(present * targets + absent * (1.0 - targets)))


def class_accuracy(probabilities: Float64, targets: Float32, exclusive: bool) -> float:
    """Return the share of right clips, the mean over the classes; see `class_loss`.

    Without exclusive classes, it is the mean of true positive and true negative rates at 0.5.

    Examples
    --------
    >>> class_accuracy(np.array([[0.9, 0.1], [0.6, 0.4]]), np.eye(2), True)
    0.5
    """
    if exclusive:
        right = probabilities.argmax(1) == targets.argmax(1)
        each = (targets * right[:, None]).sum(0) / np.maximum(targets.sum(0), 1)
        return float(each[targets.any(0)].mean())
    found, truth = probabilities >= 0.5, targets > 0.5
    rates = [(found & truth).sum(0) / np.maximum(truth.sum(0), 1)]
    rates.append((~found & ~truth).sum(0) / np.maximum((~truth).sum(0), 1))
    return float(np.mean([rates[0][truth.any(0)].mean(), rates[1][~truth.all(0)].mean()]))
