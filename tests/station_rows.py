"""Rows of made-up stations, for tests."""

import numpy as np

from pyplugin.monitor.columns import Columns, RowMaker, Rows, joined
from pyplugin.monitor.config import StationConfig
from pyplugin.monitor.station import columns_of, plan_of

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


def moved(made, seconds):
    """The same rows, so many seconds later."""
    return Rows(made.times + 1000 * seconds, made.values.copy(), made.momentary)


def measured(sound, rate):
    """The rows of real sound, (channels, n), by the default model; its columns are with them."""
    plan = plan_of(StationConfig("Test FM", command="x"))
    columns = columns_of(plan)
    maker, parts = RowMaker(columns), []
    with plan.build(rate, len(sound), rate, offline=True) as node:
        for second in range(sound.shape[1] // rate):
            found = node.process(
                np.ascontiguousarray(sound[:, second * rate : (second + 1) * rate])
            )
            for result in found.values:
                maker.add_labels(result.tolist())
            for signals in node.read_signals().values:
                maker.add_signals(signals)
            parts.append(maker.row(BEGIN + 1000 * (second + 1), {"station.down": 0.0}))
    return columns, joined(parts)
