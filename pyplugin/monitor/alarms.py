"""When alarms open, are repeated and close. No clock and no thread: rows in, changes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pyplugin.monitor.columns import SECOND, Rows, runs
from pyplugin.monitor.rules import Rule
from pyplugin.monitor.times import Between, local

Edge = Literal["opened", "repeated", "closed"]


@dataclass(frozen=True)
class Change:
    """An alarm opened, is still open after ``repeat``, or closed.

    Attributes
    ----------
    rule
        Name of the rule.
    edge
        ``"opened"``, ``"repeated"`` or ``"closed"``.
    time
        When that was decided, in milliseconds of UTC.
    start
        When the condition began.
    end
        When it ended, of one that closed; otherwise ``None``.
    reason
        Why it closed: ``"over"``, ``"down"``, ``"removed"``.
    values
        Value by column of what the rule compares, at ``time``.
    condition
        The rule as it was then, of one that opened:
        :meth:`pyplugin.monitor.rules.Rule.described`.
    """

    rule: str
    edge: Edge
    time: int
    start: int
    end: int | None = None
    reason: str = ""
    values: dict[str, float] = field(default_factory=dict)
    condition: dict[str, Any] = field(default_factory=dict)


@dataclass
class Standing:
    """Where a rule stands; what is kept over a restart.

    Attributes
    ----------
    start
        Milliseconds of UTC at which the condition began; ``None`` while it does not hold.
    last
        End of the last row in which it held.
    opened
        When the alarm opened or was repeated last; ``None`` while it is not open.
    """

    start: int | None = None
    last: int = 0
    opened: int | None = None


class AlarmTimer:
    """One rule's way through the rows.

    An episode begins with a row in which the condition holds, and is over once it has not held for
    ``clear``. The alarm opens when an episode has lasted for ``hold``, and closes when it is over.

    Parameters
    ----------
    rule
        What it times.
    standing
        Where it stood before a restart.
    """

    def __init__(self, rule: Rule, standing: Standing | None = None) -> None:
        self.rule = rule
        self.standing = Standing() if standing is None else replace(standing)
        self._hold, self._clear = round(rule.hold * 1000), max(round(rule.clear * 1000), 1)
        self._repeat = None if rule.repeat is None else round(rule.repeat * 1000)

    def push(self, times: npt.NDArray[np.int64], holds: npt.NDArray[np.bool_]) -> list[Change]:
        """Take rows; return what changed.

        Parameters
        ----------
        times
            (n,) milliseconds of UTC at which each row ends, in order.
        holds
            (n,) whether the condition holds in it.
        """
        if self.standing.start is None and not holds.any():
            return []
        changes: list[Change] = []
        holes = np.concatenate([[False], np.diff(times) - SECOND >= self._clear]).cumsum()
        for start, stop in runs(holds + 2 * holes):
            if holds[start]:
                self._held(times[start:stop], changes)
            else:
                self._failed(times[start:stop], changes)
        return changes

    def _held(self, times: npt.NDArray[np.int64], changes: list[Change]) -> None:
        now = self.standing
        begins = int(times[0]) - SECOND
        if now.start is not None and begins - now.last >= self._clear:  # nothing was known between
            self._close(begins, changes)
        if now.start is None:
            now.start = begins
        if now.opened is None:
            at = int(np.searchsorted(times, now.start + self._hold))
            if at < len(times):
                now.opened = int(times[at])
                changes.append(self._change("opened", now.opened))
        if now.opened is not None and self._repeat is not None:
            while now.opened + self._repeat <= times[-1]:
                now.opened += self._repeat
                changes.append(self._change("repeated", now.opened))
        now.last = int(times[-1])

    def _failed(self, times: npt.NDArray[np.int64], changes: list[Change]) -> None:
        now = self.standing
        if now.start is None:
            return
        at = int(np.searchsorted(times, now.last + self._clear))
        if at < len(times):
            self._close(int(times[at]), changes)

    def _close(self, time: int, changes: list[Change], reason: str = "over") -> None:
        now = self.standing
        if now.opened is not None:
            changes.append(self._change("closed", time, now.last, reason))
        now.start = now.opened = None

    def _change(self, edge: Edge, time: int, end: int | None = None, reason: str = "") -> Change:
        assert self.standing.start is not None
        return Change(self.rule.name, edge, time, self.standing.start, end, reason)

    def shift(self, step: int) -> None:
        """Go on after the clock was set by so many milliseconds."""
        now = self.standing
        now.start = None if now.start is None else now.start + step
        now.opened = None if now.opened is None else now.opened + step
        now.last += step

    def end(self, time: int, reason: str) -> list[Change]:
        """Close the alarm if it is open, as a rule that no longer exists."""
        changes: list[Change] = []
        self._close(time, changes, reason)
        return changes


class AlarmBook:
    """The alarms of one station.

    Parameters
    ----------
    rules
        Its rules.
    down
        The column that is 1 while no audio arrives.
    names
        Names of the columns.
    standings
        Where rules stood before a restart, by name.
    to_local
        Returns the local time of milliseconds of UTC.
    """

    def __init__(
        self,
        rules: list[Rule],
        down: int,
        names: tuple[str, ...],
        standings: dict[str, Standing] | None = None,
        to_local: Callable[[int], datetime] = local,
    ) -> None:
        before = standings or {}
        self.timers = [AlarmTimer(rule, before.get(rule.name)) for rule in rules]
        self._down, self._names = down, names
        self._local = to_local

    def push(self, rows: Rows) -> list[Change]:
        """Take rows; return what changed, in order of time."""
        changes: list[Change] = []
        down = rows.values[:, self._down] > 0.5
        for timer in self.timers:
            rule = timer.rule
            holds = rule.condition.holds(rows.values)
            for part in (rule.between, rule.on_air):
                if part is not None:
                    holds &= self._within(rows.times, part)
            for change in timer.push(rows.times, holds):
                at = min(int(np.searchsorted(rows.times, change.time)), len(rows) - 1)
                reason = change.reason
                if reason == "over" and down[at] and not rule.while_down:
                    reason = "down"
                changes.append(self._described(change, rule, rows, at, reason))
        return sorted(changes, key=lambda change: change.time)

    def _described(self, change: Change, rule: Rule, rows: Rows, at: int, reason: str) -> Change:
        values = {
            self._names[column]: round(float(rows.values[at, column]), 3)
            for column in rule.condition.columns
            if not np.isnan(rows.values[at, column])
        }
        condition = rule.described(self._names) if change.edge == "opened" else {}
        return Change(
            *(change.rule, change.edge, change.time, change.start, change.end),
            *(reason, values, condition),
        )

    def _within(self, times: npt.NDArray[np.int64], between: Between) -> npt.NDArray[np.bool_]:
        minutes, places = np.unique(times // 60000, return_inverse=True)
        inside = [self._local(int(minute) * 60000) in between for minute in minutes]
        return np.array(inside, np.bool_)[places]

    @property
    def standings(self) -> dict[str, Standing]:
        """Where the rules stand, by name."""
        return {timer.rule.name: timer.standing for timer in self.timers}
