"""Audio out of a byte stream: a container that FFmpeg reads, or raw samples.

:func:`decode` is where all failures of a decoder become :class:`AudioError`, and where the links of
chained Ogg and changes of format in the middle of a stream are followed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from pyplugin.errors import AudioError, PypluginError
from pyplugin.inputs.input import Event
from pyplugin.inputs.ogg import Readable, links
from pyplugin.inputs.sniffing import HEAD, PROBE, container_of, is_web_page
from pyplugin.node.frontend import check_format
from pyplugin.support.arrays import Float32
from pyplugin.support.closing import Closing
from pyplugin.support.optional import need
from pyplugin.support.spelling import nearest

FORMATS = {
    "u8": ("u1", 128.0, 128.0),
    "s16le": ("<i2", 0.0, 32768.0),
    "s16be": (">i2", 0.0, 32768.0),
    "s32le": ("<i4", 0.0, 2147483648.0),
    "f32le": ("<f4", 0.0, 1.0),
}
"""Formats of raw samples by ffmpeg's names: numpy's type, the zero, and full scale."""

_OPTIONS = {"protocol_whitelist": "none"}  # a playlist must not open other files or addresses
_QUICK = {"probesize": "16384", "analyzeduration": "500000"}  # a stream that is slow must open
DEFAULT_LAYOUTS = dict(
    enumerate(("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1"), start=1)
)
"""FFmpeg's layouts by the number of channels, where a file states none."""

_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")  # in a stream that was joined: no audio
_DAMAGED = 200  # failures in a row after which nothing more is expected


class Piece(NamedTuple):
    """Decoded audio of one format.

    Attributes
    ----------
    samples
        (channels, n) float32, n as it comes.
    sample_rate
        In Hz.
    start
        Time stamp in seconds, or ``None``.
    layout
        FFmpeg's name of the layout of the channels; empty of raw samples.
    """

    samples: Float32
    sample_rate: int
    start: float | None = None
    layout: str = ""


@dataclass(frozen=True)
class RawFormat:
    """The format of raw samples.

    Attributes
    ----------
    sample_rate
        Hz, 8000 to 192000.
    channels
        1 to 8.
    sample_format
        One of :data:`FORMATS`.

    Raises
    ------
    AudioError
        A sample rate, number of channels or format that is not possible.
    """

    sample_rate: int = 44100
    channels: int = 2
    sample_format: str = "s16le"

    def __post_init__(self) -> None:
        check_format("The stream of raw samples", self.sample_rate, self.channels)
        if self.sample_format not in FORMATS:
            raise AudioError(
                f"There is no sample format {self.sample_format!r}; "
                f"{nearest(self.sample_format, FORMATS)}"
            )

    @property
    def stated(self) -> str:
        """The options that say so."""
        return f"--rate {self.sample_rate} --channels {self.channels} --format {self.sample_format}"


