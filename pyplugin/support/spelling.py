"""Spelling of names: slugs, snake_case, and suggestions for unknown names."""

import difflib
import re
from collections.abc import Iterable


def slug(label: str) -> str:
    """Return a label as used in addresses: lower case, with ``-`` for other characters.

    Examples
    --------
    >>> slug("Female Vocal")
    'female-vocal'
    """
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def snake_case(name: str) -> str:
    """Return the name of a class in snake_case, as used for effects.

    Examples
    --------
    >>> snake_case("LadderFilter")
    'ladder_filter'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the end of a message: the most similar known name, or the list of all.

    Examples
    --------
    >>> nearest("regb", ["reverb", "gain"])
    "did you mean 'reverb'?"
    >>> nearest("x", ["reverb", "gain"])
    'choose one of gain, reverb.'
    """
    names = sorted(known)
    close = difflib.get_close_matches(given, names, 1, 0.5)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}."


def alternatives(names: Iterable[str]) -> str:
    """Return the names as ``"a, b or c"``.

    Examples
    --------
    >>> alternatives([".wav", ".flac", ".ogg"])
    '.wav, .flac or .ogg'
    """
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def counted(number: int, what: str) -> str:
    """Return a number with its noun, in the plural unless it is one.

    Examples
    --------
    >>> counted(1, "station"), counted(2, "station")
    ('1 station', '2 stations')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"
