"""``tagnode train compare``."""

import os
from pathlib import Path
from typing import Any

import click

from pyplugin.cli.train_head import need_sklearn
from pyplugin.cli.ui.paths import EXISTING, path_option
from pyplugin.cli.ui.progress import progress_bars
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.cli.ui.terminal import echo
from pyplugin.models import registry
from pyplugin.node.plan import Plan
from pyplugin.support.printable import printable


@click.command("compare")
@click.argument("data", nargs=-1, required=True, metavar="DATA...", type=EXISTING)
@click.option(
    "--backbone",
    "backbones",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A model with an embedding, or its .tflite file; may be repeated.",
)
@path_option("--out", "Folder to write the table to; it is made.", required=True)
@path_option(
    "--external",
    "Clips from another source to test on, for the tasks that have its classes; may be repeated.",
    EXISTING,
    multiple=True,
)
@click.option(
    "--classifier",
    default="svm",
    show_default=True,
    type=click.Choice(("svm", "mlp", "logistic")),
    help="Kind of classifier: support vector machine, neural network or logistic regression.",
)
@click.option(
    "--full", is_flag=True, help="Search the full grid of parameters instead of a coarse one."
)
@click.option("--resume", is_flag=True, help="Continue an interrupted comparison.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Number of processes.  [default: one per core]"
)
def compare(
    data: tuple[Path, ...], backbones: tuple[str, ...], jobs: int | None, **options: Any
) -> None:
    """Compare models by the heads that can be trained on them.

    Each DATA is a task, in the formats of 'train head'. For each task and model, the table has the
    accuracy in cross-validation (the mean over the classes, recordings of one group together), the
    same on an external set, and the drop between them; the best is marked. It is written as
    comparison.tsv, .md and .html.

    \b
    Examples:
      tagnode train compare clips --backbone scene --backbone musicnn-mtt --out table
      tagnode train compare moods genres --external other-moods --backbone scene --out table
    """
    need_sklearn()
    from pyplugin.training.heads.compare import compare_backbones
    from pyplugin.training.heads.comparison import best_of

    loaded = [registry.load(name) for name in backbones]
    for model in loaded:
        check_plan(Plan.of(model))
    try:
        with progress_bars() as progress:
            jobs = jobs or os.cpu_count() or 1
            done = compare_backbones(data, loaded, jobs=jobs, progress=progress, **options)
    except KeyboardInterrupt:
        echo("tagnode: Finished results are kept; continue with --resume.", err=True)
        raise
    for line in (*(f"left out: {each}" for each in done.skipped), *done.notes):
        echo(f"tagnode: {printable(line)}", err=True)
    best = best_of(done.scores)
    for each in done.scores:
        outside = ""
        if each.external is not None and each.drop is not None:
            drop = 100 * each.drop
            outside = f"  external {100 * each.external:.1f} %, drop {drop:.1f}"
        mark = "  best" if (each.task, each.model) in best else ""
        shown = f"{100 * each.balanced:.1f} %{outside}{mark}"
        echo(f"{printable(each.task)}  {printable(each.model)}  {shown}")
    for path in done.files:
        echo(printable(path))
