"""``tagnode models``: List, build and check models."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from pyplugin.cli.explain import explain
from pyplugin.cli.ui.suppress_output import without_banner
from pyplugin.cli.ui.terminal import echo
from pyplugin.support.printable import printable


class _Get(click.Command):
    """Takes the options that the importers declare, and describes what each importer needs."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        from pyplugin.models.importers.importer import importers

        declared: dict[str, click.Option] = {}
        for each in importers():
            for option in each.needs().options:
                flag = f"--{option.name.replace('_', '-')}"
                about = f"{option.description}  [{next(iter(each.names()))} ...]"
                made = click.Option([flag, option.name], type=int, help=about)
                declared.setdefault(option.name, made)
        own = super().get_params(ctx)
        return [*own[:-1], *declared.values(), own[-1]]  # --help stays last

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from pyplugin.models.importers.importer import importers

        with formatter.section("Needs"):
            for each in importers():
                names = ", ".join(name for name in each.names() if not name.endswith("-float"))
                formatter.write_text(f"{names}: {each.needs().description}.")


@click.group("models")
def command() -> None:
    """List, build and check models.

    They are in the user's data folder; the environment variable PYPLUGIN_MODELS names another. A
    .tflite file that is put there with its card beside it is listed too.

    \b
    Examples:
      tagnode models list
      tagnode models get musicnn-mtt
      tagnode models explain scene Music --layer layer_4 --out units
      tagnode models verify
    """


@command.command("list")
@click.option(
    "--measure", is_flag=True, help="Measure the processor time of those that are built, here."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list.")
def list_models(*, measure: bool, as_json: bool) -> None:
    """List all models: what they name, size, window, hop, latency, and how they run.

    The latency is that of results at 48 kHz; "inline" runs in the callback, "worker" on a thread
    beside it. With --measure there is the processor time for a second of audio in both, in
    milliseconds; it is of this machine at this moment, and nothing is kept.

    \b
    Examples:
      tagnode models list
      tagnode models list --measure
      tagnode models list --json
    """
    from dataclasses import asdict

    from pyplugin.cli.ui.model_table import as_lines, model_rows
    from pyplugin.models import folders

    with without_banner():
        rows = model_rows(measure=measure)
    if as_json:
        echo(json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False))
        return
    for line in as_lines(rows):
        echo(printable(line))
    echo(f"\nFolder: {folders.data_folder()}")


@command.command("info")
@click.argument("name")
def info(name: str) -> None:
    """Print the card of a built model as JSON: labels, front-end, provenance, drift.

    \b
    Example:
      tagnode models info scene
    """
    from pyplugin.models import card, registry

    echo(card.render_card(registry.info(name)), nl=False)


@command.command("get", cls=_Get)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="The file or folder with the weights, instead of downloading it.",
)
@click.option(
    "--accept-license",
    "accepted",
    is_flag=True,
    help="Take weights whose licence restricts what may be done with them.",
)
def get(names: tuple[str, ...], source: Path | None, *, accepted: bool, **options: Any) -> None:
    """Build models from published weights; 'all' builds those under licences without restrictions.

    The int8 models are also made ready for the DAW plugin. Weights under the AGPL, the GPL or a
    licence that forbids commercial use are taken only with --accept-license, or after a question.

    \b
    Examples:
      tagnode models get musicnn-mtt
      tagnode models get musicnn-msd --patch 64
      tagnode models get vgg-mtt vgg-msd --from musicnn-0.1.0-py3-none-any.whl
    """
    from pyplugin.daw import container, parameters
    from pyplugin.models import registry
    from pyplugin.models.importers.importer import importers
    from pyplugin.models.importers.importer import names as importer_names

    if "all" in names:
        if source is not None:
            raise click.UsageError("--from is for models of one family; name them instead of all.")
        fetched = [each for each in importers() if each.needs().fetched]
        free = [
            name
            for each in fetched
            for name, summary in each.names().items()
            if not _restricts(summary.licence)
        ]
        names = (*free, *names)
    wanted = [name for name in names if name != "all"]
    built: set[str] = set()
    report = partial(echo, err=True)
    summaries = importer_names()
    for name in wanted:
        if name in built:
            continue
        licence = summaries[name].licence if name in summaries else ""
        if _restricts(licence) and not accepted:
            _ask(name, licence)
        for path in registry.get(name, source=source, report=report, **options):
            built.add(path.stem)
            echo(printable(path))
            if path.stem in parameters.MODELS:
                container.install(registry.load(path))


