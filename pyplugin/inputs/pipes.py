"""Raw samples from a pipe: ``rtl_fm … | pyplugin listen -``."""

from __future__ import annotations

import os
import select

import numpy as np
import numpy.typing as npt

from pyplugin.errors import AudioError
from pyplugin.inputs.input import Event
from pyplugin.node.frontend import check_format
from pyplugin.support.spelling import nearest

__all__ = ["FORMATS", "PipeInput"]

Float32 = npt.NDArray[np.float32]

FORMATS = {
    "u8": ("u1", 128.0, 128.0),
    "s16le": ("<i2", 0.0, 32768.0),
    "s16be": (">i2", 0.0, 32768.0),
    "s32le": ("<i4", 0.0, 2147483648.0),
    "f32le": ("<f4", 0.0, 1.0),
}
"""Sample formats by ffmpeg's names: numpy's type, the zero, and full scale."""

_CONTAINERS = (b"RIFF", b"fLaC", b"OggS", b"FORM")  # first bytes of sound files


class PipeInput:
    """Interleaved samples from a pipe or a file, as they arrive; an :class:`Input`.

    Parameters
    ----------
    file
        A file descriptor.
    sample_rate
        Hz, 8000 to 192000.
    channels
        1 to 8.
    sample_format
        One of :data:`FORMATS`.
    title
        What to call it.
    block
        Samples a channel that one :meth:`read` returns at most.

    Raises
    ------
    AudioError
        A sample rate, number of channels or format that is not possible.

    Examples
    --------
    >>> import os
    >>> end, start = os.pipe()
    >>> os.write(start, bytes([0, 64, 0, 192]))  # 0.5 and -0.5
    4
    >>> PipeInput(end, 8000, 1, "s16le").read(1.0)
    array([[ 0.5, -0.5]], dtype=float32)
    """

    def __init__(
        self,
        file: int,
        sample_rate: int,
        channels: int,
        sample_format: str,
        *,
        title: str = "stdin",
        block: int = 4096,
    ) -> None:
        check_format("The stream of raw samples", sample_rate, channels)
        if sample_format not in FORMATS:
            raise AudioError(
                f"There is no sample format {sample_format!r}; {nearest(sample_format, FORMATS)}"
            )
        self.sample_rate, self.channels, self.title = sample_rate, channels, title
        self._file, self._block = file, block
        self._kind, self._zero, self._scale = FORMATS[sample_format]
        self._stated = f"--channels {channels} --format {sample_format}"
        self._frame = np.dtype(self._kind).itemsize * channels
        self._left = b""
        self._first = True
        self._ended = False
        self._events: list[Event] = []

    def read(self, timeout: float) -> Float32 | None:
        """Return what arrived within ``timeout`` seconds; ``None`` once the writer has closed.

        Raises
        ------
        AudioError
            The first bytes are those of a sound file, not samples.
        """
        if self._ended:
            return None
        if not select.select([self._file], [], [], timeout)[0]:
            return np.zeros((self.channels, 0), np.float32)
        data = os.read(self._file, self._block * self._frame - len(self._left))
        if self._first and data[:4] in _CONTAINERS:
            raise AudioError(
                "The pipe carries a sound file, raw samples are expected; decode it first, with "
                "'ffmpeg -i FILE -f s16le -' for example, or give the file to 'pyplugin tag'."
            )
        self._first = False
        if not data:
            self._end()
            return None
        joined = self._left + data
        whole = len(joined) // self._frame * self._frame
        self._left = joined[whole:]
        samples = np.frombuffer(joined[:whole], self._kind).astype(np.float32)
        planes = (samples - np.float32(self._zero)) / np.float32(self._scale)
        return np.ascontiguousarray(planes.reshape(-1, self.channels).T)

    def _end(self) -> None:
        self._ended = True
        if self._left:
            message = (
                f"The stream ended within a sample: {len(self._left)} of its {self._frame} bytes "
                f"arrived. Is it {self._stated}?"
            )
            self._events.append(Event("note", message))

    def events(self) -> list[Event]:
        """Return what happened since the last call, oldest first."""
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Stop reading; the file descriptor stays with its owner."""
        self._ended = True
