"""A catalogue, or what a condition selects of it, as files for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin.catalogue.query import PLAIN, Database
from pyplugin.catalogue.schema import STATISTICS
from pyplugin.catalogue.setup import PRESENT
from pyplugin.catalogue.store import Catalogue, read_windows
from pyplugin.errors import PypluginError
from pyplugin.outputs.export import write_labels
from pyplugin.support.cells import csv_row, encoded, guarded
from pyplugin.support.files import replacing
from pyplugin.support.results import TagResult


def export_csv(
    database: Database, out: Path, descriptors: Sequence[str], condition: str | None
) -> int:
    """Write a row for each recording, with all columns but the embedding; return their number.

    Raises
    ------
    PypluginError
        The condition is wrong, or the file cannot be written.
    """
    columns = [*PLAIN[1:], *(f"{name}.{each}" for name in descriptors for each in STATISTICS)]
    found = database.query(condition, columns=columns)
    with replacing(out) as partial, partial.open("wb") as stream:
        stream.write(encoded(csv_row(map(guarded, found.columns))))
        for row in found.rows:
            stream.write(encoded(csv_row(_cell(value) for value in row)))
    return len(found.rows)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else guarded(str(value))


def export_m3u(database: Database, out: Path, condition: str | None, sort: str | None) -> int:
    """Write a playlist of the recordings; return their number.

    Raises
    ------
    PypluginError
        The condition is wrong, or the file cannot be written.
    """
    found = database.query(condition, columns=["duration"], sort=sort)
    with replacing(out) as partial, partial.open("wb") as stream:
        stream.write(b"#EXTM3U\n")
        for path, duration in found.rows:
            title = " ".join(Path(path).stem.split())
            stream.write(encoded(f"#EXTINF:{round(duration)},{title}\n{path}\n"))
    return len(found.rows)


def export_jams(store: Catalogue, database: Database, folder: Path, condition: str | None) -> int:
    """Write a .jams file for each recording: where each label is present; return their number.

    With windows in the catalogue these are spans, without them one that lasts for all of the
    recording.

    Raises
    ------
    PypluginError
        The condition is wrong, jams is not installed, or the folder cannot be written.
    """
    descriptors = store.identity["descriptors"]
    columns = ["duration", *(f"{name}.mean" for name in descriptors)]
    found = database.query(condition, columns=columns)
    windows = read_windows(store) if store.identity["windows"] else {}
    names: set[str] = set()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PypluginError(f"The folder '{folder}' cannot be made: {error.strerror}.") from error
    for path, duration, *means in found.rows:
        starts, ends, values = windows.get(
            path, (np.zeros(1), np.array([duration]), np.array([means], np.float32))
        )
        result = TagResult(
            model=" ".join(each["name"] for each in store.identity["models"]),
            labels=list(descriptors),
            times=starts,
            window=float(ends[0] - starts[0]),
            hop=float(store.identity["hop"]),
            activations=values,
            embeddings=None,
            duration=duration,
        )
        name = _free(Path(path).stem, names)
        write_labels(folder / f"{name}.jams", result, threshold=PRESENT, title=Path(path).name)
    return len(found.rows)


def _free(stem: str, names: set[str]) -> str:
    """Return a name that no other recording has."""
    name, number = stem, 2
    while name in names:
        name, number = f"{stem}-{number}", number + 1
    names.add(name)
    return name
