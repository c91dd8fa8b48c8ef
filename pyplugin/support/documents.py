"""JSON, TOML and YAML from anywhere: bounded in depth, and in what aliases expand to."""

from __future__ import annotations

import json
import sys
from typing import Any

from pyplugin.support.optional import need

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

DEEPEST = 64
"""Levels of lists and tables in each other."""

_EXPANSION = 10  # times its text that a document may be, its aliases written out
_FREE = 100_000  # characters that it may be in any case
_NESTED = (dict, list, tuple, set)


class DocumentError(ValueError):
    """A text is not of its format, nested too deeply, or expands to too much."""


def parse_json(text: str) -> Any:
    """Return the content of a JSON text.

    Raises
    ------
    DocumentError
        It is not JSON, or nested too deeply.

    Examples
    --------
    >>> parse_json('{"labels": ["speech"]}')
    {'labels': ['speech']}
    """
    return _bounded(json.loads, text)


def parse_toml(text: str) -> dict[str, Any]:
    """Return the content of a TOML text.

    Raises
    ------
    DocumentError
        It is not TOML, or nested too deeply; the reason of `tomllib` is in it.

    Examples
    --------
    >>> parse_toml("hop = 0.5")
    {'hop': 0.5}
    """
    content: dict[str, Any] = _bounded(tomllib.loads, text)
    return content


def parse_yaml(text: str, purpose: str) -> Any:
    """Return the content of a YAML text, with plain types only.

    Parameters
    ----------
    text
        At most so many aliases that the content, written out, is ten times as long.
    purpose
        What needs PyYAML, for a message if it is missing.

    Raises
    ------
    DocumentError
        It is not YAML, nested too deeply, or its aliases expand to too much.
    """
    yaml = need("yaml", package="PyYAML", extra="train", purpose=purpose)
    try:
        content = _bounded(yaml.safe_load, text)
    except yaml.YAMLError as error:
        raise DocumentError(" ".join(str(error).split())) from error
    _check_size(content, _FREE + _EXPANSION * len(text))
    return content


def _bounded(parse: Any, text: str) -> Any:
    try:
        content = parse(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise DocumentError(str(error)) from error
    _check_depth(content)
    return content


def _too_deep() -> DocumentError:
    return DocumentError(f"it is nested more than {DEEPEST} levels deep")


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    return list(value) if isinstance(value, _NESTED) else []


def _check_depth(content: Any) -> None:
    """Check the nesting, level by level; what aliases share counts once a level."""
    level = [content]
    for _ in range(DEEPEST):
        parts = (part for value in level for part in _parts(value) if isinstance(part, _NESTED))
        level = list({id(part): part for part in parts}.values())
        if not level:
            return
    raise _too_deep()


def _check_size(content: Any, largest: int) -> None:
    """Check the number of characters of a content whose aliases are written out."""
    size, pending = 0, [content]
    while pending:
        value = pending.pop()
        size += 1 + (len(value) if isinstance(value, (str, bytes)) else 0)
        if size > largest:
            raise DocumentError(f"its aliases expand to more than {largest} characters")
        pending.extend(_parts(value))
