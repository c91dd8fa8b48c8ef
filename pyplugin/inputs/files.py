"""Recordings of any format, in blocks: paths, file objects, bytes, pipes and URLs.

``AudioReader``
    Reads any recording block by block, in constant memory.
``load``
    A whole recording as one array.
``same_file``
    Whether two paths name one file: an output must not replace its own input.

Samples are float32 of shape (channels, samples), full scale is -1 to 1. Uncompressed and lossless
files and Ogg are read by libsndfile (the package ``soundfile``), all others, and whatever cannot be
sought in, by FFmpeg (the package ``av``). Both come with ``pip install 'tagnode[audio]'`` and are
imported on first use.
"""

import contextlib
import io
import itertools
import os
import stat
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from pyplugin.errors import AudioError
from pyplugin.inputs.decoding import (
    DEFAULT_LAYOUTS,
    Container,
    Piece,
    converted,
    decode,
    decoder_failures,
    load_codec,
    one_format,
    resampler_to,
    setup_of,
)
from pyplugin.inputs.joined import joined_parts
from pyplugin.inputs.ogg import is_chained
from pyplugin.inputs.parts import Part, whole, with_padding
from pyplugin.inputs.playlists import is_url, without_password
from pyplugin.node.frontend import check_format
from pyplugin.support.closing import Closing
from pyplugin.support.files import sentence

if TYPE_CHECKING:
    from typing_extensions import TypeIs


PathLike = str | os.PathLike[str]
Source = PathLike | bytes | BinaryIO
"""Where a recording may be: a path, ``"-"`` for standard input, a URL, its bytes, an open file."""

Samples = NDArray[np.float32]


class AudioReader(Closing):
    """A recording, read once from start to end in blocks.

    Iterating yields float32 arrays of shape (channels, n), C-contiguous: n is `block`, and less
    only in the last one. Each is a new array. Samples pass through as they stand: those of a float
    file may exceed full scale or be NaN or infinite.

    Parameters
    ----------
    source
        A sound file, or a video, of which the first audio track is read: its path, ``"-"`` for
        standard input, an HTTP or HTTPS URL, its bytes, or an open binary file.
    block
        Samples a channel in each array, at least 1.
    track
        Which audio track of a file with several, from 1; ``None`` for its default one.

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
        If the file is missing, unreadable, empty, or no sound; if a URL fails, or is a broadcast
        without an end; if its sample rate or its channels
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

    def __init__(self, source: Source, *, block: int = 65536, track: int | None = None) -> None:
        if block < 1:
            raise AudioError(f"the block is {block} samples; 1 or more is expected")
        self._name = name_of(source)
        self._closed = False
        with contextlib.ExitStack() as stack:
            decoder = _open(source, self._name, stack, track)
            self._stack = stack.pop_all()
        self.sample_rate = decoder.sample_rate
        self.channels = decoder.channels
        self.frames = decoder.frames
        self.duration = decoder.duration
        self.format = decoder.format
        self.warnings: list[str] = []
        self._blocks = self._read(decoder, block)

    def __iter__(self) -> Iterator[Samples]:
        return self

    def __next__(self) -> Samples:
        if self._closed:
            raise AudioError("the recording is closed; read it inside its with statement")
        return next(self._blocks)

    def _read(self, decoder: "_Decoder", size: int) -> Iterator[Samples]:
        delivered = 0
        with decoder_failures(self._name):
            for block in _regrouped(decoder.pieces(), size):
                delivered += block.shape[1]
                yield block
        if delivered == 0:
            raise AudioError(_undecodable(self._name))
        seconds = delivered / self.sample_rate
        if decoder.silence:
            self.warnings.append(
                f"{self._name} has no audio for {decoder.silence:.1f} s of its time, which are "
                "silence here"
            )
        # The slack is for the frame or two that a header may count and a decoder drop.
        if self.duration is not None and seconds < 0.98 * self.duration - 0.1:
            self.warnings.append(
                f"{self._name} may be cut short: its header states {self.duration:.1f} s of "
                f"audio, and {seconds:.1f} s could be decoded"
            )
        elif decoder.damaged:
            self.warnings.append(
                f"{self._name} is damaged: what could not be decoded is left out of the "
                f"{seconds:.1f} s that were"
            )

    def close(self) -> None:
        """Close the file, unless it was given open; closing twice is harmless."""
        self._closed = True
        self._stack.close()


def load(source: Source) -> tuple[Samples, int]:
    """Read a whole recording.

    Parameters
    ----------
    source
        As of `AudioReader`.

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
    with AudioReader(source) as reader:
        samples = np.concatenate(list(reader), axis=1)
        for message in reader.warnings:
            warnings.warn(message, stacklevel=2)
        return samples, reader.sample_rate


