"""What tests of catalogues share: an engine in this process, and a collection."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import soundfile
from helpers import music, noise, tone

from pyplugin.catalogue.analysis import Analyser
from pyplugin.catalogue.records import FoundRecording, Outcome
from pyplugin.catalogue.setup import Setup

RATE = 22050


class Inline:
    """Analyses in this process; ends after some recordings with an exception, if it is to."""

    workers = 1

    def __init__(self, setup: Setup, fails: int | None = None, error: type = KeyboardInterrupt):
        self._analyser, self._fails, self._error = Analyser(setup), fails, error

    def run(self, tasks: Iterable[list[FoundRecording]]) -> Iterator[Outcome]:
        done = 0
        for task in tasks:
            for found in task:
                if done == self._fails:
                    raise self._error
                yield self._analyser.outcome(found)
                done += 1

    def close(self) -> None:
        self._analyser.close()


def write_collection(folder: Path) -> Path:
    """Write recordings of three formats, one in a folder of its own."""
    (folder / "noises").mkdir(parents=True)
    soundfile.write(folder / "chords.flac", music(5, RATE, 2).T, RATE)
    soundfile.write(folder / "tone.ogg", tone(4 * RATE, RATE).T, RATE)
    soundfile.write(folder / "noises" / "hiss.wav", 0.1 * noise(1, 4 * RATE).T, RATE)
    return folder
