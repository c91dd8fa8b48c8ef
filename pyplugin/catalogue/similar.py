"""Recordings that are like another, by the mean embedding that a catalogue keeps of each.

Up to :data:`EXACT` of them are compared with all others. For more there is an index, an HNSW graph
of the package usearch, which has wheels for every Python, is read from the disk in place and takes
new rows: it is kept beside the tables, and brought up to date when it is used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin.catalogue.parts import paths_of, read_part
from pyplugin.catalogue.store import Catalogue
from pyplugin.errors import PypluginError
from pyplugin.support.arrays import Float32, Int64
from pyplugin.support.documents import DocumentError, parse_json
from pyplugin.support.files import replacing, write_file
from pyplugin.support.optional import need

EXACT = 50_000
"""Recordings up to which all of them are compared."""

CONNECTIVITY, EXPANSION_ADD, EXPANSION_SEARCH = 16, 128, 256
"""Of the graph: neighbours of a node, and candidates while adding and searching."""

_FEW = 1000  # points that one thread places sooner than several
_INDEX, _CONTENT = "similar.usearch", "similar.json"
_ROWS = 32  # bits of a key that are the row of a part


@dataclass(frozen=True)
class Likeness:
    """A recording that is like another.

    Attributes
    ----------
    path
        Its path.
    similarity
        Cosine of the angle between the embeddings, 1 for equal ones.
    """

    path: str
    similarity: float


def similar(store: Catalogue, embedding: Float32, k: int = 10) -> list[Likeness]:
    """Return the recordings whose embeddings have the smallest angle to one, the nearest first.

    Parameters
    ----------
    store
        A catalogue with embeddings.
    embedding
        (E,) float32.
    k
        How many, at most.

    Raises
    ------
    PypluginError
        The catalogue has no embeddings, or usearch is needed and not installed.

    See Also
    --------
    embedding_of : that of a recording in the catalogue.
    """
    check_embeddings(store)
    wanted = unit(embedding[np.newaxis])[0]
    if store.count("recordings") <= EXACT:
        paths, rows = embeddings(store)
        values = unit(rows) @ wanted
        best = np.argsort(-values, kind="stable")[:k]
        return [Likeness(paths[index], float(values[index])) for index in best]
    index = Index(store)
    found = []
    for key, value in index.search(wanted, k):
        path = index.path_of(key)
        if path is not None:
            found.append(Likeness(path, value))
    return found


def check_embeddings(store: Catalogue) -> None:
    """Raise unless a catalogue has embeddings."""
    if not store.identity["embedding_size"]:
        raise PypluginError(
            f"'{store.folder}' has no embeddings; build it anew with --embeddings, into another "
            "folder."
        )


def embeddings(store: Catalogue) -> tuple[list[str], Float32]:
    """Return the paths of the recordings that are there, and their embeddings, (n, E)."""
    paths: list[str] = []
    parts: list[Float32] = [np.zeros((0, store.identity["embedding_size"]), np.float32)]
    for part in store.parts("recordings"):
        names, rows, _ = _of_part(store, part)
        paths += names
        parts.append(rows)
    return paths, np.concatenate(parts)


def embedding_of(store: Catalogue, path: str) -> Float32 | None:
    """Return the embedding of a recording, (E,); ``None`` if the catalogue does not have it."""
    for part in store.parts("recordings"):
        names, rows, _ = _of_part(store, part)
        if path in names:
            found: Float32 = rows[names.index(path)]
            return found
    return None


def _of_part(store: Catalogue, part: Path) -> tuple[list[str], Float32, Int64]:
    """Return paths, embeddings and row numbers of what is there in a part."""
    rows = read_part(part, ["path", "path_bytes", "vanished", "embedding"])
    flat = rows["embedding"].combine_chunks().flatten().to_numpy()
    there = np.flatnonzero(rows["vanished"].is_null().to_numpy())
    names = paths_of(rows)
    values = flat.reshape(len(rows), store.identity["embedding_size"])[there]
    return [names[index] for index in there], values.astype(np.float32), there.astype(np.int64)


def unit(rows: Float32) -> Float32:
    """Return rows, (n, E), at a length of 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def new_index(size: int) -> Any:
    """Return an empty index of usearch for embeddings of this many values."""
    usearch = need(
        "usearch.index", package="usearch", extra="catalogue", purpose="An index of embeddings"
    )
    return usearch.Index(
        ndim=size,
        metric="cos",
        dtype="f16",
        connectivity=CONNECTIVITY,
        expansion_add=EXPANSION_ADD,
        expansion_search=EXPANSION_SEARCH,
    )


