"""Rules: a condition, how long it must last, when it counts, and who is notified."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from pyplugin.errors import ConfigError
from pyplugin.monitor.columns import Columns
from pyplugin.monitor.conditions import NAMED, Condition, parse_condition
from pyplugin.monitor.config import AlarmConfig, MonitorConfig, StationConfig
from pyplugin.monitor.times import Between, format_duration
from pyplugin.support.spelling import alternatives

_HOLD = 20.0  # seconds, of a comparison without `for`
_CLEAR = (3.0, 60.0)  # least and most seconds of an alarm without `clear`, a tenth of `for`


@dataclass(frozen=True)
class Rule:
    """A rule of one station.

    Attributes
    ----------
    hold, clear
        Seconds that the condition lasts before the alarm opens, and is over before it closes.
        Shorter interruptions than ``clear`` do not start the wait anew.
    repeat
        Seconds after which an open alarm is sent again; ``None`` for never.
    between
        Part of the day in which it counts.
    notify
        Names of targets.
    on_air
        Part of the day in which its station sends; outside it does not count either.
    """

    name: str
    condition: Condition
    hold: float
    clear: float
    repeat: float | None = None
    between: Between | None = None
    notify: tuple[str, ...] = ()
    on_air: Between | None = None

    @property
    def while_down(self) -> bool:
        """Whether it is about the connection, and so counts while no audio arrives."""
        return any(
            each.name.startswith("station.") for all_of in self.condition.any_of for each in all_of
        )

    def described(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what an alarm keeps of its rule, for it may be another one later.

        Parameters
        ----------
        names
            Of the columns.

        Examples
        --------
        >>> columns = Columns(("tag.scene.music",))
        >>> about = default_rules("music", columns, ())[1].described(columns.names)
        >>> about["meaning"], about["hold"]
        ('there is only silence, hum, hiss or a tone', 20.0)
        >>> about["any_of"]
        [[{'name': 'signal.presence', 'above': False, 'value': 0.3, 'unit': ''}]]
        """
        return {
            "meaning": str(self.condition),
            "hold": float(self.hold),
            "any_of": [
                [
                    {
                        "name": names[each.column],
                        "above": each.above,
                        "value": each.value,
                        "unit": each.unit,
                    }
                    for each in all_of
                ]
                for all_of in self.condition.any_of
            ],
        }

    def sentence(self, station: str) -> str:
        """Return the rule in English.

        Examples
        --------
        >>> rule = default_rules("music", Columns(("tag.scene.music",)), ("desk",))[1]
        >>> rule.sentence("Test FM")[:63]
        'no programme: opens once there is only silence, hum, hiss or a '
        """
        day = f", between {self.between}" if self.between else ""
        day += f", while it is on air, {self.on_air}" if self.on_air else ""
        again = f"; again every {format_duration(self.repeat)}" if self.repeat else ""
        who = " and ".join(self.notify) if self.notify else "nobody"
        return (
            f"{self.name}: opens once {self.condition} on {station} for "
            f"{format_duration(self.hold)}{day}; closes after {format_duration(self.clear)} "
            f"without; notifies {who}{again}."
        )


def _made(
    name: str,
    condition: Condition,
    given: AlarmConfig | None,
    targets: tuple[str, ...],
) -> Rule:
    named = NAMED.get(condition.named or "")
    hold = named.hold if named is not None else _HOLD
    if given is not None and given.hold is not None:
        hold = given.hold
    clear = min(max(hold / 10, _CLEAR[0]), _CLEAR[1])
    if named is not None and (given is None or given.hold is None):
        clear = named.clear
    if given is None:
        return Rule(name, condition, hold, clear, notify=targets)
    return Rule(
        name,
        condition,
        hold,
        clear if given.clear is None else given.clear,
        given.repeat,
        given.between,
        targets if given.notify is None else given.notify,
    )


def default_rules(kind: str, columns: Columns, targets: tuple[str, ...]) -> list[Rule]:
    """Return the rules that a station of this kind has by default.

    One that needs a label that its models have not is left out.
    """
    rules = []
    for name, named in NAMED.items():
        if kind in named.kinds:
            with contextlib.suppress(ValueError):
                rules.append(_made(name, parse_condition(name, columns), None, targets))
    return rules


def rules_of(station: StationConfig, columns: Columns, config: MonitorConfig) -> list[Rule]:
    """Return the rules of a station: those of its kind, and those of the configuration.

    An ``[[alarm]]`` with the name of one of its kind replaces it; ``enabled = false`` takes it
    away.

    Raises
    ------
    ConfigError
        A condition cannot be read; a line for each.
    """
    targets = tuple(config.targets)
    rules: dict[str, Rule] = {}
    if config.settings.default_alarms and station.default_alarms:
        rules = {rule.name: rule for rule in default_rules(station.kind, columns, targets)}
    problems = []
    for alarm in config.alarms:
        if alarm.station and station.name not in alarm.station:
            continue
        rules.pop(alarm.name, None)
        try:
            condition = parse_condition(alarm.when, columns)
        except ValueError as error:
            problems.append(f"Alarm '{alarm.name}' of {station.name}: {error}.")
            continue
        if alarm.enabled:
            rules[alarm.name] = _made(alarm.name, condition, alarm, targets)
    if problems:
        raise ConfigError("\n".join(problems))
    return [replace(rule, on_air=station.on_air) for rule in rules.values()]


def kinds_table() -> str:
    """Return the conditions with names as a Markdown table.

    Examples
    --------
    >>> print(kinds_table().splitlines()[2])
    | `down` | no audio arrives | `station.down > 0.5` | 30s | 3s | all |
    """
    lines = ["| condition | holds while | as comparisons | `for` | `clear` | alarm of kind |"]
    lines.append("|---|---|---|---|---|---|")
    for name, named in NAMED.items():
        kinds = "all" if len(named.kinds) == 4 else alternatives(named.kinds or ("none",))
        times = f"{format_duration(named.hold)} | {format_duration(named.clear)}"
        lines.append(f"| `{name}` | {named.meaning} | `{named.when}` | {times} | {kinds} |")
    return "\n".join(lines)


def by_name(rules: list[Rule]) -> dict[str, Rule]:
    """Return rules by their names."""
    return {rule.name: rule for rule in rules}


if __name__ == "__main__":
    print(kinds_table())
