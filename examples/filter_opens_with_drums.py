"""Open a filter with the drums, automated by measured signals without a model."""

import argparse

from pedalboard import Gain, LadderFilter, Pedalboard

import pyplugin
from pyplugin.sources import onset, percussive


def main() -> None:
    """Automate the cutoff by the percussive share, and duck the gain at onsets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("output")
    options = parser.parse_args()

    board = Pedalboard([LadderFilter(LadderFilter.Mode.LPF24, cutoff_hz=400), Gain()])
    auto = pyplugin.automate(
        board,
        {
            "ladder_filter.cutoff_hz": percussive()
            .range(0.3, 0.8)
            .scale(400, 16000, curve="log")
            .attack(0.05)
            .release(0.4),
            "gain.gain_db": onset().above(6, hysteresis=3).scale(0, -3).attack(0.01).release(0.1),
        },
    )
    result = auto(options.source, output=options.output)
    for name, curve in result.curves.items():
        print(f"{name}: {curve.values.min():.4g} to {curve.values.max():.4g}")


if __name__ == "__main__":
    main()
