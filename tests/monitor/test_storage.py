"""The database: what is written is there, after a kill too, and is readable by sqlite3 alone."""

import os
import signal
import sqlite3
import subprocess
import sys
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from pyplugin.monitor.alarms import Change, Standing
from pyplugin.monitor.records import EventRecord, SegmentRecord, Standings, Track
from pyplugin.monitor.schema import NAME, VERSION, StorageError
from pyplugin.monitor.storage import Log, Store, day_of
from pyplugin.monitor.times import local


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path) as made:
        yield made


def segment(start, end, kind="music", *, open=False):
    return SegmentRecord(kind, start, end, open, -23.0, {"tag.scene.music": 0.9})


def test_records_come_back(store, tmp_path):
    station = store.station("Test FM", "https://radio.example", "music", time=5)
    assert store.station("Test FM", "https://other.example", "talk", time=9) == station
    store.write(
        station,
        [
            segment(0, 1000, open=True),
            segment(0, 5000),  # replaces it
            Track(100, 4000, False, "Song", "Band", 0.9, 0.1),
            EventRecord(50, "gap", "1 s is missing."),
        ],
    )
    with Log(tmp_path) as log:
        assert log.stations()[0]["kind"] == "talk"
        (found,) = log.segments(0, 10_000)
        assert (found["start"], found["end"], found["open"]) == (0, 5000, False)
        assert found["means"] == {"tag.scene.music": 0.9}
        assert not list(log.segments(5000, 10_000))
        assert next(iter(log.tracks(0, 10_000)))["artist"] == "Band"
        assert next(iter(log.events(0, 100, "Test FM")))["message"] == "1 s is missing."


def test_the_segments_of_a_time_are_all_that_reach_into_it(store, tmp_path):
    random = np.random.default_rng(1)
    hour, now = 3_600_000, 1_800_000_000_000
    written = []
    for name, lengths, end in (
        ("steady", (0.02, 1.0), now),
        ("off air for days", (0.5, 250.0), now),
        ("gone", (0.1, 3.0), now - 500 * hour),
        ("never", (), 0),
    ):
        station = store.station(name, "x", "any", time=0)
        at = now - 1500 * hour
        records = []
        while lengths and at < end:
            until = at + round(hour * random.uniform(*lengths))
            records.append(segment(at, min(until, end)))
            at = until
        records += [segment(at - 3 * hour, at - 2 * hour)] if name == "steady" else []  # set back
        store.write(station, records)
        written += [(each.start, each.end, name) for each in records]
    for day in range(70):
        store.roll_up(local(now - 24 * hour * day).date())
    with Log(tmp_path) as log:
        for start in (now - round(hours * hour) for hours in random.uniform(0, 1500, 60)):
            end = start + round(random.uniform(0, 48) * hour)
            found = {(row["start"], row["end"], row["station"]) for row in log.segments(start, end)}
            assert found == {each for each in written if each[0] < end and each[1] > start}
            one = {row["start"] for row in log.segments(start, end, "gone")}
            assert one == {each[0] for each in found if each[2] == "gone"}


def test_an_alarm_opens_and_closes_once(store, tmp_path):
    station = store.station("Test FM", "x", "any", time=0)
    opened = Change("silence", "opened", 20_000, 0, values={"signal.rms_db": -80.0})
    (number,) = store.write(station, [opened])
    assert store.write(station, [opened]) == [number]  # it is open already
    assert store.standings(station)["silence"] == Standing(0, 20_000, 20_000)
    closed = Change("silence", "closed", 33_000, 0, 30_000, "over")
    assert store.write(station, [closed, closed]) == [number, 0]
    assert store.standings(station) == {}
    assert store.acknowledge(number, 40_000, "known")
    with Log(tmp_path) as log:
        (alarm,) = log.alarms(0, 10**9)
    assert (alarm["end"], alarm["closed"], alarm["note"]) == (30_000, 33_000, "known")
    assert alarm["detail"] == {"signal.rms_db": -80.0}


def test_standings_are_those_that_were_written_last(store):
    station = store.station("Test FM", "x", "any", time=0)
    store.write(station, [Standings({"a": Standing(1, 2, None), "b": Standing()})])
    assert store.standings(station) == {"a": Standing(1, 2, None)}
    store.write(station, [Standings({})])
    assert store.standings(station) == {}


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_days_have_23_and_25_hours(store, tmp_path, day, hours):
    zone = ZoneInfo("Europe/Berlin")
    station = store.station("Test FM", "x", "any", time=0)
    start, end = day_of(date(*day), zone)
    assert end - start == hours * 3_600_000
    noon = (start + end) // 2
    store.write(station, [segment(start - 10**7, noon), segment(noon, end + 10**7, "speech")])
    store.roll_up(date(*day), zone)
    with Log(tmp_path) as log:
        seconds = {row["kind"]: row["seconds"] for row in log.days()}
    assert seconds == {"music": hours * 1800, "speech": hours * 1800}


def test_what_is_old_is_deleted_in_small_steps(store):
    station = store.station("Test FM", "x", "any", time=0)
    store.write(station, [segment(1000 * n, 1000 * n + 1000) for n in range(50)])
    counts = []
    while count := store.purge(0, 20_000, most=7):
        counts.append(count)
    assert counts == [7, 7, 6]


def test_a_database_of_a_later_version_is_refused(tmp_path):
    Store(tmp_path).close()
    with sqlite3.connect(tmp_path / NAME) as database:
        database.execute(f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(StorageError, match=rf"version {VERSION + 1}; this program knows {VERSION}"):
        Store(tmp_path)


@pytest.mark.parametrize("content", [b"no database", b"SQLite format 3\0" + b"x" * 4096])
def test_a_damaged_file_is_refused_and_kept(tmp_path, content):
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"cannot be (opened|used)"):
        Store(tmp_path)
    assert path.read_bytes() == content


def test_no_log_names_the_command(tmp_path):
    with pytest.raises(StorageError, match="tagnode monitor run"):
        Log(tmp_path)


WRITES = """
import sys
from pyplugin.monitor.records import EventRecord
from pyplugin.monitor.storage import Store
store = Store(sys.argv[1])
station = store.station("Test FM", "x", "any", time=0)
for number in range(10**6):
    store.write(station, [EventRecord(number, "gap", "x" * 100)] * 3)
    print(number, flush=True)
"""


@pytest.mark.parametrize("after", [1, 100, 1000])
def test_what_was_committed_survives_a_kill(tmp_path, after):
    command = [sys.executable, "-c", WRITES, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        last = 0
        for line in process.stdout:
            last = int(line)
            if last == after:
                os.kill(process.pid, signal.SIGKILL)
                break
        last = max([last, *(int(line) for line in process.stdout if line.strip().isdigit())])
    with Store(tmp_path) as store:
        assert store.check() == []
    with Log(tmp_path) as log:
        times = [event["time"] for event in log.events(0, 10**9)]
    assert len(times) % 3 == 0  # a transaction is there or not
    assert set(range(last + 1)) <= set(times)
