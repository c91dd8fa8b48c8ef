"""The Parquet files of a catalogue, one by one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyplugin.catalogue import schema
from pyplugin.errors import PypluginError
from pyplugin.support.files import not_written, replacing


def write_part(part: Path, rows: Any) -> None:
    """Write a file, whole or not at all.

    Raises
    ------
    PypluginError
        There is no space left, for example.
    """
    try:
        with replacing(part) as temporary:
            schema.arrow().parquet.write_table(rows, temporary, compression="zstd")
    except OSError as error:
        raise not_written(part, error) from error


def read_part(part: Path, columns: Sequence[str] | None = None) -> Any:
    """Return a file, or some of its columns, as a table of Arrow.

    Raises
    ------
    PypluginError
        It is damaged.
    """
    pa = schema.arrow()
    try:
        with part.open("rb") as file:
            return pa.parquet.read_table(file, columns=None if columns is None else list(columns))
    except (OSError, pa.ArrowException) as error:
        raise PypluginError(
            f"'{part}' is damaged ({error}); remove it, and build again: its recordings are redone."
        ) from error


def paths_of(rows: Any) -> list[str]:
    """Return the paths of rows with ``path`` and ``path_bytes``, as the system has them."""
    return [
        path if data is None else os.fsdecode(data)
        for path, data in zip(rows["path"].to_pylist(), rows["path_bytes"].to_pylist(), strict=True)
    ]


def rows_of(table: Any) -> Iterator[tuple[Any, ...]]:
    """Yield rows with the real path first; times are numbers."""
    pa = schema.arrow()
    columns = []
    for name in table.column_names:
        column = table[name]
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.int64())
        columns.append(column.to_pylist())
    columns[0] = paths_of(table)
    return zip(*columns, strict=True)
