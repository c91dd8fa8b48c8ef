"""Results as text tables and as JSON."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Row:
    """One measured value; less is better.

    Parameters
    ----------
    who
        What was measured, as the table calls it.
    value
        In the figure's unit.
    peer
        A peer's short name, which heads a column of ratios; "" for one of ours.
    limit
        Target for the value.
    against
        Targets for the ratio of the value to a peer's, by the peer's short name.
    beside
        Further values by column name, in the unit of the figure or in that of the title.
    """

    who: str
    value: float
    peer: str = ""
    limit: float | None = None
    against: dict[str, float] = field(default_factory=dict)
    beside: dict[str, float] = field(default_factory=dict)


@dataclass
class Figure:
    """One table."""

    name: str
    title: str
    unit: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    @property
    def peers(self) -> dict[str, float]:
        return {row.peer: row.value for row in self.rows if row.peer}

    def verdicts(self) -> list[bool]:
        """Return for each measured target whether it is met."""
        peers = self.peers
        met = [row.value <= row.limit for row in self.rows if row.limit is not None]
        for row in self.rows:
            met += [row.value <= most * peers[p] for p, most in row.against.items() if p in peers]
        return met

    @property
    def targets(self) -> int:
        return len(self.verdicts())

    @property
    def missed(self) -> int:
        return self.verdicts().count(False)


def text(figure: Figure) -> str:
    """Return the figure as aligned text; targets are written after their values."""
    peers = figure.peers
    more = list(dict.fromkeys(name for row in figure.rows for name in row.beside))
    lines = [["", figure.unit, *(f"/ {peer}" for peer in peers), *more]]
    for row in figure.rows:
        cells = [row.who, _cell(row.value, row.limit)]
        if not row.peer:
            cells += [_cell(row.value / peers[p], row.against.get(p)) for p in peers]
        cells += [""] * (2 + len(peers) - len(cells))
        cells += [_cell(row.beside[name]) if name in row.beside else "" for name in more]
        lines.append(cells)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    table = [
        "  ".join(
            [
                line[0].ljust(widths[0]),
                *(c.ljust(w) for c, w in zip(line[1:], widths[1:], strict=True)),
            ]
        )
        for line in lines
    ]
    parts = [f"{figure.name}: {figure.title}", *(f"  {line}".rstrip() for line in table)]
    return "\n".join(parts + [f"  {note}" for note in figure.notes])


def _cell(value: float, limit: float | None = None) -> str:
    shown = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    if limit is None:
        return shown
    return f"{shown} (target {limit:g}{'' if value <= limit else ', MISSED'})"


def as_json(machine: dict[str, Any], figures: list[Figure]) -> str:
    made = []
    for figure in figures:
        entry = asdict(figure)
        for row, cells in zip(figure.rows, entry["rows"], strict=True):
            if not row.peer:
                cells["ratios"] = {p: row.value / value for p, value in figure.peers.items()}
        made.append(entry)
    return json.dumps({"machine": machine, "figures": made}, indent=2)
