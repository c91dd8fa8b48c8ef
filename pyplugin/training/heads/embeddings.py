"""What a model makes of each clip, kept for the next time.

``embed``
    The embeddings of one recording, a row a window.
``embed_all``
    Those of many, from the cache where it has them, with what could not be read.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import platformdirs

from pyplugin._native import VERSION
from pyplugin.errors import AudioError, PypluginError
from pyplugin.models.registry import Model
from pyplugin.support.files import replacing
from pyplugin.tagging import tag
from pyplugin.training.heads.dataset import file_hash

__all__ = ["Embedded", "embed", "embed_all"]

Float32 = npt.NDArray[np.float32]

UNREADABLE_LIMIT = 0.25
"""Share of clips that may be unreadable; with more, something is wrong with all of them."""


@dataclass(frozen=True)
class Embedded:
    """Embeddings of clips.

    Attributes
    ----------
    windows : list of numpy.ndarray or None
        (n, E) float32 for each clip, ``None`` where it cannot be used.
    skipped : list of str
        A sentence for each of those.
    """

    windows: list[Float32 | None]
    skipped: list[str]


def embed(path: Path, model: Model, output: str, *, hop: float | None = None) -> Float32:
    """Return the embeddings of a recording, (n, E) float32: a row a window, from the cache or new.

    Raises
    ------
    AudioError
        The recording cannot be read, or samples or embeddings are not finite.
    """
    digest = file_hash(path)
    key = f"{digest} {model.card.sha256} {output} {hop} {VERSION}"
    name = hashlib.sha256(key.encode()).hexdigest()
    cached = Path(platformdirs.user_cache_dir("pyplugin", appauthor=False)) / "embeddings"
    kept = cached / name[:2] / f"{name}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        found = np.load(kept, allow_pickle=False)
        if found.dtype == np.float32 and found.ndim == 2 and len(found):
            return np.asarray(found)
    result = tag(path, model=model, embedding=output, hop=hop)
    embeddings = result.embeddings
    assert embeddings is not None
    if result.replaced:
        raise AudioError(f"{path}: {result.replaced} of its samples are NaN or infinite")
    if not np.isfinite(embeddings).all():
        raise AudioError(f"{path}: its embedding has values that are NaN or infinite.")
    with contextlib.suppress(OSError, PypluginError):  # a full or read-only disk: no cache
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as partial, partial.open("wb") as stream:
            np.save(stream, embeddings)
    return embeddings


def embed_all(
    paths: Sequence[Path],
    model: Model,
    output: str,
    *,
    jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> Embedded:
    """Return the embeddings of recordings; those that cannot be read are listed.

    Parameters
    ----------
    progress
        Called with how many are done, and of how many.

    Raises
    ------
    PypluginError
        More than a quarter cannot be read.
    """

    def one(path: Path) -> Float32 | PypluginError:
        try:
            return embed(path, model, output)
        except AudioError as error:
            return error

    windows: list[Float32 | None] = []
    skipped: list[str] = []
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for path, result in zip(paths, pool.map(one, paths), strict=True):
                if isinstance(result, PypluginError):
                    said = str(result)
                    skipped.append(said if str(path) in said else f"{path}: {said}")
                windows.append(None if isinstance(result, PypluginError) else result)
                if progress is not None:
                    progress(len(windows), len(paths))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if len(skipped) > UNREADABLE_LIMIT * len(paths):
        raise PypluginError(
            f"{len(skipped)} of {len(paths)} clips cannot be used, too many to go on; the first: "
            f"{skipped[0]}"
        )
    return Embedded(windows, skipped)
