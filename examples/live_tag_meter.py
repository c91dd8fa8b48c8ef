"""A live meter for one tag, from an audio device, a network stream, a command or a pipe."""

import argparse

import pyplugin
from pyplugin.inputs.opening import open_input
from pyplugin.outputs import DescriptorFrame
from pyplugin.session import Session


class Meter:
    """An output, like OSC and MIDI: it receives each descriptor frame."""

    failures = 0

    def __init__(self, tag: str) -> None:
        self.tag = tag

    def write_frame(self, frame: DescriptorFrame) -> None:
        """Draw a bar."""
        value = frame.labels[self.tag]
        print(f"{frame.end:7.2f} s  {self.tag} {value:.2f} {'#' * round(40 * value)}", flush=True)

    def write_parameters(self, time: float, parameters: dict, signals: dict) -> None:
        """There are no parameters."""

    def close(self) -> None:
        """There is nothing to close."""


def main() -> None:
    """Analyse until the source ends, or Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default="drums")
    parser.add_argument("--device", help="part of the name of a device")
    parser.add_argument("source", nargs="?", default="-", help="URL, 'cmd: COMMAND', pipe or -")
    options = parser.parse_args()

    def make_node(rate: int, channels: int) -> pyplugin.Node:
        return pyplugin.Node(rate, channels, 8192, hop=0.25)

    if options.device:
        from pyplugin.inputs.devices import Listener

        session = Session(Listener(options.device, make_node), outputs=[Meter(options.tag)])
    else:
        stream = open_input(options.source)
        stream.wait()
        session = Session(stream, make_node, outputs=[Meter(options.tag)])
    with session:
        session.run()


if __name__ == "__main__":
    main()
