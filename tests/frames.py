"""Descriptor frames for outputs, an output that keeps them, and waiting for another process."""

import time
from collections.abc import Callable

from pyplugin.node.node import State
from pyplugin.outputs import DescriptorFrame


def frame(time: float = 1.0, **changes: object) -> DescriptorFrame:
    """Return a frame; ``tags`` are those of one ``model``."""
    model = changes.pop("model", "musicnn-mtt")
    values: dict[str, object] = {
        "time": time,
        "start": time - 0.75,
        "end": time - 0.25,
        "source": "Scarlett 2i2",
        "state": State.FRESH,
        "tags": {"Female Vocal": 0.25, "rock": 0.5},
        "signals": {"rms_db": -20.5},
        "parameters": {"reverb.wet_level": 0.75},
    }
    values |= changes
    return DescriptorFrame(**{**values, "tags": {model: values["tags"]}})


def until(happened: Callable[[], object], seconds: float = 20) -> bool:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


class Kept:
    """An output that keeps what it receives."""

    def __init__(self):
        self.frames, self.moved, self.closed = [], [], False

    def write_frame(self, frame):
        self.frames.append(frame)

    def write_parameters(self, time, parameters, signals):
        self.moved.append((time, dict(parameters), dict(signals)))

    def close(self):
        self.closed = True
