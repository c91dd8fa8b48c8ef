"""The folder of a catalogue: Parquet files in parts, each whole or not there.

::

    catalogue.json      version of the schema, what recordings are analysed with
    recordings/         a row for each recording with results
    windows/            a row for each of their windows, if these are kept
    errors/             a row for each recording without results, and why

A part has the same name in all three. What has to change in one is written beside it and renamed
over it, so that a reader sees the old one or the new one.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from pyplugin._native import VERSION as LIBRARY
from pyplugin.catalogue import schema
from pyplugin.catalogue.parts import paths_of, read_part, rows_of, write_part
from pyplugin.catalogue.planning import BuildPlan, KnownRecording
from pyplugin.catalogue.records import Outcome, Problem, RecordingAnalysis
from pyplugin.catalogue.setup import check_same
from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float32, Float64
from pyplugin.support.cells import readable
from pyplugin.support.closing import Closing
from pyplugin.support.documents import DocumentError, parse_json
from pyplugin.support.files import lock, sentence, write_file

MANIFEST = "catalogue.json"
TABLES = ("windows", "errors", "recordings")  # in the order in which a part is written
MERGED_ROWS = 20_000
"""Rows of a part from which it is merged with no others."""

_SMALL_PARTS = 64  # that are merged while a build goes on
_JOURNAL, _MERGING = "merging.json", "merging"


class Catalogue:
    """A catalogue to read.

    Parameters
    ----------
    folder
        Where it is.

    Attributes
    ----------
    folder : Path
    identity : dict
        What recordings are analysed with; see :attr:`.setup.Setup.identity`.

    Raises
    ------
    PypluginError
        There is no catalogue, it is damaged, or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = _read_manifest(folder)

    def parts(self, table: str) -> list[Path]:
        """Return the files of a table, oldest first."""
        return sorted((self.folder / table).glob("part-*.parquet"))

    def read(self, table: str, columns: Sequence[str] | None = None) -> Any:
        """Return a table, or some columns of it, as a table of Arrow."""
        pa = schema.arrow()
        made = getattr(schema, f"{table}_schema")(self.identity)
        empty = made.empty_table() if columns is None else made.empty_table().select(columns)
        read = [read_part(part, columns) for part in self.parts(table)]
        return pa.concat_tables([empty, *(each.cast(empty.schema) for each in read)])

    def count(self, table: str) -> int:
        """Return the number of rows of a table."""
        pq = schema.arrow().parquet
        return sum(pq.ParquetFile(part).metadata.num_rows for part in self.parts(table))

    def known(self) -> dict[str, KnownRecording]:
        """Return the state of each recording that has a row, by its path."""
        rows: dict[str, KnownRecording] = {}
        columns = ["path", "path_bytes", "size", "mtime", "kind"]
        for path, _, size, mtime, kind in rows_of(self.read("errors", columns)):
            rows[path] = KnownRecording(size, mtime, problem=kind)
        columns = ["path", "path_bytes", "size", "mtime", "content", "vanished"]
        for path, _, size, mtime, content, vanished in rows_of(self.read("recordings", columns)):
            rows[path] = KnownRecording(size, mtime, content, vanished=vanished is not None)
        return rows

    def is_being_built(self) -> bool:
        """Return whether a process writes it now."""
        try:
            with (self.folder / ".lock").open("rb") as stream:
                return not lock(stream)
        except OSError:
            return False


