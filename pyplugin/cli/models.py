"""``tagnode models``: List, build and check models."""

from functools import partial
from pathlib import Path
from typing import Any

import click

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
      tagnode models verify
    """


@command.command("list")
def list_models() -> None:
    """List all models, and whether they are built.

    \b
    Example:
      tagnode models list
    """
    from pyplugin.models import folders, registry

    statuses = registry.available()
    width = max(len(status.name) for status in statuses)
    for status in statuses:
        size = f"{status.size / 1e6:5.1f} MB" if status.built and status.size else "not built"
        echo(f"{status.name:<{width}}  {size:>9}  {printable(status.description)}")
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
def get(names: tuple[str, ...], source: Path | None, **options: Any) -> None:
    """Build models from published weights; 'all' builds every one whose weights can be downloaded.

    The int8 models are also made ready for the DAW plugin.

    \b
    Examples:
      tagnode models get musicnn-mtt
      tagnode models get musicnn-msd --patch 64
      tagnode models get vgg-mtt vgg-msd --from musicnn-0.1.0-py3-none-any.whl
    """
    from pyplugin.daw import container, parameters
    from pyplugin.models import registry
    from pyplugin.models.importers.importer import importers

    if "all" in names:
        if source is not None:
            raise click.UsageError("--from is for models of one family; name them instead of all.")
        fetched = [each for each in importers() if each.needs().fetched]
        names = (*(name for each in fetched for name in each.names()), *names)
    wanted = [name for name in names if name != "all"]
    built: set[str] = set()
    report = partial(echo, err=True)
    for name in wanted:
        if name in built:
            continue
        for path in registry.get(name, source=source, report=report, **options):
            built.add(path.stem)
            echo(printable(path))
            if path.stem in parameters.MODELS:
                container.install(registry.load(path))


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
