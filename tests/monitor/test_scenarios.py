"""What was reported of other monitors, and what is right: through the real rules and database.

Rows of a made-up station take the place of time, so that days last seconds.
"""

from datetime import datetime, timezone
from itertools import pairwise

import faults
import numpy as np
import pytest
from station_rows import (
    BEGIN,
    COLUMNS,
    absent,
    in_turn,
    measured,
    moved,
    played,
    silent,
    spoken,
)

from pyplugin.inputs.input import Event
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.config import parse_config
from pyplugin.monitor.records import EventRecord, SegmentRecord
from pyplugin.monitor.rules import default_rules, rules_of
from pyplugin.monitor.segments import CLASSES, Segmenter
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.storage import Log, Store

HOUR = 3600


def of(kind, records):
    return [each for each in records if isinstance(each, kind)]


def edges(records):
    return [(each.rule, each.edge) for each in of(Change, records)]


# ---- short interruptions: AzuraCast#7642


def test_ten_interruptions_an_hour_raise_no_alarm_and_no_second_counts_twice(tmp_path):
    log = StationLog(COLUMNS, default_rules("any", COLUMNS, ()))
    day = datetime(2023, 11, 15, tzinfo=timezone.utc)
    begin = round(day.timestamp() * 1000) - BEGIN
    hour = in_turn(*[part for _ in range(10) for part in (played(357, presence=0.9), absent(3))])
    with Store(tmp_path) as store:
        station, layout = store.station("FM", "x", "any", time=0), store.layout(log.layout)
        for number in range(24):
            part = moved(hour, number * HOUR + begin // 1000)
            records = log.push(part)
            for time in part.times[360 - 1 :: 360]:
                records += log.event(int(time), Event("gap", "3 s are missing.", 3 * 44100))
            assert edges(records) == []
            store.write(station, records, layout)
        store.write(station, log.end(BEGIN + begin + 24 * HOUR * 1000), layout)
        store.roll_up(day.date(), timezone.utc)
    with Log(tmp_path) as read:
        seconds = {row["kind"]: row["seconds"] for row in read.days()}
        assert len(list(read.events(0, 10**14))) == 240
    assert seconds == {"music": 24 * (HOUR - 30), "off air": 24 * 30}


# ---- rules by station: eas-station's silence rule for all of them, silan#5


def test_a_station_that_is_silent_by_design_has_no_alarm_and_the_other_has():
    config = parse_config("""
        [[station]]
        name = "Church"
        command = "x"
        [[station]]
        name = "News"
        command = "x"
        kind = "talk"
        [[alarm]]
        name = "no programme"
        station = "Church"
        when = "no programme"
        enabled = false
        [[alarm]]
        name = "Church is dead"
        station = "Church"
        when = "no programme"
        for = "3h"
    """)
    quiet = in_turn(spoken(60), silent(2 * HOUR, presence=0), spoken(60))
    found = {}
    for station in config.stations:
        log = StationLog(COLUMNS, rules_of(station, COLUMNS, config))
        found[station.name] = edges(
            log.push(type(quiet)(quiet.times, quiet.values.copy(), quiet.momentary))
        )
    assert found["Church"] == []
    assert [edge for rule, edge in found["News"] if rule == "no programme"] == ["opened", "closed"]
    assert "Church is dead" not in dict(found["News"])


# ---- speech over music, and hold music


@pytest.mark.parametrize("below", [12, 6])
@pytest.mark.parametrize("bed", ["jrpg-battle-loop-p01", "lunar-joyride-p01"])
def test_talk_over_a_bed_is_one_segment(bed, below):
    folder, count = faults.DATA / "labelled", 45 * faults.RATE
    readers = sorted((folder / "speech").glob("librivox-*.ogg"))
    voice = np.concatenate([faults.at_level(faults.decoded(path), -20) for path in readers])
    music = faults.at_level(faults.decoded(folder / "music" / f"{bed}.ogg"), -20 - below)
    mixed = 0.5 * (np.resize(voice, count) + np.resize(music, count))
    columns, made = measured(mixed[np.newaxis].astype(np.float32), faults.RATE)
    segmenter = Segmenter(columns)
    kinds = [CLASSES[each.kind] for each in segmenter.push(made)]
    assert kinds in ([], ["other"])  # while the model and the mean of five seconds settle
    assert CLASSES[segmenter.end().kind] == "speech over music"


def test_hold_music_on_a_talk_station():
    config = parse_config("""
        [[station]]
        name = "News"
        command = "x"
        kind = "talk"
        [[alarm]]
        name = "Hold music"
        when = "music > 0.7 and speech < 0.2"
        for = "20m"
    """)
    log = StationLog(COLUMNS, rules_of(config.stations[0], COLUMNS, config))
    made = in_turn(
        *(spoken(600, presence=0.9), played(240, presence=0.9)),  # a jingle and a song
        *(spoken(600, presence=0.9), played(1830, presence=0.9), spoken(600, presence=0.9)),
    )
    changes = of(Change, log.push(made))
    found = [(each.rule, each.edge, (each.time - BEGIN) // 1000) for each in changes]
    begin = 600 + 240 + 600
    assert found == [
        ("Hold music", "opened", begin + 1200),
        ("no speech", "opened", begin + 1800),
        ("no speech", "closed", begin + 1830 + 30),
        ("Hold music", "closed", begin + 1830 + 60),
    ]


# ---- what is open when a station vanishes


def test_what_is_open_when_a_station_vanishes_ends_there_with_the_reason():
    log = StationLog(COLUMNS, default_rules("any", COLUMNS, ()))
    made = in_turn(spoken(100), silent(100, presence=0), absent(100), spoken(50, presence=0.9))
    records = log.push(made)
    changes = of(Change, records)
    assert [(each.rule, each.edge, each.reason) for each in changes] == [
        ("no programme", "opened", ""),
        ("no programme", "closed", "down"),
        ("down", "opened", ""),
        ("down", "closed", "over"),
    ]
    assert (changes[1].end - BEGIN) / 1000 == 200
    ended = [each for each in of(SegmentRecord, records) if not each.open]
    assert [each.kind for each in ended] == ["speech", "silence", "off air"]
    assert all(before.end == after.start for before, after in pairwise(ended))
    stopped = log.end(int(made.times[-1]))
    assert [each.open for each in of(SegmentRecord, stopped)] == [False]
    assert not of(EventRecord, stopped)
