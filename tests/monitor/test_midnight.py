"""Midnight with all sources live: days are summed up, what is old goes, nothing stops."""

import threading
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from station_rows import BEGIN, COLUMNS, moved, played, spoken

from pyplugin.monitor import writer as module
from pyplugin.monitor.config import Settings
from pyplugin.monitor.records import EventRecord, SegmentRecord
from pyplugin.monitor.rules import default_rules
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.storage import Log
from pyplugin.monitor.writer import LogWriter

MIDNIGHT = datetime(2026, 11, 30)
STATIONS, HOURS, STEP = 4, 4, 60  # two hours before and two after; seconds of rows at once


def utc(moment):
    return round(moment.timestamp() * 1000)


def test_midnight_with_four_stations(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ROUND", 0.0)
    now = [utc(MIDNIGHT - timedelta(hours=2))]
    settings = replace(Settings(str(tmp_path)), commit=0.02, keep_log=7 * 86400.0)
    writer = LogWriter(settings, lambda *about: None, lambda: now[0])
    numbers = [writer.store.station(f"FM {n}", "x", "any", time=0) for n in range(STATIONS)]
    old = [SegmentRecord("music", 1000 * n, 1000 * n + 1000, False, -20.0, {}) for n in range(5000)]
    writer.store.write(numbers[0], old)  # of 1970
    logs = [StationLog(COLUMNS, default_rules("any", COLUMNS, ())) for _ in numbers]
    layout = writer.store.layout(logs[0].layout)
    writer.start(lambda: None)
    turns = threading.Barrier(STATIONS + 1, timeout=60)
    first = (now[0] - BEGIN) // 1000

    def listen(place):
        for step in range(HOURS * 3600 // STEP):
            make = played if step // 5 % 2 else spoken  # in turn, every five minutes
            part = moved(make(STEP, presence=0.9), first + step * STEP)
            writer.put(numbers[place], layout, logs[place].push(part))
            turns.wait()

    threads = [threading.Thread(target=listen, args=(n,), daemon=True) for n in range(STATIONS)]
    for thread in threads:
        thread.start()
    for _ in range(HOURS * 3600 // STEP):
        turns.wait()
        now[0] += STEP * 1000
    for number, log in zip(numbers, logs, strict=True):
        writer.put(number, layout, log.end(now[0]))
    for thread in threads:
        thread.join()
    writer.put(numbers[0], layout, [EventRecord(now[0], "gap", "the last")])
    writer.stop()
    assert writer.lost == 0
    with Log(tmp_path) as log:
        for name in (f"FM {n}" for n in range(STATIONS)):
            segments = list(log.segments(0, 10**14, name))
            assert segments[0]["start"] == utc(MIDNIGHT - timedelta(hours=2))  # 1970 is gone
            assert segments[-1]["end"] == utc(MIDNIGHT + timedelta(hours=2))
            ends = [row["end"] for row in segments]
            assert [row["start"] for row in segments][1:] == ends[:-1]
            assert sum(len(part.starts) for part in log.bins(0, 10**14, name)) == HOURS * 360
            days = {}
            for row in log.days(name):
                days[row["day"]] = days.get(row["day"], 0) + row["seconds"]
            assert days == pytest.approx({"2026-11-29": 7200, "2026-11-30": 7200})


def test_days_are_summed_up_after_a_pause_of_a_week(tmp_path):
    day = date(2026, 11, 20)
    start = utc(datetime(2026, 11, 20, 23))
    segment = SegmentRecord("music", start, start + 1_800_000, False, -20.0, {})
    more = replace(segment, start=start + 1_800_000, end=start + 3_600_000)

    def monitored(today, record):
        writer = LogWriter(Settings(str(tmp_path), commit=0.02), lambda *about: None)
        station = writer.store.station("FM", "x", "any", time=0)
        writer.store.write(station, [record])
        writer.roll_up(today)
        return writer

    monitored(day, segment).stop()
    monitored(day + timedelta(days=8), more).stop()  # the rest of that day came after the last sum
    with Log(tmp_path) as log:
        (row,) = log.days()
    assert (row["day"], row["seconds"]) == ("2026-11-20", 3600)
