"""Recordings of any format, in blocks.

``AudioReader``
    Reads any recording block by block, in constant memory.
``load``
    A whole recording as one array.
``same_file``
    Whether two paths name one file: an output must not replace its own input.

Samples are float32 of shape (channels, samples), full scale is -1 to 1. Uncompressed and lossless
files and Ogg are read by libsndfile (the package ``soundfile``), all others by FFmpeg (the package
``av``). Both come with ``pip install 'pyplugin[audio]'`` and are imported on first use.
"""

import contextlib
import itertools
import os
import stat
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pyplugin.errors import AudioError
from pyplugin.node.frontend import check_format
from pyplugin.support.files import sentence
from pyplugin.support.optional import need

if TYPE_CHECKING:
    import av
    from typing_extensions import Self

__all__ = ["AudioReader", "load", "same_file"]

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
        Samples a channel according to the header; None if only decoding shows it.
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
            raise AudioError(f"the block is {block} samples; 1 or more is expected")
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
                f"'{self._path}' may be cut short: its header states {self.duration:.1f} s of "
                f"audio, and {seconds:.1f} s could be decoded"
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
    """Return whether two paths name one file, through any links; neither needs to exist."""
    try:
        return Path(a).samefile(b)
    except OSError:
        return os.path.realpath(a) == os.path.realpath(b)


def load_codec(module: str) -> Any:
    """Import ``soundfile`` or ``av``, or raise a sentence on how to install it."""
    return need(
        module, package=module, extra="audio", purpose="Reading or writing audio", error=AudioError
    )


# Samples a channel taken from libsndfile at once: a damaged file loses the piece with the damage.
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
        soundfile = load_codec("soundfile")
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
        self._av = load_codec("av")
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
                raise AudioError(f"'{path}' has no samples; give a sound file")
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
                check_format(f"'{path}'", opened.sample_rate, opened.channels)
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
        raise AudioError(f"'{path}' is empty: it has 0 bytes; give a sound file")


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
