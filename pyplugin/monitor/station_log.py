"""A station's log: its rows and events in, records for the log and changes of alarms out.

It has no clock and no thread, so a month runs through it in minutes, and its records do not
depend on how the rows are split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np

from pyplugin.inputs.input import Event
from pyplugin.monitor.alarms import AlarmBook, Change, Standing
from pyplugin.monitor.bins import Binner, Layout
from pyplugin.monitor.changes import TitleWatch
from pyplugin.monitor.columns import Columns, Rows
from pyplugin.monitor.records import EventRecord, Record, SegmentRecord, Standings, Track
from pyplugin.monitor.rules import Rule
from pyplugin.monitor.segments import CLASSES, MUSIC, OFF, OVER, SILENCE, SPEECH, Segment, Segmenter
from pyplugin.monitor.times import local

_TOGETHER = 10_000  # milliseconds within which a format and a title change at one time


class StationLog:
    """Logs one station.

    Parameters
    ----------
    columns
        Of its rows.
    rules
        Its rules.
    standings
        Where they stood before a restart, by name.
    to_local
        Returns the local time of milliseconds of UTC.
    """

    def __init__(
        self,
        columns: Columns,
        rules: list[Rule],
        standings: Mapping[str, Standing] | None = None,
        to_local: Callable[[int], datetime] = local,
    ) -> None:
        self.columns = columns
        self.layout = Layout.of(columns)
        self._binner = Binner(self.layout)
        self._segmenter = Segmenter(columns)
        self._to_local = to_local
        self._down = columns.index("station.down")
        self._age = columns.index("station.title_age")
        self._fallback = columns.index("station.fallback")
        self._alone = columns.index("station.title_alone")
        self._watch = TitleWatch(columns)
        self._track: Track | None = None
        self._shares = np.zeros(3)  # seconds of the track: all, with music, with speech
        self._titled: int | None = None  # when the title changed last
        self._formatted = self._untitled = self._connected = -_TOGETHER
        self._replaced = False  # whether the server sends a fallback
        self.latest: dict[str, float] = {}
        self.set_rules(rules, standings)

    def set_rules(self, rules: list[Rule], standings: Mapping[str, Standing] | None = None) -> None:
        """Go on with these rules; those that stay go on where they stand."""
        before = dict(standings or {})
        self.alarms = AlarmBook(rules, self._down, self.columns.names, before, self._to_local)

    # ---- in

    def push(self, rows: Rows) -> list[Record]:
        """Take rows, in order of time; return what is to be kept."""
        if not len(rows):
            return []
        self._fill(rows)
        records: list[Record] = [*self._binner.push(rows)]
        records += self._segments(rows)
        self._follow_track(rows)
        records += self.alarms.push(rows)
        last = rows.values[-1]
        self.latest = {
            name: float(value)
            for name, value in zip(self.columns.names, last, strict=True)
            if not np.isnan(value)
        }
        return records

    def _fill(self, rows: Rows) -> None:
        """Write what the log knows itself into the rows."""
        rows.values[:, self._fallback] = float(self._replaced)
        rows.values[:, self._alone] = self._watch.push(rows)
        if self._titled is not None:
            rows.values[:, self._age] = np.maximum(rows.times - self._titled, 0) / 1000

    def _segments(self, rows: Rows) -> list[Record]:
        before = self._segmenter.current
        ended = self._segmenter.push(rows)
        records: list[Record] = [self._record(segment, ended=True) for segment in ended]
        now = self._segmenter.current
        if now is not None and now is not before:
            records.append(replace(self._record(now), end=now.start))  # written at once
        return records

    def _record(self, segment: Segment, *, ended: bool = False) -> SegmentRecord:
        means = {
            name: mean
            for name, mean in zip(self.columns.labels, segment.means, strict=True)
            if mean is not None
        }
        quiet = segment.kind in (OFF, SILENCE)  # what is left of the sound before does not count
        loudness = None if quiet else segment.loudness.integrated
        return SegmentRecord(
            *(CLASSES[segment.kind], segment.start, segment.end, not ended),
            None if loudness is None else round(loudness, 1),
            means,
        )

    def _follow_track(self, rows: Rows) -> None:
        if self._track is None or self._segmenter.current is None:
            return
        kind = self._segmenter.current.kind
        kinds = np.array([1, kind in (MUSIC, OVER), kind in (SPEECH, OVER)])
        self._shares += len(rows) * kinds

    # ---- events

    def event(self, time: int, event: Event) -> list[Record]:
        """Take an event of the input; return what is to be kept."""
        records: list[Record] = []
        if event.kind == "title":
            records += self._new_title(time, event.title)
        else:
            records.append(EventRecord(time, event.kind, event.message))
        if event.kind in ("disconnected", "reconnected"):
            self._connected, self._replaced = time, False
        if event.kind == "format":
            was = self._replaced
            self._formatted = time
            self._replaced = not was and self._same_moment(time, self._untitled)
        elif event.kind == "title" and not event.title:
            self._untitled = time
            self._replaced = self._replaced or self._same_moment(time, self._formatted)
        elif event.kind == "title":
            self._replaced = self._replaced and not self._same_moment(time, self._formatted)
        return records

    def _same_moment(self, time: int, other: int) -> bool:
        """Return whether two things happened together, and not because of a connection."""
        return time - other <= _TOGETHER and time - self._connected > _TOGETHER

    def _new_title(self, time: int, title: str) -> list[Record]:
        records: list[Record] = []
        self._watch.title(time, another=bool(title) and title != self.title and self.title != "")
        track = self._ended_track(time)
        if track is not None:
            records.append(track)
        self._track, self._titled = None, time if title else self._titled
        self._shares[:] = 0
        if title:
            artist, dash, name = title.partition(" - ")
            self._track = Track(time, time, True, *((name, artist) if dash else (title, "")))
            records.append(self._track)
        return records

    def _ended_track(self, time: int, *, open: bool = False) -> Track | None:
        if self._track is None:
            return None
        seconds, music, speech = self._shares
        shares = [round(float(part / seconds), 3) if seconds else 0.0 for part in (music, speech)]
        track = self._track
        return Track(track.start, time, open, track.title, track.artist, *shares)

    def clock_set(self, time: int, step: int) -> list[Record]:
        """Go on after the time of day was set; lengths of time stay what they are.

        Parameters
        ----------
        time
            Now, on the set clock.
        step
            Milliseconds by which it was set.
        """
        records = self.end(time - step)
        for timer in self.alarms.timers:
            timer.shift(step)
        self._titled = None if self._titled is None else self._titled + step
        way = "forward" if step > 0 else "back"
        seconds = abs(step) / 1000
        records.append(EventRecord(time, "clock", f"The clock was set {way} by {seconds:.0f} s."))
        return records

    # ---- out

    def snapshot(self, time: int) -> list[Record]:
        """Return what lasts, as it is now; a kill or a loss of power leaves that."""
        records: list[Record] = []
        if self._segmenter.current is not None:
            records.append(self._record(self._segmenter.current))
        track = self._ended_track(time, open=True)
        if track is not None:
            records.append(track)
        records.append(Standings(dict(self.alarms.standings)))
        return records

    def end(self, time: int) -> list[Record]:
        """Return what lasts, ended now; alarms stay open, as the station may still be silent."""
        records: list[Record] = [*self._binner.end()]
        segment = self._segmenter.end()
        if segment is not None:
            records.append(self._record(segment, ended=True))
        track = self._ended_track(time)
        if track is not None:
            records.append(track)
        self._track = None
        records.append(Standings(dict(self.alarms.standings)))
        return records

    @property
    def on_air(self) -> str:
        """The class of the segment that lasts; empty before the first."""
        current = self._segmenter.current
        return CLASSES[current.kind] if current is not None else ""

    @property
    def since(self) -> int | None:
        """When the segment that lasts began, in milliseconds of UTC; ``None`` before the first."""
        current = self._segmenter.current
        return None if current is None else current.start

    @property
    def title(self) -> str:
        """The title; empty where there is none."""
        track = self._track
        if track is None:
            return ""
        return f"{track.artist} - {track.title}" if track.artist else track.title

    @property
    def open_alarms(self) -> list[str]:
        """Names of the rules whose alarms are open."""
        return [name for name, now in self.alarms.standings.items() if now.opened is not None]


def closed_by_removal(log: StationLog, rules: list[Rule], time: int) -> list[Change]:
    """Close the open alarms of rules that a new configuration has not; return the changes."""
    kept = {rule.name for rule in rules}
    changes: list[Change] = []
    for timer in log.alarms.timers:
        if timer.rule.name not in kept:
            changes += timer.end(time, "removed")
    return changes
