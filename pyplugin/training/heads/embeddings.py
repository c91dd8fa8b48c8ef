"""The embeddings of clips, and their cache.

``embed``
    The embeddings of one recording, one row for each window.
``embed_all``
    Those of many recordings, and the list of those that cannot be read.
"""

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs

from pyplugin._native import VERSION
from pyplugin.errors import AudioError, PypluginError
from pyplugin.models.registry import Model
from pyplugin.support.arrays import Float32
from pyplugin.support.files import replacing
from pyplugin.tagging import tag
from pyplugin.training.dataset import file_hash
from pyplugin.training.heads.onsets import SHARES, embed_onsets, has_onsets

UNREADABLE_LIMIT = 0.25
"""Largest share of unreadable clips; above it the work stops with an error."""


@dataclass(frozen=True)
class ClipEmbeddings:
    """Embeddings of clips.

    Attributes
    ----------
    windows : list of numpy.ndarray or None
        (n, E) float32 for each clip, ``None`` if it cannot be used.
    skipped : list of str
        A sentence for each clip that cannot be used.
    onsets : list of numpy.ndarray or None
        (m, E) float32 for each clip, of windows that begin with silence; (0, E) if the clip cannot
        be used. ``None`` if they were not asked for, or the model does not take such windows.
    """

    windows: list[Float32 | None]
    skipped: list[str]
    onsets: list[Float32] | None


def embed(path: Path, model: Model, output: str, *, hop: float | None = None) -> Float32:
    """Return the embeddings of a recording, (n, E) float32, one row for each window.

    Raises
    ------
    AudioError
        The recording cannot be read, or samples or embeddings are not finite.
    """

    def computed() -> Float32:
        return _windows(path, model, output, hop)

    return _cached(path, f"{model.card.sha256} {output} {hop}", computed)


def _windows(path: Path, model: Model, output: str, hop: float | None) -> Float32:
    result = tag(path, model=model, embedding=output, hop=hop)
    embeddings = result.embeddings
    assert embeddings is not None
    if result.replaced:
        raise AudioError(f"{path}: {result.replaced} of its samples are non-finite (NaN, Inf)")
    if not np.isfinite(embeddings).all():
        raise AudioError(f"{path}: its embedding has non-finite values (NaN, Inf).")
    return embeddings


def _cached(path: Path, what: str, compute: Callable[[], Float32]) -> Float32:
    """Return what was computed from a recording before, or compute and store it."""
    name = hashlib.sha256(f"{file_hash(path)} {what} {VERSION}".encode()).hexdigest()
    cached = Path(platformdirs.user_cache_dir("pyplugin", appauthor=False)) / "embeddings"
    kept = cached / name[:2] / f"{name}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        found = np.load(kept, allow_pickle=False)
        if found.dtype == np.float32 and found.ndim == 2 and len(found):
            return np.asarray(found)
    embeddings = compute()
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
    onsets: bool = False,
    jobs: int = 1,
    progress: Callable[[int, int], object] | None = None,
) -> ClipEmbeddings:
    """Return the embeddings of recordings, and a list of those that cannot be used.

    Parameters
    ----------
    onsets
        Also return those of windows that begin with silence, if the model takes such windows.
    progress
        Called with the number of finished recordings and the total.

    Raises
    ------
    PypluginError
        More than a quarter cannot be read.
    """
    begins = onsets and has_onsets(model, output)

    def one(path: Path) -> tuple[Float32, Float32] | PypluginError:
        try:
            found = embed(path, model, output)
            if not begins:
                return found, found[:0]
            what = f"{model.card.sha256} {output} onsets {SHARES}"
            return found, _cached(path, what, lambda: embed_onsets(path, model, output))
        except AudioError as error:
            return error

    windows: list[Float32 | None] = []
    begun: list[Float32] = []
    skipped: list[str] = []
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for path, result in zip(paths, pool.map(one, paths), strict=True):
                if isinstance(result, PypluginError):
                    message = str(result)
                    skipped.append(message if str(path) in message else f"{path}: {message}")
                    windows.append(None)
                    begun.append(np.zeros((0, model.card.output_named(output).size), np.float32))
                else:
                    windows.append(result[0])
                    begun.append(result[1])
                if progress is not None:
                    progress(len(windows), len(paths))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if len(skipped) > UNREADABLE_LIMIT * len(paths):
        raise PypluginError(
            f"{len(skipped)} of {len(paths)} clips cannot be used, too many to continue; the "
            f"first: {skipped[0]}"
        )
    return ClipEmbeddings(windows, skipped, begun if begins else None)
