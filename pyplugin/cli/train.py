"""``tagnode train``: Train models on recordings of your own."""

from functools import partial
from pathlib import Path

import click

from pyplugin.cli.train_compare import compare
from pyplugin.cli.train_head import head
from pyplugin.cli.ui.paths import PATH, path_option
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import PypluginError
from pyplugin.support.optional import install
from pyplugin.training.soundfonts import SOUNDFONTS


@click.group("train")
def command() -> None:
    """Train networks and heads on your own recordings.

    \b
    Examples:
      tagnode train head clips --backbone musicnn-mtt --out shouts
      tagnode train compare clips --backbone scene --backbone musicnn-mtt --out table
      tagnode train network models/scene.toml --corpus corpus --out build/scene
    """


@command.command("network")
@click.argument("config", type=PATH)
@path_option(
    "--corpus",
    "Folder with manifest.csv (columns path, seconds, category, labels, group, split).",
    required=True,
)
@path_option(
    "--out", "Existing folder to write the model, its card and its report to.", required=True
)
@path_option(
    "--soundfonts",
    "Folder that contains the SoundFonts of CONFIG, at any depth.",
    default=SOUNDFONTS,
    show_default=True,
)
@path_option(
    "--cache",
    "Folder to store mel spectrograms in for the next run, 0.2 GB per hour of CORPUS.",
)
def network(config: Path, corpus: Path, out: Path, soundfonts: Path, cache: Path | None) -> None:
    """Train a network by a recipe, quantise it, and write a report with its scores.

    CONFIG is a TOML file; models/scene.toml is the one of the model 'scene', which takes one to two
    hours on one core. Needs the extra: pip install 'tagnode[network]'.

    \b
    Example:
      tagnode train network models/scene.toml --corpus corpus --out build/scene
    """
    try:
        import sklearn  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise PypluginError(
            f"Training needs PyTorch and scikit-learn ({error}); install them: "
            f"{install('network')}."
        ) from error
    from pyplugin.training.recipe import read_recipe, train_network

    recipe = read_recipe(config)
    if not out.is_dir():
        raise PypluginError(f"--out is {out}; an existing folder is expected: mkdir {out}")
    report = partial(echo, err=True)
    path = train_network(recipe, corpus, out, soundfonts=soundfonts, cache=cache, report=report)
    echo(path)


command.add_command(compare)
command.add_command(head)
