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
"""Samples a channel that are read at once; results do not depend on it."""


class Recording:
    """A recording or an array as blocks, (channels, n) float32, and what is known about it.

    A context manager, which closes the recording.

    Parameters
    ----------
    audio
        A path, or samples (n,) or (channels, n).
    sample_rate
        Of the samples, Hz; must be ``None`` for a path.

    Attributes
    ----------
    samples : numpy.ndarray or None
        (channels, n) float32 of an array, ``None`` for a path.
    flat : bool
        The array had one dimension.
    block : int
        Samples a channel of each block, less in the last one.
    heard : int
        Samples a channel delivered so far.
    notes : list of str
        Sentences for a person; complete once all blocks were taken.

    Raises
    ------
    AudioError
        It cannot be read, or an array came without its rate.
    """

    def __init__(self, audio: str | Path | npt.ArrayLike, sample_rate: int | None = None) -> None:
        self.block = BLOCK
        self.heard = 0
        self.samples: Float32 | None = None
        self.flat = False
        self.notes: list[str] = []
        self._reader: Any = None
        if isinstance(audio, (str, Path)):
            if sample_rate is not None:
                raise AudioError("A file has its own sample rate; sample_rate is for arrays.")
            self._reader = AudioReader(audio, block=self.block)
            self.sample_rate = self._reader.sample_rate
            self.channels = self._reader.channels
            self.duration: float | None = self._reader.duration
            return
        if sample_rate is None:
            raise AudioError("An array comes without its sample rate; give sample_rate in Hz.")
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
        """Return how much was heard, 0 to 1; 0 while the duration is not known."""
        return min(self.heard / self.sample_rate / self.duration, 1.0) if self.duration else 0.0

    def __iter__(self) -> Iterator[Float32]:
        for block in self._blocks():
            self.heard += block.shape[1]
            yield block
        if self._reader is not None:
            self.notes.extend(self._reader.warnings)
        if self.heard == 0:
            raise AudioError("The recording has 0 samples; at least 1 is expected.")

    def _blocks(self) -> Iterator[Float32]:
        if self.samples is None:
            return iter(self._reader)
        samples = self.samples
        return (samples[:, at : at + self.block] for at in range(0, samples.shape[1], self.block))
