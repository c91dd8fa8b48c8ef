"""Recordings to be written: WAV, FLAC or Ogg Vorbis, whole or not at all."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from pyplugin.errors import AudioError
from pyplugin.inputs.decoding import load_codec
from pyplugin.inputs.files import PathLike
from pyplugin.node.frontend import check_format
from pyplugin.support.arrays import Float32
from pyplugin.support.files import replacing
from pyplugin.support.spelling import alternatives

if TYPE_CHECKING:
    from typing_extensions import Self


_FORMATS = {
    ".wav": ("WAV", ("PCM_24", "PCM_16", "FLOAT")),
    ".flac": ("FLAC", ("PCM_24", "PCM_16")),
    ".ogg": ("OGG", ("VORBIS",)),
}
_BYTES = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}
WAV_LIMIT = 2**32 - 2**16
"""Bytes of samples in a WAV: its sizes are 32 bits, and the header needs some of it."""

# Samples a channel handed to libsndfile at once: libvorbis keeps what it encodes on the stack.
_PIECE = 16384


class AudioWriter:
    """A recording to be written in blocks: whole when the ``with`` statement ends, or not at all.

    The samples go to a hidden file in the same folder, which takes its final name on success and
    is removed on any exception, ``KeyboardInterrupt`` included. Until then a file that already
    has that name stays as it is.

    Parameters
    ----------
    path
        Ends in ``.wav``, ``.flac`` or ``.ogg``, which sets the format.
    sample_rate
        In Hz, 8000 to 192000.
    channels
        1 to 8.
    subtype
        How samples are stored: ``"PCM_24"`` (default), ``"PCM_16"`` or ``"FLOAT"`` in WAV,
        ``"PCM_24"`` (default) or ``"PCM_16"`` in FLAC, ``"VORBIS"`` in Ogg.

    Attributes
    ----------
    clipped : int
        Samples that a PCM format could not hold: beyond full scale, written as full scale, or NaN,
        written as 0. Always 0 for ``"FLOAT"`` and ``"VORBIS"``, which hold more than full scale.

    Raises
    ------
    AudioError
        If a parameter is out of its range or ``soundfile`` is not installed; on entering, if the
        folder is missing or not writable, or the format cannot hold this rate.

    Examples
    --------
    >>> with AudioWriter("silence.wav", 48000, 2) as writer:  # doctest: +SKIP
    ...     writer.write(np.zeros((2, 48000), dtype=np.float32))
    """

    def __init__(
        self, path: PathLike, sample_rate: int, channels: int, *, subtype: str | None = None
    ) -> None:
        self._path = Path(path)
        suffix = self._path.suffix.lower()
        if suffix not in _FORMATS:
            raise AudioError(
                f"'{path}' cannot be written: its name must end in {alternatives(_FORMATS)}"
            )
        self._format, subtypes = _FORMATS[suffix]
        self._subtype = subtypes[0] if subtype is None else subtype
        if self._subtype not in subtypes:
            raise AudioError(f"{suffix} has no subtype '{subtype}'; give {alternatives(subtypes)}")
        check_format(f"'{path}'", sample_rate, channels)
        self._soundfile = load_codec("soundfile")
        self._sample_rate = sample_rate
        self._channels = channels
        self._file: Any = None
        self._exit = contextlib.ExitStack()
        self.clipped = 0

    def __enter__(self) -> "Self":
        with contextlib.ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path, error=AudioError))
            try:
                how = {"format": self._format, "subtype": self._subtype}
                file = self._soundfile.SoundFile(
                    temporary, "w", self._sample_rate, self._channels, **how
                )
                self._file = stack.enter_context(file)
            except self._soundfile.SoundFileError as error:
                raise AudioError(
                    f"'{self._path}' cannot hold {self._channels} channels at {self._sample_rate} "
                    f"Hz as {self._subtype}; another format may, such as .wav"
                ) from error
            self._exit = stack.pop_all()
        return self

    def __exit__(self, *error: Any) -> None:
        self._file = None
        try:
            self._exit.__exit__(*error)
        except self._soundfile.SoundFileError as failure:
            raise AudioError(f"'{self._path}' cannot be written: {failure}") from failure

    def write(self, block: ArrayLike) -> None:
        """Append samples.

        Parameters
        ----------
        block
            Shape (channels, n), n from 0; converted to float32.

        Raises
        ------
        AudioError
            If the shape is another, the writer is not in its ``with`` statement, the disk is full,
            or a WAV would exceed the 4 GiB that its header allows.
        """
        if self._file is None:
            raise AudioError(f"'{self._path}' is not open; write inside the with statement")
        samples = np.asarray(block, dtype=np.float32)
        if samples.ndim != 2 or samples.shape[0] != self._channels:
            raise AudioError(
                f"a block of shape {samples.shape} was given to '{self._path}'; "
                f"expected ({self._channels}, samples)"
            )
        for start in range(0, samples.shape[1], _PIECE):
            self._write(samples[:, start : start + _PIECE])

    def _write(self, samples: Float32) -> None:
        if self._format == "WAV":
            written = (self._file.tell() + samples.shape[1]) * self._channels
            if written * _BYTES[self._subtype] > WAV_LIMIT:
                raise AudioError(f"'{self._path}' would pass the 4 GiB of a WAV; write a .flac")
        if self._subtype.startswith("PCM"):
            self.clipped += samples.size - int(np.count_nonzero(np.abs(samples) <= 1.0))
        if self._subtype != "FLOAT":
            samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        try:
            self._file.write(samples.T)
        except self._soundfile.SoundFileError as error:
            raise AudioError(f"'{self._path}' cannot be written: {error}") from error
