"""Which faults the monitor's rules find, and what else they take for one: a table of draws.

PYPLUGIN_CORPUS=… python tests/detection.py 200 0       # draws, the first seed
PYPLUGIN_CORPUS=… python tests/detection.py hours 10 0  # of programme: false alarms; a seed
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from faults import FAULTS, RATE, TWINS, broadcast, draw

from pyplugin.monitor.alarms import AlarmBook
from pyplugin.monitor.columns import SECOND, Columns, RowMaker, Rows, joined
from pyplugin.monitor.conditions import NAMED, parse_condition
from pyplugin.monitor.rules import Rule
from pyplugin.node.node import Node

COLUMNS = Columns(())
DOWN = COLUMNS.index("station.down")
_WHEN = {"silence": "no programme", "stuck_short": "stuck or no programme"}
"""Of a fault without a condition of its name."""


def _rule(fault: str) -> Rule:
    when = _WHEN.get(fault, fault.replace("_", " "))
    named = NAMED[when.partition(" or ")[0]]
    return Rule(fault, parse_condition(when, COLUMNS), named.hold, named.clear)


RULES = {fault: _rule(fault) for fault in FAULTS}
"""The monitor's rule that should find each fault."""


class Measured:
    """A station that sends sound: every whole second of it becomes a row."""

    def __init__(self) -> None:
        self._node = Node(RATE, 2, RATE, model=None, signals=0.1, offline=True)
        self._maker, self._seconds = RowMaker(COLUMNS), 0
        self._rest = np.zeros((2, 0), np.float32)

    def push(self, sound: np.ndarray) -> Rows | None:
        """Take (2, n) of sound; return the rows that are complete."""
        line, parts = np.concatenate([self._rest, sound.astype(np.float32)], axis=1), []
        while line.shape[1] >= RATE:
            self._node.analyse(np.ascontiguousarray(line[:, :RATE]))
            line = line[:, RATE:]
            self._seconds += 1
            for row in self._node.read_signals().values:
                self._maker.add_signals(row)
            parts.append(self._maker.row(self._seconds * SECOND, {"station.down": 0.0}))
        self._rest = line
        return joined(parts) if parts else None

    def close(self) -> None:
        self._node.close()


def rows_of(name: str, seed: int) -> Rows:
    """Return a draw as the rows of a station."""
    station = Measured()
    rows = station.push(draw(name, seed))
    station.close()
    assert rows is not None
    return rows


def false_alarms(hours: float, seed: int) -> Iterator[str]:
    """Yield a line for each alarm in so many hours of programme."""
    station = Measured()
    book = AlarmBook(list(RULES.values()), DOWN, COLUMNS.names)
    left = hours * 3600.0
    for what, sound in broadcast(np.random.default_rng(seed)):
        rows = station.push(sound)
        for change in [] if rows is None else book.push(rows):
            if change.edge == "opened":
                yield f"{change.time / 3.6e6:.3f} h: {change.rule}, {what}"
        left -= sound.shape[1] / RATE
        if left <= 0:
            break
    station.close()


def opened(rows: Rows) -> set[str]:
    """Return the faults for which an alarm opens."""
    book = AlarmBook(list(RULES.values()), DOWN, COLUMNS.names)
    return {change.rule for change in book.push(rows) if change.edge == "opened"}


def table(found: Mapping[tuple[str, str], int], names: Sequence[str], count: int) -> str:
    """Return in how many of `count` draws each rule held, a row for each name."""
    lines = [f"| {count} draws | " + " | ".join(RULES) + " |", "| --- |" + " ---: |" * len(RULES)]
    for name in names:
        cells = (str(found[name, rule] or "") for rule in RULES)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(count: int, first: int, names: Sequence[str]) -> None:
    """Print a row for each fault and twin: in how many draws each rule holds."""
    found = {(name, rule): 0 for name in names for rule in RULES}
    for seed in range(first, first + count):
        for name in names:
            alarms = opened(rows_of(name, seed))
            for each in alarms:
                found[name, each] += 1
            if (alarms and name in TWINS) or (name in FAULTS and name not in alarms):
                print(f"{name} {seed}: {sorted(alarms)}", file=sys.stderr)
        print(f"{seed + 1 - first} draws", file=sys.stderr)
        if (seed + 1 - first) % 25 == 0 or seed + 1 == first + count:
            print(table(found, names, seed + 1 - first), flush=True)


if __name__ == "__main__" and sys.argv[1] == "hours":
    lines = list(false_alarms(float(sys.argv[2]), seed=int(sys.argv[3])))
    print("\n".join([*lines, f"{len(lines)} alarms in {sys.argv[2]} hours of programme"]))
elif __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or (*FAULTS, *TWINS))