def is_source(audio: object) -> "TypeIs[Source]":
    """Return whether this is where a recording may be, and not its samples."""
    return isinstance(audio, (str, os.PathLike, bytes, bytearray)) or hasattr(audio, "read")


def name_of(source: Source) -> str:
    """Return how messages name a source.

    Examples
    --------
    >>> name_of("song.ogg"), name_of("http://me:secret@radio.example/a"), name_of(b"RIFF")
    ("'song.ogg'", 'http://radio.example/a', 'The recording in memory')
    """
    if isinstance(source, (bytes, bytearray)):
        return "The recording in memory"
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if path == "-":
            return "Standard input"
        return without_password(path) if is_url(path) else f"'{path}'"
    name = getattr(source, "name", None)
    return f"'{name}'" if isinstance(name, str) else "The open file"


def same_file(a: PathLike, b: PathLike) -> bool:
    """Return whether two paths name one file, through any links; neither needs to exist."""
    try:
        return Path(a).samefile(b)
    except OSError:
        return os.path.realpath(a) == os.path.realpath(b)


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
    silence: float  # seconds without audio by the file's own clock, known after the last piece

    @property
    def damaged(self) -> bool:
        """Whether some of it could not be decoded; known after the last piece."""

    def pieces(self) -> Iterator[Samples]:
        """Yield arrays of shape (channels, n), n as it comes."""

    def close(self) -> None:
        """Close the file."""


class _SoundFileDecoder:
    """libsndfile: exact lengths, exact values."""

    def __init__(self, file: BinaryIO | bytes, name: str) -> None:
        soundfile = load_codec("soundfile")
        try:
            self._file = soundfile.SoundFile(file)
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
        self.silence = 0.0
        self._damaged = False

    @property
    def damaged(self) -> bool:
        return self._damaged

    def pieces(self) -> Iterator[Samples]:
        try:
            while (piece := self._file.read(_PIECE, dtype="float32", always_2d=True)).size:
                yield piece.T
        except self._error:
            self._damaged = True

    def close(self) -> None:
        self._file.close()


# Containers whose time stamps say when audio sounds; in the first ones the clock begins at 0, in
# the others with the earliest track.
_FROM_ZERO = ("matroska", "mov")
_TIMED = (*_FROM_ZERO, "mpegts", "flv", "asf", "avi")
_GAP = 0.1  # seconds between time stamps that are a gap, not rounding
_LONGEST_GAP = 86400.0  # more is another clock
_GUESSED = ("aac", "ac3", "eac3", "mp3", "dts", "amr", "loas", "mpeg")  # FFmpeg, from the bit rate


class _AvDecoder:
    """FFmpeg: whatever carries sound."""

    def __init__(self, file: BinaryIO, name: str, track: int | None = None) -> None:
        self._av = load_codec("av")
        start = file.tell()
        counted = _counts_its_frames(file)
        file.seek(start)
        try:
            self._container = Container(file, name, track=track)
        except (self._av.FFmpegError, OSError) as error:
            raise _RefusedError from error
        # The header of an AAC file may state half its rate: the first frame knows.
        self._frames = self._container.frames()
        first = next(self._frames, None)
        if first is None:
            self._container.close()
            if self._container.damaged:
                raise AudioError(_undecodable(name))
            raise AudioError(f"{name} has no samples; give a sound file")
        self._frames = itertools.chain([first], self._frames)
        self._layout = first.layout.name
        self.sample_rate = first.sample_rate
        self.channels = len(first.layout.channels)
        self.frames: int | None = None
        container = self._container.container.format.name.split(",")[0]
        self._timed = container in _TIMED
        began = self._container.container.start_time
        self._zero = 0.0 if container in _FROM_ZERO or began is None else began / 1e6
        guessed = container in _GUESSED and not counted
        self.duration = None if guessed else self._stated_duration()
        self.format = f"{container} ({self._container.stream.codec_context.name})"
        self.silence = 0.0

    @property
    def damaged(self) -> bool:
        return self._container.damaged

    def _stated_duration(self) -> float | None:
        container, stream = self._container.container, self._container.stream
        if stream.duration is not None:
            return float(stream.duration * stream.time_base)
        if container.duration is not None and len(container.streams) == 1:
            return float(container.duration) / float(self._av.time_base)
        return None

    def pieces(self) -> Iterator[Samples]:
        """Yield planar float32 of one rate and layout, whatever the stream changes to midway.

        Where the file's own clock says that nothing sounds, silence is yielded.
        """
        resampler, setup = None, None
        end = self._zero
        for frame in self._frames:
            lost = frame.time - end if self._timed and frame.time is not None else 0.0
            if setup != setup_of(frame) or _GAP < lost < _LONGEST_GAP:
                yield from converted(resampler, None)
                setup = setup_of(frame)
                resampler = resampler_to(self._layout, self.sample_rate)
            if _GAP < lost < _LONGEST_GAP:
                self.silence += lost
                yield from _silence(self.channels, round(lost * self.sample_rate))
            yield from converted(resampler, frame)
            start = end + max(lost, 0.0) if frame.time is None else frame.time
            end = start + frame.samples / frame.sample_rate
        yield from converted(resampler, None)

    def close(self) -> None:
        self._container.close()