class Lookahead:
    """A byte stream whose first bytes can be looked at before they are read."""

    def __init__(self, file: Readable) -> None:
        self._file = file
        self._held = b""

    def peek(self, size: int, *, enough: int = 0) -> bytes:
        """Return the next ``size`` bytes, or ``enough`` once no more have arrived at once."""
        while len(self._held) < size:
            wanted = size - len(self._held)
            data = self._file.read(wanted)
            self._held += data
            if not data or (len(data) < wanted and 0 < enough <= len(self._held)):
                break
        return self._held

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes; none at the end."""
        if not self._held:
            return self._file.read(size)
        data, self._held = self._held[:size], self._held[size:]
        return data


def load_codec(module: str) -> Any:
    """Import ``soundfile`` or ``av``, or raise a sentence on how to install it."""
    return need(
        module, package=module, extra="audio", purpose="Reading or writing audio", error=AudioError
    )


@contextlib.contextmanager
def decoder_failures(what: str) -> Iterator[None]:
    """Turn whatever a decoder raises into :class:`AudioError`; ``what`` begins its sentence."""
    try:
        yield
    except PypluginError:
        raise
    except Exception as error:
        reason = str(getattr(error, "strerror", None) or error) or type(error).__name__
        raise AudioError(f"{what} cannot be decoded: {reason}") from error


def decode(
    file: Readable, what: str, *, container: str | None = None, raw: RawFormat | None = None
) -> Iterator[Piece | Event]:
    """Yield the audio of a byte stream as it arrives, and events between.

    Parameters
    ----------
    file
        Read in order; never sought in.
    what
        Begins a sentence about it.
    container
        FFmpeg's name of the format, as the sender states it; the first bytes are believed before.
    raw
        What it is if no container begins it; ``None`` if it cannot be raw samples.

    Raises
    ------
    AudioError
        It is no audio, or the decoder failed.
    """
    head = Lookahead(file)
    first = head.peek(HEAD, enough=1 if raw is not None else HEAD)
    if not first:
        raise AudioError(f"{what} ended before its first byte.")
    found = container_of(first)
    if is_web_page(first):
        raise AudioError(f"{what} is a web page; give the address of the audio itself.")
    if raw is not None and found is None:
        yield from raw_pieces(head, raw)
        return
    with decoder_failures(what):
        chosen = container if found is None else found
        parts = links(head) if chosen == "ogg" else [head]
        decoded = False
        for part in parts:
            for item in decode_container(part, what, chosen or PROBE):
                decoded = decoded or isinstance(item, Piece)
                yield item
        if not decoded:
            raise AudioError(f"{what} cannot be decoded: no part of it is intact.")


class Container(Closing):
    """What FFmpeg opens, and its first audio track.

    Parameters
    ----------
    file
        Anything with ``read``, or an address that the options allow.
    what
        Begins a sentence about it.
    container
        FFmpeg's name of its format; :data:`PROBE` to find it out.
    track
        Which of its audio tracks, from 1; ``None`` for the one that it marks as its default.
    options
        As for ``av.open``, ``options`` in addition to those that forbid other files.

    Attributes
    ----------
    container, stream
        Of PyAV.
    damaged : bool
        Something could not be decoded so far.

    Raises
    ------
    AudioError
        It has no audio track that FFmpeg decodes.
    """

    def __init__(
        self,
        file: Any,
        what: str,
        container: str = PROBE,
        *,
        track: int | None = None,
        **options: Any,
    ) -> None:
        self._av = load_codec("av")
        self.damaged = False
        asked = {**_OPTIONS, **options.pop("options", {})}
        self.container = self._av.open(
            file, format=container or None, metadata_errors="replace", options=asked, **options
        )
        tracks = [each for each in self.container.streams.audio if each.codec_context is not None]
        if not tracks or (track is not None and not 1 <= track <= len(tracks)):
            self.close()
            plural = "audio track" if len(tracks) == 1 else "audio tracks"
            raise AudioError(
                f"{what} has no audio track that FFmpeg decodes"
                if track is None or not tracks
                else f"{what} has {len(tracks)} {plural}; track {track} was asked for"
            )
        best = self.container.streams.best("audio")
        self.stream = tracks[track - 1] if track else best if best in tracks else tracks[0]

    @property
    def title(self) -> str:
        """Artist and title of its tags, as stations write them; may be empty."""
        tags = {**self.container.metadata, **self.stream.metadata}
        lower = {name.lower(): value.strip() for name, value in tags.items()}
        parts = (lower.get("artist", ""), lower.get("title", ""))
        return " - ".join(part for part in parts if part)

    def frames(self) -> Iterator[Any]:
        """Yield frames of any format and size; packets that cannot be decoded are skipped."""
        failures = 0
        while failures < _DAMAGED:
            try:
                for packet in self.container.demux(self.stream):
                    try:
                        frames = packet.decode()
                    except self._av.FFmpegError:
                        failures += 1
                        self.damaged = self.damaged or not bytes(packet).startswith(_TAGS)
                        continue
                    for frame in frames:
                        failures = 0
                        yield frame
                return
            except self._av.error.InvalidDataError:  # at a seam of two encoders: go on behind it
                failures += 1
                self.damaged = True

    def close(self) -> None:
        """Close it; the file stays open. Closing twice is harmless."""
        self.container.close()


def decode_container(
    file: Any, what: str, container: str = PROBE, **options: Any
) -> Iterator[Piece | Event]:
    """Yield the first audio track of what FFmpeg opens, and a title where its tags have one."""
    options = {"buffer_size": 4096, **options, "options": {**_QUICK, **options.get("options", {})}}
    with Container(file, what, container, **options) as opened:
        if opened.title:
            yield Event("title", f"Title: {opened.title}", title=opened.title)
        resampler, setup = None, None
        for frame in steady(opened.frames()):
            if isinstance(frame, Event):
                yield frame
                continue
            if setup != setup_of(frame):
                setup = setup_of(frame)
                check_format(what, frame.sample_rate, len(frame.layout.channels))
                resampler = resampler_to(frame.layout.name, frame.sample_rate)
            start = None if frame.pts is None else float(frame.pts * frame.time_base)
            for samples in converted(resampler, frame):
                yield Piece(samples, frame.sample_rate, start, frame.layout.name)


def resampler_to(layout: str, sample_rate: int) -> Any:
    """Return FFmpeg's converter to planar float32 of this layout and rate."""
    return load_codec("av").AudioResampler("fltp", layout, sample_rate)


