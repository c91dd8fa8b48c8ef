"""Where a key stands in a TOML text, which `tomllib` does not report."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r'(?P<long>"""(?:\\.|[^\\])*?"{3,5}' + r"|'''.*?'{3,5})"
    r'|(?P<short>"(?:\\.|[^"\\\n])*"|' + r"'[^'\n]*')"
    r"|(?P<comment>#[^\n]*)|(?P<bracket>[\[\]{}])|(?P<end>\n)",
    re.DOTALL,
)
_HEADER = re.compile(r"\s*\[\[?\s*([^\]]*?)\s*\]")


def line_of(text: str, table: str, index: int = 0, key: str | None = None) -> int:
    r"""Return the line of a key in a table, from 1.

    Parameters
    ----------
    text
        Valid TOML.
    table
        Name of a table or of an array of tables; empty for the keys before the first.
    index
        Which of the tables of that name, from 0.
    key
        A key of the table; ``None`` for the table's header.

    Returns
    -------
    int
        Line of the key; that of the table's header where it has no such key; 0 where there is no
        such table.

    Examples
    --------
    >>> line_of("[preset]\nname = 'a'\n[[map]]\n[[map]]\nhop = 1\n", "map", 1, "hop")
    5
    """
    seen, found = -1, 0
    name = None if key is None else re.compile(rf"\s*([\"']?){re.escape(key)}\1\s*[=.]")
    inside = not table
    for number, row in enumerate(_rows(text), 1):
        header = _HEADER.match(row)
        if header is not None:
            if inside:
                break
            seen += header[1].strip("\"'") == table
            inside = seen == index
            found = number if inside else 0
        elif inside and name is not None and name.match(row):
            return number
    return found


def _rows(text: str) -> list[str]:
    """Return the lines, those that begin within a value empty."""
    rows, start, depth, within = [], 0, 0, False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "bracket":
            depth += 1 if token[0] in "[{" else -1
        elif kind in ("long", "end"):
            for end in re.finditer("\n", token[0]):
                rows.append("" if within else text[start : token.start() + end.start()])
                start, within = token.start() + end.end(), kind == "long" or depth > 0
    return [*rows, "" if within else text[start:]]
