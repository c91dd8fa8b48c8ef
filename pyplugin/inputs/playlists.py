"""Playlists (.m3u, .m3u8, .pls, .xspf): the addresses and files in them."""

from __future__ import annotations

import os
import re
import urllib.parse
from pathlib import Path

from pyplugin.errors import AudioError
from pyplugin.inputs.sniffing import is_playlist

SUFFIXES = (".m3u", ".m3u8", ".pls", ".xspf")
"""Of the files that count as playlists."""

_LIMIT = 4 << 20  # bytes; a longer one is none


def is_url(source: object) -> bool:
    """Return whether a source is the address of a network stream, not the name of a file.

    Examples
    --------
    >>> is_url("https://radio.example/live.mp3"), is_url("a://b"), is_url("song.ogg")
    (True, True, False)
    """
    return isinstance(source, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", source) is not None


def without_password(url: str) -> str:
    """Return a URL without user and password, for messages.

    Examples
    --------
    >>> without_password("http://me:secret@radio.example:8000/live")
    'http://radio.example:8000/live'
    """
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def is_hls(text: str) -> bool:
    """Return whether a playlist is one of HTTP Live Streaming: its segments are one recording."""
    return "#EXT-X-" in text


def entries(text: str, base: str) -> list[str]:
    r"""Return what a playlist names, in its order.

    Parameters
    ----------
    text
        Of the playlist: M3U, PLS or XSPF.
    base
        Its own address or path, which relative names are relative to.

    Raises
    ------
    AudioError
        It is damaged, or names nothing.

    Examples
    --------
    >>> entries("#EXTM3U\n#EXTINF:3,Song\na.ogg\nhttp://x.example/b", "http://r.example/l/p.m3u")
    ['http://r.example/l/a.ogg', 'http://x.example/b']
    >>> entries("[playlist]\nFile2=b.mp3\nFile1=/m/a.mp3\nNumberOfEntries=2", "/music/list.pls")
    ['/m/a.mp3', '/music/b.mp3']
    """
    text = text.removeprefix("\ufeff")
    if text.lstrip().lower().startswith("[playlist]"):
        numbered = re.findall(r"^\s*file(\d+)\s*=\s*(.+?)\s*$", text, re.IGNORECASE | re.MULTILINE)
        names = [name for _, name in sorted(numbered, key=lambda each: int(each[0]))]
    elif text.lstrip().startswith("<"):
        names = _xspf(text, base)
    else:
        lines = (line.strip() for line in text.splitlines())
        names = [line for line in lines if line and not line.startswith("#")]
    if not names:
        raise AudioError(f"The playlist '{base}' names no recording and no stream.")
    return [_absolute(name, base) for name in names]


def _xspf(text: str, base: str) -> list[str]:
    if "<!doctype" in text.lower() or "<!entity" in text.lower():
        raise AudioError(f"The playlist '{base}' defines entities, which XSPF does not need.")
    from xml.etree import ElementTree  # of few playlists

    try:
        tree = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise AudioError(f"The playlist '{base}' is damaged: {error}.") from error
    places = (each for each in tree.iter() if each.tag.rpartition("}")[2] == "location")
    return [each.text.strip() for each in places if each.text]


def _absolute(name: str, base: str) -> str:
    if is_url(base):
        joined = urllib.parse.urljoin(base, name)
        if urllib.parse.urlsplit(joined).scheme not in ("http", "https", "rtsp", "rtsps"):
            raise AudioError(f"The playlist {base} names {name}, which is no network stream.")
        return joined
    if name.lower().startswith("file:"):
        return urllib.parse.unquote(urllib.parse.urlsplit(name).path)
    if is_url(name):
        return name
    return os.path.normpath(Path(base).parent / name.replace("\\", "/"))


def read_playlist(path: str | os.PathLike[str]) -> list[str]:
    """Return what a playlist file names.

    Raises
    ------
    AudioError
        It cannot be read, is no playlist, or names nothing.
    """
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LIMIT)
    except OSError as error:
        raise AudioError(
            f"The playlist '{path}' cannot be read: {(error.strerror or str(error)).lower()}."
        ) from error
    if not is_playlist(data) and (b"\0" in data or not os.fspath(path).lower().endswith(SUFFIXES)):
        raise AudioError(f"'{path}' is no playlist; M3U, PLS or XSPF is expected.")
    return entries(playlist_text(data), os.fspath(path))


def playlist_text(data: bytes) -> str:
    """Return the text of a playlist: UTF-8, else Windows-1252 as old players wrote it."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
