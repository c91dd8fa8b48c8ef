"""``tagnode models explain``: What the units of a layer respond to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyplugin._native import lib
from pyplugin.cli.ui.paths import path_option
from pyplugin.cli.ui.progress import progress_bar
from pyplugin.cli.ui.recordings import each_file, expand_files
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.cli.ui.terminal import echo
from pyplugin.support.printable import printable

if TYPE_CHECKING:
    from pyplugin.explain.activations import AnalysedRecording


def _numbers(context: click.Context, parameter: click.Parameter, text: str | None) -> list[int]:
    """Return the numbers of units in a list such as 0,3,7 or 0-15."""
    found: list[int] = []
    for part in (text or "").split(",") if text is not None else []:
        first, dash, last = part.strip().partition("-")
        ends = (first, last if dash else first)
        if not all(each.isascii() and each.isdigit() and len(each) < 8 for each in ends):
            raise click.BadParameter(
                f"{part.strip()!r} is given; numbers of units are expected, such as 0,3,7 or 0-15."
            )
        if int(ends[0]) > int(ends[1]):
            raise click.BadParameter(f"{part.strip()!r} ends before it begins.")
        found += range(int(ends[0]), int(ends[1]) + 1)
    return found


@click.command("explain")
@click.argument("name")
@click.argument("files", nargs=-1, required=True, metavar="AUDIO...")
@click.option(
    "--layer", required=True, metavar="LAYER", help="One of those of 'tagnode models layers NAME'."
)
@click.option("--units", callback=_numbers, metavar="0,3,7", help="Their numbers.  [default: all]")
@click.option(
    "--top",
    type=click.IntRange(1, 100),
    default=8,
    show_default=True,
    help="How many chunks of each unit.",
)
@click.option(
    "--hop",
    type=click.FloatRange(0, lib.TAGNODE_MAX_HOP, min_open=True),
    help="Seconds between the starts of two windows.  [default: the one of the model]",
)
@path_option("--out", "Folder to write: an empty one, or a new one.", required=True)
def explain(
    name: str,
    files: tuple[str, ...],
    layer: str,
    units: list[int],
    top: int,
    hop: float | None,
    out: Path,
) -> None:
    """Find the sounds that excite the units of a layer most, to listen to and to look at.

    For each unit, the chunks of the recordings with the highest activations are joined into one
    sound file and shown on a page: spectrogram, receptive field, activation. One moment counts
    once. The memory does not grow with AUDIO: files, folders or playlists. If one cannot be read,
    or is shorter than the receptive field, this is reported, the others are processed, and the
    exit status is 2.

    \b
    Examples:
      tagnode models explain scene Music --layer layer_4 --out units
      tagnode models explain musicnn-mtt song.ogg --layer frontend --units 0,3,7 --out filters
    """
    from pyplugin.explain.explainer import Explainer, check_folder
    from pyplugin.node.plan import Plan

    check_folder(out)
    explainer = Explainer(name, layer, units=units or None, top=top, hop=hop)
    check_plan(Plan.of(explainer.model, hop=hop))
    if "-" in files:
        raise click.UsageError("AUDIO is '-'; recordings are read twice, so files are expected.")
    files, unread = expand_files(files)

    def work(given: str, report: Callable[[float], object]) -> AnalysedRecording:
        return explainer.add(given, report)

    status = each_file(list(dict.fromkeys(files)), work, lambda given, found: None)
    if not explainer.recordings:
        raise SystemExit(max(status, unread, 2))
    with progress_bar(printable(out.name)) as bar:
        page = explainer.write(out, lambda what, done, of: bar(done / of))
    echo(f"{printable(page)}: {len(explainer.units)} units of {printable(layer)}")
    raise SystemExit(max(status, unread))
