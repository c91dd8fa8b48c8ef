"""``tagnode catalogue``: Tag whole collections, and search them."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pyplugin.cli.ui.paths import PATH, check_outputs, check_suffix, path_option
from pyplugin.cli.ui.terminal import echo
from pyplugin.errors import PypluginError
from pyplugin.support.printable import printable
from pyplugin.support.special import is_special
from pyplugin.support.spelling import counted

if TYPE_CHECKING:
    from pyplugin.catalogue.building import Engine, Progress
    from pyplugin.catalogue.setup import Setup

_FOLDER = click.argument("folder", type=PATH, metavar="CATALOGUE")


@click.group("catalogue")
def command() -> None:
    """Tag whole collections, and search them.

    A catalogue is a folder of Parquet files, which DuckDB, pandas, Polars and Spark read too.

    \b
    Start with:
      tagnode catalogue build Music tags --embeddings
      tagnode catalogue query tags "speech > .8 and music < .2" --sort loudness
    """


@command.command("build")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@_FOLDER
@click.option(
    "--model", "models", metavar="NAME,...", help="Models by name or file.  [default: scene]"
)
@click.option("--head", "heads", multiple=True, metavar="NAME|FILE", help="Also run this head.")
@click.option(
    "--hop",
    type=click.FloatRange(0, 600, min_open=True),
    help="Seconds between windows.  [default: 1]",
)
@click.option("--embeddings", is_flag=True, help="Keep a mean embedding, for similar and map.")
@click.option("--windows", is_flag=True, help="Keep the activations of each window.")
@click.option("--jobs", type=click.IntRange(1), help="Processes.  [default: one a core]")
@click.option("--memory", type=click.IntRange(200), metavar="MB", help="Limit of each process.")
@click.option(
    "--scheduler",
    metavar="URL|local",
    help="Use the workers of this Dask scheduler; 'local' starts one.  [default: processes]",
)
@click.option("--retry", is_flag=True, help="Try recordings with errors again.")
def build_catalogue(
    sources: tuple[str, ...],
    folder: Path,
    models: str | None,
    heads: tuple[str, ...],
    hop: float | None,
    jobs: int | None,
    memory: int | None,
    scheduler: str | None,
    **options: bool,
) -> None:
    """Analyse the recordings in each SOURCE, and write what is found into CATALOGUE.

    A SOURCE is a folder, a recording, a playlist, or an address that fsspec opens. The same command
    again continues after an interruption, and analyses what is new or changed; without --model,
    --head, --hop, --embeddings and --windows it takes those of the catalogue. Recordings that
    cannot be read are listed by 'tagnode catalogue errors', and make the exit status 1.

    \b
    Examples:
      tagnode catalogue build Music tags
      tagnode catalogue build Music tags --embeddings --jobs 2
      tagnode catalogue build s3://bucket/masters tags --scheduler tcp://head:8786
    """
    from pyplugin.catalogue.building import build

    setup = _setup(
        folder, models, heads, hop, embeddings=options["embeddings"], windows=options["windows"]
    )
    view = _View()
    try:
        progress = build(
            sources,
            folder,
            setup,
            lambda made: _engine(made, scheduler, jobs, memory),
            retry=options["retry"],
            report=view.show,
        )
    except BaseException:
        view.end()
        if view.last is not None:
            kept = counted(view.last.before + view.last.done, "recording")
            echo(f"tagnode: {printable(folder)} has {kept}; the same command continues", err=True)
        raise
    view.end()
    _summary(folder, progress)
    raise SystemExit(1 if progress.kinds or progress.unread else 0)


def _engine(setup: Setup, scheduler: str | None, jobs: int | None, memory: int | None) -> Engine:
    if scheduler is not None:
        from pyplugin.catalogue.cluster import Cluster

        return Cluster(setup, scheduler, jobs, memory=memory)
    from pyplugin.catalogue.processes import ProcessPool

    return ProcessPool(setup, jobs, memory=memory)


def _setup(
    folder: Path,
    models: str | None,
    heads: tuple[str, ...],
    hop: float | None,
    *,
    embeddings: bool,
    windows: bool,
) -> Setup:
    from pyplugin.catalogue.setup import HOP, Setup
    from pyplugin.catalogue.store import MANIFEST, Catalogue

    names = [name.strip() for name in models.split(",")] if models else []
    if (folder / MANIFEST).exists() and not (names or heads or hop or embeddings or windows):
        there = Catalogue(folder).identity
        return Setup.of(
            [each["name"] for each in there["models"]],
            [each["name"] for each in there["heads"]],
            hop=there["hop"],
            embeddings=there["embedding"] is not None,
            windows=there["windows"],
        )
    return Setup.of(names, heads, hop=hop or HOP, embeddings=embeddings, windows=windows)


class _View:
    """The progress: a line that is drawn anew on a terminal, otherwise one each half minute."""

    def __init__(self) -> None:
        self._drawn = sys.stderr is not None and sys.stderr.isatty()
        self._every = 0.2 if self._drawn else 30.0
        self._next = time.monotonic() + (0.0 if self._drawn else self._every)
        self.last: Progress | None = None

    def show(self, progress: Progress) -> None:
        """Show the progress, if it is time to."""
        self.last = progress
        now = time.monotonic()
        if now < self._next or progress.todo == 0:
            return
        self._next = now + self._every
        left = progress.seconds_left
        failed = counted(progress.failed, "error")
        line = (
            f"{progress.done} of {progress.todo}, {progress.rate:.0f} x real time"
            f"{f', {_duration(left)} left' if left is not None else ''}"
            f"{f', {failed}' if progress.failed else ''}"
        )
        if self._drawn:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        else:
            echo(f"tagnode: {line}", err=True)

    def end(self) -> None:
        """Remove the line."""
        if self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _duration(seconds: float) -> str:
    """Return a duration as a person says it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _summary(folder: Path, progress: Progress) -> None:
    parts = [f"{progress.analysed} analysed"]
    if progress.before:
        parts.append(f"{progress.before} were there")
    for number, what in ((progress.moved, "moved"), (progress.vanished, "vanished")):
        if number:
            parts.append(f"{number} {what}")
    failed = sum(progress.kinds.values())
    if failed:
        kinds = ", ".join(f"{number} {kind}" for kind, number in progress.kinds.most_common())
        parts.append(f"{failed} without results ({kinds})")
    echo(f"{printable(folder)}: {', '.join(parts)}")
    for place, why in progress.unread.items():
        echo(f"tagnode: '{printable(place)}' cannot be read: {why}", err=True)
    if failed:
        echo(f"Why: tagnode catalogue errors {printable(folder)}", err=True)


