"""``tagnode tag``: Name the content of recordings."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from pyplugin.cli.ui.embeddings import layer_suffixes, save_embeddings
from pyplugin.cli.ui.paths import check_outputs, check_suffix, path_option
from pyplugin.cli.ui.recordings import expand_files, tag_files
from pyplugin.cli.ui.suppress_output import check_plan
from pyplugin.cli.ui.terminal import echo, silence
from pyplugin.errors import PypluginError, ReaderGoneError
from pyplugin.inputs.recording import Recording
from pyplugin.models.card import Card
from pyplugin.models.heads import Head
from pyplugin.models.layer_outputs import with_layers
from pyplugin.node.node import DEFAULT_MODEL, State
from pyplugin.node.plan import Plan
from pyplugin.node.runtimes import RUNTIMES
from pyplugin.outputs.export import LABELS, THRESHOLD, check_labels, write_labels
from pyplugin.outputs.json_lines import JsonLines
from pyplugin.outputs.output import DescriptorFrame
from pyplugin.outputs.tables import TagTable, tag_columns
from pyplugin.support.files import replacing
from pyplugin.support.printable import printable
from pyplugin.support.results import TagResult
from pyplugin.support.special import is_standard_output
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
@path_option(
    "--csv",
    "Write all activations to this file (.csv), each recording's when it is done; - for standard "
    "output. An existing file is replaced when the first one is done.",
)
@click.option(
    "--resume",
    is_flag=True,
    help="Continue the file of --csv after an interruption: recordings that are complete in it are "
    "skipped, an incomplete one is done again.",
)
@path_option("--plot", "Write a plot of mel spectrogram and tags (.png).")
@path_option(
    "--embeddings",
    "Write the embedding of each window to this file (.npy; .npz: one array for each --layer).",
)
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
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="Write this layer of the model to --embeddings instead, one of 'tagnode models layers "
    "MODEL'; may be repeated.",
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
    resume: bool,
    plot: Path | None,
    embeddings: Path | None,
    labels: Path | None,
    threshold: float | None,
    embedding: str | None,
    layers: tuple[str, ...],
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
      tagnode tag *.mp3 --csv tags.csv --resume
      tagnode tag song.ogg --hop 0.5 --plot song.png
      tagnode tag song.ogg --json | jq .tags
      tagnode tag song.ogg --labels song.txt --threshold 0.5
      tagnode tag song.ogg --embeddings song.npy --embedding dense --model musicnn-mtt
      tagnode tag song.ogg --embeddings song.npz --layer logits --layer embedding
      tagnode tag song.ogg --head voice
    """
    files, unread = expand_files(files)
    single = (("--plot", plot), ("--embeddings", embeddings), ("--labels", labels))
    for option, value in single:
        if value is not None and len(files) > 1:
            raise click.UsageError(f"{option} needs one FILE; {len(files)} were given.")
        if value is not None and resume:
            raise click.UsageError(f"--resume is for --csv only; leave out {option}.")
    if resume and csv is None:
        raise click.UsageError("--resume applies to --csv; add --csv FILE.")
    if as_json and csv is not None and is_standard_output(csv):
        raise click.UsageError("--json and --csv - both write to standard output; give one.")
    if as_json and sys.stdout is None:
        raise PypluginError("--json writes to standard output, which is closed.")
    if embedding is not None and embeddings is None:
        raise click.UsageError("--embedding applies to --embeddings; add --embeddings FILE.")
    if layers and embeddings is None:
        raise click.UsageError("--layer applies to --embeddings; add --embeddings FILE.")
    if layers and embedding is not None:
        raise click.UsageError("--layer and --embedding both choose what is written; give one.")
    if threshold is not None and labels is None:
        raise click.UsageError("--threshold applies to --labels; add --labels FILE.")
    check_suffix("--embeddings", embeddings, *layer_suffixes(layers))
    check_suffix("--plot", plot, ".png")
    if labels is not None:
        check_labels(labels)
    check_outputs((csv, plot, embeddings, labels), files)
    plan = Plan.of(model, heads, runtime=runtime)
    check_plan(plan)
    (loaded,), loaded_heads = plan.models, plan.heads
    if embeddings is None:
        plan.check_labels()
    kept = None
    if embeddings is not None and not layers:
        kept = loaded.card.output_named(embedding).name
    if layers:
        with_layers(loaded, layers)  # fail before any work is done
    last: list[TagResult] = []
    vital = csv is None and all(value is None for _, value in single)
    prints = not as_json and not (csv is not None and is_standard_output(csv))

    def each(given: str, result: TagResult) -> None:
        last[:] = [result]
        if table is not None:
            table.write(given, result)
        if prints:
            _print(given, result, top, vital=vital)

    with contextlib.ExitStack() as stack:
        table: TagTable | None = None
        if csv is not None:
            table = TagTable(
                csv,
                tag_columns(
                    loaded.card.labels, ((head.name, head.labels) for head in loaded_heads)
                ),
                resume=resume,
                files=files,
                is_whole=partial(_is_whole, loaded.card, hop),
            )
            stack.callback(table.close)
            if table.done:
                echo(
                    f"tagnode: {printable(csv)}: {len(table.done)} of {len(files)} recordings are "
                    "complete and skipped",
                    err=True,
                )
        status = tag_files(
            [given for given in files if table is None or given not in table.done],
            each,
            each_window=(
                partial(_JsonLines, loaded.card, loaded_heads, vital=vital) if as_json else None
            ),
            model=loaded,
            heads=loaded_heads,
            hop=hop,
            embedding=kept,
            layers=layers,
            runtime=runtime,
            track=track,
        )
    if last:
        (result,) = last
        if embeddings is not None:
            assert result.embeddings is not None
            with replacing(embeddings) as part, part.open("wb") as stream:
                save_embeddings(stream, embeddings.suffix, result.embeddings, result.layers)
        if labels is not None:
            chosen = THRESHOLD if threshold is None else threshold
            write_labels(labels, result, threshold=chosen, title=Path(files[0]).name)
        if plot is not None:
            from pyplugin.cli.ui.pictures import draw_tags

            draw_tags(plot, Path(files[0]), result, loaded.card.front_end)
    raise SystemExit(max(status, unread))


