"""``tagnode train``: Train models on recordings of your own."""

import click

from pyplugin.cli.train_compare import compare
from pyplugin.cli.train_head import head
from pyplugin.cli.train_network import network


@click.group("train")
def command() -> None:
    """Train networks and heads on your own recordings.

    \b
    Examples:
      tagnode train head clips --backbone musicnn-mtt --out shouts
      tagnode train compare clips --backbone scene --backbone musicnn-mtt --out table
      tagnode train network genres --out my-genres
      tagnode train network models/scene.toml --corpus corpus --out build/scene
    """


command.add_command(compare)
command.add_command(network)
command.add_command(head)
