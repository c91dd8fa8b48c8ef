"""When alarms open and close: against a loop over seconds that reads like the description."""

from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyplugin.monitor.alarms import AlarmBook, AlarmTimer, Standing
from pyplugin.monitor.columns import Columns, Rows
from pyplugin.monitor.conditions import parse_condition
from pyplugin.monitor.rules import Rule
from pyplugin.monitor.times import parse_between

COLUMNS = Columns(("tag.scene.speech", "tag.scene.music"))
BEGIN = 1_700_000_000_000


def rule(hold=20.0, clear=3.0, **more):
    return Rule("a", parse_condition("music > 0.5", COLUMNS), hold, clear, **more)


def by_hand(times, holds, hold, clear):
    """What the documentation says, second by second."""
    start = last = opened = None
    found = []
    for time, held in zip(times, holds, strict=True):
        if held:
            if start is not None and time - 1000 - last >= clear * 1000:
                if opened:
                    found.append(("closed", time - 1000, start))
                start = opened = None
            if start is None:
                start = time - 1000
            if not opened and time - start >= hold * 1000:
                opened = True
                found.append(("opened", time, start))
            last = time
        elif start is not None and time - last >= clear * 1000:
            if opened:
                found.append(("closed", time, start))
            start = opened = None
    return found


# Runs of held and not held seconds, with holes in between
RUNS = st.lists(st.tuples(st.booleans(), st.integers(1, 30), st.integers(0, 8)), max_size=20)


@settings(max_examples=300)
@given(RUNS, st.integers(0, 25), st.integers(1, 8), st.data())
def test_it_is_as_described_however_the_rows_are_split(runs, hold, clear, data):
    times, holds, now = [], [], BEGIN
    for held, length, hole in runs:
        now += 1000 * hole
        for _ in range(length):
            now += 1000
            times.append(now)
            holds.append(held)
    timer = AlarmTimer(rule(hold, clear))
    at, changes = 0, []
    while at < len(times):
        size = data.draw(st.integers(1, len(times)))
        part = slice(at, at + size)
        changes += timer.push(np.array(times[part]), np.array(holds[part], bool))
        at += size
    got = [(change.edge, change.time, change.start) for change in changes]
    assert got == by_hand(times, holds, hold, clear)


def test_an_open_alarm_survives_a_restart_and_closes():
    timer = AlarmTimer(rule())
    times = BEGIN + 1000 * np.arange(1, 31)
    assert [each.edge for each in timer.push(times, np.ones(30, bool))] == ["opened"]
    again = AlarmTimer(rule(), Standing(**vars(timer.standing)))
    later = times[-1] + 1000 * np.arange(1, 11)
    changes = again.push(later, np.zeros(10, bool))
    assert [(each.edge, each.start) for each in changes] == [("closed", BEGIN)]


def test_it_is_repeated_while_it_is_open():
    timer = AlarmTimer(rule(hold=10, repeat=60))
    times = BEGIN + 1000 * np.arange(1, 201)
    edges = [(each.edge, each.time - BEGIN) for each in timer.push(times, np.ones(200, bool))]
    assert edges == [("opened", 10_000), *(("repeated", 10_000 + 60_000 * n) for n in (1, 2, 3))]


def book(*rules):
    utc = lambda ms: datetime.fromtimestamp(ms / 1000, timezone.utc)  # noqa: E731
    return AlarmBook(list(rules), COLUMNS.index("station.down"), COLUMNS.names, None, utc)


def rows(times, **values):
    made = np.full((len(times), len(COLUMNS.names)), np.nan, np.float32)
    made[:, COLUMNS.index("station.down")] = 0
    for name, value in values.items():
        made[:, COLUMNS.index(name)] = value
    return Rows(np.asarray(times), made, np.full((len(times), 1), np.nan, np.float32))


def test_it_counts_in_its_part_of_the_day_only():
    noon = round(datetime(2026, 11, 30, 12, tzinfo=timezone.utc).timestamp() * 1000)
    times = noon + 1000 * np.arange(-3600, 3600)
    changes = book(rule(hold=5, between=parse_between("12:00-12:30"))).push(rows(times, music=1))
    assert [(each.edge, each.time - noon) for each in changes] == [
        ("opened", 4_000),  # the row that ends at noon lies before it, but its end does not
        ("closed", 1_802_000),
    ]


def test_it_does_not_count_outside_the_hours_in_which_its_station_sends():
    noon = round(datetime(2026, 11, 30, 12, tzinfo=timezone.utc).timestamp() * 1000)
    times = noon + 1000 * np.arange(-3600, 3600)
    made = rule(hold=5, between=parse_between("11:30-12:30"), on_air=parse_between("12:00-24:00"))
    changes = book(made).push(rows(times, music=1))
    assert [(each.edge, each.time - noon) for each in changes] == [
        ("opened", 4_000),
        ("closed", 1_802_000),
    ]
    assert "while it is on air, 12:00-24:00" in made.sentence("FM")


def test_going_off_air_closes_what_is_open_with_that_reason():
    times = BEGIN + 1000 * np.arange(1, 61)
    made = rows(times, music=1)
    made.values[30:, :2] = np.nan
    made.values[30:, COLUMNS.index("station.down")] = 1
    down = Rule("down", parse_condition("down", COLUMNS), 5, 3)
    changes = book(rule(), down).push(made)
    assert [(each.rule, each.edge, each.reason) for each in changes] == [
        ("a", "opened", ""),
        ("a", "closed", "down"),
        ("down", "opened", ""),
    ]
    assert changes[0].values == {"tag.scene.music": 1.0}


@pytest.mark.parametrize("step", [-3_600_000, 1_209_600_000])
def test_a_set_clock_changes_no_length(step):
    timer = AlarmTimer(rule())
    times = BEGIN + 1000 * np.arange(1, 11)
    assert not timer.push(times, np.ones(10, bool))
    timer.shift(step)
    later = times[-1] + step + 1000 * np.arange(1, 31)
    changes = timer.push(later, np.ones(30, bool))
    assert [(each.edge, each.time - each.start) for each in changes] == [("opened", 20_000)]
