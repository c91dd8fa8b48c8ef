"""A file or an array as blocks of samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError
from pyplugin.inputs.files import AudioReader, Source, is_source, name_of
from pyplugin.inputs.input import Event
from pyplugin.inputs.levels import LevelCheck
from pyplugin.node.frontend import as_planar, check_rate
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing

BLOCK = 65536
"""Samples a channel that are read at once; results do not depend on it."""


class Recording(Closing):
    """A file or an array as blocks, (channels, n) float32; an :class:`Input` and an iterable.

    A context manager, which closes the file.

    Parameters
    ----------
    audio
        What :class:`AudioReader` reads, or samples (n,) or (channels, n).
    sample_rate
        Of the samples, Hz; otherwise ``None``.
    track
        As for :class:`AudioReader`.

    Attributes
    ----------
    samples : numpy.ndarray or None
        (channels, n) float32 of an array, otherwise ``None``.
    flat : bool
        The array had one dimension.
    block : int
        Samples a channel of each block, less in the last one.
    read_samples : int
        Samples a channel delivered so far.
    title : str
        The path or URL, or what it is.
    notes : list of str
        Sentences for a person; complete once all blocks were taken.

    Raises
    ------
    AudioError
        It cannot be read, or an array came without its rate.
    """

    def __init__(
        self,
        audio: Source | npt.ArrayLike,
        sample_rate: int | None = None,
        *,
        track: int | None = None,
    ) -> None:
        self.block = BLOCK
        self.read_samples = 0
        self.samples: Float32 | None = None
        self.flat = False
        self.notes: list[str] = []
        self.title = "array"
        self._reader: AudioReader | None = None
        self._ended = False
        self._levels = LevelCheck()
        self._reported = 0
        if is_source(audio):
            if sample_rate is not None:
                raise AudioError("A file has its own sample rate; sample_rate is for arrays.")
            self.title = name_of(audio).strip("'")
            self._reader = AudioReader(audio, block=self.block, track=track)
            self.sample_rate = self._reader.sample_rate
            self.channels = self._reader.channels
            self.duration: float | None = self._reader.duration
            self._blocks = iter(self._reader)
            return
        if sample_rate is None:
            raise AudioError("An array comes without its sample rate; give sample_rate in Hz.")
        self.samples = as_planar(audio)
        self.flat = np.ndim(audio) == 1
        self.sample_rate = check_rate(sample_rate)
        self.channels = self.samples.shape[0]
        self.duration = self.samples.shape[1] / self.sample_rate
        self._blocks = self._cut(self.samples)

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        if self._reader is not None:
            self._reader.close()

    @property
    def position(self) -> float:
        """Share of the recording that was read, 0 to 1; 0 while the duration is not known."""
        return (
            min(self.read_samples / self.sample_rate / self.duration, 1.0) if self.duration else 0.0
        )

    def read(self, timeout: float = 0.0) -> Float32 | None:
        """Return the next block; ``None`` at the end. A recording never waits.

        Raises
        ------
        AudioError
            The recording has no samples, or is closed.
        """
        del timeout
        block = next(self._blocks, None)
        if block is not None:
            self.read_samples += block.shape[1]
            self._levels.add(block)
            return block
        if self._reader is not None and not self._ended:
            self.notes.extend(self._reader.warnings)
        if not self._ended:
            self.notes.extend(self._levels.notes().values())
        self._ended = True
        if self.read_samples == 0:
            raise AudioError("The recording has 0 samples; at least 1 is expected.")
        return None

    def __iter__(self) -> Iterator[Float32]:
        while (block := self.read()) is not None:
            yield block

    def events(self) -> list[Event]:
        """Return notes since the last call."""
        fresh, self._reported = self.notes[self._reported :], len(self.notes)
        return [Event("note", note) for note in fresh]

    def _cut(self, samples: Float32) -> Iterator[Float32]:
        return (samples[:, at : at + self.block] for at in range(0, samples.shape[1], self.block))
