"""Descriptor frames for outputs, and waiting for a condition."""

import time
from collections.abc import Callable

from pyplugin.node.node import State
from pyplugin.outputs import DescriptorFrame


def frame(time: float = 1.0, **changes: object) -> DescriptorFrame:
    values: dict[str, object] = {
        "time": time,
        "start": time - 0.75,
        "end": time - 0.25,
        "source": "Scarlett 2i2",
        "model": "musicnn-mtt",
        "state": State.FRESH,
        "tags": {"Female Vocal": 0.25, "rock": 0.5},
        "signals": {"rms_db": -20.5},
        "parameters": {"reverb.wet_level": 0.75},
    }
    return DescriptorFrame(**{**values, **changes})


def until(happened: Callable[[], object], seconds: float = 20) -> bool:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