_COUNTED = (".wav", ".flac", ".aif", ".aiff", ".aifc", ".caf", ".w64", ".au", ".snd")
"""Suffixes of formats whose headers have the exact number of samples."""


def _is_whole(card: Card, hop: float | None, given: str, first: float, last: float) -> bool:
    """Return whether no window fits into a recording after one that starts at `last`."""
    if Path(given).suffix.lower() not in _COUNTED:
        return False
    try:
        with contextlib.closing(Recording(given)) as recording:
            duration = recording.duration
    except (PypluginError, OSError, ValueError):
        return False
    mel = card.front_end.hop / card.front_end.sample_rate
    step = max(round((hop or card.default_hop) / mel), 1) * mel
    return duration is not None and last + step + (card.patch_frames - 1) * mel > duration + mel / 2


def _print(given: str, result: TagResult, top: int, *, vital: bool) -> None:
    minutes, seconds = divmod(result.duration, 60)
    plural = "window" if len(result.times) == 1 else "windows"
    windows = f"{printable(result.model)}, {len(result.times)} {plural}"
    lines = [f"{printable(given)}  {int(minutes)}:{seconds:04.1f}  {windows}"]
    lines += [f"  {line}" for line in _bars(result.top(top))]  # none of an embedding only
    for name, tags in result.heads.items():
        lines.append(f"  {printable(name)}:")
        values = zip(tags.labels, tags.mean.tolist(), strict=True)
        lines += [f"    {line}" for line in _bars(list(values))]
    echo("\n".join(lines), vital=vital)


def _bars(scores: Sequence[tuple[str, float]]) -> list[str]:
    shown = [(printable(label), score) for label, score in scores]
    width = max((len(label) for label, _ in shown), default=0)
    shares = all(0 <= score <= 1 for _, score in shown)  # a regression has other values
    bars = ["#" * round(30 * score) if shares else "" for _, score in shown]
    pairs = zip(shown, bars, strict=True)
    return [f"{label:<{width}}  {score:.3f}  {bar}".rstrip() for (label, score), bar in pairs]


class _JsonLines:
    """Prints one line for each window as soon as it is analysed."""

    def __init__(self, card: Card, heads: Sequence[Head], given: str, *, vital: bool) -> None:
        self._given = given
        self._card, self._heads = card, heads
        self._vital = vital

    def __call__(self, start: float, end: float, activations: npt.NDArray[np.float32]) -> None:
        values = iter(activations.tolist())
        tags = {self._card.name: {label: next(values) for label in self._card.labels}}
        heads = {head.name: {x: next(values) for x in head.labels} for head in self._heads}
        frame = DescriptorFrame(end, start, end, self._given, State.FRESH, tags, {}, {}, heads)
        try:
            JsonLines(sys.stdout).write_frame(frame)
        except ReaderGoneError:
            if self._vital:
                raise
            silence(sys.stdout)  # other outputs are still to be completed
