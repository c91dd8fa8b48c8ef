"""The conditions of rules: by name, and comparisons of labels and signals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pyplugin.monitor.columns import STATES, Columns
from pyplugin.node.signals import SIGNALS
from pyplugin.support.arrays import Float32
from pyplugin.support.spelling import nearest

_COMPARISON = re.compile(
    r"(?P<name>.+?)\s*(?P<way><=?|>=?)\s*(?P<value>[-+]?\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z%]*)"
)


@dataclass(frozen=True)
class Named:
    """A condition with a name.

    Attributes
    ----------
    when
        It, as comparisons.
    meaning
        What it is, to follow "while".
    hold, clear
        Seconds that it lasts before an alarm opens, and is over before it closes.
    kinds
        Kinds of stations that have this alarm by default.
    """

    when: str
    meaning: str
    hold: float
    clear: float = 3.0
    kinds: tuple[str, ...] = ()


_ALL = ("music", "talk", "mixed", "any")

NAMED: dict[str, Named] = {
    "down": Named("station.down > 0.5", "no audio arrives", 30, 3, _ALL),
    "no programme": Named(
        "signal.presence < 0.3", "there is only silence, hum, hiss or a tone", 20, 3, _ALL
    ),
    "silence": Named("signal.loudness_momentary < -60", "the loudness is below -60 LUFS", 20, 3),
    "hiss": Named("signal.hiss > 0.7", "there is steady noise", 20, 3),
    "hum": Named("signal.hum > 0.5", "there is mains hum", 10, 3),
    "tone": Named("signal.tone > 0.8", "there is a steady tone", 20, 3),
    "stuck": Named("signal.repetition > 0.9", "the same sound comes again and again", 50, 5, _ALL),
    "out of phase": Named(
        "signal.correlation < -0.7", "the channels are opposite, and cancel in mono", 10, 3, _ALL
    ),
    "one channel": Named(
        "signal.channel_gap_db > 25 and signal.channel_high_db > -50",
        "one channel is missing",
        *(10, 3, _ALL),
    ),
    "clipped": Named("signal.clipping > 0.001", "the sound is clipped", 2, 10),
    "offset": Named("signal.dc_db > -40", "a channel has a constant offset", 5, 5),
    "fallback": Named("station.fallback > 0.5", "the server sends a replacement", 5, 3, _ALL),
    "title frozen": Named("station.title_age > 7200", "the title has not changed for 2 h", 0, 3),
    "title without change of sound": Named(
        "station.title_alone > 0.5", "the title has changed and the sound has not", 0, 3
    ),
    "too loud": Named(
        "signal.loudness_short > -9", "the short-term loudness is above -9 LUFS", 60, 20
    ),
    "too quiet": Named(
        "signal.loudness_short < -40 and signal.loudness_short > -60",
        "the short-term loudness is below -40 LUFS",
        *(120, 10),
    ),
    "no speech": Named("speech < 0.2", "nobody speaks", 1800, 30, ("talk",)),
    "no music": Named("music < 0.2", "there is no music", 1800, 30, ("music",)),
}
"""The conditions with names."""


@dataclass(frozen=True)
class Comparison:
    """A column above or below a value; what is not measured is neither."""

    column: int
    name: str
    above: bool
    value: float

    @property
    def unit(self) -> str:
        """Unit of the value; empty for labels and shares."""
        return _unit(self.name)

    def __str__(self) -> str:
        way = "above" if self.above else "below"
        return f"{self.name} is {way} {self.value:g}{' ' if self.unit else ''}{self.unit}"


@dataclass(frozen=True)
class Condition:
    """Comparisons, joined by "and" within each of those joined by "or".

    Attributes
    ----------
    any_of
        One of these holds if all that is in it holds.
    text
        As it was written.
    named
        The condition's name, if it is one with a name.
    """

    any_of: tuple[tuple[Comparison, ...], ...]
    text: str
    named: str | None = None

    def holds(self, values: Float32) -> npt.NDArray[np.bool_]:
        """Return for each of (n, columns) values whether it holds, (n,)."""
        found = np.zeros(len(values), np.bool_)
        for all_of in self.any_of:
            here = np.ones(len(values), np.bool_)
            for each in all_of:
                column = values[:, each.column]
                here &= column > each.value if each.above else column < each.value
            found |= here
        return found

    @property
    def columns(self) -> list[int]:
        """The columns that it compares, each once."""
        return list(dict.fromkeys(each.column for all_of in self.any_of for each in all_of))

    def __str__(self) -> str:
        if self.named is not None:
            return NAMED[self.named].meaning
        return " or ".join(" and ".join(map(str, all_of)) for all_of in self.any_of)


def _unit(name: str) -> str:
    short = name.rpartition(".")[2]
    if short in SIGNALS:
        return SIGNALS[short].unit
    return STATES.get(name, STATES.get(f"station.{short}", ("", "")))[0]


def parse_condition(text: str, columns: Columns) -> Condition:
    """Return a condition.

    Parameters
    ----------
    text
        A name of :data:`NAMED`, or comparisons such as ``"music > 0.7 and speech < 0.2"``; names
        and comparisons can be joined by ``and`` and ``or``, of which ``and`` binds closer.
    columns
        What can be compared.

    Raises
    ------
    ValueError
        It cannot be read, names what there is not, or can never hold.

    Examples
    --------
    >>> columns = Columns(("tag.scene.speech", "tag.scene.music"))
    >>> print(parse_condition("music > 0.7 and speech < 0.2", columns))
    music is above 0.7 and speech is below 0.2
    >>> print(parse_condition("silence", columns))
    the loudness is below -60 LUFS
    """
    clean = " ".join(text.split())
    dangling = re.search(r"^(and|or)\b|\b(and|or)$", clean)
    if dangling is not None:
        raise ValueError(f'"{clean}" has nothing on one side of "{dangling[0]}"')
    alternatives = []
    for part in re.split(r"\s+or\s+", clean):
        all_of: list[tuple[tuple[Comparison, ...], ...]] = []
        for term in re.split(r"\s+and\s+", part):
            all_of.append(_term(term, columns))
        alternatives += _product(all_of)
    possible = [all_of for all_of in alternatives if _possible(all_of, columns)]
    if not possible:
        raise ValueError(f'"{clean}" can never be true')
    return Condition(tuple(alternatives), clean, clean if clean in NAMED else None)


def _product(
    terms: list[tuple[tuple[Comparison, ...], ...]],
) -> list[tuple[Comparison, ...]]:
    """Return alternatives of comparisons for all of these, which are alternatives themselves."""
    made: list[tuple[Comparison, ...]] = [()]
    for term in terms:
        made = [before + each for before in made for each in term]
    return made


def _term(term: str, columns: Columns) -> tuple[tuple[Comparison, ...], ...]:
    if term in NAMED:
        return parse_condition(NAMED[term].when, columns).any_of
    match = _COMPARISON.fullmatch(term)
    if match is None:
        raise ValueError(
            f'"{term}" is no condition and no comparison such as "music > 0.7"; '
            f"{nearest(term, NAMED)}"
        )
    name = match["name"].strip()
    column = columns.index(name)
    unit = _unit(columns.names[column])
    if match["unit"] and match["unit"].lower() != unit.lower():
        raise ValueError(f"{name} is in {unit or 'no unit'}, not in {match['unit']}")
    return ((Comparison(column, name, match["way"].startswith(">"), float(match["value"])),),)


def _possible(all_of: tuple[Comparison, ...], columns: Columns) -> bool:
    """Return whether all of these can hold at once."""
    low: dict[int, float] = {}
    high: dict[int, float] = {}
    for each in all_of:
        ends: Mapping[int, float] = low if each.above else high
        kept = max if each.above else min
        known = ends.get(each.column, each.value)
        (low if each.above else high)[each.column] = kept(known, each.value)
    for column in {*low, *high}:
        least, most = low.get(column, -np.inf), high.get(column, np.inf)
        if columns.is_label(column):
            least, most = max(least, -1e-9), min(most, 1 + 1e-9)
            if least >= 1 or most <= 0:
                return False
        if least >= most:
            return False
    return True
