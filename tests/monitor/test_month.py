"""A month of stations with faults at random, through the real rules and database.

Three days of one station; PYPLUGIN_MONITOR_DAYS=30 for a month of four, by hand.
"""

import os
import resource

import numpy as np
from station_rows import BEGIN, COLUMNS

from pyplugin.monitor.alarms import Change
from pyplugin.monitor.columns import Rows
from pyplugin.monitor.rules import default_rules
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.storage import Log, Store

DAYS = int(os.environ.get("PYPLUGIN_MONITOR_DAYS", "3"))
STATIONS = 1 if DAYS < 30 else 4
HOUR = 3600
FAULTS = {"down": 30, "no programme": 20}  # seconds after which each is reported


def faults_of(random, hours):
    """One in most hours: (kind, second, length), some too short to be reported."""
    found = []
    for hour in range(hours):
        if random.random() < 0.7:
            kind = random.choice(list(FAULTS))
            length = int(random.integers(2, 90))
            found.append((str(kind), hour * HOUR + int(random.integers(200, 3400)), length))
    return found


def hour_of(random, hour, faults):
    """An hour of speech and music in turn, with what goes wrong in it."""
    times = BEGIN + 1000 * (hour * HOUR + np.arange(1, HOUR + 1))
    values = np.full((HOUR, len(COLUMNS.names)), np.nan, np.float32)
    music = np.repeat(random.random(HOUR // 60) < 0.6, 60)
    noise = 0.05 * random.standard_normal((HOUR, 2))
    values[:, 0] = np.clip(np.where(music, 0.1, 0.9) + noise[:, 0], 0, 1)
    values[:, 1] = np.clip(np.where(music, 0.9, 0.1) + noise[:, 1], 0, 1)
    level = -20 + 4 * random.standard_normal(HOUR)
    loudness = COLUMNS.index("loudness_momentary")
    down = COLUMNS.index("station.down")
    presence = COLUMNS.index("presence")
    values[:, down] = 0
    values[:, presence] = np.clip(0.8 + 0.1 * random.standard_normal(HOUR), 0.4, 1)
    for kind, start, length in faults:
        inside = slice(start - hour * HOUR, start - hour * HOUR + length)
        if kind == "no programme":
            level[inside] = -120
            values[inside, :2] = 0
            values[inside, presence] = 0
        else:
            values[inside] = np.nan
            values[inside, down] = 1
    level[values[:, down] == 1] = np.nan
    values[:, loudness] = level
    return Rows(times, values, np.repeat(values[:, [loudness]], 10, axis=1))


def run(store, name, hours, seed):
    """Log a station; return its faults and the changes of its alarms."""
    random = np.random.default_rng(seed)
    faults = faults_of(random, hours)
    station = store.station(name, "x", "any", time=BEGIN)
    log_of_it = StationLog(COLUMNS, default_rules("any", COLUMNS, ()))
    layout = store.layout(log_of_it.layout)
    changes = []
    for hour in range(hours):
        inside = [each for each in faults if each[1] // HOUR == hour]
        records = log_of_it.push(hour_of(random, hour, inside))
        records += log_of_it.snapshot(BEGIN + 1000 * (hour + 1) * HOUR)
        store.write(station, records, layout)
        changes += [each for each in records if isinstance(each, Change)]
    store.write(station, log_of_it.end(BEGIN + 1000 * hours * HOUR), layout)
    return faults, changes


def test_every_fault_is_reported_once_and_none_is_invented(tmp_path):
    hours = 24 * DAYS
    memory = []
    with Store(tmp_path) as store:
        for number in range(STATIONS):
            faults, changes = run(store, f"Station {number}", hours, number)
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            opened = [
                (each.rule, (each.start - BEGIN) / 1000)
                for each in changes
                if each.edge == "opened"
            ]
            closed = [
                (each.rule, (each.end - BEGIN) / 1000) for each in changes if each.edge == "closed"
            ]
            expected = [(kind, at, length) for kind, at, length in faults if length >= FAULTS[kind]]
            assert opened == [(kind, float(at)) for kind, at, _ in expected]
            assert closed == [(kind, float(at + length)) for kind, at, length in expected]
        assert max(memory) < 1.05 * memory[0]
        assert store.check() == []
        assert store.bytes < 2.5e6 * DAYS * STATIONS / 4 + 1e6
    with Log(tmp_path) as log:
        for number in range(STATIONS):
            segments = list(log.segments(0, 10**14, f"Station {number}"))
            ends = [row["end"] for row in segments]
            assert [row["start"] for row in segments] == [BEGIN, *ends[:-1]]  # no hole, no overlap
            assert ends[-1] == BEGIN + 1000 * hours * HOUR
            bins = log.bins(0, 10**14, f"Station {number}")
            assert sum(len(part.starts) for part in bins) >= hours * 360
