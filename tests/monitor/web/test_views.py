"""What the pages show, against sums over seconds."""

from collections import Counter
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from made_up_radio import MINUTE, MadeUpRadio

from pyplugin.monitor.records import SegmentRecord, Track
from pyplugin.monitor.segments import CLASSES
from pyplugin.monitor.storage import Log, day_of
from pyplugin.monitor.web import questions
from pyplugin.monitor.web.events import EventHub
from pyplugin.monitor.web.follower import CELLS, Follower
from pyplugin.monitor.web.questions import BadRequestError
from pyplugin.monitor.web.views import Views

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


@pytest.fixture
def radio(tmp_path):
    made = MadeUpRadio(tmp_path, {"Test FM": "music"}, days=0)
    yield made
    made.close()


@pytest.fixture
def views(radio):
    return Views(radio.folder, radio, Follower(radio.status, EventHub()), BERLIN)


def shown(views, name, **query):
    with Log(views.folder) as log:
        return getattr(views, name)(log, {key: str(value) for key, value in query.items()})


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_the_shares_of_a_day_are_those_of_its_seconds(radio, views, day, hours):
    start, end = day_of(date.fromisoformat(day), BERLIN)
    lengths = [7, 41, 13, 95, 3, 60, 22]  # minutes
    records, at, turn = [], start - 20 * MINUTE, 0
    while at < end + HOUR:
        until = at + lengths[turn % len(lengths)] * MINUTE
        records.append(SegmentRecord(CLASSES[turn % 5], at, until, False, None, {}))
        at, turn = until, turn + 1
    radio.write("Test FM", records)
    found = shown(views, "day", day=day)
    (station,) = found["stations"]
    by_hand, by_hour = Counter(), [Counter() for _ in range(hours)]
    for second in range((end - start) // 1000):
        at = start + 1000 * second
        (kind,) = {each.kind for each in records if each.start <= at < each.end}
        by_hand[kind] += 1
        by_hour[second // 3600][kind] += 1
    assert found["hours"] == hours
    assert station["seconds"] == by_hand
    assert [each["seconds"] for each in station["hours"]] == by_hour
    assert min(each[0] for each in station["segments"]) == start
    assert max(each[1] for each in station["segments"]) == end


def test_offsets_make_the_local_time_of_every_hour(radio, views):
    found = shown(views, "day", day="2026-10-25")
    offsets = found["offsets"]
    for at in range(found["start"], found["end"], HOUR):
        minutes = [offset for since, offset in offsets if since <= at][-1]
        from datetime import datetime

        expected = datetime.fromtimestamp(at / 1000, BERLIN).utcoffset().total_seconds() / 60
        assert minutes == expected


def test_a_segment_has_the_titles_that_it_had_for_a_while(radio, views):
    start, _ = day_of(date(2026, 6, 1), BERLIN)

    def track(begin, end, title, artist=""):
        return Track(start + begin * 1000, start + end * 1000, False, title, artist)

    radio.write(
        "Test FM",
        [
            SegmentRecord("music", start, start + 400_000, False, -14.0, {}),
            SegmentRecord("speech", start + 400_000, start + 408_000, False, -20.0, {}),
            SegmentRecord("music", start + 408_000, start + 900_000, False, -14.0, {}),
            track(0, 200, "One", "Band"),
            track(200, 403, "Two"),
            track(403, 410, "Jingle"),
            track(410, 900, "Three"),
        ],
    )
    rows = shown(views, "log", day="2026-06-01")["rows"]
    assert [row["titles"] for row in rows] == [["Three"], ["Jingle"], ["Band - One", "Two"]]
    assert shown(views, "log", day="2026-06-01", kind="speech")["count"] == 1


def test_the_strip_goes_on_where_the_log_is_not_written_yet(radio, views):
    written, later = ("music", 300), ("speech", 60)
    radio.play("Test FM", written, begin=radio.now - 360_000)
    with Log(views.folder) as log:
        strip = views.live(log, {})["stations"][0]["strip"]
    music = strip["values"][strip["labels"].index("music")]
    assert sum(value is not None for value in music) == pytest.approx(30, abs=2)
    assert music[-1] is None
    log = radio.logs["Test FM"]
    write, radio.write = radio.write, lambda name, records: None  # not committed yet
    now = radio.now - 60_000
    views.follower._now = lambda: now
    for _ in range(6):
        radio.play("Test FM", (later[0], 10), begin=now)
        now += 10_000
        views.follower.look()
    radio.write = write
    assert log.on_air == "speech"
    strip = shown(views, "live")["stations"][0]["strip"]
    speech = strip["values"][strip["labels"].index("speech")]
    assert len(speech) == CELLS
    known = [value for value in speech[-5:] if value is not None]
    assert len(known) >= 4
    assert min(known) > 0.6
    assert strip["kinds"][-2] == "speech"


@pytest.mark.parametrize(
    ("read", "query"),
    [
        (questions.day, {"day": "tomorrow"}),
        (questions.day, {"day": "0001-01-01"}),
        (questions.day, {"day": "20261130"}),
        (questions.days, {"days": "0"}),
        (questions.days, {"days": "367"}),
        (questions.days, {"days": "9" * 99}),
        (questions.days, {"days": "²"}),
        (questions.kind, {"kind": "noise"}),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_was_given(read, query):
    (given,) = query.values()
    with pytest.raises(BadRequestError, match=given[:40]):
        read(query)
