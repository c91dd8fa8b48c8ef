"""Plots of the analysis of recordings.

``plot_tags``
    The mel spectrogram of a recording, its tags, and curves.
``plot_embeddings``
    Embeddings over time.
``plot_spectrograms``
    The mel spectrograms of a recording and of its parts, one below the other.

Needs matplotlib, ``pip install 'tagnode[plot]'``, which is imported on first use. No window is
opened, and the state of pyplot is not changed.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pyplugin.errors import PypluginError
from pyplugin.support.files import PathLike, replacing
from pyplugin.support.optional import need
from pyplugin.support.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


WIDTH = 12.0  # inches, as all sizes here
DOTS_PER_INCH = 120
MEL_HEIGHT, LABEL_HEIGHT, CURVE_HEIGHT, FRAME_HEIGHT = 2.2, 0.27, 0.62, 1.1
MEL_COLUMNS, TAG_COLUMNS = 4000, 1000  # the resolution of the plot; more are averaged
LABEL_LENGTH = 34  # characters
TITLE_LENGTH = 80
SMALL, MEDIUM = 9, 12  # points
COLOURS = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
CLOCK_FROM = 120.0  # seconds; times of longer recordings are written as m:ss
CLOCK_STEPS = (15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)

Array = NDArray[np.floating[Any]]
Curves = Mapping[str, tuple[ArrayLike, ArrayLike]]


def plot_tags(
    path: PathLike,
    *,
    mel: ArrayLike,
    mel_times: ArrayLike,
    times: ArrayLike,
    activations: ArrayLike,
    labels: Sequence[str],
    window: float,
    title: str,
    curves: Curves | None = None,
    top: int = 12,
) -> None:
    """Write a plot, a PNG 1440 pixels wide, of mel bands, tags and curves over one time axis.

    The value of a tag applies to a whole window. It is drawn around the middle of the window, as
    wide as the distance between two windows.

    Parameters
    ----------
    path
        The file to write; on an error an existing file is kept.
    mel
        Mel frames in any logarithmic unit, shape (frames, bands), lowest band first.
    mel_times
        Start of each mel frame in seconds, shape (frames,), evenly spaced.
    times
        Start of each window in seconds, shape (windows,), evenly spaced.
    activations
        Value of each label in each window, 0 to 1, shape (windows, labels); NaN is left blank.
    labels
        One name for each column of `activations`; if empty, the plot has no tags.
    window
        Length of a window in seconds.
    title
        Title of the plot.
    curves
        For each name, times in seconds, shape (n,), and values in any unit, shape (n,); each is
        drawn below the tags on its own scale.
    top
        Largest number of labels to show: those with the highest maxima, highest first.

    Raises
    ------
    PypluginError
        matplotlib is not installed, the shapes of the arrays do not match or they are empty, `top`
        or `window` is not positive, or `path` cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "tags.png")
    >>> plot_tags(
    ...     path,
    ...     mel=np.random.default_rng(0).random((625, 96)),
    ...     mel_times=np.arange(625) / 62.5,
    ...     times=[0.0, 3.0, 6.0],
    ...     activations=[[0.9, 0.1], [0.5, 0.4], [0.2, 0.7]],
    ...     labels=["piano", "speech"],
    ...     window=3.0,
    ...     title="A recording",
    ... )
    >>> os.path.getsize(path) > 10_000
    True
    """
    with replacing(path) as temporary:
        data = (mel, mel_times, times, activations, labels)
        figure = _figure(*data, window=window, title=title, curves=curves, top=top)
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)


def plot_embeddings(
    path: PathLike,
    embeddings: ArrayLike,
    *,
    ends: ArrayLike,
    names: Sequence[str],
    hop: float,
    title: str,
) -> None:
    """Write a plot, a PNG 1440 pixels wide, of the embeddings of one or more recordings over time.

    Each dimension is scaled to its own range, from the 2nd to the 98th percentile.

    Parameters
    ----------
    path
        The file to write; on an error an existing file is kept.
    embeddings
        Embeddings of all recordings in order, shape (windows, dimensions).
    ends
        Number of windows up to the end of each recording, shape (recordings,).
    names
        Names of the recordings.
    hop
        Seconds between the starts of two windows.
    title
        Title of the plot.

    Raises
    ------
    PypluginError
        matplotlib is not installed, the shape of `embeddings` is wrong, or `path` cannot be
        written.
    """
    figure = _empty_figure(4.5)
    rows = _array("embeddings", embeddings, 2)
    with replacing(path) as temporary:
        axis = figure.subplots()
        axis.set_title(
            _shorten(title, TITLE_LENGTH),
            loc="left",
            fontsize=MEDIUM,
            parse_math=False,
            pad=20 if len(names) > 1 else None,  # space for the names
        )
        low, high = np.percentile(rows, (2, 98), axis=0)
        image = _decimate((rows - low) / np.where(high > low, high - low, 1.0), MEL_COLUMNS)
        _draw_shares(axis, image.T, (0.0, len(rows) * hop, rows.shape[1], 0))
        axis.set_ylabel("dimension", fontsize=SMALL)
        start = 0.0
        for end, name in zip(np.asarray(ends) * hop, names, strict=True):
            if start > 0:
                axis.axvline(start, color="white")
            if len(names) > 1:
                width = (end - start) / (len(rows) * hop) * 150  # characters within this width
                shown = _shorten(name, max(int(width), 2))
                axis.text(start, 0, f" {shown}", va="bottom", fontsize=SMALL, parse_math=False)
            start = end
        axis.set_xlim(0, len(rows) * hop)
        _label_time(axis)
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)


def plot_spectrograms(
    path: PathLike, mels: Mapping[str, ArrayLike], times: ArrayLike, *, title: str
) -> None:
    """Write a plot, a PNG 1440 pixels wide, of mel spectrograms on one scale of colours.

    Parameters
    ----------
    path
        The file to write; on an error an existing file is kept.
    mels
        By name: mel frames in any logarithmic unit, shape (frames, bands), lowest band first. The
        first one sets the scale.
    times
        Start of each frame in seconds, shape (frames,), evenly spaced.
    title
        Title of the plot.

    Raises
    ------
    PypluginError
        matplotlib is not installed, there is no spectrogram, the shapes of the arrays do not match
        or they are empty, or `path` cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "stems.png")
    >>> song = np.random.default_rng(0).random((625, 96))
    >>> parts = {"song": song, "vocals": 0.5 * song}
    >>> plot_spectrograms(path, parts, np.arange(625) / 62.5, title="A song and its vocals")
    >>> os.path.getsize(path) > 10_000
    True
    """
    with replacing(path) as temporary:
        figure = _spectrograms(mels, times, title)
        figure.savefig(temporary, format="png", dpi=DOTS_PER_INCH)


def _spectrograms(mels: Mapping[str, ArrayLike], times: ArrayLike, title: str) -> "Figure":
    if not mels:
        raise PypluginError("There is no spectrogram to plot; at least one is expected.")
    begins = _array("times", times, 1)
    named = {name: _array(name, mel, 2) for name, mel in mels.items()}
    for name, mel in named.items():
        _check_length("times", len(begins), f"frames of {name}", len(mel))
    figure = _empty_figure(MEL_HEIGHT * len(named) + FRAME_HEIGHT)
    axes: list[Axes] = figure.subplots(len(named), 1, sharex=True, squeeze=False)[:, 0].tolist()
    axes[0].set_title(_shorten(title, TITLE_LENGTH), loc="left", fontsize=MEDIUM, parse_math=False)
    scale = _scale(next(iter(named.values())))
    for axis, (name, mel) in zip(axes, named.items(), strict=True):
        _draw_mel(axis, mel, begins, 0.0, scale)
        axis.set_ylabel(f"{_shorten(name, LABEL_LENGTH)}\nmel band", fontsize=SMALL)
    _label_time(axes[-1])
    return figure


def _figure(
    mel: ArrayLike,
    mel_times: ArrayLike,
    times: ArrayLike,
    activations: ArrayLike,
    labels: Sequence[str],
    *,
    window: float,
    title: str,
    curves: Curves | None,
    top: int,
) -> "Figure":
    """Return the figure of `plot_tags`: axes for mel bands, tags and each curve, in this order."""
    mel, mel_times = _array("mel", mel, 2), _array("mel_times", mel_times, 1)
    scores: Array = np.zeros((0, 0))
    begins: Array = np.zeros(0)
    if labels:
        scores, begins = _array("activations", activations, 2), _array("times", times, 1)
        _check_length("times", len(begins), "windows of activations", len(scores))
        _check_length("labels", len(labels), "columns of activations", scores.shape[1])
    named = {
        name: (_array(f"the times of {name}", x, 1), _array(f"the values of {name}", y, 1))
        for name, (x, y) in (curves or {}).items()
    }
    _check_length("mel_times", len(mel_times), "mel frames", len(mel))
    for name, (x, y) in named.items():
        _check_length(f"the times of {name}", len(x), "values", len(y))
    if top < 1 or not (window > 0 or not labels):
        raise PypluginError(f"top is {top} and window is {window} s; both must be above 0.")

    heights = [MEL_HEIGHT, *[CURVE_HEIGHT] * len(named)]
    if labels:
        order = np.argsort(-np.nan_to_num(scores, nan=-1.0).max(axis=0), kind="stable")[:top]
        heights.insert(1, LABEL_HEIGHT * max(len(order), 3))
    figure = _empty_figure(sum(heights) + FRAME_HEIGHT)
    axes: list[Axes] = figure.subplots(
        len(heights), 1, sharex=True, squeeze=False, height_ratios=heights
    )[:, 0].tolist()

    axes[0].set_title(_shorten(title, TITLE_LENGTH), loc="left", fontsize=MEDIUM, parse_math=False)
    _draw_mel(axes[0], mel, mel_times, window)
    ends = [mel_times[0], mel_times[-1] + _spacing(mel_times, window)]
    if labels:
        shown = [labels[index] for index in order]
        _draw_tags(axes[1], scores[:, order], begins, shown, window)
        # A window may begin before the recording, where there is nothing to show.
        ends += [max(begins[0], mel_times[0]), begins[-1] + window]
    for index, (name, (x, y)) in enumerate(named.items()):
        _draw_curve(axes[index - len(named)], name, x, y, COLOURS[index % len(COLOURS)])

    axes[0].set_xlim(min(ends), max(ends))
    _label_time(axes[-1])
    return figure


def _empty_figure(height: float) -> "Figure":
    matplotlib = need("matplotlib.figure", package="matplotlib", extra="plot", purpose="A plot")
    return cast("Figure", matplotlib.Figure(figsize=(WIDTH, height), layout="constrained"))


def _draw_shares(axis: "Axes", image: Array, extent: tuple[float, float, float, float]) -> Any:
    """Draw values from 0 to 1 as colours."""
    return axis.imshow(
        image, extent=extent, aspect="auto", cmap="viridis", interpolation="nearest", vmin=0, vmax=1
    )


def _scale(image: Array) -> tuple[float, float]:
    """Return the values of the darkest and of the brightest colour."""
    finite = image[np.isfinite(image)]
    low, high = np.percentile(finite, (2, 99.8)) if finite.size else (0.0, 1.0)
    return float(low), float(high)


def _draw_mel(
    axis: "Axes",
    mel: Array,
    times: Array,
    window: float,
    scale: tuple[float, float] | None = None,
) -> None:
    image = _decimate(mel, MEL_COLUMNS)
    low, high = scale or _scale(image)
    axis.imshow(
        image.T,
        extent=(times[0], times[-1] + _spacing(times, window), 0, mel.shape[1]),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=low,
        vmax=high,
    )
    axis.set_ylabel("mel band", fontsize=SMALL)
    axis.tick_params(labelsize=SMALL)


def _draw_tags(axis: "Axes", scores: Array, times: Array, labels: list[str], window: float) -> None:
    step = _spacing(times, window)
    margin = (window - step) / 2
    rows = len(labels)
    extent = (times[0] + margin, times[-1] + margin + step, rows - 0.5, -0.5)
    image = _draw_shares(axis, _decimate(scores, TAG_COLUMNS).T, extent)
    names = [_shorten(label, LABEL_LENGTH) for label in labels]
    axis.set_yticks(range(rows), names, fontsize=SMALL, parse_math=False)
    axis.set_yticks(np.arange(rows - 1) + 0.5, minor=True)
    axis.grid(which="minor", axis="y", color="white", linewidth=0.8)
    axis.tick_params(axis="y", which="both", length=0)
    axis.set_facecolor("0.93")
    bar = axis.figure.colorbar(image, ax=axis, pad=0.01, fraction=0.03, aspect=14)
    bar.set_ticks([0.0, 0.5, 1.0])
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)


def _draw_curve(axis: "Axes", name: str, times: Array, values: Array, colour: str) -> None:
    axis.plot(times, values, color=colour, linewidth=1.2)
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    margin = 0.12 * (high - low) or 1.0
    axis.set_ylim(low - margin, high + margin)
    tick_labels = dict(zip((float(low), float(high)), ends_of(finite), strict=True))
    axis.yaxis.tick_right()
    axis.set_yticks(list(tick_labels), list(tick_labels.values()), fontsize=SMALL)
    axis.set_ylabel(
        _shorten(name, LABEL_LENGTH),
        fontsize=SMALL,
        rotation=0,
        horizontalalignment="right",
        verticalalignment="center",
        parse_math=False,
    )
    axis.spines[["top", "left"]].set_visible(False)
    axis.grid(axis="x", color="0.9", linewidth=0.8)


def _label_time(axis: "Axes") -> None:
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    axis.tick_params(axis="x", labelsize=SMALL)
    axis.set_xlabel("time (s)", fontsize=SMALL)
    start, end = axis.get_xlim()
    if end - start >= CLOCK_FROM:
        step = next((step for step in CLOCK_STEPS if (end - start) / step <= 12), CLOCK_STEPS[-1])
        axis.xaxis.set_major_locator(MultipleLocator(step))
        clock = _hours if end >= 3600 else _minutes
        axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(round(seconds))))
        axis.set_xlabel("time (h:mm:ss)" if end >= 3600 else "time (m:ss)", fontsize=SMALL)


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02}"


def _hours(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def ends_of(values: Array) -> tuple[str, str]:
    """Return the minimum and the maximum as text, rounded to a thousandth of their difference.

    An envelope approaches its end value asymptotically, so further digits have no meaning.

    Parameters
    ----------
    values
        Any shape; if empty, the range is 0 to 1.

    Examples
    --------
    >>> ends_of(np.array([-11.99994, 0.00003]))
    ('-12', '0')
    """
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 1.0)
    digits = 3 - math.floor(math.log10((high - low) or abs(high) or 1.0))
    return f"{round(low, digits) + 0.0:.6g}", f"{round(high, digits) + 0.0:.6g}"


def _array(name: str, values: ArrayLike, dimensions: int) -> Array:
    array = np.asarray(values)
    if not np.issubdtype(array.dtype, np.floating):
        array = array.astype(np.float64)
    if array.ndim != dimensions or array.size == 0:
        raise PypluginError(
            f"{name} has the shape {array.shape}; expected {dimensions} dimensions, none of them "
            "empty."
        )
    return array


def _check_length(name: str, length: int, of: str, expected: int) -> None:
    if length != expected:
        raise PypluginError(
            f"{name} has {length} values for {expected} {of}; give one value for each."
        )


def _spacing(times: Array, only: float) -> float:
    """Return the distance between evenly spaced times, or `only` if there is one time."""
    return float(times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else only


def _decimate(frames: Array, most: int) -> Array:
    """Average adjacent rows so that at most `most` remain."""
    if len(frames) <= most:
        return frames
    edges = np.linspace(0, len(frames), most + 1).astype(int)
    sums: Array = np.add.reduceat(frames, edges[:-1], axis=0)
    return sums / np.diff(edges)[:, None]


def _shorten(text: str, length: int) -> str:
    text = printable(text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
