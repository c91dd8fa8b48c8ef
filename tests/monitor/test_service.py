"""The service end to end: recordings and streams in, log, alarms and notifications out."""

import contextlib
import http.server
import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from frames import until
from stream_server import encoded, icy, serving

from pyplugin.monitor import service as module
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.config import parse_config
from pyplugin.monitor.service import Service
from pyplugin.monitor.storage import Log
from pyplugin.monitor.times import local, now_ms
from pyplugin.monitor.web.follower import state_of

RATE = 44100


@pytest.fixture(scope="module")
def programme(tmp_path_factory, clips):
    """Speech for 30 s, music for 30, nothing for 30."""
    parts = []
    for name in ("speech.ogg", "instrumental-metal.ogg"):
        sound, rate = soundfile.read(clips / name, dtype="float32", always_2d=True)
        mono = sound.mean(axis=1)
        at = np.arange(30 * RATE) * (rate / RATE)
        parts.append(np.interp(at % (len(mono) - 1), np.arange(len(mono)), mono))
    parts.append(np.zeros(30 * RATE))
    path = tmp_path_factory.mktemp("programme") / "programme.flac"
    soundfile.write(path, np.concatenate(parts), RATE)
    return path


def configuration(folder, station, rest=""):
    return parse_config(
        f'[monitor]\ndata = "{folder}"\n[[station]]\nname = "Test FM"\n{station}\n{rest}'
    )


@contextlib.contextmanager
def running(config):
    """The service, running on a thread of its own."""
    service = Service(config)
    service.start()
    thread = threading.Thread(target=service.run)
    thread.start()
    try:
        yield service
    finally:
        service.stop()
        thread.join()
        service.close()


@contextlib.contextmanager
def webhook(status):
    """A server whose posts are kept; ``status()`` is what it answers."""
    posts = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            code = status()
            if code == 200:
                posts.append(json.loads(body))
            self.send_response(code)
            self.end_headers()

        def log_message(self, *about):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hook", posts
        server.shutdown()


def test_a_recording_is_logged_and_its_alarms_are_sent_in_order(programme, tmp_path):
    answers = iter([503])
    rules = (
        '[[alarm]]\nname = "Music"\nwhen = "music > 0.6 and speech < 0.4"\nfor = "10s"\n[notify]\n'
    )
    with webhook(lambda: next(answers, 200)) as (url, posts):
        config = configuration(tmp_path, f'file = "{programme}"', f'{rules}desk = "{url}"')
        config = replace(config, settings=replace(config.settings, clips=10**6))
        with running(config):
            assert until(lambda: len(posts) >= 3, 30)
    with Log(tmp_path) as log:
        begin = log.stations()[0]["added"]
        segments = list(log.segments(0, 10**14))
        alarms = list(log.alarms(0, 10**14))
    kinds = [row["kind"] for row in segments if row["end"] - row["start"] > 5000]
    assert kinds == ["speech", "music", "silence"]
    edges = [(row["start"] - begin) / 1000 for row in segments if row["kind"] in kinds][1:]
    np.testing.assert_allclose(edges[-2:], [30, 60], atol=5)
    assert [(row["rule"], row["end"] is None) for row in alarms] == [
        ("Music", False),
        ("no programme", True),
    ]
    assert [(each["rule"], each["edge"]) for each in posts[:3]] == [
        ("Music", "opened"),
        ("Music", "closed"),
        ("no programme", "opened"),
    ]
    assert posts[0]["alarm"] == alarms[0]["id"]
    clips = [row["clip"] for row in alarms]
    assert clips == [path.name for path in sorted((tmp_path / "clips").iterdir())]
    assert len(clips) == 2


def test_what_was_not_sent_is_sent_after_a_restart(programme, tmp_path):
    with webhook(lambda: 200) as (url, posts):
        target = f'[notify]\ndesk = "{url}"'
        dead = configuration(tmp_path, f'file = "{programme}"', target.replace("/hook", "0/hook"))
        with running(dead) as service:
            assert until(lambda: all(each["values"] != {} for each in service.status()), 30)
            assert until(lambda: service.notifier.state()["desk"]["failed"], 30)
        config = configuration(tmp_path, 'command = "sleep 60"', target)
        with running(config):
            assert until(lambda: posts, 30)
    assert (posts[0]["rule"], posts[0]["edge"]) == ("no programme", "opened")


def test_a_stream_with_titles_that_stalls_and_comes_back(tmp_path):
    random = np.random.default_rng(1)
    data = encoded(0.1 * random.standard_normal((1, 40 * 22050)), 22050, "mp3", "libmp3lame")
    titles = {0: b"Band - One", 3: b"Band - Two"}
    stalled = threading.Event()

    def station(request):
        request.answer(Content_Type="audio/mpeg", icy_metaint=8000, icy_name="Test FM")
        if stalled.is_set():
            request.pace(icy(data, 8000, {0: b"Band - Three"}), 8000, 8000)
        else:
            stalled.set()
            request.pace(icy(data, 8000, titles)[:48_000], 8000, 8000)
            request.hang()

    with serving() as server:
        server.handlers["/live.mp3"] = station
        rule = '[[alarm]]\nname = "down"\nwhen = "down"\nfor = "1s"\nclear = "1s"'
        url = server.url("/live.mp3")
        config = configuration(tmp_path, f'url = "{url}"\ntimeout = "1s"', rule)
        with running(config) as service:
            assert until(lambda: service.status()[0]["title"] == "Band - Two", 20)
            assert until(lambda: service.status()[0]["alarms"] == ["down"], 20)
            assert until(lambda: not service.status()[0]["down"], 20)
            assert until(lambda: service.status()[0]["alarms"] == [], 20)
            assert service.status()[0]["title"] == "Band - Three"
    with Log(tmp_path) as log:
        tracks = [row["title"] for row in log.tracks(0, 10**14)]
        events = [row["kind"] for row in log.events(0, 10**14)]
        (alarm,) = log.alarms(0, 10**14)
    assert tracks == ["One", "Two", "Three"]
    seen = [kind for kind in events if kind in ("disconnected", "reconnected", "gap")]
    assert sorted(seen) == ["disconnected", "gap", "reconnected"]
    assert alarm["end"] is not None
    assert 1 <= (alarm["end"] - alarm["start"]) / 1000 <= 6


