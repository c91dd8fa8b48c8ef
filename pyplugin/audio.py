"""Recordings in and out, in blocks.

``AudioReader``
    Reads any recording block by block, in constant memory.
``AudioWriter``
    Writes WAV, FLAC or Ogg Vorbis; the file appears whole or not at all.
``load``
    A whole recording as one array.
``same_file``
    Whether two paths name one file: an output must not replace its own input.

Samples are float32 of shape (channels, samples), full scale is -1 to 1. Uncompressed and lossless
files and Ogg are read by libsndfile (the package ``soundfile``), all others by FFmpeg (the package
``av``). Both come with ``pip install pyplugin[audio]`` and are imported on first use.
"""

import contextlib
import importlib
import itertools
import os
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyplugin.errors import AudioError
from pyplugin.files import replacing, sentence

if TYPE_CHECKING:
    import av
    from typing_extensions import Self

__all__ = ["AudioReader", "AudioWriter", "load", "same_file"]

MAX_CHANNELS = 8
MIN_SAMPLE_RATE = 8_000
MAX_SAMPLE_RATE = 192_000

PathLike = str | os.PathLike[str]
Samples = NDArray[np.float32]


class AudioReader:
    """A recording, read once from start to end in blocks.

    Iterating yields float32 arrays of shape (channels, n), C-contiguous: n is `block`, and less
    only in the last one. Each is a new array. Samples pass through as they stand: those of a float
    file may exceed full scale or be NaN or infinite.

    Parameters
    ----------
    path
        A sound file, or a video, of which the first audio track is read.
    block
        Samples a channel in each array, at least 1.

    Attributes
    ----------
    sample_rate : int
        In Hz, 8000 to 192000.
    channels : int
        1 to 8.
    frames : int or None
        Samples a channel, as the header states them; None when only decoding would tell.
    duration : float or None
        In seconds; for a compressed file what its header states, which may be off by a few
        milliseconds, or an estimate. None when unknown.
    format : str
        Container and coding, such as ``"WAV (PCM_16)"`` or ``"mp3 (mp3float)"``.
    warnings : list of str
        What went wrong without ending the reading, such as a file cut short: complete once the
        last block is read.

    Raises
    ------
    AudioError
        If the file is missing, unreadable, empty, or no sound; if its sample rate or its channels
        are out of range; if ``soundfile`` or ``av`` is needed and not installed; while iterating,
        if it is closed.

    See Also
    --------
    load : The whole recording as one array.

    Examples
    --------
    >>> with AudioReader("examples/demo/demo.ogg") as reader:  # doctest: +SKIP
    ...     peak = max(np.abs(block).max() for block in reader)
    """

    def __init__(self, path: PathLike, *, block: int = 65536) -> None:
        if block < 1:
            raise AudioError(f"a block of {block} samples was asked for; give 1 or more")
        self._path = Path(path)
        self._decoder: _Decoder | None = _open(self._path)
        self.sample_rate = self._decoder.sample_rate
        self.channels = self._decoder.channels
        self.frames = self._decoder.frames
        self.duration = self._decoder.duration
        self.format = self._decoder.format
        self.warnings: list[str] = []
        self._blocks = self._read(self._decoder, block)

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        if self._decoder is None:
            raise AudioError("the recording is closed; read it inside its with statement")
        return next(self._blocks)

    def _read(self, decoder: "_Decoder", size: int) -> Iterator[Samples]:
        delivered = 0
        for block in _regrouped(decoder.pieces(), size):
            delivered += block.shape[1]
            yield block
        if delivered == 0:
            raise AudioError(_undecodable(self._path))
        seconds = delivered / self.sample_rate
        # The slack is for the frame or two that a header may count and a decoder drop.
        if self.duration is not None and seconds < 0.98 * self.duration - 0.1:
            self.warnings.append(
                f"'{self._path}' may be cut short: it states {self.duration:.1f} s of sound, and "
                f"{seconds:.1f} s could be decoded"
            )
        elif decoder.damaged:
            self.warnings.append(
                f"'{self._path}' is damaged: what could not be decoded is left out of the "
                f"{seconds:.1f} s that were"
            )

    def close(self) -> None:
        """Close the file; closing twice is harmless."""
        if self._decoder is not None:
            self._decoder.close()
            self._decoder = None


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
                f"'{path}' cannot be written: its name must end in {_alternatives(_FORMATS)}"
            )
        self._format, subtypes = _FORMATS[suffix]
        self._subtype = subtypes[0] if subtype is None else subtype
        if self._subtype not in subtypes:
            raise AudioError(f"{suffix} has no subtype '{subtype}'; give {_alternatives(subtypes)}")
        _check_shape(f"'{path}'", sample_rate, channels)
        self._soundfile = _require("soundfile")
        self._sample_rate = sample_rate
        self._channels = channels
        self._file: Any = None
        self._exit = contextlib.ExitStack()
        self.clipped = 0

    def __enter__(self) -> "Self":
        with contextlib.ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path, error=AudioError))
            try:
                self._file = stack.enter_context(
                    self._soundfile.SoundFile(
                        temporary,
                        "w",
                        samplerate=self._sample_rate,
                        channels=self._channels,
                        format=self._format,
                        subtype=self._subtype,
                    )
                )
            except self._soundfile.SoundFileError as error:
                raise AudioError(
                    f"'{self._path}' cannot hold {self._channels} channels at {self._sample_rate} "
                    f"Hz as {self._subtype}; another format may, such as .wav"
                ) from error
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file = None
        try:
            self._exit.__exit__(kind, error, traceback)
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
            or a WAV would pass 4 GiB, which its header cannot say.
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

    def _write(self, samples: Samples) -> None:
        if self._format == "WAV":
            written = (self._file.tell() + samples.shape[1]) * self._channels
            if written * _BYTES[self._subtype] > _WAV_LIMIT:
                raise AudioError(f"'{self._path}' would pass the 4 GiB of a WAV; write a .flac")
        if self._subtype.startswith("PCM"):
            self.clipped += samples.size - int(np.count_nonzero(np.abs(samples) <= 1.0))
        if self._subtype != "FLOAT":
            samples = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
        try:
            self._file.write(samples.T)
        except self._soundfile.SoundFileError as error:
            raise AudioError(f"'{self._path}' cannot be written: {error}") from error


