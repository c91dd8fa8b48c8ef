"""Read recordings of any format in blocks.

``AudioReader``
    Reads a recording block by block, in constant memory.
``load``
    Reads a whole recording into one array.
``same_file``
    Whether two paths are the same file: an output must not replace its own input.

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

    Iteration yields new C-contiguous float32 arrays of shape (channels, n), where n is `block`
    except in the last one. Samples are not changed: those of a float file may exceed full scale or
    be non-finite (NaN, Inf).

    Parameters
    ----------
    path
        An audio file, or a video, of which the first audio track is read.
    block
        Samples per channel in each array, at least 1.

    Attributes
    ----------
    sample_rate : int
        In Hz, 8000 to 192000.
    channels : int
        1 to 8.
    frames : int or None
        Samples per channel according to the header; None if it does not contain them.
    duration : float or None
        In seconds; for a compressed file the value in its header, which may differ by a few
        milliseconds, or an estimate. None if unknown.
    format : str
        Container and encoding, such as ``"WAV (PCM_16)"`` or ``"mp3 (mp3float)"``.
    warnings : list of str
        Problems that did not stop the reading, such as a truncated file; complete after the last
        block.

    Raises
    ------
    AudioError
        The file is missing, unreadable, empty or not audio; its sample rate or number of channels
        is out of range; ``soundfile`` or ``av`` is needed and not installed; or, while iterating,
        the reader is closed.

    See Also
    --------
    load : Read a whole recording into one array.

    Examples
    --------
    >>> with AudioReader("examples/demo/demo.ogg") as reader:  # doctest: +SKIP
    ...     peak = max(np.abs(block).max() for block in reader)
    """

    def __init__(self, path: PathLike, *, block: int = 65536) -> None:
        if block < 1:
            raise AudioError(f"block is {block}; give at least 1 sample")
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
        for block in _regroup(decoder.pieces(), size):
            delivered += block.shape[1]
            yield block
        if delivered == 0:
            raise AudioError(_undecodable(self._path))
        seconds = delivered / self.sample_rate
        # The slack is for the frame or two that a header may count and a decoder drop.
        if self.duration is not None and seconds < 0.98 * self.duration - 0.1:
            self.warnings.append(
                f"'{self._path}' may be cut short: its header states {self.duration:.1f} s, but "
                f"only {seconds:.1f} s could be decoded"
            )
        elif decoder.damaged:
            self.warnings.append(
                f"'{self._path}' is damaged: parts could not be decoded and are missing in the "
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
        An audio file, or a video, of which the first audio track is read.

    Returns
    -------
    samples
        Float32, shape (channels, samples), full scale -1 to 1.
    sample_rate
        In Hz, 8000 to 192000.

    Raises
    ------
    AudioError
        See `AudioReader`.

    Warns
    -----
    UserWarning
        For each of `AudioReader.warnings`, such as a truncated file.
    """
    with AudioReader(path) as reader:
        samples = np.concatenate(list(reader), axis=1)
        for message in reader.warnings:
            warnings.warn(message, stacklevel=2)
        return samples, reader.sample_rate


def same_file(a: PathLike, b: PathLike) -> bool:
    """Return whether two paths are the same file, through any links; neither needs to exist.

    Examples
    --------
    >>> same_file("a/../b.wav", "b.wav")
    True
    """
    try:
        return Path(a).samefile(b)
    except OSError:
        return os.path.realpath(a) == os.path.realpath(b)


def load_codec(module: str) -> Any:
    """Import ``soundfile`` or ``av``, or raise an error with the command that installs it."""
    return need(
        module, package=module, extra="audio", purpose="Reading or writing audio", error=AudioError
    )


# Samples per channel read from libsndfile at once: only the piece with damage is lost.
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
    damaged: bool  # parts could not be decoded; valid after the last piece

    def pieces(self) -> Iterator[Samples]:
        """Yield arrays of shape (channels, n) with any n."""

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
    """FFmpeg: any other format with audio."""

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
            # The header of an AAC file may have half the sample rate; the first frame is right.
            self._frames = self._decode()
            first = next(self._frames, None)
            if first is None:
                if self.damaged:
                    raise AudioError(_undecodable(path))
                raise AudioError(f"'{path}' has no samples; give an audio file")
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
        """Yield planar float32 of constant rate and layout, even if those of the stream change."""
        resampler, setup = None, None
        for frame in self._frames:
            if setup != (frame.format.name, frame.layout.name, frame.sample_rate):
                yield from _convert(resampler, None)
                setup = (frame.format.name, frame.layout.name, frame.sample_rate)
                resampler = self._av.AudioResampler("fltp", self._layout, self.sample_rate)
            yield from _convert(resampler, frame)
        yield from _convert(resampler, None)

    def close(self) -> None:
        self._exit.close()


def _open(path: Path) -> _Decoder:
    """Open the file with the first decoder that supports it; check sample rate and channels."""
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
        f"'{path}' is not a recording that libsndfile or FFmpeg decodes; give an audio file, such "
        "as WAV, FLAC, MP3 or M4A, or a video with audio"
    )


def _check_file(path: Path) -> None:
    """Raise for files that cannot be read or are empty, with a clearer reason than a decoder's."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise AudioError(f"'{path}' is {kind}; give an audio file")
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError:
        raise AudioError(f"there is no file '{path}'; check its name and folder") from None
    except OSError as error:
        raise AudioError(
            f"'{path}' cannot be read: {sentence(error)}; check its permissions"
        ) from error
    if empty:
        raise AudioError(f"'{path}' is empty: it has 0 bytes; give an audio file")


def _convert(resampler: Any, frame: "av.AudioFrame | None") -> Iterator[Samples]:
    """Yield the output of a resampler for a frame, or, for None, the rest in its buffer."""
    if resampler is not None:
        for converted in resampler.resample(frame):
            if converted is not None:
                yield converted.to_ndarray()


def _regroup(pieces: Iterable[Samples], size: int) -> Iterator[Samples]:
    """Yield the same samples in arrays of `size`; the last one may be shorter."""
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
    return f"'{path}' is damaged: none of its audio could be decoded; get a new copy"
