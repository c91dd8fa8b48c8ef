"""``tagnode monitor``: Log radio stations for months, and raise alarms."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyplugin.cli.ui.interrupts import ended_by_interrupts
from pyplugin.cli.ui.log_table import clock, lasted, number, print_rows
from pyplugin.cli.ui.paths import PATH
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import ConfigError
from pyplugin.support.files import replacing
from pyplugin.support.printable import printable
from pyplugin.support.spelling import counted

if TYPE_CHECKING:
    from pyplugin.monitor.config import MonitorConfig
    from pyplugin.monitor.storage import Log

CONFIG = "radio.toml"


@click.group("monitor")
def command() -> None:
    """Listen to radio stations for months, log what is on air, and raise alarms.

    With an address to listen at, pages show what is on air, the log, days, alarms and health.

    \b
    Start with:
      tagnode monitor probe https://radio.example/live.mp3
      tagnode monitor init https://radio.example/live.mp3 --listen 127.0.0.1:8080
      tagnode monitor check
      tagnode monitor run
    """


_config_option = click.option(
    "--config",
    "config",
    type=PATH,
    default=CONFIG,
    show_default=True,
    help="The configuration; 'tagnode monitor init' writes one.",
)
_station_option = click.option("--station", metavar="NAME", help="Only this station.")
_json_option = click.option("--json", "as_json", is_flag=True, help="A line of JSON for each row.")
_csv_option = click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values.")


def _between(function: Callable[..., Any]) -> Callable[..., Any]:
    to = click.option("--to", "end", metavar="TIME", help="End.  [default: now]")
    start = click.option(
        "--from",
        "start",
        metavar="TIME",
        help="Begin: 2026-11-30, 2026-11-30T14:00, or 7d for seven days ago.  [default: 1d]",
    )
    return start(to(function))


def _moment(text: str | None, default: float) -> int:
    """Return milliseconds of UTC of a local time, or of a duration ago."""
    from pyplugin.monitor.times import parse_duration

    if text is None:
        return round((time.time() - default) * 1000)
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        try:
            return round((time.time() - parse_duration(text)) * 1000)
        except ValueError:
            raise click.UsageError(
                f"{text!r} is no time; one such as 2026-11-30, 2026-11-30T14:00 or 7d is expected."
            ) from None


def _read(path: Path) -> MonitorConfig:
    from pyplugin.monitor.config import read_config

    return read_config(path)


def _log(config: Path) -> Log:
    from pyplugin.monitor.storage import Log

    return Log(_read(config).settings.data)


# ---- before


@command.command("init")
@click.argument("sources", nargs=-1, metavar="[URL|'cmd: COMMAND'|FILE]...")
@click.option("--out", type=PATH, default=CONFIG, show_default=True, help="File to write.")
@click.option(
    "--kind",
    type=click.Choice(["music", "talk", "mixed", "any"]),
    default="any",
    show_default=True,
    help="What the stations send; it chooses their alarms.",
)
@click.option(
    "--data", metavar="FOLDER", help="Folder of the log.  [default: one beside the configuration]"
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Address of the pages, such as 127.0.0.1:8080; on others than loopback one signs in with "
    "a token.  [default: none]",
)
def init(
    sources: tuple[str, ...], out: Path, kind: str, data: str | None, listen: str | None
) -> None:
    """Write a configuration with every key, and what each means.

    A station that states no name gets that of its address.

    \b
    Examples:
      tagnode monitor init
      tagnode monitor init https://radio.example/live.mp3 --kind music --listen 127.0.0.1:8080
    """
    from pyplugin.monitor.config import parse_address
    from pyplugin.monitor.template import template

    try:
        if listen is not None:
            parse_address(listen)
    except ValueError as error:
        raise click.UsageError(f"--listen: {error}.") from None

    if out.exists():
        raise click.UsageError(f"There is a file {out} already; give another one by --out.")
    stations = [_station_of(source, kind) for source in sources]
    folder = data or str(out.absolute().parent / "monitor")
    text = template(_distinct(stations), folder, listen=listen or "")
    with replacing(out) as part:
        part.write_text(text, encoding="utf-8")
    echo(f"{printable(out)} is written; edit it, then: tagnode monitor check --config {out}")


def _station_of(source: str, kind: str) -> Any:
    from pyplugin.inputs.playlists import is_url
    from pyplugin.monitor.config import StationConfig
    from pyplugin.monitor.probe import name_of_station

    if source.startswith("cmd:"):
        words = source.removeprefix("cmd:").strip()
        return StationConfig(words.partition(" ")[0] or "command", command=words, kind=kind)
    if is_url(source):
        return StationConfig(name_of_station(source), url=source, kind=kind)
    if Path(source).is_file():
        return StationConfig(Path(source).stem, file=source, kind=kind)
    return StationConfig(source, device=source, kind=kind)


def _distinct(stations: list[Any]) -> list[Any]:
    from dataclasses import replace

    seen: dict[str, int] = {}
    made = []
    for station in stations:
        seen[station.id] = number = seen.get(station.id, 0) + 1
        made.append(station if number == 1 else replace(station, name=f"{station.name} {number}"))
    return made


@command.command("probe")
@click.argument("source", metavar="URL|'cmd: COMMAND'|FILE")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 600),
    default=10.0,
    show_default=True,
    help="How long to listen.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def probe(source: str, seconds: float, as_json: bool) -> None:
    """Listen to a station for some seconds, and print format, title, loudness and labels.

    \b
    Example:
      tagnode monitor probe https://radio.example/live.mp3
    """
    from pyplugin.monitor.probe import probe_station

    found = probe_station(source, seconds)
    if as_json:
        echo(json.dumps(found.as_dict()))
    else:
        for line in found.lines():
            echo(printable(line))


@command.command("check")
@_config_option
def check(config: Path) -> None:
    """Check the configuration, and print each rule as a sentence.

    \b
    Example:
      tagnode monitor check
    """
    from pyplugin.monitor.checking import check_config

    read = _read(config)
    problems = 0
    for line in check_config(read):
        problems += line.problem
        echo(printable(line.text), err=line.problem)
    if problems:
        raise SystemExit(2)
    if not read.stations:
        raise ConfigError(f"{config} has no [[station]]; 'tagnode monitor init URL' writes one.")


# ---- running


@command.command("run")
@_config_option
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--quiet", is_flag=True, help="Print nothing while all is well.")
def run(config: Path, seconds: float | None, quiet: bool) -> None:
    """Listen to the stations until it is stopped.

    SIGHUP reads the configuration again, and begins anew only what changed; SIGTERM and Ctrl-C end
    what lasts and write it.

    \b
    Example:
      tagnode monitor run --config radio.toml
    """
    from pyplugin.errors import PypluginError
    from pyplugin.monitor.notify import Message
    from pyplugin.monitor.service import Service

    read = _read(config)
    if not read.stations:
        raise ConfigError(f"{config} has no [[station]]; 'tagnode monitor init URL' writes one.")

    def show(message: Message) -> None:
        if not quiet:
            echo(f"{clock(message.time)} {printable(message.text)}")

    service = Service(read, show, lambda sentence: echo(printable(sentence)))
    asked: list[bool] = []
    before = signal.signal(signal.SIGHUP, lambda number, frame: asked.append(True))

    def reload() -> None:
        asked.clear()
        try:
            for line in service.reload(_read(config)):
                echo(printable(line), err=True)
        except PypluginError as error:
            echo(f"tagnode: the configuration stays as it was: {error}", err=True)

    service.start()
    if not quiet:
        listening = f"Listening to {counted(len(read.stations), 'station')}"
        echo(f"{listening}; the log is in {read.settings.data}.")
        if service.web is not None:
            echo(f"The pages are at {service.web.address}.")
    try:
        with ended_by_interrupts():
            service.run(seconds=seconds, each=lambda: reload() if asked else None)
    finally:
        signal.signal(signal.SIGHUP, before)
        service.close()


# ---- reading the log


@command.command("log")
@_config_option
@_between
@_station_option
@click.option("--titles", is_flag=True, help="Titles instead of segments.")
@click.option("--events", is_flag=True, help="Events instead of segments.")
@_csv_option
@_json_option
def log(
    config: Path,
    start: str | None,
    end: str | None,
    station: str | None,
    titles: bool,
    events: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print what was on air: segments, titles or events.

    \b
    Examples:
      tagnode monitor log --from 2026-11-01 --to 2026-12-01 --csv > november.csv
      tagnode monitor log --titles --from 7d --json
    """
    span = _moment(start, 86400.0), _moment(end, -60.0)
    with _log(config) as read:
        if titles:
            from pyplugin.monitor.titles import with_changes

            rows: Iterator[dict[str, Any]] = with_changes(read.tracks(*span, station), read)
            columns: dict[str, Callable[[dict[str, Any]], str]] = {
                "station": lambda row: row["station"],
                "start": lambda row: clock(row["start"]),
                "length": lasted,
                "artist": lambda row: row["artist"],
                "title": lambda row: row["title"],
                "music": lambda row: f"{row['music']:.0%}",
                "sound": _changed,
            }
        elif events:
            rows = read.events(*span, station)
            columns = {
                "station": lambda row: row["station"] or "",
                "time": lambda row: clock(row["time"]),
                "event": lambda row: row["kind"],
                "message": lambda row: row["message"],
            }
        else:
            rows = read.segments(*span, station)
            columns = {
                "station": lambda row: row["station"],
                "start": lambda row: clock(row["start"]),
                "end": lambda row: "" if row["open"] else clock(row["end"]),
                "length": lasted,
                "on air": lambda row: row["kind"],
                "LUFS": lambda row: number(row["loudness"]),
            }
        print_rows(rows, columns, as_json=as_json, as_csv=as_csv)