def load(path: PathLike) -> tuple[Samples, int]:
    """Read a whole recording.

    Parameters
    ----------
    path
        A sound file, or a video, of which the first audio track is read.

    Returns
    -------
    samples
        Float32, shape (channels, samples), full scale -1 to 1.
    sample_rate
        In Hz, 8000 to 192000.

    Raises
    ------
    AudioError
        As `AudioReader` does.

    Warns
    -----
    UserWarning
        For each of `AudioReader.warnings`, such as a file cut short.
    """
    with AudioReader(path) as reader:
        samples = np.concatenate(list(reader), axis=1)
        for message in reader.warnings:
            warnings.warn(message, stacklevel=2)
        return samples, reader.sample_rate


def same_file(a: PathLike, b: PathLike) -> bool:
    """Tell whether two paths name one file, by whatever links; neither needs to exist."""
    try:
        return Path(a).samefile(b)
    except OSError:
        return os.path.realpath(a) == os.path.realpath(b)


_FORMATS = {
    ".wav": ("WAV", ("PCM_24", "PCM_16", "FLOAT")),
    ".flac": ("FLAC", ("PCM_24", "PCM_16")),
    ".ogg": ("OGG", ("VORBIS",)),
}
_BYTES = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}
_WAV_LIMIT = 2**32 - 2**16  # bytes of samples: sizes are 32 bits, and the header needs some of it
# Samples a channel handed to libsndfile at once: libvorbis keeps what it encodes on the stack, and
# a damaged file loses the piece in which the damage lies.
_PIECE = 16384


class _RefusedError(Exception):
    """A decoder cannot read this file; another may."""


class _Decoder(Protocol):
    """An open recording; the attributes are those of `AudioReader`."""

    sample_rate: int
    channels: int
    frames: int | None
    duration: float | None
    format: str
    damaged: bool  # some of it could not be decoded; known after the last piece

    def pieces(self) -> Iterator[Samples]:
        """Yield arrays of shape (channels, n), n as it comes."""

    def close(self) -> None:
        """Close the file."""


class _SoundFileDecoder:
    """libsndfile: exact lengths, exact values."""

    def __init__(self, path: Path) -> None:
        soundfile = _require("soundfile")
        try:
            self._file = soundfile.SoundFile(path)
        except (soundfile.SoundFileError, TypeError) as error:  # TypeError: a name ending in .raw
            raise _RefusedError from error
        # Left to FFmpeg: a header without a length (0 or the largest integer), whose end libsndfile
        # may miss; and MPEG, where it may estimate a length and stop there, short of the end.
        frames: int = self._file.frames
        if not 0 < frames < 2**62 or self._file.subtype.startswith("MPEG"):
            self._file.close()
            raise _RefusedError
        self._error: type[Exception] = soundfile.SoundFileError
        self.sample_rate: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.frames: int | None = frames
        self.duration: float | None = frames / self.sample_rate
        self.format = f"{self._file.format} ({self._file.subtype})"
        self.damaged = False

    def pieces(self) -> Iterator[Samples]:
        try:
            while (piece := self._file.read(_PIECE, dtype="float32", always_2d=True)).size:
                yield piece.T
        except self._error:
            self.damaged = True

    def close(self) -> None:
        self._file.close()


