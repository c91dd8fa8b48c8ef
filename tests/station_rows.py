"""Rows of made-up stations, for tests."""

import numpy as np

from pyplugin.monitor.columns import Columns, Rows

COLUMNS = Columns(("tag.scene.speech", "tag.scene.music"))
BEGIN = 1_700_000_000_000


def rows(count, *, begin=BEGIN, columns=COLUMNS, **values):
    """``count`` rows of a second; values by column are numbers or arrays, `down` 0."""
    made = np.full((count, len(columns.names)), np.nan, np.float32)
    made[:, columns.index("station.down")] = 0
    for name, value in values.items():
        made[:, columns.index(name)] = value
    loudness = made[:, [columns.index("loudness_momentary")]]
    return Rows(begin + 1000 * np.arange(1, count + 1), made, np.repeat(loudness, 10, axis=1))


def spoken(count, **more):
    return rows(count, **{"speech": 0.95, "music": 0.05, "loudness_momentary": -20, **more})


def played(count, **more):
    return rows(count, **{"speech": 0.05, "music": 0.95, "loudness_momentary": -14, **more})


def silent(count, **more):
    return rows(count, **{"speech": 0.0, "music": 0.0, "loudness_momentary": -120, **more})


def absent(count, **more):
    return rows(count, **{"station.down": 1, **more})


def in_turn(*parts):
    """These rows, each after the one before."""
    times = BEGIN + 1000 * np.arange(1, sum(len(part) for part in parts) + 1)
    return Rows(
        times,
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.momentary for part in parts]),
    )


def in_parts(made, sizes):
    """The same rows in parts of these sizes, the last one of what is left."""
    at = 0
    for size in sizes:
        yield made.part(at, at + size)
        at += size
    yield made.part(at, len(made))
