"""Duck music under speech: the bed goes down while the speaker is loud, and a little before."""

import argparse

from pedalboard import Gain, Pedalboard

import pyplugin


def main() -> None:
    """Play the bed; listen to the speech."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bed")
    parser.add_argument("speech")
    parser.add_argument("output")
    options = parser.parse_args()

    speaks = pyplugin.sources.loudness().above(-45, hysteresis=6)
    auto = pyplugin.automate(
        Pedalboard([Gain(0)]),
        {"gain.gain_db": speaks.scale(0, -12).attack(0.15).hold(0.6).release(0.5)},
    )
    result = auto(options.bed, output=options.output, sidechain=options.speech)
    down = result.curves["gain.gain_db"].values < -6
    print(f"{options.output}: down for {100 * down.mean():.0f} % of {result.duration:.1f} s")


if __name__ == "__main__":
    main()
