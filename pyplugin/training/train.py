"""Train a scene network on windows, with or without teachers."""

import copy
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import nn

from pyplugin.training.evaluate import predict, score
from pyplugin.training.mixing import Mixer, MixSettings
from pyplugin.training.network import NetworkSettings, SceneNetwork
from pyplugin.training.windows import WindowSet

_SMOOTHING = 0.02
_WARM_UP = 0.05  # of the steps


@dataclass(frozen=True)
class TrainSettings:
    """Settings of the optimiser.

    Attributes
    ----------
    steps, batch : int
    learning_rate : float
        Maximum; it rises linearly over the first 5 % of the steps, then decays as a cosine.
    weight_decay : float
    average : float
        Decay per step of the exponential moving average of the weights, which is the result.
    seed : int
    teaching : float
        Weight of the probabilities of teachers in the targets, 0 to 1; used only with teachers.
    """

    steps: int = 3000
    batch: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    average: float = 0.998
    seed: int = 1
    teacher_weight: float = 0.5


def fit(
    window_set: WindowSet,
    network: NetworkSettings,
    mixing: MixSettings,
    settings: TrainSettings,
    *,
    teachers: Sequence[SceneNetwork] = (),
    held_out: WindowSet | None = None,
    report: Callable[[str], None] = lambda line: None,
) -> SceneNetwork:
    """Train a network on the labels of windows and, optionally, on the output of teachers.

    Networks with different seeds make different errors, so their mean is better than each. With
    teachers, the network is initialised with the weights of the first one and also trained on their
    mean (Hinton et al., "Distilling the knowledge in a neural network", 2015); where a label is
    unknown, on that alone.

    Parameters
    ----------
    window_set : WindowSet
    network : NetworkSettings
    mixing : MixSettings
    settings : TrainSettings
    teachers : sequence of SceneNetwork, optional
    held_out : WindowSet, optional
        Windows to report scores on during training.
    report : callable, optional
        Called with a line about progress.

    Returns
    -------
    SceneNetwork
        In evaluation mode.
    """
    torch.manual_seed(settings.seed)
    last = torch.channels_last
    teachers = [copy.deepcopy(each).eval().to(memory_format=last) for each in teachers]
    model = copy.deepcopy(teachers[0]) if teachers else SceneNetwork(network)
    model.to(memory_format=last)
    averaged: SceneNetwork = copy.deepcopy(model).eval()
    mixer = Mixer(window_set, mixing, settings.seed)
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    factor = partial(_rate_factor, settings=settings)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    began = time.monotonic()
    running = 0.0
    for step in range(1, settings.steps + 1):
        mel, targets = map(torch.from_numpy, mixer.batch(settings.batch))
        model.train()
        with torch.autocast("cpu", torch.bfloat16):
            logits, _ = model(mel)
        wanted = targets.mul(1.0 - 2.0 * _SMOOTHING).add(_SMOOTHING)
        if teachers:
            taught = _mean_probabilities(teachers, mel)
            mixed = wanted.lerp(taught, settings.teacher_weight)
            wanted = torch.where(wanted.isnan(), taught, mixed)
        loss = _loss(logits.float(), wanted)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        _update_average(averaged, model, min(settings.average, step / (step + 10.0)))
        running += (loss.item() - running) * max(0.02, 1.0 / step)
        if step % 500 == 0 or step == settings.steps:
            line = f"step {step}: loss {running:.4f}, {time.monotonic() - began:.0f} s"
            if held_out is not None:
                probabilities = predict(averaged, held_out.windows(), quick=True)
                found = score(held_out.targets, probabilities)
                line += "".join(f", {name} {each.auc:.4f}" for name, each in found.items())
            report(line)
    averaged.to(memory_format=torch.contiguous_format)
    return averaged


def _mean_probabilities(teachers: Sequence[SceneNetwork], mel: torch.Tensor) -> torch.Tensor:
    """Return the mean probabilities of several networks."""
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        logits = torch.stack([teacher(mel)[0] for teacher in teachers])
    return logits.float().sigmoid().mean(dim=0)


def _loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of the known labels."""
    known = ~wanted.isnan()
    cross_entropy = nn.functional.binary_cross_entropy_with_logits
    each = cross_entropy(logits, torch.where(known, wanted, 0.5), reduction="none")
    return (each * known).sum() / known.sum()


def _rate_factor(step: int, settings: TrainSettings) -> float:
    warm = max(1.0, _WARM_UP * settings.steps)
    if step < warm:
        return (step + 1) / warm
    return float(0.5 + 0.5 * np.cos(np.pi * (step - warm) / max(1.0, settings.steps - warm)))


def _update_average(averaged: SceneNetwork, model: SceneNetwork, kept: float) -> None:
    means, values = averaged.state_dict(), model.state_dict()  # detached, so without gradients
    for name, mean in means.items():
        if mean.dtype.is_floating_point:
            mean.lerp_(values[name], 1.0 - kept)
        else:
            mean.copy_(values[name])
