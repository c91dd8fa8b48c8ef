"""The page: for each unit its sound, the spectrogram, the receptive fields and the activation.

A static page that requests nothing but the sounds and pictures beside it.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import PurePath

import numpy as np

from pyplugin.explain.best import Spread
from pyplugin.support.arrays import Float64
from pyplugin.support.spelling import counted

_SCALE = 100  # units of a drawing for a second, and for the height


@dataclass(frozen=True)
class ShownChunk:
    """A chunk on the page.

    Attributes
    ----------
    recording
        As it was given.
    value
        The activation.
    begin, end
        Of the receptive field, in seconds of the recording.
    at
        Where the chunk begins in the sound of the unit, in seconds.
    field
        Begin and end of the receptive field in the sound of the unit, in seconds.
    curve
        (m, 2) float: seconds in the sound of the unit, and activations.
    """

    recording: str
    value: float
    begin: float
    end: float
    at: float
    field: tuple[float, float]
    curve: Float64


@dataclass(frozen=True)
class ShownUnit:
    """A unit on the page.

    Attributes
    ----------
    title
        Its number, and its label if it has one.
    sound, picture
        Names of files; empty if there are no chunks.
    seconds
        Length of the sound.
    spread
        Of the activations on all recordings.
    chunks
        The highest activation first; none if the activation is constant.
    """

    title: str
    sound: str
    picture: str
    seconds: float
    spread: Spread
    chunks: Sequence[ShownChunk]


def page_of(title: str, facts: Mapping[str, str], units: Sequence[ShownUnit]) -> str:
    """Return the page as HTML.

    Parameters
    ----------
    title
        Its heading.
    facts
        What is shown of the model, the layer and the recordings, by their names.
    units
        In the order of the page.
    """
    style, script = _resource("page.css"), _resource("page.js")
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>"
        for name, value in facts.items()
    )
    parts = {
        "STYLE_HASH": _hash(style),
        "SCRIPT_HASH": _hash(script),
        "STYLE": style,
        "SCRIPT": script,
        "TITLE": html.escape(title),
        "FACTS": f'<table class="facts">{rows}</table>',
        "UNITS": "\n".join(_unit(each) for each in units),
    }
    pieces = _resource("page.html").split("@")
    return "".join(parts.get(piece, piece) for piece in pieces)


def _resource(name: str) -> str:
    return files("pyplugin.explain").joinpath(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _number(value: float) -> str:
    return f"{value:.3g}"


def _clock(seconds: float) -> str:
    """Return a time within a recording.

    Examples
    --------
    >>> _clock(75.25), _clock(3723.0)
    ('1:15.3', '1:02:03.0')
    """
    tenths = int(seconds * 10 + 0.5)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    start = f"{hours}:{minutes:02}" if hours else f"{minutes}"
    return f"{start}:{rest // 10:02}.{rest % 10}"


def _unit(unit: ShownUnit) -> str:
    title = html.escape(unit.title)
    if not unit.chunks:
        about = (
            f"Its activation is {_number(unit.spread.mean)} on all recordings: no chunk excites it."
        )
        head = f'<h2>{title}</h2><p class="about">{about}</p>'
        return f'<section><div class="head">{head}</div></section>'
    about = (
        f"{counted(len(unit.chunks), 'chunk')}; activation {_number(unit.spread.mean)} ± "
        f"{_number(unit.spread.deviation)} on all recordings, {_number(unit.spread.least)} to "
        f"{_number(unit.spread.greatest)}"
    )
    width = max(round(unit.seconds * _SCALE), 1)
    box = f'viewBox="0 0 {width} {_SCALE}" preserveAspectRatio="none" aria-hidden="true"'
    fields = "".join(_field(*chunk.field) for chunk in unit.chunks)
    chunks = "".join(_chunk(n, each) for n, each in enumerate(unit.chunks, 1))
    return (
        f'<section><div class="head"><h2>{title}</h2>'
        f'<audio controls preload="none" src="{unit.sound}"></audio>'
        f'<p class="about">{about}</p></div>'
        f'<div class="strip" data-seconds="{unit.seconds:.3f}">'
        f'<img src="{unit.picture}" alt="Spectrogram of the chunks" loading="lazy">'
        f'<svg class="fields" {box}>{fields}</svg><svg class="curves" {box}>{_curves(unit)}</svg>'
        f'<div class="cursor"></div></div><ol class="chunks">{chunks}</ol></section>'
    )


def _field(begin: float, end: float) -> str:
    x, width = begin * _SCALE, (end - begin) * _SCALE
    return f'<rect class="field" x="{x:.1f}" y="1.5" width="{width:.1f}" height="{_SCALE - 3}"/>'


def _curves(unit: ShownUnit) -> str:
    """Draw the activations of each chunk, and the mean of all recordings."""
    span = (unit.spread.greatest - unit.spread.least) or 1.0

    def height(values: Float64) -> Float64:
        return np.asarray(_SCALE - 6 - (values - unit.spread.least) / span * (_SCALE - 12))

    mean = float(height(np.array(unit.spread.mean)))
    end = unit.seconds * _SCALE
    drawn = [f'<line class="mean" x1="0" x2="{end:.1f}" y1="{mean:.1f}" y2="{mean:.1f}"/>']
    for chunk in unit.chunks:
        x, y = chunk.curve[:, 0] * _SCALE, height(chunk.curve[:, 1])
        if len(x) == 1:  # one value for the whole chunk
            x, y = np.array(chunk.field) * _SCALE, np.repeat(y, 2)
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        drawn.append(f'<polyline class="curve" points="{points}"/>')
    return "".join(drawn)


def _chunk(number: int, chunk: ShownChunk) -> str:
    name = html.escape(PurePath(chunk.recording).name)
    title = html.escape(chunk.recording)
    place = f'title="{title}" data-at="{chunk.at:.3f}"'
    shown = f"<b>{number}</b> {name} {_clock(chunk.begin)} <b>{_number(chunk.value)}</b>"
    return f'<li><button type="button" {place}>{shown}</button></li>'
