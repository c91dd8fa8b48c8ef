"""The API, through a real server: what it answers, and what it refuses."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from itertools import islice

import pytest
from frames import until

from pyplugin.errors import ConfigError
from pyplugin.monitor.alarms import Change
from pyplugin.monitor.config import Settings
from pyplugin.monitor.records import EventRecord, SegmentRecord
from pyplugin.monitor.storage import Store
from pyplugin.monitor.web.server import WebServer
from pyplugin.web import access as access_module


class Control:
    """A service with one station."""

    def __init__(self):
        self.asked = []
        self.wrong, self.title, self.since = "", "Song", 1000

    def status(self):
        values = {"tag.scene.music": 0.97, "signal.rms_db": -20.5, "station.down": float("nan")}
        return [
            {
                **{"station": "Test FM", "down": False, "alarms": ["silence"], "values": values},
                **{"seconds_since_audio": 0.1, "restarts": 2, "on_air": "music"},
                **{
                    "paused": False,
                    "scheduled": True,
                    "kind": "music",
                    "title": self.title,
                    "since": self.since,
                },
            }
        ]

    def counters(self):
        return {"records_lost": 3}

    def problem(self):
        return self.wrong

    def acknowledge(self, alarm, note):
        self.asked.append((alarm, note))
        return alarm == 1

    def pause(self, station, *, paused):
        self.asked.append((station, paused))
        return station == "test-fm"

    def address(self, station):
        return ""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("log")
    with Store(path) as store:
        station = store.station("Test FM", "https://radio.example/live", "music", time=0)
        store.write(
            station,
            [
                SegmentRecord("music", 1000, 61_000, False, -14.0, {"tag.scene.music": 0.9}),
                EventRecord(5000, "gap", "1 s is missing."),
                Change("silence", "opened", 30_000, 10_000),
            ],
        )
    return path


@pytest.fixture
def serving(folder):
    made = []

    def serve(listen=("127.0.0.1", 0), **settings):
        control = Control()
        said = []
        server = WebServer(Settings(str(folder), listen, **settings), control, said.append)
        server.start()
        made.append(server)
        return server, control, said

    yield serve
    for server in made:
        server.stop()


def ask(server, path, *, method="GET", body=None, **headers):
    """Return status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, names)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


SPAN = "?from=0&to=100000"


def test_what_is_in_the_log_is_answered(serving):
    server, _, _ = serving()
    (segment,) = json.loads(ask(server, f"/api/v1/segments{SPAN}")[1])
    assert segment["means"] == {"tag.scene.music": 0.9}
    (alarm,) = json.loads(ask(server, f"/api/v1/alarms{SPAN}&station=Test%20FM")[1])
    assert (alarm["rule"], alarm["closed"]) == ("silence", None)
    assert json.loads(ask(server, f"/api/v1/alarms{SPAN}&station=None")[1]) == []
    assert json.loads(ask(server, f"/api/v1/events{SPAN}")[1])[0]["kind"] == "gap"
    (state,) = json.loads(ask(server, "/api/v1/status")[1])
    assert state["values"]["station.down"] is None  # NaN is no JSON
    loudness = json.loads(ask(server, f"/api/v1/loudness{SPAN}&hourly=1")[1])
    assert [(row["kind"], row["loudness"]) for row in loudness] == [
        ("programme", pytest.approx(-14, abs=0.2)),
        ("music", pytest.approx(-14, abs=0.2)),
    ]
    assert json.loads(ask(server, f"/api/v1/tracks{SPAN}")[1]) == []
    status, text = ask(server, f"/api/v1/log.csv{SPAN}")
    assert status == 200
    assert text.splitlines()[0] == "station,start,end,on air,LUFS"
    assert text.splitlines()[1].endswith(",music,-14.0")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/segments?from=x", 400),
        ("/api/v1/segments?from=9&to=1", 400),
        ("/api/v1/segments?from=0&to=99999999999999", 400),
        (f"/api/v1/segments?from={'9' * 400}", 400),
        ("/api/v1/bins", 400),
        ("/api/v1/none", 404),
        ("/../../etc/passwd", 404),
        ("/api/v1/alarms/1/ack", 405),
    ],
)
def test_what_cannot_be_answered_is_refused(serving, path, status):
    assert ask(serving()[0], path)[0] == status


def test_alarms_are_acknowledged_and_stations_paused(serving):
    server, control, _ = serving()
    assert ask(server, "/api/v1/alarms/1/ack", method="POST", body="known")[0] == 200
    assert ask(server, "/api/v1/alarms/7/ack", method="POST")[0] == 404
    assert ask(server, "/api/v1/stations/test-fm/pause", method="POST")[0] == 200
    assert ask(server, "/api/v1/stations/other/resume", method="POST")[0] == 404
    assert control.asked == [(1, "known"), (7, ""), ("test-fm", True), ("other", False)]
    assert ask(server, "/api/v1/alarms/1/ack", method="POST", body="x" * 20_000)[0] == 413


