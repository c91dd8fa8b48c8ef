"""The samples of chunks: cut out of their recordings, and joined into one sound for each unit."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from pyplugin.errors import AudioError
from pyplugin.inputs.decoding import Piece, one_format
from pyplugin.inputs.files import PathLike
from pyplugin.inputs.recording import Recording
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

GAP = 0.3
"""Seconds of silence between two chunks."""
FADE = 0.01
"""Seconds of fade at both ends of a chunk."""
_MOST_RATE = 48_000


@dataclass(frozen=True)
class Cut:
    """A part of a recording.

    Attributes
    ----------
    recording
        Its number.
    begin, end
        In samples of the recording.
    """

    recording: int
    begin: int
    end: int


class Clippings(Closing):
    """Parts of recordings, mixed to one channel, in a temporary file.

    Parameters
    ----------
    paths
        The recordings.
    cuts
        What is cut out of them. Each recording is read once, in constant memory.
    folder
        Where the temporary file is.
    progress
        Called with the share that is done, 0 to 1.

    Attributes
    ----------
    rates
        Sample rates in Hz, by the number of the recording.

    Raises
    ------
    AudioError
        A recording cannot be read any more.
    """

    def __init__(
        self,
        paths: Sequence[PathLike],
        cuts: Sequence[Cut],
        folder: Path,
        progress: Callable[[float], object] = lambda share: None,
    ) -> None:
        self.rates: dict[int, int] = {}
        self._places: dict[Cut, tuple[int, int]] = {}
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - see close
        ordered = sorted(set(cuts), key=lambda cut: (cut.recording, cut.end, cut.begin))
        by_recording = [(n, list(each)) for n, each in groupby(ordered, lambda cut: cut.recording)]
        try:
            for done, (number, wanted) in enumerate(by_recording):
                self._read(paths[number], number, wanted)
                progress((done + 1) / len(by_recording))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the temporary file."""
        self._file.close()

    def _read(self, path: PathLike, number: int, cuts: list[Cut]) -> None:
        """Go through a recording, keeping what the cuts that are not complete need of it."""
        with Recording(path) as source:
            self.rates[number] = source.sample_rate
            kept, at, waiting = np.zeros(0, np.float32), 0, cuts
            for block in source:
                kept = np.concatenate([kept, block.mean(axis=0, dtype=np.float32)])
                waiting = self._complete(waiting, kept, at)
                needed = min((cut.begin for cut in waiting), default=source.read_samples)
                gone = min(max(needed - at, 0), len(kept))
                kept, at = kept[gone:], at + gone
                if not waiting:
                    return
        raise AudioError(f"{path} is shorter than it was; leave the recordings as they are.")

    def _complete(self, cuts: list[Cut], samples: Float32, at: int) -> list[Cut]:
        """Store the cuts that end within the samples; return the others."""
        done = 0
        while done < len(cuts) and cuts[done].end <= at + len(samples):
            part = samples[cuts[done].begin - at : cuts[done].end - at]
            self._places[cuts[done]] = (self._file.tell(), len(part))
            self._file.write(np.ascontiguousarray(part).tobytes())
            done += 1
        return cuts[done:]

    def samples(self, cut: Cut) -> Float32:
        """Return the samples of a part, (n,) float32, at the rate of its recording."""
        place, count = self._places[cut]
        self._file.seek(place)
        found = np.frombuffer(self._file.read(4 * count), np.float32)
        return np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)


def common_rate(rates: Mapping[int, int]) -> int:
    """Return the sample rate of the sounds: the highest of the recordings, up to 48 kHz.

    Examples
    --------
    >>> common_rate({0: 22050, 1: 44100, 2: 96000})
    48000
    """
    return min(max(rates.values()), _MOST_RATE)


def joined(parts: Sequence[tuple[Float32, int]], rate: int) -> tuple[Float32, list[int]]:
    """Join sounds with short fades, and silence between them.

    Parameters
    ----------
    parts
        Samples, (n,), and their rates in Hz.
    rate
        Of the result in Hz.

    Returns
    -------
    sound
        (m,) float32.
    begins
        The sample at which each part begins.

    Examples
    --------
    >>> sound, begins = joined([(np.ones(1600, np.float32), 16000)] * 2, 8000)
    >>> len(sound), begins, float(sound[400]), float(sound[0])
    (4000, [0, 3200], 1.0, 0.0)
    """
    gap = np.zeros(round(GAP * rate), np.float32)
    pieces: list[Float32] = []
    begins, length = [], 0
    for samples, own in parts:
        if pieces:
            pieces.append(gap)
            length += len(gap)
        begins.append(length)
        pieces.append(_faded(_resampled(samples, own, rate), rate))
        length += len(pieces[-1])
    return np.concatenate(pieces), begins


def _resampled(samples: Float32, own: int, rate: int) -> Float32:
    if own == rate:
        return samples
    wanted = round(len(samples) * rate / own)

    def pieces() -> Iterator[Piece]:
        yield Piece(np.zeros((1, 0), np.float32), rate, None, "mono")  # the format that is wanted
        yield Piece(samples[None], own, None, "mono")

    found = np.concatenate(list(one_format(pieces())), axis=1)[0]
    return np.pad(found, (0, max(wanted - len(found), 0)))[:wanted]


def _faded(samples: Float32, rate: int) -> Float32:
    count = min(round(FADE * rate), len(samples) // 2)
    slope = np.sin(np.linspace(0, np.pi / 2, count, endpoint=False, dtype=np.float32)) ** 2
    envelope = np.ones(len(samples), np.float32)
    envelope[:count], envelope[len(samples) - count :] = slope, slope[::-1]
    return samples * envelope
