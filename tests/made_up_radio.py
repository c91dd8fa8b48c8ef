"""A monitor of made-up stations: the real code writes its log, at once instead of in days."""

import math
from datetime import timedelta

import numpy as np
from station_rows import rows

from pyplugin.inputs.input import Event
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.bins import Layout
from pyplugin.monitor.clips import ClipFolder, PreRoll
from pyplugin.monitor.columns import Columns
from pyplugin.monitor.conditions import NAMED, parse_condition
from pyplugin.monitor.records import EventRecord, SegmentRecord, Track
from pyplugin.monitor.rules import Rule, default_rules
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.storage import Store
from pyplugin.monitor.times import local, now_ms
from pyplugin.support.spelling import slug

LABELS = ("speech", "singing", "music", "drums", "tonal", "noise", "voice")
COLUMNS = Columns(tuple(f"tag.scene.{label}" for label in LABELS))
MINUTE = 60_000
MARKUP = "<b>Bold</b> & <script>document.title = 'taken'</script> - <img src=x onerror=alert(1)>"

LEVELS = {  # means of the labels, and LUFS, of each class
    "speech": ((0.95, 0.03, 0.08, 0.02, 0.1, 0.05, 0.95), -20.5),
    "speech over music": ((0.93, 0.1, 0.75, 0.2, 0.3, 0.04, 0.94), -18.0),
    "music": ((0.06, 0.6, 0.96, 0.7, 0.45, 0.03, 0.6), -15.5),
    "other": ((0.1, 0.05, 0.15, 0.05, 0.2, 0.6, 0.1), -27.0),
    "silence": ((0.02, 0.01, 0.02, 0.01, 0.03, 0.03, 0.02), -100.0),
}
PROGRAMMES = {  # classes and their minutes, again and again
    "Nordlicht FM": (("music", 3.6), ("music", 4.1), ("speech over music", 0.7), ("music", 3.2),
                     ("speech", 2.4), ("music", 3.9), ("speech over music", 1.2)),
    "Deutschland Wort": (("speech", 17.0), ("speech over music", 0.8), ("speech", 21.5),
                         ("music", 2.2), ("silence", 0.1), ("speech", 9.0)),
    "Kammerton": (("music", 23.0), ("silence", 0.2), ("music", 14.0), ("speech", 1.8),
                  ("music", 31.0), ("speech", 2.5)),
    "Studentenradio 99.9": (("music", 5.0), ("other", 0.6), ("speech", 6.0), ("music", 4.4)),
}  # fmt: skip
SONGS = (
    "Die Laternen - Nachtzug", "Iva Lund - Kreise", "Orgel & Rauch - Vier Uhr früh",
    "Kollektiv Nord - Signal", "Marta Weiss - Über den Fluss", "The Patch Bay - Sidechain",
)  # fmt: skip


def segment_values(kind, count, random):
    """Rows' values of a class: labels around their means, loudness around its level."""
    means, level = LEVELS[kind]
    values = {
        name: np.clip(mean + 0.06 * random.standard_normal(count), 0, 1)
        for name, mean in zip(LABELS, means, strict=True)
    }
    momentary = level + 1.8 * random.standard_normal(count)
    loudness = {"loudness_momentary": momentary, "loudness_short": level + random.random(count)}
    return (
        values | loudness | {"true_peak_db": level + 13, "presence": 0.04 if level < -60 else 0.9}
    )


