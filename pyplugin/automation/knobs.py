"""The modulation knobs between a descriptor and a parameter, read from libtagnode's table.

``KNOBS``
    Every knob by name: unit, limits, default, choices, meaning.
``Knobs``
    The values of one mapping.
``COMBINES``
    How several mappings of one parameter are combined.
``markdown``
    The table for the documentation; ``python -m pyplugin.automation.knobs`` prints it.

A knob is added in C (``native/src/automation/knobs.c``); nothing here changes with it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, make_dataclass
from typing import Any

from pyplugin._native import check, ffi, from_struct, lib, message, names, text
from pyplugin.errors import PresetError
from pyplugin.support.spelling import nearest

KnobValue = float | bool | str

_KINDS = {
    lib.TAGNODE_KNOB_NUMBER: "number",
    lib.TAGNODE_KNOB_TOGGLE: "toggle",
    lib.TAGNODE_KNOB_CHOICE: "choice",
}
_UNITS = {"descriptor": "the descriptor's unit", "parameter": "the parameter's unit"}


@dataclass(frozen=True)
class Knob:
    """What is known of a knob.

    Attributes
    ----------
    name
        ``attack``: the field of :class:`Knobs` and the key in a preset.
    unit
        ``s``; ``descriptor`` or ``parameter`` for the unit of that one; empty for none.
    meaning
        One sentence.
    kind
        ``number``, ``toggle`` or ``choice``.
    low, high
        Limits of a number, inclusive; infinite where any finite value is accepted.
    default
        The value of a mapping that does not set it: a float, a bool or the name of a choice.
    choices
        Names, in the order of their numbers in C; empty unless a choice.

    See Also
    --------
    KNOBS : All knobs by name.

    Examples
    --------
    >>> KNOBS["attack"].default, KNOBS["attack"].unit
    (0.05, 's')
    >>> KNOBS["curve"].choices
    ('lin', 'log', 'exp')
    """

    name: str
    unit: str
    meaning: str
    kind: str
    low: float
    high: float
    default: KnobValue
    choices: tuple[str, ...] = ()

    def check(self, value: object) -> KnobValue:
        """Return a value as the type of this knob. Its limits are checked in C.

        Raises
        ------
        PresetError
            Not a number, not a bool, or not one of the choices.

        Examples
        --------
        >>> KNOBS["attack"].check(1)
        1.0
        >>> KNOBS["curve"].check("lgo")
        Traceback (most recent call last):
        pyplugin.errors.PresetError: curve is 'lgo'; did you mean 'log'?
        """
        if self.kind == "choice":
            if value not in self.choices:
                raise PresetError(f"{self.name} is {value!r}; {nearest(str(value), self.choices)}")
            return str(value)
        if self.kind == "toggle":
            if not isinstance(value, bool):
                raise PresetError(f"{self.name} is {value!r}; true or false is expected.")
            return value
        wrong = PresetError(f"{self.name} is {value!r}; a number is expected.")
        if isinstance(value, (bool, str)):
            raise wrong
        try:
            return float(value)  # type: ignore[arg-type] # the conversion is the check
        except (TypeError, ValueError, OverflowError) as error:
            raise wrong from error

    def encode(self, value: KnobValue) -> float:
        """Return a value as C takes it: a number, 0 or 1, or the index of a choice.

        Examples
        --------
        >>> KNOBS["gate"].encode("below")
        2.0
        """
        return float(self.choices.index(str(value)) if self.kind == "choice" else value)

    def limits(self) -> str:
        """Return the accepted values in words.

        Examples
        --------
        >>> KNOBS["attack"].limits(), KNOBS["hysteresis"].limits()
        ('0 to 600 s', "0 or more, in the descriptor's unit")
        """
        if self.kind == "choice":
            return ", ".join(f"`{each}`" for each in self.choices)
        if self.kind == "toggle":
            return "`true`, `false`"
        if math.isfinite(self.high):
            return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()
        least = f"{self.low:g} or more" if math.isfinite(self.low) else "any number"
        return f"{least}, in {_UNITS[self.unit]}" if self.unit in _UNITS else least

    def default_text(self) -> str:
        """Return the default in words.

        Examples
        --------
        >>> KNOBS["attack"].default_text(), KNOBS["low"].default_text()
        ('0.05 s', "the descriptor's usual range; 0 for labels")
        """
        if self.kind == "choice":
            return f"`{self.default}`"
        if self.kind == "toggle":
            return f"`{str(self.default).lower()}`"
        if self.name in _OF_DESCRIPTOR:
            return f"the descriptor's usual range; {self.default:g} for labels"
        return f"{self.default:g} s" if self.unit == "s" else f"{self.default:g}"


_OF_DESCRIPTOR = ("low", "high")  # None until set: then what SIGNALS gives for the descriptor


def _read(index: int) -> Knob:
    info = lib.tagnode_knob_info(index)
    kind = _KINDS[info.kind]
    choices = tuple(text(info.choices[each]) for each in range(info.choice_count))
    default: KnobValue = info.default_value
    if kind == "choice":
        default = choices[int(info.default_value)]
    elif kind == "toggle":
        default = bool(info.default_value)
    return from_struct(Knob, info, kind=kind, default=default, choices=choices)


KNOBS: dict[str, Knob] = {knob.name: knob for knob in map(_read, range(lib.tagnode_knob_count()))}
"""All knobs by name, in the order in which they act and of their numbers in C."""

COMBINES: tuple[str, ...] = tuple(names(lib.tagnode_combine_name))
"""How several mappings of one parameter are combined, in the order of the numbers in C."""


def _check_types(knobs: Any) -> None:
    for name, knob in KNOBS.items():
        value = getattr(knobs, name)
        if value is not None or name not in _OF_DESCRIPTOR:
            object.__setattr__(knobs, name, knob.check(value))


_Values: Any = make_dataclass(
    "_Values",
    [(name, Any, None if name in _OF_DESCRIPTOR else knob.default) for name, knob in KNOBS.items()],
    namespace={"__post_init__": _check_types},
    frozen=True,
)


class Knobs(_Values):  # type: ignore[misc] # its fields are those of C's table
    """The values of one mapping, from a descriptor to a parameter.

    Knobs act in the order of the attributes. Each value has the type of its knob; ``None`` for
    ``low`` and ``high`` stands for the usual range of the descriptor: 0 and 1 for labels, that of
    :data:`pyplugin.SIGNALS` for signals.

    Attributes
    ----------
    {attributes}

    Raises
    ------
    PresetError
        A value of the wrong type. Limits are checked by :meth:`mapping`.

    See Also
    --------
    pyplugin.automation.sources.Source : A descriptor with its knobs.

    Examples
    --------
    >>> knobs = Knobs(attack=0.2, curve="log", min=100, max=8000)
    >>> knobs.attack, knobs.release, knobs.low
    (0.2, 0.5, None)
    """

    def mapping(self) -> Any:
        """Return the values as a ``tagnode_mapping *``; ``None`` becomes the default of C.

        Raises
        ------
        PresetError
            A value out of its limits.

        Examples
        --------
        >>> Knobs(gate="above", hold=2).mapping().hold
        2.0
        >>> Knobs(hold=-2).mapping()
        Traceback (most recent call last):
        pyplugin.errors.PresetError: hold is -2 s; it must be 0 to 600 s.
        """
        made, why = ffi.new("tagnode_mapping *"), message()
        made[0] = lib.tagnode_mapping_default()
        for index, (name, knob) in enumerate(KNOBS.items()):
            value = getattr(self, name)
            if value is not None:
                status = lib.tagnode_mapping_set(made, index, knob.encode(value), why)
                check(status, why, PresetError)
        return made


Knobs.__doc__ = (Knobs.__doc__ or "").replace(
    "{attributes}", "\n    ".join(f"{k.name}\n        {k.meaning}" for k in KNOBS.values())
)


def markdown(knobs: Iterable[Knob], title: str, defaults: Mapping[str, str] | None = None) -> str:
    """Return knobs as a Markdown table, for the documentation.

    Parameters
    ----------
    knobs
        The rows.
    title
        Heading of the first column.
    defaults
        Words that replace the default of some of them, by name.

    Returns
    -------
    str
        Lines without a line feed at the end.

    Examples
    --------
    >>> print(markdown([KNOBS["delay"]], "knob"))
    | knob | meaning | values | default |
    |---|---|---|---|
    | `delay` | Delays every change by this time. | 0 to 600 s | 0 s |
    """
    replaced = defaults or {}
    rows = [(title, "meaning", "values", "default")]
    for each in knobs:
        default = replaced.get(each.name) or each.default_text()
        rows.append((f"`{each.name}`", each.meaning, each.limits(), default))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], "|---|---|---|---|", *lines[1:]])


if __name__ == "__main__":
    print(markdown(KNOBS.values(), "knob"))