def _changed(row: dict[str, Any]) -> str:
    """Return when the sound changed after the title did; "same" if it did not."""
    if row["change"] is None:
        return "same" if row["compared"] else ""
    return f"{row['change']:+d}s"


@command.command("loudness")
@_config_option
@_between
@_station_option
@click.option("--hourly", is_flag=True, help="Rows for each hour instead of the whole time.")
@_csv_option
@_json_option
def loudness(
    config: Path,
    start: str | None,
    end: str | None,
    station: str | None,
    hourly: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print the integrated loudness of each class of what was on air (EBU R 128).

    LU is the difference from the programme of the whole time: advertisements that are louder than
    what surrounds them stand out.

    \b
    Examples:
      tagnode monitor loudness --from 7d
      tagnode monitor loudness --from 2026-11-29 --to 2026-11-30 --hourly --csv
    """
    from pyplugin.monitor.loudness import loudness_by_class
    from pyplugin.monitor.times import format_duration

    span = _moment(start, 86400.0), _moment(end, 0.0)
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "station": lambda row: row["station"],
        "from": lambda row: clock(row["start"]),
        "on air": lambda row: row["kind"],
        "length": lambda row: format_duration(row["seconds"]),
        "LUFS": lambda row: number(row["loudness"]),
        "LU": lambda row: "" if row["difference"] is None else f"{row['difference']:+.1f}",
    }
    with _log(config) as read:
        rows = loudness_by_class(read, *span, station, hourly=hourly)
        print_rows(rows, columns, as_json=as_json, as_csv=as_csv)


_ALARM_COLUMNS: dict[str, Callable[[dict[str, Any]], str]] = {
    "id": lambda row: str(row["id"]),
    "station": lambda row: row["station"],
    "alarm": lambda row: row["rule"],
    "start": lambda row: clock(row["start"]),
    "end": lambda row: clock(row["end"]) if row["end"] else "open",
    "reason": lambda row: row["reason"],
    "seen": lambda row: "yes" if row["acknowledged"] else "",
}


@command.command("alarms")
@_config_option
@_between
@_station_option
@click.option("--open", "only_open", is_flag=True, help="Only those that are open.")
@_csv_option
@_json_option
def alarms(
    config: Path,
    start: str | None,
    end: str | None,
    station: str | None,
    only_open: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print alarms.

    \b
    Example:
      tagnode monitor alarms --from 30d
    """
    span = _moment(start, 86400.0), _moment(end, -60.0)
    with _log(config) as read:
        rows = read.alarms(*span, station, only_open=only_open)
        print_rows(rows, _ALARM_COLUMNS, as_json=as_json, as_csv=as_csv)


@command.command("status")
@_config_option
@_json_option
def status(config: Path, as_json: bool) -> None:
    """Print what is on air at each station, and the alarms that are open, by the log.

    \b
    Example:
      tagnode monitor status
    """
    from pyplugin.monitor.times import now_ms

    now = now_ms()
    with _log(config) as read:
        rows = []
        for station in read.stations():
            name = station["name"]
            last = list(read.segments(now - 3 * 86_400_000, now + 60_000, name))[-1:]
            titles = [row for row in read.tracks(now - 86_400_000, now, name) if row["open"]]
            rows.append(
                {
                    "station": name,
                    "on_air": last[0]["kind"] if last else "",
                    "since": last[0]["start"] if last else None,
                    "as_of": last[0]["end"] if last else None,
                    "title": _title(titles[-1]) if titles else "",
                    "alarms": [row["rule"] for row in read.alarms(0, now, name, only_open=True)],
                }
            )
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "station": lambda row: row["station"],
        "on air": lambda row: row["on_air"],
        "since": lambda row: clock(row["since"]) if row["since"] else "",
        "as of": lambda row: clock(row["as_of"]) if row["as_of"] else "",
        "title": lambda row: row["title"],
        "alarms": lambda row: ", ".join(row["alarms"]),
    }
    print_rows(rows, columns, as_json=as_json, as_csv=False)


