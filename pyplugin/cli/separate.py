"""``tagnode separate``: Separate recordings into stems: vocals, accompaniment, drums."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pyplugin.cli.ui.paths import check_outputs, check_suffix, path_option
from pyplugin.cli.ui.recordings import each_file, expand_files
from pyplugin.cli.ui.suppress_output import without_banner
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import PypluginError
from pyplugin.support.printable import printable

if TYPE_CHECKING:
    from pyplugin.stems.separation import Separation


@click.command("separate")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@path_option("--out", "Folder to write to: DIR/FILE/STEM.wav.", required=True)
@click.option(
    "--stems", multiple=True, metavar="NAME,...", help="Only these stems.  [default: all]"
)
@click.option(
    "--residual", is_flag=True, help="Also what the stems leave; all together are the recording."
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["wav", "flac", "ogg"]),
    default="wav",
    show_default=True,
    help="Of the files; .wav and .flac have 24 bits.",
)
@click.option(
    "--model", default="spleeter-2stems", show_default=True, help="Name of a model of stems."
)
@click.option(
    "--overlap",
    type=int,
    metavar="SPECTRA",
    help="That two parts share, a multiple of 64; 0 as Spleeter does.  [default: 128, 3 s]",
)
@click.option(
    "--above",
    type=click.Choice(["zeros", "average"]),
    help="What stems get above 11 kHz.  [default: zeros]",
)
@click.option(
    "--wiener",
    type=click.IntRange(0, 10),
    default=0,
    show_default=True,
    help="Iterations of a multichannel Wiener filter after the masks.",
)
@click.option(
    "--threads", type=click.IntRange(1, 64), default=1, show_default=True, help="Of the network."
)
@path_option("--plot", "Write a plot of the recording's and the stems' mel spectrograms (.png).")
def command(
    files: tuple[str, ...],
    out: Path,
    stems: tuple[str, ...],
    kind: str,
    model: str,
    overlap: int | None,
    above: str | None,
    wiener: int,
    threads: int,
    plot: Path | None,
    *,
    residual: bool,
) -> None:
    """Separate recordings into stems, such as vocals and accompaniment.

    The stems have the length, rate and channels of FILE, in memory that does not grow with it.
    Each file exists once it is complete. If a FILE cannot be read, this is reported, the others are
    processed, and the exit status is 2.

    \b
    Examples:
      tagnode separate song.ogg --out stems
      tagnode separate song.ogg --out stems --stems vocals --format flac
      tagnode separate *.mp3 --out stems --residual --threads 2
      tagnode separate song.ogg --out stems --plot stems.png
    """
    from pyplugin.stems.network import StemNetwork
    from pyplugin.stems.separation import chosen_stems, separate
    from pyplugin.stems.separator import checked_overlap

    names = [name.strip() for each in stems for name in each.split(",") if name.strip()]
    files, status = expand_files(files)
    if plot is not None and len(files) > 1:
        raise click.UsageError(f"--plot needs one FILE; {len(files)} were given.")
    check_suffix("--plot", plot, ".png")
    check_outputs((plot,), files)
    folders = _folders(files, out)
    with without_banner():
        network = StemNetwork(model, threads=threads)
    chosen_stems(network, names or None, residual=residual)
    checked_overlap(network.patch, overlap)

    def work(given: str, report: Callable[[float], object]) -> Separation:
        return separate(
            given,
            model=network,
            stems=names or None,
            residual=residual,
            out=folders[given],
            format=kind,
            overlap=overlap,
            above=above,  # type: ignore[arg-type] # one of the choices
            wiener=wiener,
            progress=report,
        )

    def write(given: str, result: Separation) -> None:
        if result.clipped:
            clipped = f"{result.clipped} samples exceed full scale and are clipped"
            echo(f"tagnode: {printable(given)}: {clipped}", err=True)
        for path in result.paths.values():
            echo(f"{printable(path)}  {result.duration:.1f} s")
        if plot is not None:
            from pyplugin.cli.ui.pictures import draw_stems

            draw_stems(plot, Path(given), result.paths, result.model)

    raise SystemExit(max(status, each_file(files, work, write)))


def _folders(files: tuple[str, ...], out: Path) -> dict[str, Path]:
    """Return the folder of each recording's stems.

    Raises
    ------
    PypluginError
        Two recordings would have the same.
    """
    folders: dict[str, Path] = {}
    for given in files:
        folder = out / Path(given).stem
        for other, taken in folders.items():
            if taken == folder and other != given:
                raise PypluginError(
                    f"{other} and {given} would both become {folder}; separate them into two "
                    "folders."
                )
        folders[given] = folder
    return folders
