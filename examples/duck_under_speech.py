"""Duck music under speech: reduce the gain of the bed during speech, and slightly before it."""

import argparse

from pedalboard import Gain, Pedalboard

import pyplugin


def main() -> None:
    """Render the bed, with the speech as sidechain."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bed")
    parser.add_argument("speech")
    parser.add_argument("output")
    options = parser.parse_args()

    speech = pyplugin.sources.loudness().above(-45, hysteresis=6)
    auto = pyplugin.automate(
        Pedalboard([Gain(0)]),
        {"gain.gain_db": speech.scale(0, -12).attack(0.15).hold(0.6).release(0.5)},
    )
    result = auto(options.bed, output=options.output, sidechain=options.speech)
    ducked = result.curves["gain.gain_db"].values < -6
    print(f"{options.output}: ducked for {100 * ducked.mean():.0f} % of {result.duration:.1f} s")


if __name__ == "__main__":
    main()
