"""Which faults the monitor's rules find, and what else they take for one: a table of draws.

PYPLUGIN_CORPUS=… python tests/detection.py 200 0    # draws, the first seed
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import numpy as np
from faults import FAULTS, RATE, TWINS, draw
from helpers import measure

from pyplugin.monitor.alarms import AlarmBook
from pyplugin.monitor.columns import SECOND, Columns, RowMaker, Rows, joined
from pyplugin.monitor.conditions import NAMED, parse_condition
from pyplugin.monitor.rules import Rule
from pyplugin.node.signals import SIGNALS

COLUMNS = Columns(())
_WHEN = {"silence": "no programme", "stuck_short": "stuck or no programme"}
"""Of a fault without a condition of its name."""


def _rule(fault: str) -> Rule:
    when = _WHEN.get(fault, fault.replace("_", " "))
    named = NAMED[when.partition(" or ")[0]]
    return Rule(fault, parse_condition(when, COLUMNS), named.hold, named.clear)


RULES = {fault: _rule(fault) for fault in FAULTS}
"""The monitor's rule that should find each fault."""


def rows_of(name: str, seed: int) -> Rows:
    """Return a draw as the rows of a station."""
    signals = measure(draw(name, seed), RATE, signals=0.1)
    maker, parts = RowMaker(COLUMNS), []
    values = np.stack([signals[each] for each in SIGNALS], axis=1)
    seconds = np.ceil(signals["time"] - 1e-6).astype(int)
    for second in range(1, seconds[-1] + 1):
        for row in values[seconds == second]:
            maker.add_signals(row)
        parts.append(maker.row(second * SECOND, {"station.down": 0.0}))
    return joined(parts)


def opened(rows: Rows) -> set[str]:
    """Return the faults for which an alarm opens."""
    book = AlarmBook(list(RULES.values()), COLUMNS.index("station.down"), COLUMNS.names)
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


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or (*FAULTS, *TWINS))
