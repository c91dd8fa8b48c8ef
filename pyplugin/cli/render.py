"""``tagnode render``: Process a recording with effects automated by its content."""

from pathlib import Path

import click

from pyplugin.automation.movers import FINE
from pyplugin.automation.playback import LONGEST
from pyplugin.automation.presets import read_preset, shipped_presets, stem_presets
from pyplugin.cli.ui.options import AnalysisOptions
from pyplugin.cli.ui.paths import PATH, check_outputs, check_suffix, path_option
from pyplugin.cli.ui.progress import progress_bar
from pyplugin.cli.ui.stems import chosen_stem_model, stem_model_option
from pyplugin.cli.ui.terminal import echo
from pyplugin.node.runtimes import RUNTIMES
from pyplugin.outputs.export import CURVES
from pyplugin.support.printable import printable
from pyplugin.support.spelling import alternatives


@click.command(
    "render",
    epilog=f"Presets that come with pyplugin: {', '.join(shipped_presets())}. "
    f"Presets that use stems: {', '.join(stem_presets())}.",
)
@click.argument("source", metavar="IN")
@click.argument("output", metavar="OUT", type=PATH)
@click.option(
    "--preset", required=True, metavar="NAME|FILE", help="Name of a preset, or a .toml file."
)
@click.option("--sidechain", metavar="FILE", help="Analyse this recording instead of IN.")
@click.option(
    "--model", help="Name of a model, or its .tflite file.  [default: the one of the preset]"
)
@stem_model_option
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    help="Runtime of the model.  [default: chosen by the model]",
)
@click.option(
    "--align/--no-align",
    default=True,
    show_default=True,
    help="Compensate the latency of the analysis, or delay parameters as in a live node.",
)
@click.option(
    "--block",
    default=512,
    show_default=True,
    type=click.IntRange(1, LONGEST),
    help="Largest number of samples between two parameter updates; a changing parameter is updated "
    f"every {FINE} samples.",
)
@path_option("--curves", f"Write the parameter curves to this file ({alternatives(CURVES)}).")
@click.option(
    "--midi-14bit",
    is_flag=True,
    help="In a .mid file: controllers of 14 bits, in pairs n and n + 32.",
)
@path_option("--plot", "Write a plot of mel spectrogram, tags and curves (.png).")
def command(
    source: str,
    output: Path,
    preset: str,
    sidechain: str | None,
    model: str | None,
    stem_model: str | None,
    runtime: str | None,
    align: bool,
    block: int,
    curves: Path | None,
    midi_14bit: bool,
    plot: Path | None,
) -> None:
    """Apply the effects of a preset to IN, automated by its detected content, and write OUT.

    OUT is a .wav (24 bit), .flac or .ogg file with the length and sample rate of IN.

    \b
    Examples:
      tagnode render song.ogg out.wav --preset open-with-drums
      tagnode render bed.flac ducked.wav --preset duck-under-voice --sidechain voice.wav
      tagnode render in.mp3 out.flac --preset mine.toml --curves curves.csv --plot curves.png
    """
    from pyplugin.automation.chains import ranges_of
    from pyplugin.outputs.export import check_curves, write_curves
    from pyplugin.rendering import render

    check_suffix("--plot", plot, ".png")
    check_outputs((output, curves, plot), (source, sidechain))
    if curves is not None:
        check_curves(curves)
    if midi_14bit and (curves is None or curves.suffix.lower() != ".mid"):
        raise click.UsageError("--midi-14bit applies to .mid files; add --curves FILE.mid.")
    chosen = read_preset(preset)
    plan = AnalysisOptions(model, runtime).plan(chosen)
    separating = chosen_stem_model(chosen, stem_model)
    with progress_bar(Path(source).name) as report:
        result = render(
            source,
            output,
            chosen,
            sidechain=sidechain,
            model=plan.models[0] if plan.models else None,
            runtime=runtime,
            stem_model=separating,
            align=align,
            block=block,
            progress=report,
        )
    for note in result.notes:
        echo(f"tagnode: {printable(source)}: {printable(note)}", err=True)
    if result.clipped:
        clipped = f"{result.clipped} samples exceed full scale and are clipped"
        echo(f"tagnode: {clipped}; reduce a gain.", err=True)
    if curves is not None:
        write_curves(curves, result.curves, ranges=ranges_of(chosen), fourteen_bit=midi_14bit)
    if plot is not None:
        from pyplugin.cli.ui.pictures import draw_render

        draw_render(plot, Path(sidechain or source), result)
    from pyplugin.plot import ends_of

    analysis = result.model or "signals only"
    echo(f"{printable(output)}  {result.duration:.1f} s  {result.preset}, {analysis}")
    for target, curve in result.curves.items():
        low, high = ends_of(curve.values)
        echo(f"  {target}  {low} to {high}")
