"""The terminal screen of ``tagnode listen``: a rolling mel spectrogram, bars, meters, counters."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from pyplugin.cli.ui.terminal import shown
from pyplugin.support.arrays import Float32, Int64
from pyplugin.support.printable import printable

COLUMN_SECONDS = 0.1
_PICTURES = 12  # per second

# From dark violet over red to bright yellow, in even steps of lightness.
_STOPS = np.array(
    [(4, 3, 18), (60, 16, 100), (140, 40, 110), (215, 75, 70), (250, 150, 60), (252, 250, 180)],
    float,
)
_SHADES = 48
_COLOURS = [
    tuple(
        int(np.interp(shade / (_SHADES - 1) * (len(_STOPS) - 1), range(len(_STOPS)), channel))
        for channel in _STOPS.T
    )
    for shade in range(_SHADES)
]


def _hex(shade: int) -> str:
    return "#{:02x}{:02x}{:02x}".format(*_COLOURS[shade])


class _Picture:
    """A spectrogram in half blocks: two bands per row, one column for each 0.1 s."""

    def __init__(self, shades: Int64) -> None:
        self._shades = shades

    def __rich_console__(self, console: Console, options: Any) -> Any:
        for top, bottom in zip(self._shades[0::2], self._shades[1::2], strict=True):
            for upper, lower in zip(top, bottom, strict=True):
                yield Segment("▀", Style(color=_hex(upper), bgcolor=_hex(lower)))
            yield Segment.line()


class Screen:
    """Draws on the terminal; a context manager.

    Parameters
    ----------
    title
        Name of the input, one line.
    ranges
        (minimum, maximum) of each parameter, for its meter.
    top
        Number of tags to show.
    full_scale
        Mel value with the brightest colour.
    console
        Console to draw on; stderr by default.
    """

    def __init__(
        self,
        title: str,
        *,
        ranges: Mapping[str, tuple[float, float]] | None = None,
        top: int = 8,
        full_scale: float = 5.0,
        console: Console | None = None,
    ) -> None:
        self._title, self._top = title, top
        self._ranges = dict(ranges or {})
        self._scale = full_scale
        self._console = console or Console(stderr=True)
        self._columns: deque[Float32] = deque(maxlen=400)
        self._pending: list[Float32] = []
        self._shown: dict[str, float] = {}
        self._live = Live(
            console=self._console, screen=console is None, auto_refresh=False, transient=False
        )

    def __enter__(self) -> Screen:
        self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._live.stop()

    def add_mel(self, mel: Float32, frame_seconds: float) -> None:
        """Add mel frames (n, bands) of `frame_seconds` each to the spectrogram."""
        self._pending.extend(mel)
        each = max(round(COLUMN_SECONDS / frame_seconds), 1)
        while len(self._pending) >= each:
            self._columns.append(np.mean(self._pending[:each], axis=0))
            del self._pending[:each]

    def draw(
        self,
        tags: Mapping[str, float],
        parameters: Mapping[str, float],
        signals: Mapping[str, float],
        status: Sequence[str],
        events: Sequence[str] = (),
    ) -> None:
        """Redraw the screen."""
        width, height = self._console.size
        parts: list[Any] = [
            Text(printable(self._title), style="bold", no_wrap=True, overflow="ellipsis")
        ]
        rows = max(4, min(12, height - 7 - max(self._top, len(parameters))))
        parts.append(self._picture(width, rows))
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(ratio=1)
        grid.add_row(self._bars(tags, width // 2), self._meters(parameters, width // 2))
        parts.append(grid)
        if signals:
            parts.append(_measured(signals))
        parts.append(Text("  ".join(status), style="dim", no_wrap=True, overflow="ellipsis"))
        parts.extend(Text(printable(event), style="yellow") for event in events)
        self._live.update(Group(*parts), refresh=True)

    def _picture(self, width: int, rows: int) -> _Picture:
        shades = np.zeros((2 * rows, width), np.int64)
        recent = list(self._columns)[-width:]
        if recent:
            columns = np.stack(recent, axis=1)
            bands = np.array_split(columns[::-1], 2 * rows)  # high bands at the top
            levels = np.stack([part.max(axis=0) for part in bands])
            scaled = np.clip(levels / self._scale, 0, 1) * (_SHADES - 1)
            shades[:, width - len(recent) :] = scaled.astype(np.int64)
        return _Picture(shades)

    def _bars(self, tags: Mapping[str, float], width: int) -> Table:
        """Return the highest tags; shown ones are replaced only by clearly higher ones."""
        lead = 0.03
        ordered = sorted(tags, key=lambda tag: -(tags[tag] + lead * (tag in self._shown)))
        self._shown = {tag: tags[tag] for tag in ordered[: self._top]}
        return _table(self._shown, dict.fromkeys(self._shown, (0.0, 1.0)), width, "magenta")

    def _meters(self, parameters: Mapping[str, float], width: int) -> Table:
        return _table(parameters, self._ranges, width, "cyan")


def _table(
    values: Mapping[str, float], ranges: Mapping[str, tuple[float, float]], width: int, colour: str
) -> Table:
    table = Table.grid(padding=(0, 1))
    name_width = max((len(printable(name)) for name in values), default=0)
    room = max(width - name_width - 14, 4)
    for name, value in values.items():
        low, high = ranges.get(name, (0.0, 1.0))
        share = (value - low) / (high - low) if high != low else 0.0
        filled = round(min(max(share, 0.0), 1.0) * room)
        bar = Text("█" * filled, style=colour)
        bar.append("·" * (room - filled), style="dim")
        table.add_row(
            Text(printable(name), no_wrap=True),
            bar,
            Text(shown(value, high - low), justify="right"),
        )
    return table


def _measured(signals: Mapping[str, float]) -> Text:
    shown = (
        ("loudness_momentary", "{:5.1f} LUFS"),
        ("loudness_integrated", "{:5.1f} LUFS integrated"),
        ("true_peak_db", "{:5.1f} dBTP"),
        ("brightness_hz", "{:4.0f} Hz bright"),
        ("onset", "{:4.1f} dB onset"),
        ("tempo_bpm", "{:3.0f} BPM"),
    )
    parts = [form.format(signals[name]) for name, form in shown if name in signals]
    if signals.get("silence"):
        parts.append("SILENCE")
    return Text("  ".join(parts), no_wrap=True, overflow="ellipsis")
