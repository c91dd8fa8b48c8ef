"""The configuration of the monitor: a TOML file, read by one table of keys for each section.

::

    [monitor]
    data = "/var/lib/tagnode"

    [[station]]
    name = "Test FM"
    url = "https://stream.example/live.mp3"
    kind = "music"

    [[alarm]]
    name = "Music on the news station"
    station = "Test FM"
    when = "music > 0.7 and speech < 0.2"
    for = "20m"
    notify = ["desk"]

    [notify]
    desk = "https://hooks.example/radio"
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from pyplugin.errors import ConfigError
from pyplugin.monitor.times import Between, parse_between, parse_duration
from pyplugin.support.documents import DocumentError, parse_toml
from pyplugin.support.spelling import alternatives, nearest, slug
from pyplugin.support.toml_lines import line_of

KINDS = ("music", "talk", "mixed", "any")
"""What a station sends; it chooses the rules that apply without an ``[[alarm]]``."""

Read = Callable[[object], Any]


# ---- values


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a text; one in quotes is expected")
    return value.strip()


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value


def _names(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ValueError(f"{value!r} is no name and no list of names")
    return tuple(given)


def _span(low: float, high: float) -> Read:
    def read(value: object) -> float:
        seconds = parse_duration(value)
        if not low <= seconds <= high:
            from pyplugin.monitor.times import format_duration

            raise ValueError(
                f'"{value}" is out of range; {format_duration(low)} to {format_duration(high)} '
                "is expected"
            )
        return seconds

    return read


def _whole(low: int, high: int) -> Read:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{value!r} is out of range; a whole number from {low} to {high}")
        return value

    return read


def _choice(*known: str) -> Read:
    def read(value: object) -> str:
        if value not in known:
            raise ValueError(f"{value!r} is unknown; {nearest(str(value), known)}")
        return str(value)

    return read


_SIZES = {"kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def _size(value: object) -> int:
    match = (
        re.fullmatch(r"(\d+(?:\.\d+)?)\s*(kB|MB|GB|TB)", value) if isinstance(value, str) else None
    )
    if match is None:
        raise ValueError(f'{value!r} is no size; one such as "200MB" or "2GB" is expected')
    return int(float(match[1]) * _SIZES[match[2]])


def parse_address(value: object) -> tuple[str, int]:
    """Return host and port of an address.

    Raises
    ------
    ValueError
        It is none; the sentence has an example.

    Examples
    --------
    >>> parse_address("127.0.0.1:8080")
    ('127.0.0.1', 8080)
    """
    host, colon, port = _text(value).rpartition(":")
    if not colon or not port.isdigit() or not 0 <= int(port) <= 65535 or not host:
        raise ValueError(f"{value!r} is no address; HOST:PORT is expected, as 127.0.0.1:8080")
    return host.strip("[]"), int(port)


def _key(read: Read, meaning: str, default: Any = MISSING, example: str = "") -> Any:
    """Return a field of a section: how its value is read, its meaning, and an example."""
    about = {"read": read, "meaning": meaning, "example": example}
    return field(metadata=about) if default is MISSING else field(default=default, metadata=about)


# ---- sections


@dataclass(frozen=True)
class Settings:
    """``[monitor]``: the service itself; times in seconds, sizes in bytes."""

    data: str = _key(_text, "Folder of the database and the clips.", "/var/lib/tagnode")
    listen: tuple[str, int] | None = _key(
        parse_address, "Address of pages, API and metrics; none without.", None, '"127.0.0.1:8080"'
    )
    base_url: str = _key(_text, "Where a proxy shows the pages, for links.", "")
    commit: float = _key(_span(1, 3600), "Time between two writes of the scores.", 60.0, '"60s"')
    keep_bins: float = _key(_span(86400, 1e10), "How long scores are kept.", 90 * 86400.0, '"90d"')
    keep_log: float = _key(
        _span(86400, 1e10), "How long segments, titles and alarms are kept.", 5 * 31557600.0, '"5y"'
    )
    disk: int = _key(_size, "Most bytes of the database.", 2_000_000_000, '"2GB"')
    reserve: int = _key(
        _size, "Bytes that stay free on the disk; below, nothing is kept.", 200_000_000, '"200MB"'
    )
    clips: int = _key(_size, "Most bytes of clips before alarms; 0kB for none.", 0, '"200MB"')
    default_alarms: bool = _key(
        _switch, "Whether stations have the alarms of their kind.", True, "true"
    )


@dataclass(frozen=True)
class StationConfig:
    """``[[station]]``: what is listened to."""

    name: str = _key(_text, "Name in log, alarms and pages.")
    url: str = _key(_text, "Address: http, https, rtsp, HLS, or a playlist.", "")
    command: str = _key(_text, "Command that writes audio, such as rtl_fm.", "")
    device: str = _key(_text, "Sound device, by number or part of its name.", "")
    file: str = _key(_text, "Recording, listened to once at the speed of reading.", "")
    kind: str = _key(_choice(*KINDS), "What it sends: music, talk, mixed or any.", "any")
    rate: int = _key(_whole(8000, 192000), "Sample rate in Hz of raw samples.", 44100, "44100")
    channels: int = _key(_whole(1, 8), "Channels of raw samples.", 2, "2")
    format: str = _key(_text, "Sample format of raw samples.", "s16le")
    charset: str = _key(_text, "Charset of titles that are not UTF-8.", "")
    timeout: float = _key(
        _span(0.5, 600), "Time without data after which it is down.", 10.0, '"10s"'
    )
    models: tuple[str, ...] = _key(
        _names, "Models whose labels are logged.", ("scene",), '["scene"]'
    )
    heads: tuple[str, ...] = _key(_names, "Heads on them.", (), '["mood"]')
    default_alarms: bool = _key(_switch, "Whether it has the alarms of its kind.", True, "true")
    on_air: Between | None = _key(  # noqa: RUF009 - this is a field
        parse_between,
        "Part of the day in which it sends, in local time; no alarm counts outside it.",
        None,
        '"06:00-24:00"',
    )

    @property
    def id(self) -> str:
        """The name as used in addresses and topics."""
        return slug(self.name)

    @property
    def source(self) -> str:
        """What is opened, as :func:`pyplugin.inputs.opening.open_input` takes it."""
        return self.url or (f"cmd: {self.command}" if self.command else self.device or self.file)


@dataclass(frozen=True)
class AlarmConfig:
    """``[[alarm]]``: a rule."""

    name: str = _key(_text, "Name of the alarm.")
    when: str = _key(_text, "A condition, or comparisons joined by and, or.")
    station: tuple[str, ...] = _key(_names, "Stations; all without.", ())
    # `for` is a keyword of Python
    hold: float | None = _key(_span(0, 30 * 86400), "How long it must last.", None, '"20s"')
    clear: float | None = _key(_span(0, 86400), "How long it must be over.", None, '"3s"')
    repeat: float | None = _key(
        _span(60, 30 * 86400), "Time after which it is sent again.", None, '"1h"'
    )
    between: Between | None = _key(  # noqa: RUF009 - this is a field
        parse_between, "Part of the day, in local time.", None, '"06:00-22:00"'
    )
    notify: tuple[str, ...] | None = _key(
        _names, "Who is notified; all of [notify] without.", None, '["desk"]'
    )
    enabled: bool = _key(_switch, "false takes an alarm of the kind away.", True, "true")


@dataclass(frozen=True)
class MqttConfig:
    """``[mqtt]``: states, alarms and discovery for Home Assistant."""

    host: str = _key(_text, "Host of the broker.", "")
    port: int = _key(_whole(1, 65535), "Port of the broker.", 1883, "1883")
    username: str = _key(_text, "Name at the broker.", "")
    password_file: str = _key(_text, "File with the password.", "")
    tls: bool = _key(_switch, "Whether the connection is encrypted.", False, "false")
    topic: str = _key(_text, "First part of all topics.", "tagnode")
    discovery: str = _key(_text, "First part of Home Assistant's topics.", "homeassistant")


@dataclass(frozen=True)
class MaintenanceConfig:
    """``[[maintenance]]``: a time in which alarms are recorded and not sent."""

    between: Between = _key(  # noqa: RUF009 - this is a field
        parse_between, "Part of the day, in local time."
    )
    days: tuple[str, ...] = _key(_names, "Days of the week; all without.", (), '["sat", "sun"]')
    station: tuple[str, ...] = _key(_names, "Stations; all without.", ())


@dataclass(frozen=True)
class MonitorConfig:
    """A checked configuration.

    Attributes
    ----------
    targets
        Address by name of who is notified, from ``[notify]``.
    """

    settings: Settings = Settings()
    stations: tuple[StationConfig, ...] = ()
    alarms: tuple[AlarmConfig, ...] = ()
    targets: Mapping[str, str] = field(default_factory=dict)
    mqtt: MqttConfig | None = None
    maintenance: tuple[MaintenanceConfig, ...] = ()


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

SECTIONS: dict[str, type] = {
    "monitor": Settings,
    "station": StationConfig,
    "alarm": AlarmConfig,
    "mqtt": MqttConfig,
    "maintenance": MaintenanceConfig,
}
"""The sections with a fixed set of keys; ``[notify]`` has names of the user's."""

