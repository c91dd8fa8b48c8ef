"""The thread that writes: what is urgent at once, scores later, and a full disk harms nothing."""

import time

import pytest
from frames import until
from station_rows import COLUMNS, rows

from pyplugin.monitor import writer as module
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.bins import Layout
from pyplugin.monitor.config import Settings
from pyplugin.monitor.records import Bin, EventRecord, SegmentRecord
from pyplugin.monitor.storage import Log
from pyplugin.monitor.writer import LogWriter

LAYOUT = Layout.of(COLUMNS)
PACKED = LAYOUT.pack(rows(10, speech=0.5).values)


@pytest.fixture
def written(tmp_path):
    """A writer with a station, and the changes that it reported."""
    changes = []
    writer = LogWriter(
        Settings(str(tmp_path), commit=1.0), lambda *about: changes.append(about), lambda: 10**7
    )
    station = writer.store.station("Test FM", "x", "any", time=0)
    layout = writer.store.layout(LAYOUT)
    writer.start(lambda: None)
    yield writer, station, layout, changes
    writer.stop()


def counts(folder):
    with Log(folder) as log:
        bins = sum(len(part.starts) for part in log.bins(0, 10**14, "Test FM"))
        return len(list(log.events(0, 10**14))), bins


def test_events_are_there_at_once_and_scores_after_a_while(written, tmp_path):
    writer, station, layout, _ = written
    begun = time.monotonic()
    writer.put(station, layout, [Bin(0, 10, PACKED), EventRecord(5, "gap", "x")])
    assert until(lambda: counts(tmp_path)[0] == 1, 5)
    assert until(lambda: counts(tmp_path)[1] == 1, 5)
    assert time.monotonic() - begun > 0.5


def test_a_full_disk_loses_no_alarm_and_no_score_once_there_is_room(written, tmp_path):
    writer, station, layout, changes = written
    assert (tmp_path / "ballast").stat().st_size == 8_000_000
    (pages,) = writer.store._database.execute("PRAGMA page_count").fetchone()
    writer.do(lambda store: store._database.execute(f"PRAGMA max_page_count = {pages}"))
    for number in range(200):
        segment = SegmentRecord("music", 1000 * number, 1000 * number + 500, False, -20.0, {})
        writer.put(station, layout, [Bin(10_000 * number, 10, PACKED), segment])
    writer.put(station, layout, [Change("silence", "opened", 30_000, 10_000)])
    assert until(lambda: changes, 10)  # it is sent although it cannot be written
    assert changes[0][1].rule == "silence"
    assert until(lambda: writer.failure, 10)
    assert "cannot be written" in writer.failure
    assert not (tmp_path / "ballast").exists()
    writer.do(lambda store: store._database.execute("PRAGMA max_page_count = 1000000"))
    assert until(lambda: not writer.failure, 10)
    assert until(lambda: counts(tmp_path)[1] == 200, 10)
    with Log(tmp_path) as log:
        assert len(list(log.segments(0, 10**14))) == 200
        assert [row["kind"] for row in log.events(0, 10**14)] == ["disk"]
    assert until(lambda: (tmp_path / "ballast").exists(), 10)
    assert writer.lost == 0


def test_an_alarm_that_could_not_be_written_is_written_when_it_can_be(written, tmp_path):
    writer, station, layout, changes = written
    (pages,) = writer.store._database.execute("PRAGMA page_count").fetchone()
    writer.do(lambda store: store._database.execute(f"PRAGMA max_page_count = {pages}"))
    filler = [EventRecord(n, "gap", "x" * 5000) for n in range(3)]
    writer.put(station, layout, filler)
    writer.put(station, layout, [Change("silence", "opened", 30_000, 10_000), *filler])
    assert until(lambda: changes, 10)
    writer.do(lambda store: store._database.execute("PRAGMA max_page_count = 1000000"))

    def alarms():
        with Log(tmp_path) as log:
            return [row["rule"] for row in log.alarms(0, 10**14)]

    assert until(lambda: alarms() == ["silence"], 10)
    assert len(changes) == 1


def test_the_end_writes_what_waits(tmp_path):
    writer = LogWriter(Settings(str(tmp_path), commit=3600.0), lambda *about: None, lambda: 10**7)
    station = writer.store.station("Test FM", "x", "any", time=0)
    layout = writer.store.layout(LAYOUT)
    writer.start(lambda: None)
    writer.put(station, layout, [Bin(0, 10, PACKED)])
    writer.stop()
    assert counts(tmp_path) == (0, 1)


def test_a_failure_to_report_an_alarm_stops_nothing(tmp_path):
    def report(*about):
        raise BrokenPipeError

    writer = LogWriter(Settings(str(tmp_path)), report, lambda: 10**7)
    station = writer.store.station("Test FM", "x", "any", time=0)
    writer.start(lambda: None)
    writer.put(station, 0, [Change("silence", "opened", 30_000, 10_000)])
    writer.put(station, 0, [EventRecord(5, "gap", "x")])
    writer.stop()
    assert counts(tmp_path) == (1, 0)


def test_scores_are_given_up_before_anything_else(written, tmp_path, monkeypatch):
    writer, station, layout, _ = written
    monkeypatch.setattr(module, "_MOST", 10)
    (pages,) = writer.store._database.execute("PRAGMA page_count").fetchone()
    writer.query(lambda store: store._database.execute(f"PRAGMA max_page_count = {pages}"))
    long = [EventRecord(n, "gap", "x" * 5000) for n in range(3)]
    writer.put(station, layout, long)
    for number in range(40):
        writer.put(station, layout, [Bin(10_000 * number, 10, PACKED)])
    writer.query(lambda store: store._database.execute("PRAGMA max_page_count = 1000000"))
    assert until(lambda: counts(tmp_path)[0] >= 3, 10)
    assert until(lambda: writer.lost == 40 - counts(tmp_path)[1], 10)
    assert writer.lost > 0