@command.command("status")
@_FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def status(folder: Path, *, as_json: bool) -> None:
    """Print what a catalogue has: recordings, hours, errors, models, the names of columns.

    \b
    Example:
      tagnode catalogue status tags
    """
    from pyplugin.catalogue.query import aliases, summary
    from pyplugin.catalogue.store import Catalogue

    store = Catalogue(folder)
    numbers = {**summary(store), "being_built": store.is_being_built(), "setup": store.identity}
    if as_json:
        echo(json.dumps(numbers, ensure_ascii=False, indent=1))
        return
    models = [each["name"] for key in ("models", "heads") for each in store.identity[key]]
    errors = ", ".join(f"{number} {kind}" for kind, number in numbers["errors"].items())
    short = [name for name, full in aliases(store.identity["descriptors"]).items()]
    lines = {
        "recordings": f"{numbers['recordings']}, {numbers['hours']:.1f} h",
        "vanished": str(numbers["vanished"]),
        "errors": errors or "none",
        "models": ", ".join(models),
        "embedding": store.identity["embedding"] or "none",
        "size": f"{numbers['bytes'] / 1e6:.1f} MB in {counted(numbers['parts'], 'part')}",
        "being built": "yes" if numbers["being_built"] else "no",
        "columns": ", ".join(name for name in short if not name.endswith(("_max", "_share"))),
    }
    for name, text in lines.items():
        echo(f"{name + ':':13}{text}")