@command.command("import")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--name", help="Name of the model or head.  [default: that of the file]")
@click.option(
    "--card",
    type=click.Path(path_type=Path),
    help="A card, complete or not, such as Essentia's.  [default: the .json beside the file]",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="A file of labels, one a line, or a CSV with a column display_name.",
)
@click.option(
    "--front-end",
    metavar="NAME|FILE",
    help="The mel spectrogram that the network takes: a name, or a .json file.",
)
@click.option("--model", metavar="NAME", help="Of a head: the model that it runs on.")
@click.option("--embedding", metavar="OUTPUT", help="Of a head: the model's output that it takes.")
@click.option("--output", metavar="LAYER", help="The layer of the predictions.")
@click.option("--signature", metavar="NAME", help="Of a SavedModel that has several.")
@click.option(
    "--runtime",
    type=click.Choice(["onnxruntime"]),
    help="Keep an .onnx file as it is, for onnxruntime, also if its operators are known.",
)
@click.option(
    "--layer",
    "layers",
    multiple=True,
    metavar="LAYER",
    help="Another layer that becomes an output; the first is the embedding; may be repeated.",
)
@click.option("--patch", type=click.IntRange(1, 100_000), help="Mel frames that it takes at once.")
@click.option("--hop", type=click.FloatRange(0.001, 3600), help="Seconds between two results.")
@click.option(
    "--calibrate",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A recording, or a folder of them, by which the network becomes int8; may be repeated.",
)
@click.option("--license", "licence", metavar="SPDX", help="The licence of the weights.")
@click.option(
    "--card-template",
    "template",
    is_flag=True,
    help="Import nothing; print a start of a card for FILE, with comments, to be filled in.",
)
def import_models(
    files: tuple[Path, ...], calibrate: tuple[Path, ...], *, template: bool, **options: Any
) -> None:
    """Import networks of other people: SavedModels, .meta, .pb, .onnx, .h5, .keras, .tflite, tfjs.

    A network on another model's embedding becomes a head, any other one a model. Known networks
    (MusiCNN and its classifiers, YAMNet, TempoCNN, deepsound) need no front-end; labels that
    neither a card nor the network states come from --labels.

    A SavedModel is given by its folder, a checkpoint by its .meta, TensorFlow.js by its model.json.
    Of operators that are not known, onnxruntime runs those of .onnx, and TensorFlow, if it is
    installed, converts those of its own formats.

    Models run beside the callback, in float. With --calibrate a model becomes int8 and runs inside
    it, if its values then differ by at most 0.005 in the mean and 0.15 anywhere.

    \b
    Examples:
      tagnode models import danceability-msd-musicnn-1.pb
      tagnode models import yamnet.tflite
      tagnode models import my-model.onnx --front-end musicnn --labels labels.txt
      tagnode models import my-model.onnx --front-end musicnn --labels labels.txt --calibrate Music
      tagnode models import my-model.onnx --card-template > my-card.json
    """
    from pyplugin.models.import_options import ImportOptions
    from pyplugin.models.importing import import_file

    if template:
        _print_template(files, options)
        return
    if calibrate:
        options["patches"] = partial(patches_of, tuple(map(str, calibrate)))
    if len(files) > 1 and (options["name"] or options["card"]):
        raise click.UsageError("--name and --card are for one file.")
    for path in files:
        with without_banner():
            done = import_file(path, ImportOptions(**options, report=partial(echo, err=True)))
        use = "--head" if done.kind == "head" else "--model"
        verb = "separate song.ogg --out stems" if done.kind == "stems" else "tag song.ogg"
        echo(f"{printable(done.path)}: {done.kind} {printable(done.name)}")
        for note in done.notes:
            echo(f"  {printable(note)}", err=True)
        echo(f"  tagnode {verb} {use} {printable(done.name)}", err=True)


