"""Loudness by class and by hour: against pyloudnorm, and advertisements that are too loud."""

from datetime import timezone

import numpy as np
import pyloudnorm
import pytest
from station_rows import BEGIN, COLUMNS, absent, in_turn, measured, played, rows, silent, spoken

from pyplugin.monitor.loudness import PROGRAMME, loudness_by_class
from pyplugin.monitor.rules import default_rules
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.storage import Log, Store

HOUR = 3600


def level(db):
    return {"loudness_momentary": db, "loudness_short": db}


def written(folder, made, columns=COLUMNS, *, bins=True):
    """Log these rows as a station; forget the scores unless ``bins``."""
    log = StationLog(columns, default_rules("any", columns, ()))
    with Store(folder) as store:
        station = store.station("FM", "x", "any", time=0)
        records = log.push(made) + log.end(int(made.times[-1]))
        store.write(station, records, store.layout(log.layout))
        if not bins:
            store.purge(10**15, 0)


def by_kind(folder, **options):
    with Log(folder) as log:
        found = loudness_by_class(log, 0, BEGIN * 2, zone=timezone.utc, **options)
        return {row["kind"]: row for row in found}


@pytest.mark.parametrize("bins", [True, False])
def test_advertisements_that_are_louder_than_the_programme_stand_out(tmp_path, bins):
    advertisement = rows(120, speech=0.9, music=0.9, **level(-14))
    quarter = (spoken(1380, **level(-23)), advertisement, played(900, **level(-23)), silent(60))
    written(tmp_path, in_turn(*quarter, *quarter, absent(100)), bins=bins)
    found = by_kind(tmp_path)
    assert set(found) == {PROGRAMME, "speech", "speech over music", "music"}
    for kind, seconds, loudness in (
        ("speech", 2760, -23),
        ("music", 1800, -23),
        ("speech over music", 240, -14),
    ):
        assert found[kind]["seconds"] == pytest.approx(seconds, abs=20)
        assert found[kind]["loudness"] == pytest.approx(loudness, abs=0.3)
    parts = [(-23, 4560), (-14, 240)]
    whole = 10 * np.log10(sum(10 ** (db / 10) * n for db, n in parts) / 4800)
    assert found[PROGRAMME]["loudness"] == pytest.approx(whole, abs=0.3)
    assert found["speech over music"]["difference"] == pytest.approx(-14 - whole, abs=0.3)


def test_hours_are_those_in_which_it_was_loud(tmp_path):
    begin = -(BEGIN // 1000) % HOUR
    louder = np.repeat([-24.0, -18.0, -12.0], HOUR)
    made = in_turn(spoken(begin, **level(-24)), played(3 * HOUR, **level(louder)))
    written(tmp_path, made)
    with Log(tmp_path) as log:
        found = [
            (row["start"], row["loudness"])
            for row in loudness_by_class(log, 0, BEGIN * 2, hourly=True, zone=timezone.utc)
            if row["kind"] == "music"
        ]
    starts = [BEGIN + 1000 * (begin + number * HOUR) for number in range(3)]
    assert [start for start, _ in found][-3:] == starts
    assert [loudness for _, loudness in found][-3:] == pytest.approx([-24, -18, -12], abs=0.4)


def test_it_is_the_integrated_loudness_of_pyloudnorm(tmp_path, clips):
    import soundfile

    sound, rate = soundfile.read(clips / "speech.ogg", dtype="float32", always_2d=True)
    sound = np.resize(sound.mean(axis=1), 40 * rate) * np.repeat([1.0, 0.2], 20 * rate)
    sound = sound.astype(np.float32)
    columns, made = measured(sound[np.newaxis], rate)
    written(tmp_path, made, columns)
    expected = pyloudnorm.Meter(rate).integrated_loudness(sound)
    assert by_kind(tmp_path)[PROGRAMME]["loudness"] == pytest.approx(expected, abs=0.5)


def test_nothing_in_the_log_is_no_row(tmp_path):
    Store(tmp_path).close()
    assert by_kind(tmp_path) == {}
    assert by_kind(tmp_path, station="FM") == {}
