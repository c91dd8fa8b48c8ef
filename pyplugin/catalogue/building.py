"""Building a catalogue: from recordings to parts, at any time to be interrupted and continued."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from pyplugin.catalogue.locations import content_of
from pyplugin.catalogue.planning import Tasks, expected_seconds, plan
from pyplugin.catalogue.records import FoundRecording, Outcome, RecordingAnalysis
from pyplugin.catalogue.scanning import Scan, scan
from pyplugin.catalogue.setup import Setup
from pyplugin.catalogue.store import CatalogueWriter
from pyplugin.errors import PypluginError
from pyplugin.support.spelling import counted

PART_SECONDS = 30.0
"""Seconds after which what is done is written; no more than that is done again after a kill."""

PART_ROWS = 5000
"""Recordings after which it is written at the latest."""


class Engine(Protocol):
    """What does the work: processes of this machine, or a cluster."""

    workers: int
    """How many there are."""

    def run(self, tasks: Iterable[list[FoundRecording]]) -> Iterator[Outcome]:
        """Yield what becomes of the recordings of all tasks; tasks are taken as they are needed."""

    def close(self) -> None:
        """End the workers."""


@dataclass
class Progress:
    """How far a build is.

    Attributes
    ----------
    todo
        Recordings that this build has to analyse.
    before
        Recordings that need not be analysed again.
    analysed, failed
        Recordings of `todo` that are done: with results, and without.
    kinds
        Number of recordings without results by kind; names that lead nowhere are among them.
    audio
        Seconds of audio that were analysed.
    expected, left
        Seconds of audio that there are about, and of these to come.
    moved, vanished
        Recordings that were recognised at another path, or are not there any more.
    unread
        Folders that could not be read, and why.
    """

    todo: int
    before: int
    expected: float
    moved: int = 0
    vanished: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    analysed: int = 0
    failed: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    audio: float = 0.0
    left: float = 0.0
    begun: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        """Recordings of `todo` that are done."""
        return self.analysed + self.failed

    @property
    def rate(self) -> float:
        """Seconds of audio in a second so far."""
        return self.audio / max(time.monotonic() - self.begun, 1e-9)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the end at the rate so far; ``None`` while it is not known."""
        worked = self.expected - self.left
        if worked <= 0:
            return None
        return (time.monotonic() - self.begun) * self.left / worked


def build(
    sources: Sequence[str],
    folder: Path,
    setup: Setup,
    engine: Callable[[Setup], Engine],
    *,
    retry: bool = False,
    report: Callable[[Progress], object] = lambda progress: None,
) -> Progress:
    """Analyse the recordings in sources, and write what is found into a catalogue.

    What is there already stays: recordings that have not changed are not analysed again. Rows are
    written in parts; an exception, Ctrl-C among them, leaves those of recordings that are done.

    Parameters
    ----------
    sources
        As for :func:`.scanning.scan`.
    folder
        Of the catalogue; it is made where there is none.
    setup
        What recordings are analysed with.
    engine
        Makes what does the work.
    retry
        Try all recordings with errors again.
    report
        Called with the progress, at the beginning and after each recording.

    Returns
    -------
    Progress
        At the end.

    Raises
    ------
    PypluginError
        The catalogue cannot be written, was made with another setup, or a source cannot be read;
        all recordings in a folder are gone, as when a disk is not mounted.

    Examples
    --------
    >>> import numpy as np, soundfile, tempfile
    >>> from pyplugin.catalogue.processes import ProcessPool
    >>> folder = Path(tempfile.mkdtemp())
    >>> soundfile.write(folder / "tone.wav", np.sin(np.arange(48000) / 10), 16000)
    >>> progress = build([str(folder)], folder / "tags", Setup.of(), ProcessPool)
    >>> progress.analysed, progress.failed
    (1, 0)
    """
    with CatalogueWriter(folder, setup.identity) as store:
        seen = scan(sources)
        known = store.known()
        made = plan(seen, known, content_of, retry=retry)
        _check_vanished(seen, len(made.vanished), made.done + len(made.todo))
        store.amend(made)
        fresh = [each for each in seen.problems if each.found.path not in known]
        if fresh:
            store.add(fresh)
        expected = sum(map(expected_seconds, made.todo))
        progress = Progress(
            len(made.todo), made.done, expected, len(made.moved), len(made.vanished), seen.unread
        )
        progress.left = expected
        progress.kinds.update(getattr(each.result, "kind", "") for each in fresh)
        report(progress)
        if made.todo:
            with contextlib.closing(engine(setup)) as workers:
                _work(store, workers, made.todo, progress, report)
        store.merge()
        return progress


def _check_vanished(seen: Scan, vanished: int, here: int) -> None:
    if vanished and not here:
        raise PypluginError(
            f"'{seen.roots[0]}' has none of its {counted(vanished, 'recording')} any more: is its "
            "disk mounted? Nothing was changed."
        )


def _work(
    store: CatalogueWriter,
    workers: Engine,
    todo: Sequence[FoundRecording],
    progress: Progress,
    report: Callable[[Progress], object],
) -> None:
    tasks = Tasks(todo, workers.workers)
    waiting: list[Outcome] = []
    since = time.monotonic()
    expected = cost = 0.0
    try:
        for outcome in workers.run(tasks):
            waiting.append(outcome)
            seconds = expected_seconds(outcome.found)
            progress.left = max(progress.left - seconds, 0.0)
            if isinstance(outcome.result, RecordingAnalysis):
                progress.analysed += 1
                progress.audio += outcome.result.duration
                expected, cost = expected + seconds, cost + outcome.result.cost
                tasks.measured(expected, cost)
            else:
                progress.failed += 1
                progress.kinds[outcome.result.kind] += 1
            report(progress)
            now = time.monotonic()
            if len(waiting) >= PART_ROWS or now - since >= PART_SECONDS:
                part, waiting, since = waiting, [], now
                store.add(part)
    finally:
        if waiting:
            store.add(waiting)