@command.command("errors")
@_FOLDER
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each.")
def errors(folder: Path, *, as_json: bool) -> None:
    """Print the recordings without results, and why.

    \b
    Example:
      tagnode catalogue errors tags
    """
    from pyplugin.catalogue.store import Catalogue

    rows = Catalogue(folder).read("errors", ["path", "kind", "message"]).to_pylist()
    for row in sorted(rows, key=lambda each: (each["kind"], each["path"])):
        if as_json:
            echo(json.dumps(row, ensure_ascii=False), vital=True)
        else:
            echo(f"{row['kind']:12}{printable(row['message'])}", vital=True)


@command.command("query")
@_FOLDER
@click.argument("condition", required=False)
@click.option("--sort", metavar="COLUMN", help="The largest first.  [default: by path]")
@click.option("--reverse", is_flag=True, help="The smallest first.")
@click.option("--limit", type=click.IntRange(1), help="Rows at most.")
@click.option("--columns", metavar="NAME,...", help="Print these, too.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each.")
def query(
    folder: Path,
    condition: str | None,
    sort: str | None,
    columns: str | None,
    limit: int | None,
    *,
    reverse: bool,
    as_json: bool,
) -> None:
    """Print the recordings for which CONDITION holds: an expression of SQL on columns.

    A label is its mean over the recording, with _max its largest value, with _share the share of
    windows in which it is .3 or more: 'tagnode catalogue status' lists labels. Other columns are
    path, duration, loudness, true_peak, tempo, size, mtime, sample_rate and channels.

    \b
    Examples:
      tagnode catalogue query tags "speech > .8 and music < .2" --sort loudness
      tagnode catalogue query tags "drums_max > .5 and tempo between 110 and 130" --limit 20
    """
    from pyplugin.catalogue.query import Database
    from pyplugin.catalogue.store import Catalogue

    with Database(Catalogue(folder)) as database:
        wanted = [name.strip() for name in columns.split(",")] if columns else []
        wanted += database.named(condition, sort)
        found = database.query(
            condition, columns=list(dict.fromkeys(wanted)), sort=sort, reverse=reverse, limit=limit
        )
    if as_json:
        for row in found.dicts():
            echo(json.dumps(row, ensure_ascii=False, default=str), vital=True)
        return
    for path, *values in found.rows:
        echo("  ".join([*(f"{_shown(each):>8}" for each in values), printable(path)]), vital=True)


def _shown(value: object) -> str:
    return "-" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)


@command.command("export")
@_FOLDER
@path_option("--csv", "Write all columns, a row for each recording; - for standard output.")
@path_option("--m3u", "Write a playlist.")
@path_option("--jams", "Write a .jams file for each recording into this folder.")
@click.option("--where", "condition", metavar="CONDITION", help="Only these; as for query.")
@click.option("--sort", metavar="COLUMN", help="Order of the playlist, the largest first.")
def export(
    folder: Path,
    csv: Path | None,
    m3u: Path | None,
    jams: Path | None,
    condition: str | None,
    sort: str | None,
) -> None:
    """Write recordings of a catalogue for other programs.

    \b
    Examples:
      tagnode catalogue export tags --csv tags.csv
      tagnode catalogue export tags --m3u calm.m3u --where "drums_max < .1" --sort music
      tagnode catalogue export tags --jams annotations
    """
    from pyplugin.catalogue.export import export_csv, export_jams, export_m3u
    from pyplugin.catalogue.query import Database
    from pyplugin.catalogue.store import Catalogue

    if csv is None and m3u is None and jams is None:
        raise click.UsageError("Give --csv, --m3u or --jams: what is to be written.")
    check_outputs((csv, m3u), ())
    store = Catalogue(folder)
    with Database(store) as database:
        if csv is not None:
            _written(csv, export_csv(database, csv, store.identity["descriptors"], condition))
        if m3u is not None:
            _written(m3u, export_m3u(database, m3u, condition, sort))
        if jams is not None:
            _written(jams, export_jams(store, database, jams, condition))


def _written(path: Path, number: int) -> None:
    if not is_special(path):
        echo(f"{printable(path)}: {counted(number, 'recording')}")


