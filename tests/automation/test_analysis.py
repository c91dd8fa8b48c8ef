"""The analysis of a whole recording: the positions at which its descriptors take effect."""

import tracemalloc

import numpy as np
import soundfile
from pedalboard import Gain, Pedalboard

import pyplugin
from pyplugin import automate


def test_ten_minutes_of_signals_take_little_memory(tmp_path):
    """Descriptors are kept in arrays and converted in pieces."""
    file = tmp_path / "long.wav"
    rng = np.random.default_rng(0)
    soundfile.write(file, rng.uniform(-0.1, 0.1, 10 * 60 * 8000), 8000)
    auto = automate(Pedalboard([Gain()]), {"gain.gain_db": pyplugin.sources.rms()})
    auto(file, output=tmp_path / "out.wav")  # loads modules
    tracemalloc.start()
    auto(file, output=tmp_path / "out.wav")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12e6