class Index:
    """The graph of a catalogue, brought up to date.

    Parts that are new are added; if one that is in it was changed or removed, it is made anew.

    Parameters
    ----------
    store
        A catalogue with embeddings.
    """

    def __init__(self, store: Catalogue) -> None:
        self._store = store
        self._made = new_index(store.identity["embedding_size"])
        now = {part.name: _state(part) for part in store.parts("recordings")}
        there = self._read()
        if there and all(now.get(name) == state for name, state in there.items()):
            self._made.load(os.fspath(store.folder / _INDEX))
        else:
            there = {}
        missing = [name for name in now if name not in there]
        for name in missing:
            self._add(store.folder / "recordings" / name)
        if missing:
            self._write(now)

    def search(self, embedding: Float32, k: int) -> Iterator[tuple[int, float]]:
        """Yield keys and similarities of the nearest rows, (E,) given, the nearest first."""
        found = self._made.search(embedding, k)
        for key, distance in zip(found.keys, found.distances, strict=True):
            yield int(key), 1.0 - float(distance)

    def path_of(self, key: int) -> str | None:
        """Return the path of a row, ``None`` of a part that is no longer there."""
        part = self._store.folder / "recordings" / f"part-{key >> _ROWS:08d}.parquet"
        if not part.exists():
            return None
        rows = read_part(part, ["path", "path_bytes"])
        return paths_of(rows.slice(key & ((1 << _ROWS) - 1), 1))[0]

    def _add(self, part: Path) -> None:
        _, rows, numbers = _of_part(self._store, part)
        keys = (np.uint64(int(part.stem[5:])) << np.uint64(_ROWS)) | numbers.astype(np.uint64)
        if len(keys):
            self._made.add(keys, unit(rows))

    def _read(self) -> dict[str, Any]:
        try:
            content = parse_json((self._store.folder / _CONTENT).read_text(encoding="utf-8"))
            return dict(content["parts"]) if (self._store.folder / _INDEX).exists() else {}
        except (OSError, ValueError, DocumentError, KeyError, TypeError):
            return {}

    def _write(self, parts: Mapping[str, Any]) -> None:
        folder = self._store.folder
        (folder / _CONTENT).unlink(missing_ok=True)  # until both are there, there is none
        with replacing(folder / _INDEX) as temporary:
            self._made.save(os.fspath(temporary))
        write_file(folder / _CONTENT, json.dumps({"parts": parts}).encode())


def _state(part: Path) -> list[int]:
    status = part.stat()
    return [status.st_size, status.st_mtime_ns]


def map_positions(rows: Float32, method: str) -> Float32:
    """Return a place in the plane for each embedding, so that similar ones are near each other.

    Parameters
    ----------
    rows
        (n, E) float32.
    method
        ``"pca"``: the two directions of most variance. ``"tsne"``: neighbourhoods, by t-SNE; it
        takes minutes for some ten thousand.

    Returns
    -------
    numpy.ndarray
        (n, 2) float32, each column from 0 to 1.

    Examples
    --------
    >>> map_positions(np.float32([[0, 1], [1, 0], [1, 1]]), "pca").shape
    (3, 2)
    """
    directions = unit(rows)
    if len(rows) < 3:
        placed = np.stack([np.arange(len(rows)), np.zeros(len(rows))], axis=1)
    elif method == "pca":
        placed = _sklearn("decomposition").PCA(2, random_state=0).fit_transform(directions)
    else:
        near = min(30.0, (len(rows) - 1) / 3)
        made = _sklearn("manifold").TSNE(2, perplexity=near, init="pca", random_state=0)
        limit = need("threadpoolctl", package="threadpoolctl", extra="catalogue", purpose="A map")
        with limit.threadpool_limits(1 if len(rows) < _FEW else None):
            placed = made.fit_transform(directions)
    low, high = placed.min(axis=0, initial=np.inf), placed.max(axis=0, initial=-np.inf)
    return np.asarray((placed - low) / np.maximum(high - low, 1e-9), np.float32)


def _sklearn(module: str) -> Any:
    return need(f"sklearn.{module}", package="scikit-learn", extra="catalogue", purpose="A map")
