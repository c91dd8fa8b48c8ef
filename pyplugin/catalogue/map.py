"""A picture of a collection: one page that needs nothing else, with names, zoom and playback."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

import numpy as np

from pyplugin.catalogue.locations import is_remote
from pyplugin.catalogue.query import Database
from pyplugin.catalogue.similar import check_embeddings, embeddings, map_positions
from pyplugin.catalogue.store import Catalogue
from pyplugin.support.cells import encoded, readable
from pyplugin.support.descriptors import kind_of, short_name
from pyplugin.support.files import replacing

METHODS = ("pca", "tsne")
"""Ways to place recordings in the plane."""

_LABELS = 30  # that colours and names show; more would fill the page


def write_map(store: Catalogue, out: Path, *, method: str = "pca") -> int:
    """Write a page with a point for each recording; return their number.

    Parameters
    ----------
    store
        A catalogue with embeddings.
    out
        The page, ``.html``. It plays recordings from where they are.
    method
        One of :data:`METHODS`.

    Raises
    ------
    PypluginError
        The catalogue has no embeddings, scikit-learn is missing, or the page cannot be written.
    """
    check_embeddings(store)
    paths, rows = embeddings(store)
    places = map_positions(rows, method)
    descriptors = store.identity["descriptors"]
    with Database(store) as database:
        found = database.query(columns=[f"{name}.mean" for name in descriptors])
    means = {path: values for path, *values in found.rows}
    table = np.array([means[path] for path in paths], np.float32).reshape(len(paths), -1)
    spread = table.std(axis=0) if len(paths) else np.zeros(0)
    chosen = np.argsort(-spread, kind="stable")[:_LABELS]
    data = {
        "names": [readable(Path(path).name) for path in paths],
        "addresses": [_address(path) for path in paths],
        "x": [round(float(x), 4) for x in places[:, 0]],
        "y": [round(float(y), 4) for y in places[:, 1]],
        "labels": [_shown(descriptors[index]) for index in chosen],
        "values": [[round(float(v), 3) for v in table[:, index]] for index in chosen],
    }
    page = files("pyplugin.catalogue").joinpath("map.html").read_text(encoding="utf-8")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    with replacing(out) as partial:
        partial.write_bytes(encoded(page.replace("@DATA@", text)))
    return len(paths)


def _address(path: str) -> str:
    r"""Return the address at which a browser finds a recording.

    Examples
    --------
    >>> _address("/music/caf\udce9 #1.mp3"), _address("https://radio.example/a.mp3")
    ('file:///music/caf%E9%20%231.mp3', 'https://radio.example/a.mp3')
    """
    return path if is_remote(path) else "file://" + quote(encoded(path))


def _shown(descriptor: str) -> str:
    """Return a descriptor without its kind."""
    short = short_name(descriptor) if kind_of(descriptor) == "tag" else descriptor
    return short.partition(".")[2]
