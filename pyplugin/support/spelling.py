"""Names as people type them: slugs, snake_case, and what was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["alternatives", "nearest", "slug", "snake_case"]


def slug(label: str) -> str:
    """Return a label as it stands in addresses: lower case, ``-`` for anything else."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def snake_case(name: str) -> str:
    """Return the name of a class as effects are called: ``LadderFilter`` is ``ladder_filter``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def nearest(given: str, known: Iterable[str]) -> str:
    """Return the end of a sentence that suggests what was meant, or lists what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(given, names, 1, 0.5)
    return f"did you mean {close[0]!r}?" if close else f"choose one of {', '.join(names)}."


def alternatives(names: Iterable[str]) -> str:
    """Return ``"a, b or c"``."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last
