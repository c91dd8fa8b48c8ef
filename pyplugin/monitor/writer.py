"""The one thread that writes the database; what cannot be written waits, or is given up."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyplugin.monitor.alarms import Change
from pyplugin.monitor.config import Settings
from pyplugin.monitor.records import Bin, EventRecord, Record, SegmentRecord, Standings, Track
from pyplugin.monitor.storage import Store
from pyplugin.monitor.times import local, now_ms

_MOST = 20_000  # records that wait while nothing can be written; then the oldest scores go
_ROUND = 3600.0  # seconds between two rounds of deleting what is old
_ROLLED = 400  # days that are summed up at once at most, after a pause of the monitor
_BALLAST = "ballast"
_BALLAST_BYTES = 8_000_000

Now = Callable[[], int]
"""Returns milliseconds of UTC."""


@dataclass(frozen=True)
class Item:
    """Records of a station that wait to be written."""

    station: int
    layout: int
    records: list[Record]


class LogWriter:
    """Writes records: events, segments, titles and alarms at once, scores every minute.

    Parameters
    ----------
    settings
        Folder, times and sizes.
    on_change
        Called on this thread with a station's number, a change of an alarm and the alarm's number
        once it is written, or once it is known that it cannot be.
    now
        The time of day.
    """

    def __init__(
        self,
        settings: Settings,
        on_change: Callable[[int, Change, int | None], object],
        now: Now = now_ms,
    ) -> None:
        self.settings = settings
        self._on_change, self._now = on_change, now
        self.store = Store(settings.data)
        self._changed = threading.Condition()
        self._queue: deque[Item] = deque()
        self._scores: list[Item] = []  # wait for the next commit
        self._stopped = False
        self._committed = time.monotonic()
        self._cleaned = -_ROUND
        self._rolled: date | None = None
        self.failure = ""
        """Why nothing can be written; empty while it can."""
        self.lost = 0
        """Records that were given up."""
        self.beat = time.monotonic()
        self._snapshots: Callable[[], object] = lambda: None
        self._ballast = self.store.path.with_name(_BALLAST)
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self, snapshots: Callable[[], object]) -> None:
        """Begin; ``snapshots`` is called before each commit, to have what lasts written."""
        self._snapshots = snapshots
        self._keep_ballast()
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    def put(self, station: int, layout: int, records: list[Record]) -> None:
        """Have records written; from any thread, at once."""
        if records:
            with self._changed:
                self._queue.append(Item(station, layout, records))
                self._changed.notify()

    def do(self, task: Callable[[Store], object]) -> None:
        """Have something done with the database on its thread."""
        with self._changed:
            self._queue.append(Item(0, 0, [_Task(task)]))  # type: ignore[list-item]
            self._changed.notify()

    def query(self, question: Callable[[Store], Any], timeout: float = 10.0) -> Any:
        """Return the result of a query on this thread; ``None`` if that takes too long.

        Before :meth:`start` it runs at once.
        """
        if not self._thread.is_alive():
            return question(self.store)
        answers: list[Any] = []
        done = threading.Event()

        def answer(store: Store) -> None:
            try:
                answers.append(question(store))
            finally:
                done.set()

        self.do(answer)
        done.wait(timeout)
        return answers[0] if answers else None

    def stop(self, timeout: float = 30.0) -> None:
        """Write all that waits, and end."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        self.store.close()

    # ---- on its thread

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._queue and not self._stopped:
                    self._changed.wait(1.0)
                items = list(self._queue)
                self._queue.clear()
                stopped = self._stopped
            self.beat = time.monotonic()
            for item in items:
                self._take(item)
            due = time.monotonic() >= self._committed + self.settings.commit
            if due and not stopped:
                self._snapshots()
                self._committed = time.monotonic()
            if due or stopped:
                self._commit_scores()
                self._clean()
            if stopped:
                with self._changed:
                    if not self._queue:
                        return

    def _take(self, item: Item) -> None:
        """Write what is urgent now, keep scores and snapshots for the commit."""
        urgent, later = [], []
        for record in item.records:
            if isinstance(record, _Task):
                with contextlib.suppress(sqlite3.Error):
                    record.task(self.store)
            elif _waits(record):
                later.append(record)
            else:
                urgent.append(record)
        if later:
            self._scores.append(Item(item.station, item.layout, later))
        if urgent:
            self._write(Item(item.station, item.layout, urgent))
        while sum(len(each.records) for each in self._scores) > _MOST:
            scores = (at for at, each in enumerate(self._scores) if all(map(_waits, each.records)))
            self.lost += len(self._scores.pop(next(scores, 0)).records)

    def _write(self, item: Item) -> None:
        changes = [record for record in item.records if isinstance(record, Change)]
        numbers = [0] * len(changes)
        try:
            numbers = self.store.write(item.station, item.records, item.layout)
        except sqlite3.Error as error:
            self._failed(error)
            self._scores.append(item)
        for change, number in zip(changes, numbers, strict=True):
            with contextlib.suppress(Exception):  # a failure to report it must not stop the log
                self._on_change(item.station, change, number or None)

    def _commit_scores(self) -> None:
        waiting, self._scores = self._scores, []
        try:
            self.store.write_all((item.station, item.layout, item.records) for item in waiting)
        except sqlite3.Error as error:
            self._failed(error)
            self._scores = waiting + self._scores
            return
        self._works()

    def _failed(self, error: sqlite3.Error) -> None:
        if not self.failure:
            self.failure = f"The log cannot be written: {error}."
            with contextlib.suppress(OSError):
                self._ballast.unlink()  # room to delete what is old
            self._cleaned = -_ROUND

    def _works(self) -> None:
        if self.failure:
            event = EventRecord(self._now(), "disk", "The log can be written again.")
            with contextlib.suppress(sqlite3.Error):
                self.store.write(0, [event])
            self._keep_ballast()
            self.failure = ""

    def _keep_ballast(self) -> None:
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(self.store.path.parent).free
            if not self._ballast.exists() and free > 4 * _BALLAST_BYTES:
                self._ballast.write_bytes(bytes(_BALLAST_BYTES))

    def _clean(self) -> None:
        """Sum up the days that are over, and delete what is too old or too much."""
        if time.monotonic() < self._cleaned + _ROUND:
            return
        self._cleaned = time.monotonic()
        now, settings = self._now(), self.settings
        with contextlib.suppress(sqlite3.Error):
            self.roll_up(local(now).date())
            bins, log = (
                now - round(1000 * keep) for keep in (settings.keep_bins, settings.keep_log)
            )
            while self.store.purge(bins, log):
                self.beat = time.monotonic()
            for part in range(1, 10):  # too much for the disk: the older part of the scores goes
                free = shutil.disk_usage(self.store.path.parent).free
                if self.store.bytes <= settings.disk and free >= settings.reserve:
                    break
                oldest = bins + (now - bins) * part // 10
                while self.store.purge(oldest, log):
                    self.beat = time.monotonic()

    def roll_up(self, today: date) -> None:
        """Sum up the days since the last one that was, yesterday and today included.

        Yesterday again, for what was on air at midnight may be written some time after it.
        """
        last = self._rolled or self.store.last_day() or today
        first = min(max(last, today - timedelta(days=_ROLLED)), today - timedelta(days=1))
        for offset in range((today - first).days + 1):
            self.store.roll_up(first + timedelta(days=offset))
        self._rolled = today


@dataclass(frozen=True)
class _Task:
    task: Callable[[Store], object]


def _waits(record: Record) -> bool:
    """Return whether a record is written with the next commit: scores, and what still lasts."""
    if isinstance(record, (SegmentRecord, Track)):
        return record.open and record.end > record.start
    return isinstance(record, (Bin, Standings))
