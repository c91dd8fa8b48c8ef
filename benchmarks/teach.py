"""How well `tagnode teach` finds narrow classes from five recordings.

    python -m benchmarks.teach --corpus FOLDER [--model scene] [--embedding OUTPUT] [--draws 6]

Prints a table: for each class the area under the ROC curve over recordings that were not taught,
against the other classes and against other sounds of groups that are held out. The corpus has the
format of `pyplugin.training.corpus`, with `segments.csv`; the classes are those of ESC-10, whose
recordings in `source_path` are called after their number in Freesound. Five of different numbers
are taught in each draw, with the background of `tagnode teach` computed without ESC-10.
"""

import argparse
import csv
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from pyplugin.models import registry
from pyplugin.support.arrays import Float32
from pyplugin.tagging import tag
from pyplugin.training.corpus import read_samples
from pyplugin.training.heads.teach import _fit

TAUGHT = 5
_ESC = re.compile(r"\d\d\d - ([^/]+)/(\d-\d+)")
_MOST_PER_GROUP = 3  # as in pyplugin.training.heads.background
_MOST_SECONDS = 10
_HOP = 0.5
_LEAST_SECONDS = 0.15
_NEGATIVE = ("ambience", "percussion")


@dataclass(frozen=True)
class Item:
    """A recording: its class and number, or empty; where it is; its embeddings."""

    label: str
    number: str
    group: str
    split: str
    category: str
    windows: Float32


def read_items(corpus: Path, model: registry.Model, output: str) -> list[Item]:
    """Return the recordings of ESC-10, a background and other sounds, with their embeddings."""
    with (corpus / "segments.csv").open() as stream:
        parts = defaultdict(list)
        for row in csv.DictReader(stream):
            parts[row["path"]].append(row)
    with (corpus / "manifest.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    items = []
    seen: Counter[str] = Counter()
    for row in rows:
        found = [(_ESC.match(part["source_path"]), part) for part in parts[row["path"]]]
        own = [(match, part) for match, part in found if match is not None]
        test = row["split"] == "test" and row["category"] in _NEGATIVE
        seen[row["group"]] += 1
        if not own and not test and seen[row["group"]] > _MOST_PER_GROUP:
            continue
        if not own and not test and row["split"] == "test":
            continue
        samples, rate = read_samples(corpus / row["path"])
        pieces = [(match, float(part["start_s"]), float(part["end_s"])) for match, part in own]
        if not own:
            spans = [(float(part["start_s"]), float(part["end_s"])) for _, part in found]
            pieces = [(None, *span) for span in (spans if test else spans[:1])]
            pieces = pieces or [(None, 0.0, len(samples) / rate)]
        for match, start, end in pieces:
            sound = samples[round(start * rate) : round(end * rate)][: _MOST_SECONDS * rate]
            if len(sound) < _LEAST_SECONDS * rate:
                continue
            windows = tag(sound, rate, model=model, embedding=output, hop=_HOP).embeddings
            assert windows is not None
            label, number = (match[1], match[2]) if match else ("", "")
            place = (row["group"], row["split"], row["category"])
            items.append(Item(label, number, *place, windows))
    return items


def area(items: Sequence[Item], label: str, random: np.random.Generator) -> float:
    """Return the area under the ROC curve of one draw of recordings to teach."""
    own = [item for item in items if item.label == label]
    numbers = sorted({item.number for item in own})
    chosen = set(random.permutation(numbers)[:TAUGHT].tolist())
    taught = [next(item for item in own if item.number == number) for number in sorted(chosen)]
    held = [item for item in own if item.number not in chosen]
    other = [item for item in items if item.label and item.label != label]
    other += [item for item in items if not item.label and item.split == "test"]
    background = [item for item in items if not item.label and item.split == "train"]
    middle = [item.windows[len(item.windows) // 2][None] for item in background]
    clips = [(item.windows, True) for item in taught] + [(row, False) for row in middle]
    fitted = _fit(clips)
    scores = [
        float(fitted.predict_proba(item.windows.astype(np.float64))[:, 1].mean())
        for item in (*held, *other)
    ]
    return float(roc_auc_score([True] * len(held) + [False] * len(other), scores))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.teach", description=main.__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--model", default="scene")
    parser.add_argument("--embedding", help="an output of the model; default: that of its card")
    parser.add_argument("--draws", type=int, default=6)
    options = parser.parse_args(arguments)
    model = registry.load(options.model)
    output = model.card.output_named(options.embedding).name
    items = read_items(options.corpus, model, output)
    counts = Counter(item.label for item in {(i.label, i.number): i for i in items}.values())
    labels = sorted(label for label, count in counts.items() if label and count >= 2 * TAUGHT)
    print(f"{options.model}, {output}: {TAUGHT} recordings, {options.draws} draws\n")
    print("| class | AUC |\n| --- | --- |")
    means = []
    for label in labels:
        random = np.random.default_rng(0)
        areas = [area(items, label, random) for _ in range(options.draws)]
        means.append(float(np.mean(areas)))
        print(f"| {label} | {means[-1]:.2f} ± {np.std(areas):.2f} |", flush=True)
    print(f"| mean | {np.mean(means):.3f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
