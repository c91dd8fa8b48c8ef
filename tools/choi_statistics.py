#!/usr/bin/env python3
"""Measure the statistics of the batch norms of Choi's ConvNet, which its file lacks, on music.

    tools/choi_statistics.py mode0_cnn_weights_theano.h5 CORPUS models/choi-cnn.json

CORPUS has a manifest.csv with the columns path, seconds, category, group and split. At most three
recordings of each group of music and songs in its training split are used.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import pyplugin
from pyplugin.inputs.recording import Recording
from pyplugin.models.graphs.keras import h5_arrays
from pyplugin.models.graphs.source import graph_of
from pyplugin.models.importers import choi
from pyplugin.support.arrays import Array, Float32

FRAMES = 1366
EACH, NORMS = 3, 5


def recordings(corpus: Path) -> list[Path]:
    """Return the recordings to measure, in an order that is always the same."""
    groups: dict[str, list[str]] = {}
    with (corpus / "manifest.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            wanted = row["category"] in ("music", "song") and row["split"] == "train"
            if wanted and float(row["seconds"]) > FRAMES * 256 / 12000:
                groups.setdefault(row["group"], []).append(row["path"])
    random = np.random.default_rng(0)
    picked = []
    for _, paths in sorted(groups.items()):
        picked += [paths[place] for place in random.permutation(len(paths))[:EACH]]
    return [corpus / path for path in picked]


def patches_of(path: Path) -> list[Float32]:
    """Return the windows of a recording as the network sees them, (1366, 96) each."""
    with Recording(path) as recording:
        samples, rate = np.concatenate(list(recording), axis=1), recording.sample_rate
    mel = pyplugin.melspectrogram(samples, rate, "choi")
    parts = [mel[at : at + FRAMES] for at in range(0, len(mel) - FRAMES + 1, FRAMES)]
    return [np.maximum(part, part.max() - 80) for part in parts]


def measured(
    groups: Mapping[str, Mapping[str, Array]], patches: Sequence[Float32]
) -> dict[str, dict[str, list[float]]]:
    """Return the mean and variance at each batch norm of the ConvNet, over all patches.

    A norm's statistics change what the next one sees, so they are taken one after the other, as
    in a batch of all patches.

    Parameters
    ----------
    groups
        Arrays by layer, as in the file.
    patches
        (1366, 96) each, of the front-end ``choi``.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for number in range(1, NORMS + 1):
        graph = graph_of(choi.cnn(groups, found), {"x": f"conv{number}"})
        total = squares = 0.0
        for patch in patches:
            x = graph.run(patch)["x"].astype(np.float64)
            total = total + x.mean(axis=(0, 1, 2)) / len(patches)
            squares = squares + np.square(x).mean(axis=(0, 1, 2)) / len(patches)
        variance = np.asarray(squares - np.square(total))
        found[f"bn{number}"] = {
            "mean": [float(f"{each:.6g}") for each in np.asarray(total)],
            "variance": [float(f"{each:.6g}") for each in variance],
        }
    return found


def main(weights: str, corpus: str, out: str) -> None:
    """Measure and write."""
    paths = recordings(Path(corpus))
    patches = [patch for path in paths for patch in patches_of(path)]
    groups, _ = h5_arrays(Path(weights).read_bytes())
    content = {
        "source": "music of many kinds under open licences",
        "recordings": len(paths),
        "patches": len(patches),
        "norms": measured(groups, patches),
    }
    Path(out).write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("weights", "corpus", "out"):
        parser.add_argument(name)
    main(**vars(parser.parse_args()))
