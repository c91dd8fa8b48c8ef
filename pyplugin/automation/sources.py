"""Sources of automation: descriptors, and the knobs between them and a parameter.

A :class:`Source` never changes; each method returns a new one. Limits are checked in C when a
source is mapped to its parameter, so that presets, plugins and Python agree.
:mod:`pyplugin.sources` has a function for each descriptor.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pyplugin.automation.knobs import COMBINES, KNOBS, Knobs
from pyplugin.errors import PresetError
from pyplugin.support.spelling import nearest


@dataclass(frozen=True)
class Source:
    """A descriptor, or the sum of several, and the knobs between it and a parameter.

    Attributes
    ----------
    descriptors
        Names: ``tag.<label>``, ``tag.<model>.<label>``, ``head.<name>.<label>``,
        ``signal.<name>``.
    knobs
        See :class:`pyplugin.automation.knobs.Knobs`.

    See Also
    --------
    pyplugin.sources : Functions that return sources.

    Examples
    --------
    >>> source = Source(("tag.speech",)).scale(0, -12).attack(0.1)
    >>> source.knobs.max, source.knobs.attack
    (-12.0, 0.1)
    """

    descriptors: tuple[str, ...]
    knobs: Knobs = field(default_factory=Knobs)

    def set(self, **knobs: float | bool | str | None) -> Source:
        """Set any knobs by their names; ``None`` for ``low`` or ``high`` is the usual range.

        Raises
        ------
        PresetError
            There is no such knob, or a value has the wrong type.

        Examples
        --------
        >>> Source(("signal.rms_db",)).set(attack=0.1, curve="exp").knobs.curve
        'exp'
        """
        for name in knobs:
            if name not in KNOBS:
                raise PresetError(f"There is no knob {name!r}; {nearest(name, KNOBS)}")
        return replace(self, knobs=replace(self.knobs, **knobs))

    def above(self, threshold: float, *, hysteresis: float = 0.0) -> Source:
        """Make it a gate: 1 from ``threshold`` up, 0 once it is ``hysteresis`` below that.

        Examples
        --------
        >>> Source(("signal.rms_db",)).above(-30, hysteresis=3).knobs.gate
        'above'
        """
        return self.set(gate="above", threshold=threshold, hysteresis=hysteresis)

    def below(self, threshold: float, *, hysteresis: float = 0.0) -> Source:
        """Make it a gate: 1 from ``threshold`` down, 0 once it is ``hysteresis`` above that.

        Examples
        --------
        >>> Source(("signal.rms_db",)).below(-30).knobs.threshold
        -30.0
        """
        return self.set(gate="below", threshold=threshold, hysteresis=hysteresis)

    def range(self, low: float, high: float) -> Source:
        """Map ``low`` to 0 and ``high`` to 1, in the descriptor's unit; values beyond are clamped.

        ``high`` may be the smaller.

        Examples
        --------
        >>> Source(("signal.rms_db",)).range(-60, 0).knobs.low
        -60.0
        """
        return self.set(low=low, high=high)

    def scale(self, min: float, max: float, *, curve: str = "lin") -> Source:
        """Set the parameter at 0 and at 1, and the ``curve`` between them.

        Examples
        --------
        >>> Source(("tag.drums",)).scale(500, 18000, curve="log").knobs.max
        18000.0
        """
        return self.set(min=min, max=max, curve=curve)

    def attack(self, seconds: float) -> Source:
        """Set the time constant of a rise.

        Examples
        --------
        >>> Source(("tag.drums",)).attack(0.1).knobs.attack
        0.1
        """
        return self.set(attack=seconds)

    def release(self, seconds: float) -> Source:
        """Set the time constant of a fall.

        Examples
        --------
        >>> Source(("tag.drums",)).release(0.8).knobs.release
        0.8
        """
        return self.set(release=seconds)

    def median(self, seconds: float) -> Source:
        """Take the median of the results of this time, before the gate or range.

        What lasts for less than half of it is ignored; a change is followed half of it later.

        Examples
        --------
        >>> Source(("tag.drums",)).median(0.5).above(0.5).knobs.median
        0.5
        """
        return self.set(median=seconds)

    def hold(self, seconds: float) -> Source:
        """Hold a value for this time before it may fall.

        Examples
        --------
        >>> Source(("tag.drums",)).hold(0.5).knobs.hold
        0.5
        """
        return self.set(hold=seconds)

    def delay(self, seconds: float) -> Source:
        """Delay every change by this time.

        Examples
        --------
        >>> Source(("tag.drums",)).delay(0.5).knobs.delay
        0.5
        """
        return self.set(delay=seconds)

    def depth(self, share: float) -> Source:
        """Use only this share, 0 to 1, of the way from ``min`` to ``max``.

        Examples
        --------
        >>> Source(("tag.drums",)).depth(0.5).knobs.depth
        0.5
        """
        return self.set(depth=share)

    def invert(self) -> Source:
        """Replace x by 1 - x after the gate or range; a second call undoes the first.

        Examples
        --------
        >>> Source(("tag.drums",)).invert().knobs.invert
        True
        """
        return self.set(invert=not self.knobs.invert)

    def __add__(self, other: object) -> Source:
        """Add the descriptors, before any knob: synonyms such as speech and narration."""
        if not isinstance(other, Source):
            return NotImplemented
        if Knobs() not in (self.knobs, other.knobs):
            raise PresetError(
                "Two sources with knobs cannot be added. Add first and set the knobs of the sum, "
                "(label('a') + label('b')).scale(0, 1), or give the parameter a list of sources."
            )
        knobs = self.knobs if other.knobs == Knobs() else other.knobs
        return Source(self.descriptors + other.descriptors, knobs)


@dataclass(frozen=True)
class Combined:
    """Several sources of one parameter.

    Attributes
    ----------
    sources
        At least one.
    combine
        ``"sum"``: the ``min`` of the first source plus the distance of each from its own ``min``.
        ``"max"``: the source that is farthest from its ``min``.

    See Also
    --------
    pyplugin.sources.maximum : Combines sources by ``"max"``.

    Examples
    --------
    >>> Combined((Source(("tag.speech",)), Source(("tag.singing",)))).combine
    'sum'
    """

    sources: tuple[Source, ...]
    combine: str = COMBINES[0]


def as_combined(given: Source | Combined | Iterable[Source]) -> Combined:
    """Return a source or several as :class:`Combined`; a list is summed.

    Examples
    --------
    >>> as_combined(Source(("tag.speech",))).combine
    'sum'
    """
    if isinstance(given, Combined):
        return given
    return Combined((given,) if isinstance(given, Source) else tuple(given))
