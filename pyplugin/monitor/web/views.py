"""What the pages show, as JSON: each page has its twin. They read the log and the states only."""

from __future__ import annotations

import shutil
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from pyplugin._native import VERSION
from pyplugin.inputs.playlists import is_url
from pyplugin.monitor.bins import LENGTH
from pyplugin.monitor.columns import SECOND
from pyplugin.monitor.segments import CLASSES
from pyplugin.monitor.storage import Log, day_of
from pyplugin.monitor.times import now_ms, offsets
from pyplugin.monitor.web import questions
from pyplugin.monitor.web.follower import CELLS, Follower, result_of, state_of
from pyplugin.monitor.web.questions import Query
from pyplugin.support.spelling import slug

MOST_ROWS = 10_000
"""Rows of one answer."""

_LABELS = 6  # of a strip
_EVENTS = 200  # of the Health page
_WEEK = 7 * 86_400_000  # milliseconds
_TITLED = 10_000  # milliseconds that a title overlaps a segment for, or half of it
_HOUR = 3_600_000  # milliseconds

Json = dict[str, Any]


class States(Protocol):
    """What the views ask of the service: states, never a node."""

    def status(self) -> Sequence[dict[str, Any]]:
        """Return the state of each station."""

    def counters(self) -> dict[str, float]:
        """Return counters by name."""

    def problem(self) -> str:
        """Return why the service is not well; empty if it is."""


