"""The metrics, and what is shipped for Prometheus and Grafana: it asks for what there is."""

import json
import re
import shutil
import subprocess

import pytest
from documents import ROOT
from station_rows import COLUMNS, rows

from pyplugin.models.registry import load
from pyplugin.monitor.rules import default_rules
from pyplugin.monitor.station_log import StationLog
from pyplugin.monitor.web.metrics import Collector, exposition
from pyplugin.node.signals import SIGNALS

parser = pytest.importorskip("prometheus_client.parser")
FOLDER = ROOT / "examples" / "monitor"
ASKED = re.compile(r"\b(?:tagnode_\w+|up|absent)\b")
COUNTERS = ("alarm_changes", "records_lost", "threads_leaked")  # of Service.counters()


def text():
    """What a monitor of two stations exports; one of them has not begun yet."""
    log = StationLog(COLUMNS, default_rules("any", COLUMNS, ()))
    log.push(rows(2, **dict.fromkeys(SIGNALS, 0.5), speech=0.9, music=0.1))
    about = {"alarms": [], "restarts": 0, "seconds_since_audio": 0.2, "scheduled": True}
    states = [
        {"station": 'Radio "1"', "down": False, "values": log.latest, **about},
        {"station": "Late FM", "down": True, "values": {}, **about},
        {"station": "Campus", "down": True, "values": {}, **about, "scheduled": False},
    ]
    collector = Collector(lambda: states, lambda: dict.fromkeys(COUNTERS, 0.0))
    return exposition(collector).decode()


@pytest.fixture(scope="module")
def exported():
    """Labels by value of each metric's samples, by its name."""
    found = {}
    for family in parser.text_string_to_metric_families(text()):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample.labels)
    return found


def test_all_values_of_all_stations_are_exported(exported):
    assert {each["station"] for each in exported["tagnode_station_up"]} == {"radio-1", "late-fm"}
    assert {each["signal"] for each in exported["tagnode_signal"]} == set(SIGNALS)
    labels = {(each["model"], each["label"]) for each in exported["tagnode_label_score"]}
    assert labels == {("scene", "speech"), ("scene", "music")}
    assert {f"tagnode_{name}_total" for name in COUNTERS} <= set(exported)


def expressions():
    dashboard = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield f"panel {panel['title']}", target["expr"]
    yield "the list of stations", dashboard["templating"]["list"][1]["query"]["query"]
    rules = (FOLDER / "alerts.yml").read_text(encoding="utf-8")
    for name, expression in re.findall(r"alert: (\w+)\s+expr: (.+)", rules):
        yield f"alert {name}", expression


@pytest.mark.parametrize(("place", "expression"), expressions())
def test_what_is_asked_for_exists(place, expression, exported):
    names = set(ASKED.findall(expression)) - {"up", "absent"}
    assert names or "up" in expression, place
    assert names <= set(exported), place
    for signal in re.findall(r'signal="(\w+)"', expression):
        assert signal in SIGNALS, place
    for label in re.findall(r'label="(\w+)"', expression):
        assert label in load("scene").card.labels, place


def test_the_panels_do_not_overlap():
    panels = json.loads((FOLDER / "grafana.json").read_text(encoding="utf-8"))["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool: prometheus")
@pytest.mark.parametrize(
    "words",
    [
        ("check", "rules", "alerts.yml"),
        ("check", "config", "prometheus.yml"),
        ("test", "rules", "alerts_test.yml"),
        ("check", "metrics"),
    ],
    ids=" ".join,
)
def test_promtool_finds_nothing_wrong(words):
    given = text() if words[-1] == "metrics" else ""
    done = subprocess.run(
        ["promtool", *words], cwd=FOLDER, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "metrics" not in words or not done.stdout + done.stderr