class CatalogueWriter(Catalogue, Closing):
    """A catalogue to write; one process at a time has it.

    Parameters
    ----------
    folder
        Where it is, or is to be made.
    identity
        What recordings are analysed with; ``None`` for what the folder has.

    Raises
    ------
    PypluginError
        Another process writes it, it was made with another setup or version, or the folder cannot
        be written.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any] | None = None) -> None:
        schema.arrow()  # fail before anything is made
        if identity is not None:
            _make(folder)
        elif not folder.is_dir():
            _read_manifest(folder)  # raises
        self._lock = _locked(folder)
        try:
            if identity is not None and not (folder / MANIFEST).exists():
                manifest = {"schema": schema.VERSION, "tagnode": LIBRARY, "setup": dict(identity)}
                write_file(folder / MANIFEST, json.dumps(manifest, indent=1).encode())
            super().__init__(folder)
            if identity is not None:
                check_same(folder, self.identity, identity)
            self._finish_merging()
            self._remove_orphans()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Leave it to others."""
        self._lock.close()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Write a part with these rows.

        Raises
        ------
        PypluginError
            There is no space left, for example; then none of the recordings has a row.
        """
        number = self._next()
        if any(isinstance(each.result, Problem) for each in outcomes):
            self._write("errors", number, schema.errors_table(self.identity, outcomes))
        if any(isinstance(each.result, RecordingAnalysis) for each in outcomes):
            if self.identity["windows"]:
                self._write("windows", number, schema.windows_table(self.identity, outcomes))
            self._write("recordings", number, schema.recordings_table(self.identity, outcomes))
        if len(self._small("recordings")) >= _SMALL_PARTS:
            self.merge()

    def amend(self, plan: BuildPlan) -> None:
        """Bring rows up to date: drop those that are not true, mark and rename others.

        A part is read and written once; the table of recordings comes last, so that whatever
        interrupts this is done again by the next build.
        """
        stale = set(plan.stale)
        moved = plan.moved
        marks: dict[str, int | None] = dict.fromkeys(plan.vanished, round(time.time() * 1e6))
        marks |= dict.fromkeys(plan.returned)
        if not (stale or moved or marks):
            return
        for table in TABLES:
            for part in self.parts(table):
                names = paths_of(read_part(part, ["path", "path_bytes"]))
                touched = any(name in stale or name in moved or name in marks for name in names)
                if touched:
                    self._amend_part(table, part, names, stale, moved, marks)

    def _amend_part(
        self,
        table: str,
        part: Path,
        names: list[str],
        stale: set[str],
        moved: Mapping[str, Any],
        marks: Mapping[str, int | None],
    ) -> None:
        pa = schema.arrow()
        kept = [index for index, name in enumerate(names) if name not in stale]
        if not kept:
            part.unlink()
            return
        rows = read_part(part).take(pa.array(kept, pa.int64()))
        now = [names[index] for index in kept]
        changed: dict[str, list[Any]] = {
            "path": [readable(moved[name].path if name in moved else name) for name in now],
            "path_bytes": [
                moved[name].path_bytes if name in moved else row
                for name, row in zip(now, rows["path_bytes"].to_pylist(), strict=True)
            ],
        }
        if table == "recordings":
            mtimes = rows["mtime"].cast(pa.int64()).to_pylist()
            old = rows["vanished"].cast(pa.int64()).to_pylist()
            changed["mtime"] = [
                moved[name].mtime if name in moved else value
                for name, value in zip(now, mtimes, strict=True)
            ]
            changed["vanished"] = [
                None if name in moved else marks.get(name, value)
                for name, value in zip(now, old, strict=True)
            ]
        for name, values in changed.items():
            rows = _with_column(rows, name, values)
        write_part(part, rows)

    def restate(self, states: Mapping[str, tuple[int, int | None, str]]) -> None:
        """Take note of files that changed without their audio: size, time and hash by path."""
        pa = schema.arrow()
        for part in self.parts("recordings") if states else ():
            rows = read_part(part)
            names = paths_of(rows)
            if not any(name in states for name in names):
                continue
            for number, column in enumerate(("size", "mtime", "content")):
                old = rows[column]
                if column == "mtime":
                    old = old.cast(pa.int64())
                values = [
                    states[name][number] if name in states else value
                    for name, value in zip(names, old.to_pylist(), strict=True)
                ]
                rows = _with_column(rows, column, values)
            write_part(part, rows)

    def merge(self) -> None:
        """Make one part of many small ones.

        A journal is written first; an interruption is completed when the catalogue is next opened.
        """
        old = [part.name for part in self._small("recordings")]
        others = {part.name for part in self.parts("errors")} - {
            part.name for part in self.parts("recordings")
        }
        names = sorted({*old, *others})
        if len(names) < 2:
            return
        target = self._next()
        place = self.folder / _MERGING
        _make(place)
        for table in TABLES:
            tables = [read_part(part) for part in self.parts(table) if part.name in set(names)]
            if tables:
                write_part(place / f"{table}.parquet", schema.arrow().concat_tables(tables))
        journal = {"into": target, "from": names}
        write_file(self.folder / _JOURNAL, json.dumps(journal).encode())
        self._finish_merging()

    def _small(self, table: str) -> list[Path]:
        pq = schema.arrow().parquet
        found, rows = [], 0
        for part in self.parts(table):
            count = pq.ParquetFile(part).metadata.num_rows
            if count < MERGED_ROWS and rows + count <= 2 * MERGED_ROWS:
                found.append(part)
                rows += count
        return found

    def _finish_merging(self) -> None:
        journal, place = self.folder / _JOURNAL, self.folder / _MERGING
        if journal.exists():
            job = parse_json(journal.read_text(encoding="utf-8"))
            for table in TABLES:
                for name in job["from"]:
                    (self.folder / table / name).unlink(missing_ok=True)
                made = place / f"{table}.parquet"
                if made.exists():
                    made.replace(self._part(table, job["into"]))
            journal.unlink()
        if place.is_dir():
            for each in place.iterdir():
                each.unlink()
            place.rmdir()

    def _remove_orphans(self) -> None:
        """Remove windows whose recordings were not written any more."""
        names = {part.name for part in self.parts("recordings")}
        for part in self.parts("windows"):
            if part.name not in names:
                part.unlink()

    def _next(self) -> int:
        numbers = [int(part.stem[5:]) for table in TABLES for part in self.parts(table)]
        return max(numbers, default=0) + 1

    def _part(self, table: str, number: int) -> Path:
        return self.folder / table / f"part-{number:08d}.parquet"

    def _write(self, table: str, number: int, rows: Any) -> None:
        part = self._part(table, number)
        _make(part.parent)
        write_part(part, rows)


def _with_column(rows: Any, name: str, values: list[Any]) -> Any:
    """Return a table with other values in one of its columns."""
    index = rows.schema.get_field_index(name)
    field = rows.schema.field(index)
    return rows.set_column(index, field, schema.arrow().array(values, field.type))


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
        version, identity = content["schema"], content["setup"]
        assert isinstance(identity["descriptors"], list)
    except FileNotFoundError:
        raise PypluginError(
            f"'{folder}' is no catalogue: it has no {MANIFEST}; make one with "
            "'tagnode catalogue build'."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PypluginError(f"'{path}' cannot be read: {error}.") from error
    except (DocumentError, KeyError, TypeError, AssertionError) as error:
        raise PypluginError(
            f"'{path}' is damaged: what recordings are analysed with is missing; take it from a "
            "copy, or build into another folder."
        ) from error
    if version != schema.VERSION:
        raise PypluginError(
            f"'{folder}' is a catalogue of version {version}, made by tagnode "
            f"{content.get('tagnode', '?')}; tagnode {LIBRARY} has version {schema.VERSION}: "
            "build into another folder."
        )
    return dict(identity)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PypluginError(f"The folder '{folder}' cannot be made: {sentence(error)}.") from error


def _locked(folder: Path) -> BinaryIO:
    try:
        number = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise PypluginError(f"'{folder}' cannot be written: {sentence(error)}.") from error
    stream = os.fdopen(number, "r+b", buffering=0)
    if not lock(stream):
        with contextlib.suppress(OSError):
            stream.close()
        raise PypluginError(
            f"Another process builds '{folder}' now; wait for it, or give another folder."
        )
    return stream


def read_windows(store: Catalogue) -> dict[str, tuple[Float64, Float64, Float32]]:
    """Return starts and ends in seconds, and activations (n, D), of each recording by its path."""
    rows = store.read("windows")
    names = np.array(paths_of(rows), object)
    starts, ends = rows["start"].to_numpy(), rows["end"].to_numpy()
    columns = [rows[name].to_numpy() for name in store.identity["descriptors"]]
    values = np.stack(columns, axis=1) if columns else np.zeros((len(names), 0), np.float32)
    edges = [*np.flatnonzero(names[1:] != names[:-1]) + 1, len(names)]
    found, begin = {}, 0
    for end in edges:
        if end > begin:
            found[names[begin]] = starts[begin:end], ends[begin:end], values[begin:end]
        begin = int(end)
    return found
