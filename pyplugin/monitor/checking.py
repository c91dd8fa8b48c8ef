"""What a configuration means, in sentences, and what in it cannot work."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pyplugin.errors import PypluginError
from pyplugin.inputs.playlists import without_password
from pyplugin.monitor.config import MonitorConfig
from pyplugin.monitor.notify import sender
from pyplugin.monitor.rules import rules_of
from pyplugin.monitor.station import columns_of, plan_of


@dataclass(frozen=True)
class Line:
    """A sentence, and whether it is a problem."""

    text: str
    problem: bool = False


def check_config(config: MonitorConfig) -> Iterator[Line]:
    r"""Yield what a configuration means: stations, their rules, targets.

    Examples
    --------
    >>> from pyplugin.monitor.config import parse_config
    >>> text = "[[station]]\nname = 'Test FM'\nurl = 'https://stream.example/live'"
    >>> [line.text for line in check_config(parse_config(text))][0]
    'Test FM: https://stream.example/live, of kind any.'
    """
    for station in config.stations:
        yield Line(f"{station.name}: {without_password(station.source)}, of kind {station.kind}.")
        try:
            rules = rules_of(station, columns_of(plan_of(station)), config)
        except PypluginError as error:
            for line in str(error).splitlines():
                yield Line(f"  {line}", problem=True)
            continue
        for rule in rules:
            yield Line(f"  {rule.sentence(station.name)}")
    for name, address in config.targets.items():
        try:
            sender(address)
        except PypluginError as error:
            yield Line(f"{name}: {error}", problem=True)
    yield from _secrets(config)


def _secrets(config: MonitorConfig) -> Iterator[Line]:
    if config.mqtt is None or not config.mqtt.password_file:
        return
    path = Path(config.mqtt.password_file)
    try:
        mode = path.stat().st_mode
    except OSError as error:
        yield Line(f"[mqtt] password_file: {error.strerror}.", problem=True)
        return
    if os.name == "posix" and mode & (stat.S_IRGRP | stat.S_IROTH):
        yield Line(f"Others can read {path}; 'chmod 600 {path}' changes that.", problem=True)
