"""Durations and times of day as people write them: ``"1m30s"``, ``"06:00-22:00"``."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import datetime, tzinfo

UNITS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "y": 31557600.0,
}
"""Seconds of each unit of a duration."""

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdwy])")
_OFFSET_STEP = 86_400_000  # milliseconds in which the offset from UTC changes once at most
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")


def parse_duration(text: object) -> float:
    """Return the seconds of a duration.

    Parameters
    ----------
    text
        Numbers with units: ``ms s m h d w y``.

    Raises
    ------
    ValueError
        It has no unit, or is no duration; the sentence has an example.

    Examples
    --------
    >>> parse_duration("20s"), parse_duration("1m30s"), parse_duration("2.5 h")
    (20.0, 90.0, 9000.0)
    """
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        raise ValueError(f'{text} has no unit; write "{text:g}s" for seconds, or m, h, d')
    if not isinstance(text, str):
        raise ValueError(f'{text!r} is no duration; one such as "20s" or "1m30s" is expected')
    end, seconds = 0, 0.0
    stripped = text.strip()
    for part in _PART.finditer(stripped):
        if stripped[end : part.start()].strip():
            break
        seconds += float(part[1]) * UNITS[part[2]]
        end = part.end()
    if not end or stripped[end:].strip():
        raise ValueError(
            f'"{text}" is no duration; one such as "20s", "1m30s" or "90d" is expected'
        )
    return seconds


def format_duration(seconds: float) -> str:
    """Return a duration as :func:`parse_duration` reads it, at most two units.

    Examples
    --------
    >>> format_duration(90), format_duration(0.5), format_duration(90 * 86400)
    ('1m30s', '0.5s', '90d')
    >>> format_duration(0)
    '0s'
    """
    if seconds < 60:
        return f"{seconds:g}s"
    left = round(seconds)
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, int(UNITS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2])


@dataclass(frozen=True)
class Between:
    """A span of the day, in local time; it may pass midnight.

    Attributes
    ----------
    start, end
        Minutes of the day, 0 to 1440.
    """

    start: int
    end: int

    def __contains__(self, moment: datetime) -> bool:
        minute = moment.hour * 60 + moment.minute
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def __str__(self) -> str:
        return "-".join(f"{at // 60:02d}:{at % 60:02d}" for at in (self.start, self.end))


def parse_between(text: object) -> Between:
    """Return a span of the day.

    Raises
    ------
    ValueError
        It is none, or is empty.

    Examples
    --------
    >>> str(parse_between("6:00-22:00"))
    '06:00-22:00'
    """
    ends = str(text).split("-") if isinstance(text, str) else []
    minutes = []
    for end in ends:
        match = _CLOCK.fullmatch(end.strip())
        if match is not None:
            minutes.append(1440 if match[1] is None else int(match[1]) * 60 + int(match[2]))
    if len(minutes) != 2 or len(ends) != 2 or minutes[0] == minutes[1]:
        raise ValueError(f'{text!r} is no span of the day; one such as "06:00-22:00" is expected')
    return Between(*minutes)


def now_ms() -> int:
    """Return the time in milliseconds of UTC."""
    return round(time.time() * 1000)


def local(utc_ms: int, zone: tzinfo | None = None) -> datetime:
    """Return the local time of a time in milliseconds of UTC; ``zone`` instead of the machine's.

    Examples
    --------
    >>> from datetime import timezone
    >>> local(0, timezone.utc).isoformat()
    '1970-01-01T00:00:00+00:00'
    """
    return datetime.fromtimestamp(utc_ms / 1000, zone).astimezone(zone)


def offsets(start: int, end: int, zone: tzinfo | None = None) -> list[tuple[int, int]]:
    """Return the offsets from UTC of a time, so that a page shows the time of this machine.

    Parameters
    ----------
    start, end
        Milliseconds of UTC, at most a few years apart.
    zone
        Instead of the machine's time zone.

    Returns
    -------
    list of tuple
        From when in milliseconds of UTC, and the offset in minutes; the first is at ``start``.

    Examples
    --------
    >>> from zoneinfo import ZoneInfo
    >>> day, hour = 1_792_879_200_000, 3_600_000  # in Berlin summer time ends on 2026-10-25
    >>> found = offsets(day, day + 25 * hour, ZoneInfo("Europe/Berlin"))
    >>> [((at - day) // hour, minutes) for at, minutes in found]
    [(0, 120), (3, 60)]
    """

    def minutes(at: int) -> int:
        offset = local(at, zone).utcoffset()
        return 0 if offset is None else round(offset.total_seconds() / 60)

    found, at = [(start, minutes(start))], start
    while at < end:
        after = min(at + _OFFSET_STEP, end)
        now = minutes(after)
        if now != found[-1][1]:
            low, high = at, after  # the change is after low, and at high or before
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if minutes(middle) == now else (middle, high)
            found.append((high, now))
        at = after
    return found
