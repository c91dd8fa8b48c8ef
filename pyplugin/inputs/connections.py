"""What a live input reads from: one attempt after another, each a :class:`Connection`."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import subprocess
import threading
import urllib.parse
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from pyplugin.errors import AudioError, StreamError
from pyplugin.inputs.decoding import (
    Lookahead,
    Piece,
    RawFormat,
    decode,
    decode_container,
    decoder_failures,
    load_codec,
)
from pyplugin.inputs.hls import HlsReader
from pyplugin.inputs.http import TIMEOUT, HttpResource, Sockets
from pyplugin.inputs.icy import TextDecoder
from pyplugin.inputs.input import Event
from pyplugin.inputs.playlists import entries, is_hls, playlist_text, without_password
from pyplugin.inputs.sniffing import is_playlist

_DEPTH = 3  # playlists that name playlists
_PLAYLIST = 1 << 20  # bytes


class Connection(Protocol):
    """Reads a source, one attempt a call of :meth:`pieces`."""

    title: str
    """Name of the source, for a person."""

    live: bool
    """Whether its end is a fault; known once the first piece was read."""

    retries: bool
    """Whether another attempt can succeed."""

    continues: bool
    """Whether an attempt goes on where the last one ended, or has reported what was lost."""

    buffered: bool
    """Whether what arrives waits for the reader for a second, and nothing is lost."""

    def pieces(self) -> Iterator[Piece | Event]:
        """Yield audio and events until the source ends.

        Raises
        ------
        AudioError
            It fails; the sentence says why.
        """

    def interrupt(self) -> None:
        """End a wait in another thread, now and from now on."""


class _Interruptible:
    """What connections have in common."""

    live = True
    retries = True
    continues = False
    buffered = False

    def __init__(self, title: str) -> None:
        self.title = title
        self._closed = threading.Event()

    def interrupt(self) -> None:
        """End a wait in another thread, now and from now on."""
        self._closed.set()


class HttpConnection(_Interruptible):
    """HTTP and HTTPS: files, broadcasts of Icecast and SHOUTcast, HLS, and playlists of those.

    Parameters
    ----------
    url
        ``http://…`` or ``https://…``.
    timeout
        Seconds without a byte after which it counts as broken.
    charset
        Of titles that are not UTF-8; ``None`` to detect it.
    """

    buffered = True

    def __init__(self, url: str, *, timeout: float = TIMEOUT, charset: str | None = None) -> None:
        super().__init__(without_password(url))
        self._url, self._timeout = url, timeout
        self._decode_title = TextDecoder(charset)
        self._titles: deque[bytes] = deque(maxlen=64)
        self._shown = ""
        self._hls: HlsReader | None = None
        self._sockets = Sockets()

    def interrupt(self) -> None:
        """End a wait in another thread, now and from now on."""
        super().interrupt()
        self._sockets.interrupt()

    def _fetch(self, url: str, headers: dict[str, str] | None = None) -> HttpResource:
        return HttpResource(
            url,
            timeout=self._timeout,
            on_title=self._titles.append,
            headers=headers,
            sockets=self._sockets,
        )

    @contextlib.contextmanager
    def _opened(self, url: str) -> Iterator[HttpResource]:
        resource = self._fetch(url)
        try:
            yield resource
        finally:
            resource.close()

    def pieces(self) -> Iterator[Piece | Event]:
        """Yield audio, titles and gaps until the source ends."""
        if self._hls is None:
            yield from self._from([self._url], 0)
        else:
            yield from self._hls_pieces(self._hls)

    def _from(self, urls: list[str], depth: int) -> Iterator[Piece | Event]:
        """Yield from the first of these addresses that gives audio; a station's mirrors."""
        failure: AudioError | None = None
        for url in urls:
            begun = False
            try:
                for piece in self._one(url, depth):
                    begun = begun or isinstance(piece, Piece)
                    yield piece
                return
            except AudioError as error:
                if begun or self._closed.is_set():
                    raise
                failure = failure or error
        assert failure is not None
        raise failure

    def _one(self, url: str, depth: int) -> Iterator[Piece | Event]:
        if urllib.parse.urlsplit(url).scheme.startswith("rtsp"):
            raise StreamError(f"{self.title}: it names {url}; open that address itself.")
        with self._opened(url) as resource:
            head = Lookahead(resource)
            first = head.peek(16, enough=1)
            if not (resource.playlist or is_playlist(first)):
                self.live = self.retries = resource.live
                self.continues = False
                if resource.name:
                    self.title = resource.name
                what = without_password(url)
                for piece in decode(head, what, container=resource.container):
                    yield from self._new_titles()
                    if isinstance(piece, Event):
                        yield from self._shown_once(piece)
                    else:
                        yield piece
                yield from self._new_titles()
                return
            text = playlist_text(_all(head, _PLAYLIST))
            base = resource.url
        if is_hls(text):
            self._hls = HlsReader(base, self._fetch, self._closed.wait, timeout=self._timeout)
            yield from self._hls_pieces(self._hls)
        elif depth < _DEPTH:
            yield from self._from(entries(text, base), depth + 1)
        else:
            raise StreamError(f"{self.title}: playlists name playlists, {_DEPTH} deep.")

    def _hls_pieces(self, reader: HlsReader) -> Iterator[Piece | Event]:
        self.continues = reader.continues
        for piece in reader.pieces():
            self.live, self.continues = reader.live, reader.continues
            yield piece
        self.live = reader.live

    def _new_titles(self) -> Iterator[Event]:
        while self._titles:
            title = self._decode_title(self._titles.popleft())
            yield from self._shown_once(Event("title", f"Title: {title or 'none'}", title=title))

    def _shown_once(self, event: Event) -> Iterator[Event]:
        """Yield it unless it is the title that was reported last."""
        if event.kind == "title":
            if event.title == self._shown:
                return
            self._shown = event.title
        yield event


