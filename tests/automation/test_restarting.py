"""Which parameters start their effect anew: found by moving every one of every effect."""

import inspect

import numpy as np
import pytest

import pyplugin
from pyplugin.automation.effects import RESTARTING, snake_case
from pyplugin.errors import PresetError
from pyplugin.sources import rms

pedalboard = pytest.importorskip("pedalboard", reason="pip install 'tagnode[effects]'")

RATE, BLOCK = 44100, 512


def numbers(kind: type) -> list[str]:
    """Return the parameters of an effect that are numbers and can be set."""
    try:
        effect = kind()
    except Exception:
        return []
    found = []
    for name, value in inspect.getmembers(kind, lambda member: isinstance(member, property)):
        if value.fset is not None and not name.startswith("_"):
            try:
                now = getattr(effect, name)
                setattr(effect, name, now)
            except Exception:
                continue
            if isinstance(now, (int, float)) and not isinstance(now, bool):
                found.append(name)
    return found


def effects() -> list[type]:
    members = (kind for _, kind in inspect.getmembers(pedalboard, inspect.isclass))
    return sorted(
        (kind for kind in members if issubclass(kind, pedalboard.Plugin)), key=lambda k: k.__name__
    )


CASES = [(kind, name) for kind in effects() for name in numbers(kind)]


def played(kind: type, name: str, moves: bool) -> np.ndarray:
    t = np.arange(RATE) / RATE
    noise = np.random.default_rng(0).normal(size=RATE)
    x = (0.5 * np.sin(2 * np.pi * 440 * t) + 0.1 * noise).astype(np.float32)[None]
    effect, parts = kind(), []
    value = getattr(effect, name)
    for index, start in enumerate(range(0, RATE, BLOCK)):
        if moves:
            step = (1e-3 * abs(value) + 1e-4) * (index % 2)
            try:
                setattr(effect, name, value + step)
            except ValueError:  # it was at its upper limit
                setattr(effect, name, value - step)
        parts.append(effect.process(x[:, start : start + BLOCK], RATE, reset=False))
    return np.concatenate(parts, axis=1)[0]


@pytest.mark.parametrize(
    ("kind", "name"), CASES, ids=[f"{kind.__name__}.{name}" for kind, name in CASES]
)
def test_moving_a_parameter_a_little_keeps_the_sound(kind, name):
    still, moved = played(kind, name, False), played(kind, name, True)
    most = min(len(still), len(moved)) // 2
    lost = len(moved) < 0.9 * len(still)
    quiet = most > 0 and not lost and np.std(moved[most:]) < 0.7 * np.std(still[most:])
    assert (lost or quiet) == ((kind.__name__, name) in RESTARTING)


@pytest.mark.parametrize(("kind", "name"), sorted(RESTARTING))
def test_they_are_refused_as_targets(kind, name):
    board = pedalboard.Pedalboard([getattr(pedalboard, kind)()])
    with pytest.raises(PresetError, match="starts the effect anew"):
        pyplugin.automate(board, {f"{snake_case(kind)}.{name}": rms().scale(0, 1)})