def _silence(channels: int, count: int) -> Iterator[Samples]:
    for start in range(0, count, 1 << 20):
        yield np.zeros((channels, min(1 << 20, count - start)), np.float32)


def _counts_its_frames(file: BinaryIO) -> bool:
    """Return whether an MP3 has a header that states its length."""
    head = file.read(1 << 17)
    return any(tag in head for tag in (b"Xing", b"Info", b"VBRI"))


class _StreamDecoder:
    """FFmpeg on what is read once, in order: pipes, HLS, the links of chained Ogg."""

    def __init__(self, items: Iterator[Any], name: str) -> None:
        pieces = (item for item in items if isinstance(item, Piece))
        first = next(pieces, None)
        if first is None:
            raise AudioError(f"{name} has no samples; give a sound file")
        self._pieces = itertools.chain([first], pieces)
        self._items = items
        self.sample_rate, self.channels = first.sample_rate, first.samples.shape[0]
        self.frames: int | None = None
        self.duration: float | None = None
        self.format = "stream"
        self.silence = 0.0

    @property
    def damaged(self) -> bool:
        return False

    def pieces(self) -> Iterator[Samples]:
        return one_format(self._pieces)

    def close(self) -> None:
        self._items.close()  # type: ignore[attr-defined]


def _open(source: Source, name: str, stack: contextlib.ExitStack, track: int | None) -> "_Decoder":
    """Open a source with the first decoder that takes it; its format is checked.

    What has to be closed is left to `stack`.
    """
    with decoder_failures(name):
        decoder = _decoder(source, name, stack, track)
        stack.callback(decoder.close)
        check_format(name, decoder.sample_rate, decoder.channels)
        return decoder


def _decoder(
    source: Source, name: str, stack: contextlib.ExitStack, track: int | None
) -> "_Decoder":
    if isinstance(source, (bytes, bytearray)):
        if not source:
            raise AudioError(_empty(name))
        return _file_decoder(io.BytesIO(source), name, track)
    if isinstance(source, (str, os.PathLike)):
        path = os.fspath(source)
        if path == "-":
            if sys.stdin is None:
                raise AudioError("standard input is closed; a recording is expected there")
            return _reading(sys.stdin.buffer, name)
        if path.startswith("cmd:"):
            from pyplugin.inputs.connections import CommandConnection

            command = CommandConnection(path.removeprefix("cmd:"))
            return _StreamDecoder(command.pieces(), name)
        if is_url(path):
            return _url_decoder(path, name, stack, track)
        file, regular = _open_file(Path(path))
        stack.callback(file.close)
        return (
            _file_decoder(file, name, track, os.fsencode(path)) if regular else _reading(file, name)
        )
    if hasattr(source, "seekable") and source.seekable():
        return _file_decoder(source, name, track)
    return _reading(source, name)


def _reading(file: BinaryIO, name: str) -> "_Decoder":
    """Return a decoder for a pipe."""
    reader = file.raw if isinstance(file, io.BufferedReader) else file
    return _StreamDecoder(decode(reader, name), name)


