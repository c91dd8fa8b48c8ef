"""Export an automation curve to a DAW: the activation of voice as MIDI controllers or CSV."""

import argparse

from pedalboard import Gain, Pedalboard

import pyplugin
from pyplugin import label
from pyplugin.inputs.files import load
from pyplugin.outputs.export import write_curves


def main() -> None:
    """Analyse a song, and write the curve of a parameter instead of audio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("output", help="a .mid, .csv or .json file")
    options = parser.parse_args()

    voice = label("voice")
    auto = pyplugin.automate(
        Pedalboard([Gain()]), {"gain.gain_db": voice.scale(0, 1).attack(0.1).release(0.5)}, hop=0.25
    )
    samples, rate = load(options.source)
    curve = auto(samples, rate).curves["gain.gain_db"]
    write_curves(options.output, {"voice": curve}, ranges={"voice": (0, 1)})
    print(f"{options.output}: {len(curve.times)} points")


if __name__ == "__main__":
    main()
