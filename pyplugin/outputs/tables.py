"""The activations of recordings as CSV, written as they come, and continued after an end."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.support.cells import csv_row, encoded, guarded
from pyplugin.support.closing import Closing
from pyplugin.support.files import PartFile, lock, not_written
from pyplugin.support.special import is_special, open_special, write_all

if TYPE_CHECKING:
    from pyplugin.support.results import TagResult

IsWhole = Callable[[str, float, float], bool]
"""Returns whether a recording's rows are all there, from its name, and first and last start."""


def tag_columns(
    labels: Iterable[str], heads: Iterable[tuple[str, Iterable[str]]] = ()
) -> list[str]:
    """Return the header: file, start, end, the labels, and the labels of heads by their names.

    Examples
    --------
    >>> tag_columns(["speech", "=music"], [("mood", ["happy"])])
    ['file', 'start', 'end', 'speech', "'=music", 'head.mood.happy']
    """
    of_heads = (f"head.{name}.{label}" for name, each in heads for label in each)
    return ["file", "start", "end", *map(guarded, [*labels, *of_heads])]


class TagTable(Closing):
    """A CSV file with a row for each window, which has the rows of each recording at once.

    A regular file that exists is kept until the first recording is done. Then a new one with these
    rows takes its place, mode and owner, and grows: at any time the file has the rows of the
    recordings that are done. Devices, FIFOs and ``-`` receive the rows as they come.

    Parameters
    ----------
    path
        Where to.
    columns
        What :func:`tag_columns` returns.
    resume
        Continue a file that exists instead. The last recording in it counts as incomplete if
        `is_whole` does not know better; its rows are replaced when it is done again.
    files
        Names of the recordings to come; only rows of these are replaced.
    is_whole
        Decides on the last recording in the file.

    Attributes
    ----------
    done : set of str
        The recordings of `files` whose rows are complete.

    Raises
    ------
    PypluginError
        The file cannot be written, is not a regular one to resume, or has other columns.
    """

    def __init__(
        self,
        path: Path,
        columns: Sequence[str],
        *,
        resume: bool = False,
        files: Sequence[str] = (),
        is_whole: IsWhole | None = None,
    ) -> None:
        self._path, self._columns = path, list(columns)
        self._stream: BinaryIO | None = None
        self._special = is_special(path)
        self._end = 0  # where complete rows end
        self.done: set[str] = set()
        if resume and self._special:
            raise PypluginError(f"{path} is not a file that can be resumed; name a regular one.")
        try:
            if self._special:
                self._stream = open_special(path)
                write_all(self._stream, encoded(csv_row(self._columns)))
            elif resume and path.exists():
                self._resume(files, is_whole)
        except OSError as error:
            raise not_written(path, error) from error

    def write(self, name: str, result: TagResult) -> None:
        """Write the rows of a recording, all or none.

        Raises
        ------
        PypluginError
            There is no space left, for example.
        """
        data = b"".join(_rows(name, result))
        try:
            if self._special:
                assert self._stream is not None
                write_all(self._stream, data)
            elif self._stream is None:
                self._begin(encoded(csv_row(self._columns)) + data)
            else:
                self._append(data if self._end else encoded(csv_row(self._columns)) + data)
        except OSError as error:
            raise not_written(self._path, error) from error

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        if self._stream is not None:
            self._stream.close()

    def _begin(self, data: bytes) -> None:
        part = PartFile(self._path)
        try:
            write_all(part.stream, data)
            part.publish()
        except BaseException:
            part.discard()
            raise
        self._stream, self._end = part.stream, len(data)

    def _append(self, data: bytes) -> None:
        """Append to the complete rows, and leave only these if that fails."""
        assert self._stream is not None
        self._stream.truncate(self._end)
        self._stream.seek(self._end)
        try:
            write_all(self._stream, data)
            os.fsync(self._stream.fileno())
        except BaseException:
            self._stream.truncate(self._end)
            raise
        self._end += len(data)

    def _resume(self, files: Sequence[str], is_whole: IsWhole | None) -> None:
        # Closed with the table, or here.
        stream = os.fdopen(os.open(self._path, os.O_RDWR), "r+b", buffering=0)
        try:
            if not lock(stream):
                raise PypluginError(f"{self._path} is being written by another process; wait.")
            blocks = self._blocks(stream)
            wanted = {guarded(_text(name)): name for name in files}
            if blocks and not blocks[-1].starts:  # cut off, perhaps within the name
                self._end = blocks.pop().begin
            if blocks:
                last = blocks[-1]
                name = wanted.get(last.name)
                whole = not last.torn
                if whole and name is not None:
                    whole = is_whole is not None and is_whole(name, *last.span)
                if not whole:
                    self._end = blocks.pop().begin
            self.done = {wanted[block.name] for block in blocks if block.name in wanted}
        except BaseException:
            stream.close()
            raise
        self._stream = stream

    def _blocks(self, stream: BinaryIO) -> list[_Block]:
        """Return the recordings in the file, and set where their rows end."""
        records = _records(stream)
        header, _, at = next(records, ([], 0, 0))
        whole = encoded(csv_row(self._columns))
        if header != self._columns:
            stream.seek(0)
            if whole.startswith(stream.read(len(whole) + 1)):  # empty, or ended in its header
                return []
            raise PypluginError(
                f"{self._path} has other columns, of another model or other heads; give the same "
                "--model and --head, or write another file."
            )
        self._end = at
        blocks: list[_Block] = []
        for row, begin, end in records:
            if not blocks or (row and row[0] != blocks[-1].name):
                blocks.append(_Block(row[0] if row else "", begin))
            try:
                start = float(row[1]) if len(row) == len(self._columns) and end else None
            except ValueError:
                start = None
            if start is None:
                if next(records, None) is not None:
                    raise PypluginError(
                        f"{self._path} is damaged after byte {begin}; write another file."
                    )
                blocks[-1].torn = True
                break
            blocks[-1].starts.append(start)
            self._end = end
        return blocks


@dataclass
class _Block:
    """The rows of a recording: its cell, the byte they begin at, their starts."""

    name: str
    begin: int
    starts: list[float] = field(default_factory=list)
    torn: bool = False

    @property
    def span(self) -> tuple[float, float]:
        return self.starts[0], self.starts[-1]


def _records(stream: BinaryIO) -> Iterator[tuple[list[str], int, int]]:
    """Yield rows with the bytes they begin and end at; the end of one that is cut off is 0."""
    at = ended = 0

    def lines() -> Iterator[str]:
        nonlocal at, ended
        with os.fdopen(os.dup(stream.fileno()), "rb") as file:
            file.seek(0)
            for line in file:
                at += len(line)
                ended = at if line.endswith(b"\n") else 0
                yield line.decode("utf-8", "surrogateescape")

    begin = 0
    reader = csv.reader(lines(), strict=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row, ended = [], 0
        yield row, begin, ended
        begin = at


def _text(name: str) -> str:
    return encoded(name).decode("utf-8", "surrogateescape")


def _rows(name: str, result: TagResult) -> Iterator[bytes]:
    parts = [result.activations, *(each.activations for each in result.heads.values())]
    for start, row in zip(result.times, np.hstack(parts), strict=True):
        times = [f"{start:.3f}", f"{start + result.window:.3f}"]
        cells = [guarded(name), *times, *(f"{value:.6f}" for value in row)]
        yield encoded(csv_row(cells))