class MadeUpRadio:
    """What the web server asks: states of stations, whose rows go through real logs to a store.

    Parameters
    ----------
    folder
        Of the database.
    stations
        Kind by name; their programmes repeat.
    days
        How long they have been logged, but for the last ten minutes.
    """

    def __init__(self, folder, stations=None, days=2.0, now=None):
        self.folder, self.wrong, self.paused = folder, "", set()
        self.store = Store(folder)
        self.now = now or now_ms()
        self.logs, self.numbers, self.rules = {}, {}, {}
        for place, (name, kind) in enumerate((stations or {}).items()):
            self._begin(name, kind, place, days)

    def _begin(self, name, kind, place, days):
        source = f"https://radio.example/{slug(name)}.mp3"
        number = self.store.station(name, source, kind, time=self.now - 10**9)
        layout = self.store.layout(Layout.of(COLUMNS))
        rules = default_rules(kind, COLUMNS, ())
        self.rules[name] = {rule.name: rule for rule in rules}
        self.numbers[name] = (number, layout, kind)
        self.logs[name] = StationLog(COLUMNS, rules)
        self._past(name, place, days)

    def _past(self, name, place, days):
        random = np.random.default_rng(place)
        programme = PROGRAMMES.get(name, PROGRAMMES["Nordlicht FM"])
        at, end, turn = self.now - round(days * 1440 * MINUTE), self.now - 10 * MINUTE, place
        records = []
        while at < end:
            kind, minutes = programme[turn % len(programme)]
            until = min(at + round(minutes * MINUTE * random.uniform(0.8, 1.2)), end)
            if 2 <= local(at).hour < 5 and place == 3:
                kind, until = "off air", min(at + 40 * MINUTE, end)
            level = None if kind in ("silence", "off air") else round(LEVELS[kind][1], 1)
            records.append(SegmentRecord(kind, at, until, False, level, {}))
            if kind in ("music", "speech over music"):
                artist, _, title = SONGS[turn % len(SONGS)].partition(" - ")
                records.append(Track(at, until, False, title, artist, 0.9, 0.1))
            at, turn = until, turn + 1
        self.write(name, records)

    def write(self, name, records):
        """Write records of a station."""
        number, layout, _ = self.numbers[name]
        return self.store.write(number, records, layout)

    def play(self, name, *parts, title="", begin=None):
        """Have classes and their seconds on air, the last of them now."""
        random = np.random.default_rng(1)
        count = sum(seconds for _, seconds in parts)
        at = self.now - 1000 * count if begin is None else begin
        log = self.logs[name]
        if title:
            self.write(name, log.event(at, Event("title", "Title", title=title)))
        for kind, seconds in parts:
            if kind == "off air":
                made = rows(seconds, begin=at, columns=COLUMNS)
                made.values[:, COLUMNS.index("station.down")] = 1
            else:
                values = segment_values(kind, seconds, random)
                made = rows(seconds, begin=at, columns=COLUMNS, **values)
            self.write(name, log.push(made))
            at += 1000 * seconds

    def alarm(self, name, rule, *, ago, lasted=None, reason="over", **values):
        """Write an alarm whose condition began so many seconds ago; return its number."""
        known = Rule(rule, parse_condition(rule, COLUMNS), NAMED[rule].hold, NAMED[rule].clear)
        start = self.now - 1000 * ago
        opened = start + round(1000 * known.hold)
        full = {f"signal.{key}" if "." not in key else key: value for key, value in values.items()}
        about = {"values": full, "condition": known.described(COLUMNS.names)}
        (number,) = self.write(name, [Change(rule, "opened", opened, start, **about)])
        if lasted is not None:
            end = start + 1000 * lasted
            self.write(name, [Change(rule, "closed", end + 3000, start, end, reason)])
        return number

    def clip(self, number, seconds=3):
        """Write the clip of an alarm: a tone that fades."""
        rate, roll = 48000, PreRoll()
        at = np.arange(seconds * rate) / rate
        roll.add((np.sin(440 * math.tau * at) * np.exp(-at))[None].astype(np.float32), rate, 10**6)
        name = ClipFolder(self.folder / "clips", 10**7).write(str(number), roll, 10**6)
        self.store.set_clip(number, name)

    def event(self, kind, message, *, ago=60, name=None):
        """Write an event."""
        number = 0 if name is None else self.numbers[name][0]
        self.store.write(number, [EventRecord(self.now - 1000 * ago, kind, message)])

    # ---- what the server asks

    def status(self):
        return [
            {
                "station": name,
                "kind": self.numbers[name][2],
                "down": log.on_air in ("", "off air"),
                "paused": name in self.paused,
                "scheduled": True,
                "on_air": log.on_air,
                "since": log.since,
                "title": log.title,
                "alarms": log.open_alarms,
                "values": dict(log.latest),
                "seconds_since_audio": 0.2,
                "restarts": 0,
            }
            for name, log in self.logs.items()
        ]

    def counters(self):
        return {"alarm_changes": 12, "records_lost": 0, "threads_leaked": 0}

    def problem(self):
        return self.wrong

    def acknowledge(self, alarm, note):
        return self.store.acknowledge(alarm, now_ms(), note)

    def pause(self, station, *, paused):
        return False

    def address(self, station):
        return ""

    def close(self):
        self.store.close()


