"""Process a recording in blocks, as an audio device does, and print when each result is emitted.

Every position is a sample count. The window of a frame always ends `node.latency.total` samples
before the frame is emitted.
"""

import argparse

from pyplugin import Node, State
from pyplugin.inputs.files import AudioReader


def main() -> None:
    """Print each descriptor frame of a recording when it is emitted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--block", type=int, default=512, help="samples in a block")
    options = parser.parse_args()

    with (
        AudioReader(options.file, block=options.block) as reader,
        Node(reader.sample_rate, reader.channels, options.block, hop=0.5, offline=True) as node,
    ):
        print(node.latency)
        for block in reader:
            frames = node.process(block)
            for row in range(len(frames)):
                state = State(frames.state[row]).name.lower()
                start, end = (
                    int(x) / reader.sample_rate for x in (frames.start[row], frames.end[row])
                )
                best = frames.values[row].argmax()
                tag = f"{node.labels[best]} {frames.values[row, best]:.2f}"
                print(f"{start:7.2f} - {end:6.2f} s  {state:8}", tag if frames.state[row] else "")
        print(node.counters)


if __name__ == "__main__":
    main()