def test_other_origins_and_hosts_are_refused(serving):
    server, control, _ = serving(base_url="https://radio.example/monitor")
    post = {"method": "POST"}
    path = "/api/v1/alarms/1/ack"
    assert ask(server, path, Origin="https://evil.example", **post)[0] == 403
    assert ask(server, path, Origin=f"http://127.0.0.1:{server.port}", **post)[0] == 200
    assert ask(server, "/api/v1/status", Host="evil.example")[0] == 421
    assert ask(server, "/api/v1/status", Host="radio.example")[0] == 200
    assert len(control.asked) == 1


def test_elsewhere_a_token_is_needed_which_is_said_once(serving, folder, monkeypatch):
    monkeypatch.setattr(access_module, "is_loopback", lambda host: False)
    server, _, said = serving()
    token = (folder / "token").read_text().strip()
    assert token in said[0]
    assert (folder / "token").stat().st_mode & 0o077 == 0
    assert ask(server, "/api/v1/status")[0] == 401
    assert ask(server, "/api/v1/status", Authorization="Bearer x")[0] == 401
    assert ask(server, "/api/v1/status", Authorization=f"Bearer {token}")[0] == 200
    assert ask(server, "/healthz")[0] == 200
    assert serving()[2] == []


def events(server, last=None):
    """Yield number, kind and content of each event, first "open"."""
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/api/v1/stream")
    if last is not None:
        request.add_header("Last-Event-ID", str(last))
    number, kind = None, "open"
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.headers["Content-Type"].startswith("text/event-stream")
        yield None, kind, None
        for line in response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            number = int(value) if name == "id" else number
            kind = value if name == "event" else kind
            if name == "data":
                yield number, kind, json.loads(value)
                number = None


def alarms_of(server, last=None):
    return ((number, content) for number, kind, content in events(server, last) if kind == "alarm")


def test_events_arrive_and_those_that_were_missed_come_after(serving):
    server, _, _ = serving()
    received = []

    def listen():
        received.extend(islice(alarms_of(server), 2))

    thread = threading.Thread(target=listen)
    thread.start()
    assert until(lambda: server.hub._clients)
    for number in (1, 2):
        server.hub.send("alarm", {"number": number})
    thread.join(10)
    assert [content for _, content in received] == [{"number": 1}, {"number": 2}]
    first, second = (number for number, _ in received)
    assert next(alarms_of(server, last=first)) == (second, {"number": 2})


def test_a_client_of_the_server_before_receives_all_events_of_this_one(serving):
    before = serving()[0].hub
    server, _, _ = serving()
    before.send("alarm", {"number": 1})
    last = before._last
    server.hub._last = max(server.hub._last, last)  # begun in the same millisecond
    server.hub.send("alarm", {"number": 2})
    assert next(alarms_of(server, last=last))[1] == {"number": 2}


def test_results_come_each_second_and_what_changed_in_events_of_its_own(serving):
    server, control, _ = serving()
    came = events(server)
    kinds = {}
    for number, kind, content in came:
        kinds.setdefault(kind, (number, content))
        if kind == "result":
            control.title = "Band - <i>Two</i>"
            control.since = 5000
        if {"title", "state"} <= set(kinds):
            break
    number, result = kinds["result"]
    assert number is None  # the next one replaces it
    (station,) = result["stations"]
    assert station["labels"] == {"tag.scene.music": 0.97}
    assert (station["station"], station["state"], station["on_air"]) == (
        *("Test FM", "on air", "music"),
    )
    assert kinds["title"][1]["title"] == "Band - <i>Two</i>"
    assert kinds["state"][1]["since"] == 5000


def test_a_client_of_events_does_not_hold_up_the_end(serving):
    server, _, _ = serving()
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/api/v1/stream", timeout=10) as got:
        until(lambda: server.hub._clients)
        server.stop()
        assert not server.alive
        got.read()


def test_health_is_that_of_the_service(serving):
    server, control, _ = serving()
    assert ask(server, "/healthz")[0] == 200
    control.wrong = "The log cannot be written."
    status, text = ask(server, "/healthz")
    assert status == 503
    assert json.loads(text)["problem"] == control.wrong


def test_metrics_are_what_prometheus_reads(serving):
    parser = pytest.importorskip("prometheus_client.parser")
    status, text = ask(serving()[0], "/metrics")
    assert status == 200
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }
    station = ("station", "test-fm")
    assert samples[("tagnode_station_up", (station,))] == 1
    assert samples[("tagnode_alarms_open", (station,))] == 1
    label = (("label", "music"), ("model", "scene"), station)
    assert samples[("tagnode_label_score", label)] == 0.97
    assert samples[("tagnode_signal", (("signal", "rms_db"), station))] == -20.5
    assert samples[("tagnode_records_lost_total", ())] == 3


def test_an_address_in_use_is_refused_with_what_to_change(serving):
    server, _, _ = serving()
    with pytest.raises(ConfigError, match=r"cannot be listened at.*'listen' in \[monitor\]"):
        serving(("127.0.0.1", server.port))
