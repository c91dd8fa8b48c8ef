"""How good networks of classes get: both architectures, and heads, on the same parts.

    python -m benchmarks.networks DATA [--groups CSV] [--folds 5] [--head musicnn-msd]

DATA is a folder with one subfolder of recordings for each class, such as GTZAN's, or a ground
truth, as for `tagnode train network`. Prints a table: accuracy in percent, the mean over the
classes, of clips that a network was not trained with, nor with others of their group or artist.
Heads are logistic regressions on the mean embedding of a clip.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pyplugin.errors import PypluginError
from pyplugin.models import registry
from pyplugin.training.classes.batches import targets_of
from pyplugin.training.classes.features import ClipFeatures, compute_features
from pyplugin.training.classes.fit import class_accuracy
from pyplugin.training.classes.folds import choose_splits
from pyplugin.training.classes.settings import ARCHITECTURES, ClassesSettings
from pyplugin.training.classes.train import train_classes
from pyplugin.training.dataset import read_dataset
from pyplugin.training.heads.configurations import Configuration
from pyplugin.training.heads.embeddings import embed_all
from pyplugin.training.heads.search import Examples, fitted

_HEAD = Configuration("logistic", "standard", False, C=-5)


def head_accuracy(model: str, clips: Sequence[ClipFeatures], folds: int) -> float:
    """Return the accuracy of heads that are tested on the parts that networks are tested on."""
    loaded = registry.load(model)
    paths = [each.clip.path for each in clips]
    embedded = embed_all(paths, loaded, loaded.card.output_named(None).name, jobs=2)
    missing = [
        str(path) for path, each in zip(paths, embedded.windows, strict=True) if each is None
    ]
    if missing:
        raise PypluginError(f"{model} gives no embedding of {missing[0]}.")
    rows = [each.mean(axis=0) for each in embedded.windows if each is not None]
    classes = np.array([each.clip.label for each in clips])
    groups = np.array([each.clip.group or str(each.clip.path) for each in clips])
    numbers = np.unique(groups, return_inverse=True)[1]
    examples = Examples(np.array(rows, np.float64), classes, numbers)
    found, tested = [], []
    for split in choose_splits([each.clip for each in clips], folds).splits:
        head = fitted(examples.part(np.concatenate([split.train, split.validation])), _HEAD)
        found.append(head.predict_proba(examples.x[split.test]))
        tested += split.test.tolist()
    labels = sorted(set(classes.tolist()))
    targets = targets_of([clips[index] for index in tested], labels)
    return class_accuracy(np.concatenate(found), targets, exclusive=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.networks", description="Compare networks of classes, and heads."
    )
    parser.add_argument("data", type=Path, help="folder with a subfolder for each class, or truth")
    parser.add_argument("--groups", type=Path, help=".csv with the columns path and artist")
    parser.add_argument("--folds", type=int, default=5, help="0 for one part to test on")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--head", action="append", default=[], help="a model; may be repeated")
    options = parser.parse_args(arguments)
    try:
        _compare(options)
    except PypluginError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _compare(options: argparse.Namespace) -> None:
    print(f"{options.data.name}, {options.folds or 'no'} folds, {options.epochs} epochs at most\n")
    print("| network | accuracy, % | minutes |\n| --- | --- | --- |")
    with TemporaryDirectory() as folder:
        for name in ARCHITECTURES:
            began = time.monotonic()
            result = train_classes(
                options.data,
                out=str(Path(folder) / f"{name}.tflite"),
                groups=options.groups,
                settings=ClassesSettings(
                    architecture=name,
                    folds=options.folds,
                    epochs=options.epochs,
                    batch=options.batch,
                ),
                jobs=os.cpu_count() or 1,
            )
            _row(name, result.accuracy, began)
    if options.head:
        clips = read_dataset(options.data, groups=options.groups).clips
        features = compute_features(clips, ARCHITECTURES["own"], jobs=os.cpu_count() or 1).clips
    for model in options.head:
        began = time.monotonic()
        _row(f"head on {model}", head_accuracy(model, features, options.folds), began)


def _row(name: str, accuracy: float, began: float) -> None:
    minutes = (time.monotonic() - began) / 60.0
    print(f"| {name} | {100 * accuracy:.1f} | {minutes:.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
