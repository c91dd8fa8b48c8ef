"""Metrics for Prometheus, made of the states at each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyplugin.support.optional import need
from pyplugin.support.spelling import slug

State = dict[str, Any]


class Collector:
    """Gives the states of stations to Prometheus' client library.

    Parameters
    ----------
    status
        Returns the state of each station.
    counters
        Returns counters of the service by name.
    """

    def __init__(
        self, status: Callable[[], Sequence[State]], counters: Callable[[], dict[str, float]]
    ) -> None:
        self._status, self._counters = status, counters

    def collect(self) -> Iterator[Any]:
        """Yield the metrics."""
        core = need(
            "prometheus_client.core",
            package="prometheus-client",
            extra="monitor",
            purpose="Metrics",
        )
        gauge = core.GaugeMetricFamily
        up = gauge("tagnode_station_up", "1 while audio arrives.", labels=["station"])
        age = gauge("tagnode_audio_age_seconds", "Time since audio arrived.", labels=["station"])
        score = gauge(
            "tagnode_label_score", "Activation of a label.", labels=["station", "model", "label"]
        )
        signal = gauge("tagnode_signal", "A measured value.", labels=["station", "signal"])
        alarms = gauge("tagnode_alarms_open", "Alarms that are open.", labels=["station"])
        restarts = core.CounterMetricFamily(
            "tagnode_station_restarts", "Times that a station was begun anew.", labels=["station"]
        )
        for state in self._status():
            name = slug(state["station"])
            if state["scheduled"] or not state["down"]:  # nothing to alert on outside its hours
                up.add_metric([name], float(not state["down"]))
            age.add_metric([name], state["seconds_since_audio"])
            alarms.add_metric([name], len(state["alarms"]))
            restarts.add_metric([name], state["restarts"])
            for column, value in state["values"].items():
                kind, _, rest = column.partition(".")
                if kind in ("tag", "head"):
                    score.add_metric([name, *rest.split(".", 1)], value)
                elif kind == "signal":
                    signal.add_metric([name, rest], value)
        yield from (up, age, score, signal, alarms, restarts)
        for name, value in self._counters().items():
            counter = core.CounterMetricFamily(f"tagnode_{name}", f"Count of {name}.")
            counter.add_metric([], value)
            yield counter


def exposition(collector: Collector) -> bytes:
    """Return the metrics in Prometheus' text format."""
    client = need(
        "prometheus_client", package="prometheus-client", extra="monitor", purpose="Metrics"
    )
    registry = client.CollectorRegistry(auto_describe=False)
    registry.register(collector)
    text: bytes = client.generate_latest(registry)
    return text
