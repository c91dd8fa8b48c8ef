"""Searching a catalogue by conditions on its columns, in DuckDB's SQL."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyplugin.catalogue import schema
from pyplugin.catalogue.schema import STATISTICS
from pyplugin.catalogue.store import Catalogue
from pyplugin.errors import PypluginError
from pyplugin.support.closing import Closing
from pyplugin.support.descriptors import accepted_names
from pyplugin.support.optional import need
from pyplugin.support.spelling import nearest

PLAIN = (
    *("path", "size", "mtime", "duration", "sample_rate", "channels", "loudness", "true_peak"),
    *("tempo", "tempo_confidence", "notes", "analysed", "vanished", "content"),
)
"""Columns of a recording that are no descriptors."""

_WORD = re.compile(r"'(?:[^']|'')*'|\"((?:[^\"]|\"\")*)\"|([A-Za-z_]\w*)")


def aliases(descriptors: Sequence[str]) -> dict[str, str]:
    """Return the column that each short name stands for.

    ``speech`` is the mean of a label of the first model that has it, ``speech_max`` and
    ``speech_share`` its other statistics, ``mood_happy`` a label of a head, ``scene_speech`` that
    of a certain model. What is no letter or digit is ``_``.

    Parameters
    ----------
    descriptors
        Full names, in the order of their models.

    Examples
    --------
    >>> found = aliases(["tag.scene.speech", "head.mood.very-happy"])
    >>> found["speech"], found["mood_very_happy_max"]
    ('tag.scene.speech.mean', 'head.mood.very-happy.max')
    """
    found: dict[str, str] = {}
    for accepted, full in accepted_names(descriptors).items():
        name = re.sub(r"\W", "_", accepted.partition(".")[2])
        for each in STATISTICS:
            alias = name if each == "mean" else f"{name}_{each}"
            if alias not in PLAIN:
                found.setdefault(alias, f"{full}.{each}")
    return found


@dataclass(frozen=True)
class QueryRows:
    """The result of a query: names of columns, and rows; paths as the system has them."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def dicts(self) -> Iterator[dict[str, Any]]:
        """Yield the rows with names."""
        return (dict(zip(self.columns, row, strict=True)) for row in self.rows)


class Database(Closing):
    """A catalogue in DuckDB: the view ``recordings``, with short names for labels.

    Files outside the catalogue cannot be read by a condition.

    Parameters
    ----------
    store
        The catalogue.

    Raises
    ------
    PypluginError
        DuckDB is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from pyplugin.catalogue.setup import Setup
    >>> from pyplugin.catalogue.store import CatalogueWriter
    >>> with CatalogueWriter(Path(tempfile.mkdtemp()), Setup.of().identity) as store:
    ...     with Database(store) as database:
    ...         found = database.query("speech > .8", columns=["speech"])
    >>> found.columns, found.rows
    (['path', 'speech'], [])
    """

    def __init__(self, store: Catalogue) -> None:
        duckdb = need("duckdb", package="duckdb", extra="catalogue", purpose="A query")
        self._error: type[Exception] = duckdb.Error
        self.aliases = aliases(store.identity["descriptors"])
        self._connection = duckdb.connect(config={"autoload_known_extensions": "false"})
        parts = [str(part.absolute()) for part in store.parts("recordings")]
        if parts:
            source = f"read_parquet([{', '.join(map(_text, parts))}])"
        else:
            self._empty = schema.recordings_schema(store.identity).empty_table()
            self._connection.register("no_recordings", self._empty)
            source = "no_recordings"
        short = ", ".join(f"{_name(full)} AS {_name(one)}" for one, full in self.aliases.items())
        self._connection.execute(
            f"CREATE VIEW recordings AS SELECT *{', ' if short else ''}{short} FROM {source}"
        )
        folder = str(store.folder.absolute())
        self._connection.execute(f"SET allowed_directories = [{_text(folder)}]")
        self._connection.execute("SET enable_external_access = false")
        self._connection.execute("SET lock_configuration = true")

    def close(self) -> None:
        """Leave it."""
        self._connection.close()

    def query(
        self,
        condition: str | None = None,
        *,
        columns: Sequence[str] = (),
        sort: str | None = None,
        reverse: bool = False,
        limit: int | None = None,
    ) -> QueryRows:
        """Return recordings that are there, and for which a condition holds.

        Parameters
        ----------
        condition
            An expression of SQL on columns and their short names; ``None``: all recordings.
        columns
            Further columns to return, after the path.
        sort
            A column or an expression; the largest first. ``None``: by path.
        reverse
            The smallest first.
        limit
            Number of rows at most.

        Raises
        ------
        PypluginError
            The condition or a name is wrong.
        """
        chosen = ["path", *(each for each in columns if each != "path")]
        order = f"({sort}) {'ASC' if reverse else 'DESC'} NULLS LAST, path" if sort else "path"
        text = (
            f"SELECT {', '.join(map(_name, chosen))}, path_bytes FROM recordings "
            f"WHERE vanished IS NULL AND (\n{condition or 'true'}\n) ORDER BY {order}"
        )
        if limit is not None:
            text += f" LIMIT {limit:d}"
        self._check_single(condition, sort)
        try:
            rows = self._connection.execute(text).fetchall()
        except self._error as error:
            raise PypluginError(self._explained(error, condition, sort)) from error
        real = [(path if data is None else os.fsdecode(data), *rest) for path, *rest, data in rows]
        return QueryRows(chosen, real)

    def named(self, *expressions: str | None) -> list[str]:
        """Return the columns that expressions name, in their order."""
        found = (
            quoted or word
            for text in expressions
            for quoted, word in _WORD.findall(text or "")
            if quoted in self._names or word in self._names
        )
        return list(dict.fromkeys(found))

    @property
    def _names(self) -> set[str]:
        return {*PLAIN, *self.aliases, *self.aliases.values()}

    def _check_single(self, *expressions: str | None) -> None:
        for text in expressions:
            if text is not None and ";" in _WORD.sub("", text):
                raise PypluginError(f"{text!r} is more than a condition: it has a ';' in it.")

    def _explained(self, error: Exception, *expressions: str | None) -> str:
        """Return a sentence on an error of DuckDB."""
        reason = str(error).strip().splitlines()[0]
        given = " or ".join(repr(text) for text in expressions if text)
        missing = re.search(r'column "([^"]+)" not found', reason)
        if missing is not None:
            return f"There is no column {missing[1]!r}; {_near(missing[1], self._names)}"
        return f"{given} cannot be used as a condition: {reason}"


def _near(name: str, names: set[str]) -> str:
    hint = nearest(name, names)
    return hint if "?" in hint else "'tagnode catalogue status' lists them."


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def summary(store: Catalogue) -> Mapping[str, Any]:
    """Return numbers of a catalogue: recordings, hours, errors by kind, bytes."""
    rows = store.read("recordings", ["duration", "vanished"])
    kinds = store.read("errors", ["kind"])["kind"].to_pylist()
    compute = need("pyarrow.compute", package="pyarrow", extra="catalogue", purpose="A catalogue")
    return {
        "recordings": len(rows),
        "vanished": len(rows) - rows["vanished"].null_count,
        "hours": (compute.sum(rows["duration"]).as_py() or 0.0) / 3600,
        "errors": {kind: kinds.count(kind) for kind in sorted(set(kinds))},
        "parts": len(store.parts("recordings")),
        "bytes": sum(
            part.stat().st_size
            for table in ("recordings", "windows", "errors")
            for part in store.parts(table)
        ),
    }