def test_a_recording_may_be_stopped_at_any_moment(programme, tmp_path):
    for number in range(12):
        with running(configuration(tmp_path / str(number), f'file = "{programme}"')):
            time.sleep(0.03 * number)


def test_a_loop_that_hangs_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_HUNG", 1.0)
    config = configuration(tmp_path, 'command = "cat /dev/zero"')
    made = Service(config)
    made.start()
    try:
        station = made._stations["Test FM"].station
        assert until(lambda: station.log.latest, 20)
        released = threading.Event()
        station.call_soon(lambda: released.wait(30))
        assert until(lambda: time.monotonic() - station.heartbeats.step > 1.2, 20)
        monkeypatch.setattr(module.Station, "stop", lambda self, timeout=0: False)
        made.supervise()
        replaced = made._stations["Test FM"].station
        assert replaced is not station
        assert made.leaked == 1
        assert until(lambda: replaced.log.latest, 20)
        released.set()
    finally:
        monkeypatch.undo()
        station.stop()
        made.close()
    with Log(tmp_path) as log:
        assert "restarted" in [row["kind"] for row in log.events(0, 10**14)]


def test_a_station_is_paused_outside_its_hours_on_air(tmp_path):
    hour = local(now_ms()).hour
    station = f'command = "sleep 99"\non_air = "{(hour + 2) % 24}:00-{(hour + 3) % 24}:00"'
    rest = (
        '[[station]]\nname = "Other"\ncommand = "sleep 99"\n'
        '[[alarm]]\nname = "down"\nwhen = "down"\nfor = "2s"\n'
    )
    with running(configuration(tmp_path, station, rest)) as service:
        assert until(lambda: service.status()[1]["alarms"] == ["down"], 40)
        assert until(lambda: service.status()[0]["values"].get("station.down") == 1, 20)
        first, second = service.status()
    assert (first["alarms"], state_of(first), state_of(second)) == ([], "paused", "off air")


def test_a_device_that_is_not_there_is_down_and_nothing_is_replaced(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_HUNG", 2.5)
    monkeypatch.setattr(module, "_LOOK", 0.5)
    rule = '[[alarm]]\nname = "down"\nwhen = "down"\nfor = "2s"\n'
    with running(configuration(tmp_path, 'device = "no such device"', rule)) as service:
        assert until(lambda: service.status()[0]["alarms"] == ["down"], 20)
        time.sleep(4)
        assert service.status()[0]["restarts"] == 0
        assert service.problem() == ""


def test_a_reload_begins_anew_only_what_changed(tmp_path):
    stations = '[[station]]\nname = "Other"\ncommand = "cat /dev/zero"\n'
    config = configuration(tmp_path, 'command = "cat /dev/zero"', stations)
    with running(config) as service:
        before = {name: entry.station for name, entry in service._stations.items()}
        alarm = '[[alarm]]\nname = "a"\nstation = "Test FM"\nwhen = "music > 0.5"\n'
        changes = service.reload(
            configuration(tmp_path, 'command = "cat /dev/zero"', stations + alarm)
        )
        assert changes == ["The rules of Test FM changed."]
        changed = stations.replace("/dev/zero", "/dev/zero -u")
        changes = service.reload(configuration(tmp_path, 'command = "cat /dev/zero"', changed))
        assert changes == ["The rules of Test FM changed.", "Other was begun anew."]
        assert service._stations["Test FM"].station is before["Test FM"]
        assert service._stations["Other"].station is not before["Other"]
        last = configuration(tmp_path, 'command = "cat /dev/zero"')
        assert service.reload(last) == ["Other was removed."]
        settings = replace(last.settings, commit=30.0)
        assert service.reload(replace(last, settings=settings)) == [
            "[monitor] has changed, which counts from the next start."
        ]


def test_in_maintenance_pages_receive_an_alarm_and_nobody_is_notified(tmp_path):
    rest = '[[maintenance]]\nbetween = "00:00-24:00"\n[notify]\ndesk = "cmd: false"\n'
    config = configuration(tmp_path, 'command = "sleep 60"', rest)
    config = replace(config, settings=replace(config.settings, listen=("127.0.0.1", 0)))
    with running(config) as service:
        entry, now = service._stations["Test FM"], now_ms()
        change = Change("silence", "opened", now, now - 20_000)
        service.writer.put(entry.number, entry.layout, [change])
        assert until(lambda: any("event: alarm" in text for text in service.web.hub.missed(0)))
        (event,) = (text for text in service.web.hub.missed(0) if "event: alarm" in text)
        content = json.loads(event.partition("data: ")[2])
        assert (content["rule"], content["edge"], content["maintenance"]) == (
            *("silence", "opened", True),
        )
    with Log(tmp_path) as log:
        assert [row["rule"] for row in log.alarms(0, 10**14)] == ["silence"]
        assert log.deliveries() == []
