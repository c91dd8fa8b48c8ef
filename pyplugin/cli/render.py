"""``pyplugin render``: Process a recording with effects automated by its content."""

from __future__ import annotations

from pathlib import Path

import click

from pyplugin.automation.movers import FINE
from pyplugin.automation.playback import LONGEST
from pyplugin.automation.presets import read_preset, shipped_presets
from pyplugin.cli.ui.options import AnalysisOptions
from pyplugin.cli.ui.progress import progress_bar
from pyplugin.errors import PypluginError
from pyplugin.node.runtimes import RUNTIMES
from pyplugin.outputs.export import CURVES
from pyplugin.support.files import check_writable
from pyplugin.support.spelling import alternatives

__all__ = ["command"]


@click.command("render", epilog=f"Presets that come with pyplugin: {', '.join(shipped_presets())}.")
@click.argument("source", metavar="IN")
@click.argument("output", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--preset", required=True, metavar="NAME|FILE", help="What moves what: a name, or a .toml file."
)
@click.option("--sidechain", metavar="FILE", help="Listen to this recording instead of to IN.")
@click.option("--model", help="A model's name, or its .tflite, instead of the preset's.")
@click.option("--runtime", type=click.Choice(RUNTIMES), help="What runs the model.")
@click.option(
    "--align/--no-align",
    default=True,
    show_default=True,
    help="Move with the sound, or as late as a live node would.",
)
@click.option(
    "--block",
    default=512,
    show_default=True,
    type=click.IntRange(1, LONGEST),
    help="Samples, at most, between two settings of a parameter; one that moves is set every "
    f"{FINE}.",
)
@click.option(
    "--curves",
    type=click.Path(path_type=Path),
    help=f"Write the curves of the parameters here ({alternatives(CURVES)}).",
)
@click.option(
    "--midi-14bit",
    is_flag=True,
    help="In a .mid: controllers of 14 bits, in pairs n and n + 32.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw mel spectrogram, tags and curves here (.png).",
)
def command(
    source: str,
    output: Path,
    preset: str,
    sidechain: str | None,
    model: str | None,
    runtime: str | None,
    align: bool,
    block: int,
    curves: Path | None,
    midi_14bit: bool,
    plot: Path | None,
) -> None:
    """Take the recording IN through effects that are moved by what it is, and write OUT.

    OUT is .wav (24 bit), .flac or .ogg, as long as IN and at its rate.

    \b
    Examples:
      pyplugin render song.ogg out.wav --preset open-with-drums
      pyplugin render bed.flac ducked.wav --preset duck-under-voice --sidechain voice.wav
      pyplugin render in.mp3 out.flac --preset mine.toml --curves moved.csv --plot moved.png
    """
    from pyplugin.automation.rendering import ranges_of, render
    from pyplugin.outputs.export import check_curves, write_curves

    if plot is not None and plot.suffix != ".png":
        raise click.UsageError(f"--plot draws .png; {plot.name} was given.")
    written = [path for path in (output, curves, plot) if path is not None]
    for index, path in enumerate(written):
        check_writable(path)
        if path in written[:index]:
            raise PypluginError(f"{path} is named twice; give each output a file of its own.")
        if path.exists() and any(
            given and Path(given).exists() and path.samefile(given) for given in (source, sidechain)
        ):
            raise PypluginError(f"{path} is an input too; write to another file.")
    if curves is not None:
        check_curves(curves)
    if midi_14bit and (curves is None or curves.suffix.lower() != ".mid"):
        raise click.UsageError("--midi-14bit is for .mid files; give --curves FILE.mid too.")
    chosen = read_preset(preset)
    plan = AnalysisOptions(model, runtime).plan(chosen)
    with progress_bar(Path(source).name) as report:
        result = render(
            source,
            output,
            chosen,
            sidechain=sidechain,
            model=plan.models[0] if plan.models else None,
            runtime=runtime,
            align=align,
            block=block,
            progress=report,
        )
    for note in result.notes:
        click.echo(f"pyplugin: {source}: {note}", err=True)
    if result.clipped:
        click.echo(
            f"pyplugin: {result.clipped} samples past full scale are clipped; lower a gain.",
            err=True,
        )
    if curves is not None:
        write_curves(curves, result.curves, ranges=ranges_of(chosen), fourteen_bit=midi_14bit)
    if plot is not None:
        from pyplugin.cli.ui.pictures import draw_render

        draw_render(plot, Path(sidechain or source), result)
    from pyplugin.plot import ends_of

    heard = result.model or "nothing but measured"
    click.echo(f"{output}  {result.duration:.1f} s  {result.preset}, {heard}")
    for target, curve in result.curves.items():
        low, high = ends_of(curve.values)
        click.echo(f"  {target}  {low} to {high}")
