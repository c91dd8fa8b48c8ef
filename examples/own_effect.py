"""Automate your own effect by a tag: here, the width of a stereo image."""

import argparse

import numpy as np

import pyplugin
from pyplugin.automation.movers import Automation
from pyplugin.inputs.files import load
from pyplugin.outputs.audio_files import AudioWriter

STEP = 64  # samples between two updates


def main() -> None:
    """Widen a stereo recording during drums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source")
    parser.add_argument("output")
    options = parser.parse_args()

    samples, rate = load(options.source)
    if samples.shape[0] != 2:
        parser.error(f"{options.source} is not stereo")
    result = pyplugin.tag(samples, rate, hop=0.25)
    drums = result.activations[:, result.labels.index("drums")]

    wider = pyplugin.label("drums").scale(0.6, 1.8).attack(0.3).release(1.0)
    width = Automation([wider.knobs], rate)
    events = list(zip((result.times + result.window / 2) * rate, drums, strict=True))
    middle, side = (samples[0] + samples[1]) / 2, (samples[0] - samples[1]) / 2
    for start in range(0, samples.shape[1], STEP):
        while events and events[0][0] <= start:
            position, value = events.pop(0)
            width.push(0, int(position), float(value))
        side[start : start + STEP] *= width.at(start)
    with AudioWriter(options.output, rate, 2) as writer:
        writer.write(np.stack([middle + side, middle - side]).astype(np.float32))
    print(f"{options.output}: drums {drums.min():.2f} to {drums.max():.2f}")


if __name__ == "__main__":
    main()
