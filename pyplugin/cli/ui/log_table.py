"""Rows of a log as a table, as CSV or as lines of JSON."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable
from typing import Any

from pyplugin.cli.ui.terminal import echo
from pyplugin.support.cells import guarded
from pyplugin.support.printable import printable


def print_rows(
    rows: Iterable[dict[str, Any]],
    columns: dict[str, Callable[[dict[str, Any]], str]],
    *,
    as_json: bool,
    as_csv: bool,
) -> None:
    """Print rows as JSON, CSV or a table."""
    if as_json:
        for row in rows:
            echo(json.dumps(row, ensure_ascii=False))
        return
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow([guarded(cell(row)) for cell in columns.values()])
        return
    texts = [[printable(cell(row)) for cell in columns.values()] for row in rows]
    widths = [max(map(len, each)) for each in zip(columns, *texts, strict=True)]
    for line in [list(columns), *texts] if texts else []:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        echo("  ".join(padded).rstrip())


def number(value: float | None) -> str:
    """Return a number with one digit behind the point; nothing for ``None``."""
    return "" if value is None else f"{value:.1f}"


def lasted(row: dict[str, Any]) -> str:
    """Return how long a row with ``start`` and ``end`` lasted."""
    from pyplugin.monitor.times import format_duration

    return format_duration(round((row["end"] - row["start"]) / 1000))


def clock(utc_ms: int) -> str:
    """Return a time in milliseconds of UTC as local date and time."""
    from pyplugin.monitor.times import local

    return local(utc_ms).strftime("%Y-%m-%d %H:%M:%S")