_SPELLINGS = {"hold": "for"}  # of fields whose key is a keyword


def key_of(each: Field[Any]) -> str:
    """Return a field's key in the file."""
    return _SPELLINGS.get(each.name, each.name)


class _Reader:
    """Reads sections, and collects what is wrong with them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[str] = []

    def problem(self, sentence: str, table: str, index: int = 0, key: str | None = None) -> None:
        line = line_of(self.text, table, index, key)
        self.problems.append(f"line {line}: {sentence}" if line else sentence)

    def section(self, kind: str, table: object, index: int = 0) -> Any:
        """Return a section's object; ``None`` if something is wrong with it."""
        made, before = SECTIONS[kind], len(self.problems)
        if not isinstance(table, dict):
            self.problem(f"{kind} is not a section; write [{kind}]", kind, index)
            return None
        known = {key_of(each): each for each in fields(made)}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key not in known:
                what = f"A {kind}" if kind != "monitor" else "The monitor"
                self.problem(f"{what} has no key {key!r}; {nearest(key, known)}", kind, index, key)
                continue
            try:
                values[known[key].name] = known[key].metadata["read"](value)
            except ValueError as error:
                self.problem(f"{key}: {error}.", kind, index, key)
        for key, each in known.items():
            if each.default is MISSING and each.name not in values and key not in table:
                self.problem(f"A {kind} needs the key {key!r}.", kind, index)
        return made(**values) if len(self.problems) == before else None

    def sections(self, kind: str, content: Mapping[str, Any]) -> list[Any]:
        given = content.get(kind, [])
        if not isinstance(given, list):
            self.problem(f"[{kind}] is repeated for each one; write [[{kind}]].", kind)
            return []
        return [self.section(kind, each, index) for index, each in enumerate(given)]