@dataclass
class Views:
    """The pages' content.

    Attributes
    ----------
    folder
        Of the database and the clips.
    states
        The service.
    follower
        Knows the minutes that are not written yet.
    zone
        Instead of the machine's time zone.
    """

    folder: Path
    states: States
    follower: Follower
    zone: tzinfo | None = None

    def _times(self, start: int, end: int) -> Json:
        """Return what a page needs to show times as this machine's clock does."""
        return {
            "now": now_ms(),
            "start": start,
            "end": end,
            "offsets": offsets(start, end, self.zone),
            "classes": CLASSES,
        }

    # ---- Live

    def live(self, log: Log, query: Query) -> Json:
        """Return each station now, with its last ten minutes and its open alarms."""
        now = now_ms()
        first = (now // (LENGTH * SECOND) - CELLS + 1) * LENGTH * SECOND
        opened: dict[str, list[Json]] = defaultdict(list)
        for alarm in log.alarms(0, now + _HOUR, only_open=True):
            opened[alarm["station"]].append(self._alarm(alarm))
        sources = {row["name"]: row["source"] for row in log.stations()}
        segments = _by_station(log.segments(first, now + _HOUR))
        stations = []
        for status in self.states.status():
            name = status["station"]
            stations.append(
                {
                    **result_of(status),
                    "id": slug(name),
                    "kind": status["kind"],
                    "seconds_since_audio": status["seconds_since_audio"],
                    "open_alarms": opened[name],
                    "strip": self._strip(log, name, first, segments[name]),
                    **_listening(sources.get(name, "")),
                }
            )
        return {**self._times(now - _WEEK, now + _HOUR), "stations": stations}

    def _strip(self, log: Log, station: str, first: int, segments: Iterable[Json]) -> Json:
        """Return the cells of ten minutes: of the log, then of what is not written yet."""
        length = LENGTH * SECOND
        means: list[dict[str, float]] = [{} for _ in range(CELLS)]
        kinds = [""] * CELLS
        names: dict[str, None] = {}
        end = first + CELLS * length
        for part in log.bins(first, end, station):
            labels = part.layout.names[: part.layout.labels]
            for start, values in zip(part.starts, part.means.tolist(), strict=True):
                found = dict(zip(labels, values, strict=False))
                means[(start - first) // length] = {
                    name: value for name, value in found.items() if value == value
                }
        for segment in segments:
            for place in _places(segment, first, length):
                kinds[place] = segment["kind"]
        for cell in self.follower.cells(station):
            place = (cell.start - first) // length
            if 0 <= place < CELLS:
                means[place] = means[place] or cell.means
                kinds[place] = cell.kind or kinds[place]
        for each in means:
            names |= dict.fromkeys(each)
        shown = _strongest(names, means)
        rows = [
            [None if name not in each else round(each[name], 3) for each in means] for name in shown
        ]
        return {
            **{"start": first, "seconds": LENGTH, "names": shown, "kinds": kinds},
            **{"labels": [name.rpartition(".")[2] for name in shown], "values": rows},
        }

    # ---- Log

    def log(self, log: Log, query: Query) -> Json:
        """Return what was on air: segments with their titles, newest first."""
        start, end = questions.days(query, self.zone)
        station, kind = questions.station(query), questions.kind(query)
        segments = [
            _until_now(row)
            for row in log.segments(start, end, station)
            if kind in (None, row["kind"])
        ]
        count = len(segments)
        segments = segments[-MOST_ROWS:]
        titles = _by_station(log.tracks(start, end, station))
        rows = [
            {
                **{key: row[key] for key in ("station", "start", "end", "open", "kind")},
                "loudness": row["loudness"],
                "titles": _titles_of(row, titles[row["station"]]),
            }
            for row in reversed(segments)
        ]
        return {
            **self._times(start, end),
            "day": questions.day(query, self.zone).isoformat(),
            "stations": [row["name"] for row in log.stations()],
            "count": count,
            "rows": rows,
        }

    # ---- Day

    def day(self, log: Log, query: Query) -> Json:
        """Return a local day of each station: segments, alarms, and shares of each hour."""
        day, wanted = questions.day(query, self.zone), questions.station(query)
        start, end = day_of(day, self.zone)
        names = [row["name"] for row in log.stations()]
        segments = _by_station(map(_until_now, log.segments(start, end, wanted)))
        alarms = _by_station(map(self._alarm, log.alarms(start, end, wanted)))
        stations = [
            _day_of_station(name, segments[name], alarms[name], start, end)
            for name in names
            if wanted in (None, name)
        ]
        about = {"day": day.isoformat(), "hours": (end - start) / _HOUR, "names": names}
        return {**self._times(start, end), **about, "stations": stations}

    # ---- Alarms

    def alarms(self, log: Log, query: Query) -> Json:
        """Return alarms: those that are open first, then those of the days, newest first."""
        now = now_ms()
        if query.get("day") or query.get("days"):
            start, end = questions.days(query, self.zone)
        else:
            start, end = now - _WEEK, now + _HOUR
        station = questions.station(query)
        rows = [self._alarm(row) for row in log.alarms(start, max(end, start), station)]
        still = [self._alarm(row) for row in log.alarms(0, now + _HOUR, station, only_open=True)]
        closed = [row for row in rows if row["closed"] is not None]
        first = min([start, *(row["start"] for row in [*still, *closed])])
        return {
            **self._times(first, end),
            "stations": [row["name"] for row in log.stations()],
            "open": still[::-1][:MOST_ROWS],
            "closed": closed[::-1][:MOST_ROWS],
        }

    def _alarm(self, row: Json) -> Json:
        """Return an alarm with what its rule compares beside what was measured."""
        values, condition = row.pop("detail"), row.pop("condition")
        measured = [
            [{**each, "measured": values.get(each["name"])} for each in all_of]
            for all_of in condition.get("any_of", [])
        ]
        clip = row["clip"]
        there = bool(clip) and (self.folder / "clips" / clip).is_file()
        return {
            **row,
            "clip": f"api/v1/alarms/{row['id']}/clip" if there else None,
            "meaning": condition.get("meaning", ""),
            "hold": condition.get("hold"),
            "why": measured,
            "values": values,
        }

    # ---- Health

    def health(self, log: Log, query: Query) -> Json:
        """Return whether the monitor is well: its stations, its log, its messages, its events."""
        now = now_ms()
        problem = self.states.problem()
        stations = [
            {
                **{key: each[key] for key in ("station", "seconds_since_audio", "restarts")},
                "state": state_of(each),
            }
            for each in self.states.status()
        ]
        usage = shutil.disk_usage(self.folder)
        events = deque(log.events(now - _WEEK, now + _HOUR), maxlen=_EVENTS)
        return {
            **self._times(now - _WEEK, now + _HOUR),
            "ok": not problem,
            "problem": problem,
            "version": VERSION,
            "stations": stations,
            "counters": self.states.counters(),
            "log_bytes": log.bytes,
            "disk_free": usage.free,
            "disk_total": usage.total,
            "deliveries": log.deliveries(),
            "events": list(events)[::-1],
        }


def _until_now(row: Json) -> Json:
    """Return a segment; one that lasts ends now, and not where it was written last."""
    return {**row, "end": max(now_ms(), row["end"])} if row["open"] else row


def _day_of_station(name: str, rows: list[Json], alarms: list[Json], start: int, end: int) -> Json:
    """Return a station's part of a day: segments within it, and the seconds of each class."""
    segments = [[max(row["start"], start), min(row["end"], end), row["kind"]] for row in rows]
    hours = [
        {"start": edge, "seconds": _seconds(segments, edge, min(edge + _HOUR, end))}
        for edge in range(start, end, _HOUR)
    ]
    return {
        "station": name,
        "segments": segments,
        "alarms": alarms,
        "seconds": _seconds(segments, start, end),
        "hours": hours,
    }


def _places(segment: Mapping[str, Any], first: int, length: int) -> Iterable[int]:
    """Return the cells whose middle a segment has; one that lasts has all that follow."""
    start = max(-((first + length // 2 - segment["start"]) // length), 0)
    if segment["open"]:
        return range(start, CELLS)
    end = -((first + length // 2 - segment["end"]) // length)
    return range(start, min(max(end, start), CELLS))


def _strongest(names: Iterable[str], means: Sequence[Mapping[str, float]]) -> list[str]:
    """Return the labels with the largest values, in their order."""
    order = list(names)
    tops = {name: max(each.get(name, 0.0) for each in means) for name in order}
    kept = set(sorted(order, key=lambda name: -tops[name])[:_LABELS])
    return [name for name in order if name in kept]


def _listening(source: str) -> Json:
    """Return whether a station's stream can be listened to here, and its address for a link."""
    web = is_url(source) and source.partition(":")[0].lower() in ("http", "https")
    hls = web and source.partition("?")[0].lower().endswith(".m3u8")
    return {"source": source if web else None, "listen": web and not hls}


def _by_station(rows: Iterable[Json]) -> defaultdict[str, list[Json]]:
    found: defaultdict[str, list[Json]] = defaultdict(list)
    for row in rows:
        found[row["station"]].append(row)
    return found


def _titles_of(segment: Mapping[str, Any], tracks: list[Json]) -> list[str]:
    """Return the titles that a segment had for a while."""
    start, end = segment["start"], segment["end"]
    least = min(_TITLED, (end - start) / 2)
    first = max(bisect_left(tracks, start, key=lambda track: int(track["start"])) - 1, 0)
    found = []
    for track in islice(tracks, first, None):
        if track["start"] >= end:
            break
        until = end if track["open"] else track["end"]
        if min(until, end) - max(track["start"], start) >= least:
            artist, title = track["artist"], track["title"]
            found.append(f"{artist} - {title}" if artist else title)
    return found


def _seconds(segments: Iterable[Sequence[Any]], start: int, end: int) -> dict[str, float]:
    """Return the seconds of each class between two times."""
    found: dict[str, float] = {}
    for begin, until, kind in segments:
        shared = min(until, end) - max(begin, start)
        if shared > 0:
            found[kind] = found.get(kind, 0.0) + shared / 1000
    return found
