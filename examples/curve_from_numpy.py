"""Automate a cutoff with a numpy array, and a gain by the measured loudness."""

import argparse

import numpy as np
from pedalboard import Gain, LadderFilter, Pedalboard

import pyplugin
from pyplugin.inputs.files import load
from pyplugin.outputs.audio_files import AudioWriter


def main() -> None:
    """Sweep a filter four times a minute, and level the loudness."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("output")
    options = parser.parse_args()

    audio, rate = load(options.source)
    seconds = np.arange(0, audio.shape[1] / rate + 0.01, 0.01)
    sweep = 400 * 20 ** (0.5 - 0.5 * np.cos(2 * np.pi * seconds / 15))
    auto = pyplugin.automate(
        Pedalboard([LadderFilter(), Gain()]),
        {
            "ladder_filter.cutoff_hz": pyplugin.curve(sweep, rate=100),
            "gain.gain_db": pyplugin.sources.loudness("short")
            .range(-14, -34)
            .scale(0, 9)
            .attack(0.5),
        },
    )
    out = auto(audio, rate)
    with AudioWriter(options.output, rate, audio.shape[0]) as writer:
        writer.write(out.audio)
    cutoff = out.curves["ladder_filter.cutoff_hz"].values
    print(f"cutoff {cutoff.min():.0f} to {cutoff.max():.0f} Hz")


if __name__ == "__main__":
    main()