@command.command("similar")
@_FOLDER
@click.argument("recording", metavar="FILE")
@click.option("--k", default=10, show_default=True, type=click.IntRange(1), help="How many.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each.")
def similar_to(folder: Path, recording: str, k: int, *, as_json: bool) -> None:
    """Print the recordings that are most like FILE, the nearest first.

    A FILE that the catalogue does not have is analysed. The catalogue needs --embeddings.

    \b
    Example:
      tagnode catalogue similar tags song.ogg --k 5
    """
    from pyplugin.catalogue.analysis import Analyser
    from pyplugin.catalogue.locations import is_remote
    from pyplugin.catalogue.similar import check_embeddings, embedding_of, similar
    from pyplugin.catalogue.store import Catalogue

    store = Catalogue(folder)
    check_embeddings(store)
    path = recording if is_remote(recording) else os.path.abspath(recording)  # noqa: PTH100
    embedding = embedding_of(store, path)
    if embedding is None:
        with Analyser(_setup(folder, None, (), None, embeddings=False, windows=False)) as analyser:
            embedding = analyser.analyse(path).embedding
    assert embedding is not None
    for each in [each for each in similar(store, embedding, k + 1) if each.path != path][:k]:
        if as_json:
            echo(json.dumps(vars(each), ensure_ascii=False), vital=True)
        else:
            echo(f"{each.similarity:.3f}  {printable(each.path)}", vital=True)


@command.command("map")
@_FOLDER
@click.argument("out", type=PATH, metavar="OUT.html")
@click.option(
    "--by",
    "method",
    type=click.Choice(["pca", "tsne"]),
    default="pca",
    show_default=True,
    help="Two directions of most variance, or neighbourhoods by t-SNE, which takes longer.",
)
def map_of(folder: Path, out: Path, method: str) -> None:
    """Write a page with a point for each recording: similar ones are near each other.

    It shows names, is zoomed by the wheel and plays what is clicked. The catalogue needs
    --embeddings.

    \b
    Example:
      tagnode catalogue map tags map.html
    """
    from pyplugin.catalogue.map import write_map
    from pyplugin.catalogue.store import Catalogue

    check_suffix("OUT", out, ".html")
    check_outputs((out,), ())
    _written(out, write_map(Catalogue(folder), out, method=method))


@command.command("write")
@_FOLDER
@click.option("--genre", metavar="MODEL|HEAD", help="Write its strongest label as the genre.")
@click.option("--mood", metavar="MODEL|HEAD", help="Write its strongest label as the mood.")
@click.option("--key", metavar="MODEL|HEAD", help="Write its strongest label as the initial key.")
@click.option("--bpm", is_flag=True, help="Write the tempo.")
@click.option("--replaygain", is_flag=True, help="Write gain (to -18 LUFS) and true peak.")
@click.option("--where", "condition", metavar="CONDITION", help="Only these; as for query.")
@click.option("--dry-run", is_flag=True, help="Print what would change, and change nothing.")
def write(folder: Path, condition: str | None, *, dry_run: bool, **asked: Any) -> None:
    """Write results into the tags of the files themselves.

    Each file is copied; the copy takes its place once its audio and its tags were compared. Other
    tags stay as they are.

    \b
    Examples:
      tagnode catalogue write tags --bpm --replaygain --dry-run
      tagnode catalogue write tags --genre scene --where "music > .8" --dry-run
    """
    from pyplugin.catalogue.locations import content_of, mtime_of
    from pyplugin.catalogue.query import Database
    from pyplugin.catalogue.store import CatalogueWriter
    from pyplugin.catalogue.writeback import Wanted, values_for, write_tags

    if not any(asked.values()):
        raise click.UsageError("Give --genre, --mood, --key, --bpm or --replaygain.")
    setup = _setup(folder, None, (), None, embeddings=False, windows=False)
    code = 0
    with CatalogueWriter(folder) as store:
        with Database(store) as database:
            wanted = list(values_for(database, setup, Wanted(**asked), condition))
        states: dict[str, tuple[int, int | None, str]] = {}
        try:
            for path, values in wanted:
                try:
                    change = write_tags(path, values, dry_run=dry_run)
                except PypluginError as error:
                    echo(f"tagnode: {printable(error)}", err=True)
                    code = 1
                    continue
                for field, after in change.after.items():
                    before = change.before[field] or "-"
                    echo(printable(f"{path}: {field} {before} -> {after}"))
                if change.after and not dry_run:
                    states[path] = (*mtime_of(path), content_of(path))
        finally:
            store.restate(states)
    raise SystemExit(code)