def typical(folder, now=None, talk=MARKUP):
    """Four stations: music, talk, a quiet one with an alarm, one that is off air."""
    kinds = {"Nordlicht FM": "music", "Deutschland Wort": "talk", "Kammerton": "music"}
    radio = MadeUpRadio(folder, {**kinds, "Studentenradio 99.9": "any"}, now=now)
    radio.play(
        "Nordlicht FM", ("music", 260), ("speech over music", 50), ("music", 290), title=SONGS[1]
    )
    radio.play("Deutschland Wort", ("speech", 380), ("music", 40), ("speech", 180), title=talk)
    radio.play("Kammerton", ("music", 555), ("silence", 45), title="Streichquartett Nr. 2 - Adagio")
    radio.play("Studentenradio 99.9", ("music", 500), ("off air", 100))
    number = radio.alarm("Kammerton", "no programme", ago=45, presence=0.04)
    radio.clip(number)
    radio.alarm("Studentenradio 99.9", "down", ago=100, **{"station.down": 1.0})
    for hours, station, rule, seconds, values in (
        (5, "Nordlicht FM", "one channel", 92, {"channel_gap_db": 61.0, "channel_high_db": -17.2}),
        (9, "Kammerton", "too quiet", 410, {"loudness_short": -44.8}),
        (20, "Deutschland Wort", "stuck", 65, {"repetition": 0.97}),
        (33, "Nordlicht FM", "out of phase", 180, {"correlation": -0.93}),
    ):
        ago = 3600 * hours
        radio.acknowledge(
            radio.alarm(station, rule, ago=ago, lasted=seconds, **values),
            "known" if hours == 9 else "",
        )
    radio.event("started", "Listening to 4 stations.", ago=2 * 86400)
    radio.event("gap", "3 s are missing.", ago=7300, name="Nordlicht FM")
    radio.event(
        "disconnected",
        "https://radio.example: nothing arrived for 10 s.",
        ago=100,
        name="Studentenradio 99.9",
    )
    return radio


def many_segments(folder, count, now=None):
    """A station with so many segments, a minute each."""
    radio = MadeUpRadio(folder, {"Nordlicht FM": "music"}, days=0, now=now)
    number, layout, _ = radio.numbers["Nordlicht FM"]
    first = radio.now - count * MINUTE
    kinds = list(LEVELS)
    records = [
        SegmentRecord(kinds[n % 4], first + n * MINUTE, first + (n + 1) * MINUTE, False, -20.0, {})
        for n in range(count)
    ]
    radio.store.write_all([(number, layout, records)])
    return radio


def day_of_length(folder, start, end):
    """A station with music and speech in turn for an hour each over a whole day, in UTC ms."""
    radio = MadeUpRadio(folder, {"Nordlicht FM": "music"}, days=0, now=end)
    hour = round(timedelta(hours=1).total_seconds() * 1000)
    kinds = ("music", "speech")
    records = [
        SegmentRecord(kinds[n % 2], at, at + hour, False, -20.0, {})
        for n, at in enumerate(range(start, end, hour))
    ]
    radio.write("Nordlicht FM", records)
    return radio
