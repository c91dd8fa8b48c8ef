"""``pyplugin teach``: Add a label to a model from a few recordings."""

from __future__ import annotations

import os

import click

from pyplugin.cli.train_head import need_sklearn, shown_progress
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.models import registry
from pyplugin.node.node import DEFAULT_MODEL
from pyplugin.node.plan import Plan

__all__ = ["command"]


class _Greedy(click.Command):
    """Lets --not take all that follows, up to the next option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        given: list[str] = []
        following = False
        for arg in args:
            if arg == "--not":
                following = True
            elif arg.startswith("-"):
                following = False
                given.append(arg)
            else:
                given += ["--not", arg] if following else [arg]
        return super().parse_args(ctx, given)


@click.command("teach", cls=_Greedy)
@click.argument("label")
@click.argument("positive", nargs=-1, required=True, metavar="POSITIVE...")
@click.option("--not", "negative", multiple=True, metavar="NEGATIVE...", help="What it is not.")
@click.option(
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    help="The model whose embedding the head takes.",
)
@click.option("--out", help="A name, or the path of a .head file.  [default: LABEL]")
@click.option("--embedding", help="Which embedding of the model.  [default: the card's]")
def command(
    label: str,
    positive: tuple[str, ...],
    negative: tuple[str, ...],
    model: str,
    out: str | None,
    embedding: str | None,
) -> None:
    """Teach a model a label from a handful of recordings, in seconds.

    POSITIVE and NEGATIVE are recordings or folders of them; without NEGATIVE, the label is told
    from a background of all kinds of sound, which there is for musicnn-mtt and scene. A head of one
    label is made; how many of the recordings a head without them takes for what they are is
    printed.

    \b
    Examples:
      pyplugin teach organ organ-1.ogg organ-2.ogg
      pyplugin teach organ organ-1.ogg organ-2.ogg --not piano.ogg choir.ogg
      pyplugin teach applause applause/ --not music/ speech/ --out applause
    """
    need_sklearn()
    from pyplugin.training.heads.teach import teach

    loaded = registry.load(model)
    check_plan(Plan.of(loaded))
    with shown_progress() as progress:
        done = teach(
            label,
            positive,
            negative,
            model=loaded,
            out=out,
            embedding=embedding,
            jobs=os.cpu_count() or 1,
            progress=progress,
        )
    for line in done.skipped:
        click.echo(f"pyplugin: left out: {line}", err=True)
    if done.tried:
        click.echo(f"{done.right} of {done.tried} clips are right by a head without them")
    if done.background:
        click.echo(f"{done.mistaken} of {done.background} other sounds are taken for {label}")
    click.echo(done.head)
