"""Sources: descriptors, knobs and sums."""

import pytest
from pedalboard import Gain, Pedalboard

import pyplugin


def test_signals_of_different_units_cannot_be_added(probe):
    for wrong in (
        pyplugin.sources.rms() + pyplugin.sources.onset(),
        pyplugin.sources.rms() + pyplugin.label("beat"),
    ):
        with pytest.raises(pyplugin.PresetError, match="cannot be added"):
            pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": wrong}, model=probe.model)
    both = pyplugin.sources.flux() + pyplugin.sources.percussive()
    pyplugin.automate(Pedalboard([Gain()]), {"gain.gain_db": both})