def parse_config(text: str) -> MonitorConfig:
    """Return the configuration in a TOML text.

    Raises
    ------
    ConfigError
        With all that is wrong, a line each.

    Examples
    --------
    >>> config = parse_config('''
    ... [[station]]
    ... name = "Test FM"
    ... url = "https://stream.example/live.mp3"
    ... ''')
    >>> config.stations[0].id
    'test-fm'
    """
    try:
        content = parse_toml(text)
    except DocumentError as error:
        raise ConfigError(f"This is not TOML: {error}") from error
    reader = _Reader(text)
    for key in content:
        if key not in SECTIONS and key != "notify":
            reader.problem(
                f"There is no section {key!r}; {nearest(key, [*SECTIONS, 'notify'])}", key
            )
    settings = reader.section("monitor", content.get("monitor", {}))
    stations = reader.sections("station", content)
    alarms = reader.sections("alarm", content)
    maintenance = reader.sections("maintenance", content)
    mqtt = reader.section("mqtt", content["mqtt"]) if "mqtt" in content else None
    targets = _targets(reader, content.get("notify", {}))
    _check_stations(reader, stations)
    _check_references(reader, stations, alarms, maintenance, targets)
    if reader.problems:
        raise ConfigError("\n".join(reader.problems))
    return MonitorConfig(
        settings, tuple(stations), tuple(alarms), targets, mqtt, tuple(maintenance)
    )


