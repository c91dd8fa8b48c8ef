"""Where a value stands in a JSON text, which decoders do not report."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")


def line_in_json(text: str, path: Sequence[str | int]) -> int:
    r"""Return the line of a value in a JSON text, from 1.

    Parameters
    ----------
    text
        Valid JSON.
    path
        Keys of objects and indices of lists, from the outermost on.

    Returns
    -------
    int
        Line of the value's key, or of the item of a list; that of what is around it, where it has
        no such value.

    Examples
    --------
    >>> line_in_json('{"a": 1,\n "b": [3,\n  4]}', ["b", 1])
    3
    >>> line_in_json('{"a": 1,\n "b": {}}', ["b", "c"])
    2
    """
    at, place = _past_space(text, 0), 0
    for step in path:
        found = _found(text, at, step)
        if found is None:
            break
        place, at = found
    return text.count("\n", 0, place) + 1


def _past_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _found(text: str, at: int, step: str | int) -> tuple[int, int] | None:
    """Return where the key or the item begins, and where its value does."""
    if text[at : at + 1] != ("{" if isinstance(step, str) else "["):
        return None
    last, number, at = None, 0, _past_space(text, at + 1)
    while text[at] not in "}]":
        begin, key = at, None
        if isinstance(step, str):
            key, at = _DECODER.raw_decode(text, at)
            at = _past_space(text, _past_space(text, at) + 1)  # the colon
        if step in (key, number if key is None else None):
            last = begin, at  # of equal keys the last counts
        _, at = _DECODER.raw_decode(text, at)
        at, number = _past_space(text, at), number + 1
        at = _past_space(text, at + 1) if text[at] == "," else at
    return last
