"""``python -m benchmarks``: run all or some, print tables, write JSON."""

import argparse
import os
import sys
import time
from pathlib import Path

from benchmarks.machine import facts
from benchmarks.measuring import alone
from benchmarks.report import Figure, as_json, text

LONG = "memory: ten hours instead of two; browser: dropouts in a minute of playback, too"
NAMES = (
    "mel",
    "resampling",
    "tagging",
    "startup",
    "memory",
    "patch",
    "floats",
    "node",
    "callback",
    "signals",
    "load",
    "automation",
    "measured",
    "monitor",
    "arm",
    "catalogue",
    "plugin",
    "models",
    "stems",
    "browser",
    "instructions",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--json",
        type=Path,
        default=Path("bench-output/bench.json"),
        metavar="FILE",
        help="where to write the figures [bench-output/bench.json]",
    )
    parser.add_argument(
        "--only", action="append", choices=NAMES, help="run this one; may be repeated"
    )
    parser.add_argument("--long", action="store_true", help=LONG)
    parser.add_argument("--check", action="store_true", help="exit with 1 when a target is missed")
    arguments = parser.parse_args()

    machine = facts()
    sets = f"{machine['instruction_set']}, int8 {machine['model_instruction_set']}"
    print(f"{machine['processor']}, {sets}, {machine['date']}")
    busy = os.getloadavg()[0]
    if busy > 0.5:
        print(f"The machine is busy (load {busy:.1f}): ratios hold better than times.")
    figures: list[Figure] = []
    for name in arguments.only or NAMES:
        started = time.perf_counter()
        print(f"\n{name} ...", end="", file=sys.stderr, flush=True)
        made = alone(name, long=arguments.long)
        print(f" {time.perf_counter() - started:.0f} s", file=sys.stderr)
        for figure in made:
            print(f"\n{text(figure)}", flush=True)
        figures += made
    missed = sum(figure.missed for figure in figures)
    print(f"\n{missed} of {sum(figure.targets for figure in figures)} targets missed.")
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(as_json(machine, figures) + "\n", encoding="utf-8")
    print(f"Written to {arguments.json}.")
    return 1 if arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
