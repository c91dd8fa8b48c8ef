"""``tagnode monitor``: from a first configuration to the log, as a user would."""

import csv
import io
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request

import numpy as np
import pytest
import soundfile
from frames import until

RATE = 22050


@pytest.fixture(scope="module")
def station(tmp_path_factory):
    """Noise that swells for 20 s, nothing for 40 s, noise for 20 s; its configuration."""
    folder = tmp_path_factory.mktemp("station")
    random = np.random.default_rng(1)
    swell = 0.1 + np.abs(np.sin(np.arange(80 * RATE) * 2 * np.pi / RATE))  # steady noise is none
    sound = 0.1 * swell * random.standard_normal(80 * RATE)
    sound[20 * RATE : 60 * RATE] = 0
    soundfile.write(folder / "sound.flac", sound, RATE)
    config = folder / "radio.toml"
    config.write_text(
        f'[monitor]\ndata = "{folder / "log"}"\n[[station]]\nname = "Test FM"\n'
        f'file = "{folder / "sound.flac"}"\n'
    )
    command = [sys.executable, "-m", "pyplugin", "monitor", "run", "--config", config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "Test FM: no programme since" in done.stdout
    assert re.search("Test FM: no programme is over after (3[5-9]|4[0-5])s", done.stdout)
    return config


@pytest.fixture
def monitor(run, station):
    def call(*words):
        return run("monitor", *words, "--config", station)

    return call


def test_the_log_as_a_table_csv_and_json(monitor):
    code, out, _ = monitor("log")
    assert code == 0
    assert out.splitlines()[0].split() == ["station", "start", "end", "length", "on", "air", "LUFS"]
    rows = [json.loads(line) for line in monitor("log", "--json")[1].splitlines()]
    assert [row["kind"] for row in rows if row["end"] - row["start"] > 5000] == [
        *("other", "silence", "other")
    ]
    table = list(csv.DictReader(io.StringIO(monitor("log", "--csv")[1])))
    assert [row["on air"] for row in table] == [row["kind"] for row in rows]
    events = [json.loads(line) for line in monitor("log", "--events", "--json")[1].splitlines()]
    assert {"started", "stopped"} <= {event["kind"] for event in events}
    assert monitor("log", "--titles")[:2] == (0, "")


def test_loudness_by_class_and_by_hour(monitor):
    until = ("--to", "2999-01-01")
    rows = [json.loads(line) for line in monitor("loudness", *until, "--json")[1].splitlines()]
    assert [row["kind"] for row in rows] == ["programme", "other"]
    assert rows[0]["loudness"] == pytest.approx(-20, abs=3)
    assert (rows[0]["difference"], rows[0]["seconds"]) == (0, pytest.approx(40, abs=6))
    hours = list(csv.DictReader(io.StringIO(monitor("loudness", *until, "--hourly", "--csv")[1])))
    assert {row["on air"] for row in hours} == {"programme", "other"}
    assert all(row["from"].endswith(":00:00") for row in hours)
    assert "LUFS" in monitor("loudness", *until)[1].splitlines()[0]


def test_alarms_and_status(monitor):
    (alarm,) = [json.loads(line) for line in monitor("alarms", "--json")[1].splitlines()]
    assert alarm["rule"] == "no programme"
    assert 35_000 <= alarm["end"] - alarm["start"] <= 45_000
    assert monitor("alarms", "--open")[:2] == (0, "")
    assert monitor("alarms", "--station", "None", "--json")[:2] == (0, "")
    assert "Test FM" in monitor("status")[1]


def test_replay_tries_other_rules_on_what_was(run, station, tmp_path):
    again = run("monitor", "replay", "--config", station, "--json", "--to", "2999-01-01")[1]
    (alarm,) = [json.loads(line) for line in again.splitlines()]
    assert alarm["rule"] == "no programme"
    assert abs(alarm["end"] - alarm["start"] - 40_000) <= 20_000
    other = tmp_path / "new.toml"
    rule = '[[alarm]]\nname = "no programme"\nwhen = "no programme"\nfor = "5m"\n'
    other.write_text(station.read_text() + rule)
    words = ("monitor", "replay", "--config", station, "--with", other, "--json")
    assert run(*words)[:2] == (0, "")


def test_export_writes_what_sqlite_has(monitor, station, tmp_path):
    assert monitor("export", tmp_path / "out")[0] == 0
    with sqlite3.connect(station.parent / "log" / "monitor.sqlite") as database:
        for table, name in (("segment", "segments"), ("alarm", "alarms"), ("event", "events")):
            (count,) = database.execute(f"SELECT count(*) FROM {table}").fetchone()
            text = (tmp_path / "out" / f"{name}.csv").read_text()
            assert len(list(csv.reader(io.StringIO(text)))) == count + 1
    file = tmp_path / "file"
    file.write_text("")
    code, _, err = monitor("export", file / "x")
    assert (code, "cannot be written" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("log", "--from", "yesterday"), "'yesterday' is no time"),
        (("test-notify",), "has nothing in \\[notify\\]"),
        (("test-notify", "desk"), "has no 'desk'"),
    ],
)
def test_what_cannot_be_done_is_named(monitor, words, problem):
    code, _, err = monitor(*words)
    assert code == 2
    assert re.search(problem, " ".join(err.split()))


