"""One function for every kind of source that a live session can read: :func:`open_input`."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from pyplugin.errors import AudioError
from pyplugin.inputs.connections import PipeConnection, connection_for
from pyplugin.inputs.decoding import RawFormat
from pyplugin.inputs.http import TIMEOUT
from pyplugin.inputs.playlists import SUFFIXES, is_url, read_playlist
from pyplugin.inputs.streams import StreamInput
from pyplugin.support.files import sentence


def is_stream(source: str) -> bool:
    """Return whether a source is read as it comes: a URL, a command, a pipe, or a playlist."""
    if source == "-" or source.startswith("cmd:") or is_url(source):
        return True
    if source.lower().endswith(SUFFIXES):
        return True
    try:
        mode = Path(source).stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def open_input(
    source: str | os.PathLike[str],
    *,
    raw: RawFormat | None = None,
    retry: bool = True,
    timeout: float = TIMEOUT,
    charset: str | None = None,
    gather: float = 0.0,
) -> StreamInput:
    """Open a source of live audio.

    Parameters
    ----------
    source
        ``"http://…"``, ``"https://…"``, ``"rtsp://…"``; ``"cmd: rtl_fm …"``, a command that writes
        audio; ``"-"``, standard input; the path of a FIFO, or of a playlist with a station's
        addresses.
    raw
        The format of a command's or pipe's samples where no container begins them; ``None`` for
        44100 Hz, 2 channels, s16le.
    retry
        Whether to connect again when it fails.
    timeout
        Seconds without data after which a network stream counts as broken.
    charset
        Of titles that are not UTF-8; ``None`` to detect it.
    gather
        Seconds of audio of a network stream that are read at once.

    Returns
    -------
    StreamInput
        Being connected; :meth:`StreamInput.wait` for its first audio.

    Raises
    ------
    AudioError
        It is none of these, or cannot be opened.

    Examples
    --------
    >>> with open_input("cmd: head -c 88200 /dev/zero", retry=False) as stream:
    ...     stream.wait()
    ...     print(stream.title, stream.sample_rate, stream.channels)
    head -c 88200 /dev/zero 44100 2
    """
    source = os.fspath(source)
    if source == "-":
        if sys.stdin is None:
            raise AudioError("Standard input is closed; audio is expected there.")
        connection = PipeConnection(sys.stdin.fileno(), raw or RawFormat())
        return StreamInput(connection, retry=False)
    if source.startswith("cmd:") or is_url(source):
        made = connection_for(source, raw=raw, timeout=timeout, charset=charset)
        return StreamInput(made, retry=retry, gather=gather)
    if source.lower().endswith(SUFFIXES):
        first = read_playlist(source)[0]
        if not is_url(first):
            raise AudioError(f"The playlist '{source}' names files; give it to 'tagnode tag'.")
        return open_input(
            first, raw=raw, retry=retry, timeout=timeout, charset=charset, gather=gather
        )
    try:
        if stat.S_ISREG(Path(source).stat().st_mode):
            raise AudioError(f"'{source}' is a file; give it to 'tagnode tag'.")
        file = os.open(source, os.O_RDONLY)
    except FileNotFoundError:
        raise AudioError(
            f"There is no '{source}'; a URL, 'cmd: …', '-' or a pipe is expected."
        ) from None
    except OSError as error:
        raise AudioError(f"'{source}' cannot be opened: {sentence(error)}.") from error
    return StreamInput(PipeConnection(file, raw or RawFormat(), title=source, owned=True))
