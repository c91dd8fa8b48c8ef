"""``tagnode train network``."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from pyplugin.cli.ui.interrupts import interrupts_taken
from pyplugin.cli.ui.paths import EXISTING, PATH, path_option
from pyplugin.cli.ui.progress import ShowProgress, progress_bars
from pyplugin.cli.ui.suppress_output import without_banner
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import PypluginError
from pyplugin.support.optional import install
from pyplugin.training.soundfonts import SOUNDFONTS

_RECIPE_ONLY = ("corpus", "soundfonts")
_BOTH = ("data", "out", "cache")
_START = "scene"


@click.command("network")
@click.argument("data", type=PATH)
@click.option(
    "--out",
    required=True,
    help="Name of the network, or path of a .tflite file; with a recipe, an existing folder.",
)
@click.option(
    "--exclusive/--not-exclusive",
    default=True,
    help="Whether each recording has exactly one class.  [default: exclusive]",
)
@click.option(
    "--architecture",
    type=click.Choice(("own", "deepsound")),
    default="own",
    show_default=True,
    help="Kind of network: convolutions over time and frequency, or deepsound's over time only.",
)
@click.option("--from", "start", metavar="MODEL", help="Start from the weights of a model: scene.")
@click.option(
    "--folds",
    type=click.IntRange(2, 20),
    help="Test all clips, by this many further networks, each trained without a part of them. "
    "[default: one network, tested on a fifth]",
)
@click.option(
    "--epochs", type=click.IntRange(1), default=30, show_default=True, help="Most epochs."
)
@click.option(
    "--patience",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="Epochs without a better result on the validation clips before training stops.",
)
@click.option(
    "--batch", type=click.IntRange(2), default=64, show_default=True, help="Windows in a batch."
)
@click.option(
    "--learning-rate",
    type=click.FloatRange(0, 1, min_open=True),
    default=2e-3,
    show_default=True,
    help="Largest learning rate.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Random seed.")
@click.option(
    "--clip-seconds",
    type=click.FloatRange(1),
    help="Seconds to use of each recording, from its middle.  [default: all]",
)
@path_option(
    "--groups",
    "If DATA is a folder of recordings without tags: .csv with the columns path and artist.",
    EXISTING,
)
@path_option(
    "--filelist",
    "If DATA has identifiers instead of paths: .json or .yaml with {id: path}.",
    EXISTING,
)
@path_option(
    "--cache",
    "Folder to store mel spectrograms in for the next run, up to 0.2 GB per hour of recordings; "
    "with a recipe: sounds, scenes and the state of the training, 4 GB for scene.",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted training.")
@path_option("--corpus", "With a recipe: folder with manifest.csv.")
@path_option(
    "--soundfonts",
    "With a recipe: folder that contains its SoundFonts, at any depth.",
    default=SOUNDFONTS,
    show_default=True,
)
def network(data: Path, out: str, **options: Any) -> None:
    """Train a network on recordings of each class, and write a report with its results.

    DATA is a folder with one subfolder of recordings for each class, or a ground truth file: .csv
    with the columns path, label and, optionally, group; or .json or .yaml with such rows or in the
    format of Gaia. Recordings of one group or artist are either trained on or tested on. The
    network is int8 and causal, and runs in the audio callback. Ctrl-C ends the training and keeps
    the best network so far.

    DATA may also be a recipe, a .toml file such as models/scene.toml, by which the model 'scene'
    was trained, in an hour and a half on two cores. What it computes is kept in the folder of
    --cache; after Ctrl-C the same command goes on there.

    Needs the extra: pip install 'tagnode[network]'.

    \b
    Examples:
      tagnode train network genres --out my-genres
      tagnode train network genres --out my-genres --folds 5
      tagnode train network models/scene.toml --corpus corpus --out build/scene --cache build/cache
    """
    _check_options(data)
    try:
        import sklearn  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise PypluginError(
            f"Training needs PyTorch and scikit-learn ({error}); install them: "
            f"{install('network')}."
        ) from error
    if data.suffix == ".toml":
        return _recipe(data, Path(out), options)
    return _classes(data, out, options)


def _check_options(data: Path) -> None:
    """Refuse options of the other form of the command."""
    context = click.get_current_context()
    given = [
        name
        for name in context.params
        if name not in _BOTH and context.get_parameter_source(name) == ParameterSource.COMMANDLINE
    ]
    recipe = data.suffix == ".toml"
    for parameter in context.command.params:
        if parameter.name in given and (parameter.name in _RECIPE_ONLY) != recipe:
            if recipe:
                what = f"{data} is a recipe, which has its own settings; leave {{}} out."
            else:
                what = f"{{}} is for a recipe; {data} is not a .toml file."
            raise click.UsageError(what.format(parameter.opts[0]))
    if recipe and context.params["corpus"] is None:
        raise click.UsageError("Missing option '--corpus', which a recipe needs.")


def _recipe(config: Path, out: Path, options: dict[str, Any]) -> None:
    from pyplugin.training.calibration import check_litert
    from pyplugin.training.processes import default_jobs
    from pyplugin.training.recipe import read_recipe, train_network

    recipe = read_recipe(config)
    if not out.is_dir():
        raise PypluginError(f"--out is {out}; an existing folder is expected: mkdir {out}")
    with without_banner():  # LiteRT measures the quantised network
        check_litert()
    try:
        with progress_bars() as bars:
            path = train_network(
                recipe,
                options["corpus"],
                out,
                soundfonts=options["soundfonts"],
                cache=options["cache"],
                processes=default_jobs(),
                progress=partial(_show_stage, bars),
                report=partial(echo, err=True),
            )
    except KeyboardInterrupt:
        if options["cache"] is not None:
            echo("tagnode: Run the same command again to go on.", err=True)
        raise
    echo(path)


def _show_stage(bars: ShowProgress, stage: str, done: int, of: int) -> None:
    """Show progress; a line for each tenth of a stage where it is printed."""
    tenth = max(1, of // 10)
    line = f"{done} of {of}" if done and (done == of or done % tenth == 0) else ""
    bars(stage, done, of, line)


def _check_start(start: str | None, architecture: str, data: Path) -> None:
    if start is None:
        return
    if start != _START:
        raise PypluginError(
            f"--from is {start}; only the weights of {_START} fit the network. For what another "
            f"model has learnt, train a head on its embedding: tagnode train head {data} "
            f"--backbone {start} --out NAME."
        )
    if architecture != "own":
        raise PypluginError(
            f"--from {start} needs the architecture own; {architecture} has other layers."
        )


def _classes(data: Path, out: str, options: dict[str, Any]) -> None:
    _check_start(options["start"], options["architecture"], data)
    if not data.exists():
        raise PypluginError(
            f"There is no {data}; expected a folder with one subfolder for each class, a ground "
            "truth (.csv, .json, .yaml) or a recipe (.toml)."
        )
    from pyplugin.training.calibration import check_litert
    from pyplugin.training.classes.settings import ClassesSettings
    from pyplugin.training.classes.train import train_classes

    fields = ClassesSettings.__dataclass_fields__
    chosen = {name: value for name, value in options.items() if name in fields and value}
    settings = ClassesSettings(**{**chosen, "exclusive": options["exclusive"]})
    with without_banner():  # LiteRT measures the quantised network
        check_litert()

    def interrupted() -> None:
        interrupts_taken()
        echo("tagnode: Stopped; exporting the best network so far.", err=True)

    with progress_bars() as progress:
        done = train_classes(
            data,
            out=out,
            settings=settings,
            filelist=options["filelist"],
            groups=options["groups"],
            cache=options["cache"],
            resume=options["resume"],
            jobs=os.cpu_count() or 1,
            progress=progress,
            interrupted=interrupted,
        )
    for line in done.skipped:
        echo(f"tagnode: left out: {line}", err=True)
    for line in done.notes:
        echo(f"tagnode: {line}", err=True)
    if done.tested.names:
        tested = f"{len(done.tested.names)} clips not trained on"
        figure = f"accuracy {100 * done.accuracy:.1f} % (mean over the classes), " * (
            settings.exclusive
        )
        echo(f"{tested}: {figure}ROC-AUC {done.area:.3f}")
    echo(done.model)
    echo(done.page)
    if done.interrupted:
        echo("tagnode: Continue with the same options and --resume.", err=True)
