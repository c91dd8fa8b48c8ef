"""The delay between the onset of a sound and its detection, and between its end and the release."""

from dataclasses import dataclass

import numpy as np
import torch

from pyplugin.support.arrays import Bools, Float32, Float64
from pyplugin.training.augment import log_mel, mel_power
from pyplugin.training.corpus import LABELS, Presence
from pyplugin.training.held_out import WindowSet
from pyplugin.training.network import SceneNetwork
from pyplugin.training.sounds import FRAME_RATE

_FRAMES = round(3.0 * FRAME_RATE)  # of the sound, and of the context before and after it
_LEAST = round(FRAME_RATE)
_MOSTLY = 0.5  # of the frames of a sound that has a label


@dataclass(frozen=True, eq=False)
class DetectionDelay:
    """Detection delays of one label in one context.

    Attributes
    ----------
    label, context : str
        The label, and the context before and after: ``silence`` or ``another sound``.
    onset_delays : ndarray of float64, shape (recordings,)
        Seconds from the onset until the probability reaches the threshold; inf if it never does.
    release_delays : ndarray of float64, shape (detected recordings,)
        Seconds from the end until the probability is below it; inf if it is not within 3 s.
    """

    label: str
    context: str
    onset_delays: Float64
    release_delays: Float64


def measure_delays(
    network: SceneNetwork, window_set: WindowSet, thresholds: dict[str, float], *, seed: int = 0
) -> list[DetectionDelay]:
    """Measure delays of up to 3 s of each recording between 3 s of silence or of another sound.

    The other sound has the same mean power and is drawn from recordings without the label.
    Recordings in which the label is present in less than half of the frames, and those shorter
    than 1 s, are left out.

    Parameters
    ----------
    network : SceneNetwork
    window_set : WindowSet
    thresholds : dict of str to float
        Threshold by label.
    seed : int
        Seed of the choice of other sounds.
    """
    random = np.random.default_rng(seed)
    sounds = [_audible(window_set, number) for number in range(len(window_set.sources))]
    sounds = [(mel, presence) for mel, presence in sounds if len(mel) >= _LEAST]
    found = []
    for label, threshold in thresholds.items():
        column = LABELS.index(label)
        having = [mel for mel, seen in sounds if (seen[:, column] == 1).mean() >= _MOSTLY]
        lacking = [mel for mel, seen in sounds if not seen[:, column].any()]
        for context in ("silence", "another sound"):
            onsets, releases = [], []
            for sound in having if context == "silence" or lacking else ():
                if context == "silence":
                    other = _silence(window_set)
                else:
                    drawn = lacking[int(random.integers(len(lacking)))]
                    other = _match_power(drawn, sound, window_set)
                whole = np.concatenate([other, sound, other])
                over = _probabilities(network, whole, column) >= threshold
                begin = len(other) - window_set.patch + 1
                onsets.append(_seconds_to_first(over[begin : begin + len(sound)]))
                if np.isfinite(onsets[-1]):
                    releases.append(_seconds_to_first(~over[begin + len(sound) :]))
            found.append(DetectionDelay(label, context, np.array(onsets), np.array(releases)))
    return found


def _audible(window_set: WindowSet, number: int) -> tuple[Float32, Presence]:
    """Return a recording from the first to the last frame with any label, at most 3 s."""
    first, end = window_set.spans[number]
    mel, presence = window_set.mel[first:end].astype(np.float32), window_set.presence[first:end]
    sounding = np.flatnonzero(presence.any(axis=1))
    part = slice(sounding[0], sounding[-1] + 1) if len(sounding) else slice(0)
    return mel[part][:_FRAMES], presence[part][:_FRAMES]


def _silence(window_set: WindowSet) -> Float32:
    return log_mel(np.zeros((_FRAMES, window_set.mel.shape[1]), np.float32), window_set.front_end)


def _match_power(other: Float32, sound: Float32, window_set: WindowSet) -> Float32:
    """Return 3 s of `other`, repeated if it is shorter, with the mean power of `sound`."""
    front_end = window_set.front_end
    power = mel_power(np.resize(other, (_FRAMES, other.shape[1])), front_end)
    gain = mel_power(sound, front_end).mean() / max(float(power.mean()), 1e-9)
    return log_mel(power * np.float32(gain), front_end)


def _probabilities(network: SceneNetwork, mel: Float32, column: int) -> Float32:
    """Return the probability of a label in the window that ends at each frame."""
    network.eval()
    with torch.inference_mode():
        columns = network.columns(torch.from_numpy(mel[None]))
        width = columns.shape[2] - (len(mel) - network.settings.patch)
        logits = network.answers(columns, torch.arange(width - 1, columns.shape[2]))
    return np.asarray(torch.sigmoid(logits[0, :, column]).numpy())


def _seconds_to_first(active: Bools) -> float:
    """Return the seconds until the first true frame, or inf."""
    return float((np.argmax(active) + 1) / FRAME_RATE) if active.any() else float("inf")
