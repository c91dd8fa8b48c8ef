"""``tagnode train head``."""

import os
from pathlib import Path
from typing import Any

import click

from pyplugin.cli.ui.paths import EXISTING, PATH, path_option
from pyplugin.cli.ui.progress import progress_bars
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.cli.ui.terminal import echo
from pyplugin.models import registry
from pyplugin.node.plan import Plan
from pyplugin.support.optional import need

_SHOWN_ROWS = 5


def need_sklearn() -> None:
    """Raise if scikit-learn is missing."""
    need("sklearn", package="scikit-learn", extra="train", purpose="Training a head")


def _check_options(model: str | None, options: dict[str, Any]) -> None:
    if not options["features"]:
        if model is None:
            raise click.UsageError("Missing option '--backbone', or '--features'.")
        return
    audio = {"--backbone": model, "--embedding": options["embedding"]}
    audio["--windows"] = options["windows"] or None
    for name, value in audio.items():
        if value is not None:
            raise click.UsageError(f"{name} is for recordings; leave it out with --features.")


@click.command("head")
@click.argument("data", type=EXISTING)
@click.option(
    "--backbone",
    "model",
    help="Name of the model with the embedding, or its .tflite file.  [required without "
    "--features]",
)
@click.option(
    "--features",
    is_flag=True,
    help="DATA has files of Essentia's extractor (.json, .yaml, .sig) instead of recordings: "
    "train on their descriptors, as Gaia does.",
)
@click.option("--out", required=True, help="Name of the head, or path of a .head file.")
@click.option("--embedding", help="Output with the embedding.  [default: the one of the card]")
@click.option(
    "--classifier",
    default="svm",
    show_default=True,
    type=click.Choice(("svm", "mlp", "logistic")),
    help="Kind of classifier: support vector machine, neural network or logistic regression.",
)
@path_option(
    "--filelist",
    "If DATA has identifiers instead of paths: .json or .yaml with {id: path}.",
    EXISTING,
)
@path_option(
    "--external",
    "Clips of the same classes from another source to test on; same formats as DATA.",
    EXISTING,
)
@click.option(
    "--windows", is_flag=True, help="Train on each window instead of the mean of each clip."
)
@click.option(
    "--full", is_flag=True, help="Search the full grid of parameters instead of a coarse one."
)
@click.option(
    "--retrain",
    nargs=2,
    type=(PATH, int),
    metavar="REPORT ROW",
    help="Train with the configuration in this row (from 1) of an earlier report (.tsv).",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted search.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Number of processes.  [default: one per core]"
)
def head(data: Path, model: str | None, jobs: int | None, **options: Any) -> None:
    """Train a classifier (head) on the embedding of a model.

    DATA is a folder with one subfolder of recordings for each class, or a ground truth file: .csv
    with the columns path, label and, optionally, group; or .json or .yaml with such rows or in the
    format of Gaia. Prints the best configurations; writes the head, and a report beside it.

    With --features the recordings are files with the descriptors of Essentia's extractor; 'tagnode
    classify' applies the head to others.

    \b
    Examples:
      tagnode train head clips --backbone musicnn-mtt --out shouts
      tagnode train head truth.csv --backbone musicnn-mtt --out mood --external other-clips
      tagnode train head clips --backbone musicnn-mtt --out mood --retrain mood.report.tsv 3
      tagnode train head descriptors --features --out genre
    """
    _check_options(model, options)
    need_sklearn()
    from pyplugin.training.heads.train import train_head

    loaded = None if model is None else registry.load(model)
    if loaded is not None:
        check_plan(Plan.of(loaded))
    try:
        with progress_bars() as progress:
            jobs = jobs or os.cpu_count() or 1
            done = train_head(data, model=loaded, jobs=jobs, progress=progress, **options)
    except KeyboardInterrupt:
        echo("tagnode: Finished results are kept; continue with --resume.", err=True)
        raise
    for line in done.skipped:
        echo(f"tagnode: left out: {line}", err=True)
    if done.skipped:
        echo(f"tagnode: {len(done.skipped)} clips were left out.", err=True)
    for line in done.notes:
        echo(f"tagnode: {line}", err=True)
    for number, result in enumerate(done.results[:_SHOWN_ROWS], 1):
        echo(f"{number}  {100 * result.balanced:.1f} %  {result.configuration.words}")
    echo(
        f"per {done.unit}: accuracy {100 * done.accuracy:.1f} %, mean over the classes "
        f"{100 * done.balanced_accuracy:.1f} %"
    )
    if done.difference is not None:
        echo(done.difference)
    if done.external is not None:
        echo(f"external set: mean over the classes {100 * done.external:.1f} %")
    for written in (done.head, done.table, done.page):
        if written is not None:
            echo(written)
