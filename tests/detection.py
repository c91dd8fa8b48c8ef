"""Which faults signals find, and what else they take for one: a table of draws.

PYPLUGIN_CORPUS=… python tests/detection.py 200 0    # draws, the first seed
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from faults import FAULTS, RATE, TWINS, draw
from helpers import measure

Signals = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Rule:
    """A condition that holds for some seconds."""

    text: str
    holds: Callable[[Signals], np.ndarray]
    seconds: float


RULES = {
    "silence": Rule("presence < 0.3", lambda s: s["presence"] < 0.3, 20),
    "hum": Rule("hum > 0.5", lambda s: s["hum"] > 0.5, 10),
    "hiss": Rule("hiss > 0.7", lambda s: s["hiss"] > 0.7, 20),
    "tone": Rule("tone > 0.8", lambda s: s["tone"] > 0.8, 20),
    "stuck": Rule("repetition > 0.9", lambda s: s["repetition"] > 0.9, 40),
    "stuck_short": Rule(
        "repetition > 0.9 or presence < 0.3",
        lambda s: (s["repetition"] > 0.9) | (s["presence"] < 0.3),
        40,
    ),
    "out_of_phase": Rule("correlation < -0.7", lambda s: s["correlation"] < -0.7, 10),
    "one_channel": Rule(
        "channel_gap_db > 25 and channel_high_db > -50",
        lambda s: (s["channel_gap_db"] > 25) & (s["channel_high_db"] > -50),
        10,
    ),
    "clipped": Rule("clipping > 0.001", lambda s: s["clipping"] > 0.001, 2),
    "offset": Rule("dc_db > -40", lambda s: s["dc_db"] > -40, 5),
}
"""By the fault that each finds."""


def longest(rule: Rule, signals: Signals) -> float:
    """Return the longest time in seconds for which a rule's condition holds."""
    best = since = 0.0
    for time, holds in zip(signals["time"].tolist(), rule.holds(signals).tolist(), strict=True):
        since = since if holds else time
        best = max(best, time - since)
    return best


def finds(rule: Rule, signals: Signals) -> bool:
    """Return whether a rule's condition holds for its time."""
    return longest(rule, signals) >= rule.seconds


def signals_of(name: str, seed: int) -> dict[str, np.ndarray]:
    """Return the signals of a draw, every 0.1 s."""
    return measure(draw(name, seed), RATE, signals=0.1)


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
            signals = signals_of(name, seed)
            for each, rule in RULES.items():
                if finds(rule, signals):
                    found[name, each] += 1
                    if name in TWINS:
                        print(f"{name} {seed}: {each}", file=sys.stderr)
        print(f"{seed + 1 - first} draws", file=sys.stderr)
        if (seed + 1 - first) % 25 == 0 or seed + 1 == first + count:
            print(table(found, names, seed + 1 - first), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:] or (*FAULTS, *TWINS))
