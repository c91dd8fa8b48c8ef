"""Pages with the results of classifiers: HTML in one file, light or dark as the reader's system is.

``write``
    A page of parts.
``facts``, ``listed``, ``confusion``, ``roc``, ``errors``, ``curves``
    The parts.
``cell``, ``number``, ``row``
    Parts of tables.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

from pyplugin.support.arrays import Bools, Float64, Texts
from pyplugin.support.files import replacing

_SHOWN_ERRORS = 50
_WIDE = 60  # characters in all class names; above this, column names are rotated
_DASHES = ("", ' stroke-dasharray="7 3"', ' stroke-dasharray="2 3"')
_COLOURS = ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f")


@dataclass(frozen=True)
class Predictions:
    """Probabilities of the classes of clips or windows, by a classifier trained without them.

    Attributes
    ----------
    labels : sequence of str
        The C classes.
    truth : numpy.ndarray
        (n,) of str.
    probabilities : numpy.ndarray
        (n, C).
    names : sequence of str
        Names of the n rows.
    unit : {"clip", "window"}
        Unit of a row.
    """

    labels: Sequence[str]
    truth: Texts
    probabilities: Float64
    names: Sequence[str]
    unit: str = "clip"


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


def write(path: Path, title: str, parts: Sequence[str]) -> None:
    """Write a page with a title; empty parts are left out.

    Raises
    ------
    PypluginError
        The file cannot be written.
    """
    body = "\n".join(filter(None, (f"<h1>{html.escape(title)}</h1>", *parts)))
    text = _PAGE.format(title=html.escape(title), body=body)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")


def cell(text: str, kind: str = "td", more: str = "") -> str:
    """Return a cell of a table."""
    return f"<{kind}{more}>{html.escape(text)}</{kind}>"


def number(text: str, kind: str = "td", style: str = "", *, best: bool = False) -> str:
    """Return a cell with a number; `style` is a further attribute."""
    return cell(text, kind, f' class="{"number best" if best else "number"}"{style}')


def row(*cells: str) -> str:
    """Return a row of a table."""
    return f"<tr>{''.join(cells)}</tr>"


def facts(found: Mapping[str, str]) -> str:
    """Return a table of names and values."""
    rows = (row(cell(key, "th"), cell(value)) for key, value in found.items())
    return f"<table>{''.join(rows)}</table>"


def listed(title: str, sentences: Sequence[str]) -> str:
    """Return a list under a heading; nothing if it is empty."""
    if not sentences:
        return ""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>{title}</h2><ul>{items}</ul>"


def confusion(labels: Sequence[str], truth: Texts, probabilities: Float64) -> str:
    """Return the confusion matrix, (n,) classes against (n, C) probabilities."""
    predicted = np.asarray(labels)[probabilities.argmax(axis=1)]
    upright = ' class="upright"' if sum(map(len, labels)) > _WIDE else ' class="number"'
    rows = [
        row(
            cell("true \\ predicted", "th"),
            *(cell(label, "th", upright) for label in labels),
            number("correct", "th"),
        )
    ]
    for index, counts in enumerate(confusion_matrix(truth, predicted, labels=list(labels))):
        if not (total := counts.sum()):
            continue
        shares = counts / total
        cells = (
            number(str(count), style=f' style="background: rgb(31 119 180 / {0.6 * share:.2f})"')
            for count, share in zip(counts, shares, strict=True)
        )
        rows.append(row(cell(labels[index], "th"), *cells, number(f"{100 * shares[index]:.0f} %")))
    return f"<table>{''.join(rows)}</table>"


def roc(labels: Sequence[str], truth: Bools, probabilities: Float64) -> str:
    """Draw a curve for each class against the rest, in a square of 300 units.

    Parameters
    ----------
    labels
        The C classes.
    truth : numpy.ndarray
        (n, C) of bool: the classes that a row has.
    probabilities : numpy.ndarray
        (n, C).

    Returns
    -------
    str
        A drawing as SVG.
    """
    lines: list[str] = []
    legend: list[str] = []
    for index, label in enumerate(labels):
        positive = truth[:, index]
        if positive.all() or not positive.any():
            continue
        if len(labels) == 2 and index == 0 and (truth.sum(axis=1) == 1).all():
            continue  # the curve of the other class, mirrored
        false, true, _ = roc_curve(positive, probabilities[:, index])
        area = roc_auc_score(positive, probabilities[:, index])
        points = " ".join(
            f"{40 + 300 * x:.1f},{310 - 300 * y:.1f}" for x, y in zip(false, true, strict=True)
        )
        colour = _COLOURS[index % len(_COLOURS)]
        dashes = _DASHES[index // len(_COLOURS) % 3]
        look = f'fill="none" stroke="{colour}" stroke-width="2"{dashes}'
        lines.append(f'<polyline points="{points}" {look}/>')
        y = 30 + 20 * len(legend)
        legend.append(
            f'<path d="M360 {y - 4}h24" {look}/>'
            f'<text x="392" y="{y}">{html.escape(label)}: AUC {area:.3f}</text>'
        )
    height = max(355, 30 + 20 * len(legend))
    return (
        f'<svg viewBox="0 0 760 {height}" width="760" font-size="13" role="img">'
        '<rect x="40" y="10" width="300" height="300" fill="none" stroke="#999"/>'
        '<line x1="40" y1="310" x2="340" y2="10" stroke="#ccc" stroke-dasharray="4"/>'
        '<text x="40" y="328" text-anchor="middle">0</text>'
        '<text x="340" y="328" text-anchor="middle">1</text>'
        '<text x="32" y="314" text-anchor="end">0</text>'
        '<text x="32" y="18" text-anchor="end">1</text>'
        '<text x="190" y="340" text-anchor="middle">false positive rate</text>'
        '<text x="18" y="160" text-anchor="middle" transform="rotate(-90 18 160)">'
        f"true positive rate</text>{''.join(lines)}{''.join(legend)}</svg>"
    )


def errors(page: Predictions) -> str:
    """Return a table of the errors with the greatest probabilities."""
    predicted = page.probabilities.argmax(axis=1)
    wrong = np.flatnonzero(np.asarray(page.labels)[predicted] != page.truth)
    order = np.argsort(-page.probabilities[wrong, predicted[wrong]], kind="stable")
    shown_errors = wrong[order][:_SHOWN_ERRORS]
    if not len(shown_errors):
        return ""
    rows = [
        row(
            cell(page.names[i]),
            cell(str(page.truth[i])),
            cell(page.labels[predicted[i]]),
            number(f"{page.probabilities[i].max():.2f}"),
        )
        for i in shown_errors
    ]
    head = row(
        *(cell(name, "th") for name in (page.unit, "true", "predicted")),
        number("probability", "th"),
    )
    shown = "All"
    if len(wrong) > len(shown_errors):
        shown = f"The first {len(shown_errors)} of {len(wrong)}"
    title = f"<h2>Errors</h2><p>{shown}, by descending probability.</p>"
    return f"{title}<table>{head}{''.join(rows)}</table>"


def curves(title: str, series: Mapping[str, Sequence[float]], *, marked: int | None = None) -> str:
    """Draw values by epoch, from 1, with one of the epochs marked.

    Parameters
    ----------
    title
        Of the vertical axis.
    series
        Values of each curve by its name, all of one length.
    marked
        An epoch.

    Returns
    -------
    str
        A drawing as SVG.
    """
    count = max(map(len, series.values()))
    top = max(max(values) for values in series.values()) or 1.0
    x, y = 440 / max(count - 1, 1), 200 / top
    lines = []
    for index, (name, values) in enumerate(series.items()):
        points = " ".join(
            f"{60 + x * epoch:.1f},{210 - value * y:.1f}" for epoch, value in enumerate(values)
        )
        look = f'fill="none" stroke="{_COLOURS[index]}" stroke-width="2"'
        lines.append(
            f'<polyline points="{points}" {look}/><path d="M520 {26 + 20 * index}h24" {look}/>'
            f'<text x="552" y="{30 + 20 * index}">{html.escape(name)}</text>'
        )
    if marked is not None:
        lines.append(
            f'<path d="M{60 + x * (marked - 1):.1f} 10v200" stroke="#999" stroke-dasharray="4"/>'
        )
    return (
        '<svg viewBox="0 0 760 245" width="760" font-size="13" role="img">'
        '<rect x="60" y="10" width="440" height="200" fill="none" stroke="#999"/>'
        '<text x="60" y="228" text-anchor="middle">1</text>'
        f'<text x="500" y="228" text-anchor="middle">{count}</text>'
        '<text x="280" y="240" text-anchor="middle">epoch</text>'
        f'<text x="52" y="20" text-anchor="end">{top:.2f}</text>'
        '<text x="52" y="214" text-anchor="end">0</text>'
        '<text x="18" y="110" text-anchor="middle" transform="rotate(-90 18 110)">'
        f"{html.escape(title)}</text>{''.join(lines)}</svg>"
    )
