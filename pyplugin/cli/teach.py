"""``tagnode teach``: Add a label to a model from a few recordings."""

import os
from typing import Any

import click

from pyplugin.cli.train_head import need_sklearn
from pyplugin.cli.ui.progress import progress_bars
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.cli.ui.terminal import echo
from pyplugin.models import registry
from pyplugin.node.node import DEFAULT_MODEL
from pyplugin.node.plan import Plan


class _GreedyNot(click.Command):
    """Makes --not apply to all following arguments, up to the next option."""

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


@click.command("teach", cls=_GreedyNot)
@click.argument("label")
@click.argument("positive", nargs=-1, required=True, metavar="POSITIVE...")
@click.option(
    "--not",
    "negative",
    multiple=True,
    metavar="NEGATIVE...",
    help="Recordings or folders without the label.  [default: the background of the model]",
)
@click.option(
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    help="Name of the model with the embedding, or its .tflite file.",
)
@click.option("--out", help="Name of the head, or path of a .head file.  [default: LABEL]")
@click.option("--embedding", help="Output with the embedding.  [default: the one of the card]")
def command(label: str, model: str, **options: Any) -> None:
    """Train a head of one label on a few recordings, in seconds.

    POSITIVE and NEGATIVE are recordings or folders of them. Without NEGATIVE, the negative examples
    are a background of all kinds of sound, which exists for musicnn-mtt and scene. Prints the
    result of a cross-validation that leaves out one recording at a time.

    \b
    Examples:
      tagnode teach organ organ-1.ogg organ-2.ogg
      tagnode teach organ organ-1.ogg organ-2.ogg --not piano.ogg choir.ogg
      tagnode teach applause applause/ --not music/ speech/ --out applause
    """
    need_sklearn()
    from pyplugin.training.heads.teach import teach

    loaded = registry.load(model)
    check_plan(Plan.of(loaded))
    with progress_bars() as progress:
        jobs = os.cpu_count() or 1
        done = teach(label, model=loaded, jobs=jobs, progress=progress, **options)
    for line in done.skipped:
        echo(f"tagnode: left out: {line}", err=True)
    if done.tested:
        right = f"{done.correct} of {done.tested} clips are classified correctly"
        echo(f"{right} by a head trained without them")
    if done.background:
        wrong = f"{done.false_positives} of {done.background} background windows"
        echo(f"{wrong} are classified as {label}")
    echo(done.head)
