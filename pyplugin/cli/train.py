"""``pyplugin train``."""

from __future__ import annotations

import click

from pyplugin.cli.train_head import head

__all__ = ["command"]


@click.group("train")
def command() -> None:
    """Make models from recordings of your own."""


command.add_command(head)