def _targets(reader: _Reader, table: object) -> dict[str, str]:
    if not isinstance(table, dict):
        reader.problem("notify is not a section; write [notify]", "notify")
        return {}
    for name, address in table.items():
        if not isinstance(address, str) or not address:
            reader.problem(
                f"notify.{name} is {address!r}; an address in quotes is expected.",
                *("notify", 0, name),
            )
    return {name: address for name, address in table.items() if isinstance(address, str)}


def _check_stations(reader: _Reader, stations: Sequence[StationConfig | None]) -> None:
    seen: dict[str, str] = {}
    for index, station in enumerate(stations):
        if station is None:
            continue
        ways = [way for way in ("url", "command", "device", "file") if getattr(station, way)]
        if len(ways) != 1:
            given = f"has {alternatives(ways)}".replace(" or ", " and ") if ways else "has none"
            reader.problem(
                f"A station has one of url, command, device or file; '{station.name}' {given}.",
                *("station", index),
            )
        if not station.id:
            reader.problem(
                f"The name {station.name!r} has no letter or digit of ASCII; add one.",
                *("station", index, "name"),
            )
        elif station.id in seen:
            reader.problem(
                f"The stations '{seen[station.id]}' and '{station.name}' have names that are one "
                "in addresses; change one of them.",
                *("station", index, "name"),
            )
        seen[station.id] = station.name


def _check_references(
    reader: _Reader,
    stations: Sequence[StationConfig | None],
    alarms: Sequence[AlarmConfig | None],
    maintenance: Sequence[MaintenanceConfig | None],
    targets: Mapping[str, str],
) -> None:
    if any(station is None for station in stations):
        return  # their names may be among what is wrong
    names = [station.name for station in stations if station is not None]
    for kind, sections in (("alarm", alarms), ("maintenance", maintenance)):
        for index, section in enumerate(sections):
            if section is None:
                continue
            for name in section.station:
                if name not in names:
                    reader.problem(
                        f"There is no station {name!r}; {nearest(name, names)}",
                        *(kind, index, "station"),
                    )
    for index, alarm in enumerate(alarms):
        for name in (alarm.notify or ()) if alarm is not None else ():
            if name not in targets:
                known = nearest(name, targets) if targets else "[notify] is empty."
                reader.problem(f"[notify] has no {name!r}; {known}", "alarm", index, "notify")
    for index, section in enumerate(maintenance):
        for day in section.days if section is not None else ():
            if day not in DAYS:
                reader.problem(
                    f"{day!r} is no day; {nearest(day, DAYS)}", "maintenance", index, "days"
                )


def read_config(path: str | os.PathLike[str]) -> MonitorConfig:
    """Return the configuration in a file.

    Raises
    ------
    ConfigError
        It cannot be read, or something is wrong in it; each line names the file.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(
            f"The configuration '{os.fspath(path)}' cannot be read: {reason.lower()}; "
            "'tagnode monitor init' writes one."
        ) from error
    try:
        return parse_config(text)
    except ConfigError as error:
        lines = str(error).splitlines()
        raise ConfigError("\n".join(f"{os.fspath(path)}: {line}" for line in lines)) from error