def _print_template(files: tuple[Path, ...], options: dict[str, Any]) -> None:
    from pyplugin.models.import_options import ImportOptions
    from pyplugin.models.templates import card_template

    used = {"front_end", "output", "patch"}
    unused = [name for name, value in options.items() if value and name not in used]
    if len(files) > 1 or unused:
        raise click.UsageError(
            "--card-template takes one FILE, and of the other options --front-end, --output and "
            "--patch only."
        )
    with without_banner():
        text = card_template(files[0], ImportOptions(**options))
    echo(text, nl=False)


_MOST_PATCHES = 200


def patches_of(given: tuple[str, ...], model: Any) -> Any:
    """Return what a model takes of each recording, in windows that overlap by half."""
    from pyplugin.cli.ui.recordings import expand_files
    from pyplugin.tagging import tag

    files, status = expand_files(given)
    if status or not files:
        raise click.UsageError("--calibrate has no recordings, or some that cannot be read.")
    front_end = model.card.front_end
    window = model.card.patch_frames * front_end.hop / front_end.sample_rate
    options = {"model": model, "hop": window / 2, "embedding": "patch", "runtime": "litert"}
    results = [tag(each, **options).embeddings for each in files]
    found = [rows for rows in results if rows is not None]
    step = -(-sum(map(len, found)) // _MOST_PATCHES)
    return [rows[::step] for rows in found]


@command.command("layers")
@click.argument("source", metavar="NAME|FILE")
@click.option("--patch", type=click.IntRange(1, 100_000), help="Mel frames, where a file needs it.")
@click.option("--signature", metavar="NAME", help="Of a SavedModel that has several.")
def layers(source: str, patch: int | None, signature: str | None) -> None:
    """List the layers of a model or of a network's file; each can be an output.

    \b
    Examples:
      tagnode models layers scene
      tagnode models layers danceability-msd-musicnn-1.pb
    """
    from pyplugin.models import registry
    from pyplugin.models.importing import layers_in

    known = {status.name: status.path for status in registry.available() if status.built}
    path = Path(source) if Path(source).exists() else known.get(source)
    if path is None:
        path = registry.load(source).path  # says what is missing
    found = layers_in(path, patch, signature)
    width = max((len(layer.kind) for layer in found), default=0)
    for layer in found:
        shape = " x ".join(map(str, layer.shape))
        echo(f"{layer.kind:<{width}}  {shape:>16}  {printable(layer.name)}")


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of cards, for editors that validate JSON.

    \b
    Example:
      tagnode models schema > card.schema.json
    """
    from pyplugin.models.schema import card_schema

    echo(json.dumps(card_schema(), indent=1, ensure_ascii=False))


_RESTRICTING = ("AGPL", "GPL", "CC-BY-NC")


def _restricts(licence: str) -> bool:
    return licence.startswith(_RESTRICTING)


def _ask(name: str, licence: str) -> None:
    """Ask whether weights of that licence are wanted; without a terminal, refuse them."""
    what = f"The weights of {name} are under {licence}: https://spdx.org/licenses/{licence}.html"
    if not sys.stdin or not sys.stdin.isatty():
        raise click.UsageError(f"{what}. To take them, add --accept-license.")
    click.confirm(f"{what}. Take them?", abort=True, err=True)


@command.command("verify")
def verify() -> None:
    """Check the hash, card, inputs and outputs of every built model.

    The exit status is 1 if a model is damaged.

    \b
    Example:
      tagnode models verify
    """
    from pyplugin.models import registry

    results = registry.verify()
    for result in results:
        problem = f": {result.problem}" if result.problem else ""
        echo(f"{'ok ' if result.ok else 'BAD'}  {result.name}{printable(problem)}")
    if not all(result.ok for result in results):
        raise SystemExit(1)


command.add_command(explain)
