"""The database: all SQL of the monitor. Written by one thread, read by anyone.

SQLite in WAL mode with pages of 512 bytes. Times are milliseconds of UTC; ids of rows follow them,
so that what is written lies together: on a memory card bytes written count, not bytes kept.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import singledispatchmethod
from pathlib import Path
from typing import Any

from pyplugin.monitor.alarms import Change, Standing
from pyplugin.monitor.bins import Layout
from pyplugin.monitor.records import (
    Bin,
    EventRecord,
    Record,
    SegmentRecord,
    Standings,
    Track,
)
from pyplugin.monitor.schema import MIGRATIONS, NAME, VERSION, StorageError, connect, row_id
from pyplugin.monitor.times import local


class Store:
    """Writes the database; of one thread.

    Parameters
    ----------
    folder
        Where it is, or is made.

    Raises
    ------
    StorageError
        It cannot be opened or made, or a later version wrote it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store(folder) as store:
    ...     station = store.station("Test FM", "https://stream.example/live", "music", time=0)
    ...     _ = store.write(station, [EventRecord(1000, "started", "It listens.")])
    ...     [event["message"] for event in Log(folder).events(0, 2000)]
    ['It listens.']
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder) / NAME
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise StorageError(f"The folder '{folder}' cannot be made: {reason}.") from error
        self._database = connect(self.path, writes=True)
        self._layouts: dict[str, int] = {}
        self._labels: dict[str, int] = {}
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._database.close()
            raise StorageError(f"The database '{self.path}' cannot be used: {error}.") from error

    def _prepare(self) -> None:
        run = self._database.execute
        run("PRAGMA page_size = 512")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = NORMAL")
        run("PRAGMA wal_autocheckpoint = 4000")  # pages: some ten times a day at four stations
        run("PRAGMA journal_size_limit = 3000000")
        (version,) = run("PRAGMA user_version").fetchone()
        if version > VERSION:
            self._database.close()
            raise StorageError(
                f"The database '{self.path}' is of version {version}; this program knows "
                f"{VERSION}. Install a later one."
            )
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            self._database.executescript(
                f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;"
            )

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database. Twice is harmless."""
        self._database.close()

    # ---- stations

    def station(self, name: str, source: str, kind: str, *, time: int) -> int:
        """Return the number of a station, which is added if it is new.

        Parameters
        ----------
        source
            Its address without a password.
        time
            Now, in milliseconds of UTC.
        """
        self._database.execute(
            "INSERT INTO station (name, source, kind, added) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (name) DO UPDATE SET source = excluded.source, kind = excluded.kind",
            (name, source, kind, time),
        )
        found = self._database.execute("SELECT id FROM station WHERE name = ?", (name,))
        return int(found.fetchone()[0])

    def layout(self, layout: Layout) -> int:
        """Return the number of a layout of bins."""
        text = layout.text
        if text not in self._layouts:
            self._database.execute("INSERT OR IGNORE INTO layout (content) VALUES (?)", (text,))
            found = self._database.execute("SELECT id FROM layout WHERE content = ?", (text,))
            self._layouts[text] = int(found.fetchone()[0])
        return self._layouts[text]

    def standings(self, station: int) -> dict[str, Standing]:
        """Return where a station's rules stood; alarms that are open in the log are open."""
        found = {
            row["rule"]: Standing(row["start"], row["last"], row["opened"])
            for row in self._database.execute(
                "SELECT * FROM standing WHERE station = ?", (station,)
            )
        }
        for row in self._database.execute(
            "SELECT rule, start, opened FROM alarm WHERE station = ? AND closed IS NULL", (station,)
        ):
            standing = found.setdefault(row["rule"], Standing(row["start"], row["opened"]))
            standing.start = row["start"]
            standing.opened = standing.opened or row["opened"]
            standing.last = max(standing.last, row["opened"])
        return found

    def finish_left_open(self, station: int) -> int | None:
        """End what a kill or a loss of power left open, where it was last known.

        Returns
        -------
        int or None
            When that was; ``None`` if the monitor was ended properly.
        """
        last = self._database.execute(
            "SELECT max(end) FROM segment WHERE station = ? AND open", (station,)
        ).fetchone()[0]
        for table in ("segment", "track"):
            self._database.execute(
                f"UPDATE {table} SET open = 0 WHERE station = ? AND open", (station,)
            )
        return None if last is None else int(last)

    def open_alarms_of_others(self, stations: Sequence[str]) -> list[sqlite3.Row]:
        """Return ``id, name, rule, start`` of the open alarms of all stations but these."""
        marks = ", ".join("?" * len(stations))
        return self._database.execute(
            "SELECT station.id AS id, name, rule, start FROM alarm "
            "JOIN station ON station.id = alarm.station "
            f"WHERE closed IS NULL AND name NOT IN ({marks})",
            tuple(stations),
        ).fetchall()

    # ---- records

    def write(self, station: int, records: Iterable[Record], layout: int = 0) -> list[int]:
        """Write records in one transaction.

        Parameters
        ----------
        layout
            Number of the layout of the bins among them.

        Returns
        -------
        list of int
            Number of the alarm of each change, 0 where there is none.

        Raises
        ------
        sqlite3.Error
            The disk is full, or the like; nothing was written.
        """
        return self.write_all([(station, layout, records)])

    def write_all(self, parts: Iterable[tuple[int, int, Iterable[Record]]]) -> list[int]:
        """Write the records of stations in one transaction: station, layout, records of each.

        What lies together on the disk is then written once.
        """
        self._alarms: list[int] = []
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for station, self._layout, records in parts:
                for record in records:
                    self._put(record, station)
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            self._labels.clear()  # those that were added are not there
            raise
        return self._alarms

    def _by_number(self, means: Mapping[str, float]) -> str:
        """Return means as JSON, by numbers of labels: a row that is longer takes a page more."""
        for name in means:
            if name in self._labels:
                continue
            self._database.execute("INSERT OR IGNORE INTO label (name) VALUES (?)", (name,))
            found = self._database.execute("SELECT id FROM label WHERE name = ?", (name,))
            self._labels[name] = int(found.fetchone()[0])
        numbered = {str(self._labels[name]): mean for name, mean in means.items()}
        return json.dumps(numbered, separators=(",", ":"))

    @singledispatchmethod
    def _put(self, record: Any, station: int) -> None:
        raise TypeError(f"{type(record).__name__} is no record")

    @_put.register
    def _(self, record: Bin, station: int) -> None:
        self._database.execute(
            # where the clock was set back, or a restart was within it: the more complete one
            "INSERT INTO bin VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "layout = excluded.layout, seconds = excluded.seconds, data = excluded.data "
            "WHERE excluded.seconds > seconds",
            (
                *(row_id(record.start, station), record.start, station),
                *(self._layout, record.seconds, record.values),
            ),
        )

    @_put.register
    def _(self, record: SegmentRecord, station: int) -> None:
        self._database.execute(
            "INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "end = excluded.end, kind = excluded.kind, open = excluded.open, "
            "loudness = excluded.loudness, means = excluded.means "
            "WHERE open AND excluded.end >= end",  # a snapshot may be written after the end
            (
                *(row_id(record.start, station), record.start, station),
                *(record.end, record.kind, record.open),
                *(record.loudness, self._by_number(record.means)),
            ),
        )

    @_put.register
    def _(self, record: Track, station: int) -> None:
        self._database.execute(
            "INSERT INTO track VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
            "end = excluded.end, open = excluded.open, title = excluded.title, "
            "artist = excluded.artist, music = excluded.music, speech = excluded.speech "
            "WHERE open AND excluded.end >= end",
            (
                *(row_id(record.start, station), record.start, station),
                *(record.end, record.open),
                *(record.title, record.artist, record.music, record.speech),
            ),
        )

    @_put.register
    def _(self, record: EventRecord, station: int) -> None:
        self._database.execute(
            "INSERT INTO event (time, station, kind, message) VALUES (?, ?, ?, ?)",
            (record.time, station or None, record.kind, record.message),
        )

    @_put.register
    def _(self, record: Standings, station: int) -> None:
        self._database.execute("DELETE FROM standing WHERE station = ?", (station,))
        self._database.executemany(
            "INSERT INTO standing VALUES (?, ?, ?, ?, ?)",
            [
                (station, rule, each.start, each.last, each.opened)
                for rule, each in record.by_rule.items()
                if each.start is not None
            ],
        )

    @_put.register
    def _(self, record: Change, station: int) -> None:
        run = self._database.execute
        detail = json.dumps(record.values)
        opened = run(
            "SELECT id FROM alarm WHERE station = ? AND rule = ? AND closed IS NULL",
            (station, record.rule),
        ).fetchone()
        if record.edge == "opened" and opened is None:
            added = run(
                "INSERT INTO alarm (station, rule, start, opened, detail, condition) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                (
                    *(station, record.rule, record.start, record.time),
                    *(detail, json.dumps(record.condition)),
                ),
            )
            self._alarms.append(int(added.lastrowid or 0))
            return
        if opened is not None and record.edge == "closed":
            run(
                "UPDATE alarm SET end = ?, closed = ?, reason = ? WHERE id = ?",
                (record.end, record.time, record.reason, opened["id"]),
            )
        self._alarms.append(0 if opened is None else int(opened["id"]))

    def acknowledge(self, alarm: int, time: int, note: str = "") -> bool:
        """Mark an alarm as seen by a person; return whether there is such an alarm."""
        done = self._database.execute(
            "UPDATE alarm SET acknowledged = coalesce(acknowledged, ?), note = ? WHERE id = ?",
            (time, note, alarm),
        )
        return done.rowcount == 1

    def set_clip(self, alarm: int, name: str) -> None:
        """Note the file of the clip before an alarm."""
        self._database.execute("UPDATE alarm SET clip = ? WHERE id = ?", (name, alarm))

    # ---- deliveries

    def queue(self, target: str, message: str, time: int, most: int = 1000) -> None:
        """Keep a message for a target until it is sent; the oldest beyond ``most`` are dropped."""
        run = self._database.execute
        run(
            "INSERT INTO delivery (target, message, created) VALUES (?, ?, ?)",
            (target, message, time),
        )
        run(
            "DELETE FROM delivery WHERE target = ? AND id NOT IN "
            "(SELECT id FROM delivery WHERE target = ? ORDER BY id DESC LIMIT ?)",
            (target, target, most),
        )

    def next_delivery(self, target: str, but: Sequence[int] = ()) -> sqlite3.Row | None:
        """Return the oldest message that waits for a target, but for those of these numbers."""
        marks = ", ".join("?" * len(but))
        found: sqlite3.Row | None = self._database.execute(
            f"SELECT * FROM delivery WHERE target = ? AND id NOT IN ({marks}) ORDER BY id LIMIT 1",
            (target, *but),
        ).fetchone()
        return found

    def delivered(self, number: int) -> None:
        """Forget a message that was sent."""
        self._database.execute("DELETE FROM delivery WHERE id = ?", (number,))

    def not_delivered(self, number: int) -> None:
        """Count an attempt that failed."""
        self._database.execute("UPDATE delivery SET tries = tries + 1 WHERE id = ?", (number,))

    # ---- days and retention

    def last_day(self) -> date | None:
        """Return the last day that was summed up."""
        found = self._database.execute("SELECT max(day) FROM day").fetchone()[0]
        return None if found is None else date.fromisoformat(found)

    def roll_up(self, day: date, zone: tzinfo | None = None) -> None:
        """Write the seconds of each class of a local day, of its segments.

        Parameters
        ----------
        day
            May have 23 or 25 hours.
        zone
            Instead of the machine's time zone.
        """
        start, end = day_of(day, zone)
        self._database.execute(
            "INSERT OR REPLACE INTO day SELECT station, ?, kind, "
            "sum(min(end, ?) - max(start, ?)) / 1000.0 FROM segment "
            "WHERE id < ? AND id > ? AND end > ? GROUP BY station, kind",
            (day.isoformat(), end, start, row_id(end), row_id(start - _LONGEST), start),
        )

    def purge(self, bins_before: int, log_before: int, most: int = 2000) -> int:
        """Delete what is too old, at most so many rows of each kind; return how many."""
        count = 0
        for table, before in (("bin", bins_before), ("segment", log_before), ("track", log_before)):
            count += self._database.execute(
                f"DELETE FROM {table} WHERE id IN "
                f"(SELECT id FROM {table} WHERE id < ? ORDER BY id LIMIT ?)",
                (row_id(before), most),
            ).rowcount
        for table, column in (("event", "time"), ("alarm", "closed")):
            count += self._database.execute(
                f"DELETE FROM {table} WHERE id IN "
                f"(SELECT id FROM {table} WHERE {column} < ? ORDER BY id LIMIT ?)",
                (log_before, most),
            ).rowcount
        return count

    @property
    def bytes(self) -> int:
        """Size of the database's pages that are in use."""
        return _bytes_of(self._database)

    def check(self) -> list[str]:
        """Return what SQLite finds wrong with the file; empty if nothing."""
        try:
            found = self._database.execute("PRAGMA quick_check(10)").fetchall()
        except sqlite3.Error as error:
            return [str(error)]
        return [row[0] for row in found if row[0] != "ok"]


