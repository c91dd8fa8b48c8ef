"""``tagnode embed``: Write a model's embedding of recordings."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import numpy as np

from pyplugin.cli.ui.embeddings import layer_suffixes, save_embeddings
from pyplugin.cli.ui.paths import check_outputs, check_suffix, path_option
from pyplugin.cli.ui.recordings import Done, each_file, expand_files, tag_files
from pyplugin.cli.ui.suppress_output import check_plan, without_banner
from pyplugin.cli.ui.terminal import echo
from pyplugin.models import registry
from pyplugin.models.card import Spectra
from pyplugin.models.layer_outputs import with_layers
from pyplugin.models.model import Model
from pyplugin.node.node import DEFAULT_MODEL
from pyplugin.node.plan import Plan
from pyplugin.support.arrays import Float32
from pyplugin.support.cells import readable
from pyplugin.support.files import replacing
from pyplugin.support.optional import need
from pyplugin.support.printable import printable


@click.command("embed")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@path_option("--out", "File to write: .npy, .npz or .parquet.", required=True)
@click.option(
    "--embedding",
    help="Output with the embedding, such as penultimate or dense.  [default: the one of the card]",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="Write this layer instead, one of 'tagnode models layers MODEL'; may be repeated.",
)
@click.option(
    "--model",
    default=DEFAULT_MODEL,
    show_default=True,
    help="Name of a model, or its .tflite file.",
)
@click.option(
    "--hop",
    type=float,
    help="Seconds between the starts of two windows.  [default: the one of the model]",
)
@path_option("--plot", "Write a plot of the embeddings over time (.png).")
def command(
    files: tuple[str, ...],
    out: Path,
    embedding: str | None,
    layers: tuple[str, ...],
    model: str,
    hop: float | None,
    plot: Path | None,
) -> None:
    """Write the embeddings of recordings, one row for each window.

    A .npy file contains the rows of all FILEs in order, (n, E) float32; a .npz file such an array
    for each --layer, by its name, or one named embedding. A .parquet file contains a table with the
    columns file, start and end in seconds, and embedding or the names of the layers. If a FILE
    cannot be read, this is reported, the others are processed, and the exit status is 2. If it is
    interrupted, the file has the rows of the FILEs that are done.

    \b
    Examples:
      tagnode embed song.ogg --out song.npy --model musicnn-mtt --embedding dense
      tagnode embed *.mp3 --out songs.parquet --plot songs.png
      tagnode embed song.ogg --out song.npz --layer logits --layer embedding
      tagnode embed song.ogg --out song.npy --model spleeter-2stems
    """
    files, unread = expand_files(files)
    if layers and embedding is not None:
        raise click.UsageError("--layer and --embedding both choose what is written; give one.")
    check_suffix("--out", out, *layer_suffixes(layers), ".parquet")
    check_suffix("--plot", plot, ".png")
    arrow = _arrow() if out.suffix == ".parquet" else None
    check_outputs((out, plot), files)
    loaded = registry.load(model)
    if isinstance(loaded.card.inference, Spectra):
        if layers or embedding not in (None, loaded.card.embedding):
            raise click.UsageError(f"{loaded.name} has one embedding; give no other layer.")
        work = _stems(loaded, hop)
    else:
        work = None
    chosen = " and ".join(layers) if layers else loaded.card.output_named(embedding).name
    if layers:
        with_layers(loaded, layers)  # fail before any work is done
    done: Done = []
    try:
        if work is not None:
            status = each_file(files, work, lambda given, result: done.append((given, result)))
        else:
            check_plan(Plan.of(loaded))
            status = tag_files(
                files,
                lambda given, result: done.append((given, result)),
                model=loaded,
                hop=hop,
                embedding=None if layers else chosen,
                layers=layers,
            )
    except BaseException:
        if done:  # an interruption keeps what is done
            _write(out, arrow, done)
            echo(f"tagnode: {printable(out)} has {len(done)} of {len(files)} recordings", err=True)
        raise
    if done:
        rows = _write(out, arrow, done)
        if plot is not None:
            from pyplugin.plot import plot_embeddings

            plot_embeddings(
                plot,
                rows,
                ends=np.cumsum([len(result.times) for _, result in done]),
                names=[printable(Path(given).name) for given, _ in done],
                hop=done[0][1].hop,
                title=printable(f"{loaded.name}, {chosen}"),
            )
        echo(f"{printable(out)}: {rows.shape[0]} windows of {rows.shape[1]}")
    raise SystemExit(max(status, unread))


def _stems(model: Model, hop: float | None) -> Callable[[str, Callable[[float], object]], Any]:
    """Return what embeds a recording by a model of stems."""
    from pyplugin.stems.embedding import embed_stems
    from pyplugin.stems.network import StemNetwork

    with without_banner():
        network = StemNetwork(model)

    def work(given: str, report: Callable[[float], object]) -> Any:
        return embed_stems(given, model=network, hop=hop, progress=report)

    return work


def _write(out: Path, arrow: Any, done: Done) -> Float32:
    rows = np.concatenate([result.embeddings for _, result in done])
    names = list(done[0][1].layers)
    layers = {name: np.concatenate([each.layers[name] for _, each in done]) for name in names}
    with replacing(out) as partial, partial.open("wb") as stream:
        if arrow is None:
            save_embeddings(stream, out.suffix, rows, layers)
        else:
            _write_parquet(arrow, stream, done, layers or {"embedding": rows})
    return rows


def _arrow() -> Any:
    need("pyarrow.parquet", package="pyarrow", extra="train", purpose="Writing .parquet")
    return need("pyarrow", package="pyarrow", extra="train", purpose="Writing .parquet")


def _write_parquet(arrow: Any, file: Any, done: Done, arrays: Mapping[str, Float32]) -> None:
    columns = {
        "file": [readable(given) for given, result in done for _ in result.times],
        "start": np.concatenate([result.times for _, result in done]),
        "end": np.concatenate([result.times + result.window for _, result in done]),
    }
    for name, rows in arrays.items():
        flat = arrow.array(np.ascontiguousarray(rows).reshape(-1))
        columns[name] = arrow.FixedSizeListArray.from_arrays(flat, rows.shape[1])
    arrow.parquet.write_table(arrow.table(columns), file)