def test_a_configuration_is_written_and_checked(run, tmp_path):
    file = tmp_path / "radio.toml"
    words = ("monitor", "init", "cmd: cat /dev/zero", "--kind", "talk", "--out", file)
    assert run(*words)[0] == 0
    code, _, err = run(*words)
    assert (code, "already" in err) == (2, True)
    code, out, _ = run("monitor", "check", "--config", file)
    assert code == 0
    assert "no programme: opens once there is only silence" in out
    file.write_text(file.read_text() + '[[alarm]]\nname = "a"\nwhen = "musik > 0.5"\n')
    code, _, err = run("monitor", "check", "--config", file)
    assert (code, "did you mean 'music'" in err) == (2, True)
    code, _, err = run("monitor", "run", "--config", tmp_path / "none.toml")
    assert (code, "tagnode monitor init" in err) == (2, True)


def test_the_pages_are_where_init_and_run_say(run, tmp_path):
    config = tmp_path / "radio.toml"
    words = ("monitor", "init", "cmd: cat /dev/zero", "--out", config)
    code, _, err = run(*words, "--listen", "8080")
    assert (code, "HOST:PORT is expected" in err, config.exists()) == (2, True, False)
    assert run(*words, "--listen", "127.0.0.1:0")[0] == 0
    command = [sys.executable, "-u", "-m", "pyplugin", "monitor", "run", "--config", config]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        lines = (line for line in process.stdout if "The pages are at" in line)
        (address,) = re.findall(r"http://127\.0\.0\.1:\d+/", next(lines))
        with urllib.request.urlopen(address, timeout=10) as response:
            assert "<h1>Live</h1>" in response.read().decode()
        with urllib.request.urlopen(f"{address}health.json", timeout=10) as response:
            assert json.load(response)["ok"] is True
        process.terminate()
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_probe_says_what_a_source_is(run, station):
    code, out, _ = run("monitor", "probe", station.parent / "sound.flac", "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["sample_rate"], found["channels"]) == (RATE, 1)
    assert found["loudness"] == pytest.approx(-20, abs=3)
    assert found["labels"]["noise"] > 0.5
    code, out, _ = run("monitor", "probe", station.parent / "sound.flac", "--seconds", 2)
    assert out.splitlines()[1].startswith("format    22050 Hz, 1 channel, audio after")
    code, _, err = run("monitor", "probe", "http://127.0.0.1:9/live.mp3")
    assert (code, "connection refused" in err) == (1, True)


def test_notifications_are_tried(run, station, tmp_path):
    config = tmp_path / "radio.toml"
    file = tmp_path / "sent"
    targets = f'[notify]\nfile = "cmd: sh -c \'cat > {file}\'"\nbad = "cmd: /no/such/program"\n'
    config.write_text(station.read_text() + targets)
    assert run("monitor", "test-notify", "--config", config, "file")[:2] == (0, "file: sent.\n")
    assert json.loads(file.read_text())["text"] == "This is a test of tagnode monitor."
    code, out, err = run("monitor", "test-notify", "--config", config)
    assert (code, out) == (1, "file: sent.\n")
    assert "/no/such/program" in err


def test_the_unit_is_one_that_systemd_takes(run, station, tmp_path):
    code, out, _ = run("monitor", "install", "--dry-run", "--config", station)
    assert code == 0
    unit = out[out.index("[Unit]") : out.index("systemctl daemon-reload")]
    keys = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line)
    assert keys["Restart"] == "always"
    assert keys["StartLimitIntervalSec"] == "0"
    assert keys["Type"] == "notify"
    assert keys["ReadWritePaths"] == str(station.parent / "log")


def test_signals_end_it_with_everything_written_and_systemd_knows(tmp_path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(30)
    config = tmp_path / "radio.toml"
    config.write_text(
        f'[monitor]\ndata = "{tmp_path / "log"}"\n[[station]]\nname = "Test FM"\n'
        'command = "cat /dev/zero"\n'
    )
    command = [sys.executable, "-m", "pyplugin", "monitor", "run", "--config", config]
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert manager.recv(100) == b"READY=1"
            config.write_text(config.read_text() + "[[station]]\nname = 'x'\n")
            process.send_signal(signal.SIGHUP)  # it stays as it was
            database = tmp_path / "log" / "monitor.sqlite"

            def listened():
                with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as opened:
                    return opened.execute("SELECT count(*) FROM segment").fetchone()[0]

            assert until(listened, 30)
            time.sleep(1)
            process.terminate()
            _, err = process.communicate(timeout=30)
        finally:
            process.kill()
    states = [b""]
    while states[-1] != b"STOPPING=1":
        states.append(manager.recv(100))
    manager.close()
    assert process.returncode == 0
    assert "the configuration stays as it was" in err
    assert "A station has one of url" in err
    with sqlite3.connect(database) as opened:
        assert opened.execute("SELECT count(*) FROM segment WHERE open").fetchone()[0] == 0
        assert opened.execute("SELECT count(*) FROM event WHERE kind = 'stopped'").fetchone()[0]
