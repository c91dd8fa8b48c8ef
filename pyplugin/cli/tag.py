"""``tagnode tag``: Name the content of recordings."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from csv import writer as csv_writer
from functools import partial
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from pyplugin.cli.ui.paths import check_outputs, check_suffix, path_option
from pyplugin.cli.ui.recordings import Done, tag_files
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.inputs.expanding import expanded
from pyplugin.models.card import Card
from pyplugin.models.heads import Head
from pyplugin.node.node import DEFAULT_MODEL, State
from pyplugin.node.plan import Plan
from pyplugin.node.runtimes import RUNTIMES
from pyplugin.outputs.export import LABELS, THRESHOLD, check_labels, write_labels
from pyplugin.outputs.json_lines import JsonLines
from pyplugin.outputs.output import DescriptorFrame
from pyplugin.support.files import replacing
from pyplugin.support.results import TagResult
from pyplugin.support.spelling import alternatives


@click.command("tag")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--model",
    help="Name of a model, or its .tflite file.  "
    f"[default: the model of the head, or {DEFAULT_MODEL}]",
)
@click.option(
    "--head",
    "heads",
    multiple=True,
    metavar="NAME|FILE",
    help="Also print the results of this head; may be repeated.",
)
@click.option(
    "--top",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Number of tags to print for each file.",
)
@click.option(
    "--hop",
    type=float,
    help="Seconds between the starts of two windows.  [default: the one of the model]",
)
@click.option(
    "--runtime",
    type=click.Choice(RUNTIMES),
    help="Runtime of the model.  [default: chosen by the model]",
)
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON object for each window, one per line, instead.",
)
@path_option("--csv", "Write all activations to this file (.csv).")
@path_option("--plot", "Write a plot of mel spectrogram and tags (.png).")
@path_option("--embeddings", "Write the embedding of each window to this file (.npy).")
@path_option(
    "--labels",
    f"Write the time spans of each tag to this file ({alternatives(LABELS)}; .txt for Audacity).",
)
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    help=f"Least activation of a tag in --labels, 0 to 1.  [default: {THRESHOLD}]",
)
@click.option(
    "--embedding",
    help="Output with the embedding, such as penultimate or dense.  [default: the one of the card]",
)
@click.option(
    "--track",
    type=click.IntRange(1),
    help="Audio track of a file with several, from 1.  [default: the file's]",
)
def command(
    files: tuple[str, ...],
    model: str | None,
    heads: tuple[str, ...],
    top: int,
    hop: float | None,
    runtime: str | None,
    as_json: bool,
    csv: Path | None,
    plot: Path | None,
    embeddings: Path | None,
    labels: Path | None,
    threshold: float | None,
    embedding: str | None,
    track: int | None,
) -> None:
    """Detect the content of recordings of any format and length.

    FILE is a sound file or a video, a folder, a playlist, an HTTP address, or - for standard input.
    Prints the tags with the highest mean over each. If a FILE cannot be read, this is
    reported, the others are processed, and the exit status is 2.

    \b
    Examples:
      tagnode tag song.ogg
      tagnode tag Music favourites.m3u
      tagnode tag *.mp3 --top 3 --csv tags.csv
      tagnode tag song.ogg --hop 0.5 --plot song.png
      tagnode tag song.ogg --json | jq .tags
      tagnode tag song.ogg --labels song.txt --threshold 0.5
      tagnode tag song.ogg --embeddings song.npy --embedding dense --model musicnn-mtt
      tagnode tag song.ogg --head voice
    """
    files = tuple(expanded(files))
    for option, value in (("--plot", plot), ("--embeddings", embeddings), ("--labels", labels)):
        if value is not None and len(files) > 1:
            raise click.UsageError(f"{option} needs one FILE; {len(files)} were given.")
    if embedding is not None and embeddings is None:
        raise click.UsageError("--embedding applies to --embeddings; add --embeddings FILE.")
    if threshold is not None and labels is None:
        raise click.UsageError("--threshold applies to --labels; add --labels FILE.")
    check_suffix("--embeddings", embeddings, ".npy")
    check_suffix("--plot", plot, ".png")
    if labels is not None:
        check_labels(labels)
    check_outputs((csv, plot, embeddings, labels), files)
    plan = Plan.of(model, heads, runtime=runtime)
    check_plan(plan)
    (loaded,), loaded_heads = plan.models, plan.heads
    kept = loaded.card.output_named(embedding).name if embeddings is not None else None
    done, status = tag_files(
        files,
        each=None if as_json else lambda given, result: _print(given, result, top),
        each_window=partial(_JsonLines, loaded.card, loaded_heads) if as_json else None,
        model=loaded,
        heads=loaded_heads,
        hop=hop,
        embedding=kept,
        runtime=runtime,
        track=track,
    )
    if csv is not None and done:
        _write_csv(csv, done)
    if embeddings is not None and done:
        assert done[0][1].embeddings is not None
        with replacing(embeddings) as part, part.open("wb") as stream:
            np.save(stream, done[0][1].embeddings)
    if labels is not None and done:
        chosen = THRESHOLD if threshold is None else threshold
        write_labels(labels, done[0][1], threshold=chosen, title=Path(done[0][0]).name)
    if plot is not None and done:
        from pyplugin.cli.ui.pictures import draw_tags

        draw_tags(plot, Path(done[0][0]), done[0][1], loaded.card.front_end)
    raise SystemExit(status)


def _print(given: str, result: TagResult, top: int) -> None:
    minutes, seconds = divmod(result.duration, 60)
    plural = "window" if len(result.times) == 1 else "windows"
    click.echo(
        f"{given}  {int(minutes)}:{seconds:04.1f}  {result.model}, {len(result.times)} {plural}"
    )
    best = result.top(top)
    width = max(len(label) for label, _ in best)
    for label, score in best:
        click.echo(f"  {label:<{width}}  {score:.3f}  {'#' * round(30 * score)}")
    for name, tags in result.heads.items():
        click.echo(f"  {name}:")
        width = max(len(label) for label in tags.labels)
        for label, score in zip(tags.labels, tags.mean.tolist(), strict=True):
            click.echo(f"    {label:<{width}}  {score:.3f}  {'#' * round(30 * score)}")


class _JsonLines:
    """Prints one line for each window as soon as it is analysed."""

    def __init__(self, card: Card, heads: Sequence[Head], given: str) -> None:
        self._given = given
        self._card, self._heads = card, heads
        self._lines = JsonLines(sys.stdout)

    def __call__(self, start: float, end: float, activations: npt.NDArray[np.float32]) -> None:
        values = iter(activations.tolist())
        tags = {self._card.name: {label: next(values) for label in self._card.labels}}
        heads = {head.name: {x: next(values) for x in head.labels} for head in self._heads}
        frame = DescriptorFrame(end, start, end, self._given, State.FRESH, tags, {}, {}, heads)
        self._lines.write_frame(frame)


def _write_csv(path: Path, done: Done) -> None:
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as stream:
        writer = csv_writer(stream)
        first = done[0][1]
        head_labels = [
            f"head.{name}.{x}" for name, each in first.heads.items() for x in each.labels
        ]
        writer.writerow(["file", "start", "end", *first.labels, *head_labels])
        for given, result in done:
            parts = [result.activations, *(each.activations for each in result.heads.values())]
            for start, row in zip(result.times, np.hstack(parts), strict=True):
                times = [f"{start:.3f}", f"{start + result.window:.3f}"]
                writer.writerow([given, *times, *(f"{value:.6f}" for value in row)])
