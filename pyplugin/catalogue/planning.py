"""What is to be done: comparing what was found with what is known, and dividing it into tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pyplugin.catalogue.records import PASSING, FoundRecording
from pyplugin.catalogue.scanning import Scan

TASK_SECONDS = 60.0
"""Work that a task has at most, unless it is a single recording."""

_FIRST_SPEED = 200.0  # seconds of audio a second of a core, until it is measured
_BYTES = {".wav": 176e3, ".aif": 176e3, ".aiff": 176e3, ".flac": 90e3, ".wv": 90e3, ".ape": 90e3}
_COMPRESSED = 20e3  # bytes a second of any other suffix: 160 kbit/s


@dataclass(frozen=True)
class KnownRecording:
    """A row of a catalogue: the state of the file that it describes.

    Attributes
    ----------
    size, mtime
        As in :class:`FoundRecording`.
    content
        Hash of its content; empty in a row of errors.
    problem
        Kind of the error; empty of a recording.
    vanished
        It was marked as not there.
    """

    size: int
    mtime: int | None
    content: str = ""
    problem: str = ""
    vanished: bool = False


@dataclass
class BuildPlan:
    """What a build does.

    Attributes
    ----------
    todo
        Recordings to analyse, the longest ones first.
    done
        Number of recordings with results, or an error, that still stand.
    moved
        New path by the old one.
    vanished, returned
        Paths to mark as not there, and to mark no more.
    stale
        Paths whose rows are no longer true.
    """

    todo: list[FoundRecording] = field(default_factory=list)
    done: int = 0
    moved: dict[str, FoundRecording] = field(default_factory=dict)
    vanished: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)


def plan(
    scan: Scan,
    known: Mapping[str, KnownRecording],
    content: Callable[[str], str],
    *,
    retry: bool = False,
) -> BuildPlan:
    """Compare what is there with what is known.

    Parameters
    ----------
    scan
        What was found.
    known
        Rows by path.
    content
        Returns the hash of a file; called only where a file that vanished has the size of a new
        one. It may raise OSError.
    retry
        Try all recordings with errors again, not only those whose error may pass.

    Examples
    --------
    >>> there = Scan([FoundRecording("/m/b", 9, 1)], roots=["/m"])
    >>> result = plan(there, {"/m/a": KnownRecording(9, 1, "hash")}, lambda path: "hash")
    >>> result.todo, list(result.moved)
    ([], ['/m/a'])
    """
    result = BuildPlan()
    here = {each.path for each in scan.found}
    gone = {path: row for path, row in known.items() if path not in here and scan.covers(path)}
    movable: dict[int, list[str]] = {}
    for path, row in gone.items():
        if row.content:
            movable.setdefault(row.size, []).append(path)
    for found in scan.found:
        now = known.get(found.path)
        if now is None:
            old = _same_content(found, movable.get(found.size, []), gone, content)
            if old is None:
                result.todo.append(found)
            else:
                movable[found.size].remove(old)
                result.moved[old] = found
        elif _stands(now, found, retry=retry):
            result.done += 1
            if now.vanished:
                result.returned.append(found.path)
        else:
            result.stale.append(found.path)
            result.todo.append(found)
    result.done += len(result.moved)
    for path, row in gone.items():
        if row.problem:
            result.stale.append(path)
        elif path not in result.moved and not row.vanished:
            result.vanished.append(path)
    result.todo.sort(key=expected_seconds, reverse=True)
    return result


def _stands(row: KnownRecording, found: FoundRecording, *, retry: bool) -> bool:
    """Return whether a row is still true of a file."""
    if (row.size, row.mtime) != (found.size, found.mtime):
        return False
    return not (row.problem and (retry or row.problem in PASSING))


def _same_content(
    found: FoundRecording,
    candidates: Iterable[str],
    gone: Mapping[str, KnownRecording],
    content: Callable[[str], str],
) -> str | None:
    candidates = list(candidates)
    if not candidates:
        return None
    try:
        digest = content(found.path)
    except OSError:
        return None  # analysing it reports that
    return next((path for path in candidates if gone[path].content == digest), None)


def expected_seconds(found: FoundRecording) -> float:
    """Return about how long a recording lasts, by its size and suffix.

    Examples
    --------
    >>> expected_seconds(FoundRecording("a.mp3", 4_000_000, 0))
    200.0
    """
    return found.size / _BYTES.get(Path(found.path).suffix.lower(), _COMPRESSED)


class Tasks:
    """Divides recordings into tasks, by the speed that is measured on the way.

    The last tasks are smaller, so that all workers end at about the same time.

    Parameters
    ----------
    todo
        The longest recordings first.
    workers
        How many there are.

    Attributes
    ----------
    left
        Expected seconds of audio that no task has yet.
    speed
        Seconds of audio that a worker analyses in one.

    Examples
    --------
    >>> long, short = FoundRecording("a.mp3", 180_000_000, 0), FoundRecording("b.mp3", 10, 0)
    >>> tasks = Tasks([long, short], 1)
    >>> [[each.path for each in task] for task in tasks]
    [['a.mp3'], ['b.mp3']]
    """

    def __init__(self, todo: Iterable[FoundRecording], workers: int) -> None:
        self._todo = list(todo)[::-1]
        self._workers = max(workers, 1)
        self.left = sum(map(expected_seconds, self._todo))
        self.speed = _FIRST_SPEED

    def measured(self, audio: float, cost: float) -> None:
        """Take note that so many seconds of audio, as expected, took so much processor time."""
        if cost > 0:
            self.speed = audio / cost

    def __iter__(self) -> Iterator[list[FoundRecording]]:
        while self._todo:
            share = self.left / (2 * self._workers)
            size = min(TASK_SECONDS * self.speed, share)
            task: list[FoundRecording] = []
            taken = 0.0
            while self._todo and (not task or taken + expected_seconds(self._todo[-1]) <= size):
                task.append(self._todo.pop())
                taken += expected_seconds(task[-1])
            self.left -= taken
            yield task
