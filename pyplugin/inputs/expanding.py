"""Folders and playlists among the names of recordings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyplugin.errors import AudioError
from pyplugin.inputs.playlists import SUFFIXES as PLAYLISTS
from pyplugin.inputs.playlists import is_url, read_playlist

SUFFIXES = tuple(
    f".{name}"
    for name in (
        *("aac", "aif", "aifc", "aiff", "amr", "ape", "au", "caf", "flac", "m4a", "m4b", "mka"),
        *("mp2", "mp3", "oga", "ogg", "opus", "rf64", "snd", "spx", "tta", "voc", "w64", "wav"),
        *("wma", "wv", "3gp", "asf", "avi", "flv", "m2ts", "mkv", "mov", "mp4", "mpeg", "mpg"),
        *("ogv", "ts", "webm", "wmv"),
    )
)
"""Of the files in a folder that count as recordings."""


def expanded(sources: Iterable[str]) -> list[str]:
    """Return the recordings that are named, folders and playlists replaced by what is in them.

    Parameters
    ----------
    sources
        Paths and URLs. Of a folder come all recordings in it and below, in the order of their
        names, but for hidden ones; of a playlist file what it names, in its order.

    Raises
    ------
    AudioError
        A folder without recordings, a playlist that cannot be read.

    Examples
    --------
    >>> expanded(["song.wav", "http://radio.example/a.mp3"])
    ['song.wav', 'http://radio.example/a.mp3']
    """
    return [found for source in sources for found in _expanded(source)]


def _expanded(source: str) -> Iterator[str]:
    if is_url(source) or source.startswith("cmd:"):
        yield source
    elif Path(source).is_dir():
        found = sorted(_recordings(source))
        if not found:
            raise AudioError(f"the folder '{source}' has no recordings in it")
        yield from found
    elif source.lower().endswith(PLAYLISTS):
        yield from read_playlist(source)
    else:
        yield source


def _recordings(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                yield str(Path(place) / name)
