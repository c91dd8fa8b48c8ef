"""HDF5 files, as Keras writes them, read by h5py in a process of its own.

The library behind h5py was not made for files that nobody has checked: damage can keep it busy
forever, or end the process.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pyplugin.errors import ModelError
from pyplugin.models.graphs.wire import MOST_VALUES
from pyplugin.support.apart import RefusedError, run_apart, serve
from pyplugin.support.arrays import Array
from pyplugin.support.optional import need

_SECONDS = 60.0
_MEMORY = 4 << 30
_TEXTS = "texts"


@dataclass(frozen=True)
class Hdf5:
    """What a file has.

    Attributes
    ----------
    arrays
        Those of floats, as float32, by their paths: ``dense/dense/kernel:0``.
    texts
        Attributes of the file.
    """

    arrays: dict[str, Array]
    texts: dict[str, str]


def read_hdf5(data: bytes) -> Hdf5:
    """Return what a file has.

    Raises
    ------
    ModelError
        It is damaged or has too much, or h5py is missing.
    """
    need("h5py", package="h5py", extra="import", purpose="A Keras file", error=ModelError)
    content: bytes = run_apart(
        "pyplugin.models.graphs.hdf5",
        {},
        {"file.h5": data},
        what="Reading the file",
        seconds=_SECONDS,
        memory=_MEMORY,
        result="arrays.npz",
        error=ModelError,
    )
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            arrays = {name[1:]: stored[name] for name in stored.files if name != _TEXTS}
            texts = json.loads(stored[_TEXTS].tobytes())
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(f"The file is damaged ({error}).") from error
    return Hdf5(arrays, texts)


def _work(job: Mapping[str, Any]) -> None:
    import h5py

    arrays: dict[str, Any] = {}
    count = 0

    def visit(path: str, item: Any) -> None:
        nonlocal count
        if isinstance(item, h5py.Dataset) and item.dtype.kind == "f":
            count += item.size
            if count > MOST_VALUES:
                raise RefusedError(f"The file has more than {MOST_VALUES >> 20} million values.")
            arrays[f"/{path}"] = np.asarray(item[()], np.float32)

    try:
        with h5py.File("file.h5", "r") as file:
            file.visititems(visit)
            texts = {
                str(key): value.decode() if isinstance(value, bytes) else str(value)
                for key, value in file.attrs.items()
                if isinstance(value, bytes | str)
            }
    except RefusedError:
        raise
    except Exception as error:  # of damage h5py raises anything
        raise RefusedError(f"The file is damaged or not HDF5 ({error}).") from error
    arrays[_TEXTS] = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    with Path("arrays.npz").open("wb") as made:
        np.savez(made, **arrays)


if __name__ == "__main__":
    serve(_work)
