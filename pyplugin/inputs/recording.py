"""A recording or an array as blocks of samples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError
from pyplugin.inputs.files import AudioReader
from pyplugin.node.frontend import as_planar, check_rate

Float32 = npt.NDArray[np.float32]

__all__ = ["BLOCK", "Recording"]

BLOCK = 65536
"""Samples per channel that are read at once; results do not depend on it."""


class Recording:
    """A recording or an array as blocks, (channels, n) float32, with its format and notes.

    A context manager, which closes the recording.

    Parameters
    ----------
    audio
        A path, or samples (n,) or (channels, n).
    sample_rate
        Sample rate of an array in Hz; must be ``None`` for a path.

    Attributes
    ----------
    samples : numpy.ndarray or None
        (channels, n) float32 of an array, ``None`` for a path.
    flat : bool
        The array had one dimension.
    block : int
        Samples per channel in each block; the last one may be shorter.
    samples_read : int
        Samples per channel delivered so far.
    notes : list of str
        Sentences for the user; complete after the last block.

    Raises
    ------
    AudioError
        The recording cannot be read, the array is invalid, or `sample_rate` is missing.
    """

    def __init__(self, audio: str | Path | npt.ArrayLike, sample_rate: int | None = None) -> None:
        self.block = BLOCK
        self.samples_read = 0
        self.samples: Float32 | None = None
        self.flat = False
        self.notes: list[str] = []
        self._reader: Any = None
        if isinstance(audio, (str, Path)):
            if sample_rate is not None:
                raise AudioError(
                    "A file has its own sample rate; give sample_rate for arrays only."
                )
            self._reader = AudioReader(audio, block=self.block)
            self.sample_rate = self._reader.sample_rate
            self.channels = self._reader.channels
            self.duration: float | None = self._reader.duration
            return
        if sample_rate is None:
            raise AudioError("An array was given without its sample rate; give sample_rate in Hz.")
        self.samples = as_planar(audio)
        self.flat = np.ndim(audio) == 1
        self.sample_rate = check_rate(sample_rate)
        self.channels = self.samples.shape[0]
        self.duration = self.samples.shape[1] / self.sample_rate

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._reader is not None:
            self._reader.close()

    def share(self) -> float:
        """Return the share that has been read, 0 to 1; 0 if the duration is unknown."""
        return (
            min(self.samples_read / self.sample_rate / self.duration, 1.0) if self.duration else 0.0
        )

    def __iter__(self) -> Iterator[Float32]:
        for block in self._blocks():
            self.samples_read += block.shape[1]
            yield block
        if self._reader is not None:
            self.notes.extend(self._reader.warnings)
        if self.samples_read == 0:
            raise AudioError("The recording has 0 samples; at least 1 is expected.")

    def _blocks(self) -> Iterator[Float32]:
        if self.samples is None:
            return iter(self._reader)
        samples = self.samples
        return (samples[:, at : at + self.block] for at in range(0, samples.shape[1], self.block))