def _bytes_of(database: sqlite3.Connection) -> int:
    pages, free, size = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


_LONGEST = 40 * 86_400_000  # milliseconds that a segment or a title lasts at most, for questions
_DAY = 86_400_000  # milliseconds
_SET_BACK = _DAY  # milliseconds by which a clock was set back at most, for questions


def day_of(day: date, zone: tzinfo | None = None) -> tuple[int, int]:
    """Return begin and end of a local day in milliseconds of UTC.

    Parameters
    ----------
    zone
        Instead of the machine's time zone.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> begin, end = day_of(date(2026, 10, 25), ZoneInfo("Europe/Berlin"))
    >>> (end - begin) / 3_600_000
    25.0
    """
    begin, after = (
        datetime.combine(each, datetime.min.time(), zone) for each in (day, day + timedelta(days=1))
    )
    return round(begin.timestamp() * 1000), round(after.timestamp() * 1000)


@dataclass(frozen=True)
class BinRows:
    """Bins of one station and one layout.

    Attributes
    ----------
    starts
        Milliseconds of UTC.
    means, tops
        (n, columns) and (n, labels).
    """

    layout: Layout
    starts: list[int]
    means: Any
    tops: Any


class Log:
    """Reads the database, while or after it is written.

    Parameters
    ----------
    folder
        Where it is.

    Raises
    ------
    StorageError
        There is none, or it cannot be read.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        path = Path(folder) / NAME
        if not path.is_file():
            raise StorageError(
                f"There is no log in '{os.fspath(folder)}'; 'tagnode monitor run' writes one."
            )
        self._database = connect(path, writes=False)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *error: object) -> None:
        self._database.close()

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @property
    def bytes(self) -> int:
        """Size of the database's pages that are in use."""
        return _bytes_of(self._database)

    def _rows(self, query: str, values: Sequence[Any]) -> Iterator[dict[str, Any]]:
        for row in self._database.execute(query, values):
            yield dict(row)

    def _first(self, table: str, time: int, station: str | None) -> int:
        """Return since when rows of a table may reach a time, to read no more than those.

        That is the last one of each station before it, and a day for clocks that were set back.
        """
        run = self._database.execute
        numbers = run("SELECT id FROM station WHERE ? IS NULL OR name = ?", (station, station))
        last = (
            f"SELECT start FROM {table} WHERE id < ? AND id >= ? AND station = ? "
            "ORDER BY id DESC LIMIT 1"
        )
        found = [
            row["start"]
            for (number,) in numbers.fetchall()
            if self._was_there(number, time)
            for row in run(last, (row_id(time + 1), row_id(time - _LONGEST), number))
        ]
        return int(min([time, *found])) - _SET_BACK

    def _was_there(self, number: int, time: int) -> bool:
        """Return whether a station may have rows at a time, by the days that are summed up."""
        query = "SELECT max(day) FROM day WHERE station = ? AND day <= ?"
        around = [local(time + shift).date().isoformat() for shift in (-2 * _DAY, _DAY)]
        (ever,) = self._database.execute(query, (number, "9999")).fetchone()
        (last,) = self._database.execute(query, (number, around[1])).fetchone()
        return ever is None or (last is not None and last >= around[0])

    def stations(self) -> list[dict[str, Any]]:
        """Return ``id, name, source, kind, added`` of each station."""
        return list(self._rows("SELECT * FROM station ORDER BY id", ()))

    def segments(
        self, start: int, end: int, station: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the segments that overlap a time, oldest first."""
        query = (
            "SELECT station.name AS station, start, end, segment.kind AS kind, open, loudness, "
            "means "
            "FROM segment JOIN station ON station.id = segment.station "
            "WHERE segment.id >= ? AND segment.id < ? AND end > ? "
            "AND (? IS NULL OR station.name = ?) ORDER BY segment.id"
        )
        labels: dict[str, str] | None = None
        first = self._first("segment", start, station)
        for row in self._rows(query, (row_id(first), row_id(end), start, station, station)):
            if labels is None:  # in the first row's turn: no row that is read has a later one
                named = self._database.execute("SELECT id, name FROM label")
                labels = {str(number): name for number, name in named}
            means = json.loads(row["means"])
            row["means"] = {labels[number]: mean for number, mean in means.items()}
            row["open"] = bool(row["open"])
            yield row

    def tracks(self, start: int, end: int, station: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the titles of a time, oldest first."""
        query = (
            "SELECT station.name AS station, start, end, open, title, artist, music, speech "
            "FROM track JOIN station ON station.id = track.station "
            "WHERE track.id >= ? AND track.id < ? AND end >= ? "
            "AND (? IS NULL OR station.name = ?) ORDER BY track.id"
        )
        first = self._first("track", start, station)
        for row in self._rows(query, (row_id(first), row_id(end), start, station, station)):
            row["open"] = bool(row["open"])
            yield row

    def alarms(
        self, start: int, end: int, station: str | None = None, *, only_open: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Yield the alarms of a time, oldest first."""
        query = (
            "SELECT alarm.id AS id, station.name AS station, rule, start, opened, end, closed, "
            "reason, acknowledged, note, clip, detail, condition FROM alarm "
            "JOIN station ON station.id = alarm.station WHERE opened < ? "
            "AND (closed IS NULL OR closed > ?) AND (? IS NULL OR station.name = ?) "
            "AND (NOT ? OR closed IS NULL) ORDER BY opened"
        )
        for row in self._rows(query, (end, start, station, station, only_open)):
            row["detail"] = json.loads(row["detail"])
            row["condition"] = json.loads(row["condition"])
            yield row

    def clip(self, alarm: int) -> str:
        """Return the file name of the clip before an alarm; empty where there is none."""
        found = self._database.execute("SELECT clip FROM alarm WHERE id = ?", (alarm,)).fetchone()
        return "" if found is None else str(found["clip"])

    def deliveries(self) -> list[dict[str, Any]]:
        """Return ``target, waiting, oldest, tries`` of each target that messages wait for."""
        query = (
            "SELECT target, count(*) AS waiting, min(created) AS oldest, max(tries) AS tries "
            "FROM delivery GROUP BY target ORDER BY target"
        )
        return list(self._rows(query, ()))

    def events(self, start: int, end: int, station: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield the events of a time, oldest first."""
        query = (
            "SELECT time, station.name AS station, event.kind AS kind, message FROM event "
            "LEFT JOIN station ON station.id = event.station "
            "WHERE time >= ? AND time < ? AND (? IS NULL OR station.name = ?) ORDER BY time"
        )
        yield from self._rows(query, (start, end, station, station))

    def bins(self, start: int, end: int, station: str) -> Iterator[BinRows]:
        """Yield the bins of a station, a part for each change of layout and each 1000."""
        query = (
            "SELECT bin.start AS start, content, data FROM bin JOIN layout ON layout.id = layout "
            "JOIN station ON station.id = bin.station "
            "WHERE bin.id >= ? AND bin.id < ? AND station.name = ? ORDER BY bin.id"
        )
        starts: list[int] = []
        packed: list[bytes] = []
        text = ""
        for row in self._database.execute(query, (row_id(start), row_id(end), station)):
            if packed and (row["content"] != text or len(packed) == 1000):
                yield _unpacked(text, starts, packed)
                starts, packed = [], []
            text = row["content"]
            starts.append(row["start"])
            packed.append(row["data"])
        if packed:
            yield _unpacked(text, starts, packed)

    def days(self, station: str | None = None) -> Iterator[dict[str, Any]]:
        """Yield ``station, day, kind, seconds`` of each day that is summed up."""
        query = (
            "SELECT station.name AS station, day, day.kind AS kind, seconds FROM day "
            "JOIN station ON station.id = day.station "
            "WHERE ? IS NULL OR station.name = ? ORDER BY day, station.name"
        )
        yield from self._rows(query, (station, station))


def _unpacked(text: str, starts: list[int], packed: list[bytes]) -> BinRows:
    layout = Layout.parse(text)
    return BinRows(layout, starts, *layout.unpack(packed))


def iso(utc_ms: int | None, zone: tzinfo | None = None) -> str:
    """Return a time as ISO 8601 in local time with its offset; ``""`` for ``None``."""
    return "" if utc_ms is None else local(utc_ms, zone).isoformat(timespec="seconds")
