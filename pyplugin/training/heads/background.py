"""Background embeddings: the default negative examples of `tagnode teach`, of all kinds of sound.

``load_background``
    Read those that come with pyplugin for a model.
``compute_background``, ``save_background``
    Compute those of a corpus, and write them.

Run this after a change of a model, on a corpus as described in `pyplugin.training.corpus`::

    python -m pyplugin.training.heads.background --corpus FOLDER [--model NAME ...]

It writes ``models/background/NAME.npz``: a window from the middle of up to three recordings of
each group in the split ``train``, 8 bits a value. No audio can be recovered from them.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.models.folders import shipped_folder
from pyplugin.support.arrays import Float32
from pyplugin.support.files import replacing
from pyplugin.tagging import tag
from pyplugin.training.corpus import CorpusClip, read_clips, read_samples

MODELS = ("musicnn-mtt", "scene")
_MOST_PER_GROUP = 3  # recordings
_SECONDS = 4  # of a recording, from its middle: longer than the window of any model


def load_background(model: registry.Model, output: str, folder: Path | None = None) -> Float32:
    """Return embeddings (n, E) of all kinds of sound.

    Parameters
    ----------
    model, output
        The embeddings must be those of this output of this model.
    folder
        Folder that contains them; ``None`` for those that come with pyplugin.

    Raises
    ------
    PypluginError
        There are none for this model and output, or they are for another version of it.
    """
    path = (folder or shipped_folder() / "background") / f"{model.name}.npz"
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            made_with, made_of = str(file["sha256"]), str(file["output"])
            rows = file["low"] + file["step"] * file["rows"].astype(np.float32)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise PypluginError(f"pyplugin has no background for {model.name}") from error
    if made_of != output:
        raise PypluginError(
            f"pyplugin's background for {model.name} is for its output {made_of}, not {output}"
        )
    if made_with != model.card.sha256:
        raise PypluginError(
            f"pyplugin's background for {model.name} was computed with another version of it"
        )
    return np.asarray(rows, np.float32)


def compute_background(corpus: Path, model: registry.Model) -> Float32:
    """Return the embeddings (n, E) of recordings of a corpus, one row each.

    Raises
    ------
    PypluginError
        The corpus cannot be read, or the model has no embedding of its own.
    """
    output = model.card.output_named(None).name
    seen: Counter[str] = Counter()
    rows = []
    for clip in read_clips(corpus, "train"):
        seen[clip.group] += 1
        if seen[clip.group] <= _MOST_PER_GROUP:
            rows.append(_middle_embedding(clip, model, output))
    return np.stack(rows)


def save_background(model: registry.Model, output: str, rows: Float32, path: Path) -> None:
    """Write embeddings (n, E) for `load_background`, each dimension in 255 steps of its range."""
    low = rows.min(axis=0)
    step = np.maximum(np.ptp(rows, axis=0) / 255, np.finfo(np.float32).tiny)
    with replacing(path) as partial, partial.open("wb") as stream:
        levels, step = np.rint((rows - low) / step).astype(np.uint8), step.astype(np.float32)
        digest = model.card.sha256
        np.savez_compressed(stream, rows=levels, low=low, step=step, sha256=digest, output=output)


def _middle_embedding(clip: CorpusClip, model: registry.Model, output: str) -> Float32:
    """Return the embedding (E,) of the window in the middle of a recording."""
    samples, rate = read_samples(clip.path)
    first = max(len(samples) - _SECONDS * rate, 0) // 2
    part = samples[first : first + _SECONDS * rate]
    embeddings = tag(part, rate, model=model, embedding=output).embeddings
    assert embeddings is not None
    return np.asarray(embeddings[len(embeddings) // 2])


def main(argv: list[str] | None = None) -> int:
    """Compute backgrounds from a corpus."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--model", action="append", help="default: " + " and ".join(MODELS))
    options = parser.parse_args(argv)
    try:
        for name in options.model or MODELS:
            model = registry.load(name)
            rows = compute_background(options.corpus, model)
            path = shipped_folder() / "background" / f"{name}.npz"
            save_background(model, model.card.output_named(None).name, rows, path)
            print(f"{path}: {len(rows)} windows of {rows.shape[1]}, {path.stat().st_size} bytes")
    except PypluginError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
