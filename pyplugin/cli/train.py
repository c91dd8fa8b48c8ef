"""``pyplugin train``: Train models on recordings of your own."""

from __future__ import annotations

from pathlib import Path

import click

from pyplugin.cli.train_head import head
from pyplugin.errors import PypluginError
from pyplugin.training.soundfonts import SOUNDFONTS

__all__ = ["command"]


@click.group("train")
def command() -> None:
    """Make models from recordings of your own."""


@command.command("network")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--corpus",
    type=click.Path(path_type=Path),
    required=True,
    help="A folder with manifest.csv: path, seconds, category, labels, group, split.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the model, its card and its report shall be.",
)
@click.option(
    "--soundfonts",
    type=click.Path(path_type=Path),
    default=SOUNDFONTS,
    show_default=True,
    help="A folder with the SoundFonts that CONFIG names, or with folders that have them.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Keep mel spectrograms here, 0.2 GB for an hour of CORPUS, for the next time.",
)
def network(config: Path, corpus: Path, out: Path, soundfonts: Path, cache: Path | None) -> None:
    """Train a network by a recipe, quantise it and report how well it hears.

    CONFIG is a TOML file; models/scene.toml made the model 'scene'. Takes an hour or two on one
    core. Needs the extra: pip install 'pyplugin[network]'.

    \b
    Example:
      pyplugin train network models/scene.toml --corpus corpus --out build/scene
    """
    try:
        import sklearn  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise PypluginError(
            f"Training needs PyTorch and scikit-learn ({error}); install them: "
            "pip install 'pyplugin[network]'."
        ) from error
    from pyplugin.training.recipe import read_recipe, train_network

    recipe = read_recipe(config)
    if not out.is_dir():
        raise PypluginError(f"There is no folder {out}; make it first.")
    path = train_network(
        recipe,
        corpus,
        out,
        soundfonts=soundfonts,
        cache=cache,
        report=lambda line: click.echo(line, err=True),
    )
    click.echo(path)


command.add_command(head)