def _title(row: dict[str, Any]) -> str:
    return f"{row['artist']} - {row['title']}" if row["artist"] else str(row["title"])


@command.command("replay")
@_config_option
@_between
@_station_option
@click.option("--with", "rules", type=PATH, help="Another configuration, whose rules are tried.")
@_csv_option
@_json_option
def replay(
    config: Path,
    start: str | None,
    end: str | None,
    station: str | None,
    rules: Path | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Print which alarms the rules would have raised, by the scores in the log.

    \b
    Example:
      tagnode monitor replay --from 7d --with new.toml
    """
    from pyplugin.monitor.replay import replayed
    from pyplugin.monitor.rules import rules_of
    from pyplugin.monitor.station import columns_of, plan_of

    read = _read(rules or config)
    span = _moment(start, 86400.0), _moment(end, 0.0)

    def found() -> Iterator[dict[str, Any]]:
        with _log(config) as opened:
            for each in read.stations:
                if station is not None and each.name != station:
                    continue
                columns = columns_of(plan_of(each))
                for change in replayed(
                    opened, each.name, columns, rules_of(each, columns, read), *span
                ):
                    if change.edge == "closed":
                        yield {
                            "station": each.name,
                            "rule": change.rule,
                            "start": change.start,
                            "end": change.end,
                        }

    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "station": lambda row: row["station"],
        "alarm": lambda row: row["rule"],
        "start": lambda row: clock(row["start"]),
        "length": lasted,
    }
    print_rows(found(), columns, as_json=as_json, as_csv=as_csv)


@command.command("test-notify")
@_config_option
@click.argument("names", nargs=-1, metavar="[NAME]...")
def test_notify(config: Path, names: tuple[str, ...]) -> None:
    """Send a message to each target of [notify], or to these.

    \b
    Example:
      tagnode monitor test-notify desk
    """
    from pyplugin.errors import PypluginError
    from pyplugin.monitor.notify import Message, sender
    from pyplugin.monitor.times import now_ms
    from pyplugin.support.spelling import nearest

    targets = _read(config).targets
    for name in names:
        if name not in targets:
            raise click.UsageError(f"[notify] has no {name!r}; {nearest(name, targets)}")
    if not targets:
        raise ConfigError(f"{config} has nothing in [notify].")
    now = now_ms()
    text = "This is a test of tagnode monitor."
    message = Message("test", "test", "opened", now, now, None, "", None, text)
    failed = False
    for name in names or targets:
        try:
            sender(targets[name])(message)
            echo(f"{name}: sent.")
        except PypluginError as error:
            failed = True
            echo(f"tagnode: {name}: {printable(error)}", err=True)
    if failed:
        raise SystemExit(1)


@command.command("install")
@_config_option
@click.option("--user", default="tagnode", show_default=True, help="User of the service.")
@click.option("--dry-run", is_flag=True, help="Print what would be done.")
def install(config: Path, user: str, dry_run: bool) -> None:
    """Install the monitor as a service of systemd, with a user and a folder of its own; needs root.

    The configuration is copied to /etc/tagnode/radio.toml unless there is one.

    \b
    Example:
      sudo tagnode monitor install --config radio.toml
      tagnode monitor install --dry-run
    """
    from pyplugin.monitor.unit import install_service, steps

    read = _read(config)
    planned = steps(config, read.settings.data, user)
    if dry_run:
        for step in planned:
            echo(printable(str(step)) if not step.content else f"{step}\n{step.content}")
        return
    for line in install_service(planned):
        echo(printable(line))


@command.command("export")
@_config_option
@_between
@_station_option
@click.argument("folder", type=PATH)
def export(
    config: Path, start: str | None, end: str | None, station: str | None, folder: Path
) -> None:
    """Write segments, titles, alarms and events as CSV files into FOLDER.

    \b
    Example:
      tagnode monitor export november --from 2026-11-01 --to 2026-12-01
    """
    from pyplugin.monitor.export import export_log

    span = _moment(start, 86400.0), _moment(end, -60.0)
    with _log(config) as log:
        for path, count in export_log(log, folder, *span, station):
            echo(f"{printable(path)}: {count} rows")
