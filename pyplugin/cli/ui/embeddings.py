"""Files with embeddings: one array, or one for each layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import IO, Any

import numpy as np

from pyplugin.support.arrays import Float32


def layer_suffixes(layers: Sequence[str]) -> tuple[str, ...]:
    """Return the suffixes of files that can have that many layers.

    Examples
    --------
    >>> layer_suffixes([]), layer_suffixes(["a", "b"])
    (('.npy', '.npz'), ('.npz',))
    """
    return (".npy", ".npz") if len(layers) < 2 else (".npz",)


def save_embeddings(
    stream: IO[bytes], suffix: str, rows: Float32, layers: Mapping[str, Float32]
) -> None:
    """Write a ``.npy`` file with the rows, or a ``.npz`` file with an array for each layer.

    Parameters
    ----------
    stream
        Open for writing.
    suffix
        ``".npy"`` or ``".npz"``.
    rows
        (n, E).
    layers
        By name; none: the rows are called ``embedding``.
    """
    if suffix == ".npy":
        np.save(stream, rows)
    else:
        arrays: dict[str, Any] = dict(layers) or {"embedding": rows}
        np.savez(stream, **arrays)
