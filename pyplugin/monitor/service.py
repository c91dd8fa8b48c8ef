"""The service: stations, the database and the notifications, supervised."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyplugin.errors import PypluginError
from pyplugin.inputs.playlists import without_password
from pyplugin.monitor.alarms import Change, Standing
from pyplugin.monitor.bins import Layout
from pyplugin.monitor.clips import ClipFolder, PreRoll
from pyplugin.monitor.config import DAYS, MonitorConfig, StationConfig
from pyplugin.monitor.notify import Message, Notifier
from pyplugin.monitor.records import EventRecord, Record, Standings
from pyplugin.monitor.rules import Rule, by_name, rules_of
from pyplugin.monitor.schema import StorageError
from pyplugin.monitor.station import Station, columns_of, plan_of
from pyplugin.monitor.station_log import StationLog, closed_by_removal
from pyplugin.monitor.storage import Store
from pyplugin.monitor.times import local, now_ms
from pyplugin.monitor.writer import LogWriter
from pyplugin.node.plan import Plan
from pyplugin.support.spelling import counted

if TYPE_CHECKING:
    from pyplugin.monitor.mqtt import MqttPublisher
    from pyplugin.monitor.web.server import WebServer

_TICK = 0.5  # seconds between two checks for signals
_LOOK = 5.0  # seconds between two looks of the supervisor
_HUNG = 60.0  # seconds after which a loop that does not run is given up
_NO_RESULT = 30.0  # seconds of audio without a result after which the node is
_LEAKED = 3  # threads that did not end; more, and the process ends for its supervisor


class UnhealthyError(PypluginError):
    """The service cannot heal itself; whoever started it starts it again.

    Examples
    --------
    >>> raise UnhealthyError("Four threads do not end.")
    Traceback (most recent call last):
        ...
    pyplugin.monitor.service.UnhealthyError: Four threads do not end.
    """

    exit_code = 1


@dataclass
class _Supervised:
    """A station and what belongs to it."""

    config: StationConfig
    plan: Plan
    number: int
    layout: int
    rules: dict[str, Rule]
    station: Station
    roll: PreRoll | None = None
    restarts: int = 0
    paused: bool = False


def _not_ended(last: int) -> EventRecord:
    """Return the event for a monitor that was killed, or lost its power, after a time."""
    at = local(last).strftime("%H:%M:%S")
    return EventRecord(now_ms(), "killed", f"The monitor was not ended; the log stops at {at}.")


class Service:
    """Runs the monitor.

    Parameters
    ----------
    config
        Checked.
    on_message
        Takes each message of an alarm, for a terminal; on the writer's thread.
    report
        Takes a sentence for a person: the token, once.

    Raises
    ------
    PypluginError
        The database, a model or a rule cannot be used.
    """

    def __init__(
        self,
        config: MonitorConfig,
        on_message: Callable[[Message], object] | None = None,
        report: Callable[[str], object] = lambda sentence: None,
    ) -> None:
        self.config = config
        self._on_message = on_message
        plans = {station.name: plan_of(station) for station in config.stations}
        rules = {
            station.name: rules_of(station, columns_of(plans[station.name]), config)
            for station in config.stations
        }
        self.writer = LogWriter(config.settings, self._changed)
        self.notifier = Notifier(config.targets, self.writer)
        self.mqtt = self._mqtt(config)
        self.web = self._web(report)
        self._messages = 0
        self._clips = ClipFolder(Path(config.settings.data) / "clips", config.settings.clips)
        self._encoder = ThreadPoolExecutor(1, "clips")
        self._stations: dict[str, _Supervised] = {}
        self._by_number: dict[int, str] = {}
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self.leaked = 0
        self._close_removed(config)
        for station in config.stations:
            self._add(station, plans[station.name], rules[station.name])

    def _close_removed(self, config: MonitorConfig) -> None:
        """Close the alarms that are open of stations which the configuration has not."""
        names, now = [station.name for station in config.stations], now_ms()
        for row in self.writer.query(lambda store: store.open_alarms_of_others(names)) or ():
            self._by_number[row["id"]] = row["name"]
            change = Change(row["rule"], "closed", now, row["start"], now, "removed")
            self.writer.put(row["id"], 0, [change, Standings({})])

    def _web(self, report: Callable[[str], object]) -> WebServer | None:
        if self.config.settings.listen is None:
            return None
        from pyplugin.monitor.web.server import WebServer

        return WebServer(self.config.settings, self, report)

    def _mqtt(self, config: MonitorConfig) -> MqttPublisher | None:
        if config.mqtt is None:
            return None
        from pyplugin.monitor.mqtt import MqttPublisher

        return MqttPublisher(config.mqtt, self.status)

    # ---- stations

    def _add(self, config: StationConfig, plan: Plan, rules: list[Rule]) -> None:
        columns = columns_of(plan)

        def known(store: Store) -> tuple[int, int, dict[str, Standing]]:
            source = without_password(config.source)
            number = store.station(config.name, source, config.kind, time=now_ms())
            last = store.finish_left_open(number)
            if last is not None:
                store.write(number, [_not_ended(last)])
            return number, store.layout(Layout.of(columns)), store.standings(number)

        found = self.writer.query(known)
        if found is None:
            raise StorageError(f"The log takes too long to answer; {config.name} is not begun.")
        number, layout, standings = found
        log = StationLog(columns, rules, standings)
        self._by_number[number] = config.name
        roll = PreRoll() if self.config.settings.clips else None
        station = self._station(config, plan, log, number, layout, roll)
        self._stations[config.name] = _Supervised(
            config, plan, number, layout, by_name(rules), station, roll
        )
        now, kept = now_ms(), {rule.name for rule in rules}
        gone = [rule for rule in standings if rule not in kept]
        changes = [Change(rule, "closed", now, now, now, "removed") for rule in gone]
        self.writer.put(number, layout, [*changes])

    def _station(
        self,
        config: StationConfig,
        plan: Plan,
        log: StationLog,
        number: int,
        layout: int,
        roll: PreRoll | None,
    ) -> Station:
        def sink(records: list[Record]) -> None:
            self.writer.put(number, layout, records)

        return Station(config, log, sink, plan=plan, on_block=roll.add if roll else None)

    # ---- changes of alarms

    def _changed(self, number: int, change: Change, alarm: int | None) -> None:
        """Send a change of an alarm; on the writer's thread."""
        name = self._by_number.get(number, "")
        entry = self._stations.get(name)
        rule = entry.rules.get(change.rule) if entry is not None else None
        message = Message.of(name, change, alarm, rule)
        self._messages += 1
        if change.edge == "opened" and alarm is not None and entry is not None and entry.roll:
            self._encoder.submit(self._clip, alarm, entry.roll, change.start)
        silent = self._in_maintenance(name, change.time)
        if self.web is not None:  # the pages show what is in the log
            self.web.hub.send("alarm", {**asdict(message), "maintenance": silent})
        if silent:
            return
        self.notifier.send(message, rule.notify if rule is not None else ())
        if self.mqtt is not None:
            self.mqtt.alarm(message)
        if self._on_message is not None:
            self._on_message(message)

    def _clip(self, alarm: int, roll: PreRoll, start: int) -> None:
        name = self._clips.write(str(alarm), roll, start)
        if name:
            self.writer.do(lambda store: store.set_clip(alarm, name))

    def _in_maintenance(self, station: str, time: int) -> bool:
        moment = local(time)
        return any(
            moment in each.between
            and (not each.days or DAYS[moment.weekday()] in each.days)
            and (not each.station or station in each.station)
            for each in self.config.maintenance
        )

    # ---- running

    def start(self) -> None:
        """Begin to listen, write and notify."""
        self.writer.start(self._snapshots)
        self.notifier.start()
        if self.mqtt is not None:
            self.mqtt.start()
        if self.web is not None:
            self.web.start()
        self._event("started", f"Listening to {counted(len(self._stations), 'station')}.")
        for entry in list(self._stations.values()):
            entry.station.start()

    def run(
        self, *, seconds: float | None = None, each: Callable[[], object] | None = None
    ) -> None:
        """Watch over all of it until :meth:`stop`, or until every recording is read.

        Parameters
        ----------
        seconds
            Return after so long; ``None`` for never.
        each
            Called twice a second.

        Raises
        ------
        UnhealthyError
            It cannot heal itself.
        """
        self._notify_manager("READY=1")
        begun = looked = time.monotonic()
        while not self._stopped.wait(_TICK):
            now = time.monotonic()
            if each is not None:
                each()
            if now - looked >= _LOOK:
                looked = now
                self.supervise()
                self._notify_manager("WATCHDOG=1")
            if all(entry.station.finished for entry in self._stations.values()):
                return
            if seconds is not None and now - begun >= seconds:
                return

    def stop(self) -> None:
        """End: what lasts is closed and written. From any thread, or a signal."""
        self._stopped.set()

    def close(self) -> None:
        """Stop the stations, write what waits, and end."""
        self._notify_manager("STOPPING=1")
        self._stopped.set()
        stations = [entry.station for entry in self._stations.values()]
        for station in stations:
            threading.Thread(target=station.stop, daemon=True).start()
        for station in stations:
            station.stop()
        self._encoder.shutdown(wait=True)
        self._event("stopped", "The monitor was stopped.")
        self.notifier.stop()
        if self.mqtt is not None:
            self.mqtt.stop()
        if self.web is not None:
            self.web.stop()
        self.writer.stop()

    def _event(self, kind: str, message: str) -> None:
        self.writer.put(0, 0, [EventRecord(now_ms(), kind, message)])

    def _snapshots(self) -> None:
        for entry in list(self._stations.values()):
            station, number, layout = entry.station, entry.number, entry.layout

            def snapshot(
                station: Station = station, to: tuple[int, int] = (number, layout)
            ) -> None:
                self.writer.put(*to, station.log.snapshot(now_ms()))

            station.call_soon(snapshot)

    # ---- supervision

    def supervise(self) -> None:
        """Replace what hangs.

        Raises
        ------
        UnhealthyError
            Too much of it does not end, or nothing is written.
        """
        now = time.monotonic()
        for name, entry in list(self._stations.items()):
            station = entry.station
            if station.finished or entry.paused:
                continue
            heartbeats = station.heartbeats
            if not station.alive or now - heartbeats.step > _HUNG:
                self._replace(
                    name, f"{name}: its loop did not run for {now - heartbeats.step:.0f} s."
                )
            elif self._without_results(station, now):
                self._replace(name, f"{name}: audio arrives, but there are no results.")
        if not self.writer.alive or now - self.writer.beat > _HUNG:
            raise UnhealthyError("The thread that writes the log hangs; ending to be started anew.")
        if self.leaked > _LEAKED:
            raise UnhealthyError(f"{self.leaked} threads do not end; ending to be started anew.")

    def _without_results(self, station: Station, now: float) -> bool:
        heartbeats = station.heartbeats
        receives = now - heartbeats.audio < _LOOK
        return (
            bool(station.config.models)
            and receives
            and heartbeats.audio - heartbeats.result > _NO_RESULT
        )

    def _replace(self, name: str, why: str) -> None:
        entry = self._stations[name]
        old = entry.station
        if not old.stop(10.0):
            self.leaked += 1
        entry.restarts += 1
        self.writer.put(entry.number, entry.layout, [EventRecord(now_ms(), "restarted", why)])
        self._begin_anew(entry)

    def _begin_anew(self, entry: _Supervised) -> None:
        """Begin a station anew, whose alarms stand where they stood."""
        before = entry.station.log
        standings = dict(before.alarms.standings)
        log = StationLog(before.columns, list(entry.rules.values()), standings)
        entry.station = self._station(
            entry.config, entry.plan, log, entry.number, entry.layout, entry.roll
        )
        entry.station.start()

    # ---- configuration

    def reload(self, config: MonitorConfig) -> list[str]:
        """Go on with another configuration; only what changed is begun anew.

        Returns
        -------
        list of str
            A sentence on each change.

        Raises
        ------
        PypluginError
            Something in it cannot be used; nothing has changed.
        """
        plans = {station.name: plan_of(station) for station in config.stations}
        rules = {
            station.name: rules_of(station, columns_of(plans[station.name]), config)
            for station in config.stations
        }
        changes = []
        wanted = {station.name: station for station in config.stations}
        for name in [name for name in self._stations if name not in wanted]:
            self._stations.pop(name).station.stop()
            changes.append(f"{name} was removed.")
        for name, station in wanted.items():
            entry = self._stations.get(name)
            if entry is None or entry.config != station:
                if entry is not None:
                    entry.station.stop()
                self._add(station, plans[name], rules[name])
                self._stations[name].station.start()
                changes.append(f"{name} was {'added' if entry is None else 'begun anew'}.")
            elif list(entry.rules.values()) != rules[name]:
                self._give_rules(entry, rules[name])
                changes.append(f"The rules of {name} changed.")
        self._close_removed(config)
        if config.settings != self.config.settings:
            changes.append("[monitor] has changed, which counts from the next start.")
        if config.mqtt != self.config.mqtt:
            if self.mqtt is not None:
                self.mqtt.stop()
            self.mqtt = self._mqtt(config)
            if self.mqtt is not None:
                self.mqtt.start()
        self.config = replace(config, settings=self.config.settings)
        self.notifier.set_targets(config.targets)
        self._event("configuration", " ".join(changes) or "The configuration is as it was.")
        return changes

    def _give_rules(self, entry: _Supervised, rules: list[Rule]) -> None:
        entry.rules = by_name(rules)
        log = entry.station.log

        def change() -> None:
            changes = closed_by_removal(log, rules, now_ms())
            log.set_rules(rules, log.alarms.standings)
            self.writer.put(entry.number, entry.layout, [*changes])

        entry.station.call_soon(change)

    # ---- state

    def status(self) -> list[dict[str, Any]]:
        """Return how each station is: a dictionary for a person, an API or metrics."""
        now, moment = time.monotonic(), local(now_ms())
        found: list[dict[str, Any]] = []
        for name, entry in list(self._stations.items()):
            log, station = entry.station.log, entry.station
            on_air = entry.config.on_air
            found.append(
                {
                    "station": name,
                    "kind": entry.config.kind,
                    "down": station.down,
                    "paused": entry.paused,
                    "scheduled": on_air is None or moment in on_air,
                    "on_air": log.on_air,
                    "since": log.since,
                    "title": log.title,
                    "alarms": log.open_alarms,
                    "values": dict(log.latest),
                    "seconds_since_audio": round(now - station.heartbeats.audio, 1),
                    "restarts": entry.restarts,
                }
            )
        return found

    def counters(self) -> dict[str, float]:
        """Return counters of the service by name."""
        return {
            "alarm_changes": self._messages,
            "records_lost": self.writer.lost,
            "threads_leaked": self.leaked,
        }

    def problem(self) -> str:
        """Return why the service is not well; a station that is down is no reason."""
        if self.writer.failure:
            return self.writer.failure
        if time.monotonic() - self.writer.beat > _HUNG or not self.writer.alive:
            return "The thread that writes the log hangs."
        now = time.monotonic()
        for name, entry in list(self._stations.items()):
            station = entry.station
            if not (station.finished or entry.paused) and now - station.heartbeats.step > _HUNG:
                return f"{name}: its loop hangs."
        return ""

    def acknowledge(self, alarm: int, note: str) -> bool:
        """Mark an alarm as seen; return whether there is one of that number."""
        return bool(self.writer.query(lambda store: store.acknowledge(alarm, now_ms(), note)))

    def address(self, station: str) -> str:
        """Return the URL of a station's stream, with its password; empty where it has none."""
        for name, entry in list(self._stations.items()):
            if station in (name, entry.config.id):
                return entry.config.url
        return ""

    def pause(self, station: str, *, paused: bool) -> bool:
        """Stop listening to a station, or begin again; return whether there is one."""
        with self._lock:
            found = [
                entry
                for name, entry in list(self._stations.items())
                if station in (name, entry.config.id)
            ]
            for entry in found:
                if paused and not entry.paused:
                    entry.paused = True
                    entry.station.stop()
                elif entry.paused and not paused:
                    entry.paused = False
                    self._begin_anew(entry)
                word = "paused" if paused else "resumed"
                event = EventRecord(now_ms(), word, f"{entry.config.name} was {word}.")
                self.writer.put(entry.number, entry.layout, [event])
        return bool(found)

    def _notify_manager(self, state: str) -> None:
        """Send a state to systemd where it has started us."""
        address = os.environ.get("NOTIFY_SOCKET")
        if not address:
            return
        with (
            contextlib.suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out,
        ):
            out.sendto(state.encode(), "\0" + address[1:] if address[0] == "@" else address)
