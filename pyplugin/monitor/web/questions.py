"""What a request asks for, checked: times, days, stations."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import date, timedelta, tzinfo

from pyplugin.monitor.segments import CLASSES
from pyplugin.monitor.storage import day_of
from pyplugin.monitor.times import local
from pyplugin.support.spelling import nearest

LONGEST = 366 * 86_400_000
"""Milliseconds of one question at most."""

Query = Mapping[str, str]
"""The part of an address after ``?``."""


class BadRequestError(Exception):
    """The question cannot be answered; the sentence has the reason."""


def span(query: Query) -> tuple[int, int]:
    """Return ``from`` and ``to`` in milliseconds of UTC; without, the last day.

    Raises
    ------
    BadRequestError
        They are no times, or too far apart.
    """
    now = round(time.time() * 1000)
    start = _number(query, "from", now - 86_400_000)
    end = _number(query, "to", now + 60_000)
    if not 0 <= end - start <= LONGEST:
        raise BadRequestError("'from' and 'to' are milliseconds of UTC, at most a year apart.")
    return start, end


def _number(query: Query, name: str, default: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadRequestError(f"{name} is {text[:40]!r}; milliseconds of UTC are expected.")
    return int(text)


def day(query: Query, zone: tzinfo | None = None) -> date:
    """Return ``day``; without, today.

    Parameters
    ----------
    zone
        Instead of the machine's time zone.

    Raises
    ------
    BadRequestError
        It is no day, or one that no log reaches.
    """
    text = query.get("day", "")
    if not text:
        return local(round(time.time() * 1000), zone).date()
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1970 < found.year < 2200 or len(text) != 10:
        raise BadRequestError(f"day is {text[:40]!r}; one such as 2026-11-30 is expected.")
    return found


def days(query: Query, zone: tzinfo | None = None) -> tuple[int, int]:
    """Return begin and end of the ``days`` days, 1 without, up to the end of ``day``.

    Raises
    ------
    BadRequestError
        They are no days, or more than a year.
    """
    last, text = day(query, zone), query.get("days") or "1"
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 366:
        raise BadRequestError(f"days is {text[:40]!r}; a number from 1 to 366 is expected.")
    first = last - timedelta(days=int(text) - 1)
    return day_of(first, zone)[0], day_of(last, zone)[1]


def station(query: Query) -> str | None:
    """Return the name of the station that is asked for; ``None`` for all."""
    return query.get("station") or None


def kind(query: Query) -> str | None:
    """Return the class that is asked for; ``None`` for all.

    Raises
    ------
    BadRequestError
        There is no such class.
    """
    return choice(query, "kind", CLASSES)


def choice(query: Query, name: str, known: Sequence[str]) -> str | None:
    """Return a value that is one of these; ``None`` without.

    Raises
    ------
    BadRequestError
        It is none of them.
    """
    given = query.get(name) or None
    if given is not None and given not in known:
        raise BadRequestError(f"{name} is {given[:40]!r}; {nearest(given, known)}")
    return given
