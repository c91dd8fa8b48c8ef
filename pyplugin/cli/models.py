"""``pyplugin models``."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.group("models")
def command() -> None:
    """List, build and check models.

    Models are stored in the data folder of the user, or in the one in the environment variable
    PYPLUGIN_MODELS.

    \b
    Examples:
      pyplugin models list
      pyplugin models get musicnn-mtt
      pyplugin models verify
    """


@command.command("list")
def list_models() -> None:
    """List all models, and whether they are built.

    \b
    Example:
      pyplugin models list
    """
    from pyplugin.models import registry

    statuses = registry.available()
    width = max(len(status.name) for status in statuses)
    for status in statuses:
        size = f"{status.size / 1e6:5.1f} MB" if status.built and status.size else "not built"
        click.echo(f"{status.name:<{width}}  {size:>9}  {status.description}")
    click.echo(f"\nFolder: {registry.data_folder()}")


@command.command("info")
@click.argument("name")
def info(name: str) -> None:
    """Print the card of a built model as JSON: labels, front-end, provenance, drift.

    \b
    Example:
      pyplugin models info scene
    """
    from pyplugin.models import card, registry

    click.echo(card.render_card(registry.info(name)), nl=False)


@command.command("get")
@click.argument("name")
@click.option(
    "--patch",
    type=click.IntRange(1),
    help="Mel frames in a window, 16 to 4096; MusiCNN only.  [default: 187]",
)
@click.option(
    "--wheel",
    type=click.Path(path_type=Path),
    help="Wheel musicnn 0.1.0 with the weights, instead of a download.",
)
def get(name: str, patch: int | None, wheel: Path | None) -> None:
    """Build a model, int8 and float, from published weights; NAME 'all' builds every model.

    The weights are in the package musicnn 0.1.0 (ISC licence), which is downloaded once with pip
    and verified by its SHA-256. A window of 64 frames lasts 1.0 s instead of 3.0 s: results follow
    changes faster, but are slightly less accurate. The int8 models are also installed for the DAW
    plugin.

    \b
    Examples:
      pyplugin models get musicnn-mtt
      pyplugin models get musicnn-msd --patch 64
      pyplugin models get all --wheel musicnn-0.1.0-py3-none-any.whl
    """
    from pyplugin.daw import container
    from pyplugin.models import registry

    names = registry.NETWORKS if name == "all" else (name,)
    for each in names:
        for path in registry.get(
            each, patch=patch, wheel=wheel, report=lambda s: click.echo(s, err=True)
        ):
            click.echo(path)
            if path.stem in container.CHOICES:
                container.install(registry.load(path))


@command.command("verify")
def verify() -> None:
    """Check the hash, card, inputs and outputs of every built model.

    The exit status is 1 if a model is damaged.

    \b
    Example:
      pyplugin models verify
    """
    from pyplugin.models import registry

    results = registry.verify()
    for result in results:
        problem = f": {result.problem}" if result.problem else ""
        click.echo(f"{'ok ' if result.ok else 'BAD'}  {result.name}{problem}")
    if not all(result.ok for result in results):
        raise SystemExit(1)
