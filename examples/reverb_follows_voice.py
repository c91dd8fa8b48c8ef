"""Automate a reverb by voice: a hall for the singer, dry for the band."""

import argparse

from pedalboard import Pedalboard, Reverb

import pyplugin
from pyplugin import label
from pyplugin.inputs.files import load
from pyplugin.outputs.audio_files import AudioWriter


def main() -> None:
    """Load a song, automate the reverb by detected voice, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("output")
    options = parser.parse_args()

    audio, rate = load(options.source)
    voice = label("voice")
    board = Pedalboard([Reverb(room_size=0.8, wet_level=0.0, dry_level=0.5)])
    auto = pyplugin.automate(
        board, {"reverb.wet_level": voice.scale(0.0, 0.4).attack(0.3).release(1.2)}, hop=0.25
    )
    out = auto(audio, rate)
    wet = out.curves["reverb.wet_level"].values
    print(f"wet level {wet.min():.2f} to {wet.max():.2f}")
    with AudioWriter(options.output, rate, audio.shape[0]) as writer:
        writer.write(out.audio)


if __name__ == "__main__":
    main()
