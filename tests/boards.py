"""Boards with effects of every kind, and audio for them, for tests of automation."""

import numpy as np
import pedalboard
from helpers import music
from pedalboard import Chain, Convolution, Gain, Mix, Pedalboard, PitchShift, Resample, Reverb

from pyplugin import automate, curve
from pyplugin.automation.board import AutomatedBoard
from pyplugin.automation.effects import effect_types

RATE = 48000
HOLDING_BACK = {"brickwall_limiter", "mp3_compressor", "resample", "pitch_shift", "gsm"}


def late_branches() -> list[pedalboard.Plugin]:
    return [Chain([Gain(-6), Resample(8000)]), pedalboard.Delay(0.01)]


EFFECTS = {
    **effect_types(),
    "convolution": lambda: Convolution(
        np.hanning(700).astype(np.float32)[None], 0.8, sample_rate=RATE
    ),
    "gsm": pedalboard.GSMFullRateCompressor,
    "invert": pedalboard.Invert,
    "pitch_shift": lambda: PitchShift(3),
    "mix": lambda: Mix([Chain([Gain(-6), Reverb()]), pedalboard.Delay(0.01)]),
    "late_mix": lambda: Mix(late_branches()),
}


def tone(length: int, channels: int = 2) -> np.ndarray:
    """A signal without long silence or repetition, different in each channel."""
    return music(length / RATE + 1, RATE, channels, seed=3)[:, :length]


def still(effect) -> AutomatedBoard:
    """The effect on a board with one automated parameter, whose value is constant."""
    end = Gain(0)
    return automate(Pedalboard([effect, end]), {"end.gain_db": curve([0.0], 1)}, ids={"end": end})


def cut(x: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    parts, at, turn = [], 0, 0
    while at < x.shape[1]:
        parts.append(x[:, at : at + sizes[turn % len(sizes)]])
        at, turn = at + sizes[turn % len(sizes)], turn + 1
    return parts
