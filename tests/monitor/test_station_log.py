"""A station's log: rows and events in, records and changes of alarms out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_rows import BEGIN, COLUMNS, absent, in_parts, in_turn, played, silent, spoken

from pyplugin.inputs.input import Event
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.records import Bin, EventRecord, SegmentRecord, Track
from pyplugin.monitor.rules import default_rules
from pyplugin.monitor.station_log import StationLog


def station_log():
    return StationLog(COLUMNS, default_rules("any", COLUMNS, ()))


def of(kind, records):
    return [each for each in records if isinstance(each, kind)]


@settings(max_examples=30)
@given(st.lists(st.integers(1, 120), max_size=10), st.randoms(use_true_random=False))
def test_parts_of_any_size_give_the_same(sizes, random):
    makers = [spoken, played, silent, absent]
    made = in_turn(*(random.choice(makers)(random.randint(1, 70)) for _ in range(10)))
    made.values[:, COLUMNS.index("loudness_short")] = made.values[
        :, COLUMNS.index("loudness_momentary")
    ]

    def records(parts):
        at = station_log()
        found = [each for part in parts for each in at.push(part)]
        found += at.end(int(made.times[-1]))
        return (
            of(Change, found),
            of(Bin, found),
            [each for each in of(SegmentRecord, found) if not each.open],
        )

    def copy(part):
        return type(part)(part.times, part.values.copy(), part.momentary)

    whole = records([copy(made)])
    assert records([copy(part) for part in in_parts(made, sizes)]) == whole


def test_titles_become_tracks_with_what_was_on_during_them():
    at = station_log()
    records = at.event(BEGIN, Event("title", "Title", title="Band - Song"))
    assert at.title == "Band - Song"
    at.push(played(100))
    records += at.event(BEGIN + 100_000, Event("title", "Title", title="News"))
    made = spoken(50)
    at.push(type(made)(made.times + 100_000, made.values, made.momentary))
    records += at.event(BEGIN + 150_000, Event("title", "Title", title=""))
    done = [each for each in of(Track, records) if not each.open]
    assert [(each.artist, each.title) for each in done] == [("Band", "Song"), ("", "News")]
    assert [each.end - each.start for each in done] == [100_000, 50_000]
    assert done[0].music > 0.9 > 0.1 > done[0].speech
    assert done[1].speech > 0.8
    assert at.title == ""


def test_the_age_of_a_title_is_counted():
    at = station_log()
    at.push(played(10))
    assert "station.title_age" not in at.latest
    at.event(BEGIN + 10_000, Event("title", "Title", title="Song"))
    made = played(60)
    at.push(type(made)(made.times + 10_000, made.values, made.momentary))
    assert at.latest["station.title_age"] == 60


@pytest.mark.parametrize("title_first", [True, False])
def test_another_format_without_a_title_is_a_fallback(title_first):
    at = station_log()
    at.event(BEGIN - 60_000, Event("title", "Title", title="Song"))
    events = [Event("format", "Now 22050 Hz, 1 channel."), Event("title", "Title: none")]
    for index, event in enumerate(events[:: -1 if title_first else 1]):
        at.event(BEGIN + 500 * index, event)
    changes = of(Change, at.push(played(30)))
    assert [(each.rule, each.edge) for each in changes] == [("fallback", "opened")]
    at.event(BEGIN + 30_000, Event("format", "Now 44100 Hz, 2 channels."))
    made = played(30)
    changes = of(Change, at.push(type(made)(made.times + 30_000, made.values, made.momentary)))
    assert [(each.rule, each.edge) for each in changes] == [("fallback", "closed")]


def test_another_format_of_another_connection_is_no_fallback():
    at = station_log()
    at.event(BEGIN, Event("reconnected", "It is back."))
    at.event(BEGIN + 100, Event("format", "Now 22050 Hz, 1 channel."))
    at.event(BEGIN + 200, Event("title", "Title: none"))
    assert not of(Change, at.push(played(30)))


def test_a_set_clock_ends_the_segment_and_no_length_is_wrong():
    at = station_log()
    at.push(played(100))
    step = -3_600_000
    records = at.clock_set(BEGIN + 100_000 + step, step)
    (ended,) = of(SegmentRecord, records)
    assert (ended.start, ended.end) == (BEGIN, BEGIN + 100_000)
    assert [each.kind for each in of(EventRecord, records)] == ["clock"]
    made = played(20)
    at.push(type(made)(made.times + 100_000 + step, made.values, made.momentary))
    (again,) = [each for each in of(SegmentRecord, at.end(0)) if not each.open]
    assert again.end - again.start == 20_000
    assert np.isfinite(list(at.latest.values())).all()
