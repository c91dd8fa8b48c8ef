"""The delay between the onset of a sound and its detection, and between its end and the release."""

from dataclasses import dataclass

import numpy as np
import torch

from pyplugin.support.arrays import Bools, Float32, Float64
from pyplugin.training.augment import log_mel, mel_power
from pyplugin.training.corpus import LABELS, active_frames
from pyplugin.training.network import SceneNetwork
from pyplugin.training.windows import FRAME_RATE, WindowSet

_FRAMES = round(3.0 * FRAME_RATE)  # of the sound, and of the context before and after it
_LEAST = round(FRAME_RATE)


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
    Recordings whose first window lacks the label, and those shorter than 1 s, are left out.

    Parameters
    ----------
    network : SceneNetwork
    window_set : WindowSet
        With one variant of each recording.
    thresholds : dict of str to float
        Threshold by label.
    seed : int
        Seed of the choice of other sounds.
    """
    random = np.random.default_rng(seed)
    numbers = np.unique(window_set.clips).tolist()
    sounds = {number: _active_mel(window_set, number) for number in numbers}
    sounds = {number: sound for number, sound in sounds.items() if len(sound) >= _LEAST}
    clips = window_set.clips
    firsts = {number: window_set.targets[np.argmax(clips == number)] for number in sounds}
    found = []
    for label, threshold in thresholds.items():
        column = LABELS.index(label)
        having = [number for number, target in firsts.items() if target[column] == 1.0]
        lacking = [number for number, target in firsts.items() if target[column] == 0.0]
        silence = np.zeros((_FRAMES, window_set.mel.shape[1]), np.float32)
        for context in ("silence", "another sound"):
            onsets, releases = [], []
            for number in having:
                sound = other = sounds[number]
                if context == "silence":
                    other = silence
                else:
                    other = _match_power(sounds[lacking[random.integers(len(lacking))]], sound)
                whole = np.concatenate([other, sound, other])
                over = _probabilities(network, whole, column) >= threshold
                begin = len(other) - window_set.patch + 1
                onsets.append(_seconds_to_first(over[begin : begin + len(sound)]))
                if np.isfinite(onsets[-1]):
                    releases.append(_seconds_to_first(~over[begin + len(sound) :]))
            found.append(DetectionDelay(label, context, np.array(onsets), np.array(releases)))
    return found


def _active_mel(window_set: WindowSet, number: int) -> Float32:
    """Return the mel frames from the first to the last active one, at most 3 s."""
    starts = window_set.starts[window_set.clips == number]
    mel: Float32 = window_set.mel[starts[0] : starts[-1] + window_set.patch].astype(np.float32)
    sounding = np.flatnonzero(active_frames(mel_power(mel), window_set.sources[number].category))
    mel = mel[sounding[0] : sounding[-1] + 1] if len(sounding) else mel[:0]
    return mel[:_FRAMES]


def _match_power(other: Float32, sound: Float32) -> Float32:
    """Return 3 s of `other`, repeated if it is shorter, with the mean power of `sound`."""
    power = mel_power(np.resize(other, (_FRAMES, other.shape[1])))
    return log_mel(power * (mel_power(sound).mean() / max(float(power.mean()), 1e-9)))


def _probabilities(network: SceneNetwork, mel: Float32, column: int) -> Float32:
    """Return the probability of a label in the window that ends at each frame."""
    network.eval()
    with torch.inference_mode():
        columns = network.columns(torch.from_numpy(mel[None]))
        width = columns.shape[2] - (len(mel) - network.settings.patch)
        windows = columns[0].unfold(1, width, 1).permute(1, 0, 3, 2)
        logits, _ = network.classify(windows)
    return np.asarray(torch.sigmoid(logits[:, column]).numpy())


def _seconds_to_first(active: Bools) -> float:
    """Return the seconds until the first true frame, or inf."""
    return float((np.argmax(active) + 1) / FRAME_RATE) if active.any() else float("inf")
