"""The database's file: where it is, its tables, and how it is opened."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pyplugin.errors import PypluginError

NAME = "monitor.sqlite"
VERSION = 1

MIGRATIONS = (
    """
    CREATE TABLE station (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, source TEXT NOT NULL, kind TEXT NOT NULL,
        added INTEGER NOT NULL);
    CREATE TABLE layout (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
    CREATE TABLE bin (
        id INTEGER PRIMARY KEY, start INTEGER NOT NULL, station INTEGER NOT NULL,
        layout INTEGER NOT NULL, seconds INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE TABLE label (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE segment (
        id INTEGER PRIMARY KEY, start INTEGER NOT NULL, station INTEGER NOT NULL,
        end INTEGER NOT NULL, kind TEXT NOT NULL, open INTEGER NOT NULL, loudness REAL,
        means TEXT NOT NULL);
    CREATE TABLE track (
        id INTEGER PRIMARY KEY, start INTEGER NOT NULL, station INTEGER NOT NULL,
        end INTEGER NOT NULL, open INTEGER NOT NULL, title TEXT NOT NULL, artist TEXT NOT NULL,
        music REAL NOT NULL, speech REAL NOT NULL);
    CREATE TABLE alarm (
        id INTEGER PRIMARY KEY, station INTEGER NOT NULL, rule TEXT NOT NULL,
        start INTEGER NOT NULL, opened INTEGER NOT NULL, end INTEGER, closed INTEGER,
        reason TEXT NOT NULL DEFAULT '', acknowledged INTEGER, note TEXT NOT NULL DEFAULT '',
        clip TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL, condition TEXT NOT NULL);
    CREATE INDEX alarm_open ON alarm (station, rule) WHERE closed IS NULL;
    CREATE TABLE event (
        id INTEGER PRIMARY KEY, time INTEGER NOT NULL, station INTEGER, kind TEXT NOT NULL,
        message TEXT NOT NULL);
    CREATE TABLE standing (
        station INTEGER, rule TEXT, start INTEGER, last INTEGER NOT NULL, opened INTEGER,
        PRIMARY KEY (station, rule)) WITHOUT ROWID;
    CREATE TABLE day (
        station INTEGER, day TEXT, kind TEXT, seconds REAL NOT NULL,
        PRIMARY KEY (station, day, kind)) WITHOUT ROWID;
    CREATE TABLE delivery (
        id INTEGER PRIMARY KEY, target TEXT NOT NULL, message TEXT NOT NULL,
        created INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0);
    """,
)
"""What makes version 1, 2, … of the version before; `PRAGMA user_version` says which it is."""


STATIONS = 4096
"""More than there can be: numbers of stations are less."""


def row_id(start: int, station: int = 0) -> int:
    """Return the id of a bin, segment or track: in the order of time, then of stations.

    SQLite fills the pages of a table with such ids one after the other, and finds a time in it
    without an index; with a key of two columns it would write three times as many pages.

    Examples
    --------
    >>> row_id(1000, 2) < row_id(1000, 3) < row_id(1001)
    True
    """
    return start * STATIONS + station


class StorageError(PypluginError):
    """The database cannot be opened, or is of a later version.

    Examples
    --------
    >>> raise StorageError("'/var/lib/tagnode/monitor.sqlite' cannot be opened.")
    Traceback (most recent call last):
        ...
    pyplugin.monitor.schema.StorageError: '/var/lib/tagnode/monitor.sqlite' cannot be opened.
    """

    exit_code = 1


def connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    """Return a connection.

    Raises
    ------
    StorageError
        The file cannot be opened.
    """
    mode = "rwc" if writes else "ro"
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            *(30.0,),
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        raise StorageError(f"The database '{path}' cannot be opened: {error}.") from error
    return connection
