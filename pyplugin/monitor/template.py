"""The configuration that ``monitor init`` writes: every key, with what it means."""

from __future__ import annotations

from dataclasses import MISSING, fields

from pyplugin.monitor.conditions import NAMED
from pyplugin.monitor.config import SECTIONS, StationConfig, key_of

_HEAD = """\
# What the monitor listens to, and what raises an alarm.
# 'tagnode monitor check --config FILE' explains it, 'tagnode monitor run --config FILE' runs it.
# A key behind a # has its default.
"""


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return str(value)


def _section(name: str, given: dict[str, object], *, repeated: bool, active: bool) -> list[str]:
    header = f"[[{name}]]" if repeated else f"[{name}]"
    lines = ["", header if active else f"# {header}"]
    for each in fields(SECTIONS[name]):
        key = key_of(each)
        meaning, example = each.metadata["meaning"], each.metadata["example"]
        if key in given:
            lines.append(f"{key} = {_text(given[key])}  # {meaning}")
            continue
        default = "" if each.default is MISSING else each.default
        value = example or _text(default if isinstance(default, (str, int)) else "")
        lines.append(f"# {key} = {value}  # {meaning}")
    return lines


def template(stations: list[StationConfig], data: str, *, listen: str = "") -> str:
    """Return a configuration with these stations.

    Parameters
    ----------
    stations
        At least their names and sources.
    data
        Folder of the database.
    listen
        Address of pages and API; empty for none.

    Examples
    --------
    >>> from pyplugin.monitor.config import parse_config
    >>> text = template([StationConfig("Test FM", url="https://stream.example/live")], "/tmp/log")
    >>> parse_config(text).stations[0].name
    'Test FM'
    """
    settings: dict[str, object] = {"data": data}
    if listen:
        settings["listen"] = listen
    lines = [_HEAD.rstrip(), *_section("monitor", settings, repeated=False, active=True)]
    for station in stations:
        given: dict[str, object] = {"name": station.name}
        given |= {
            key: getattr(station, key)
            for key in ("url", "command", "device", "file")
            if getattr(station, key)
        }
        if station.kind != "any":
            given["kind"] = station.kind
        lines += _section("station", given, repeated=True, active=True)
    lines += ["", "# Alarms beside those of a station's kind. Conditions with names:"]
    lines += [f"#   {name}: {named.meaning}" for name, named in NAMED.items()]
    lines += _section("alarm", {}, repeated=True, active=False)
    lines += ["", "# Who is notified: a webhook, a command, or an address of apprise."]
    lines += [
        "[notify]",
        '# desk = "https://hooks.example/radio"',
        "# phone = \"ntfys://ntfy.sh/topic\"  # needs pip install 'tagnode[notify]'",
        '# horn = "cmd: /usr/local/bin/horn"',
    ]
    lines += _section("mqtt", {}, repeated=False, active=False)
    lines += _section("maintenance", {}, repeated=True, active=False)
    return "\n".join(lines) + "\n"
