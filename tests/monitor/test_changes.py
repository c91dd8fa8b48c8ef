"""Titles and the sound that they are of: AzuraCast#6695."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_rows import BEGIN, COLUMNS, absent, in_parts, in_turn, played

from pyplugin.inputs.input import Event
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.changes import TitleWatch
from pyplugin.monitor.config import parse_config
from pyplugin.monitor.rules import default_rules, rules_of
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.storage import Log, Store
from pyplugin.monitor.titles import with_changes

HOUR = 3600


def of(kind, records):
    return [each for each in records if isinstance(each, kind)]


def edges(records):
    return [(each.rule, each.edge) for each in of(Change, records)]


def with_title(log, second, title):
    return log.event(BEGIN + 1000 * second, Event("title", "Title", title=title))


def kind_of_sound(count, **more):
    """Rows with what is compared: a steady programme."""
    usual = {"brightness_hz": 1500, "flatness": 0.02, "flux": 0.2, "percussive": 0.3}
    return played(count, **{**usual, "crest_db": 12, "presence": 0.9, **more})


OTHER = {"brightness_hz": 3000, "flatness": 0.06, "flux": 0.4, "percussive": 0.6, "music": 0.8}


def titled(parts, titles):
    """The log of a station that sends these parts, with titles by second; and its records."""
    log = StationLog(COLUMNS, default_rules("any", COLUMNS, ()))
    made, records, at = in_turn(*parts), [], 0
    for second, title in [*titles.items(), (len(made), None)]:
        records += log.push(made.part(at, second))
        at = second
        if title is not None:
            records += with_title(log, second, title)
    return log, records


def test_a_title_ahead_of_its_sound_is_reported_with_the_time_and_raises_no_alarm(tmp_path):
    parts = [kind_of_sound(340), kind_of_sound(400, **OTHER)]
    log, records = titled(parts, {10: "One", 300: "Two"})
    assert edges(records) == []
    assert log.latest["station.title_alone"] == 0
    with Store(tmp_path) as store:
        station = store.station("FM", "x", "any", time=0)
        store.write(station, records + log.end(BEGIN + 740_000), store.layout(log.layout))
    with Log(tmp_path) as read:
        tracks = list(with_changes(read.tracks(0, 10**14), read))
    assert [(each["title"], each["compared"]) for each in tracks] == [("One", True), ("Two", True)]
    assert tracks[0]["change"] is None
    assert tracks[1]["change"] == pytest.approx(40, abs=10)


@pytest.mark.parametrize(
    ("parts", "alone"),
    [
        ([kind_of_sound(1000)], True),
        ([kind_of_sound(300), kind_of_sound(700, **OTHER)], False),
        ([kind_of_sound(395), kind_of_sound(605, **OTHER)], False),  # 95 s later
        ([kind_of_sound(250), absent(60), kind_of_sound(690)], False),  # nobody knows
        ([kind_of_sound(600), kind_of_sound(400, **OTHER)], None),  # until the sound changes
    ],
)
def test_a_title_without_a_change_of_sound_is_a_condition_without_an_alarm(parts, alone):
    config = parse_config("""
        [[station]]
        name = "FM"
        command = "x"
        [[alarm]]
        name = "Wrong titles"
        when = "title without change of sound"
    """)
    log = StationLog(COLUMNS, rules_of(config.stations[0], COLUMNS, config))
    made = in_turn(*parts)
    with_title(log, 0, "One")
    records = log.push(made.part(0, 300))
    with_title(log, 300, "Two")
    records += log.push(made.part(300, 1000))
    found = edges(records)
    if alone:
        assert found == [("Wrong titles", "opened")]
        (change,) = of(Change, records)
        assert 420 <= (change.time - BEGIN) / 1000 <= 440
    else:
        expected = ["opened", "closed"] if alone is None else []
        assert [edge for rule, edge in found if rule == "Wrong titles"] == expected
    by_default = titled(parts, {0: "One", 300: "Two"})[1]
    assert not [rule for rule, _ in edges(by_default) if rule.startswith("title")]


def test_the_same_title_for_hours_is_an_alarm_only_where_it_is_asked_for():
    config = parse_config("""
        [[station]]
        name = "FM"
        command = "x"
        [[alarm]]
        name = "title frozen"
        when = "title frozen"
    """)
    asked = StationLog(COLUMNS, rules_of(config.stations[0], COLUMNS, config))
    usual = StationLog(COLUMNS, default_rules("any", COLUMNS, ()))
    for log, expected in ((asked, [("title frozen", "opened")]), (usual, [])):
        with_title(log, 0, "One")
        assert edges(log.push(kind_of_sound(2 * HOUR + 60))) == expected
        assert log.latest["station.title_age"] == 2 * HOUR + 60


@settings(max_examples=25)
@given(st.lists(st.integers(1, 200), max_size=10))
def test_parts_of_any_size_give_the_same(sizes):
    made = in_turn(kind_of_sound(500), kind_of_sound(300, **OTHER))

    def alone(sizes):
        watch, found = TitleWatch(COLUMNS), []
        watch.title(BEGIN + 200_000, another=True)
        for part in in_parts(made, sizes):
            found += watch.push(part).tolist()
        return found

    whole = alone([])
    assert alone(sizes) == whole
    assert not any(whole[:319])
    assert all(whole[330:500])
    assert not any(whole[540:])
