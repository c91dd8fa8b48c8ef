"""``pyplugin train head``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.models import registry
from pyplugin.node.plan import Plan
from pyplugin.support.optional import need

__all__ = ["head", "need_sklearn", "shown_progress"]

_SHOWN_ROWS = 5


def need_sklearn() -> None:
    """Raise where scikit-learn is missing."""
    need("sklearn", package="scikit-learn", extra="train", purpose="Training a head")


@contextmanager
def shown_progress() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function that draws on a terminal how many of what are done."""
    progress = need("rich.progress", package="rich", extra="train", purpose="Showing progress")
    console = need("rich.console", package="rich", extra="train", purpose="Showing progress")
    screen = console.Console(stderr=True)
    columns = (*progress.Progress.get_default_columns(), progress.MofNCompleteColumn())
    with progress.Progress(*columns, console=screen, disable=not screen.is_terminal) as bars:
        tasks: dict[str, int] = {}

        def show(what: str, done: int, of: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what)
            bars.update(tasks[what], completed=done, total=of)

        yield show


@click.command("head")
@click.argument("data", type=click.Path(path_type=Path, exists=True))
@click.option("--model", required=True, help="The model whose embedding the head takes.")
@click.option("--out", required=True, help="A name for the head, or the path of a .head file.")
@click.option("--embedding", help="Which embedding of the model.  [default: the card's]")
@click.option(
    "--classifier",
    default="svm",
    show_default=True,
    type=click.Choice(("svm", "mlp", "logistic")),
)
@click.option(
    "--filelist",
    type=click.Path(path_type=Path, exists=True),
    help="Where DATA has identifiers: a file, {id: path}.",
)
@click.option(
    "--external",
    type=click.Path(path_type=Path, exists=True),
    help="Clips of the same classes from elsewhere, to see what is lost on them.",
)
@click.option("--windows", is_flag=True, help="Train on each window, not on each clip's mean.")
@click.option("--full", is_flag=True, help="Try the whole grid of parameters, not a coarse one.")
@click.option(
    "--retrain",
    nargs=2,
    type=(click.Path(path_type=Path), int),
    metavar="REPORT ROW",
    help="Make the head of this row of an earlier report (.tsv).",
)
@click.option("--resume", is_flag=True, help="Go on where an interrupted search stopped.")
@click.option("--jobs", type=click.IntRange(1), help="Processes.  [default: one a core]")
def head(
    data: Path,
    model: str,
    out: str,
    embedding: str | None,
    classifier: str,
    filelist: Path | None,
    external: Path | None,
    windows: bool,
    full: bool,
    retrain: tuple[Path, int] | None,
    resume: bool,
    jobs: int | None,
) -> None:
    """Train a classifier of your own on a model's embedding.

    DATA is a folder with one subfolder of recordings a class; or a ground truth: .csv with the
    columns path, label and, if recordings belong together, group; .json or .yaml likewise, or as
    Gaia has it. Prints the best configurations; writes the head and, beside it, a report.

    \b
    Examples:
      pyplugin train head clips --model musicnn-mtt --out shouts
      pyplugin train head truth.csv --model musicnn-mtt --out mood --external other-clips
      pyplugin train head clips --model musicnn-mtt --out mood --retrain mood.report.tsv 3
    """
    need_sklearn()
    from pyplugin.training.heads.train import train_head

    loaded = registry.load(model)
    check_plan(Plan.of(loaded))
    try:
        with shown_progress() as progress:
            done = train_head(
                data,
                model=loaded,
                out=out,
                embedding=embedding,
                classifier=classifier,
                filelist=filelist,
                external=external,
                windows=windows,
                full=full,
                retrain=retrain,
                resume=resume,
                jobs=jobs or os.cpu_count() or 1,
                progress=progress,
            )
    except KeyboardInterrupt:
        click.echo("pyplugin: What is finished is kept; --resume goes on from there.", err=True)
        raise
    for line in done.skipped:
        click.echo(f"pyplugin: left out: {line}", err=True)
    if done.skipped:
        click.echo(f"pyplugin: {len(done.skipped)} clips were left out.", err=True)
    for line in done.notes:
        click.echo(f"pyplugin: {line}", err=True)
    for number, result in enumerate(done.results[:_SHOWN_ROWS], 1):
        mean = sum(result.balanced_accuracies) / len(result.balanced_accuracies)
        click.echo(f"{number}  {100 * mean:.1f} %  {result.configuration.words}")
    click.echo(
        f"per {done.unit}: accuracy {100 * done.accuracy:.1f} %, mean over the classes "
        f"{100 * done.balanced_accuracy:.1f} %"
    )
    if done.external is not None:
        click.echo(f"mean over the classes elsewhere {100 * done.external:.1f} %")
    for written in (done.head, done.table, done.page):
        if written is not None:
            click.echo(written)
