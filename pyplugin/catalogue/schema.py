"""The columns of a catalogue's Parquet files, and rows as tables of Arrow.

The schema has a version, which is in every file's metadata under ``tagnode.schema``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pyplugin.catalogue.records import Outcome, Problem, RecordingAnalysis
from pyplugin.support.cells import readable
from pyplugin.support.optional import need

VERSION = 1
"""Of the schema: a catalogue of another one is refused."""

STATISTICS = ("mean", "max", "share")
"""What is kept of each descriptor over the windows of a recording."""


def arrow() -> Any:
    """Return pyarrow, with its Parquet module loaded."""
    for module in ("pyarrow.parquet", "pyarrow"):
        loaded = need(module, package="pyarrow", extra="catalogue", purpose="A catalogue")
    return loaded


def recordings_schema(identity: Mapping[str, Any]) -> Any:
    """Return the schema of the table of recordings."""
    pa = arrow()
    single, moment = pa.float32(), pa.timestamp("us", tz="UTC")
    fields = [
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("other_paths", pa.list_(pa.string())),
        ("size", pa.int64()),
        ("mtime", moment),
        ("content", pa.string()),
        ("duration", pa.float64()),
        ("sample_rate", pa.int32()),
        ("channels", pa.int32()),
        ("loudness", single),
        ("true_peak", single),
        ("tempo", single),
        ("tempo_confidence", single),
        ("notes", pa.string()),
        ("analysed", moment),
        ("vanished", moment),
        *((f"{name}.{each}", single) for name in identity["descriptors"] for each in STATISTICS),
    ]
    if identity["embedding_size"]:
        fields.append(("embedding", pa.list_(single)))
    return pa.schema(fields, metadata=_metadata(identity))


def errors_schema(identity: Mapping[str, Any]) -> Any:
    """Return the schema of the table of errors."""
    pa = arrow()
    moment = pa.timestamp("us", tz="UTC")
    fields = [
        ("path", pa.string()),
        ("path_bytes", pa.binary()),
        ("size", pa.int64()),
        ("mtime", moment),
        ("kind", pa.string()),
        ("message", pa.string()),
        ("seen", moment),
    ]
    return pa.schema(fields, metadata=_metadata(identity))


def windows_schema(identity: Mapping[str, Any]) -> Any:
    """Return the schema of the table of windows."""
    pa = arrow()
    fields = [("path", pa.string()), ("path_bytes", pa.binary())]
    fields += [("start", pa.float64()), ("end", pa.float64())]
    fields += [(name, pa.float32()) for name in identity["descriptors"]]
    return pa.schema(fields, metadata=_metadata(identity))


def _metadata(identity: Mapping[str, Any]) -> dict[str, str]:
    return {"tagnode.schema": str(VERSION), "tagnode.setup": json.dumps(identity)}


def recordings_table(identity: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Any:
    """Return the rows of recordings that were analysed."""
    pa = arrow()
    schema = recordings_schema(identity)
    now = round(time.time() * 1e6)
    done = [
        (each.found, each.result) for each in outcomes if isinstance(each.result, RecordingAnalysis)
    ]
    columns: dict[str, Any] = {
        "path": [readable(found.path) for found, _ in done],
        "path_bytes": [found.path_bytes for found, _ in done],
        "other_paths": [[readable(each) for each in found.others] for found, _ in done],
        "size": [found.size for found, _ in done],
        "mtime": [found.mtime for found, _ in done],
        "content": [result.content for _, result in done],
        "notes": [readable("\n".join(result.notes)) or None for _, result in done],
        "analysed": [now] * len(done),
        "vanished": [None] * len(done),
    }
    for name in ("duration", "sample_rate", "channels", "loudness", "true_peak"):
        columns[name] = [getattr(result, name) for _, result in done]
    for name in ("tempo", "tempo_confidence"):  # none without a beat
        columns[name] = [getattr(result, name) or None for _, result in done]
    for each in STATISTICS:
        values = np.array([getattr(result, each) for _, result in done], np.float32)
        for index, name in enumerate(identity["descriptors"]):
            columns[f"{name}.{each}"] = values[:, index]
    if identity["embedding_size"]:
        rows = np.array([result.embedding for _, result in done], np.float32)
        offsets = np.arange(len(rows) + 1, dtype=np.int32) * identity["embedding_size"]
        columns["embedding"] = pa.ListArray.from_arrays(offsets, rows.reshape(-1))
    arrays = [pa.array(columns[field.name], field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def errors_table(identity: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Any:
    """Return the rows of recordings that could not be analysed."""
    now = round(time.time() * 1e6)
    failed = [(each.found, each.result) for each in outcomes if isinstance(each.result, Problem)]
    columns = {
        "path": [readable(found.path) for found, _ in failed],
        "path_bytes": [found.path_bytes for found, _ in failed],
        "size": [found.size for found, _ in failed],
        "mtime": [found.mtime for found, _ in failed],
        "kind": [problem.kind for _, problem in failed],
        "message": [readable(problem.message) for _, problem in failed],
        "seen": [now] * len(failed),
    }
    return arrow().table(columns, schema=errors_schema(identity))


def windows_table(identity: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Any:
    """Return a row for each window of recordings that were analysed."""
    pa = arrow()
    schema = windows_schema(identity)
    parts = []
    for outcome in outcomes:
        result, found = outcome.result, outcome.found
        if (
            not isinstance(result, RecordingAnalysis)
            or result.windows is None
            or result.starts is None
        ):
            continue
        columns = {
            "path": [readable(found.path)] * len(result.starts),
            "path_bytes": [found.path_bytes] * len(result.starts),
            "start": result.starts,
            "end": result.starts + result.window,
        }
        columns |= dict(zip(identity["descriptors"], result.windows.T, strict=True))
        arrays = [pa.array(columns[field.name], field.type) for field in schema]
        parts.append(pa.Table.from_arrays(arrays, schema=schema))
    return pa.concat_tables(parts) if parts else schema.empty_table()
