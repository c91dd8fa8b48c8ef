"""Pages of reports: one self-contained HTML file each, light or dark as the reader's system is."""

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

from pyplugin.support.files import replacing

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width"><title>{title}</title><style>
:root {{ color-scheme: light dark; --ink: #222; --paper: #fff; --line: #ddd; --best: #1f77b433; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e6e8ee; --paper: #16181d; --line: #3a3e48; --best: #4d9fe055; }}
}}
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
  color: var(--ink); background: var(--paper); }}
h1 {{ overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; margin: 1em 0; display: block; overflow-x: auto; }}
th, td {{ border-bottom: 1px solid var(--line); padding: .3em .8em; text-align: left; }}
th {{ font-weight: 600; }}
.number {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }}
.best {{ background: var(--best); font-weight: 600; }}
tr > th:first-child {{ white-space: nowrap; vertical-align: top; }}
.upright {{ writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; }}
svg {{ max-width: 100%; height: auto; }}
svg text {{ fill: currentColor; }}
</style></head><body>
{body}
</body></html>
"""


def write_html(path: Path, title: str, parts: Iterable[str]) -> None:
    """Write a page.

    Parameters
    ----------
    path
        The file.
    title
        Text.
    parts
        HTML; empty ones are left out.

    Raises
    ------
    PypluginError
        It cannot be written.
    """
    text = _PAGE.format(title=html.escape(title), body="\n".join(filter(None, parts)))
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def cell(text: str, kind: str = "td", more: str = "") -> str:
    """Return a cell of a table with this text; `more` are attributes."""
    return f"<{kind}{more}>{html.escape(text)}</{kind}>"


def number_cell(text: str, kind: str = "td", style: str = "", *, best: bool = False) -> str:
    """Return a cell with a number; `style` is a further attribute."""
    names = "number best" if best else "number"
    return cell(text, kind, f' class="{names}"{style}')


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"<tr>{''.join(cells)}</tr>"


def listed(title: str, sentences: Sequence[str]) -> str:
    """Return sentences as a list under a heading; nothing for none."""
    if not sentences:
        return ""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>{title}</h2><ul>{items}</ul>"
