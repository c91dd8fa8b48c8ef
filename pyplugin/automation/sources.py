"""Sources of automation: descriptors, and the knobs between them and a parameter.

A :class:`Source` never changes; each knob returns a new one. What a knob may be is checked where
the source meets its parameter, in C, so that presets, plugins and Python agree.
:mod:`pyplugin.sources` makes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pyplugin.errors import PresetError

__all__ = ["Combined", "Knobs", "Source", "as_combined"]


@dataclass(frozen=True)
class Knobs:
    """What happens between a descriptor and a parameter, in this order. Times in seconds.

    Attributes
    ----------
    gate
        ``"above"``, ``"below"`` or ``None``. A gate is 1 from ``threshold`` on, and 0 once the
        descriptor is back by more than ``hysteresis``; both in the descriptor's unit.
    low, high
        Without a gate: what counts as 0 and as 1, in the descriptor's unit, clamped; ``high`` may
        be the smaller. ``None``: 0 and 1 for labels, what :data:`pyplugin.SIGNALS` says for
        signals.
    invert
        1 - x.
    hold
        A value stays so long when it begins to fall.
    delay
        All of it comes so much later.
    attack, release
        Time constants of the rise and of the fall: 63 % of a step.
    depth
        Times so much, 0 to 1.
    curve
        ``"lin"``; ``"log"``: even ratios, for frequencies, ``min`` and ``max`` above 0; ``"exp"``:
        the square.
    min, max
        The parameter at 0 and at 1; ``min`` may be the larger.
    """

    gate: str | None = None
    threshold: float = 0.0
    hysteresis: float = 0.0
    low: float | None = None
    high: float | None = None
    invert: bool = False
    hold: float = 0.0
    delay: float = 0.0
    attack: float = 0.05
    release: float = 0.5
    depth: float = 1.0
    curve: str = "lin"
    min: float = 0.0
    max: float = 1.0


def _number(what: str, value: object) -> float:
    if isinstance(value, (bool, str)):
        raise PresetError(f"{what} is {value!r}; a number is expected.")
    try:
        return float(value)  # type: ignore[arg-type] # that is the question
    except (TypeError, ValueError) as error:
        raise PresetError(f"{what} is {value!r}; a number is expected.") from error


@dataclass(frozen=True)
class Source:
    """A descriptor, or the sum of several, and the knobs between it and a parameter.

    Attributes
    ----------
    descriptors
        Names: ``tag.<label>``, ``tag.<model>.<label>``, ``head.<name>.<label>``,
        ``signal.<name>``.
    knobs
        See :class:`Knobs`.
    """

    descriptors: tuple[str, ...]
    knobs: Knobs = Knobs()

    def _with(self, **values: object) -> Source:
        checked = {
            name: value if name in ("gate", "curve", "invert") else _number(name, value)
            for name, value in values.items()
        }
        return replace(self, knobs=replace(self.knobs, **checked))  # type: ignore[arg-type]

    def above(self, threshold: float, *, hysteresis: float = 0.0) -> Source:
        """Make it a gate: 1 from ``threshold`` up, 0 once it is ``hysteresis`` below that."""
        return self._with(gate="above", threshold=threshold, hysteresis=hysteresis)

    def below(self, threshold: float, *, hysteresis: float = 0.0) -> Source:
        """Make it a gate: 1 from ``threshold`` down, 0 once it is ``hysteresis`` above that."""
        return self._with(gate="below", threshold=threshold, hysteresis=hysteresis)

    def range(self, low: float, high: float) -> Source:
        """Say what counts as 0 and as 1, in the descriptor's unit; beyond it is clamped."""
        return self._with(low=low, high=high)

    def scale(self, min: float, max: float, *, curve: str = "lin") -> Source:
        """Say what the parameter is at 0 and at 1, and the ``curve`` between them."""
        return self._with(min=min, max=max, curve=curve)

    def attack(self, seconds: float) -> Source:
        """Rise with this time constant."""
        return self._with(attack=seconds)

    def release(self, seconds: float) -> Source:
        """Fall with this time constant."""
        return self._with(release=seconds)

    def hold(self, seconds: float) -> Source:
        """Stay so long before a fall."""
        return self._with(hold=seconds)

    def delay(self, seconds: float) -> Source:
        """Come so much later."""
        return self._with(delay=seconds)

    def depth(self, share: float) -> Source:
        """Go only this share of the way from ``min`` to ``max``, 0 to 1."""
        return self._with(depth=share)

    def invert(self) -> Source:
        """Turn it over: 1 - x."""
        return self._with(invert=not self.knobs.invert)

    def __add__(self, other: object) -> Source:
        """Add descriptors up, before any knob: near synonyms share the evidence."""
        if not isinstance(other, Source):
            return NotImplemented
        if Knobs() not in (self.knobs, other.knobs):
            raise PresetError(
                "Two sources with knobs cannot be added up; add first and turn the knobs "
                "afterwards, (label('a') + label('b')).scale(0, 1), or give the parameter a list "
                "of sources."
            )
        knobs = self.knobs if other.knobs == Knobs() else other.knobs
        return Source(self.descriptors + other.descriptors, knobs)


@dataclass(frozen=True)
class Combined:
    """Several sources of one parameter.

    ``combine`` is ``"sum"``: the first one's min and how far each has come from its own, or
    ``"max"``: the one that is farthest from its min.
    """

    sources: tuple[Source, ...]
    combine: str = "sum"


def as_combined(given: Source | Combined | Iterable[Source]) -> Combined:
    """Return any way to give sources as :class:`Combined`; a list is a sum."""
    if isinstance(given, Combined):
        return given
    return Combined((given,) if isinstance(given, Source) else tuple(given))