def one_format(pieces: Iterable[Piece]) -> Iterator[Float32]:
    """Yield samples of the first piece's rate and channels, whatever later ones have."""
    resampler, setup = None, None
    wanted: Piece | None = None
    for piece in pieces:
        wanted = wanted or piece
        if setup != (piece.layout, piece.sample_rate):
            yield from converted(resampler, None)
            setup, resampler = (piece.layout, piece.sample_rate), None
            if setup != (wanted.layout, wanted.sample_rate):
                resampler = resampler_to(wanted.layout, wanted.sample_rate)
        if resampler is None:
            yield piece.samples
            continue
        samples = np.ascontiguousarray(piece.samples)
        frame = load_codec("av").AudioFrame.from_ndarray(samples, "fltp", piece.layout)
        frame.sample_rate = piece.sample_rate
        yield from converted(resampler, frame)
    yield from converted(resampler, None)


def setup_of(frame: Any) -> tuple[str, str, int]:
    """Return what a resampler must be made anew for."""
    return frame.format.name, frame.layout.name, frame.sample_rate


def steady(frames: Iterator[Any]) -> Iterator[Any]:
    """Yield frames; one alone of another format, FFmpeg's at a seam, becomes a gap."""
    current, odd = None, None
    for frame in frames:
        setup = setup_of(frame)
        if odd is not None and setup == setup_of(odd):
            yield odd
            odd, current = None, setup
        elif odd is not None:
            yield Event("gap", "One damaged frame was left out.", samples=odd.samples)
            odd = None
        if current is None or setup == current:
            current = setup
            yield frame
        else:
            odd = frame
    if odd is not None:
        yield odd


def converted(resampler: Any, frame: Any) -> Iterator[Float32]:
    """Yield what a resampler gives for a frame, or, for ``None``, what it still holds."""
    if resampler is not None:
        for each in resampler.resample(frame):
            if each is not None:
                yield each.to_ndarray()


# ---- raw samples

_CHECKED = 1.0  # seconds at the start whose level is judged
_LOUD = 10 ** (-6.5 / 20)  # random bits have -4.8 dBFS; no programme comes near
_UNRELATED = 0.3  # correlation of a sample with its neighbour; programme has 0.8 and more


def raw_pieces(file: Readable, raw: RawFormat, block: int = 4096) -> Iterator[Piece | Event]:
    """Yield raw samples as they arrive.

    Notes
    -----
    The samples of a wrong format look random, which the first second shows: as loud as random bits
    and unrelated to their neighbours, or beyond what a number of that format may be.
    """
    kind, zero, scale = FORMATS[raw.sample_format]
    size = np.dtype(kind).itemsize * raw.channels
    left = b""
    checked: list[Float32] | None = []
    while data := file.read(block * size - len(left)):
        joined = left + data
        whole = len(joined) // size * size
        left = joined[whole:]
        samples = np.frombuffer(joined[:whole], kind).astype(np.float32)
        with np.errstate(invalid="ignore"):  # NaN is counted by the node
            planes = ((samples - np.float32(zero)) / np.float32(scale)).reshape(-1, raw.channels).T
        piece = np.ascontiguousarray(planes)
        if checked is not None:
            checked.append(piece)
            if sum(each.shape[1] for each in checked) >= _CHECKED * raw.sample_rate:
                if looks_random(np.concatenate(checked, axis=1)):
                    yield Event(
                        "note",
                        f"These samples look random, not like sound. Is it {raw.stated}, and not "
                        "compressed?",
                    )
                checked = None
        yield Piece(piece, raw.sample_rate)
    if left:
        yield Event(
            "note",
            f"The stream ended within a sample: {len(left)} of its {size} bytes arrived. "
            f"Is it {raw.stated}?",
        )


def looks_random(samples: Float32) -> bool:
    """Return whether samples, (channels, n), cannot be sound: read in another format than theirs.

    Examples
    --------
    >>> tone = np.sin(np.arange(8000, dtype=np.float32) / 10)[None]
    >>> looks_random(tone), looks_random(tone.astype("<f4").view("<i2") / np.float32(32768))
    (False, True)
    """
    if not np.isfinite(samples).all() or np.abs(samples).max() > 64:
        return True
    for channel in samples.astype(np.float64):
        power = float(channel @ channel)
        related = abs(float(channel[1:] @ channel[:-1])) > _UNRELATED * power
        if power > _LOUD**2 * len(channel) and not related:
            return True
    return False