class _AvDecoder:
    """FFmpeg: whatever carries sound."""

    def __init__(self, path: Path) -> None:
        self._av = _require("av")
        self.damaged = False
        with contextlib.ExitStack() as stack:
            # An open file, and no protocol: a playlist must not open other files or addresses.
            file = stack.enter_context(path.open("rb"))
            try:
                self._container = stack.enter_context(
                    self._av.open(file, options={"protocol_whitelist": "none"})
                )
            except (self._av.FFmpegError, OSError) as error:
                raise _RefusedError from error
            streams = self._container.streams
            if not streams.audio or streams.audio[0].codec_context is None:
                raise AudioError(f"'{path}' has no audio track that FFmpeg decodes")
            self._stream = streams.audio[0]
            # The header of an AAC file may state half its rate: the first frame knows.
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                if self.damaged:
                    raise AudioError(_undecodable(path))
                raise AudioError(f"'{path}' holds no samples; give a sound file")
            self._frames = itertools.chain([first], self._frames)
            self._layout = first.layout
            self.sample_rate = first.sample_rate
            self.channels = len(first.layout.channels)
            self.frames: int | None = None
            self.duration = self._stated_duration()
            container = self._container.format.name.split(",")[0]
            self.format = f"{container} ({self._stream.codec_context.name})"
            self._exit = stack.pop_all()

    def _stated_duration(self) -> float | None:
        if self._container.format.name == "aac":  # has no header: FFmpeg guesses from the bit rate
            return None
        if self._stream.duration is not None:
            return float(self._stream.duration * self._stream.time_base)
        if self._container.duration is not None and len(self._container.streams) == 1:
            return float(self._container.duration) / float(self._av.time_base)
        return None

    def _decode(self) -> "Iterator[av.AudioFrame]":
        """Yield frames of any format and size; packets that cannot be decoded are skipped."""
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except self._av.FFmpegError:
                    self.damaged = True
                else:
                    yield from frames
        except (self._av.FFmpegError, OSError):
            self.damaged = True

    def pieces(self) -> Iterator[Samples]:
        """Yield planar float32 of one rate and layout, whatever the stream changes to midway."""
        resampler, setup = None, None
        for frame in self._frames:
            if setup != (frame.format.name, frame.layout.name, frame.sample_rate):
                yield from _converted(resampler, None)
                setup = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = self._av.AudioResampler("fltp", self._layout, self.sample_rate)
            yield from _converted(resampler, frame)
        yield from _converted(resampler, None)

    def close(self) -> None:
        self._exit.close()


def _open(path: Path) -> _Decoder:
    """Find the first decoder that takes the file, its sample rate and channels checked."""
    _check_file(path)
    decoders: tuple[Callable[[Path], _Decoder], ...] = (_SoundFileDecoder, _AvDecoder)
    for decoder in decoders:
        with contextlib.suppress(_RefusedError):
            opened = decoder(path)
            try:
                _check_shape(f"'{path}'", opened.sample_rate, opened.channels)
            except AudioError:
                opened.close()
                raise
            return opened
    raise AudioError(
        f"'{path}' is not a recording that libsndfile or FFmpeg decodes; give a sound file, such "
        "as WAV, FLAC, MP3 or M4A, or a video with sound"
    )


def _check_file(path: Path) -> None:
    """Refuse what cannot be read or is empty, for a reason that no decoder would give."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise AudioError(f"'{path}' is {kind}; give a sound file")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise AudioError(f"there is no file '{path}'; check its name and folder") from None
    except OSError as error:
        raise AudioError(
            f"'{path}' cannot be read: {sentence(error)}; check its permissions"
        ) from error
    if empty:
        raise AudioError(f"'{path}' is empty: it holds 0 bytes; give a sound file")


def _check_shape(what: str, sample_rate: int, channels: int) -> None:
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError(
            f"{what} has {channels} channels; expected 1 to {MAX_CHANNELS}: convert it first"
        )
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise AudioError(
            f"{what} has a sample rate of {sample_rate} Hz; expected {MIN_SAMPLE_RATE} to "
            f"{MAX_SAMPLE_RATE}: resample it first"
        )


def _converted(resampler: Any, frame: "av.AudioFrame | None") -> Iterator[Samples]:
    """Yield what a resampler gives for a frame, or, for None, what it still holds."""
    if resampler is not None:
        for converted in resampler.resample(frame):
            if converted is not None:
                yield converted.to_ndarray()


def _regrouped(pieces: Iterable[Samples], size: int) -> Iterator[Samples]:
    """Yield the same samples in arrays of `size`, the last one shorter."""
    held: list[Samples] = []
    count = 0
    for piece in pieces:
        held.append(piece)
        count += piece.shape[1]
        if count >= size:
            joined = np.concatenate(held, axis=1)
            whole = count - count % size
            for start in range(0, whole, size):
                yield joined[:, start : start + size].copy()
            held, count = [joined[:, whole:]], count % size
    if count:
        yield np.ascontiguousarray(np.concatenate(held, axis=1))


def _undecodable(path: Path) -> str:
    return f"'{path}' is damaged: none of its sound could be decoded; get it anew"


def _alternatives(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _require(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except (ImportError, OSError) as error:  # OSError: soundfile found no libsndfile
        raise AudioError(
            f"this needs the package '{module}', which is not installed or does not load: "
            "pip install pyplugin[audio]"
        ) from error