def _all(head: Lookahead, most: int) -> bytes:
    """Return what is left of a short body."""
    parts, size = [], 0
    while (data := head.read(65536)) and size <= most:
        parts.append(data)
        size += len(data)
    return b"".join(parts)[:most]


class RtspConnection(_Interruptible):
    """RTSP, over TCP, by FFmpeg.

    Parameters
    ----------
    url
        ``rtsp://…`` or ``rtsps://…``.
    timeout
        Seconds without a packet after which it counts as broken; :meth:`interrupt` may take as
        long.
    """

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        super().__init__(without_password(url))
        self._url, self._timeout = url, timeout

    def pieces(self) -> Iterator[Piece | Event]:
        """Yield audio, and gaps by the sender's time stamps."""
        av = load_codec("av")
        options = {
            "rtsp_transport": "tcp",
            "protocol_whitelist": "rtsp,rtsps,rtp,srtp,tcp,tls,crypto,udp",
            "tls_verify": "1",
            "timeout": str(int(self._timeout * 1e6)),
            "allowed_media_types": "audio",
        }
        end: float | None = None
        try:
            with decoder_failures(self.title):
                for piece in decode_container(
                    self._url, self.title, options=options, timeout=(self._timeout, self._timeout)
                ):
                    if self._closed.is_set():
                        raise StreamError(f"{self.title}: it was closed.")
                    if isinstance(piece, Event) and piece.kind == "title":
                        continue  # that of the session, not of what is on
                    if isinstance(piece, Piece) and piece.start is not None:
                        lost = piece.start - (piece.start if end is None else end)
                        if _SHORTEST_GAP < lost < _LONGEST_GAP:
                            samples = round(lost * piece.sample_rate)
                            yield Event("gap", f"{lost:.2f} s were lost.", samples=samples)
                        end = piece.start + piece.samples.shape[1] / piece.sample_rate
                    yield piece
        except AudioError as error:
            raise StreamError(f"{self.title}: {_clause(av, error)}.") from error


_SHORTEST_GAP = 0.03  # seconds between time stamps; less is rounding
_LONGEST_GAP = 60.0  # more is another clock


def _clause(av: object, error: AudioError) -> str:
    cause = error.__cause__
    name = type(cause).__name__
    if name in ("ExitError", "TimeoutError"):
        return "nothing arrived in time"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return str(error).rstrip(".")