def _url_decoder(url: str, name: str, stack: contextlib.ExitStack, track: int | None) -> "_Decoder":
    """Return a decoder for a recording on a server, fetched whole; HLS is read as it comes."""
    from pyplugin.inputs.connections import HttpConnection, connection_for  # ssl takes a while
    from pyplugin.inputs.http import HttpResource

    broadcast = f"{name} is a broadcast without an end; give it to 'tagnode listen'"
    connection = connection_for(url)
    if isinstance(connection, HttpConnection):
        resource = HttpResource(url)
        stack.callback(resource.close)
        if resource.broadcast:
            raise AudioError(broadcast)
        if not (resource.playlist or resource.live):
            file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
            while data := resource.read(1 << 18):
                file.write(data)
            if file.tell() == 0:
                raise AudioError(_empty(name))
            file.seek(0)
            return _file_decoder(file, name)
        resource.close()
        if not resource.playlist:  # of unknown length
            return _StreamDecoder(connection.pieces(), name)
    decoder = _StreamDecoder(connection.pieces(), name)
    if connection.live:
        decoder.close()
        raise AudioError(broadcast)
    return decoder


def _file_decoder(
    file: BinaryIO, name: str, track: int | None = None, path: bytes | None = None
) -> "_Decoder":
    """Return a decoder for a file that can be sought in.

    libsndfile gets the path where there is one: it reads by itself, without a callback into Python,
    which would be slower and would drop a KeyboardInterrupt.
    """
    if is_chained(file):
        return _StreamDecoder(decode(file, name), name)
    parts = joined_parts(file)
    if len(parts) > 1:
        return _JoinedDecoder([Part(file, start, end) for start, end in parts], name)
    return _part_decoder(file, name, track, path)


def _part_decoder(
    file: BinaryIO, name: str, track: int | None = None, path: bytes | None = None
) -> "_Decoder":
    start = file.tell()
    if track is None:
        with contextlib.suppress(_RefusedError):
            return _SoundFileDecoder(cast("BinaryIO", whole(file)) if path is None else path, name)
        file.seek(start)
        padded = with_padding(file)
        if padded is not None:
            with contextlib.suppress(_RefusedError):
                return _SoundFileDecoder(cast("BinaryIO", padded), name)
    file.seek(start)
    with contextlib.suppress(_RefusedError):
        return _AvDecoder(file, name, track)
    raise AudioError(
        f"{name} is not a recording that libsndfile or FFmpeg decodes; give a sound file, such "
        "as WAV, FLAC, MP3 or M4A, or a video with sound"
    )


class _JoinedDecoder:
    """Files that were joined by ``cat``: one after the other, at the format of the first."""

    def __init__(self, parts: list[Part], name: str) -> None:
        self._parts, self._name = parts, name
        self._now = _part_decoder(cast("BinaryIO", parts[0]), name)
        self.sample_rate, self.channels = self._now.sample_rate, self._now.channels
        self.frames: int | None = None
        self.duration: float | None = None
        self.format = f"{len(parts)} x {self._now.format}"
        self.silence = 0.0
        self._damaged = False

    @property
    def damaged(self) -> bool:
        return self._damaged

    def _all(self) -> Iterator[Piece]:
        for number, part in enumerate(self._parts):
            if number:
                self._now.close()
                self._now = _part_decoder(cast("BinaryIO", part), self._name)
            layout = DEFAULT_LAYOUTS[self._now.channels]
            for samples in self._now.pieces():
                yield Piece(samples, self._now.sample_rate, None, layout)
            self._damaged = self._damaged or self._now.damaged

    def pieces(self) -> Iterator[Samples]:
        return one_format(self._all())

    def close(self) -> None:
        self._now.close()


def _open_file(path: Path) -> tuple[BinaryIO, bool]:
    """Open a file, and return whether it can be sought in.

    What cannot be read or is empty is refused for a reason that no decoder would give.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise AudioError(f"'{path}' is a folder; give a sound file")
        file = path.open("rb")
        if stat.S_ISREG(mode) and path.stat().st_size == 0:
            file.close()
            raise AudioError(_empty(f"'{path}'"))
        return file, stat.S_ISREG(mode)
    except FileNotFoundError:
        raise AudioError(f"there is no file '{path}'; check its name and folder") from None
    except OSError as error:
        raise AudioError(
            f"'{path}' cannot be read: {sentence(error)}; check its permissions"
        ) from error


def _empty(name: str) -> str:
    return f"{name} is empty: it has 0 bytes; give a sound file"


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


def _undecodable(name: str) -> str:
    return f"{name} is damaged: none of its sound could be decoded; get it anew"
