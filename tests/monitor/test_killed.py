"""kill -9 at random moments while the monitor writes: what was committed is there, and it goes on.

Two kills; PYPLUGIN_KILLS=200 for more, by hand.
"""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import soundfile
from frames import until

from pyplugin.monitor.alarms import Change, Standing
from pyplugin.monitor.config import parse_config
from pyplugin.monitor.records import SegmentRecord, Standings, Track
from pyplugin.monitor.schema import NAME
from pyplugin.monitor.service import Service
from pyplugin.monitor.storage import Log, Store
from pyplugin.monitor.times import now_ms

KILLS = int(os.environ.get("PYPLUGIN_KILLS", "2"))
RATE = 8000
TABLES = {  # what never changes once it is committed
    "segment": "SELECT start, station, end, kind FROM segment WHERE NOT open",
    "alarm": "SELECT id, station, rule, start, opened FROM alarm",
    "event": "SELECT id, time, kind, message FROM event",
    "bin": "SELECT start, station, layout FROM bin",
}


@pytest.fixture(scope="module")
def programme(tmp_path_factory):
    """An hour in which noise that swells and nothing take turns: an alarm each minute."""
    random = np.random.default_rng(1)
    swell = 0.1 + np.abs(np.sin(np.arange(30 * RATE) * 2 * np.pi / RATE))
    minute = np.concatenate([0.1 * swell * random.standard_normal(30 * RATE), np.zeros(30 * RATE)])
    path = tmp_path_factory.mktemp("programme") / "programme.wav"
    soundfile.write(path, np.tile(minute, 60), RATE, subtype="PCM_16")
    return path


def committed(database):
    """All rows that are committed, by table."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
        opened.execute("BEGIN")
        found = {name: set(opened.execute(query)) for name, query in TABLES.items()}
    opened.close()
    return found


def listens(database):
    """Whether there is a segment already; before, there may be no table yet."""
    with contextlib.suppress(sqlite3.OperationalError):
        return committed(database)["segment"]
    return False


@pytest.mark.parametrize("number", range(KILLS))
def test_nothing_that_was_committed_is_lost(programme, tmp_path, number):
    random = np.random.default_rng(number)
    config, database = tmp_path / "radio.toml", tmp_path / "log" / NAME
    config.write_text(
        f'[monitor]\ndata = "{tmp_path / "log"}"\ncommit = "1s"\n[[station]]\nname = "FM"\n'
        f'file = "{programme}"\n'
    )
    command = [sys.executable, "-m", "pyplugin", "monitor", "run", "--config", config]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
        reader.start()
        try:
            assert until(lambda: listens(database), 60)
            seen = committed(database)
            end = time.monotonic() + random.uniform(0, 2)
            while time.monotonic() < end and process.poll() is None:
                seen = committed(database)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        reader.join()
    after = committed(database)
    for table, rows in seen.items():
        assert rows <= after[table], table
    printed = [line for line in lines if re.search("no programme since", line)]
    assert len(printed) <= len(after["alarm"])  # what was reported is in the log
    config.write_text(config.read_text().replace(f'file = "{programme}"', 'command = "sleep 9"'))
    again = subprocess.run(
        [*command, "--seconds", "1"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "Traceback" not in again.stderr
    with Store(tmp_path / "log") as store:
        assert store.check() == []
    with Log(tmp_path / "log") as log:
        assert not [row for row in log.segments(0, 10**14, "FM") if row["open"]]
        opened = [row["rule"] for row in log.alarms(0, 10**14, "FM", only_open=True)]
    assert len(opened) == len(set(opened))
    for table, rows in after.items():
        assert rows <= committed(database)[table], table


def test_what_a_kill_left_open_has_an_end_and_the_log_says_why(tmp_path):
    begin = now_ms() - 3_600_000
    last = begin + 500_000
    with Store(tmp_path) as store:
        for name in ("FM", "Gone"):
            station = store.station(name, "x", "any", time=begin)
            silence = Standing(begin, last, begin + 20_000)
            store.write(
                station,
                [
                    SegmentRecord("silence", begin, last, True, None, {}),
                    Track(begin, last, True, "Song", "Band"),
                    Change("no programme", "opened", begin + 20_000, begin),
                    Standings({"no programme": silence}),
                ],
            )
    text = f'[monitor]\ndata = "{tmp_path}"\n[[station]]\nname = "FM"\ncommand = "cat /dev/zero"\n'
    service = Service(parse_config(text))
    service.start()
    try:
        assert until(lambda: service.status()[0]["values"], 20)
    finally:
        service.close()
    with Log(tmp_path) as log:
        (killed,) = [row for row in log.events(0, 10**14) if row["kind"] == "killed"]
        assert killed["station"] == "FM"
        assert "The monitor was not ended; the log stops at" in killed["message"]
        first = next(log.segments(0, 10**14, "FM"))
        assert (first["end"], first["open"]) == (last, False)
        assert not next(log.tracks(0, 10**14, "FM"))["open"]
        gone = next(log.alarms(0, 10**14, "Gone"))
        assert (gone["reason"], gone["closed"] is None) == ("removed", False)
        alarms = list(log.alarms(0, 10**14, "FM"))
    assert [row["rule"] for row in alarms].count("no programme") <= 2
    assert alarms[0]["reason"] in ("over", "down", "")
