"""The recordings in folders, playlists, archives and buckets, with sizes and times."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyplugin.catalogue.locations import file_system, is_remote, remote_state
from pyplugin.catalogue.records import FoundRecording, Outcome, Problem
from pyplugin.errors import AudioError, PypluginError, StreamError
from pyplugin.inputs.expanding import SUFFIXES
from pyplugin.inputs.playlists import SUFFIXES as PLAYLISTS
from pyplugin.inputs.playlists import read_playlist
from pyplugin.support.files import sentence

_NAMES = (*SUFFIXES, ".m4p")  # an encrypted one is reported, not left out


@dataclass
class Scan:
    """What is in the sources.

    Attributes
    ----------
    found
        The recordings, each file once.
    problems
        Names of recordings that lead to no file.
    roots
        Folders and addresses that were searched.
    unread
        Folders in them that could not be read, and why: nothing is known of what is in them.
    """

    found: list[FoundRecording] = field(default_factory=list)
    problems: list[Outcome] = field(default_factory=list)
    roots: list[str] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)

    def covers(self, path: str) -> bool:
        """Return whether a recording of this path would have been found, if it were there.

        Examples
        --------
        >>> scan = Scan(roots=["/music"], unread={"/music/locked": "permission denied"})
        >>> scan.covers("/music/a.mp3"), scan.covers("/music/locked/a.mp3"), scan.covers("/b.mp3")
        (True, False, False)
        """
        return any(map(_within(path), self.roots)) and not any(map(_within(path), self.unread))


class _within:  # noqa: N801 - reads as a function
    def __init__(self, path: str) -> None:
        self._path = path

    def __call__(self, folder: str) -> bool:
        return self._path == folder or self._path.startswith(folder.rstrip("/") + "/")


def scan(sources: Iterable[str]) -> Scan:
    """Return the recordings in sources.

    Parameters
    ----------
    sources
        Folders, recordings and playlists, by path; addresses that fsspec lists, such as
        ``s3://bucket/masters`` or ``zip://::archive.zip``. Links are followed, each folder once, so
        that a loop ends. Of several paths of one file the first one counts.

    Raises
    ------
    AudioError
        A source that is not there, or a playlist that cannot be read.
    StreamError
        An address that cannot be listed.
    """
    result = Scan()
    paths: list[str] = []
    for source in sources:
        if is_remote(source):
            result.found += _remote(source, result)
            continue
        place = os.path.abspath(source)  # noqa: PTH100 - links stay as they were given
        try:
            mode = os.stat(place).st_mode  # noqa: PTH116
        except OSError as error:
            raise AudioError(f"'{source}' cannot be read: {sentence(error)}") from error
        if stat.S_ISDIR(mode):
            result.roots.append(place)
            paths += _walk(place, result, set())
        elif place.lower().endswith(PLAYLISTS):
            for each in read_playlist(place):
                if is_remote(each):
                    result.found += _remote(each, result)
                else:
                    paths.append(os.path.abspath(each))  # noqa: PTH100
        else:
            paths.append(place)
    _distinct(paths, result)
    return result


def _walk(folder: str, result: Scan, seen: set[tuple[int, int]]) -> Iterator[str]:
    """Yield recordings in a folder and below; a folder that was seen is left out."""
    try:
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        with os.scandir(folder) as listed:
            entries = sorted(listed, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        result.unread[folder] = sentence(error)
        return
    folders: list[str] = []
    links: list[str] = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:
            is_folder = False  # a link to itself
        if is_folder:
            (links if entry.is_symlink() else folders).append(entry.path)
        elif Path(entry.name).suffix.lower() in _NAMES:
            yield entry.path
    for each in [*folders, *links]:  # so that what has a place has its own
        yield from _walk(each, result, seen)


def _distinct(paths: Iterable[str], result: Scan) -> None:
    """Add each file once, with its other paths."""
    places: dict[tuple[int, int], list[str]] = {}
    states: dict[tuple[int, int], tuple[int, int]] = {}
    for path in dict.fromkeys(paths):
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError as error:
            why = Problem("missing", f"'{path}' leads to no file: {sentence(error)}")
            result.problems.append(Outcome(FoundRecording(path, 0, None), why))
            continue
        if not stat.S_ISREG(status.st_mode):
            continue
        key = status.st_dev, status.st_ino
        states[key] = status.st_size, status.st_mtime_ns // 1000
        places.setdefault(key, []).append(path)
    result.found += [
        FoundRecording(first, *states[key], tuple(others))
        for key, (first, *others) in places.items()
    ]


def _remote(source: str, result: Scan) -> list[FoundRecording]:
    system, inside = file_system(source)
    if source.startswith(("http://", "https://")) and Path(source).suffix.lower() in _NAMES:
        return list(_single(system, source, inside, result))
    try:
        listed = system.find(inside, detail=True)
    except PypluginError:
        raise
    except Exception as error:  # each protocol has its own family of errors
        raise StreamError(f"'{source}' cannot be listed: {error}") from error
    if not listed:
        raise StreamError(f"'{source}' has nothing in it; give a file, or a folder with some.")
    if list(listed) == [inside]:
        return list(_single(system, source, inside, result))
    result.roots.append(source.rstrip("/"))
    return [
        FoundRecording(_address(source, name), *remote_state(_complete(system, name, info)))
        for name, info in sorted(listed.items())
        if Path(name).suffix.lower() in _NAMES
    ]


def _complete(system: Any, name: str, info: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a file; a list of HTTP has no sizes."""
    if info.get("size") is None:
        with contextlib.suppress(Exception):  # reading it reports that
            return dict(system.info(name))
    return info


def _single(system: Any, source: str, inside: str, result: Scan) -> Iterator[FoundRecording]:
    """Yield what an address itself names, or note that there is nothing."""
    address = _address(source, inside)
    try:
        yield FoundRecording(address, *remote_state(system.info(inside)))
    except Exception as error:  # as above
        why = Problem("network", f"'{address}' cannot be read: {error or type(error).__name__}")
        result.problems.append(Outcome(FoundRecording(address, 0, None), why))


def _address(source: str, name: str) -> str:
    """Return the address of a file that was listed: that of an archive keeps the archive's."""
    first, chain, rest = source.partition("::")
    protocol = first.partition("://")[0]
    if protocol in ("http", "https"):
        return name
    return f"{protocol}://{name}{chain}{rest}"
