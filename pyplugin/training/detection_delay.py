"""How soon a label is told after a sound begins, and how long it stays after the end."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from pyplugin.training.augment import power_of, to_log
from pyplugin.training.corpus import LABELS, active_frames
from pyplugin.training.network import SceneNetwork
from pyplugin.training.windows import FRAME_RATE, Bank

__all__ = ["Reaction", "react"]

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_FRAMES = round(3.0 * FRAME_RATE)  # of the sound, and of what is before and after it
_LEAST = round(FRAME_RATE)


@dataclass(frozen=True, eq=False)
class Reaction:
    """How quickly one label follows what is heard.

    Attributes
    ----------
    label, around : str
        The label, and what was before and after: ``silence`` or ``another sound``.
    told : ndarray of float64, shape (recordings,)
        Seconds from the onset until the answer is above the threshold; inf where it never is.
    gone : ndarray of float64, shape (recordings that were told,)
        Seconds from the end until it is below; inf where it still was not after 3 s.
    """

    label: str
    around: str
    told: Float64
    gone: Float64


def react(
    network: SceneNetwork, bank: Bank, thresholds: dict[str, float], *, seed: int = 0
) -> list[Reaction]:
    """Put up to 3 s of each recording between 3 s of silence, and of another recording as loud.

    The other one is drawn from those without the label. Recordings whose first window has not got
    the label, and those of less than a second, are left out.

    Parameters
    ----------
    network : SceneNetwork
    bank : Bank
        Of one take of each recording.
    thresholds : dict of str to float
        By label.
    seed : int
        Of what is drawn.
    """
    random = np.random.default_rng(seed)
    sounds = {number: _stretch(bank, number) for number in np.unique(bank.clips).tolist()}
    sounds = {number: sound for number, sound in sounds.items() if len(sound) >= _LEAST}
    firsts = {number: bank.targets[np.argmax(bank.clips == number)] for number in sounds}
    found = []
    for label, threshold in thresholds.items():
        column = LABELS.index(label)
        having = [number for number, target in firsts.items() if target[column] == 1.0]
        lacking = [number for number, target in firsts.items() if target[column] == 0.0]
        silence = np.zeros((_FRAMES, bank.mel.shape[1]), np.float32)
        for around in ("silence", "another sound"):
            told, gone = [], []
            for number in having:
                sound = other = sounds[number]
                if around == "silence":
                    other = silence
                else:
                    other = _as_loud(sounds[lacking[random.integers(len(lacking))]], sound)
                answers = _answers(network, np.concatenate([other, sound, other]), column)
                begin = len(other) - bank.patch + 1
                over = answers >= threshold
                told.append(_first(over[begin : begin + len(sound)]))
                if np.isfinite(told[-1]):
                    gone.append(_first(~over[begin + len(sound) :]))
            found.append(Reaction(label, around, np.array(told), np.array(gone)))
    return found


def _stretch(bank: Bank, number: int) -> Float32:
    """Return the mel frames of a recording from its first sound on."""
    starts = bank.starts[bank.clips == number]
    mel: Float32 = bank.mel[starts[0] : starts[-1] + bank.patch].astype(np.float32)
    sounding = np.flatnonzero(active_frames(power_of(mel), bank.sources[number].category))
    mel = mel[sounding[0] : sounding[-1] + 1] if len(sounding) else mel[:0]
    return mel[:_FRAMES]


def _as_loud(other: Float32, sound: Float32) -> Float32:
    """Return 3 s of a sound, repeated if it is short, of the mean power of another."""
    power = power_of(np.resize(other, (_FRAMES, other.shape[1])))
    return to_log(power * (power_of(sound).mean() / max(float(power.mean()), 1e-9)))


def _answers(network: SceneNetwork, mel: Float32, column: int) -> Float32:
    """Return the probability of a label in the window that ends at each frame."""
    network.eval()
    with torch.inference_mode():
        columns = network.columns(torch.from_numpy(mel[None]))
        width = columns.shape[2] - (len(mel) - network.settings.patch)
        windows = columns[0].unfold(1, width, 1).permute(1, 0, 3, 2)
        logits, _ = network.answer(windows)
    answers: Float32 = torch.sigmoid(logits[:, column]).numpy()
    return answers


def _first(true: npt.NDArray[np.bool_]) -> float:
    """Return after how many seconds something is true for the first time, or inf."""
    return float((np.argmax(true) + 1) / FRAME_RATE) if true.any() else float("inf")