class _FdReader:
    """Reads a file descriptor; a wait ends with :meth:`interrupt`."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._wake, self._waker = os.pipe()
        self._closed, self._lock = False, threading.Lock()

    def read(self, size: int) -> bytes:
        ready = select.select([self._file, self._wake], [], [])[0]
        return b"" if self._wake in ready else os.read(self._file, size)

    def interrupt(self) -> None:
        with self._lock:
            if not self._closed:
                os.write(self._waker, b"x")

    def close(self) -> None:
        with self._lock:
            if not self._closed:
                self._closed = True
                os.close(self._wake)
                os.close(self._waker)


class PipeConnection(_Interruptible):
    """A pipe, a FIFO or a device file: a container if its first bytes say so, else raw samples.

    Parameters
    ----------
    file
        A file descriptor, which stays open.
    raw
        What it is without a container; ``None`` if it must have one.
    title
        Name for a person.
    owned
        Whether to close ``file`` at the end.
    """

    live = False
    retries = False

    def __init__(
        self,
        file: int,
        raw: RawFormat | None = None,
        *,
        title: str = "stdin",
        owned: bool = False,
    ) -> None:
        super().__init__(title)
        self._raw = raw
        self._owned = file if owned else None
        self._reader = _FdReader(file)

    def pieces(self) -> Iterator[Piece | Event]:
        """Yield audio until the writer closes the pipe."""
        try:
            yield from decode(self._reader, self.title, raw=self._raw)
        finally:
            self._reader.close()
            if self._owned is not None:
                os.close(self._owned)
                self._owned = None

    def interrupt(self) -> None:
        """End a wait in another thread, now and from now on."""
        super().interrupt()
        self._reader.interrupt()


class CommandConnection(_Interruptible):
    """The output of a command: a container if its first bytes say so, else raw samples.

    Parameters
    ----------
    command
        As in a shell without one: words, quotes, no redirection; ``rtl_fm -f 98.3M -M wbfm``.
    raw
        What it is without a container.
    """

    live = False

    def __init__(self, command: str, raw: RawFormat | None = None) -> None:
        super().__init__(command.strip())
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise AudioError(f"The command {command!r} cannot be read: {error}.") from error
        if not self._words:
            raise AudioError("The command after 'cmd:' is empty; give one that writes audio.")
        self._raw = raw
        self._reader: _FdReader | None = None

    def pieces(self) -> Iterator[Piece | Event]:
        """Run the command, and yield what it writes.

        Raises
        ------
        StreamError
            There is no such command, or its exit status is not 0.
        """
        try:
            process = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,  # so that all its children end with it
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StreamError(f"{self._words[0]} cannot be run: {reason}.") from error
        assert process.stdout is not None
        assert process.stderr is not None
        errors: deque[bytes] = deque(maxlen=4)
        drain = threading.Thread(target=errors.extend, args=(process.stderr,), daemon=True)
        drain.start()
        reader = _FdReader(process.stdout.fileno())
        self._reader = reader
        try:
            if self._closed.is_set():
                return
            failure: AudioError | None = None
            try:
                yield from decode(reader, self.title, raw=self._raw)
            except AudioError as error:
                failure = error
            if self._closed.is_set():
                return
            status = process.wait(5.0) if failure is None else process.poll()
            if failure is not None or status != 0:
                drain.join(1.0)
                said = (errors[-1].decode("utf-8", "replace").strip() if errors else "") or (
                    str(failure).rstrip(".") if failure else "without a message"
                )
                ended = "" if status is None else f" ended with status {status}"
                raise StreamError(f"{self._words[0]}{ended}: {said}.")
        except subprocess.TimeoutExpired:
            return
        finally:
            self._reader = None
            _end(process)
            drain.join(1.0)
            process.stdout.close()
            process.stderr.close()
            reader.close()

    def interrupt(self) -> None:
        """End a wait in another thread, now and from now on."""
        super().interrupt()
        reader = self._reader
        if reader is not None:
            reader.interrupt()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command and its children: asked first, killed after two seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(2.0)
            return


def connection_for(
    source: str,
    *,
    raw: RawFormat | None = None,
    timeout: float = TIMEOUT,
    charset: str | None = None,
) -> Connection:
    """Return the connection for a URL or a ``cmd: …``.

    Raises
    ------
    AudioError
        Another scheme, or a command that cannot be read.
    """
    if source.startswith("cmd:"):
        return CommandConnection(source.removeprefix("cmd:"), raw or RawFormat())
    scheme = urllib.parse.urlsplit(source).scheme.lower()
    if scheme in ("http", "https"):
        return HttpConnection(source, timeout=timeout, charset=charset)
    if scheme in ("rtsp", "rtsps"):
        return RtspConnection(source, timeout=timeout)
    if scheme == "icy":
        return HttpConnection("http" + source[3:], timeout=timeout, charset=charset)
    raise AudioError(
        f"{without_password(source)} begins with {scheme}://; http, https, rtsp and rtsps are read."
    )
